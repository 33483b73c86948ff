from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.model.finding import identified, timestamp
from reverify.model.outcome import Outcome, Severity

from tests.formats.reports import finding, findings, moments


def ids(*made: object) -> list[str]:
    return [id for id, _ in identified(made)]  # type: ignore[arg-type]


@given(st.lists(findings(), max_size=6))
def test_no_two_findings_of_a_report_have_one_id(made: list[object]) -> None:
    assert len(set(ids(*made))) == len(made)


@given(
    st.lists(findings(), max_size=5, unique_by=lambda f: f.key()).flatmap(
        lambda made: st.tuples(st.just(made), st.permutations(made))
    )
)
def test_the_id_of_a_claim_made_once_does_not_hang_on_the_order(
    orders: tuple[list[object], list[object]],
) -> None:
    first, second = orders
    assert sorted(ids(*first)) == sorted(ids(*second))


@given(st.lists(findings(), max_size=5))
def test_ids_are_the_same_on_every_run(made: list[object]) -> None:
    assert ids(*made) == ids(*made)


def test_an_id_is_the_same_on_every_machine_and_for_ever() -> None:
    assert ids(finding(), finding("b")) == ["7aa2b665c9d1e2be", "b92b9bce38b247f8"]


def test_a_claim_made_twice_has_two_ids() -> None:
    first, second = ids(finding(), finding())
    assert first != second
    assert ids(finding()) == [first]


def test_what_became_of_a_claim_does_not_change_its_id() -> None:
    bad = finding()
    good = finding(
        outcome=Outcome.CONFIRMED,
        rule="fixity/digest-match",
        reason="other",
        fix="",
        line=1,
        file="data/ro-crate-metadata.json",
        severity=Severity.NOTE,
    )
    assert ids(bad) == ids(good)


@pytest.mark.parametrize("change", ["subject", "topic", "expected"])
def test_another_claim_has_another_id(change: str) -> None:
    assert ids(finding()) != ids(finding(**{change: "other"}))  # type: ignore[arg-type]


@given(moments)
def test_a_timestamp_is_read_back_as_the_same_moment(moment: datetime) -> None:
    assert datetime.fromisoformat(timestamp(moment)) == moment


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC), "2026-01-31T12:00:00Z"),
        (
            datetime(2026, 1, 31, 12, 0, 0, 120_000, tzinfo=UTC),
            "2026-01-31T12:00:00.12Z",
        ),
        (
            datetime(2026, 1, 31, 1, 0, 0, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-30T23:00:00Z",
        ),
    ],
)
def test_a_timestamp_is_short_and_in_utc(moment: datetime, expected: str) -> None:
    assert timestamp(moment) == expected


@pytest.mark.parametrize(
    ("outcome", "severity", "expected"),
    [
        (Outcome.REFUTED, Severity.ERROR, True),
        (Outcome.REFUTED, Severity.WARNING, False),
        (Outcome.UNDETERMINED, Severity.ERROR, False),
        (Outcome.CONFIRMED, Severity.ERROR, False),
    ],
)
def test_only_a_refuted_error_hurts(
    outcome: Outcome, severity: Severity, expected: object
) -> None:
    assert finding(outcome=outcome, severity=severity).hurts is expected
