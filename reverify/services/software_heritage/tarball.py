"""Tarballs of the vault, read as a stream: names, kinds and bytes, nothing unpacked."""

import contextlib
import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Self

from reverify.errors import ServiceError

BLOCK = 512 * 128
EXTENSION_BYTES = 32 * 1024
"""The largest header extension: a long name, or pax records."""
PART_BYTES, DEPTH = 255, 256
_DAMAGED = {"InvalidHeaderError", "TruncatedHeaderError"}
_EXTENSIONS = {
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
}


class BundleLimits(NamedTuple):
    """How much a bundle may hold.

    Attributes:
        unpacked: bytes of the tarball.
        members: files and folders in it.
        object_bytes: of one object.
        objects: how many are looked at.
        total_bytes: of all objects that are looked at.
        seconds: for indexing its packs and looking at its objects.
    """

    unpacked: int = 8 << 30
    members: int = 2_000_000
    object_bytes: int = 1 << 30
    objects: int = 20_000_000
    total_bytes: int = 64 << 30
    seconds: float = 600.0


class Member(NamedTuple):
    """A file, folder or link of a tarball.

    Attributes:
        path: below the one folder at the top; empty for that folder itself.
        mode: its permissions.
        link: the text of a symbolic link; None for others.
        size: bytes of a file.
        stream: a file's bytes, to be read before the next member; None for others.
    """

    path: bytes
    mode: int
    link: bytes | None
    size: int
    stream: BinaryIO | None


def members(
    stream: BinaryIO, top: str, limits: BundleLimits, *, packed: bool
) -> Iterator[Member]:
    """Walk a tarball once.

    Args:
        stream: at its start.
        top: the name of the one folder that holds everything.
        limits: how much there may be.
        packed: whether it is gzipped.

    Raises:
        ServiceError: it is damaged, too much, or not what the vault makes.
    """
    seen: set[bytes] = set()
    with _damage_told():
        inner = gzip.GzipFile(fileobj=stream, mode="rb") if packed else stream
        counted = _Counted(inner, limits.unpacked)
        with tarfile.open(
            fileobj=counted, mode="r|", bufsize=BLOCK, tarinfo=_Header, encoding="utf-8"
        ) as tar:
            while (found := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]
                member = _member(tar, found, top)
                if member.path in seen:
                    raise ServiceError(f"the bundle holds {member.path!r} twice")
                seen.add(member.path)
                if len(seen) > limits.members:
                    reason = f"the bundle has more than {limits.members:,} members"
                    raise ServiceError(reason)
                yield member
    if b"" not in seen:
        raise ServiceError(f"the bundle does not hold {top}")


def _member(tar: tarfile.TarFile, found: tarfile.TarInfo, top: str) -> Member:
    name = found.name.encode("utf-8", "surrogateescape")
    first, *rest = name.split(b"/")
    odd = any(part in {b"", b".", b".."} or len(part) > PART_BYTES for part in rest)
    if first != top.encode() or odd or b"\0" in name or len(rest) > DEPTH:
        raise ServiceError(f"the bundle holds {found.name!r}, no name below {top}")
    path = b"/".join(rest)
    if found.isdir():
        return Member(path, found.mode, None, 0, None)
    if found.issym():
        link = found.linkname.encode("utf-8", "surrogateescape")
        return Member(path, found.mode, link, 0, None)
    if not found.isreg() or found.issparse() or found.size < 0 or not path:
        reason = f"the bundle holds {found.name!r}, neither file, folder nor link"
        raise ServiceError(reason)
    stream = tar.extractfile(found)
    return Member(path, found.mode, None, found.size, stream)  # type: ignore[arg-type]


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (
        tarfile.TarError,
        EOFError,
        ValueError,
        zlib.error,
        gzip.BadGzipFile,
        RecursionError,
        OverflowError,
    ) as error:
        raise ServiceError(f"the bundle is damaged ({error})") from error


class _Header(tarfile.TarInfo):
    """A header that is looked at before the standard library acts on it.

    The library reads an extension of any size into memory, and takes a damaged header
    for the end of the archive.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read one block of 512 bytes."""
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if type(error).__name__ in _DAMAGED:
                raise ValueError(f"a header is damaged, {error}") from error
            raise
        if header.type in _EXTENSIONS and not 0 <= header.size <= EXTENSION_BYTES:
            raise ServiceError(f"a header of the bundle has {header.size:,} bytes")
        return header


class _Counted(io.RawIOBase):
    """A stream that ends in an error where it becomes too much."""

    def __init__(self, inner: BinaryIO | gzip.GzipFile, most: int) -> None:
        self._inner = inner
        self._most = most
        self._left = most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._inner.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ServiceError(f"the bundle unpacks to more than {self._most:,} bytes")
        return data
