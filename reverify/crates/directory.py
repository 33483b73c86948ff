"""A crate in a directory of this machine."""

import io
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import BinaryIO

from reverify.crates import hashing
from reverify.crates.digests import Fingerprint
from reverify.crates.limits import Budget
from reverify.crates.names import path_fault
from reverify.crates.payload import Entry, EntryKind, Fault, Payload
from reverify.errors import LimitError

BATCH_FILES = 400
BATCH_BYTES = 64 << 20
WORTH_A_WORKER = (1500, 48 << 20)
"""Files and bytes from which on a worker process earns the time it takes to start."""


class DirectoryPayload(Payload):
    """The files below one folder; links are never followed.

    The user's own path to the folder may be a link; nothing below it may. Every name
    is opened part by part from a descriptor of the folder, so that a file swapped for
    a link between look and open is refused as well.
    """

    format = "directory"

    def __init__(self, root: Path, budget: Budget) -> None:
        super().__init__(budget)
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folder = hashing.Folder(self._root)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the folder."""
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
                try:
                    names = self._scan(folder.descend(path), path, found)
                except OSError as error:
                    reason = f"{path or '.'}: cannot be listed ({error.strerror})"
                    rule = "completeness/file-unreadable"
                    self.faults.append(Fault(rule, path or "./", reason))
                    continue
                waiting.extend(names)
                if len(found) > self.budget.limits.files:
                    self._too_much("", f"after {len(found):,} names")
                    break
                self.budget.tick(path or "./")
        finally:
            folder.close()
        return found

    def _scan(self, fd: int, path: str, found: dict[str, Entry]) -> list[str]:
        prefix = path + "/" if path else ""
        folders = []
        with os.scandir(fd) as names:
            for name in sorted(names, key=lambda entry: entry.name):
                full = prefix + name.name
                entry = _entry(name, fd)
                found[full] = entry
                if entry.kind is EntryKind.FOLDER:
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

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest many files, in worker processes where there are enough of them."""
        affordable = dict(wanted)
        total = sum(self._size(path) for path in wanted)
        try:
            self.budget.spend(total, "./")
        except LimitError:  # not for all of them: see for how many
            affordable.clear()
            for path, algorithms in wanted.items():
                try:
                    self.budget.spend(self._size(path), path)
                except LimitError as error:
                    yield path, Fingerprint(0, {}, error.reason, limit=True)
                else:
                    affordable[path] = algorithms
        batches = self._batches(affordable)
        files_worth, bytes_worth = WORTH_A_WORKER
        worth = len(affordable) >= files_worth or (
            total >= bytes_worth and len(batches) > 1
        )
        if not worth or self.budget.limits.jobs < 2:  # noqa: PLR2004
            yield from self._here(batches)
        else:
            yield from self._in_workers(batches)

    def _size(self, path: str) -> int:
        entry = self.entries.get(path)
        return entry.size if entry else 0

    def _batches(self, wanted: Mapping[str, Collection[str]]) -> list["_Batch"]:
        """Pack files of the same algorithms together, the most bytes first."""
        groups: dict[frozenset[str], _Batch] = {}
        batches = []
        entries = self.entries
        for path, algorithms in wanted.items():
            key = frozenset(algorithms)
            batch = groups.get(key)
            if batch is None:
                batch = groups[key] = _Batch(tuple(sorted(key)))
                batches.append(batch)
            batch.paths.append(path)
            batch.size += entries[path].size if path in entries else 0
            if len(batch.paths) >= BATCH_FILES or batch.size >= BATCH_BYTES:
                del groups[key]
        return sorted(batches, key=lambda batch: -batch.size)

    def _here(self, batches: list["_Batch"]) -> Iterator[tuple[str, Fingerprint]]:
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
                    yield path, _fingerprint(path, batch, found)
        finally:
            folder.close()

    def _in_workers(self, batches: list["_Batch"]) -> Iterator[tuple[str, Fingerprint]]:
        jobs = min(self.budget.limits.jobs, len(batches))
        workers = [_Worker(self._root) for _ in range(jobs)]
        idle = list(workers)

        def work(batch: _Batch) -> list[tuple[str, Fingerprint]]:
            worker = idle.pop()
            try:
                answers = worker.ask(batch, self.budget.seconds_left)
            finally:
                idle.append(worker)
            return [
                (path, _fingerprint(path, batch, found))
                for path, found in zip(batch.paths, answers, strict=True)
            ]

        pool = ThreadPoolExecutor(jobs)
        try:
            for done in as_completed([pool.submit(work, batch) for batch in batches]):
                yield from done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.close()


class _Batch:
    """Files that are digested with the same algorithms in one go."""

    def __init__(self, algorithms: tuple[str, ...]) -> None:
        self.algorithms = algorithms
        self.paths: list[str] = []
        self.size = 0


class _Worker:
    """A process that digests files below a folder it was handed."""

    def __init__(self, root: int) -> None:
        program = [sys.executable, "-I", "-S", hashing.__file__, str(root)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no foreign text
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(root,),
            env={},
        )

    def ask(self, batch: _Batch, seconds: float) -> list[hashing.Result]:
        """Have a batch digested; where the process fails, that is the answer."""
        try:
            return self._ask([list(batch.algorithms), seconds, *batch.paths])
        except (OSError, ValueError):
            failure = "the process that digests files ended too early"
            return [(0, [], failure)] * len(batch.paths)

    def _ask(self, request: list[object]) -> list[hashing.Result]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:  # pragma: no cover - asked for pipes
            raise AssertionError
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        answers: list[hashing.Result] = json.loads(stdout.readline())
        return answers

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def _fingerprint(path: str, batch: _Batch, found: hashing.Result) -> Fingerprint:
    size, digests, problem = found
    if problem:
        limit = problem == hashing.OUT_OF_TIME
        return Fingerprint(size, {}, f"{path}: {problem}", limit=limit)
    return Fingerprint(size, dict(zip(batch.algorithms, digests, strict=True)))


def _entry(name: os.DirEntry[str], folder: int) -> Entry:
    try:
        return _kind(name, folder)
    except OSError as error:  # it is not what it was when it was listed
        what = f"cannot be looked at ({error.strerror})"
        return Entry(EntryKind.BROKEN, 0, what, "completeness/file-unreadable")


def _kind(name: os.DirEntry[str], folder: int) -> Entry:
    if name.is_file(follow_symlinks=False):
        return Entry(EntryKind.FILE, name.stat(follow_symlinks=False).st_size)
    if name.is_dir(follow_symlinks=False):
        return Entry(EntryKind.FOLDER)
    if name.is_symlink():
        return Entry(EntryKind.LINK, 0, os.readlink(name.name, dir_fd=folder))
    mode = name.stat(follow_symlinks=False).st_mode
    words = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFBLK: "device"}
    return Entry(EntryKind.SPECIAL, 0, words.get(stat.S_IFMT(mode), "device"))
