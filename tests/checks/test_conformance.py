"""Does the crate follow what it declares? The engine here judges as it is told."""

import json
from pathlib import Path

import pytest
from reverify.model.outcome import ClaimKind, Level, Outcome, Severity
from reverify.model.report import Report
from reverify.profiles.interface import Breach, Judgement, Passed

from tests.fakes import FakeEngine, Json, check, document, rules, write_crate

KINDS = [ClaimKind.CONFORMANCE]
CLAUSE = "https://example.org/clause"
PROCESS = "https://w3id.org/ro/wfrun/process/0.5"


def judged(where: Path, *judgements: Judgement) -> Report:
    return check(where, kinds=KINDS, engine=FakeEngine(*judgements))


def declaring(where: Path, *uris: str, root: tuple[str, ...] = ()) -> Path:
    """A crate whose descriptor, and whose root, conform to some URIs."""
    found = document()
    descriptor, top = found["@graph"][:2]
    descriptor["conformsTo"] = [{"@id": uri} for uri in uris]
    top["conformsTo"] = [{"@id": uri} for uri in root]
    where.mkdir(exist_ok=True)
    (where / "ro-crate-metadata.json").write_text(json.dumps(found))
    return where


def test_a_crate_that_reads_and_holds_together_is_described(tmp_path: Path) -> None:
    report = judged(write_crate(tmp_path))
    assert rules(report) == [
        "conformance/context-official",
        "conformance/crate-1.2/holds",
        "conformance/document-reads",
        "conformance/graph-sound",
    ]
    assert report.verdict.level is Level.DESCRIBED


def test_a_location_without_a_crate_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    report = judged(tmp_path)
    (found,) = report.findings
    assert found.rule == "conformance/not-a-crate"
    assert "notes.txt" in found.reason
    assert report.verdict.outcome is Outcome.REFUTED


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "json-invalid"),
        ("{", "json-invalid"),
        ('{"@graph": NaN}', "json-invalid"),
        ("[]", "not-a-graph"),
        ("{}", "not-a-graph"),
        ('{"@graph": {}}', "not-a-graph"),
        ('{"@graph": [1]}', "not-an-entity"),
        ('{"@graph": [{"@id": 1}]}', "not-an-entity"),
        ('{"@graph": [], "@graph": []}', "duplicate-key"),
        ('{"@graph": [{"@id": "a"}, {"@id": "a"}]}', "duplicate-id"),
    ],
)
def test_a_document_that_is_no_graph_is_refuted(
    tmp_path: Path, text: str, rule: str
) -> None:
    (tmp_path / "ro-crate-metadata.json").write_text(text)
    report = judged(tmp_path)
    assert f"conformance/{rule}" in rules(report)
    assert "conformance/document-reads" not in rules(report)
    assert report.verdict.outcome is Outcome.REFUTED


def test_a_crate_that_names_no_version_is_told(tmp_path: Path) -> None:
    assert "conformance/version-missing" in rules(judged(declaring(tmp_path)))


def test_a_profile_that_nobody_knows_cannot_be_told(tmp_path: Path) -> None:
    spec, profile = "https://w3id.org/ro/crate/1.2", "https://example.org/profile"
    report = judged(declaring(tmp_path, spec, root=(profile,)))
    (found,) = [f for f in report.findings if f.rule == "conformance/profile-unknown"]
    assert found.outcome is Outcome.UNDETERMINED
    assert found.claim.expected == profile
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_the_mark_of_a_referenced_crate_is_no_profile(tmp_path: Path) -> None:
    spec, mark = "https://w3id.org/ro/crate/1.2", "https://w3id.org/ro/crate"
    report = judged(declaring(tmp_path, spec, root=(mark,)))
    assert "conformance/profile-unknown" not in rules(report)


def test_all_declared_profiles_are_judged_in_one_go(tmp_path: Path) -> None:
    engine = FakeEngine()
    spec = "https://w3id.org/ro/crate/1.2"
    check(declaring(tmp_path, spec, root=(PROCESS,)), kinds=KINDS, engine=engine)
    assert engine.asked == [("crate-1.2", "wfrun-process-0.5")]


def _judgement(**parts: tuple[Passed, ...] | tuple[Breach, ...] | str) -> Judgement:
    return Judgement(profile="crate-1.2", **parts)  # type: ignore[arg-type]


def test_a_breach_is_a_refuted_finding_at_its_place(tmp_path: Path) -> None:
    breach = Breach(
        "conformance/crate-1.2/root-name",
        "./",
        "the root has no name",
        "/@graph/1",
        Severity.WARNING,
        clause=CLAUSE,
    )
    report = judged(write_crate(tmp_path), _judgement(breaches=(breach,)))
    (found,) = [f for f in report.findings if f.outcome is Outcome.REFUTED]
    assert (found.rule, found.severity) == (breach.rule, Severity.WARNING)
    assert (found.claim.subject, found.reason) == ("./", "the root has no name")
    assert found.claim.stated_in.pointer == "/@graph/1"
    assert found.clause == CLAUSE
    assert found.evidence[0].source == "fake engine 1.0"


def test_a_rule_that_is_followed_is_confirmed_at_its_own_level(tmp_path: Path) -> None:
    rule = "conformance/crate-1.2/root-date"
    passed = Passed(rule, "The root has a date", Severity.WARNING, CLAUSE)
    report = judged(write_crate(tmp_path), _judgement(passed=(passed,)))
    (found,) = [f for f in report.findings if f.rule == rule]
    assert (found.outcome, found.severity) == (Outcome.CONFIRMED, Severity.WARNING)


def test_a_rule_that_was_not_looked_at_says_why(tmp_path: Path) -> None:
    rule = "conformance/crate-1.2/web-links"
    passed = Passed(rule, "Links work", Severity.ERROR, CLAUSE, "offline")
    report = judged(write_crate(tmp_path), _judgement(passed=(passed,)))
    (found,) = [f for f in report.findings if f.rule == rule]
    assert found.outcome is Outcome.NOT_APPLICABLE
    assert "not looked at, offline" in found.reason


def test_an_engine_that_fails_leaves_the_verdict_open(tmp_path: Path) -> None:
    report = judged(write_crate(tmp_path), _judgement(obstacle="it ran out of memory"))
    (found,) = [f for f in report.findings if f.rule == "conformance/engine-failed"]
    assert "it ran out of memory" in found.reason
    assert report.verdict.outcome is Outcome.UNDETERMINED
    assert report.verdict.level is None


def test_the_ids_of_findings_do_not_name_the_place_of_the_crate(tmp_path: Path) -> None:
    def ids(where: Path) -> list[Json]:
        found = judged(where).to_dict()["findings"]
        return [item["id"] for item in found]

    one = write_crate(tmp_path / "one")
    two = write_crate(tmp_path / "two" / "top").parent
    assert ids(one) == ids(two)
