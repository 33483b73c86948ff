import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from reverify import verify
from reverify.capsules.upgrade import TypeOf, Upgraded, upgrade
from reverify.crates.opening import open_crate
from reverify.errors import CapsuleError
from reverify.model.outcome import Outcome, Severity

from tests.builders import METADATA, document, encode, write
from tests.conftest import CRATES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COMMIT = "820fc98b0ccb1593fd11dcf2f032c7dd20f69712"
FILES = {"a.csv": b"1\n"}
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run"
Json = dict[str, Any]


def upgraded(
    tmp_path: Path, made: Json, type_of: TypeOf | None = None, name: str = METADATA
) -> Upgraded:
    write(tmp_path / "old", {**FILES, name: encode(made)})
    with open_crate(str(tmp_path / "old")) as crate:
        return upgrade(crate, now=NOW, type_of=type_of)


def entity(found: Upgraded, id: str) -> Json:
    return next(e for e in found.document["@graph"] if e["@id"] == id)


def test_a_sound_crate_stays_as_it_is(tmp_path: Path) -> None:
    made = document(FILES)
    found = upgraded(tmp_path, made)
    assert (found.document, found.changes, found.left) == (made, (), ())


def test_a_profile_as_context_becomes_the_context_of_its_version(
    tmp_path: Path,
) -> None:
    made = document(FILES, context="https://w3id.org/ro/crate/1.2")
    found = upgraded(tmp_path, made)
    assert found.document["@context"] == "https://w3id.org/ro/crate/1.2/context"
    assert "is the address of the specification" in found.changes[0]


def test_a_context_among_others_is_mended_in_its_place(tmp_path: Path) -> None:
    context = ["https://w3id.org/ro/crate/1.2/", {"mine": "https://example.org/mine"}]
    found = upgraded(tmp_path, document(FILES, context=context))
    right = ["https://w3id.org/ro/crate/1.2/context", context[1]]
    assert found.document["@context"] == right


@pytest.mark.parametrize("kind", ["rev", "dir", "cnt", "rel"])
def test_a_swhid_gets_the_type_that_the_object_has(tmp_path: Path, kind: str) -> None:
    code = {"@id": "#c", "@type": "CreativeWork", "identifier": f"swh:1:ext:{COMMIT}"}
    found = upgraded(tmp_path, document(FILES, code), {COMMIT: kind}.get)
    assert entity(found, "#c")["identifier"] == f"swh:1:{kind}:{COMMIT}"
    assert found.left == ()


def test_a_swhid_behind_a_resolver_keeps_resolver_and_qualifiers(
    tmp_path: Path,
) -> None:
    before = "https://archive.softwareheritage.org/swh:1:ext:{};origin=https://x.org/a"
    code = {"@id": "#c", "@type": "CreativeWork", "url": before.format(COMMIT)}
    found = upgraded(tmp_path, document(FILES, code), lambda _: "rev")
    assert entity(found, "#c")["url"] == before.format(COMMIT).replace("ext", "rev")


@pytest.mark.parametrize("type_of", [None, lambda _: None])
def test_a_type_that_nobody_knows_is_left_and_told(
    tmp_path: Path, type_of: TypeOf | None
) -> None:
    code = {"@id": "#c", "@type": "CreativeWork", "identifier": f"swh:1:ext:{COMMIT}"}
    found = upgraded(tmp_path, document(FILES, code), type_of)
    assert entity(found, "#c")["identifier"] == f"swh:1:ext:{COMMIT}"
    assert "--source" in found.left[0]
    assert found.changes == ()


def test_a_size_and_a_digest_that_nobody_stated_are_computed_and_marked(
    tmp_path: Path,
) -> None:
    made = document(FILES)
    for key in ("contentSize", "sha256"):
        del next(e for e in made["@graph"] if e["@id"] == "a.csv")[key]
    found = upgraded(tmp_path, made)
    digest = hashlib.sha256(b"1\n").hexdigest()
    assert entity(found, "a.csv")["sha256"] == digest
    assert entity(found, "a.csv")["contentSize"] == "2"
    action = entity(found, "#upgrade")
    assert {"@id": "a.csv"} in action["object"]
    assert "say nothing of the time before" in action["description"]
    assert action["endTime"] == "2026-11-21T12:00:00+00:00"
    assert entity(found, "./")["mentions"] == {"@id": "#upgrade"}


def test_a_digest_of_another_algorithm_is_enough(tmp_path: Path) -> None:
    made = document(FILES)
    file = next(e for e in made["@graph"] if e["@id"] == "a.csv")
    del file["sha256"]
    file["md5"] = "b026324c6904b2a9cb4b88d6d61c81d1"
    made["@context"] = [made["@context"], {"md5": f"{RUN_TERMS}#md5"}]
    assert upgraded(tmp_path, made).changes == ()


def test_a_digest_that_does_not_hold_is_left(tmp_path: Path) -> None:
    made = document({"a.csv": b"other"})
    found = upgraded(tmp_path, made)
    stated = hashlib.sha256(b"other").hexdigest()
    assert entity(found, "a.csv")["sha256"] == stated
    assert found.changes == ()


def test_terms_that_the_context_lacks_are_defined(tmp_path: Path) -> None:
    context = "https://w3id.org/ro/crate/1.1/context"
    found = upgraded(tmp_path, document(FILES, context=context, mine="x"))
    base, terms = found.document["@context"]
    assert base == context
    assert set(terms) == {"sha256"}
    assert found.left == ("terms that no known context defines: mine",)


@pytest.mark.parametrize("old", [".", "", "old", "./old/"])
def test_the_root_is_called_by_its_name_everywhere(tmp_path: Path, old: str) -> None:
    text = json.dumps(document(FILES, {"@id": "#a", "about": {"@id": "./"}}))
    made = json.loads(text.replace('"./"', json.dumps(old)))
    found = upgraded(tmp_path, made)
    assert entity(found, METADATA)["about"] == {"@id": "./"}
    assert entity(found, "#a")["about"] == {"@id": "./"}


def test_the_document_of_1_0_is_renamed_and_made_1_1(tmp_path: Path) -> None:
    old = "ro-crate-metadata.jsonld"
    text = json.dumps(document(FILES, context="https://w3id.org/ro/crate/1.0/context"))
    text = text.replace("crate/1.2", "crate/1.0").replace(METADATA, old)
    found = upgraded(tmp_path, json.loads(text), name=old)
    descriptor = entity(found, METADATA)
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert found.document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"


def test_the_crate_itself_is_not_touched(tmp_path: Path) -> None:
    made = document(FILES, context="https://w3id.org/ro/crate/1.2")
    upgraded(tmp_path, made)
    assert json.loads((tmp_path / "old" / METADATA).read_text()) == made


def test_upgrading_twice_changes_nothing_more(tmp_path: Path) -> None:
    with open_crate(str(CRATES / "scidex-export")) as crate:
        once = upgrade(crate, now=NOW, type_of=lambda _: "rev")
        files = {
            p.partition("/")[2]: crate.payload.read(p, 9999) for p in crate.content
        }
    write(tmp_path / "new", {**files, METADATA: encode(once.document)})
    with open_crate(str(tmp_path / "new")) as crate:
        twice = upgrade(crate, now=NOW)
    assert (twice.changes, twice.left) == ((), ())
    assert twice.document == once.document


def test_what_scidex_exported_becomes_a_crate_that_is_confirmed(
    tmp_path: Path,
) -> None:
    before = verify(str(CRATES / "scidex-export"), offline=True)
    refuted = {
        f.rule
        for f in before.findings
        if f.outcome is Outcome.REFUTED and f.claim.severity is Severity.ERROR
    }
    assert refuted == {
        "conformance/context-is-a-profile",
        "archival/swhid-invalid",
    }
    with open_crate(str(CRATES / "scidex-export")) as crate:
        found = upgrade(crate, now=NOW, type_of=lambda _: "rev")
        files = {
            p.partition("/")[2]: crate.payload.read(p, 9999) for p in crate.content
        }
    write(tmp_path / "new", {**files, METADATA: encode(found.document)})
    after = verify(str(tmp_path / "new"), offline=True)
    assert after.verdict.outcome is Outcome.CONFIRMED
    assert after.verdict.level == "intact"


def test_without_a_document_there_is_nothing_to_mend(tmp_path: Path) -> None:
    write(tmp_path / "old", {"a.txt": b""})
    with (
        open_crate(str(tmp_path / "old")) as crate,
        pytest.raises(CapsuleError, match="no metadata document"),
    ):
        upgrade(crate, now=NOW)
