"""A small repository, an archive that has it, and a client whose time we make."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from reverify.services.http import Http
from reverify.services.software_heritage import (
    Archive,
    Cache,
    CouldNotTell,
    Keeping,
    Patience,
    Served,
)

from tests.services.swh_double import SwhDouble
from tests.services.swh_objects import git

T = TypeVar("T")
ORIGIN = "https://github.com/ada/rain"
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


class Time:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._now = NOON

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)

    def seconds(self) -> float:
        return self._now.timestamp()


@dataclass
class Repository:
    """A repository on disk, by the ids in it."""

    path: Path
    commit: str
    tree: str
    tag: str
    blob: str

    @property
    def rev(self) -> str:
        return f"swh:1:rev:{self.commit}"

    @property
    def dir(self) -> str:
        return f"swh:1:dir:{self.tree}"

    @property
    def rel(self) -> str:
        return f"swh:1:rel:{self.tag}"


def repository(folder: Path) -> Repository:
    """The tree T of the vectors, committed and tagged."""
    folder.mkdir(parents=True, exist_ok=True)
    git("init", "-q", at=folder)
    (folder / "src").mkdir()
    for name in ("run", "src.txt", "src/a.txt"):
        (folder / name).write_text("hello\n")
    (folder / "run").chmod(0o755)
    (folder / "ln").symlink_to("src/a.txt")
    git("add", ".", at=folder)
    git("commit", "-q", "-m", "First", at=folder)
    git("tag", "-a", "v1.0", "-m", "Version 1.0", at=folder)
    return described(folder)


def described(folder: Path) -> Repository:
    def id(name: str) -> str:
        return git("rev-parse", name, at=folder).decode().strip()

    return Repository(
        folder, id("HEAD"), id("HEAD^{tree}"), id("v1.0"), id("HEAD:src.txt")
    )


class Setting:
    """An archive and a client of it, both by the same clock.

    Args:
        folder: for the repository and the cache.
        double: the archive; one at the wire, if none is given.
        patience: what a call may cost.
        keep: whether answers are kept.
        token: to be sent.
    """

    def __init__(
        self,
        folder: Path,
        double: SwhDouble | None = None,
        *,
        patience: Patience | None = None,
        keep: bool = False,
        token: str = "",
    ) -> None:
        self.time = Time()
        self.double = double or SwhDouble()
        self.double.now = self.time.seconds
        self.repository = repository(folder / "repository")
        self.snapshot = self.double.load(self.repository.path, ORIGIN)
        self.patience = patience
        self.token = token
        self.folder = folder / "cache" / "software-heritage"
        self.keep = keep
        self.archive = self.client()

    def client(self, keeping: Keeping | None = None) -> Archive:
        """Another client, as a later run would have."""
        return Archive(
            Http(allow_private=True),
            base=self.double.base,
            token=self.token,
            cache=Cache(self.folder, self.time) if self.keep else None,
            clock=self.time,
            sleep=self.time.sleep,
            patience=self.patience,
            keeping=keeping,
        )


def served(answer: object, kind: type[T]) -> T:
    """The value of an answer, which must be there."""
    assert isinstance(answer, Served), answer
    assert isinstance(answer.value, kind)
    return answer.value


def untold(answer: object) -> CouldNotTell:
    """An answer that tells nothing."""
    assert isinstance(answer, CouldNotTell), answer
    return answer
