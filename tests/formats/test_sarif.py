import json
from typing import Any

import pytest
from reverify.formats import sarif
from reverify.formats.sarif import Sarif
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report
from reverify.model.rules import RULES

from tests.formats.reports import finding, report
from tests.formats.validators import sarif_faults, sarif_validator


def run(*reports: Report) -> dict[str, Any]:
    log = json.loads(Sarif().render(reports))
    assert sarif_faults(log) == []
    (only,) = log["runs"]
    return dict(only)


def result(made: Report) -> dict[str, Any]:
    (only,) = run(made)["results"]
    return dict(only)


def location(made: Report) -> dict[str, Any]:
    (only,) = result(made)["locations"]
    return dict(only["physicalLocation"])


def test_the_schema_that_we_test_against_refuses_what_is_no_sarif() -> None:
    assert not sarif_validator().is_valid({"version": "2.1.0", "runs": [{}]})


def test_a_report_without_faults_has_an_empty_list_of_results() -> None:
    assert run(report(finding(outcome=Outcome.CONFIRMED)))["results"] == []


def test_a_refuted_claim_fails_at_its_level() -> None:
    found = result(report(finding(severity=Severity.WARNING)))
    assert (found["kind"], found["level"]) == ("fail", "warning")


def test_what_could_not_be_told_is_open_and_has_no_level() -> None:
    found = result(report(finding(outcome=Outcome.UNDETERMINED)))
    assert (found["kind"], found["level"]) == ("open", "none")


def test_a_result_names_its_rule_by_id_and_index() -> None:
    made = run(report(finding(), finding(rule="fixity/size-mismatch", topic="size")))
    rules = made["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in made["results"]] == [
        r["ruleId"] for r in made["results"]
    ]


def test_a_result_names_line_and_column() -> None:
    assert location(report(finding(line=41)))["region"] == {
        "startLine": 41,
        "startColumn": 1,
    }


def test_a_result_without_a_line_points_at_the_start_of_the_file() -> None:
    region = location(report(finding(line=None)))["region"]
    assert region == {"startLine": 1, "startColumn": 1}


@pytest.mark.parametrize(
    ("where", "format", "expected"),
    [
        ("crates/a", "directory", "crates/a/ro-crate-metadata.json"),
        ("crates/a/", "directory", "crates/a/ro-crate-metadata.json"),
        (".", "directory", "ro-crate-metadata.json"),
        ("crates/a b", "bag", "crates/a%20b/ro-crate-metadata.json"),
        ("a/ro-crate-metadata.json", "directory", "a/ro-crate-metadata.json"),
        ("a/ro-crate-metadata.json", "document", "a/ro-crate-metadata.json"),
        ("/home/ann/a", "directory", "a/ro-crate-metadata.json"),
        ("../a", "directory", "a/ro-crate-metadata.json"),
        ("crates/a.zip", "zip", "crates/a.zip"),
        ("https://example.org/a.zip", "zip", "a.zip"),
        ("a#b", "directory", "a%23b/ro-crate-metadata.json"),
    ],
)
def test_a_result_points_at_a_relative_uri(
    where: str, format: str, expected: str
) -> None:
    found = location(report(finding(), location=where, format=format))
    assert found["artifactLocation"]["uri"] == expected


def test_a_crate_inside_another_is_pointed_at_from_the_outer_one() -> None:
    inner = finding(file="sub/ro-crate-metadata.json")
    found = location(report(inner, location="outer#sub"))
    assert found["artifactLocation"]["uri"] == "outer/sub/ro-crate-metadata.json"


def test_the_gravest_results_come_first() -> None:
    made = report(
        finding("n", severity=Severity.NOTE),
        finding("w", severity=Severity.WARNING),
        finding("u", Outcome.UNDETERMINED),
        finding("e"),
    )
    order = [
        found["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
        for found in run(made)["results"]
    ]
    assert order == ["e", "u", "w", "n"]


def test_no_more_results_are_written_than_github_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.MOST_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MOST_RESULTS", 20)
    made = run(report(*(finding(f"{n}.csv") for n in range(25))))
    assert len(made["results"]) == 20
    (note,) = made["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "5 further results were left out"


def test_fingerprints_tell_like_claims_of_two_crates_apart() -> None:
    marks = [
        found["partialFingerprints"]["primaryLocationLineHash"]
        for found in run(report(finding(), location="a"), report(finding()))["results"]
    ]
    assert len(set(marks)) == 2


def test_a_fingerprint_is_the_same_wherever_in_the_report_the_finding_stands() -> None:
    first = run(report(finding("a"), finding("b")))["results"]
    second = run(report(finding("b"), finding("a")))["results"]
    assert [r["partialFingerprints"] for r in first] == [
        r["partialFingerprints"] for r in reversed(second)
    ]


@pytest.mark.parametrize("rule", sorted(RULES))
def test_each_rule_has_what_github_asks_for(rule: str) -> None:
    made = run(report(finding(rule=rule)))
    (written,) = made["tool"]["driver"]["rules"]
    for name in ("shortDescription", "fullDescription", "help"):
        assert 0 < len(written[name]["text"]) <= 1024
    assert len(written["properties"]["tags"]) <= 10


def test_a_rule_of_a_profile_is_described_from_its_id() -> None:
    made = run(report(finding(rule="conformance/ro-crate-1.2/root-name", fix="")))
    (rule,) = made["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == "Root name."
    assert rule["fullDescription"]["text"] == "A rule of the profile ro-crate-1.2."
    assert rule["help"]["text"] == (
        "`reverify explain conformance/ro-crate-1.2/root-name` says more."
    )
