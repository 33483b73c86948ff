"""What we write fits the schemas that we publish, and the schemas say enough."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from reverify.audits.reporting import report as audit_report
from reverify.formats import format_named
from reverify.formats.json import dumps
from reverify.model.difference import difference
from reverify.model.outcome import ClaimKind, Level, Outcome, Severity
from reverify.model.report import Report
from reverify.profiles.catalogue import all_rules

from tests.audits.overviews import OVERVIEWS
from tests.conftest import ROOT
from tests.fakes import check, file, write_crate
from tests.formats.reports import finding, report, reports

SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_bytes())
    for path in (ROOT / "schemas").glob("*.schema.json")
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)


def validator(name: str, part: str = "") -> Draft202012Validator:
    schema = SCHEMAS[name]
    if part:
        schema = {"$ref": f"{schema['$id']}#/$defs/{part}"}
    return Draft202012Validator(
        schema,
        registry=REGISTRY,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def faults(document: object, name: str = "report", part: str = "") -> list[str]:
    return [error.message for error in validator(name, part).iter_errors(document)]


def rendered(name: str, *reports: Report) -> Any:  # noqa: ANN401 - whatever JSON has
    return json.loads(format_named(name).render(reports))


def objects(schema: object) -> list[dict[str, Any]]:
    """Every part of a schema that describes an object."""
    found: list[dict[str, Any]] = []
    if isinstance(schema, dict):
        found += [schema] if schema.get("type") == "object" else []
        found += [item for value in schema.values() for item in objects(value)]
    if isinstance(schema, list):
        found += [item for value in schema for item in objects(value)]
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_has_a_neutral_id_with_its_version(name: str) -> None:
    assert SCHEMAS[name]["$id"] == f"urn:reverify:schema:{name}:1.0"


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_property_is_described(name: str) -> None:
    for schema in objects(SCHEMAS[name]):
        for key, part in schema.get("properties", {}).items():
            assert "description" in part or "$ref" in part, key


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_object_takes_keys_that_nobody_described(name: str) -> None:
    assert all("additionalProperties" in schema for schema in objects(SCHEMAS[name]))


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("outcome", Outcome),
        ("kind", ClaimKind),
        ("severity", Severity),
        ("level", Level),
    ],
)
def test_the_schema_knows_the_words_that_the_code_knows(
    part: str, words: type[Outcome | ClaimKind | Severity | Level]
) -> None:
    assert SCHEMAS["report"]["$defs"][part]["enum"] == [word.value for word in words]


def test_the_id_of_each_rule_fits_the_schema() -> None:
    rules = validator("report", "rule")
    assert [rule["id"] for rule in all_rules() if not rules.is_valid(rule["id"])] == []


def test_the_report_of_a_crate_fits(tmp_path: Path) -> None:
    crate = write_crate(
        tmp_path, file("a.txt", sha256="00" * 32), file("b.txt"), files={"a.txt": b"a"}
    )
    assert faults(rendered("json", check(crate)), part="report") == []


@given(reports())
def test_every_report_fits(made: Report) -> None:
    assert faults(rendered("json", made), part="report") == []


@given(st.lists(reports(), min_size=2, max_size=3))
def test_several_reports_fit(made: list[Report]) -> None:
    assert faults(rendered("json", *made), part="reports") == []


@given(st.lists(reports(), min_size=1, max_size=3))
def test_every_line_of_jsonl_is_a_report(made: list[Report]) -> None:
    lines = format_named("jsonl").render(made).splitlines()
    assert len(lines) == len(made)
    assert [faults(json.loads(line), part="report") for line in lines] == [[]] * len(
        lines
    )


@given(reports(), reports())
def test_every_difference_fits(before: Report, after: Report) -> None:
    document = json.loads(dumps(difference(before, after).to_dict()))
    assert faults(document, "difference") == []


@pytest.mark.parametrize("name", OVERVIEWS)
def test_every_report_of_an_audit_fits(name: str) -> None:
    document = json.loads(audit_report(OVERVIEWS[name](), "json"))
    assert faults(document, "audit-report") == []


def test_the_verdict_over_several_crates_counts_them() -> None:
    good, bad = report(finding(outcome=Outcome.CONFIRMED)), report(finding())
    assert rendered("json", good, bad, good)["verdict"] == {
        "outcome": "refuted",
        "crates": {"total": 3, "confirmed": 2, "refuted": 1, "undetermined": 0},
    }


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (("schema_version",), "2.0"),
        (("verdict", "outcome"), "untested"),
        (("verdict", "level"), "perfect"),
        (("verdict", "kinds", "fixity"), None),
        (("findings", 0, "id"), "1"),
        (("findings", 0, "kind"), "source"),
        (("findings", 0, "outcome"), "failed"),
        (("findings", 0, "level"), "MUST"),
        (("findings", 0, "rule"), "digest-mismatch"),
        (("findings", 0, "stated_in", "line"), 0),
        (("findings", 0, "stated_in", "column"), None),
        (("findings", 0, "evidence", 0, "at"), "2026-01-31 12:00"),
        (("subject", "format"), "rar"),
        (("subject", "files"), -1),
        (("started",), "2026-01-31T12:00:00"),
        (("more",), "x"),
    ],
)
def test_what_is_not_so_written_does_not_fit(
    pointer: tuple[str | int, ...], value: object
) -> None:
    document = rendered("json", report(finding()))
    place = document
    for key in pointer[:-1]:
        place = place[key]
    place[pointer[-1]] = value
    assert faults(document, part="report") != []


@pytest.mark.parametrize("key", SCHEMAS["report"]["$defs"]["finding"]["required"])
def test_a_finding_without_one_of_its_keys_does_not_fit(key: str) -> None:
    document = rendered("json", report(finding()))
    del document["findings"][0][key]
    assert faults(document, part="report") != []
