"""What every medium that holds a crate can do: list its files, open and digest them."""

import contextlib
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from itertools import islice
from typing import BinaryIO, NamedTuple

from reverify.crates.digests import Fingerprint, fingerprint_stream
from reverify.crates.limits import Budget
from reverify.crates.names import twins
from reverify.errors import CrateError, LimitError

TWINS_SHOWN = 100
_CLUTTER = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}
READ_ERRORS = (OSError, EOFError, ValueError, OverflowError, MemoryError)
"""What reading a broken file, archive or remote object may raise."""


class EntryKind(Enum):
    """What a name in a payload stands for."""

    FILE = "file"
    FOLDER = "directory"
    LINK = "symbolic link"
    SPECIAL = "special file"
    BROKEN = "unreadable member"


class Entry(NamedTuple):
    """One name in a payload.

    Attributes:
        kind: what it stands for.
        size: bytes, of a file.
        target: where a link points, as written; what a special file is; what is wrong
            with a broken one.
        rule: the rule that a broken one breaks.
        executable: of a file, whether its owner may run it; None where the medium does
            not say.
    """

    kind: EntryKind
    size: int = 0
    target: str = ""
    rule: str = ""
    executable: bool | None = None


class Fault(NamedTuple):
    """Something that is wrong with the input itself, found while reading it.

    Attributes:
        rule: the permanent id of the rule it breaks.
        subject: the name that the sentence is about.
        reason: one sentence.
        pointer: the spot in the metadata document, where it lies in there.
        line: the line, where it is known otherwise.
        file: the file it lies in, where it is not the metadata document.
    """

    rule: str
    subject: str
    reason: str
    pointer: str = ""
    line: int | None = None
    file: str | None = None


def identity_of(source: Callable[[], BinaryIO], budget: Budget) -> dict[str, str]:
    """Say which bytes an archive is: `{"sha256": HEX}`; empty if they cannot be read.

    Args:
        source: opens the archive at its start.
        budget: whose time it takes.
    """

    def tick() -> None:
        budget.tick("the archive")

    try:
        with source() as stream:
            return dict(fingerprint_stream(stream, ["sha256"], tick).digests)
    except (CrateError, *READ_ERRORS):
        return {}


class Payload(ABC):
    """The files of one location, wherever they lie.

    The base guards and the backends fetch: only names that are listed as regular
    files are ever opened, and every byte is taken from the budget.

    Attributes:
        format: the word for the medium: directory, zip, tar, document or ocfl.
        faults: what is wrong with the medium itself.
        unseen: prefixes of paths below which a limit kept us from looking.
    """

    format: str

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.faults: list[Fault] = []
        self.unseen: list[str] = []
        self._deep: set[str] = set()
        self._entries: dict[str, Entry] | None = None
        self._files: tuple[str, ...] | None = None

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All names below the root, folders included, by POSIX path."""
        if self._entries is None:
            self._entries = self._with_folders(self._list())
            self._note_twins()
        return self._entries

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of all regular files."""
        if self._files is None:
            file = EntryKind.FILE
            self._files = tuple(
                path for path, entry in self.entries.items() if entry.kind is file
            )
        return self._files

    def may_hold(self, path: str) -> bool:
        """Whether a name that is not listed may be there all the same."""
        return any(path.startswith(prefix) for prefix in self.unseen)

    def open(self, path: str) -> BinaryIO:
        """Open one file for reading; the budget is charged for its whole size.

        Args:
            path: POSIX path relative to the root.

        Raises:
            CrateError: it is not listed as a regular file, cannot be read, or is
                larger than what the budget still holds.
        """
        entry = self.entries.get(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            raise CrateError(
                f"{path}: not a file of this crate",
                rule="completeness/file-missing",
                subject=path,
            )
        self.budget.spend(entry.size, path)
        try:
            return self._open(path)
        except READ_ERRORS as error:
            raise _unreadable(path, error) from error

    def read(self, path: str, limit: int) -> bytes:
        """Read a whole file of at most `limit` bytes.

        Raises:
            CrateError: as `open` does.
            LimitError: it is larger.
        """
        if (entry := self.entries.get(path)) and entry.size > limit:
            raise LimitError(
                f"{path}: {entry.size:,} bytes is more than the {limit:,} that are"
                " read of such a file",
                subject=path,
            )
        try:
            with self.open(path) as stream:
                return stream.read(limit)
        except CrateError:
            raise
        except READ_ERRORS as error:
            raise _unreadable(path, error) from error

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest many files, each read once, in whatever order suits the medium.

        Args:
            wanted: hashlib's names of the algorithms, by path.

        Yields:
            the path and what came of it, for each path wanted.
        """
        for path, algorithms in wanted.items():
            yield path, self.fingerprint(path, algorithms)

    def fingerprint(self, path: str, algorithms: Collection[str]) -> Fingerprint:
        """Digest one file; what goes wrong is told in the answer."""
        try:
            with self.open(path) as stream:
                found = fingerprint_stream(
                    stream, algorithms, lambda: self.budget.tick(path)
                )
        except LimitError as error:
            return Fingerprint(0, {}, error.reason, limit=True)
        except CrateError as error:
            return Fingerprint(0, {}, error.reason)
        except READ_ERRORS as error:
            return Fingerprint(0, {}, _unreadable(path, error).reason)
        if found.size != self.entries[path].size:
            return Fingerprint(
                found.size,
                {},
                f"{path}: {found.size:,} bytes came where {self.entries[path].size:,}"
                " were listed",
            )
        return found

    @property
    def needs_every_digest(self) -> bool:
        """Whether `identity` is made of the sha256 of every file."""
        return True

    def identity(self, found: Mapping[str, Fingerprint]) -> dict[str, str]:
        """Say which bytes these are.

        Args:
            found: what reading the files gave, by path.

        Returns:
            `{"sha256": HEX}` of the sorted `sha256␠␠path` lines of all regular
            files; empty if the digest of one of them is not known.
        """
        lines = []
        for path in self.files:
            known = found.get(path)
            if known is None or "sha256" not in known.digests:
                return {}
            lines.append(f"{known.digests['sha256']}  {path}\n")
        # By bytes, which is the order of the text too but for names that are no text.
        lines.sort(key=None if all(map(str.isascii, lines)) else os.fsencode)
        listing = "".join(lines).encode("utf-8", "surrogateescape")
        return {"sha256": hashlib.sha256(listing).hexdigest()}

    def close(self) -> None:  # noqa: B027 - most media hold nothing open
        """Let go of what is held open."""

    @abstractmethod
    def _list(self) -> dict[str, Entry]:
        """List all names; note in `faults` what may not be used."""

    @abstractmethod
    def _open(self, path: str) -> BinaryIO:
        """Open a file that is listed as regular."""

    def _with_folders(self, entries: dict[str, Entry]) -> dict[str, Entry]:
        """Add the folders that archives leave out."""
        room = self.budget.limits.name_bytes - sum(map(len, entries))
        return self._add_folders(entries, room)

    def _add_folders(self, entries: dict[str, Entry], room: int) -> dict[str, Entry]:
        """Add all folders that are not listed, if there is room for their names."""
        named = len(entries)
        for path in tuple(entries):
            parent = path.rpartition("/")[0]
            while parent and parent not in entries:
                entries[parent] = Entry(EntryKind.FOLDER)
                room -= len(parent)
                parent = parent.rpartition("/")[0]
            if room < 0 and len(entries) > named:
                self._cut_short("./", "", "the names of its folders are too long")
                break
        return entries

    def _note_twins(self) -> None:
        """Tell of names that not every machine can keep apart."""
        for path, other in islice(twins(self._entries or ()), TWINS_SHOWN):
            reason = f"{path}: differs from {other!r} only by case or by Unicode"
            reason += " normal form; on some machines the two are one"
            self.faults.append(Fault("completeness/name-twins", path, reason))

    def _too_deep(self, path: str) -> bool:
        """Whether a name lies deeper than we look; if so, that is noted."""
        depth = self.budget.limits.depth
        if path.count("/") <= depth:
            return False
        top = "/".join(path.split("/", depth)[:depth])
        if top not in self._deep:
            self._deep.add(top)
            reason = f"{path[:200]}: not looked at, more than {depth} folders deep"
            self._cut_short(path, f"{top}/", reason)
        return True

    def _cut_short(self, subject: str, below: str, reason: str) -> None:
        """Note that a limit kept us from looking below some prefix."""
        self.faults.append(Fault("completeness/limit-reached", subject, reason))
        self.unseen.append(below)


def _unreadable(path: str, error: BaseException) -> CrateError:
    if isinstance(error, CrateError):
        return error
    text = error.strerror if isinstance(error, OSError) and error.strerror else error
    return CrateError(
        f"{path}: cannot be read ({text or type(error).__name__})",
        rule="completeness/file-unreadable",
        subject=path,
    )


def only_folder(payload: Payload) -> str:
    """The only top folder with a slash behind; empty if there is more or none."""
    only = ""
    for path in payload.entries:
        top = path.partition("/")[0]
        if top != only and top not in _CLUTTER:
            if only:
                return ""
            only = top
    if only and payload.entries[only].kind is EntryKind.FOLDER:
        return only + "/"
    return ""


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what reading a broken file raises into a `CrateError` about `path`."""
    try:
        yield
    except CrateError:
        raise
    except READ_ERRORS as error:
        raise _unreadable(path, error) from error
