"""A crate in a directory of this machine."""

import io
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from reverify.crates import hashing
from reverify.crates.digests import Fingerprint
from reverify.crates.limits import Budget
from reverify.crates.names import path_fault
from reverify.crates.payload import Entry, EntryKind, Fault, Payload
from reverify.crates.workers import Batch, Reading
from reverify.errors import LimitError

BATCH_FILES = 1000
BATCH_BYTES = 64 << 20
WORTH_A_WORKER = (1500, 48 << 20)
"""Files and bytes from which on a worker process earns the time it takes to start."""
EARLY_FILES = 2000
"""So many files are handed over at a time while others are still being listed."""

Foresight = Callable[[Collection[str]], Collection[str]]
"""From the paths in a folder to the algorithms that all files below it will be digested
with; to none where that cannot be told."""

_FILE, _FOLDER = EntryKind.FILE, EntryKind.FOLDER


class DirectoryPayload(Payload):
    """The files below one folder; links are never followed.

    The user's own path to the folder may be a link; nothing below it may. Every name
    is opened part by part from a descriptor of the folder, so that a file swapped for
    a link between look and open is refused as well.

    Args:
        root: the folder.
        budget: what may be read.
        foresight: asked of the folder, or of the only one in it. If it tells, files are
            digested while others are still being listed.
    """

    format = "directory"

    def __init__(
        self, root: Path, budget: Budget, foresight: Foresight | None = None
    ) -> None:
        super().__init__(budget)
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folder = hashing.Folder(self._root)
        self._lock = threading.Lock()
        self._foresight = foresight
        self._foreseen: frozenset[str] = frozenset()
        self._ahead: Reading | None = None
        self._ahead_size = 0
        self._waiting: list[str] = []

    def close(self) -> None:
        """Let go of the folder."""
        self._forget()
        if self._root >= 0:
            self._folder.close()
            os.close(self._root)
            self._root = -1

    def _list(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        folder = hashing.Folder(self._root)
        waiting = [""]
        try:
            while waiting:
                path = waiting.pop()
                if path.count("/") >= self.budget.limits.depth:
                    self._too_much(path, f"{self.budget.limits.depth} folders deep")
                    continue
                alone = len(found) <= 1
                try:
                    names = self._scan(folder.descend(path), path, found)
                except OSError as error:
                    reason = f"{path or '.'}: cannot be listed ({error.strerror})"
                    rule = "completeness/file-unreadable"
                    self.faults.append(Fault(rule, path or "./", reason))
                    continue
                waiting.extend(names)
                if alone and self._foresight and self.budget.limits.jobs > 1:
                    self._foreseen = frozenset(self._foresight(found))
                if self._foreseen and len(self._waiting) >= EARLY_FILES:
                    self._read_ahead(found)
                if len(found) > self.budget.limits.files:
                    self._too_much("", f"after {len(found):,} names")
                    break
                self.budget.tick(path or "./")
        finally:
            folder.close()
        if self._foreseen:
            self._read_all_ahead(found)
        self._waiting.clear()
        return found

    def _with_folders(self, entries: dict[str, Entry]) -> dict[str, Entry]:
        """A directory lists its folders itself."""
        return entries

    def _scan(self, fd: int, path: str, found: dict[str, Entry]) -> list[str]:
        prefix = path + "/" if path else ""
        folders = []
        with os.scandir(fd) as names:
            for name in sorted(names, key=lambda entry: entry.name):
                full = prefix + name.name
                entry = _entry(name, fd)
                found[full] = entry
                if entry.kind is _FILE:
                    self._waiting.append(full)
                elif entry.kind is _FOLDER:
                    if path_fault(full):
                        self._too_much(full, "at a path that is too long to open")
                    else:
                        folders.append(full)
        return folders[::-1]

    def _too_much(self, path: str, where: str) -> None:
        reason = f"{path[:200] or '.'}: listing stopped here, {where}"
        self._cut_short(path or "./", f"{path}/" if path else "", reason)

    def _open(self, path: str) -> BinaryIO:
        with self._lock:
            return io.FileIO(self._folder.open(path), "rb")

    def fingerprint(self, path: str, algorithms: Collection[str]) -> Fingerprint:
        """Digest one file, up to the size it has now."""
        return dict(self.fingerprints({path: algorithms}))[path]

    def _read_ahead(self, found: Mapping[str, Entry]) -> None:
        """Begin to digest the files that have been listed since the last time."""
        wanted = dict.fromkeys(self._waiting, self._foreseen)
        batches = self._batches(wanted, found)
        size = self._ahead_size + sum(batch.size for batch in batches)
        if size > self.budget.bytes_left:
            self._forget()
            self._foreseen = frozenset()
            return
        if self._ahead is None and self._worth_workers(batches):
            self._ahead = self._reading()
        if self._ahead is not None:
            self._ahead.add(batches)
            self._ahead_size = size
            self._waiting.clear()

    def _read_all_ahead(self, found: Mapping[str, Entry]) -> None:
        """See that all is being digested, if the budget has room for all of it.

        What somebody wants beyond the algorithms foreseen costs a second reading.
        """
        self._read_ahead(found)
        try:
            if self._ahead is not None:
                self.budget.spend(self._ahead_size, "./")
        except LimitError:
            self._forget()

    def _forget(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest many files, in worker processes where there are enough of them."""
        left = dict(wanted)
        if self._ahead is not None:
            foreseen = self._foreseen
            for path, found in self._ahead.results():
                names = left.get(path)
                if names is not None and (found.problem or foreseen.issuperset(names)):
                    del left[path]
                    yield path, found
            self._ahead = None
        try:
            self.budget.spend(sum(self._size(path) for path in left), "./")
        except LimitError:  # not for all of them: see for how many
            for path in tuple(left):
                try:
                    self.budget.spend(self._size(path), path)
                except LimitError as error:
                    del left[path]
                    yield path, Fingerprint(0, {}, error.reason, limit=True)
        batches = self._batches(left, self.entries)
        if self._worth_workers(batches):
            reading = self._reading()
            reading.add(batches)
            yield from reading.results()
        else:
            yield from self._here(batches)

    def _worth_workers(self, batches: list[Batch]) -> bool:
        files_worth, bytes_worth = WORTH_A_WORKER
        files = sum(len(batch.paths) for batch in batches)
        size = sum(batch.size for batch in batches)
        much = files >= files_worth or (size >= bytes_worth and len(batches) > 1)
        return much and self.budget.limits.jobs > 1

    def _reading(self) -> Reading:
        budget = self.budget
        return Reading(self._root, budget.limits.jobs, lambda: budget.seconds_left)

    def _size(self, path: str) -> int:
        entry = self.entries.get(path)
        return entry.size if entry else 0

    @staticmethod
    def _batches(
        wanted: Mapping[str, Collection[str]], entries: Mapping[str, Entry]
    ) -> list[Batch]:
        """Pack files of the same algorithms together, the most bytes first."""
        groups: dict[frozenset[str], Batch] = {}
        batches = []
        for path, algorithms in wanted.items():
            key = frozenset(algorithms)
            batch = groups.get(key)
            if batch is None:
                batch = groups[key] = Batch(tuple(sorted(key)))
                batches.append(batch)
            batch.paths.append(path)
            batch.size += entries[path].size if path in entries else 0
            if len(batch.paths) >= BATCH_FILES or batch.size >= BATCH_BYTES:
                del groups[key]
        return sorted(batches, key=lambda batch: -batch.size)

    def _here(self, batches: list[Batch]) -> Iterator[tuple[str, Fingerprint]]:
        buffer = memoryview(bytearray(hashing.BLOCK))
        folder = hashing.Folder(self._root)
        deadline = time.monotonic() + self.budget.seconds_left
        try:
            for batch in batches:
                algorithms = list(batch.algorithms)
                for path in batch.paths:
                    found = hashing.hash_file(
                        folder, path, algorithms, buffer, deadline
                    )
                    yield path, batch.fingerprint(path, found)
        finally:
            folder.close()


def _entry(name: os.DirEntry[str], folder: int) -> Entry:
    try:
        return _kind(name, folder)
    except OSError as error:  # it is not what it was when it was listed
        what = f"cannot be looked at ({error.strerror})"
        return Entry(EntryKind.BROKEN, 0, what, "completeness/file-unreadable")


def _kind(name: os.DirEntry[str], folder: int) -> Entry:
    if name.is_file(follow_symlinks=False):
        found = name.stat(follow_symlinks=False)
        runs = bool(found.st_mode & stat.S_IXUSR)
        return Entry(_FILE, found.st_size, executable=runs)
    if name.is_dir(follow_symlinks=False):
        return Entry(_FOLDER)
    if name.is_symlink():
        return Entry(EntryKind.LINK, 0, os.readlink(name.name, dir_fd=folder))
    mode = name.stat(follow_symlinks=False).st_mode
    words = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFBLK: "device"}
    return Entry(EntryKind.SPECIAL, 0, words.get(stat.S_IFMT(mode), "device"))
