"""A crate in a tar archive, read as a stream and never unpacked to disk."""

import contextlib
import io
import stat
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import BinaryIO, Self

from reverify.crates.digests import Fingerprint, fingerprint_stream
from reverify.crates.inflate import unpacked
from reverify.crates.limits import MIB, Budget
from reverify.crates.names import member_path
from reverify.crates.payload import (
    Entry,
    EntryKind,
    Fault,
    Payload,
    identity_of,
    reading,
)
from reverify.errors import CrateError, LimitError

READ_AHEAD = 512 * 512
KEPT_BYTES = 32 * MIB
TINY = 1024
"""Files up to this size are looked into by name, since they may be LFS pointers."""
_TAG_NAMES = (".json", ".jsonld", ".txt", ".html")
"""Endings of the files that a check opens by name."""

EXTENSION_BYTES = 32 * 1024
"""The largest header extension: a long name, or pax records."""
HEADER_BYTES = 256 * 1024
"""How much one member may have in front of its data, all extensions together."""
_DAMAGED = {"InvalidHeaderError", "TruncatedHeaderError"}
_EXTENSIONS = {
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
}


class TarPayload(Payload):
    """The members of a tar archive, plain or packed by gzip, bzip2 or xz.

    A packed archive can only be read from its start. So one pass lists the members and
    keeps the small files that a check opens by name, and one more digests the rest.

    Args:
        source: opens the archive anew, at its start.
        size: its size in bytes.
        budget: what may be read.

    Raises:
        CrateError: it is no tar archive.
    """

    format = "tar"

    def __init__(
        self, source: Callable[[], BinaryIO], size: int, budget: Budget
    ) -> None:
        super().__init__(budget)
        self._source = source
        self._size = size
        self._kept: dict[str, bytes] = {}
        self._room = KEPT_BYTES
        self._name_bytes = 0

    @property
    def needs_every_digest(self) -> bool:
        """No: the archive itself is digested."""
        return False

    def identity(self, found: Mapping[str, Fingerprint]) -> dict[str, str]:
        """The sha256 of the archive."""
        del found
        return identity_of(self._source, self.budget)

    def _stream(self) -> "CountedStream":
        stream = self._source()
        head = stream.read(6)
        stream.seek(0)
        inner = unpacked(stream, head)
        if inner is None:
            return CountedStream(stream, self._size, self.budget, plain=True)
        limits = self.budget.limits
        most = min(max(self._size * limits.ratio, limits.small), limits.total_bytes)
        return CountedStream(inner, most, self.budget)

    def _members(self) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
        """Walk the archive once, giving each member and the bytes of regular files.

        Raises:
            CrateError: the archive is broken from here on, or too much.
        """
        with _reading("the tar archive"):
            stream = self._stream()
        yield from stream_members(stream)

    def _list(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        try:
            for member, stream in self._members():
                self._note(member, stream, found)
        except LimitError as error:
            self._cut_short("./", "", error.reason)
        except CrateError as error:
            if not found:
                raise CrateError(
                    error.reason, rule="completeness/archive-broken"
                ) from error
            fault = Fault("completeness/archive-broken", "./", error.reason)
            self.faults.append(fault)
        return found

    def _note(
        self,
        member: tarfile.TarInfo,
        stream: BinaryIO | None,
        found: dict[str, Entry],
    ) -> None:
        limits = self.budget.limits
        if len(found) >= limits.members:
            raise LimitError(f"the archive has more than {limits.members:,} members")
        try:
            path = member_path(member.name)
            entry = _entry(member)
        except CrateError as error:
            self.faults.append(Fault(error.rule, member.name, error.reason))
            return
        if not path or self._too_deep(path):
            return
        known = found.get(path)
        if known is not None:
            if not (known.kind is entry.kind is EntryKind.FOLDER):
                reason = f"{member.name}: is in the archive twice; the first counts"
                self.faults.append(
                    Fault("completeness/archive-duplicate-member", path, reason)
                )
            return
        self._name_bytes += len(path)
        if self._name_bytes > limits.name_bytes:
            raise LimitError("the names in the archive are too long, taken together")
        found[path] = entry
        self._keep(path, member, stream)

    def _keep(
        self, path: str, member: tarfile.TarInfo, stream: BinaryIO | None
    ) -> None:
        """Keep a small file that a check opens by name, as far as there is room."""
        wanted = member.size <= TINY or path.lower().endswith(_TAG_NAMES)
        if stream and wanted and member.size <= self._room:
            with _reading(path):
                self._kept[path] = stream.read()
            self._room -= member.size

    def _open(self, path: str) -> BinaryIO:
        if path in self._kept:
            return io.BytesIO(self._kept[path])
        for member, stream in self._members():
            if stream and _path(member) == path:
                with _reading(path):
                    return io.BytesIO(stream.read(self.budget.limits.metadata_bytes))
        raise EOFError("it is no longer in the archive")

    def streams(self, wanted: Collection[str]) -> Iterator[tuple[str, BinaryIO]]:
        """Give the bytes of some members in the order of the archive, in one pass.

        Yields:
            path and stream; the stream is good until the next one is asked for.

        Raises:
            CrateError: the archive is broken from here on, or too much.
        """
        waiting = set(wanted)
        for member, stream in self._members():
            path = _path(member)
            if stream is not None and path in waiting:
                waiting.discard(path)
                self.budget.spend(member.size, path)
                yield path, stream
            if not waiting:
                return

    def fingerprint(self, path: str, algorithms: Collection[str]) -> Fingerprint:
        """Digest one member, however large, without holding it."""
        return dict(self.fingerprints({path: algorithms}))[path]

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest members in the order of the archive, in one pass."""
        waiting = dict(wanted)
        try:
            for member, stream in self._members():
                path = _path(member)
                if stream is None or path not in waiting:
                    continue
                found = self._digest(path, member.size, stream, waiting[path])
                del waiting[path]
                yield path, found
                if not waiting:
                    break
        except CrateError as error:
            limit = isinstance(error, LimitError)
            for path in waiting:
                reason = f"{path}: {error.reason}"
                yield path, Fingerprint(0, {}, reason, limit=limit)
            return
        for path in waiting:
            yield path, Fingerprint(0, {}, f"{path}: not found again in the archive")

    def _digest(
        self, path: str, size: int, stream: BinaryIO, algorithms: Collection[str]
    ) -> Fingerprint:
        try:
            self.budget.spend(size, path)
            with _reading(path):
                return fingerprint_stream(stream, algorithms)
        except LimitError as error:
            return Fingerprint(0, {}, error.reason, limit=True)


def stream_members(
    stream: "CountedStream",
) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    """Walk an archive once, giving each member and the bytes of regular files.

    The bytes are good until the next member is asked for. The stream is closed at the
    end.

    Raises:
        CrateError: the archive is broken from here on, or too much.
    """
    with _reading("the tar archive"), stream:
        last = -1
        stream.expect_headers(0)
        with tarfile.open(
            fileobj=stream, mode="r|", bufsize=READ_AHEAD, tarinfo=_Header
        ) as tar:
            while (member := tar.next()) is not None:
                stream.expect_data()
                tar.members.clear()  # type: ignore[attr-defined]
                if member.size < 0 or member.offset <= last:
                    raise ValueError("a member's header makes no sense")
                if tar.offset > stream.most:
                    stream.too_much(member.name)
                last = member.offset
                is_file = member.isreg() and not member.issparse()
                yield member, tar.extractfile(member) if is_file else None  # type: ignore[misc]
                stream.expect_headers(tar.offset)


def _path(member: tarfile.TarInfo) -> str | None:
    try:
        return member_path(member.name)
    except CrateError:
        return None


def _entry(member: tarfile.TarInfo) -> Entry:
    if member.isdir():
        return Entry(EntryKind.FOLDER)
    if member.issym() or member.islnk():
        return Entry(EntryKind.LINK, 0, member.linkname)
    if not member.isreg() or member.issparse():
        what = "sparse file" if member.issparse() else "special file"
        return Entry(EntryKind.SPECIAL, 0, what)
    runs = bool(member.mode & stat.S_IXUSR)
    return Entry(EntryKind.FILE, member.size, executable=runs)


@contextlib.contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn whatever reading a broken archive raises into a `CrateError`."""
    with reading(what):
        try:
            yield
        except (tarfile.TarError, RecursionError) as error:
            raise ValueError(str(error)) from error


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
            raise LimitError(
                f"a header of the archive claims to have {header.size:,} bytes"
            )
        return header


class CountedStream(io.RawIOBase):
    """A stream that ends in a `LimitError` where a budget does.

    Attributes:
        most: how many bytes may come out of it.
    """

    def __init__(
        self, inner: BinaryIO, most: int, budget: Budget, *, plain: bool = False
    ) -> None:
        self._inner = inner
        self._plain = plain
        self._at = 0
        self._headers_end: int | None = None
        self._budget = budget
        self.most = most

    def readable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Close what it reads from, too."""
        self._inner.close()
        super().close()

    def expect_headers(self, start: int) -> None:
        """From here on, a little may be read behind `start` and no more."""
        self._headers_end = start + HEADER_BYTES + 2 * READ_AHEAD

    def expect_data(self) -> None:
        """The headers are over."""
        self._headers_end = None

    def too_much(self, what: str) -> None:
        """Refuse what reaches beyond the end of the budget, or of the archive."""
        if self._plain:
            raise EOFError(f"it ends within {what}")
        raise LimitError(
            f"{what}: the archive would unpack to more than {self.most:,} bytes; raise"
            " the budget with --max-bytes if you trust it"
        )

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            LimitError: the budget is used up.
        """
        data = self._inner.read(size)
        self._at += len(data)
        if self._at > self.most:
            self.too_much("the tar archive")
        if self._headers_end is not None and self._at > self._headers_end:
            raise LimitError(
                f"the headers of one member have more than {HEADER_BYTES:,} bytes"
            )
        self._budget.tick("the tar archive")
        return data
