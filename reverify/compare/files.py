"""Files that can be compared: of this machine, of a payload, inside a packed one."""

import contextlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reverify.compare.interface import Bounds, NotComparableError, Openable
from reverify.crates.inflate import unpacked
from reverify.crates.limits import Limits
from reverify.crates.payload import READ_ERRORS, Payload
from reverify.errors import CrateError

BLOCK = 1 << 20
HEAD = 512
UNREADABLE = (CrateError, *READ_ERRORS)
"""What opening and reading a side may raise."""


class LocalFile:
    """A regular file of this machine; what is anything else is not opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int | None:
        """Its size in bytes."""
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        """Open it."""
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError("it is no regular file")
        return os.fdopen(fd, "rb")


class Member:
    """A file of a payload."""

    def __init__(self, payload: Payload, path: str) -> None:
        self._payload = payload
        self._path = path

    @property
    def size(self) -> int | None:
        """Its size in bytes, as it is listed."""
        entry = self._payload.entries.get(self._path)
        return entry.size if entry else None

    def open(self) -> BinaryIO:
        """Open it; its size is taken from the budget of the payload."""
        return self._payload.open(self._path)


class Held:
    """A few bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int | None:
        """Its size in bytes."""
        return len(self._data)

    def open(self) -> BinaryIO:
        """Open it."""
        return io.BytesIO(self._data)


class Unpacked:
    """What a file packed by gzip, bzip2 or xz holds.

    Args:
        packed: the file.
        limits: how much may come out.
    """

    def __init__(self, packed: Openable, limits: Limits) -> None:
        self._packed = packed
        self._limits = limits

    @property
    def size(self) -> int | None:
        """Only unpacking it tells."""
        return None

    def open(self) -> BinaryIO:
        """Open what is inside."""
        first = head(self._packed)
        inner = unpacked(self._packed.open(), first)
        if inner is None:
            raise ValueError("it is not packed in a way we know")
        packed = self._packed.size or 0
        most = max(packed * self._limits.ratio, self._limits.small)
        return _Capped(inner, min(most, self._limits.total_bytes))


class _Capped(io.BufferedReader):
    """A stream of which more than `most` bytes are not wanted."""

    def __init__(self, inner: BinaryIO, most: int) -> None:
        super().__init__(inner, BLOCK)  # type: ignore[arg-type]
        self._left = most
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._left -= len(data)
        if self._left < 0:
            raise NotComparableError(
                f"it unpacks to more than {self._most:,} bytes, which is not read"
            )
        return data


def head(source: Openable, size: int = HEAD) -> bytes:
    """The first bytes of a file."""
    with source.open() as stream:
        return next(blocks(stream, size), b"")


def blocks(stream: BinaryIO, size: int = BLOCK) -> Iterator[bytes]:
    """Read a stream to its end, all blocks but the last one of the same size."""
    while data := stream.read(size):
        while len(data) < size and (more := stream.read(size - len(data))):
            data += more
        yield data


def whole(source: Openable, bounds: Bounds) -> bytes:
    """Read a document.

    Raises:
        NotComparableError: it is larger than documents may be.
    """
    most = bounds.document_bytes
    with source.open() as stream:
        data = next(blocks(stream, most + 1), b"")
    if len(data) > most:
        raise NotComparableError(
            f"it has more than the {most:,} bytes that are read of such a document"
        )
    return data


@contextlib.contextmanager
def on_disk(source: Openable, bounds: Bounds) -> Iterator[BinaryIO]:
    """Open a file so that one may seek in it, by a descriptor too.

    What is not a file of this machine is written to a temporary one first.

    Raises:
        NotComparableError: there is not room enough.
    """
    stream = source.open()
    with contextlib.ExitStack() as stack:
        stack.callback(stream.close)
        if not _is_of_this_machine(stream):
            copy = stack.enter_context(tempfile.TemporaryFile(prefix="reverify-"))
            copy_to(copy, stream, bounds)
            copy.seek(0)
            stream = copy
        yield stream


@contextlib.contextmanager
def reopenable(source: Openable, bounds: Bounds) -> Iterator[Openable]:
    """A file that opens quickly and may be sought in, as often as somebody asks.

    Raises:
        NotComparableError: it has to be kept on disk, and there is not room enough.
    """
    with source.open() as stream:
        if _is_of_this_machine(stream):
            yield source
            return
        with tempfile.TemporaryDirectory(prefix="reverify-") as folder:
            path = Path(folder) / "copy"
            with path.open("wb") as copy:
                copy_to(copy, stream, bounds)
            yield LocalFile(path)


def _is_of_this_machine(stream: BinaryIO) -> bool:
    """Whether its descriptor stands for the very bytes that it gives."""
    raw = getattr(stream, "raw", stream)
    return isinstance(raw, io.FileIO) and stream.seekable()


def copy_to(target: BinaryIO, stream: BinaryIO, bounds: Bounds) -> int:
    """Write a stream to a temporary file; how many bytes that were.

    Raises:
        NotComparableError: there is not room enough.
    """
    written = 0
    for data in blocks(stream):
        written += len(data)
        if written > bounds.disk_bytes:
            raise NotComparableError(
                f"more than {bounds.disk_bytes:,} bytes would have to be kept on disk"
            )
        target.write(data)
    target.flush()
    return written
