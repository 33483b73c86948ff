"""A command that takes too much is stopped, all of it, and the report says what for."""

import time
from pathlib import Path

import pytest
from reverify.errors import SandboxError
from reverify.rerun.interface import Job
from reverify.rerun.sandbox import Bubblewrap, watchdog

from tests.rerun.sandbox.conftest import Confined, small
from tests.rerun.sandbox.test_bubblewrap import processes_with, soon_gone


def test_an_endless_loop_ends_with_its_time(confined: Confined) -> None:
    ran = confined.shell("echo busy; while :; do :; done", bounds={"seconds": 1.0})

    assert (ran.status, ran.stopped) == (None, "it took more than 1 s")
    assert 1 <= ran.seconds < 3
    assert ran.output == b"busy\n"
    assert confined.left() == {}


def test_the_time_of_processors_is_bounded_for_each_process(confined: Confined) -> None:
    assert confined.shell("ulimit -t").output.strip().isdigit()


def test_one_process_gets_no_more_memory_than_all_may_have(confined: Confined) -> None:
    ran = confined.python("x = bytearray(200 << 20)", bounds={"memory": 96 << 20})

    assert ran.status == 1
    assert b"MemoryError" in ran.errors


HOGS = """
import os, time
for _ in range(4):
    if not os.fork():
        x = bytearray(b"x") * (40 << 20)
        time.sleep(60)
time.sleep(60)
"""


def test_processes_that_hog_memory_together_are_stopped(confined: Confined) -> None:
    ran = confined.python(HOGS, bounds={"memory": 96 << 20})

    assert ran.stopped == "it held more than 96 MiB of memory"
    assert ran.memory > 96 << 20
    assert ran.seconds < 5


SHARERS = """
import os, time
x = bytearray(b"x") * (50 << 20)
for _ in range(4):
    if not os.fork():
        time.sleep(0.5)
        os._exit(0)
for _ in range(4):
    os.wait()
"""


def test_memory_that_forks_share_counts_once(confined: Confined) -> None:
    ran = confined.python(SHARERS, bounds={"memory": 128 << 20})

    assert (ran.status, ran.stopped) == (0, "")


ANONYMOUS = """
import os, time
kept = []
while True:
    kept.append(os.memfd_create("x"))
    os.write(kept[-1], b"x" * (1 << 20))
    time.sleep(0.01)
"""


def test_a_machine_that_runs_out_of_memory_is_no_longer_used(
    confined: Confined, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Memory in anonymous files belongs to no process: only the machine's is left to
    # look at. So this one is said to have none left.
    monkeypatch.setattr(watchdog, "available_memory", lambda: 0)

    ran = confined.python(ANONYMOUS)

    assert ran.stopped.startswith("this machine had less than 256 MiB of memory left")
    assert ran.seconds < 3


def test_a_stage_that_does_not_fit_in_memory_is_not_begun(confined: Confined) -> None:
    confined.sandbox = Bubblewrap(spare=1 << 60)

    assert "do not fit in the memory of this machine" in confined.sandbox.missing()
    with pytest.raises(SandboxError, match="run it where there is more"):
        confined.run("true")


def test_a_fork_bomb_is_held_and_ended(confined: Confined) -> None:
    ran = confined.shell(
        "bomb() { bomb 4713.25 | bomb 4713.25 & }; bomb & while :; do :; done",
        bounds={"seconds": 1.0, "processes": 24},
    )

    assert ran.stopped == "it took more than 1 s"
    assert soon_gone("4713.25")


COUNTED = """
import os, time
forks = 0
try:
    while forks < 100:
        if not os.fork():
            time.sleep(60)
            os._exit(0)
        forks += 1
except OSError as error:
    print(forks, error.strerror)
"""


def test_there_are_no_more_processes_than_allowed(confined: Confined) -> None:
    ran = confined.python(COUNTED, bounds={"processes": 20})

    assert ran.output == b"19 Resource temporarily unavailable\n"
    assert ran.status == 0


def test_the_limit_cannot_be_raised(confined: Confined) -> None:
    ran = confined.python(
        "import resource as r; r.setrlimit(r.RLIMIT_NPROC, (999, 999))"
    )

    assert b"not allowed to raise maximum limit" in ran.errors


@pytest.mark.parametrize("where", [".", "/tmp"])
def test_a_full_disk_stops_it(confined: Confined, where: str) -> None:
    ran = confined.shell(
        f"for i in 1 2 3 4 5 6 7 8; do head -c 4000000 /dev/zero >{where}/$i; done",
        bounds={"disk": 8 << 20},
    )

    assert (ran.status, ran.stopped) == (None, "it wrote more than 8 MiB")
    assert confined.left() == {}


def test_shared_memory_is_small(confined: Confined) -> None:
    ran = confined.shell(
        "head -c 100000000 /dev/zero >/dev/shm/x", bounds={"disk": 200 << 20}
    )

    assert b"No space left on device" in ran.errors


def test_many_empty_files_stop_it(confined: Confined) -> None:
    ran = confined.python(
        "import os\nfor i in range(10**7): os.close(os.open(f'{i}', os.O_CREAT))"
    )

    assert ran.stopped == "it made more than 500 files"
    assert ran.seconds < 3


def test_the_files_of_the_stage_are_not_counted(confined: Confined) -> None:
    (confined.stage / "large").write_bytes(b"x" * (4 << 20))
    ran = confined.shell(
        "cp large copy", bounds={"disk": 5 << 20, "files": 3}, files={"a": "", "b": ""}
    )

    assert (ran.status, ran.stopped) == (0, "")
    assert set(confined.left()) == {"large", "copy", "a", "b"}


def test_a_flood_of_output_is_cut_and_stopped(confined: Confined) -> None:
    ran = confined.run("yes", bounds={"output": 1000, "disk": 4 << 20})

    assert ran.stopped == "it printed more than 4 MiB"
    assert len(ran.output) < 1100
    assert ran.output.startswith(b"y\ny\n")


DAEMON = """
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        os.closerange(0, 3)
        os.execvp("sleep", ["sleep", "MARK"])
    os._exit(0)
os.wait()
time.sleep(0.2)
"""


def test_daemons_end_with_it(confined: Confined) -> None:
    ran = confined.python(DAEMON.replace("MARK", "4714.25"))

    assert ran.status == 0
    assert processes_with("4714.25") == []


def test_daemons_end_when_it_is_stopped(confined: Confined) -> None:
    script = DAEMON.replace("MARK", "4717.25") + "time.sleep(60)"
    ran = confined.python(script, bounds={"seconds": 1.0})

    assert ran.stopped == "it took more than 1 s"
    assert processes_with("4717.25") == []


def test_one_that_kills_all_around_it_is_told(confined: Confined) -> None:
    ran = confined.python("import os, time; os.kill(-1, 9); time.sleep(60)")

    assert ran.status is None
    assert ran.stopped == "it ended the shell that started it, and all with it"


def test_nothing_is_slow_where_nothing_is_wrong(
    bubblewrap: Bubblewrap, tmp_path: Path
) -> None:
    stage = tmp_path / "stage"
    stage.mkdir()
    before = time.monotonic()
    bubblewrap.run(
        Job(command=("true",), stage=stage, bounds=small()), tmp_path / "out"
    )
    assert time.monotonic() - before < 2
