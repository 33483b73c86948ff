"""A command runs confined, and what it says and leaves comes back."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from reverify.errors import SandboxError
from reverify.rerun.interface import Job
from reverify.rerun.sandbox import WORK, Bubblewrap
from reverify.rerun.sandbox import bubblewrap as module

from tests.rerun.sandbox.conftest import PYTHON, Confined, small


def test_says_how_it_ended(confined: Confined) -> None:
    ran = confined.shell("echo here; echo there >&2; exit 3")

    assert (ran.status, ran.stopped) == (3, "")
    assert (ran.output, ran.errors) == (b"here\n", b"there\n")
    assert ran.sandbox.startswith("bubblewrap 0.")
    assert 0 < ran.seconds < 5
    assert ran.memory > 0


def test_tells_the_signal_that_ended_it(confined: Confined) -> None:
    assert confined.shell("kill -SEGV $$").status == -signal.SIGSEGV


def test_works_on_a_copy_of_the_stage(confined: Confined) -> None:
    ran = confined.shell(
        "tr a-z A-Z <in/a.txt >out/b.txt; echo changed >in/a.txt",
        files={"in/a.txt": "text\n", "out/.keep": ""},
    )

    assert ran.status == 0
    assert confined.left()["out/b.txt"] == b"TEXT\n"
    assert confined.left()["in/a.txt"] == b"changed\n"
    assert (confined.stage / "in/a.txt").read_text() == "text\n"


def test_a_stage_that_is_ours_alone_is_enough(confined: Confined) -> None:
    secret = confined.stage / "a.txt"
    secret.write_text("mine\n")
    secret.chmod(0o600)
    confined.stage.chmod(0o700)

    assert confined.run("cat", "a.txt").output == b"mine\n"


def test_files_come_back_for_us_alone(confined: Confined) -> None:
    confined.shell("mkdir sub empty; echo x >sub/x; chmod 4777 sub/x; chmod 0 sub")

    assert (confined.written / "sub/x").stat().st_mode & 0o7777 == 0o600
    assert (confined.written / "empty").is_dir()
    assert confined.written.stat().st_mode & 0o777 == 0o700


def test_starts_in_the_folder_that_is_asked_for(confined: Confined) -> None:
    ran = confined.run("pwd", directory="deep/er", files={"deep/er/x": ""})

    assert ran.output == f"{WORK}/deep/er\n".encode()


def test_its_environment_is_what_the_job_says(
    confined: Confined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_SECRET", "token")

    ran = confined.run("env", environment={"SEED": "7", "ODD": "a b=c\n'\"$x"})

    lines = ran.output.decode().split("\n")
    assert sorted(lines) == sorted(
        [
            *("HOME=/tmp", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", f"PWD={WORK}"),
            *("SEED=7", "ODD=a b=c", "'\"$x", ""),
        ]
    )


def test_arguments_reach_it_as_they_are(confined: Confined) -> None:
    odd = ("", "a b", "$HOME", "*", "x\ny", "--", "é", "'", "`id`", "A=b")

    ran = confined.run("printf", "%s|", *odd)

    assert ran.output.decode() == "".join(f"{part}|" for part in odd)


def test_programs_are_looked_up_in_the_path_of_the_job(
    confined: Confined, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "greet").write_text("#!/bin/sh\necho hello\n")
    (tools / "greet").chmod(0o755)
    tmp_path.chmod(0o700)

    ran = confined.run("greet", path=(str(tools),), binds=(tools,))

    assert ran.output == b"hello\n", ran.errors


def test_a_program_that_is_not_there_is_told_by_the_shell(confined: Confined) -> None:
    ran = confined.run("no-such-program")

    assert ran.status == 127
    assert b"no-such-program: not found" in ran.errors


def test_interpreters_outside_usr_run(confined: Confined) -> None:
    ran = confined.python("import ctypes, ssl, sys; print(sys.prefix)")

    assert ran.output.decode().strip() == sys.prefix, ran.errors


def test_what_is_bound_is_read_only(confined: Confined, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "x").write_text("x")
    data.chmod(0o777)
    (data / "x").chmod(0o666)

    ran = confined.shell(
        f"cat {data}/x; echo y >{data}/x; touch {data}/y", binds=(data,)
    )

    assert ran.output == b"x"
    assert ran.errors.count(b"Read-only file system") == 2
    assert [path.name for path in data.iterdir()] == ["x"]


@pytest.mark.parametrize("path", ["/", "/etc", "/etc/ssl", "/proc", "/dev/shm", WORK])
def test_no_bind_takes_the_place_of_what_the_sandbox_has(
    confined: Confined, path: str
) -> None:
    with pytest.raises(SandboxError, match="cannot be shown"):
        confined.run("true", binds=(Path(path),))


def test_a_bind_that_is_not_there_is_told(confined: Confined, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"nowhere: no such folder"):
        confined.run("true", binds=(tmp_path / "nowhere",))


@pytest.mark.parametrize("directory", ["../up", "/etc", "not/there"])
def test_no_folder_outside_the_stage_is_started_in(
    confined: Confined, directory: str
) -> None:
    with pytest.raises(SandboxError, match=directory):
        confined.run("true", directory=directory)
    assert not confined.written.exists()


@pytest.mark.parametrize("command", [(), ("a\0b",)])
def test_no_command_is_no_command(confined: Confined, command: tuple[str, ...]) -> None:
    with pytest.raises(SandboxError, match="empty, or holds a NUL"):
        confined.run(*command)


def test_a_folder_with_something_in_it_is_not_written_to(confined: Confined) -> None:
    confined.written.mkdir()
    (confined.written / "mine").write_text("keep")

    with pytest.raises(SandboxError, match="is not empty"):
        confined.run("true")
    assert confined.left() == {"mine": b"keep"}


def test_its_input_is_empty(confined: Confined) -> None:
    assert confined.run("cat").output == b""


def test_both_streams_can_be_opened_by_name(confined: Confined) -> None:
    ran = confined.shell("echo a >/dev/stdout; echo b >/dev/stderr")

    assert (ran.output, ran.errors) == (b"a\n", b"b\n")


def test_long_output_loses_its_middle(confined: Confined) -> None:
    ran = confined.shell("seq 1 20000", bounds={"output": 1000})

    assert ran.output.startswith(b"1\n2\n3\n")
    assert ran.output.endswith(b"19999\n20000\n")
    assert b"\n[... 107,894 bytes are left out here ...]\n" in ran.output
    assert ran.status == 0


class Notes:
    def __init__(self) -> None:
        self.command: tuple[str, ...] = ()
        self.said: list[tuple[float, int, bytes]] = []

    def started(self, command: tuple[str, ...]) -> None:
        self.command = command

    def running(self, seconds: float, memory: int, tail: bytes) -> None:
        self.said.append((seconds, memory, tail))


def test_a_watcher_hears_about_once_a_second(confined: Confined) -> None:
    notes = Notes()

    confined.shell("echo a; sleep 0.5; echo b >&2; sleep 1.8", watcher=notes)

    assert notes.command[:2] == ("sh", "-c")
    times = [0.0, *(seconds for seconds, _, _ in notes.said)]
    assert len(times) >= 2
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(times))
    assert all(memory > 1 << 20 for _, memory, _ in notes.said)
    assert notes.said[0][2] == b"a\nb\n"


def processes_with(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes() and path.parent.name != str(
                os.getpid()
            ):
                found.append(path.read_bytes().decode())
    return found


def soon_gone(mark: str) -> bool:
    deadline = time.monotonic() + 5
    while processes_with(mark) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not processes_with(mark)


class Interrupting(Notes):
    def running(self, seconds: float, memory: int, tail: bytes) -> None:
        del seconds, memory, tail
        raise KeyboardInterrupt


def test_an_interrupt_leaves_nothing_behind(
    confined: Confined, monkeypatch: pytest.MonkeyPatch
) -> None:
    confined.run("true")
    shutil.rmtree(confined.written)
    monkeypatch.setattr(tempfile, "tempdir", str(confined.folder))
    mounts = Path("/proc/self/mountinfo").read_text()
    mark = "sleep 4711.25"

    with pytest.raises(KeyboardInterrupt):
        confined.shell(f"touch a; setsid {mark} & {mark}", watcher=Interrupting())

    assert soon_gone("4711.25")
    assert not confined.written.exists()
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert list(confined.folder.iterdir()) == [confined.stage]


def test_an_interrupt_leaves_nothing_behind_whenever_it_comes(
    confined: Confined,
) -> None:
    confined.sandbox.missing()
    for delay in range(0, 60, 4):
        timer = threading.Timer(delay / 1000, os.kill, (os.getpid(), signal.SIGINT))
        try:
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - may come at once
                timer.start()
                confined.shell("setsid sleep 4718.25 & sleep 4718.25")
        finally:
            timer.cancel()
        assert soon_gone("4718.25"), f"after {delay} ms"
        assert not confined.written.exists()


def test_descriptors_are_given_back(confined: Confined) -> None:
    confined.run("true")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(3):
        confined.sandbox.run(
            Job(command=("true",), stage=confined.stage, bounds=small()),
            confined.folder / str(number),
        )
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_two_threads_may_run_at_once(confined: Confined) -> None:
    said: list[bytes] = []

    def go(number: int) -> None:
        job = Job(
            command=("sh", "-c", f"sleep 0.3; echo {number}"),
            stage=confined.stage,
            bounds=small(),
        )
        ran = confined.sandbox.run(job, confined.folder / str(number))
        said.append(ran.output)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [b"0\n", b"1\n"]


KILLED = """
import sys
from pathlib import Path
from reverify.rerun.interface import Job
from reverify.rerun.sandbox import Bubblewrap
class Watcher:
    def started(self, command): print("started", flush=True)
    def running(self, *said): pass
stage, written, mark = sys.argv[1:]
script = f"(setsid sleep {mark} &) ; sleep {mark}"
job = Job(command=("sh", "-c", script), stage=Path(stage))
sandbox = Bubblewrap()
sandbox.missing()
print("starting", flush=True)
sandbox.run(job, Path(written), Watcher())
"""


def running_in(confined: Confined, mark: str) -> subprocess.Popen[bytes]:
    """Another reverify, which has just begun to start a sandbox."""
    parent = subprocess.Popen(
        [sys.executable, "-c", KILLED, confined.stage, confined.written, mark],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.fspath(Path(module.__file__).parents[3])},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"starting\n"
    return parent


def test_nothing_outlives_a_parent_that_is_killed(confined: Confined) -> None:
    parent = running_in(confined, "4712.25")
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    assert processes_with("4712.25")

    parent.kill()
    parent.communicate()

    assert soon_gone("4712.25")


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.01, 0.015])
def test_nor_if_it_is_killed_while_it_starts(confined: Confined, delay: float) -> None:
    mark = f"4719.{delay * 1000:.0f}25"
    parent = running_in(confined, mark)
    time.sleep(delay)

    parent.kill()
    parent.communicate()

    assert soon_gone(mark)


def test_a_machine_without_bubblewrap_says_so(tmp_path: Path) -> None:
    sandbox = Bubblewrap(program="bwrap-that-is-not-there")

    assert sandbox.missing().startswith("bubblewrap is not installed")
    with pytest.raises(SandboxError, match="bubblewrap is not installed"):
        sandbox.run(Job(command=("true",), stage=tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo bubblewrap 0.6.1",
            "bubblewrap 0.6.1 is too old, 0.8 or later is needed",
        ),
        ("echo nothing useful >&2", "bubblewrap of unknown version is too old"),
        (
            """[ "$1" = --version ] && echo bubblewrap 0.8.0 || {
            echo 'bwrap: No permissions to create new namespace' >&2; exit 1; }""",
            "No permissions to create new namespace",
        ),
    ],
)
def test_one_that_does_not_work_says_why(script: str, said: str) -> None:
    # In a folder that all may enter, since root has another user start it.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        program = Path(folder, "bwrap")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

        missing = Bubblewrap(program=str(program)).missing()

    # Root of a container may not even come so far.
    assert said in missing or "unshare failed" in missing


def test_a_kernel_that_forbids_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bwrap"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0\n')
    program.chmod(0o755)
    setting = tmp_path / "max_user_namespaces"
    setting.write_text("0\n")
    monkeypatch.setattr(module, "_SETTINGS", ((str(setting), "0"),))

    assert Bubblewrap(program=str(program)).missing() == (
        f"user namespaces are off for plain users ({setting} is 0)"
    )


def test_python_is_bound_from_where_it_lies() -> None:
    # Else the tests above would not try what they say they do.
    assert all(path.is_dir() for path in PYTHON)
