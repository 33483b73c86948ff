"""A crate in a tar archive, read as a stream and never unpacked to disk."""

import io
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import BinaryIO

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
KEPT_BYTES = 128 * MIB
_TAG_NAMES = (".json", ".jsonld", ".txt", ".html")
"""Endings of the small files that a check opens by name."""

BROKEN_TAR = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError)


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

    @property
    def needs_every_digest(self) -> bool:
        """No: the archive itself is digested."""
        return False

    def identity(self, found: Mapping[str, Fingerprint]) -> dict[str, str]:
        """The sha256 of the archive."""
        del found
        return identity_of(self._source())

    def _stream(self) -> "_Counted":
        stream = self._source()
        head = stream.read(6)
        stream.seek(0)
        inner = unpacked(stream, head) or stream
        most = max(self._size, 1) * self.budget.limits.ratio
        return _Counted(inner, min(most, self.budget.limits.total_bytes), self.budget)

    def _members(self) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
        """Walk the archive once, giving each member and the bytes of regular files.

        Raises:
            CrateError: the archive is broken from here on, or too much.
        """
        with self._stream() as stream, reading("the tar archive"):
            last = -1
            try:
                with tarfile.open(fileobj=stream, mode="r|", bufsize=READ_AHEAD) as tar:
                    while (member := tar.next()) is not None:
                        tar.members.clear()  # type: ignore[attr-defined]
                        if member.size < 0 or member.offset <= last:
                            raise ValueError("a member's header makes no sense")
                        last = member.offset
                        is_file = member.isreg() and not member.issparse()
                        yield member, tar.extractfile(member) if is_file else None  # type: ignore[misc]
            except tarfile.TarError as error:
                raise ValueError(str(error)) from error

    def _list(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        try:
            for member, stream in self._members():
                self._note(member, stream, found)
        except LimitError as error:
            fault = Fault("completeness/limit-reached", "./", error.reason)
            self.faults.append(fault)
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
        limit = self.budget.limits.members
        if len(found) >= limit:
            raise LimitError(f"the archive has more than {limit:,} members")
        try:
            path = member_path(member.name)
            entry = _entry(member)
        except CrateError as error:
            self.faults.append(Fault(error.rule, member.name, error.reason))
            return
        if not path:
            return
        known = found.get(path)
        if known is not None:
            if not (known.kind is entry.kind is EntryKind.FOLDER):
                reason = f"{member.name}: is in the archive twice; the first counts"
                self.faults.append(
                    Fault("completeness/archive-duplicate-member", path, reason)
                )
            return
        found[path] = entry
        small = member.size <= self.budget.limits.metadata_bytes
        room = sum(map(len, self._kept.values())) + member.size <= KEPT_BYTES
        if stream and small and room and path.lower().endswith(_TAG_NAMES):
            self._kept[path] = stream.read()

    def _open(self, path: str) -> BinaryIO:
        if path in self._kept:
            return io.BytesIO(self._kept[path])
        for member, stream in self._members():
            if stream and _path(member) == path:
                return io.BytesIO(stream.read(self.budget.limits.metadata_bytes))
        raise EOFError("it is no longer in the archive")

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
                algorithms = waiting.pop(path)
                try:
                    self.budget.spend(member.size, path)
                    yield path, fingerprint_stream(stream, algorithms)
                except LimitError as error:
                    yield path, Fingerprint(0, {}, error.reason, limit=True)
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
    return Entry(EntryKind.FILE, member.size)


class _Counted(io.RawIOBase):
    """A stream that ends in a `LimitError` where a budget does."""

    def __init__(self, inner: BinaryIO, most: int, budget: Budget) -> None:
        self._inner = inner
        self._left = most
        self._most = most
        self._budget = budget

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._inner.close()
        super().close()

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > 16 * MIB:
            raise LimitError(f"a header of the archive claims to have {size:,} bytes")
        data = self._inner.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise LimitError(
                f"the archive unpacks to more than {self._most:,} bytes; raise the"
                " budget with --max-bytes if you trust it"
            )
        self._budget.tick("the tar archive")
        return data
