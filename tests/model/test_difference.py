import pytest
from hypothesis import given
from reverify.model.difference import GROUPS, Difference, difference
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report

from tests.formats.reports import finding, report, reports

YES, NO = Outcome.CONFIRMED, Outcome.REFUTED
MAYBE, NOT_ASKED = Outcome.UNDETERMINED, Outcome.UNTESTED


def between(before: list[Finding], after: list[Finding]) -> Difference:
    return difference(report(*before), report(*after))


def groups(found: Difference) -> dict[str, int]:
    return {name: len(getattr(found, name)) for name in GROUPS if getattr(found, name)}


@given(reports())
def test_nothing_differs_between_a_report_and_itself(made: Report) -> None:
    found = difference(made, made)
    assert groups(found) == {}
    assert found.same == len(made.findings)


@given(reports(), reports())
def test_every_claim_is_in_one_group(before: Report, after: Report) -> None:
    found = difference(before, after)
    known = (
        len(before.findings)
        - found.same
        - sum(
            len(getattr(found, name))
            for name in ("broke", "healed", "changed", "vanished")
        )
    )
    assert known == 0


@given(reports(), reports())
def test_there_and_back_are_mirror_images(before: Report, after: Report) -> None:
    there, back = difference(before, after), difference(after, before)
    assert len(there.broke) == len(back.healed)
    assert len(there.new) == len(back.vanished)
    assert len(there.changed) == len(back.changed)


@pytest.mark.parametrize(
    ("before", "after", "group"),
    [
        (YES, NO, "broke"),
        (NO, YES, "healed"),
        (YES, MAYBE, "changed"),
        (YES, NOT_ASKED, "changed"),
        (MAYBE, YES, "changed"),
        (MAYBE, NO, "changed"),
        (NO, MAYBE, "changed"),
        (NO, NOT_ASKED, "changed"),
    ],
)
def test_a_claim_goes_where_its_outcomes_say(
    before: Outcome, after: Outcome, group: str
) -> None:
    found = between([finding(outcome=before)], [finding(outcome=after)])
    assert groups(found) == {group: 1}


def test_what_is_claimed_only_now_is_new() -> None:
    assert groups(between([], [finding()])) == {"new": 1}


def test_what_was_claimed_only_then_has_vanished() -> None:
    assert groups(between([finding()], [])) == {"vanished": 1}


def test_another_rule_or_reason_is_no_difference() -> None:
    other = finding(rule="fixity/size-mismatch", reason="said in another way")
    assert groups(between([finding()], [other])) == {}


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ([finding(outcome=YES)], [finding()], True),
        ([finding(outcome=MAYBE)], [finding()], True),
        ([], [finding()], True),
        ([finding()], [finding()], False),
        ([finding()], [finding(outcome=YES)], False),
        ([finding()], [], False),
        ([finding(outcome=YES)], [finding(outcome=MAYBE)], False),
        ([finding(outcome=YES)], [finding(severity=Severity.WARNING)], False),
    ],
)
def test_only_what_is_refuted_now_and_was_not_makes_it_worse(
    before: list[Finding], after: list[Finding], worse: object
) -> None:
    assert between(before, after).worse is worse


def test_the_gravest_changes_come_first() -> None:
    found = between(
        [],
        [
            finding("a", YES),
            finding("b", severity=Severity.WARNING),
            finding("c", MAYBE),
            finding("d"),
        ],
    )
    assert [change.finding.claim.subject for change in found.new] == [
        "d",
        "b",
        "c",
        "a",
    ]
