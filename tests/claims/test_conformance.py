"""What does a crate say of its own form?"""

import json
from pathlib import Path

from reverify.claims import EXTRACTORS, conformance
from reverify.crates.opening import open_crate
from reverify.model.claim import Topic
from reverify.model.outcome import ClaimKind

from tests.fakes import document, write_crate

SPEC = "https://w3id.org/ro/crate/1.2"
PROCESS = "https://w3id.org/ro/wfrun/process/0.5"


def stated(where: Path) -> list[tuple[str, str, str]]:
    with open_crate(str(where)) as crate:
        claims = list(conformance.claims(crate))
    return [(str(c.topic), c.subject, c.expected) for c in claims]


def test_there_is_an_extractor_for_every_kind_in_their_order() -> None:
    assert list(EXTRACTORS) == list(ClaimKind)


def test_a_folder_without_a_document_means_to_be_a_crate(tmp_path: Path) -> None:
    assert stated(tmp_path) == [(Topic.CRATE, "./", "an RO-Crate")]


def test_a_document_that_cannot_be_read_says_no_more(tmp_path: Path) -> None:
    (tmp_path / "ro-crate-metadata.json").write_text("{")
    assert [topic for topic, *_ in stated(tmp_path)] == [Topic.DOCUMENT]


def test_the_version_is_stated_by_the_descriptor(tmp_path: Path) -> None:
    found = stated(write_crate(tmp_path))
    assert (Topic.SPECIFICATION, "ro-crate-metadata.json", SPEC) in found


def test_no_version_is_a_claim_too(tmp_path: Path) -> None:
    found = document()
    del found["@graph"][0]["conformsTo"]
    (tmp_path / "ro-crate-metadata.json").write_text(json.dumps(found))
    assert (Topic.SPECIFICATION, "ro-crate-metadata.json", "") in stated(tmp_path)


def test_profiles_of_root_and_descriptor_are_claims_each_once(tmp_path: Path) -> None:
    found = document(root={"conformsTo": [{"@id": PROCESS}, {"@id": PROCESS}]})
    found["@graph"][0]["conformsTo"] = [{"@id": SPEC}, {"@id": PROCESS}]
    (tmp_path / "ro-crate-metadata.json").write_text(json.dumps(found))
    profiles = [item for item in stated(tmp_path) if item[0] == Topic.PROFILE]
    assert profiles == [(Topic.PROFILE, "./", PROCESS)]


def test_a_crate_in_a_folder_speaks_as_one_that_is_not(tmp_path: Path) -> None:
    one = write_crate(tmp_path / "one")
    two = write_crate(tmp_path / "two" / "top").parent
    assert stated(one) == stated(two)
