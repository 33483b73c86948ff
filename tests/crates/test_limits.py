"""Budgets: what is spent is gone, and what is late is late."""

import pytest
from reverify.crates.limits import Budget, Limits
from reverify.errors import LimitError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_bytes_are_spent_once() -> None:
    budget = Budget(Limits(total_bytes=100))
    budget.spend(60, "a")
    with pytest.raises(LimitError, match="--max-bytes"):
        budget.spend(60, "b")
    budget.spend(40, "c")


def test_a_refused_file_costs_nothing() -> None:
    budget = Budget(Limits(total_bytes=10))
    with pytest.raises(LimitError):
        budget.spend(11, "a")
    budget.spend(10, "b")


def test_when_the_time_is_up_nothing_more_is_read() -> None:
    clock = Clock()
    budget = Budget(Limits(seconds=5), clock)
    clock.now += 4
    budget.tick("a")
    assert budget.seconds_left == pytest.approx(1)
    clock.now += 2
    with pytest.raises(LimitError, match="--max-time"):
        budget.tick("a")
    with pytest.raises(LimitError):
        budget.spend(0, "a")
    assert budget.seconds_left == 0


def test_a_limit_is_undetermined() -> None:
    assert LimitError("x").rule == "completeness/limit-reached"
