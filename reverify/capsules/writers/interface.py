"""What all ways of packing a crate share: one read, all digests, each path once."""

import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, ClassVar, NamedTuple, Protocol

BLOCK = 1 << 20


class Stream(Protocol):
    """Where an archive goes: a file, a socket, the body of an answer."""

    def write(self, data: bytes, /) -> object:
        """Take all of the bytes."""
        ...

    def flush(self) -> object:
        """Hand on what is held back."""
        ...


class Sink(Protocol):
    """Where the bytes of one file go."""

    def write(self, data: memoryview, /) -> object:
        """Take all of the bytes."""
        ...


class Digest(Protocol):
    """A digest being taken, hashlib's shape."""

    def update(self, data: memoryview, /) -> None:
        """Take in more bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest of all bytes so far, lower-case hex."""
        ...


class Written(NamedTuple):
    """A file as it was written.

    Attributes:
        size: in bytes.
        digests: lower-case hex by hashlib's name of the algorithm.
    """

    size: int
    digests: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Its sha256."""
        return self.digests["sha256"]


class ContentError(Exception):
    """A file could not be read as it was when it was opened; says why."""


class Writer(ABC):
    """Takes the files of a crate, one after the other, and packs them.

    Attributes:
        algorithms: what each file is digested with.
        written: the files so far, by their path from the root of the crate.
    """

    algorithms: ClassVar[tuple[str, ...]] = ("sha256",)

    def __init__(self) -> None:
        self.written: dict[str, Written] = {}

    def add(self, path: str, content: BinaryIO, also: Iterable[Digest] = ()) -> Written:
        """Copy a file, and take its digests on the way.

        Args:
            path: from the root of the crate, already known to be safe.
            content: a stream at its start, that can be sought in.
            also: further digests to feed.

        Raises:
            ContentError: it cannot be read to its end, or changed meanwhile.
            FileExistsError: there is a file of that path, or what the medium takes
                for the same path.
        """
        if path in self.written:
            raise FileExistsError(path)
        size = size_of(content)
        hashes = {name: hashlib.new(name) for name in self.algorithms}
        feeds = [*hashes.values(), *also]
        with self.create(path, size) as sink:
            copy(content, sink, size, feeds)
        digests = {name: item.hexdigest() for name, item in hashes.items()}
        self.written[path] = Written(size, digests)
        return self.written[path]

    def add_bytes(self, path: str, data: bytes) -> Written:
        """Write a file that we made ourselves."""
        return self.add(path, io.BytesIO(data))

    def add_folder(self, path: str) -> None:  # noqa: B027 - some media have none
        """Make a folder that holds no file.

        Args:
            path: from the root of the crate, already known to be safe.
        """

    @property
    def everything(self) -> Mapping[str, Written]:
        """All files of what is packed, by their path in it."""
        return self.written

    def finish(self) -> None:  # noqa: B027 - most media need nothing
        """Write what stands at the end; nothing can be added after."""

    def abandon(self) -> None:  # noqa: B027 - most media need nothing
        """Let go without an end; what was packed so far is not to be used."""

    @abstractmethod
    def create(self, path: str, size: int) -> AbstractContextManager[Sink]:
        """Begin a file of so many bytes."""


class Nowhere(Writer):
    """Takes digests and keeps nothing: to see what files are."""

    def create(self, path: str, size: int) -> AbstractContextManager[Sink]:
        """Begin a file that goes nowhere."""
        del path, size
        return nullcontext(_Void())


class _Void:
    def write(self, data: memoryview) -> None:
        """Let the bytes go."""


def size_of(content: BinaryIO) -> int:
    """How many bytes a stream has, which stands at its start again after."""
    size = content.seek(0, io.SEEK_END)
    content.seek(0)
    return size


def copy(content: BinaryIO, sink: Sink, size: int, feeds: Iterable[Digest]) -> None:
    """Copy exactly so many bytes, block by block, and feed digests with them.

    Raises:
        ContentError: there are more or fewer bytes, or the file changed meanwhile.
    """
    feeds = tuple(feeds)
    before = _state(content)
    buffer = memoryview(bytearray(min(BLOCK, size + 1)))
    total = 0
    # One byte more than there should be is asked for: a file that grew is told.
    while read := _read(content, buffer[: min(len(buffer), size + 1 - total)]):
        total += read
        if total > size:
            break
        data = buffer[:read]
        for item in feeds:
            item.update(data)
        sink.write(data)
    if total != size or _state(content) != before:
        raise ContentError("changed while it was read")


def _read(content: BinaryIO, buffer: memoryview) -> int:
    try:
        return int(content.readinto(buffer) or 0)  # type: ignore[attr-defined]
    except OSError as error:
        raise ContentError(f"cannot be read ({error.strerror})") from error


def _state(content: BinaryIO) -> tuple[int, int] | None:
    """Size and time of change of an open file; None of what is no file."""
    try:
        found = os.fstat(content.fileno())
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def listing_digest(written: Mapping[str, Written]) -> str:
    """The sha256 of the sorted `sha256␠␠path` lines of files, lower-case hex.

    It is what `reverify check` gives as the digest of a directory.
    """
    lines = sorted(
        f"{item.sha256}  {path}\n".encode() for path, item in written.items()
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()
