"""A capsule that says all there is to say, its git repository, and what exports it."""

import hashlib
import io
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from reverify.capsules.export import Exported, export_capsule
from reverify.capsules.manifest import manifest_of
from reverify.capsules.sources import FolderSource
from reverify.errors import CapsuleError
from reverify.model.capsule import FileRecord, Manifest

ID = "3f1d1c5e-6a52-4e5b-9d0a-0a1b2c3d4e5f"
ORIGIN = "https://git.example.org/lab/rain"
FILES = {
    "data/rain.csv": b"station,mm\na,1\nb,2\n",
    "out/total.txt": b"3\n",
    "out/plot.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "src/sum.py": b"print(1 + 2)\n",
    "requirements.lock": b"numpy==2.1.0\n",
}
ORGANIZATION = {
    "name": "Institute of Rain",
    "ror": "https://ror.org/00examp10",
    "url": "https://rain.example.org/",
    "email": "office@rain.example.org",
}
Json = dict[str, Any]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def record(path: str, media_type: str, description: str, **more: object) -> Json:
    data = FILES[path]
    return {
        "path": path,
        "media_type": media_type,
        "description": description,
        "size": len(data),
        "sha256": sha256(data),
        **more,
    }


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular, at no time in particular."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada Example",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_AUTHOR_DATE": "1700000000 +0100",
        "GIT_COMMITTER_NAME": "Ada Example",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_COMMITTER_DATE": "1700000000 +0100",
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def write_files(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def repository(folder: Path) -> tuple[str, str]:
    """Make a repository of the code; its commit and tree."""
    write_files(folder, {"src/sum.py": FILES["src/sum.py"]})
    git(folder, "init", "--quiet")
    git(folder, "add", "src")
    git(folder, "commit", "--quiet", "--message", "Sum")
    return git(folder, "rev-parse", "HEAD"), git(folder, "rev-parse", "HEAD^{tree}")


def full(commit: str | None = None, tree: str | None = None, **changes: object) -> Json:
    """A manifest in which all is said."""
    code = {
        "name": "rain",
        "version": "1.4.2",
        "repository": ORIGIN,
        "path": "src/sum.py",
        "git_commit": commit,
        "git_tree_hash": tree,
        "swh_origin_url": ORIGIN,
        "files": [record("src/sum.py", "text/x-python", "Sums the rain.")],
        "language": {
            "name": "Python",
            "version": "3.11",
            "url": "https://www.python.org/",
        },
    }
    document = {
        "schema_version": "1.0",
        "id": ID,
        "title": "Rain at three stations",
        "description": "How much it rained, and where.\nSummed over all stations.",
        "status": "completed",
        "created": "2026-01-30T12:00:00Z",
        "completed": "2026-01-31T12:00:05Z",
        "license": "CC-BY-4.0",
        "authors": [
            {
                "name": "Ada Example",
                "orcid": "https://orcid.org/0000-0002-1825-0097",
                "email": "ada@example.org",
                "affiliations": [ORGANIZATION],
            }
        ],
        "publisher": ORGANIZATION,
        "keywords": ["rain", "weather"],
        "related": [{"id": "https://doi.example.org/10.1/x", "title": "On rain"}],
        "inputs": [record("data/rain.csv", "text/csv", "The rain.")],
        "outputs": [
            record("out/total.txt", "text/plain", "The sum."),
            record("out/plot.svg", "image/svg+xml", "A picture of it."),
        ],
        "code": code,
        "run": {
            "command": ["python", "src/sum.py", "--title", "all of it"],
            "working_directory": ".",
            "parameters": {"title": "all of it", "limit": 3},
            "environment": {"LC_ALL": "C"},
            "started": "2026-01-31T12:00:00Z",
            "ended": "2026-01-31T12:00:05Z",
            "exit_status": 0,
        },
        "environment": {
            "interpreter": {
                "name": "CPython",
                "version": "3.11.7",
                "url": "https://www.python.org/downloads/",
            },
            "packages": [
                {"name": "numpy", "version": "2.1.0", "purl": "pkg:pypi/numpy@2.1.0"}
            ],
            "lock_file": record(
                "requirements.lock", "text/plain", "What was installed."
            ),
            "platform": {"system": "Linux", "machine": "x86_64"},
        },
        "notes": "Measured by hand.",
    }
    return document | changes


def capsule_of(files: Mapping[str, bytes], **changes: object) -> Manifest:
    """A small capsule with these files as outputs, their digests stated."""
    outputs = [
        {"path": path, "sha256": sha256(data), "size": len(data)}
        for path, data in files.items()
    ]
    least = {
        "schema_version": "1.0",
        "id": ID,
        "title": "Rain",
        "status": "completed",
        "created": "2026-01-31T12:00:00Z",
        "outputs": outputs,
    }
    return manifest_of(least | changes)


def write_manifest(folder: Path, document: Mapping[str, Any]) -> Path:
    path = folder / "capsule.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path


class Memory:
    """A source of files that are nowhere but here."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def open(self, file: FileRecord) -> BinaryIO:
        try:
            return io.BytesIO(self.files[file.path or ""])
        except KeyError:
            raise CapsuleError(f"{file.path}: is missing") from None


def export_files(
    files: Mapping[str, bytes],
    target: Path,
    format: str = "dir",
    **options: Any,  # noqa: ANN401 - see export_capsule
) -> Exported:
    return export_capsule(
        capsule_of(files), Memory(files), target, format=format, **options
    )


def export_folder(
    folder: Path,
    document: Mapping[str, Any],
    target: Path,
    **options: Any,  # noqa: ANN401 - see export_capsule
) -> Exported:
    with FolderSource(folder) as source:
        return export_capsule(
            manifest_of(document), source, target, folder=folder, **options
        )


def tree_of(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def hidden(folder: Path) -> Iterator[str]:
    """What exporters leave behind."""
    return (path.name for path in folder.iterdir() if path.name.startswith("."))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
