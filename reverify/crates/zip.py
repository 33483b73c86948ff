"""A crate in a zip archive, its members read in place and never unpacked to disk.

The standard library reads the central directory; what it says is then held against
the local headers and against itself before a byte is unpacked.
"""

import bz2
import io
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import BinaryIO

from reverify.crates.digests import Fingerprint
from reverify.crates.inflate import (
    BLOCK,
    Decompressor,
    Inflated,
    Zlib,
    lzma_member,
)
from reverify.crates.limits import Budget
from reverify.crates.names import PATH_BYTES, member_path
from reverify.crates.payload import Entry, EntryKind, Fault, Payload, identity_of
from reverify.errors import CrateError, LimitError, UnsafeNameError

_LOCAL = struct.Struct("<4s2B4HL2L2H")
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_METHODS = {_STORED, _DEFLATED, _BZIP2, _LZMA}
_ENCRYPTED, _STREAMED, _UTF8 = 0x1, 0x8, 0x800
_FILLED_LATER = 0xFFFFFFFF
_UNIX = 3
_SHARES = "shares its bytes with another member, or reaches out of the file"
_CENTRAL = struct.Struct("<4s24x3H12x")
_END_SIZE, _END_AT, _END_MAGIC, _ZIP64_END = 5, 9, 0, b"PK\6\6"
_ZIP64_BYTES = 76
BROKEN_ZIP = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What zipfile raises on archives that are not what they should be."""


class ZipPayload(Payload):
    """The members of a zip archive.

    Source: APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.

    Args:
        source: opens the archive anew, seekable, at its start.
        size: its size in bytes.
        budget: what may be read.

    Raises:
        CrateError: it is no zip archive, or not a whole one.
    """

    format = "zip"

    def __init__(
        self, source: Callable[[], BinaryIO], size: int, budget: Budget
    ) -> None:
        super().__init__(budget)
        self._source = source
        self._stream = source()
        self._size = size
        self._lock = threading.Lock()
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._starts: dict[int, int] = {}
        try:
            _count_members(self._stream, budget.limits.members)
            self._zip = zipfile.ZipFile(self._stream)
        except LimitError:
            self._stream.close()
            raise
        except BROKEN_ZIP as error:
            self._stream.close()
            raise CrateError(
                f"the zip archive cannot be read: {error}",
                rule="completeness/archive-broken",
            ) from error

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()
        self._stream.close()

    def _list(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        members = self._zip.infolist()
        lies = self._lies(members)
        for member in members:
            name = member.filename
            try:
                path = self._path(member)
            except CrateError as error:
                self.faults.append(Fault(error.rule, name, error.reason))
                continue
            if not path or self._too_deep(path):
                continue
            entry = self._entry(path, member, lies)
            known = found.get(path)
            if known is not None and not (entry.kind is known.kind is EntryKind.FOLDER):
                reason = f"{name}: is in the archive twice; readers disagree on which"
                self.faults.append(
                    Fault("completeness/archive-duplicate-member", path, reason)
                )
                continue
            found[path] = entry
            self._members[path] = member
        self._drop_below_files(found)
        return found

    def _drop_below_files(self, found: dict[str, Entry]) -> None:
        """A name cannot be a file and a folder at once."""
        for path in tuple(found):
            parent = path.rpartition("/")[0]
            while parent:
                above = found.get(parent)
                if above is not None and above.kind is not EntryKind.FOLDER:
                    reason = f"{path}: lies below {parent}, a {above.kind.value}"
                    self.faults.append(
                        Fault("completeness/archive-duplicate-member", path, reason)
                    )
                    del found[path]
                    break
                parent = parent.rpartition("/")[0]

    def _lies(self, members: list[zipfile.ZipInfo]) -> dict[int, str]:
        """Hold each local header against the central one, and all against each other.

        Returns:
            what is wrong with a member, by its `id`.
        """
        lies: dict[int, str] = {}
        end, previous = 0, None
        for member in sorted(members, key=lambda item: item.header_offset):
            start = member.header_offset
            try:
                data = self._data_offset(member)
            except BROKEN_ZIP as error:
                lies[id(member)] = str(error)
                data = start + _LOCAL.size
            self._starts[id(member)] = data
            if start < end and previous is not None:
                lies[id(member)] = lies[id(previous)] = _SHARES
            reach = data + member.compress_size
            if reach > self._zip.start_dir:
                lies[id(member)] = _SHARES
            if reach > end:
                end, previous = reach, member
        return lies

    def _path(self, member: zipfile.ZipInfo) -> str:
        if "\0" in member.orig_filename:
            raise UnsafeNameError(
                f"{member.orig_filename!r}: the name holds a NUL character",
                subject=member.filename,
            )
        return member_path(member.filename)

    def _entry(
        self, path: str, member: zipfile.ZipInfo, lies: Mapping[int, str]
    ) -> Entry:
        """Say what a member is, if its headers make sense."""
        mode = 0
        if member.create_system == _UNIX:
            mode = stat.S_IFMT(member.external_attr >> 16)
        if member.filename.endswith("/") or mode == stat.S_IFDIR:
            return Entry(EntryKind.FOLDER)
        if mode == stat.S_IFLNK:
            return Entry(EntryKind.LINK, 0, self._link_target(path, member))
        if mode not in {0, stat.S_IFREG}:
            return Entry(EntryKind.SPECIAL, 0, "special file")
        fault, rule = "", "completeness/archive-member"
        ratio, small = self.budget.limits.ratio, self.budget.limits.small
        if member.flag_bits & _ENCRYPTED:
            fault = "is encrypted"
        elif member.compress_type not in _METHODS:
            fault = f"is packed by method {member.compress_type}, which we cannot read"
        elif id(member) in lies:
            fault = lies[id(member)]
        elif member.file_size > max(ratio * member.compress_size, small):
            rule = "completeness/limit-reached"
            fault = (
                f"is claimed to unpack from {member.compress_size:,} to"
                f" {member.file_size:,} bytes, more than {ratio} to 1"
            )
        if fault:
            return Entry(EntryKind.BROKEN, 0, fault, rule)
        runs = bool(member.external_attr >> 16 & stat.S_IXUSR) if mode else None
        return Entry(EntryKind.FILE, member.file_size, executable=runs)

    def _link_target(self, path: str, member: zipfile.ZipInfo) -> str:
        self._members[path] = member
        try:
            with self._open(path) as stream:
                return stream.read(PATH_BYTES).decode("utf-8", "backslashreplace")
        except (*BROKEN_ZIP, CrateError):
            return ""

    @property
    def needs_every_digest(self) -> bool:
        """No: the archive itself is digested."""
        return False

    def identity(self, found: Mapping[str, Fingerprint]) -> dict[str, str]:
        """The sha256 of the archive."""
        del found
        return identity_of(self._source, self.budget)

    def _open(self, path: str) -> BinaryIO:
        member = self._members[path]
        offset = self._starts[id(member)]
        raw = _Range(self._stream, self._lock, offset, member.compress_size)
        unpacked = _unpack(raw, member)
        return io.BufferedReader(_Checked(unpacked, member), 1 << 20)

    def _data_offset(self, member: zipfile.ZipInfo) -> int:
        """Hold the local header against the central one.

        Returns:
            where the packed bytes begin.

        Raises:
            ValueError: they disagree.
        """
        self._stream.seek(member.header_offset)
        header = self._stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
            raise ValueError("it has no local header")
        fields = _LOCAL.unpack(header)
        flags, method = fields[3], fields[4]
        packed, size, name_length, extra_length = fields[8:12]
        name = self._stream.read(name_length)
        encoding = "utf-8" if member.flag_bits & _UTF8 else "cp437"
        if name != member.orig_filename.encode(encoding):
            raise ValueError("its two headers name different files")
        if method != member.compress_type:
            raise ValueError("its two headers name different methods")
        streamed = flags & _STREAMED or _FILLED_LATER in {packed, size}
        if not streamed and (packed, size) != (member.compress_size, member.file_size):
            raise ValueError("its two headers name different sizes")
        offset = member.header_offset + _LOCAL.size + name_length + extra_length
        if offset + member.compress_size > self._size:
            raise EOFError("it reaches beyond the end of the archive")
        return int(offset)

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest members, several at a time: unpacking and digests free the GIL."""
        jobs = self.budget.limits.jobs
        sizes = {path: entry.size for path, entry in self.entries.items()}
        total = sum(sizes.get(path, 0) for path in wanted)
        if jobs == 1 or len(wanted) == 1 or total < 8 << 20:
            yield from super().fingerprints(wanted)
            return
        order = sorted(wanted, key=lambda path: -sizes.get(path, 0))
        with ThreadPoolExecutor(jobs) as pool:
            tasks = {
                pool.submit(self.fingerprint, path, wanted[path]): path
                for path in order
            }
            for done in as_completed(tasks):
                yield tasks[done], done.result()


def _count_members(stream: BinaryIO, limit: int) -> None:
    """Count the members before the standard library makes an object of each.

    Raises:
        LimitError: there are more than `limit`.
    """
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]  # noqa: SLF001
    if not end or end[_END_SIZE] <= limit * _CENTRAL.size:
        return
    at = end[_END_AT] - end[_END_SIZE]
    if end[_END_MAGIC] == _ZIP64_END:
        at -= _ZIP64_BYTES
    for _ in range(limit):
        stream.seek(at)
        header = stream.read(_CENTRAL.size)
        if len(header) < _CENTRAL.size or not header.startswith(b"PK\1\2"):
            return
        at += _CENTRAL.size + sum(_CENTRAL.unpack(header)[1:])
    if at < end[_END_AT]:
        raise LimitError(f"the archive has more than {limit:,} members")


class _Range(io.RawIOBase):
    """A stretch of a shared file; reading it leaves no trace in the file's position."""

    def __init__(
        self, stream: BinaryIO, lock: threading.Lock, start: int, size: int
    ) -> None:
        self._stream = stream
        self._lock = lock
        self._at = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        size = left if size < 0 else min(size, left)
        with self._lock:
            self._stream.seek(self._at)
            data = self._stream.read(size)
        self._at += len(data)
        return data


def _unpack(packed: _Range, member: zipfile.ZipInfo) -> io.RawIOBase:
    method = member.compress_type
    if method == _STORED:
        return packed
    size = member.compress_size
    source: BinaryIO = packed  # type: ignore[assignment]

    def start() -> Decompressor:
        return Zlib(-15)

    if method == _BZIP2:
        start = bz2.BZ2Decompressor
    elif method == _LZMA:
        head = packed.read(9)
        size -= len(head)
        properties = head[4:]
        if len(head) < 9 or head[2:4] != b"\5\0":  # noqa: PLR2004
            raise ValueError("its LZMA header makes no sense")

        def start() -> Decompressor:
            return lzma_member(properties)

    return Inflated(source, start, packed_size=size)


class _Checked(io.RawIOBase):
    """A member's bytes; its size and CRC are verified at the end.

    Raises (while read):
        ValueError: more bytes come out than the directory claims, fewer, or others.
    """

    def __init__(self, inner: io.RawIOBase, member: zipfile.ZipInfo) -> None:
        self._inner = inner
        self._left = member.file_size
        self._claimed = member.CRC
        self._unmarked = member.compress_type == _LZMA
        self._crc = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._inner.close()
        super().close()

    def readinto(self, buffer: object) -> int:
        # One byte more than claimed is enough to know; a caller may offer much more.
        view = memoryview(buffer).cast("B")[: min(self._left + 1, BLOCK)]  # type: ignore[arg-type]
        try:
            count = self._inner.readinto(view) or 0
        except EOFError:
            # LZMA members need not mark their end; the CRC tells whether it is all.
            if self._left or not self._unmarked:
                raise
            count = 0
        self._crc = zlib.crc32(view[:count], self._crc)
        self._left -= count
        if self._left < 0:
            raise ValueError("more bytes come out than the archive claims")
        if count == 0:
            if self._left:
                raise EOFError("fewer bytes come out than the archive claims")
            if self._crc != self._claimed:
                raise ValueError("its bytes do not have the CRC that the archive names")
        return count
