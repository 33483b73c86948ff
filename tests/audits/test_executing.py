"""This process, a pool and a Dask cluster do the same, whatever dies meanwhile."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed
import pytest
from reverify.audits import executing
from reverify.audits.executing import Dask, Executor, Pool, Serial
from reverify.audits.looking import Look
from reverify.audits.planning import Task
from reverify.errors import UsageError
from reverify.model.audit import Result, Why
from reverify.model.report import Report
from reverify.runtime import Checker, Runtime
from reverify.settings import load_settings

from tests.builders import METADATA, document, encode, write

CHECKER = Checker(settings=load_settings({"offline": True, "skip": ["conformance"]}))


@pytest.fixture
def crates(tmp_path: Path) -> list[Task]:
    """Nine crates, of which one is damaged, one is none, and one is not there."""
    for number in range(7):
        files = {"a.csv": f"{number}\n".encode()}
        made = encode(document(files))
        write(tmp_path / f"crate-{number}", {**files, METADATA: made})
    (tmp_path / "crate-3" / "a.csv").write_bytes(b"x\n")
    (tmp_path / "crate-7").mkdir()
    return tasks(tmp_path / f"crate-{number}" for number in range(9))


def tasks(places: Iterable[Path]) -> list[Task]:
    return [Task(str(place), Why.NEW, Look(None), None) for place in places]


def told(executor: Executor, todo: Iterable[Task]) -> dict[str, tuple[str, str]]:
    """What was found of each crate: the verdict, and the digest of the findings."""
    try:
        pairs = list(executor.results(iter(todo)))
    finally:
        executor.close()
    assert len(pairs) == len({task.location for task, _ in pairs})
    return {
        Path(task.location).name: (result.outcome, result.sha256)
        for task, result in pairs
    }


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as made:
        yield made


@pytest.mark.slow
def test_all_executors_find_the_same(
    crates: list[Task],
    cluster: Any,  # noqa: ANN401 - Dask has no types
) -> None:
    serial = told(Serial(CHECKER()), crates)
    assert serial["crate-0"][0] == "confirmed"
    assert serial["crate-3"][0] == "refuted"
    assert serial["crate-8"][0] == "refuted"
    assert told(Pool(CHECKER, 2), crates) == serial
    assert told(Dask(CHECKER, cluster.scheduler_address), crates) == serial


@pytest.mark.slow
def test_a_worker_of_a_cluster_that_is_killed_loses_no_crate(tmp_path: Path) -> None:
    todo = []
    for number in range(40):
        files = {"a.csv": os.urandom(2 << 20)}
        made = encode(document(files))
        write(tmp_path / f"c{number}", {**files, METADATA: made})
        todo += tasks([tmp_path / f"c{number}"])
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        executor = Dask(CHECKER, cluster.scheduler_address)
        found: list[Result] = []
        for _, result in executor.results(iter(todo)):
            found.append(result)
            if len(found) == 3:
                worker = next(iter(cluster.workers.values()))
                os.kill(worker.process.process.pid, signal.SIGKILL)
        executor.close()
    assert len({result.location for result in found}) == 40
    assert {result.outcome for result in found} == {"confirmed"}


def test_a_cluster_that_does_not_answer_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executing, "_CONNECT_SECONDS", 1)
    with pytest.raises(UsageError, match="no scheduler answers"):
        Dask(CHECKER, "tcp://127.0.0.1:1")


@dataclass(frozen=True)
class Deadly:
    """Makes a check that kills its process at one crate, each time or once.

    Attributes:
        name: of that crate.
        marker: a file that is there after the first time; "" to kill each time.
    """

    name: str
    marker: str = ""

    def __call__(self) -> Callable[[str], Iterator[Report]]:
        verify = Runtime(CHECKER.settings).verify

        def check(location: str) -> Iterator[Report]:
            if location.endswith(self.name) and not (
                self.marker and Path(self.marker).exists()
            ):
                if self.marker:
                    Path(self.marker).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return verify(location)

        return check


@pytest.mark.slow
def test_a_crate_that_kills_its_process_fails_alone(crates: list[Task]) -> None:
    found = told(Pool(Deadly("crate-4"), 2), crates[:7])
    assert found["crate-4"][0] == "undetermined"
    assert {name for name, (outcome, _) in found.items() if outcome == "confirmed"} == {
        f"crate-{number}" for number in (0, 1, 2, 5, 6)
    }


@pytest.mark.slow
def test_a_process_that_dies_once_costs_nothing(
    crates: list[Task], tmp_path: Path
) -> None:
    found = told(Pool(Deadly("crate-4", str(tmp_path / "died")), 2), crates[:7])
    assert found == told(Serial(CHECKER()), crates[:7])


@pytest.mark.slow
def test_a_pool_takes_no_more_than_it_can_do(crates: list[Task]) -> None:
    """So that a window that closes keeps what is not begun from being begun."""
    taken: list[str] = []

    def source() -> Iterator[Task]:
        for task in crates[:7]:
            taken.append(task.location)
            yield task

    pool = Pool(CHECKER, 1)
    results = pool.results(source())
    next(results)
    assert len(taken) <= 3
    pool.close()


@dataclass(frozen=True)
class Endless:
    """Makes a check that never ends, and tells which process it is in."""

    folder: str

    def __call__(self) -> Callable[[str], Iterator[Report]]:
        def check(location: str) -> Iterator[Report]:
            del location
            Path(self.folder, str(os.getpid())).touch()
            time.sleep(60)
            raise AssertionError

        return check


@pytest.mark.slow
def test_closing_a_pool_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    pool = Pool(Endless(str(folder)), 2)
    todo = tasks([tmp_path / "a", tmp_path / "b"])

    def run() -> None:
        with contextlib.suppress(CancelledError):
            list(pool.results(iter(todo)))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while len(list(folder.iterdir())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    processes = [int(path.name) for path in folder.iterdir()]
    pool.close()
    while any(_is_running(pid) for pid in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
