"""Processes that judge: what ends them, what they outlive, what is left behind."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from reverify.profiles import forking, processes
from reverify.profiles.processes import DiedError, Process, Processes

SOON = 20
STAND_IN = """
import sys; sys.path[-1:-1] = sys.argv[1:]
import json, os, signal, time
from pathlib import Path
from reverify.profiles import forking

def act(engine, request):
    (deed,) = request.runs
    said = {
        "profile": deed, "here": os.getpid(), "parent": os.getppid(),
        "isolated": sys.flags.isolated, "home": os.environ["HOME"],
        "variables": len(os.environ), "code": forking.__file__,
        "read": sys.stdin.read(),
    }
    Path(request.folder, "answers").write_text(json.dumps(said))
    print("no answer", flush=True)
    if deed == "crash":
        os.abort()
    if deed == "grow":
        bytearray(1 << 30)
    if deed == "spin":
        while True:
            pass
    if deed == "wait":
        time.sleep(60)
    if deed == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    if deed == "interrupt":
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(60)
    if deed == "reach":
        open(f"/proc/{os.getppid()}/mem", "r+b")

def load():
    print("no answer either", flush=True)

forking.load, forking.answer, forking.COLD = load, act, 1 << 30
forking.main()
"""
"""The real process, but what it forks does deeds of ours instead of judging."""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    monkeypatch.setattr(processes, "_BEGIN", STAND_IN)
    found = Processes()
    yield found
    found.close()


def request(folder: Path, deed: str = "fine", seconds: int = 60) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    asked = {"folder": str(folder), "runs": [deed], "contexts": []}
    return {**asked, "memory": 512 << 20, "seconds": seconds}


def said(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "answers").read_bytes())
    return found


def said_or_nothing(folder: Path) -> dict[str, Any]:
    try:
        return said(folder)
    except (OSError, ValueError):
        return {}


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + SOON
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_each_crate_has_a_process_of_its_own_and_all_have_one_parent(
    kept: Processes, tmp_path: Path
) -> None:
    found = []
    for name in ("one", "other"):
        assert kept.judge(request(tmp_path / name), SOON) == ""
        found.append(said(tmp_path / name))
    assert found[0]["here"] != found[1]["here"]
    assert found[0]["parent"] == found[1]["parent"]
    assert not is_alive(found[0]["here"])


def test_a_process_has_nothing_of_the_users_environment_and_our_code(
    kept: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "42")
    assert kept.judge(request(tmp_path), SOON) == ""
    found = said(tmp_path)
    assert found["isolated"] == 1
    assert found["home"] == "/nonexistent"
    assert found["variables"] == 3
    assert found["code"] == forking.__file__
    assert found["read"] == ""


@pytest.mark.parametrize(
    ("deed", "seconds", "failure"),
    [
        ("crash", 60, "its process ended with -6"),
        ("grow", 60, "its process ended with 1"),
        ("spin", 0, "its process ended with -24"),
    ],
)
def test_what_ends_one_fork_costs_no_other(
    deed: str, seconds: int, failure: str, kept: Processes, tmp_path: Path
) -> None:
    kept.judge(request(tmp_path / "before"), SOON)
    assert kept.judge(request(tmp_path / "bad", deed, seconds), SOON) == failure
    assert kept.judge(request(tmp_path / "after"), SOON) == ""
    parents = {said(tmp_path / name)["parent"] for name in ("before", "bad", "after")}
    assert len(parents) == 1


def test_what_takes_too_long_is_ended_with_its_parent(
    kept: Processes, tmp_path: Path
) -> None:
    kept.judge(request(tmp_path / "before"), SOON)
    with pytest.raises(TimeoutError):
        kept.judge(request(tmp_path / "slow", "wait"), 0.5)
    found = said(tmp_path / "slow")
    wait_until(lambda: not is_alive(found["here"]) and not is_alive(found["parent"]))
    assert kept.judge(request(tmp_path / "after"), SOON) == ""


def test_a_parent_that_died_while_nobody_asked_is_replaced(
    kept: Processes, tmp_path: Path
) -> None:
    kept.judge(request(tmp_path / "before"), SOON)
    first = said(tmp_path / "before")["parent"]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not is_alive(first))
    assert kept.judge(request(tmp_path / "after"), SOON) == ""
    assert said(tmp_path / "after")["parent"] != first


def test_a_crate_that_kills_two_parents_is_given_up(
    kept: Processes, tmp_path: Path
) -> None:
    failure = kept.judge(request(tmp_path, "kill"), SOON)
    assert failure == "its process ended with -9"
    wait_until(lambda: not is_alive(said(tmp_path)["here"]))
    assert kept.judge(request(tmp_path), SOON) == ""


def test_no_other_process_is_started_after_the_user_ended_one(
    kept: Processes, tmp_path: Path
) -> None:
    begun = time.monotonic()
    failure = kept.judge(request(tmp_path, "interrupt"), SOON)
    assert failure == "its process ended with -2"
    assert time.monotonic() - begun < SOON / 2
    assert not kept._idle


def test_a_fork_cannot_write_into_its_parent(kept: Processes, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may")
    assert kept.judge(request(tmp_path, "reach"), SOON) == "its process ended with 1"


CLIENT = """
import json, sys, time
from pathlib import Path
from reverify.profiles import processes
processes._BEGIN = sys.argv[1]
kept = processes.Processes()
folder = Path(sys.argv[2])
asked = {"folder": str(folder), "contexts": [], "memory": 1 << 30, "seconds": 60}
kept.judge(asked | {"runs": ["fine"]}, 30)
print((folder / "answers").read_text(), flush=True)
(folder / "answers").unlink()
if sys.argv[3] == "wait":
    kept.judge(asked | {"runs": ["wait"]}, 60)
time.sleep(60)
"""


@pytest.mark.parametrize("deed", ["idle", "wait"])
@pytest.mark.parametrize("is_held", [False, True])
def test_nothing_is_left_of_a_client_that_is_killed(
    deed: str, is_held: bool, tmp_path: Path
) -> None:
    """Not even where another process holds an end of the pipe."""
    hold = (
        "import os\nif not os.fork():\n    import time; time.sleep(40); os._exit(0)\n"
    )
    code = CLIENT.replace("print((", f"{hold if is_held else ''}print((", 1)
    client = subprocess.Popen(
        [sys.executable, "-c", code, STAND_IN, str(tmp_path), deed],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(processes.__file__).parents[2])},
        start_new_session=True,
    )
    assert client.stdout is not None
    left = [json.loads(client.stdout.readline())["parent"]]
    if deed == "wait":
        wait_until(lambda: said_or_nothing(tmp_path).get("profile") == "wait")
        left.append(said(tmp_path)["here"])
    assert all(map(is_alive, left))
    client.kill()
    client.wait()
    try:
        wait_until(lambda: not any(map(is_alive, left)))
    finally:
        os.killpg(client.pid, signal.SIGKILL) if is_held else None
        client.stdout.close()


def test_a_fork_ends_with_its_parent(kept: Processes, tmp_path: Path) -> None:
    asking = threading.Thread(
        target=kept.judge, args=(request(tmp_path, "wait"), SOON), daemon=True
    )
    asking.start()
    wait_until(lambda: bool(said_or_nothing(tmp_path)))
    found = said(tmp_path)
    os.kill(found["parent"], signal.SIGKILL)
    wait_until(lambda: not is_alive(found["here"]))
    wait_until(
        lambda: said_or_nothing(tmp_path).get("here") not in {None, found["here"]}
    )
    os.kill(said(tmp_path)["parent"], signal.SIGKILL)
    asking.join(SOON)
    assert not asking.is_alive()


def test_threads_get_each_their_own_answer(kept: Processes, tmp_path: Path) -> None:
    def ask(number: int) -> tuple[str, str]:
        folder = tmp_path / str(number)
        kept.start()
        failure = kept.judge(request(folder, f"deed-{number}"), SOON)
        return failure, said(folder)["profile"]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(24)))
    assert found == [("", f"deed-{number}") for number in range(24)]
    assert len(kept._idle) <= (os.cpu_count() or 1)


def test_no_process_is_left_after_close(kept: Processes, tmp_path: Path) -> None:
    kept.judge(request(tmp_path), SOON)
    kept.close()
    assert not is_alive(said(tmp_path)["parent"])


def test_no_process_is_left_when_nobody_knows_of_them_any_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "_BEGIN", STAND_IN)
    Processes().judge(request(tmp_path), SOON)
    wait_until(lambda: not is_alive(said(tmp_path)["parent"]))


def test_a_process_that_forked_does_not_share_its_own_with_the_fork(
    kept: Processes, tmp_path: Path
) -> None:
    kept.judge(request(tmp_path / "before"), SOON)
    fork = multiprocessing.get_context("fork")
    other = fork.Process(target=kept.judge, args=(request(tmp_path / "fork"), SOON))
    other.start()
    other.join(SOON)
    kept.judge(request(tmp_path / "after"), SOON)
    names = ("before", "fork", "after")
    before, inside, after = (said(tmp_path / name)["parent"] for name in names)
    assert before == after != inside


def test_a_process_that_says_nothing_has_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_BEGIN", "raise SystemExit(7)")
    process = Process()
    with pytest.raises(DiedError):
        process.ask({}, SOON)
    assert process.stop() == 7
