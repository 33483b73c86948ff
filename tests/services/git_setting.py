"""Repositories on a server of ours, and what looks for commits there."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverify.services import Http
from reverify.services.git import (
    Bounds,
    Cache,
    CodeSources,
    CouldNotTell,
    Found,
    NotFound,
)

from tests.fakes import FixedClock
from tests.gitrepos import ENVIRONMENT, commit, git, make_repository

FILES = {"sum.py": b"print(1)\n", "data/rain.csv": b"a,1\n", "data/wind.csv": b"b,2\n"}
NEVER = "1" * 40
BOUNDS = Bounds(file_bytes=256 << 20, seconds=60)


class Laboratory:
    """A work tree with two commits, its bare copies, and a cache.

    Attributes:
        work: the work tree.
        root: what a server serves.
        first: the id of the first commit.
        second: the id of the second one, the tip of main.
    """

    def __init__(self, base: Path, *options: str) -> None:
        self.base = base
        self.work = make_repository(base / "work", FILES, *options)
        self.first = git(self.work, "rev-parse", "HEAD")
        self.second = commit(self.work, {"sum.py": b"print(2)\n"}, "Sum better")
        self.root = base / "root"
        self.root.mkdir()
        self.cache = base / "cache" / "git"

    def publish(self, name: str = "code.git") -> Path:
        """Put a bare copy, with all branches and tags, where the server serves it."""
        bare = self.root / name
        git(self.work, "clone", "-q", "--mirror", str(self.work), str(bare))
        return bare

    def sources(
        self,
        *named: str | Path,
        bounds: Bounds = BOUNDS,
        **rest: Any,  # noqa: ANN401 - see CodeSources
    ) -> CodeSources:
        rest.setdefault("http", Http(allow_private=True))
        rest.setdefault("allow_private", True)
        return CodeSources(
            cache=Cache(self.cache, bounds),
            clock=FixedClock(),
            sources=[str(item) for item in named],
            **rest,
        )

    def kept(self) -> list[str]:
        """The ids of all objects that are kept."""
        found = []
        for directory in self.cache.glob("*/*.git"):
            listed = subprocess.run(
                [
                    *("git", f"--git-dir={directory}", "cat-file"),
                    *("--batch-all-objects", "--batch-check=%(objectname)"),
                ],
                env={**ENVIRONMENT, "GIT_NO_LAZY_FETCH": "1"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            found += listed.split()
        return found


def blob(work: Path, revision: str, path: str) -> str:
    return git(work, "rev-parse", f"{revision}:{path}")


def found(answer: Found | NotFound | CouldNotTell) -> Found:
    assert isinstance(answer, Found), answer
    return answer


def not_found(answer: Found | NotFound | CouldNotTell) -> NotFound:
    assert isinstance(answer, NotFound), answer
    return answer


def undecided(answer: Found | NotFound | CouldNotTell) -> CouldNotTell:
    assert isinstance(answer, CouldNotTell), answer
    return answer


def whys(answer: NotFound | CouldNotTell) -> Sequence[str]:
    return [reason.why.value for reason in answer.reasons]


def take_away(bare: Path, id: str) -> None:
    """Take one object out of a bare repository, whose packs are unpacked for that."""
    for pack in list((bare / "objects" / "pack").glob("*.pack")):
        data = pack.read_bytes()
        for rest in (bare / "objects" / "pack").iterdir():
            rest.unlink()
        subprocess.run(
            ["git", f"--git-dir={bare}", "unpack-objects", "-q"],
            input=data,
            env=ENVIRONMENT,
            check=True,
        )
    (bare / "objects" / id[:2] / id[2:]).unlink()
