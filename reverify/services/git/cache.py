"""Repositories of ours that keep what was fetched, one folder for each origin.

What is kept is believed no more than what a server sends: each object is hashed again
whenever it is read.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import filelock

from reverify.errors import ServiceError
from reverify.services.git.command import Bounds, Git
from reverify.services.git.objects import Objects
from reverify.services.git.origins import Origin

LOCK_SECONDS = 600.0
KEPT_BYTES, KEPT_SECONDS = 10 << 30, 90 * 86400.0
"""How much is kept at the end of a run, and for how long after it was used last."""


class Pruned(NamedTuple):
    """What was thrown away.

    Attributes:
        origins: how many.
        bytes: how many.
    """

    origins: int
    bytes: int


class Kept:
    """What is kept of one origin; it stays while this is open.

    Args:
        folder: of the origin.
        bounds: what each run of git in it may take.

    Raises:
        ServiceError: it cannot be written.
    """

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self.folder = folder
        self._bounds = bounds
        self._open: list[Git] = []
        self._lock = filelock.FileLock(f"{folder}.lock", timeout=LOCK_SECONDS)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._used = os.open(f"{folder}.used", os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._used, fcntl.LOCK_SH)
            os.utime(self._used)
            folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise ServiceError(
                f"{folder}: cannot be used ({error.strerror})"
            ) from error

    def git(self, name: str, algorithm: str) -> Git:
        """One of its repositories, made if it is not there.

        Args:
            name: `lean`, which leaves contents of files at the server; `whole`; or
                `history`, which has commits and tags alone.
            algorithm: sha1 or sha256.
        """
        directory = self._directory(name, algorithm)
        git = Git(algorithm=algorithm, directory=directory, bounds=self._bounds)
        self._open.append(git)
        return git

    def objects(self, name: str, algorithm: str) -> Objects | None:
        """The objects of one of its repositories; None if there is no such yet.

        They are borrowed by a repository that knows of no server: in one that does,
        git goes to pieces over an object that was left there.
        """
        directory = self._directory(name, algorithm)
        if not directory.is_dir():
            return None
        borrowed = {"GIT_OBJECT_DIRECTORY": str(directory / "objects")}
        if (directory / "shallow").exists():
            borrowed["GIT_SHALLOW_FILE"] = str(directory / "shallow")
        git = Git(algorithm=algorithm, environment=borrowed, bounds=self._bounds)
        self._open.append(git)
        return Objects(git, algorithm)

    def fetched(self, commit: str, algorithm: str) -> float | None:
        """When a commit was fetched, in seconds since 1970; None if it was not."""
        for name in ("lean", "whole"):
            mark = self._directory(name, algorithm) / "refs" / "kept" / commit
            with contextlib.suppress(OSError):
                return mark.stat().st_mtime
        return None

    def drop(self, name: str, algorithm: str) -> None:
        """Throw one of its repositories away, since it is damaged."""
        shutil.rmtree(self._directory(name, algorithm), ignore_errors=True)

    def _directory(self, name: str, algorithm: str) -> Path:
        return self.folder / f"{name}-{algorithm}.git"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who fetches.

        Raises:
            ServiceError: another one does not come to an end.
        """
        try:
            with self._lock:
                self._clean()
                yield
        except filelock.Timeout as error:
            raise ServiceError(
                f"{self.folder}: another process has been fetching for"
                f" {LOCK_SECONDS:g} seconds"
            ) from error

    def _clean(self) -> None:
        """Remove what a fetch that was killed has left."""
        for pattern in ("*.git/**/*.lock", "*.git/objects/pack/tmp_*"):
            for path in self.folder.glob(pattern):
                with contextlib.suppress(OSError):
                    path.unlink()

    def close(self) -> None:
        """Let it be pruned."""
        for git in self._open:
            git.close()
        self._open.clear()
        with contextlib.suppress(OSError):
            os.close(self._used)
        self._used = -1


class Cache:
    """All that is kept, for all crates and runs.

    Args:
        folder: where; it is made when something is first kept.
        bounds: what each run of git in it may take.
    """

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds

    def open(self, origin: Origin) -> Kept:
        """What is kept of an origin; close it when done.

        Raises:
            ServiceError: it cannot be written.
        """
        return Kept(self._folder / origin.digest, self._bounds)

    def prune(self, max_bytes: int, max_age: float) -> Pruned:
        """Throw away what was not used for long, then the oldest, until it is small.

        What somebody uses just now stays.

        Args:
            max_bytes: how much may stay.
            max_age: how many seconds ago it may have been used last.
        """
        found = []
        for folder in self._folder.glob("?" * 64):
            with contextlib.suppress(OSError):
                used = Path(f"{folder}.used").stat().st_mtime
                found.append((used, folder, _bytes_in(folder)))
        left = sum(size for _, _, size in found)
        origins = gone = 0
        for used, folder, size in sorted(found):
            if (time.time() - used > max_age or left > max_bytes) and _remove(folder):
                origins += 1
                gone += size
                left -= size
        return Pruned(origins, gone)


def _remove(folder: Path) -> bool:
    """Remove what is kept of an origin, unless it is in use."""
    with contextlib.suppress(OSError), Path(f"{folder}.used").open("rb") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    return False


def _bytes_in(folder: Path) -> int:
    total = 0
    for base, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):
                total += (Path(base) / file).lstat().st_size
    return total
