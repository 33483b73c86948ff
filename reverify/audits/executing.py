"""Who does the work of an audit: this process, a pool of processes, a Dask cluster.

All do the same and give the same. Tasks are taken from their source only when somebody
is free to do them, so that a window can close between two of them.
"""

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, Protocol

from reverify.audits.checking import Verify, check, failed
from reverify.audits.planning import Task
from reverify.errors import UsageError
from reverify.model.audit import Result
from reverify.services import Clock, SystemClock
from reverify.version import __version__

log = logging.getLogger(__name__)

_AHEAD = 2
"""Tasks for each process: one in work, one waiting, so that none is idle."""
_TRIES = 2
_CONNECT_SECONDS = 30
Pair = tuple[Task, Result]
Factory = Callable[[], Verify]
"""Makes what checks a crate, in the process that is to check it."""


class Executor(Protocol):
    """Checks crates."""

    def prepare(self) -> None:
        """Get ready, since there will be something to do soon."""

    def results(self, tasks: Iterable[Task]) -> Iterator[Pair]:
        """Check crates, and give each result as soon as it is there, in any order."""

    def close(self) -> None:
        """Let go of all processes; what is in work is lost."""


class Serial:
    """Checks one crate after the other in this process.

    Args:
        verify: checks one crate.
        clock: what time it is.
    """

    def __init__(self, verify: Verify, clock: Clock | None = None) -> None:
        self._verify = verify
        self._clock = clock or SystemClock()

    def prepare(self) -> None:
        """There is nothing to get ready."""

    def results(self, tasks: Iterable[Task]) -> Iterator[Pair]:
        """Check crates in the order in which they come."""
        for task in tasks:
            yield task, check(self._verify, task.location, self._clock)

    def close(self) -> None:
        """There is nothing to let go of."""


class Pool:
    """Checks crates in a pool of processes of this machine.

    A process that dies takes nothing with it: what was in work is checked again, each
    crate in a process of its own, and only the one that kills it twice has failed.

    Args:
        make: makes what checks a crate; must be picklable.
        processes: how many.
    """

    def __init__(self, make: Factory, processes: int) -> None:
        self._make = make
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def prepare(self) -> None:
        """Start the processes, which takes them a while."""
        self._ready().submit(_nothing)

    def _ready(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = _new_pool(self._make, self._processes)
        return self._pool

    def results(self, tasks: Iterable[Task]) -> Iterator[Pair]:
        """Check crates, as many at a time as there are processes."""
        source = iter(tasks)
        running: dict[Future[Result], Task] = {}
        most = self._processes * _AHEAD
        while True:
            for task in islice(source, most - len(running)):
                running[self._submit(task)] = task
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            broken = []
            for future in done:
                task = running.pop(future)
                try:
                    yield task, future.result()
                except BrokenProcessPool:
                    broken.append(task)
            if broken:
                broken += running.values()
                running.clear()
                self.close()
                for task in broken:
                    yield task, self._alone(task)

    def _submit(self, task: Task) -> Future[Result]:
        try:
            return self._ready().submit(_check_here, task.location)
        except BrokenProcessPool as error:
            lost: Future[Result] = Future()
            lost.set_exception(error)
            return lost

    def _alone(self, task: Task) -> Result:
        """Check a crate again in a process of its own, to learn whether it kills it."""
        for _ in range(_TRIES):
            with _new_pool(self._make, 1) as pool:
                try:
                    return pool.submit(_check_here, task.location).result()
                except BrokenProcessPool:
                    log.info("a process died while checking a crate")
        reason = "each process that checked it died, for want of memory perhaps"
        return failed(task.location, reason, SystemClock())

    def close(self) -> None:
        """End all processes."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((pool._processes or {}).values())  # noqa: SLF001 - no other way
        for process in processes:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _new_pool(make: Factory, processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(make,),
    )


_here = threading.local()


def _begin(make: Factory) -> None:
    """Set a process of the pool up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when to end
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here.verify = make()


def _nothing() -> None:
    """What the first process does while others are started."""


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _check_here(location: str) -> Result:
    return check(_here.verify, location, SystemClock())


# -- Dask ------------------------------------------------------------------------------


class Dask:
    """Checks crates on a Dask cluster, whose workers see the same storage.

    Args:
        make: makes what checks a crate; must be picklable.
        address: of the scheduler, `tcp://host:8786`.

    Raises:
        UsageError: Dask is not installed, or nobody answers there.
    """

    def __init__(self, make: Factory, address: str) -> None:
        try:
            from distributed import Client  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError(
                "--dask needs an extra: pip install 'reverify[dask]'"
            ) from error
        try:
            self._client: Any = Client(
                address, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise UsageError(
                f"--dask {address}: no scheduler answers ({error})"
            ) from error
        self._payload = pickle.dumps(make)
        self._address = address

    def prepare(self) -> None:
        """The workers are there already."""

    def results(self, tasks: Iterable[Task]) -> Iterator[Pair]:
        """Check crates, as many at a time as the cluster has threads.

        A worker that is lost is replaced by another one; a crate that is lost with
        each of them has failed.
        """
        from distributed import as_completed  # noqa: PLC0415

        source = iter(tasks)
        running: dict[Any, Task] = {}
        stream = as_completed(loop=self._client.loop)
        while True:
            for task in islice(source, max(0, self._room() - len(running))):
                future = self._submit(task)
                running[future.key] = task
                stream.add(future)
            if not running:
                return
            future = next(stream)
            task = running.pop(future.key)
            yield task, self._result(task, future)

    def _room(self) -> int:
        threads: int = sum(self._client.nthreads().values())
        return max(1, threads) * _AHEAD

    def _submit(self, task: Task) -> Any:  # noqa: ANN401 - Dask has no types
        return self._client.submit(
            _check_there, self._payload, __version__, task.location, pure=False
        )

    def _result(self, task: Task, future: Any) -> Result:  # noqa: ANN401
        from distributed import CancelledError, KilledWorker  # noqa: PLC0415

        try:
            result: Result = future.result()
        except KilledWorker:
            reason = "each worker that checked it died, for want of memory perhaps"
            return failed(task.location, reason, SystemClock())
        except (CancelledError, OSError) as error:
            raise UsageError(
                f"--dask {self._address}: the scheduler is gone ({error}); begin the"
                " audit again, and it goes on"
            ) from error
        return result

    def close(self) -> None:
        """Let go of the cluster; what is in work is not waited for."""
        self._client.close()


def _check_there(payload: bytes, version: str, location: str) -> Result:
    """Check a crate on a worker, with what was made for this thread of it."""
    if version != __version__:
        raise UsageError(
            f"a worker has reverify {__version__}, and the audit {version}: install"
            " the same on all"
        )
    if getattr(_here, "payload", None) != payload:
        _here.verify = pickle.loads(payload)()  # noqa: S301 - from our own client
        _here.payload = payload
    return check(_here.verify, location, SystemClock())
