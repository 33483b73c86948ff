"""Files kept by their digest: `sha256/ab/cd/abcd...`, each content once.

A file is written under another name, flushed to the disk, and then given its own, so
that nobody ever sees half of one; who comes second finds it there.
"""

import contextlib
import errno
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from reverify.errors import CapsuleError

_BLOCK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ABANDONED = 24 * 3600
"""Seconds after which a file that is not finished belongs to nobody."""
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Measured(NamedTuple):
    """What was read: lower-case hexadecimal, and bytes."""

    sha256: str
    size: int


class ChangedError(OSError):
    """A file changed while it was read."""

    def __init__(self) -> None:
        super().__init__(errno.EIO, "it changed while it was read")


def measure(fd: int, into: int | None = None) -> Measured:
    """Read a file to its end, and perhaps copy it.

    Args:
        fd: the file, open for reading, at its beginning.
        into: another file, open for writing.

    Raises:
        OSError: it cannot be read or written.
        ChangedError: it changed meanwhile.
    """
    before = os.fstat(fd)
    hasher, left = hashlib.sha256(), before.st_size + 1
    while left > 0 and (block := os.read(fd, min(_BLOCK, left))):
        hasher.update(block)
        left -= len(block)
        if into is not None:
            _write(into, block)
    after = os.fstat(fd)
    same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    if left != 1 or not same:
        raise ChangedError
    return Measured(hasher.hexdigest(), before.st_size)


def _write(fd: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(fd, rest) :]


class ContentStore:
    """A folder of files by their digest; made when the first one comes.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the content of that digest lies, if it is there.

        Raises:
            ValueError: this is no digest.
        """
        if not _DIGEST.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no SHA-256 digest")
        return self.root / "sha256" / sha256[:2] / sha256[2:4] / sha256

    def holds(self, sha256: str) -> bool:
        """Whether something lies there."""
        return self.path(sha256).is_file()

    def add(self, fd: int, sha256: str | None = None) -> Measured:
        """Copy a file into the store, unless it is there already and sound.

        Args:
            fd: the file, open for reading, at its beginning.
            sha256: the digest it must have; any if None.

        Raises:
            OSError: the file cannot be read.
            ChangedError: it changed meanwhile.
            CapsuleError: the store cannot be written, or the digest is another.
        """
        if sha256 is not None and self._is_sound(sha256):
            found = measure(fd)
            _expect(found, sha256)
            return found
        with self._unfinished() as (name, into):
            found = measure(fd, into)
            _expect(found, sha256)
            if not self._is_sound(found.sha256):
                self._finish(name, into, found.sha256)
            return found

    def open(self, sha256: str, name: str | None = None) -> BinaryIO:
        """Open the content of that digest; whoever reads it looks if it holds.

        Args:
            sha256: the digest.
            name: what to call it in an error.

        Raises:
            CapsuleError: it is not there, or cannot be opened.
        """
        path = self.path(sha256)
        try:
            fd = os.open(path, _FLAGS)
        except FileNotFoundError as error:
            raise CapsuleError(
                f"{name or 'content'}: sha256:{sha256} is not in the store {self.root};"
                " register the capsule again with --store, or set REVERIFY_STORE"
            ) from error
        except OSError as error:
            raise CapsuleError(
                f"{path}: cannot be opened ({error.strerror})"
            ) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise CapsuleError(f"{path}: is no regular file; take it out of the store")
        return os.fdopen(fd, "rb")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Read everything anew; pairs of what does not hold, and why."""
        top = self.root / "sha256"
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if not _DIGEST.fullmatch(name) or path != self.path(name):
                    yield str(path), "does not belong into the store"
                elif reason := self._fault(name):
                    yield str(path), reason

    def _fault(self, sha256: str) -> str | None:
        try:
            with self.open(sha256) as stream:
                found = measure(stream.fileno())
        except CapsuleError as error:
            return str(error)
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        if found.sha256 != sha256:
            return f"holds bytes of sha256:{found.sha256}"
        return None

    def _is_sound(self, sha256: str) -> bool:
        return self.path(sha256).exists() and self._fault(sha256) is None

    @contextlib.contextmanager
    def _unfinished(self) -> Iterator[tuple[Path, int]]:
        """A file to write to, which is gone afterwards if it was given no name."""
        folder = self.root / "unfinished"
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sweep(folder)
            fd, text = tempfile.mkstemp(dir=folder)
        except OSError as error:
            raise self._unwritable(error) from error
        name = Path(text)
        try:
            yield name, fd
        except ChangedError:
            raise
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS}:
                raise self._unwritable(error) from error
            raise
        finally:
            os.close(fd)
            name.unlink(missing_ok=True)

    def _finish(self, name: Path, fd: int, sha256: str) -> None:
        target = self.path(sha256)
        try:
            os.fchmod(fd, 0o444)
            os.fsync(fd)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            name.replace(target)
            for folder in list(target.parents)[:4]:
                _flush(folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> CapsuleError:
        return CapsuleError(
            f"{self.root}: cannot be written ({error.strerror}); make room, or choose"
            " another folder with REVERIFY_STORE"
        )


def _expect(found: Measured, sha256: str | None) -> None:
    if sha256 is not None and found.sha256 != sha256:
        raise CapsuleError(f"has sha256:{found.sha256}, not sha256:{sha256}")


def _flush(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _sweep(folder: Path) -> None:
    """Remove what those left who were killed while they wrote."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _ABANDONED:
                path.unlink()
