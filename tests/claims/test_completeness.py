"""Which files and folders does a crate list?"""

import hashlib
from pathlib import Path

import pytest
from reverify.claims import completeness
from reverify.crates.opening import open_crate
from reverify.model.claim import Claim, Topic
from reverify.model.outcome import Severity

from tests.fakes import Json, file, folder, write_crate


def claims_of(where: Path) -> list[Claim]:
    with open_crate(str(where)) as crate:
        return list(completeness.claims(crate))


@pytest.mark.parametrize(
    ("entity", "topic", "expected", "path", "severity"),
    [
        (file("a b"), Topic.PRESENCE, "present:file", "a b", Severity.ERROR),
        (file("a%20b"), Topic.PRESENCE, "present:file", "a b", Severity.ERROR),
        (folder("x/"), Topic.PRESENCE, "present:directory", "x", Severity.ERROR),
        (
            {"@id": "x", "@type": ["Dataset", "File"]},
            Topic.PRESENCE,
            "present:file",
            "x",
            Severity.ERROR,
        ),
        (file("https://x.org/"), Topic.WEB, "present:file", None, Severity.WARNING),
        (file("s3://b/a"), Topic.ELSEWHERE, "present:file", None, Severity.NOTE),
        (file("../a"), Topic.PRESENCE, "present:file", None, Severity.ERROR),
    ],
    ids=str,
)
def test_an_entity_claims_by_what_its_name_leads_to(
    tmp_path: Path,
    *,
    entity: Json,
    topic: Topic,
    expected: str,
    path: str | None,
    severity: Severity,
) -> None:
    (claim,) = claims_of(write_crate(tmp_path, entity))
    found = (claim.topic, claim.expected, claim.path, claim.severity)
    assert found == (topic, expected, path, severity)
    assert claim.subject == entity["@id"]
    assert claim.stated_in.pointer == "/@graph/2/@id"


@pytest.mark.parametrize(
    "entity",
    [
        file("#a"),
        {"@id": "#p", "@type": "Person"},
        {"@id": "a", "@type": "CreativeWork"},
        {"@id": "a"},
    ],
    ids=str,
)
def test_other_entities_claim_no_file(tmp_path: Path, entity: Json) -> None:
    assert claims_of(write_crate(tmp_path, entity)) == []


def test_root_and_descriptor_claim_no_file(tmp_path: Path) -> None:
    assert claims_of(write_crate(tmp_path)) == []


def test_a_name_that_leads_out_keeps_why_it_may_not_be_used(tmp_path: Path) -> None:
    (claim,) = claims_of(write_crate(tmp_path, file("../a")))
    assert claim.fault is not None
    assert "'..'" in claim.fault


def test_a_bag_lists_its_files_under_the_entities_that_describe_them(
    tmp_path: Path,
) -> None:
    write_crate(tmp_path / "data", file("a%20b"), files={"a b": b"1", "c": b"2"})
    (tmp_path / "bagit.txt").write_text(
        "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    )
    names = ["data/a b", "data/c", "data/ro-crate-metadata.json"]
    lines = [
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
    ]
    (tmp_path / "manifest-sha256.txt").write_text("".join(lines))
    claims = [c for c in claims_of(tmp_path) if c.topic is Topic.BAG_FILE]
    assert [(c.subject, c.path) for c in claims] == [
        ("a%20b", "data/a b"),
        ("data/c", "data/c"),
        ("data/ro-crate-metadata.json", "data/ro-crate-metadata.json"),
    ]
    assert [c.stated_in.line for c in claims] == [1, 2, 3]
