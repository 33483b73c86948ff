"""How a collection stands: now, since when, how sure."""

from datetime import UTC, datetime

import pytest
from reverify.audits.forecast import Amount, forecast
from reverify.audits.overview import collections, overview
from reverify.audits.running import Order
from reverify.audits.sampling import read_sample
from reverify.errors import UsageError
from reverify.model.audit import Overview

from tests.audits.places import Place, place

__all__ = ["place"]
DAY = 86_400


def standing(place: Place) -> Overview:
    (run,) = collections(place.history)
    return overview(place.history, run, datetime.fromtimestamp(place.clock.now_is, UTC))


def break_(place: Place, name: str) -> None:
    (place.folder / name / "a.csv").write_bytes(b"9\n")


def test_a_broken_crate_is_told_with_the_run_since_which_it_is(place: Place) -> None:
    place.audit()
    break_(place, "crate-1")
    second = place.audit()
    place.audit()
    found = standing(place)
    (bad,) = found.bad
    assert bad.check.crate.endswith("crate-1")
    assert bad.since[0] == second.number
    assert {each.rule for each in bad.findings} == {"fixity/digest-mismatch"}
    (trouble,) = found.trouble
    assert (trouble.rule, trouble.crates, trouble.findings) == (
        "fixity/digest-mismatch",
        1,
        1,
    )
    assert trouble.bytes == bad.check.bytes
    assert len(found.runs) == 3
    assert not any(found.drift)


def test_one_that_healed_and_broke_again_is_broken_since_then(place: Place) -> None:
    break_(place, "crate-1")
    place.audit()
    (place.folder / "crate-1" / "a.csv").write_bytes(b"1\n")
    place.audit()
    break_(place, "crate-1")
    third = place.audit()
    (bad,) = standing(place).bad
    assert bad.since[0] == third.number


def test_the_age_of_full_readings_is_told_and_quick_looks_make_none_younger(
    place: Place,
) -> None:
    place.audit()
    place.clock.now_is += 20 * DAY
    place.audit()
    spans = {each.days: each.crates for each in standing(place).coverage if each.crates}
    assert spans == {30: 3}


def test_what_is_due_soon_and_what_is_overdue_is_counted(place: Place) -> None:
    period = 100 * DAY
    place.audit(full_every=period)
    place.clock.now_is += 95 * DAY
    assert (standing(place).due, standing(place).overdue) == (3, 0)
    place.clock.now_is += 10 * DAY
    assert (standing(place).due, standing(place).overdue) == (0, 3)


def test_the_period_is_the_end_of_a_span(place: Place) -> None:
    place.audit(full_every=45.0 * DAY)
    assert 45 in {each.days for each in standing(place).coverage}


def test_what_was_never_read_is_counted_as_that(place: Place) -> None:
    place.audit(sample=read_sample("1"))
    found = standing(place)
    assert found.never == 2
    assert found.run.summary is not None
    assert found.run.summary.crates == {"confirmed": 1, "untested": 2}
    assert found.bad == ()
    assert {e.days: e.crates for e in found.coverage if e.crates} == {7: 1, None: 2}


def test_each_collection_is_told_by_its_last_run(place: Place) -> None:
    place.audit()
    other = place.folder.parent / "other"
    other.mkdir()
    place.folder, first = other, place.folder
    place.crate("crate-9")
    place.audit()
    place.folder = first
    place.audit()
    assert [run.number for run in collections(place.history)] == [2, 3]


# -- what an audit would do ------------------------------------------------------------


def test_a_forecast_says_what_would_be_read_and_writes_nothing(place: Place) -> None:
    order = Order(roots=(str(place.folder),))
    found = forecast(place.history, order, place.clock, 1)
    assert found.read.keys() == {"new"}
    assert found.total.crates == 3
    assert found.seconds is None
    assert place.history.runs() == []


def test_a_forecast_knows_how_long_reading_took(place: Place) -> None:
    place.audit()
    order = Order(roots=(str(place.folder),), is_full=True)
    took = sum(check.seconds or 0 for check in place.history.checks(run=1))
    one = forecast(place.history, order, place.clock, 1)
    two = forecast(place.history, order, place.clock, 2)
    assert one.read == {"all": one.total}
    assert one.seconds == pytest.approx(took, abs=1e-3)
    assert two.seconds == pytest.approx(took / 2, abs=1e-3)


def test_a_forecast_tells_what_is_changed_gone_and_only_looked_at(place: Place) -> None:
    place.audit()
    break_(place, "crate-1")
    place.crate("crate-2").rename(place.folder.parent / "elsewhere")
    order = Order(roots=(str(place.folder),))
    found = forecast(place.history, order, place.clock, 1)
    assert (list(found.read), found.looked, found.missing) == (["changed"], 1, 1)


def test_a_forecast_keeps_within_the_window(place: Place) -> None:
    order = Order(roots=(str(place.folder),), bytes=1)
    found = forecast(place.history, order, place.clock, 1)
    assert (found.total.crates, found.later.crates) == (1, 2)


def test_amounts_add_up() -> None:
    assert Amount(1, 2) + Amount(3, 4) == Amount(4, 6)


def test_a_forecast_of_nothing_is_refused(place: Place) -> None:
    with pytest.raises(UsageError, match="there is nothing"):
        forecast(place.history, Order(roots=("/no/such",)), place.clock, 1)
