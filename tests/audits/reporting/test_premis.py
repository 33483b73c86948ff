"""PREMIS events: as the schema wants them, of full readings alone, in a safe place."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from reverify.audits.reporting.premis import premis_files
from reverify.audits.reporting.row import Row

from tests.audits.overviews import DIGEST, HOSTILE, ROOT, check, noted, run

SCHEMA = Path(__file__).with_name("premis.xsd")
NAMES = {"p": "http://www.loc.gov/premis/v3"}
TERMS = "http://id.loc.gov/vocabulary/preservation"


@cache
def schema() -> Any:  # noqa: ANN401 - lxml has no types
    return etree.XMLSchema(etree.parse(SCHEMA))


def written(*rows: Row, roots: tuple[str, ...] = (ROOT,)) -> dict[str, Any]:
    """What is written, by path; all of it fits the schema."""
    found = {}
    for path, data in premis_files(rows, run(7, roots=roots)):
        document = etree.fromstring(data)
        schema().assertValid(document)
        found[path] = document
    return found


def row(crate: str = f"{ROOT}/a/crate-1", **changes: Any) -> Row:  # noqa: ANN401 - see Check
    return Row(check(7, crate=crate, **changes))


def texts(document: Any, path: str) -> list[str]:  # noqa: ANN401 - of lxml
    return [each.text or "" for each in document.findall(path, NAMES)]


def only(documents: dict[str, Any]) -> Any:  # noqa: ANN401 - of lxml
    (document,) = documents.values()
    return document


def test_a_full_reading_is_a_fixity_check() -> None:
    document = only(written(row()))
    kinds = document.findall(".//p:eventType", NAMES)
    assert [each.text for each in kinds] == ["fixity check", "validation", "validation"]
    assert [each.get("valueURI") for each in kinds] == [
        f"{TERMS}/eventType/fix",
        f"{TERMS}/eventType/val",
        f"{TERMS}/eventType/val",
    ]
    assert texts(document, ".//p:eventDateTime") == ["2025-04-13T22:00:00Z"] * 3
    assert "12 files, 48000000 bytes" in texts(document, ".//p:eventOutcomeDetailNote")


@pytest.mark.parametrize("reading", ["quick", "none"])
def test_no_other_reading_is_one(reading: str) -> None:
    assert written(row(reading=reading)) == {}


def test_a_reading_of_another_run_is_none_of_this() -> None:
    assert written(Row(check(6))) == {}


@pytest.mark.parametrize("kinds", [None, "cc-n--", "ccnn--"])
def test_where_no_digest_was_tested_there_is_no_event(kinds: str | None) -> None:
    assert written(row(kinds=kinds)) == {}


@pytest.mark.parametrize(
    ("kinds", "term", "code"),
    [
        ("cccn--", "success", f"{TERMS}/eventOutcome/suc"),
        ("ccrn--", "fail", f"{TERMS}/eventOutcome/fai"),
        ("ccun--", "undetermined", None),
    ],
)
def test_the_outcome_of_fixity_is_told(kinds: str, term: str, code: str | None) -> None:
    outcome = only(written(row(kinds=kinds))).find(".//p:eventOutcome", NAMES)
    assert outcome.text == term
    assert outcome.get("valueURI") == code


def test_what_was_not_tested_has_no_event() -> None:
    assert texts(only(written(row(kinds="-nc---"))), ".//p:eventType") == [
        "fixity check"
    ]


def test_findings_stand_in_the_event_of_their_kind() -> None:
    missing = noted("completeness/missing", reason="b.csv: it is listed, not there")
    bad = Row(check(7, kinds="crr---"), (noted(), missing))
    notes = texts(only(written(bad)), ".//p:eventOutcomeDetailNote")
    assert notes == [
        "refuted, error, fixity/digest-mismatch: " + noted().reason,
        "refuted, error, completeness/missing: b.csv: it is listed, not there",
    ]


def test_of_many_findings_some_are_written_out_and_the_rest_is_counted() -> None:
    bad = Row(check(7, kinds="ccr---"), (noted(),) * 33)
    notes = texts(only(written(bad)), ".//p:eventOutcomeDetailNote")
    assert len(notes) == 21
    assert notes[-1] == "... and 13 more"


def test_the_crate_is_known_by_its_place_and_its_digest() -> None:
    document = only(written(row()))
    assert texts(document, "p:object//p:objectIdentifierType") == ["path", "sha256"]
    assert texts(document, "p:object//p:objectIdentifierValue") == [
        f"{ROOT}/a/crate-1",
        DIGEST,
    ]
    assert set(texts(document, ".//p:linkingObjectIdentifierValue")) == {
        f"{ROOT}/a/crate-1"
    }


def test_the_agent_is_the_program_with_its_version() -> None:
    document = only(written(row()))
    assert texts(document, "p:agent/p:agentName") == ["reverify"]
    assert texts(document, "p:agent/p:agentVersion") == ["0.1.0"]
    (agent,) = texts(document, ".//p:agentIdentifierValue")
    assert set(texts(document, ".//p:linkingAgentIdentifierValue")) == {agent}


def test_events_have_ids_that_stay_and_differ() -> None:
    path = ".//p:eventIdentifierValue"
    one, again = (texts(only(written(row())), path) for _ in range(2))
    other = texts(only(written(row(f"{ROOT}/b"))), path)
    assert one == again
    assert len({*one, *other}) == 6


@pytest.mark.parametrize(
    ("crate", "object", "path"),
    [
        (f"{ROOT}/a/b", None, "a/b.premis/run-000007.xml"),
        (f"{ROOT}/a.zip", None, "a.zip.premis/run-000007.xml"),
        (ROOT, None, "crates.premis/run-000007.xml"),
        ("s3://bucket/a/b", None, "s3/bucket/a/b.premis/run-000007.xml"),
        (
            f"{ROOT}/a/b",
            f"{ROOT}/a/b",
            "a/b/logs/reverify-fixity-run-000007.xml",
        ),
        (ROOT, ROOT, "logs/reverify-fixity-run-000007.xml"),
    ],
)
def test_records_lie_where_they_can_be_laid_over_the_storage_root(
    crate: str, object: str | None, path: str
) -> None:
    assert list(written(row(crate)._replace(object=object))) == [path]


def test_crates_inside_one_object_do_not_share_a_record() -> None:
    names = [f"{ROOT}/o/v1/content/a", f"{ROOT}/o/v1/content/b"]
    paths = list(written(*(row(name)._replace(object=f"{ROOT}/o") for name in names)))
    assert len(set(paths)) == 2
    assert all(path.startswith("o/logs/reverify-fixity-run-000007-") for path in paths)


def test_with_several_roots_paths_begin_at_the_root_of_all() -> None:
    (path,) = written(row("/srv/a/crate"), roots=("/srv/a", "/srv/b"))
    assert path == "srv/a/crate.premis/run-000007.xml"


@pytest.mark.parametrize(
    "crate",
    [
        "../../etc/passwd",
        f"{ROOT}/../../../etc",
        f"{ROOT}/..",
        "..",
        "",
        "/",
        "http://[bad/..",
        "https://example.org/../../x?y=/../..",
        "a\0b",
        "x" * 5000,
        f"{ROOT}/" + "ü" * 300,
        "\ud800/\udc80",
        HOSTILE,
    ],
)
def test_no_name_climbs_out(crate: str, tmp_path: Path) -> None:
    (path,) = written(row(crate))
    target = tmp_path / path
    assert target.resolve().is_relative_to(tmp_path.resolve())
    target.parent.mkdir(parents=True)
    target.write_bytes(b"")


@given(st.text(), st.one_of(st.none(), st.text()), st.text(), st.text())
def test_any_text_makes_a_valid_document_in_a_safe_place(
    crate: str, object: str | None, reason: str, root: str
) -> None:
    each = Row(
        check(7, crate=crate, kinds="ccr---"), (noted(reason=reason),), object=object
    )
    (path,) = written(each, roots=(root,))
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert "\0" not in path
    assert all(len(p.encode("utf-8", "surrogateescape")) <= 255 for p in parts)


def test_rows_are_written_as_they_come() -> None:
    def rows() -> Iterable[Row]:
        yield row()
        raise AssertionError

    assert next(premis_files(rows(), run(7)))[0] == "a/crate-1.premis/run-000007.xml"


def test_the_schema_of_these_tests_refuses_another_order() -> None:
    document = only(written(row()))
    document.append(document[0])
    assert not schema().validate(document)
