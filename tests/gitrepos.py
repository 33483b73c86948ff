"""Small git repositories, made on the spot by the plain program."""

import os
import subprocess
from pathlib import Path

DATE = "2026-01-31T12:00:00+0000"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": DATE,
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": DATE,
}


def git(folder: Path, *arguments: str, given: str | None = None) -> str:
    answer = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip()


def make_repository(
    folder: Path, files: dict[str, bytes] | None = None, *options: str
) -> Path:
    """A repository with one commit, or none if there are no files."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main", *options)
    if files:
        commit(folder, files)
    return folder


def commit(folder: Path, files: dict[str, bytes], message: str = "Add files") -> str:
    """Write files, commit them, and say the commit's id."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    git(folder, "add", "--force", "--", *files)
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")
