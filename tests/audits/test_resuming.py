"""Killed at random moments and begun again, an audit ends as if nothing had been."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from reverify.store.database import Database
from reverify.store.history import History

from tests.audits.collections import make

COMMAND = (sys.executable, "-m", "reverify", "audit", "run", "--skip", "conformance")


def environment(database: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "REVERIFY_DB": database,
        "REVERIFY_OFFLINE": "1",
        "REVERIFY_CACHE_DIR": str(tmp_path / "cache"),
    }


def start(crates: Path, env: dict[str, str], *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *more, str(crates)],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def kept(database: str) -> list[tuple[Any, ...]]:
    """All that the history says of crates, but for when, and how long it took."""
    history = History(Database(database))
    assert list(history.faults()) == []
    (run,) = history.runs()
    assert run.state == "finished"
    return [
        (
            check.crate,
            check.outcome,
            check.level,
            check.kinds,
            check.digest,
            check.reading,
            check.why,
            check.read,
            check.last_full,
            check.bytes,
            history.findings(check.findings),
        )
        for check in history.checks(run=run.number)
    ]


def undisturbed(crates: Path, tmp_path: Path) -> list[tuple[Any, ...]]:
    database = f"sqlite:///{tmp_path}/undisturbed.sqlite"
    process = start(crates, environment(database, tmp_path))
    process.communicate()
    assert process.returncode == 1
    return kept(database)


def kill_again_and_again(
    crates: Path,
    database: str,
    tmp_path: Path,
    times: int,
    number: int,
    most: float = 1.5,
) -> None:
    """Kill it that many times; each time only the first process, as a system does."""
    chance = random.Random(times)
    env = environment(database, tmp_path)
    killed = 0
    while killed < times:
        process = start(crates, env)
        try:
            process.wait(chance.uniform(0.2, most))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, number)
            killed += 1
        process.communicate()
        if process.returncode in {0, 1}:  # it was done before all blows had fallen
            break
    process = start(crates, env)
    _, said = process.communicate()
    assert process.returncode == 1, said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_audit_that_is_killed_ends_as_if_nothing_had_been(
    tmp_path: Path, database: str, number: int
) -> None:
    crates = tmp_path / "crates"
    make(crates, 120, damaged=6)
    kill_again_and_again(crates, database, tmp_path, 4, number)
    assert first_run(database) == undisturbed(crates, tmp_path)


@pytest.mark.long
def test_twenty_blows_change_nothing(tmp_path: Path, database: str) -> None:
    crates = tmp_path / "crates"
    make(crates, 1500, damaged=15)
    kill_again_and_again(crates, database, tmp_path, 20, signal.SIGKILL, 0.9)
    assert first_run(database) == undisturbed(crates, tmp_path)


def first_run(database: str) -> list[tuple[Any, ...]]:
    """The first run: if it was done early, the last start began another one."""
    history = History(Database(database))
    if len(history.runs()) == 1:
        return kept(database)
    pytest.skip("the machine was too fast: the run was done before it was killed")


@pytest.mark.slow
def test_no_process_is_left_when_an_audit_is_killed(tmp_path: Path) -> None:
    crates = tmp_path / "crates"
    make(crates, 200)
    env = environment(f"sqlite:///{tmp_path}/h.sqlite", tmp_path)
    process = start(crates, env, "--jobs", "2")
    deadline = time.monotonic() + 60
    while len(members(process.pid)) < 3:  # itself and the pool
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    while members(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def members(session: int) -> list[int]:
    """The processes of a session that are not over."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                state, _, _, its = (
                    (place / "stat").read_text().rpartition(")")[2].split()[:4]
                )
            except OSError:
                continue
            if int(its) == session and state != "Z":
                found.append(int(place.name))
    return found


@pytest.mark.slow
def test_an_interrupt_is_told_and_the_next_run_goes_on(tmp_path: Path) -> None:
    crates = tmp_path / "crates"
    make(crates, 40)
    for number in range(1, 25):  # so many that it is not done before it is interrupted
        shutil.copytree(crates / "000", crates / f"{number:03}")
    env = environment(f"sqlite:///{tmp_path}/h.sqlite", tmp_path)
    process = start(crates, env)
    history = History(Database(env["REVERIFY_DB"]))
    deadline = time.monotonic() + 60
    while not history.runs() or not history.checked(1):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said) == (130, b"reverify: interrupted\n")
    assert [run.state for run in history.runs()] == ["unfinished"]


@pytest.mark.slow
def test_a_full_disk_ends_a_run_that_goes_on_when_there_is_room(tmp_path: Path) -> None:
    crates = tmp_path / "crates"
    make(crates, 60)
    database = f"sqlite:///{tmp_path}/h.sqlite"
    env = environment(database, tmp_path)
    # The database may grow to so many blocks of 1024 bytes, as on a full disk.
    limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 120; exec "$@"', "bash"]
    process = subprocess.run(
        [*limited, *COMMAND, "--jobs", "1", str(crates)],
        env=env,
        capture_output=True,
        check=False,
    )
    assert process.returncode == 2, process.stderr
    assert b"h.sqlite" in process.stderr
    assert b"Traceback" not in process.stderr
    process = start(crates, env)  # type: ignore[assignment]
    process.communicate()  # type: ignore[attr-defined]
    assert process.returncode == 0
    assert len(kept(database)) == 60
