"""The watchdog says what is too much, and of what."""

import os

import pytest
from reverify.rerun.sandbox import watchdog as module
from reverify.rerun.sandbox.watchdog import Taken, Watchdog, size_text

from tests.rerun.sandbox.conftest import small


def dog(taken: Taken = Taken(0, 0), **bounds: float) -> Watchdog:  # noqa: B008
    return Watchdog(small(**bounds), lambda: [os.getpid()], lambda: taken, spare=0)


def test_nothing_is_said_while_all_is_well() -> None:
    well = dog(memory=1 << 40)

    assert well.excess() == ""
    assert well.peak == well.memory > 1 << 20


@pytest.mark.parametrize(
    ("taken", "bounds", "said"),
    [
        (Taken(0, 0), {"seconds": 0}, "it took more than 0 s"),
        (Taken(0, 0), {"memory": 1000}, "it held more than 1,000 bytes of memory"),
        (Taken(2 << 20, 0), {"disk": 1 << 20}, "it wrote more than 1 MiB"),
        (Taken(0, 1001), {"files": 1000}, "it made more than 1,000 files"),
    ],
)
def test_each_bound_has_its_sentence(
    taken: Taken, bounds: dict[str, float], said: str
) -> None:
    assert dog(taken, **{"memory": 1 << 40, **bounds}).excess() == said


def test_a_machine_without_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_memory", lambda: 99)
    low = Watchdog(small(), list, lambda: Taken(0, 0), spare=100)

    assert low.excess().startswith("this machine had less than 100 bytes of memory")


def test_what_cannot_be_measured_is_nothing() -> None:
    gone = 2**22 + 1
    assert module.resident(gone) == 0
    assert module.own_part(gone) == 0
    assert not module.is_alive(gone)


def test_shared_memory_is_divided() -> None:
    assert 0 < module.own_part(os.getpid()) <= module.resident(os.getpid())


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1 << 30, "1 GiB"),
        (1536 << 20, "1,536 MiB"),
        (1025, "1,025 bytes"),
    ],
)
def test_sizes_are_said_exactly(size: int, said: str) -> None:
    assert size_text(size) == said
