from datetime import timedelta, timezone
from typing import Any

import pytest
from reverify.formats.junit import JUnit
from reverify.model.outcome import Level, Outcome, Severity
from reverify.model.report import Report
from reverify.policy import Policy

from tests.formats.reports import finding, report
from tests.formats.validators import junit


def written(*reports: Report) -> Any:  # noqa: ANN401 - lxml has no types
    return junit(JUnit().render(reports))


def tags(root: Any) -> list[str]:  # noqa: ANN401
    return [child.tag for case in root.iter("testcase") for child in case]


@pytest.mark.parametrize(
    ("outcome", "severity", "expected"),
    [
        (Outcome.CONFIRMED, Severity.ERROR, []),
        (Outcome.REFUTED, Severity.ERROR, ["failure"]),
        (Outcome.REFUTED, Severity.WARNING, ["skipped"]),
        (Outcome.REFUTED, Severity.NOTE, ["skipped"]),
        (Outcome.UNDETERMINED, Severity.ERROR, ["error"]),
        (Outcome.UNDETERMINED, Severity.WARNING, ["error"]),
        (Outcome.UNDETERMINED, Severity.NOTE, ["skipped"]),
        (Outcome.UNTESTED, Severity.ERROR, ["skipped"]),
        (Outcome.NOT_APPLICABLE, Severity.ERROR, ["skipped"]),
    ],
)
def test_an_outcome_is_told_in_the_words_of_junit(
    outcome: Outcome, severity: Severity, expected: list[str]
) -> None:
    held = finding("other", Outcome.CONFIRMED)
    told = finding(outcome=outcome, severity=severity)
    assert tags(written(report(held, told))) == expected


def test_what_is_counted_is_what_is_there() -> None:
    root = written(
        report(finding(), finding("b", Outcome.CONFIRMED)),
        report(finding("c", Outcome.UNDETERMINED), location="other"),
        report(
            finding("d", Outcome.UNTESTED),
            finding("e", Outcome.CONFIRMED),
            location="third",
        ),
    )
    counts = {name: root.get(name) for name in ("failures", "errors", "skipped")}
    assert root.get("tests") == str(len(list(root.iter("testcase"))))
    assert counts == {"failures": "1", "errors": "1", "skipped": "1"}


def test_the_same_claim_made_twice_has_two_names() -> None:
    root = written(report(finding(), finding(), finding()))
    assert len({case.get("name") for case in root.iter("testcase")}) == 3


def test_the_same_location_checked_twice_has_two_suites() -> None:
    root = written(report(finding()), report(finding()))
    assert [suite.get("name") for suite in root] == ["crate", "crate (2)"]


def test_a_failure_says_what_was_expected_and_found_and_how_to_mend_it() -> None:
    (failure,) = written(report(finding())).iter("failure")
    assert failure.get("message") == "rain.csv: something is wrong"
    assert "expected sha256:9f86" in failure.text
    assert "found sha256:00" in failure.text
    assert "fix: Restore the file." in failure.text


def test_a_case_names_file_and_line() -> None:
    (case,) = written(report(finding())).iter("testcase")
    assert (case.get("file"), case.get("line")) == ("ro-crate-metadata.json", "41")


def test_the_time_of_a_suite_is_in_utc() -> None:
    made = report(finding())
    zone = timezone(timedelta(hours=5))
    object.__setattr__(made, "started", made.started.astimezone(zone))
    assert written(made)[0].get("timestamp") == "2026-01-31T12:00:00"


def test_warnings_that_refute_are_seen() -> None:
    strict = report(finding(severity=Severity.WARNING), policy=Policy(strict=True))
    root = written(strict)
    assert sorted(tags(root)) == ["failure", "skipped"]


def test_a_level_that_was_not_reached_is_seen() -> None:
    good = finding(outcome=Outcome.CONFIRMED)
    (error,) = written(report(good, policy=Policy(required=Level.ARCHIVED))).iter(
        "error"
    )
    assert "archived required" in error.get("message")


def test_a_verdict_that_a_claim_explains_is_not_counted_again() -> None:
    root = written(report(finding(), policy=Policy(required=Level.ARCHIVED)))
    assert root.get("failures") == "1"
    assert root.get("tests") == "1"
