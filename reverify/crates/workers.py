"""Digest many files below one folder, in processes of their own."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from queue import SimpleQueue

from reverify.crates import hashing
from reverify.crates.digests import Fingerprint

PIPE_BYTES = 1 << 20
"""Room for an answer, so that a worker need not wait until it is read to the end."""


class Batch:
    """Files that are digested with the same algorithms in one go.

    Attributes:
        algorithms: hashlib's names, sorted.
        paths: relative to the folder.
        size: bytes of all files together.
    """

    def __init__(self, algorithms: tuple[str, ...]) -> None:
        self.algorithms = algorithms
        self.paths: list[str] = []
        self.size = 0

    def fingerprint(self, path: str, found: hashing.Result) -> Fingerprint:
        """What reading one of its files gave."""
        size, digests, problem = found
        if problem:
            limit = problem == hashing.OUT_OF_TIME
            return Fingerprint(size, {}, f"{path}: {problem}", limit=limit)
        return Fingerprint(size, digests)


class Reading:
    """Files that are being digested, from when they are added and until `close`.

    As long as nobody waits for the results, the caller is busy itself: one process less
    is used until then.

    Args:
        root: a descriptor of the folder; it stays the caller's.
        jobs: how many processes to use, at least two.
        seconds_left: how long it may still take, asked before each batch.
    """

    def __init__(self, root: int, jobs: int, seconds_left: Callable[[], float]) -> None:
        self._root = root
        self._jobs = jobs
        self._seconds_left = seconds_left
        self._workers: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._pool = ThreadPoolExecutor(jobs)
        self._tasks: list[Future[list[tuple[str, Fingerprint]]]] = []

    def add(self, batches: list[Batch]) -> None:
        """Digest these too, after those that were added before."""
        self._tasks += [self._pool.submit(self._digest, batch) for batch in batches]
        self._start_workers(self._jobs - 1)

    def results(self) -> Iterator[tuple[str, Fingerprint]]:
        """The files, as they are done."""
        self._start_workers(self._jobs)
        try:
            for task in as_completed(self._tasks):
                yield from task.result()
        finally:
            self.close()

    def close(self) -> None:
        """Stop what is still being done."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def _start_workers(self, most: int) -> None:
        while len(self._workers) < min(most, len(self._tasks)):
            worker = _Worker(self._root)
            self._workers.append(worker)
            self._idle.put(worker)

    def _digest(self, batch: Batch) -> list[tuple[str, Fingerprint]]:
        worker = self._idle.get()
        try:
            answers = worker.ask(batch, self._seconds_left())
        finally:
            self._idle.put(worker)
        return [
            (path, batch.fingerprint(path, found))
            for path, found in zip(batch.paths, answers, strict=True)
        ]


class _Worker:
    """A process that digests files below a folder it was handed."""

    def __init__(self, root: int) -> None:
        program = [sys.executable, "-I", "-S", hashing.__file__, str(root)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no foreign text
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(root,),
            pipesize=PIPE_BYTES,
            env={},
        )

    def ask(self, batch: Batch, seconds: float) -> list[hashing.Result]:
        """Have a batch digested; where the process fails, that is the answer."""
        deadline = time.monotonic() + seconds  # of the machine, not of a process
        try:
            return self._ask((list(batch.algorithms), deadline, batch.paths))
        except (OSError, EOFError, ValueError):
            failure = "the process that digests files ended too early"
            return [(0, {}, failure)] * len(batch.paths)

    def _ask(self, request: object) -> list[hashing.Result]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:  # pragma: no cover - asked for pipes
            raise AssertionError
        hashing.send(stdin, request)
        answers: list[hashing.Result] = hashing.receive(stdout)
        return answers

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
