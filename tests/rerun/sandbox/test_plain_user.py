"""What works for root works for a plain user: the other tests run as one of them."""

import os
import pickle
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reverify.rerun.interface import Job, Ran
from reverify.rerun.sandbox import Bubblewrap, Unconfined

from tests.rerun.sandbox.conftest import small

USER = 1000


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of that user, who cannot enter those of the tests."""
    if os.geteuid() != 0:
        pytest.skip("these tests run as a plain user anyway")
    folder = Path(tempfile.mkdtemp(prefix="plain-", dir="/tmp"))
    (folder / "stage").mkdir()
    (folder / "stage/in").write_text("text\n")
    for path in folder, folder / "stage", folder / "stage/in":
        os.chown(path, USER, USER)
    yield folder
    shutil.rmtree(folder)


def as_user(work: Callable[[], object]) -> Any:  # noqa: ANN401 - whatever it gives
    """Do it in a child that is a plain user."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
            answer = work()
        except BaseException:  # noqa: BLE001 - told by the parent
            answer = traceback.format_exc()
        with os.fdopen(theirs, "wb") as stream:
            pickle.dump(answer, stream)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        answer = pickle.load(stream)
    os.waitpid(child, 0)
    return answer


def confined(place: Path, script: str, **bounds: float) -> Ran:
    def work() -> Ran:
        job = Job(
            command=("sh", "-c", script), stage=place / "stage", bounds=small(**bounds)
        )
        return Bubblewrap().run(job, place / "written")

    answer = as_user(work)
    assert isinstance(answer, Ran), answer
    return answer


def test_it_works_as_a_plain_user(bubblewrap: Bubblewrap, place: Path) -> None:
    del bubblewrap
    ran = confined(
        place, "cat in; echo new >out; echo x >/dev/stdout; ls -A /root /home"
    )

    assert ran.output == b"text\nx\n"
    assert ran.status == 2
    assert (place / "written/out").read_text() == "new\n"
    assert (place / "written/out").stat().st_uid == USER
    assert ran.memory > 0
    assert ran.sandbox.startswith("bubblewrap")


@pytest.mark.parametrize(
    ("script", "bounds", "said"),
    [
        ("while :; do :; done", {"seconds": 0.5}, "it took more than 0.5 s"),
        (
            "for i in 1 2 3 4; do head -c 500000 /dev/zero >$i; done",
            {"disk": 1 << 20},
            "it wrote more than 1 MiB",
        ),
        (
            "i=0; while [ $i -lt 600 ]; do : >$i; i=$((i+1)); done",
            {},
            "it made more than 500 files",
        ),
        (
            'x=$(head -c 40000000 /dev/zero | tr "\\\\0" x); sleep 9',
            {"memory": 32 << 20},
            "",
        ),
        (
            "bomb() { bomb | bomb & }; bomb & while :; do :; done",
            {"seconds": 0.5, "processes": 20},
            "it took more than 0.5 s",
        ),
    ],
)
def test_the_bounds_hold_for_a_plain_user(
    bubblewrap: Bubblewrap,
    place: Path,
    script: str,
    bounds: dict[str, float],
    said: str,
) -> None:
    del bubblewrap
    ran = confined(place, script, **bounds)

    assert ran.stopped == said
    assert ran.status is None or ran.status != 0


def test_without_a_sandbox_it_works_as_a_plain_user(place: Path) -> None:
    def work() -> Ran:
        job = Job(command=("id", "-u"), stage=place / "stage", bounds=small())
        return Unconfined().run(job, place / "written")

    assert as_user(work).output == b"1000\n"
