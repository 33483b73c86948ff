"""Without a sandbox the bounds still hold, and the answer says that there was none."""

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from reverify.errors import SandboxError
from reverify.rerun.interface import Job, Ran, Watcher
from reverify.rerun.sandbox import Unconfined

from tests.rerun.sandbox.conftest import small
from tests.rerun.sandbox.test_bubblewrap import Interrupting, processes_with


def run(
    tmp_path: Path,
    script: str,
    bounds: dict[str, Any] | None = None,
    watcher: Watcher | None = None,
    **job: Any,  # noqa: ANN401 - as Job has them
) -> Ran:
    stage = tmp_path / "stage"
    with contextlib.suppress(FileExistsError):
        stage.mkdir()
        (stage / "in").write_text("text\n")
    wanted = Job(
        command=("sh", "-c", script), stage=stage, bounds=small(**bounds or {}), **job
    )
    return Unconfined().run(wanted, tmp_path / "written", watcher)


def test_it_runs_and_says_that_nothing_confined_it(tmp_path: Path) -> None:
    ran = run(tmp_path, "cat in; echo changed >in; echo new >out; ln -s / x; exit 4")

    assert ran.sandbox == ""
    assert (ran.status, ran.output, ran.odd) == (4, b"text\n", (("x", "a link to /"),))
    assert (ran.written / "out").read_bytes() == b"new\n"
    assert (ran.written / "in").read_bytes() == b"changed\n"
    assert (tmp_path / "stage/in").read_text() == "text\n"


def test_the_environment_of_the_caller_stays_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_SECRET", "token")

    said = run(tmp_path, "env", environment={"SEED": "7"}).output.decode().split("\n")

    names = {line.partition("=")[0] for line in said if line}
    assert names == {"HOME", "LANG", "PATH", "PWD", "REVERIFY_RUN", "SEED", "TMPDIR"}


@pytest.mark.parametrize(
    ("script", "bounds", "said"),
    [
        ("while :; do :; done", {"seconds": 0.5}, "it took more than 0.5 s"),
        ("yes", {"disk": 1 << 20}, "it printed more than 1 MiB"),
        (
            "for i in 1 2 3 4 5; do head -c 500000 /dev/zero >$i; done; sleep 9",
            {"disk": 1 << 20},
            "it wrote more than 1 MiB",
        ),
    ],
)
def test_it_is_stopped(
    tmp_path: Path, script: str, bounds: dict[str, Any], said: str
) -> None:
    ran = run(tmp_path, script, bounds)

    assert (ran.status, ran.stopped) == (None, said)
    assert ran.seconds < 5


def test_a_signal_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, "kill -9 $$").status == -9


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    ran = run(tmp_path, "setsid sleep 4715.25 & sleep 4715.25 & sleep 0.2")

    assert ran.status == 0
    assert processes_with("4715.25") == []


def test_an_interrupt_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", os.fspath(temporary))

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "setsid sleep 4716.25 & sleep 4716.25", watcher=Interrupting())

    assert processes_with("4716.25") == []
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "written").exists()


def test_a_stage_that_is_not_there_is_told(tmp_path: Path) -> None:
    job = Job(command=("true",), stage=tmp_path / "nowhere", bounds=small())

    with pytest.raises(SandboxError, match="could not be copied"):
        Unconfined().run(job, tmp_path / "written")
