"""What is read, in which order, and what is only looked at."""

from datetime import UTC, datetime, timedelta

from reverify.audits.looking import Look
from reverify.audits.planning import Planner, Wanted
from reverify.audits.sampling import read_sample
from reverify.model.audit import Known, Looked, Reading, Why

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SAME, OTHER = b"s" * 16, b"o" * 16


def known(location: str, **changes: object) -> Known:
    values: dict[str, object] = {
        "crate": abs(hash(location)) % 10**6,
        "location": location,
        "findings": 1,
        "outcome": "confirmed",
        "level": "intact",
        "kinds": "cccnnn",
        "why": "new",
        "read": 1,
        "full": 1,
        "at": "2026-05-01T00:00:00Z",
        "stamp": SAME,
        "files": 1,
        "bytes": 10,
        "seconds": 0.1,
    }
    return Known(**(values | changes))  # type: ignore[arg-type]


class Planned:
    """A plan that was carried out."""

    def __init__(
        self, *crates: Known, new: tuple[str, ...] = (), **asked: object
    ) -> None:
        self.aside: list[Looked] = []
        by_place = {each.location: each for each in crates}
        wanted = Wanted(now=NOW, **asked)  # type: ignore[arg-type]
        self.planner = Planner(wanted, by_place, self.aside.append, self._look)
        places = (*by_place, *new)
        self.tasks = list(self.planner.tasks(p for p in places if "gone" not in p))
        self.why = {task.location: task.why for task in self.tasks}

    def _look(self, place: str) -> Look:
        return Look(OTHER if "changed" in place else SAME, 1, 10)


def test_the_most_urgent_is_read_first_and_the_longest_unread_before_others() -> None:
    plan = Planned(
        known("due-later", at="2025-05-31T00:00:00Z"),
        known("due-first", at="2024-05-31T00:00:00Z"),
        known("failed", outcome="refuted"),
        known("changed"),
        known("fine"),
        new=("new",),
    )
    assert [task.location for task in plan.tasks] == [
        "new",
        "changed",
        "failed",
        "due-first",
        "due-later",
    ]
    assert [(each.location, each.reading) for each in plan.aside] == [
        ("fine", Reading.QUICK)
    ]


def test_a_crate_is_due_after_the_period_and_not_before() -> None:
    year = timedelta(days=365.25)
    plan = Planned(
        known("over", at=f"{NOW - year:%Y-%m-%dT%H:%M:%SZ}"),
        known("under", at=f"{NOW - year + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"),
    )
    assert plan.why == {"over": Why.DUE}


def test_what_was_asked_for_otherwise_is_read_again() -> None:
    plan = Planned(known("a", read=1), known("b", read=2), same=frozenset({2}))
    assert plan.why == {"a": Why.ASKED}


def test_all_are_read_if_that_is_asked() -> None:
    assert Planned(known("fine"), is_full=True).why == {"fine": Why.ALL}


def test_what_was_found_and_never_read_is_new() -> None:
    plan = Planned(known("a", outcome="untested", read=None, at=None, stamp=None))
    assert plan.why == {"a": Why.NEW}


def test_what_could_not_be_read_has_failed() -> None:
    plan = Planned(known("a", outcome="undetermined", read=None, at=None, stamp=None))
    assert plan.why == {"a": Why.FAILED}


def test_what_can_never_be_looked_at_is_read_each_time() -> None:
    class Blind(Planned):
        def _look(self, place: str) -> Look:
            del place
            return Look(None)

    assert Blind(known("far", stamp=None)).why == {"far": Why.DUE}


def test_what_is_not_found_is_missing() -> None:
    plan = Planned(known("gone"), known("fine"))
    assert [each.location for each in plan.planner.missing()] == ["gone"]


def test_a_place_that_is_named_twice_is_read_once() -> None:
    assert len(Planned(new=("a", "a")).tasks) == 1


def test_beside_a_sample_what_is_urgent_is_read() -> None:
    plan = Planned(
        *(known(f"fine-{n}") for n in range(8)),
        known("failed", outcome="refuted"),
        known("changed"),
        known("due", at="2024-01-01T00:00:00Z"),
        new=("arrived",),
        sample=read_sample("2"),
    )
    sampled = [place for place, why in plan.why.items() if why is Why.SAMPLE]
    assert len(sampled) == 2
    assert {"failed", "changed", "due", "arrived"} <= plan.why.keys()
    assert plan.planner.round_left == 10
    assert {each.reading for each in plan.aside} == {Reading.QUICK}


def test_what_was_there_and_never_read_waits_until_it_is_drawn() -> None:
    never = {"outcome": "untested", "read": None, "at": None, "stamp": None}
    crates = [known(f"crate-{n}", **never) for n in range(5)]
    plan = Planned(*crates, sample=read_sample("2"))
    assert set(plan.why.values()) == {Why.SAMPLE}
    assert len(plan.why) == 2


def test_a_sample_passes_over_what_it_had_in_this_round() -> None:
    crates = [known(f"crate-{n}", crate=n) for n in range(10)]
    plan = Planned(*crates, sample=read_sample("10"), drawn=frozenset(range(7)))
    assert sorted(plan.why) == ["crate-7", "crate-8", "crate-9"]


def test_what_is_new_and_set_aside_was_not_looked_at_as_read() -> None:
    plan = Planned(new=("a", "b"), sample=read_sample("1"))
    assert [(e.known, e.reading, e.why) for e in plan.aside] == [
        (None, Reading.NONE, Why.NEW)
    ]
