"""Manifest to crate and back, on manifests written by hand."""

import copy
import json
import random
from typing import Any

import pytest
from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping import (
    CodeFacts,
    GeneratedFile,
    Measured,
    crate_document,
    foreign,
    manifest_from,
)
from reverify.crates.limits import Limits
from reverify.crates.metadata import Metadata
from reverify.errors import CapsuleError

from tests.capsules.builders import LEAST
from tests.capsules.manifests import FULL, full, measured, without
from tests.conftest import CRATES

Json = dict[str, Any]
VERSIONS = ("1.1", "1.2", "1.3")


def metadata(document: Json) -> Metadata:
    data = json.dumps(document, ensure_ascii=False).encode()
    return Metadata("ro-crate-metadata.json", data, Limits())


def written(document: Json, **options: Any) -> Json:  # noqa: ANN401
    manifest = manifest_of(document)
    return crate_document(manifest, measured(manifest), **options)


def read(crate: Json) -> Json:
    return manifest_from(metadata(crate))[0]


def graph(crate: Json) -> dict[str, Json]:
    return {entity["@id"]: entity for entity in crate["@graph"]}


def residue(crate: Json) -> list[Json]:
    return [e for e in crate["@graph"] if e["@id"] == "#manifest-residue"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_manifest_is_told_by_the_graph_alone(version: str) -> None:
    crate = written(FULL, ro_crate=version)
    assert not residue(crate)
    assert read(crate) == FULL
    assert manifest_from(metadata(crate))[1] == []


def test_code_that_is_only_referenced_is_told_by_the_graph_alone() -> None:
    document = without(FULL, "code/files")
    crate = written(document)
    assert not residue(crate)
    assert read(crate) == document


def test_included_code_without_a_repository_is_told_by_the_graph_alone() -> None:
    document = full(code={"path": "src/means.py", "files": FULL["code"]["files"][:1]})
    crate = written(document)
    script = graph(crate)["src/means.py"]
    assert script["@type"] == ["File", "SoftwareSourceCode"]
    assert not residue(crate)
    assert read(crate) == document


@pytest.mark.parametrize(
    "changes",
    [
        {"keywords": []},
        {"keywords": None},
        {"inputs": None, "outputs": []},
        {"code": {}},
        {"code": {"name": None, "files": []}},
        {"run": {"environment": {}, "parameters": None}},
        {"notes": ""},
        {"description": None},
        {"description": ""},
        {"extra": {}},
        {"run": {"parameters": {"a": 1, "b": 1.0, "c": True, "d": "1", "e": None}}},
        {"run": {"parameters": {"a": [1, True, 1.0]}}, "extra": {"a": [True, 1]}},
        {"run": {"started": "2026-01-31T12:00:00.123456-05:30"}},
        {"inputs": [{"path": "a"}, {"path": "a", "name": "A"}, {"url": "http://a"}]},
        {"authors": [{"name": "A"}, {"name": "B"}, {"name": "A"}]},
        {
            "authors": [
                {"name": "A", "orcid": "https://orcid.org/0000-0001-2345-6789"},
                {"name": "B", "orcid": "https://orcid.org/0000-0001-2345-6789"},
            ]
        },
    ],
)
def test_null_missing_and_empty_come_back_as_they_were(changes: Json) -> None:
    document = LEAST | changes
    again = read(written(document))
    assert json.dumps(again, sort_keys=True) == json.dumps(document, sort_keys=True)


def test_the_order_of_the_graph_and_lists_of_one_do_not_matter() -> None:
    crate = written(full(notes=None, keywords=[]))
    for seed in range(20):
        shuffled = copy.deepcopy(crate)
        random.Random(seed).shuffle(shuffled["@graph"])
        for entity in shuffled["@graph"]:
            for key, value in entity.items():
                if key != "@id" and not isinstance(value, list):
                    entity[key] = [value]
        assert read(shuffled) == read(crate)


def test_the_same_manifest_gives_the_same_document() -> None:
    texts = {json.dumps(written(FULL)) for _ in range(3)}
    assert len(texts) == 1


def test_every_file_is_part_of_the_root_with_size_and_digest() -> None:
    manifest = manifest_of(FULL)
    crate = graph(crate_document(manifest, measured(manifest)))
    parts = {part["@id"] for part in crate["./"]["hasPart"]}
    assert "out/plot%20of%20rain.png" in parts
    for entity in crate.values():
        if "File" in entity["@type"]:
            assert entity["@id"] in parts
            assert entity["contentSize"].isdigit()
            assert len(entity["sha256"]) == 64


def test_what_was_measured_is_said_though_the_manifest_does_not() -> None:
    document = LEAST | {"inputs": [{"path": "data/rain.csv"}]}
    crate = written(document)
    assert graph(crate)["data/rain.csv"]["contentSize"] == "15"
    assert read(crate) == document


def test_generated_files_and_the_manifest_are_parts() -> None:
    citation = GeneratedFile(
        path="CITATION.cff",
        name="Citation",
        description="How to cite this.",
        media_type="application/yaml",
        measured=Measured(3, "a" * 64),
    )
    manifest = manifest_of(LEAST)
    crate = crate_document(
        manifest, {}, extra=[citation], manifest_path="capsule-1.json"
    )
    entities = graph(crate)
    assert entities["CITATION.cff"]["about"] == {"@id": "./"}
    assert entities["capsule-1.json"]["sha256"] == manifest.sha256
    parts = [part["@id"] for part in entities["./"]["hasPart"]]
    assert parts == ["capsule-1.json", "CITATION.cff"]
    assert read(crate) == LEAST


def test_what_was_looked_up_of_the_code_is_said() -> None:
    document = LEAST | {"code": {"repository": "https://git.example.org/x"}}
    facts = CodeFacts(commit="1" * 40, tree="2" * 40, swhids=("swh:1:cnt:" + "3" * 40,))
    crate = written(document, code=facts)
    code = graph(crate)["https://git.example.org/x"]
    assert code["version"] == "1" * 40
    assert code["identifier"] == [
        f"swh:1:dir:{'2' * 40}",
        f"swh:1:rev:{'1' * 40}",
        f"swh:1:cnt:{'3' * 40}",
    ]
    assert "archivedAt" not in code
    assert read(crate) == document


def test_archival_is_claimed_only_of_what_was_seen_in_the_archive() -> None:
    seen = json.dumps(written(FULL))
    assert f"visit=swh:1:snp:{'5' * 40}" in seen
    unseen = json.dumps(written(without(FULL, "code/swh_snapshot_id")))
    assert "archivedAt" not in unseen
    assert "swh:1:snp" not in unseen


def test_nothing_is_said_of_licence_or_people_that_the_manifest_does_not() -> None:
    root = graph(written(LEAST))["./"]
    assert not {"license", "author", "publisher", "keywords"} & set(root)


def test_an_expression_of_licences_is_one_entity_with_the_pages_of_each() -> None:
    entities = graph(written(LEAST | {"license": "MIT OR (Apache-2.0 AND CC0-1.0)"}))
    licence = entities[entities["./"]["license"]["@id"]]
    assert licence["identifier"] == "MIT OR (Apache-2.0 AND CC0-1.0)"
    assert licence["url"][0] == "https://spdx.org/licenses/MIT"
    assert len(licence["url"]) == 3


def test_a_variable_that_was_not_set_has_no_value() -> None:
    document = LEAST | {"run": {"environment": {"TZ": None, "LANG": ""}}}
    crate = written(document)
    assert "value" not in graph(crate)["#environment-TZ"]
    assert graph(crate)["#environment-LANG"]["value"] == ""
    assert not residue(crate)
    assert read(crate) == document


def test_terms_are_defined_in_the_context_only_where_the_version_lacks_them() -> None:
    contexts = {v: written(FULL, ro_crate=v)["@context"] for v in VERSIONS}
    for version, (url, _) in contexts.items():
        assert url == f"https://w3id.org/ro/crate/{version}/context"
    assert "sha256" in contexts["1.1"][1]
    assert "sha256" not in contexts["1.2"][1]
    for version in VERSIONS:
        found = metadata(written(FULL, ro_crate=version))
        terms = {key for e in found.entities for key in (*e.properties, *e.types)}
        assert all(found.context.defines(term) for term in terms)
    assert isinstance(written(LEAST)["@context"], str)


def test_a_version_that_is_not_written_is_refused() -> None:
    with pytest.raises(CapsuleError, match=r"1\.0 is not written; choose 1\.1, 1\.2"):
        written(LEAST, ro_crate="1.0")


# -- a patch that is not ours --------------------------------------------------------


def crate_with_patch(patch: object) -> Json:
    crate = written(full(keywords=[]))
    (left,) = residue(crate)
    left["value"] = patch if isinstance(patch, str) else json.dumps(patch)
    return crate


@pytest.mark.parametrize(
    "patch",
    [
        "no JSON",
        {"op": "add"},
        [{"op": "remove", "path": "/nowhere"}],
        [{"op": "replace", "path": "", "value": []}],
        "[" * 100_000,
    ],
)
def test_a_patch_that_cannot_be_applied_is_remarked(patch: object) -> None:
    found, remarks = manifest_from(metadata(crate_with_patch(patch)))
    assert found == without(FULL, "keywords")
    assert any("as a patch was not used" in remark for remark in remarks)


def test_a_patch_that_would_grow_without_bounds_is_not_applied() -> None:
    bomb = [{"op": "add", "path": "/extra/a", "value": [1]}]
    bomb += [{"op": "copy", "from": "/extra", "path": f"/extra/{n}"} for n in range(40)]
    found, remarks = manifest_from(metadata(crate_with_patch(bomb)))
    assert found == without(FULL, "keywords")
    assert remarks


def test_a_patch_that_breaks_the_schema_is_an_error() -> None:
    crate = crate_with_patch([{"op": "replace", "path": "/status", "value": "odd"}])
    with pytest.raises(CapsuleError, match="'odd' is none of"):
        manifest_from(metadata(crate))


# -- strangers -----------------------------------------------------------------------


def stranger(*entities: Json, **root: object) -> Json:
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {
                "@id": "ro-crate-metadata.json",
                "@type": "CreativeWork",
                "about": {"@id": "./"},
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": "Theirs",
                "datePublished": "2024-05-06",
                **root,
            },
            *entities,
        ],
    }


ACTION = {
    "@id": "#a",
    "@type": "CreateAction",
    "instrument": {"@id": "run.py"},
    "object": [{"@id": "./in%20put.csv"}, {"@id": "#n"}],
    "result": {"@id": "out.csv"},
    "actionStatus": {"@id": "http://schema.org/FailedActionStatus"},
    "startTime": "2024-05-06T07:08:09.123456",
    "endTime": "2024-05-06T08:08:09+02:00",
    "resourceUsage": {"@id": "#usage"},
}
THEIRS = stranger(
    ACTION,
    {"@id": "run.py", "@type": ["File", "SoftwareSourceCode"], "name": "Run"},
    {"@id": "./in%20put.csv", "@type": "File", "contentSize": 12, "sha256": "A" * 64},
    {"@id": "out.csv", "@type": "File", "md5": "0" * 32},
    {"@id": "#n", "@type": "PropertyValue", "name": "n", "value": "5"},
    {"@id": "#usage", "@type": "PropertyValue", "name": "memory", "value": "1"},
    author="Carla Else",
    mentions={"@id": "#a"},
)


def test_a_strangers_crate_is_read_and_nothing_is_invented() -> None:
    found, remarks = manifest_from(metadata(THEIRS))
    del found["id"]
    assert found == {
        "schema_version": "1.0",
        "title": "Theirs",
        "status": "failed",
        "created": "2024-05-06T00:00:00Z",
        "authors": [{"name": "Carla Else"}],
        "inputs": [{"path": "in put.csv", "size": 12, "sha256": "a" * 64}],
        "outputs": [{"path": "out.csv"}],
        "run": {"parameters": {"n": "5"}, "ended": "2024-05-06T08:08:09+02:00"},
        "code": {
            "path": "run.py",
            "files": [{"path": "run.py", "name": "Run"}],
        },
    }
    assert any("names no zone" in remark for remark in remarks)
    assert any("is derived from" in remark for remark in remarks)
    assert any("startTime" in remark for remark in remarks)


def test_a_strangers_crate_has_the_same_id_each_time() -> None:
    ids = {manifest_from(metadata(THEIRS))[0]["id"] for _ in range(3)}
    other = stranger(name="Other")
    assert len(ids) == 1
    assert manifest_from(metadata(other))[0]["id"] not in ids
    named = [
        stranger(name=name, identifier="https://doi.org/10.5555/1") for name in "ab"
    ]
    assert len({manifest_from(metadata(each))[0]["id"] for each in named}) == 1


@pytest.mark.parametrize(
    ("crate", "reason"),
    [
        ({"@graph": []}, "has no root"),
        (stranger(name=[]), "the root has no name"),
        (stranger(datePublished=None), "nothing tells when it was made"),
        (stranger(datePublished="spring"), "nothing tells when it was made"),
    ],
)
def test_a_crate_of_which_no_manifest_can_be_made_says_why(
    crate: Json, reason: str
) -> None:
    with pytest.raises(CapsuleError, match=reason):
        manifest_from(metadata(crate))


def test_of_several_runs_the_one_of_the_main_entity_is_taken() -> None:
    other = {"@id": "#z", "@type": "CreateAction", "instrument": {"@id": "x"}}
    crate = stranger(other, *THEIRS["@graph"][2:], mainEntity={"@id": "run.py"})
    found, remarks = manifest_from(metadata(crate))
    assert found["status"] == "failed"
    assert any("#a is taken" in remark for remark in remarks)


def test_an_action_on_the_metadata_document_is_not_the_run() -> None:
    mending = {
        "@id": "#mending",
        "@type": "UpdateAction",
        "instrument": {"@id": "https://example.org/tool"},
        "object": {"@id": "ro-crate-metadata.json"},
    }
    found, remarks = manifest_from(metadata(stranger(mending)))
    assert "run" not in found
    assert any("records no run" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("id", "remark"),
    [
        ("../up.csv", "is no path or web address"),
        ("/etc/passwd", "is no path or web address"),
        ("s3://bucket/x", "is no path or web address"),
        ("ro-crate-preview.html", "is no path or web address"),
        ("gone.csv", "is not described"),
    ],
)
def test_a_file_that_a_manifest_cannot_have_is_remarked(id: str, remark: str) -> None:
    file = [{"@id": id, "@type": "File"}] if id != "gone.csv" else []
    crate = stranger(ACTION | {"object": {"@id": id}}, *file)
    found, remarks = manifest_from(metadata(crate))
    assert "inputs" not in found
    assert any(remark in each for each in remarks)


# -- what others said ----------------------------------------------------------------


def test_nothing_in_a_crate_of_ours_is_foreign() -> None:
    for version in VERSIONS:
        found = foreign(metadata(written(full(keywords=[]), ro_crate=version)))
        assert (found["entities"], found["set"], found["add"]) == ([], {}, {})


def test_a_strangers_entities_and_properties_are_kept_under_their_ids() -> None:
    manifest, _ = manifest_from(metadata(THEIRS))
    kept = json.loads(json.dumps(foreign(metadata(THEIRS))))
    again = graph(crate_document(manifest_of(manifest), {}, kept=kept))
    assert again["#a"] == ACTION
    assert again["./"]["mentions"] == {"@id": "#a"}
    assert again["#usage"]["name"] == "memory"
    assert again["out.csv"]["md5"] == "0" * 32
    assert "in%20put.csv" not in again
    assert again["./in%20put.csv"]["sha256"] == "A" * 64
    actions = [e for e in again.values() if e["@type"] == "CreateAction"]
    assert len(actions) == 1


def test_a_strangers_agent_is_kept_instead_of_the_authors() -> None:
    bob = {"@id": "#bob", "@type": "Person", "name": "Bob"}
    action = ACTION | {"agent": {"@id": "#bob"}, "name": "Their run"}
    crate = stranger(action, bob, *THEIRS["@graph"][3:], author="Carla Else")
    manifest, _ = manifest_from(metadata(crate))
    kept = foreign(metadata(crate))
    again = graph(crate_document(manifest_of(manifest), {}, kept=kept))
    assert again["#a"] == action


def test_terms_of_a_strangers_context_are_kept() -> None:
    crate = stranger(colour="blue")
    crate["@context"] = [
        crate["@context"],
        "https://w3id.org/ro/terms/workflow-run/context",
        {"colour": "https://example.org/colour"},
    ]
    manifest, _ = manifest_from(metadata(crate))
    kept = foreign(metadata(crate))
    again = crate_document(manifest_of(manifest), {}, kept=kept)
    context = metadata(again).context
    assert context.iri("colour") == "https://example.org/colour"
    assert graph(again)["./"]["colour"] == "blue"
    assert read(again) == manifest


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": []},
        {"entities": [{"@type": "Thing"}]},
        {"set": {"./": 1}},
        {"add": {"./": {"author": "x"}}},
        {"context": [1]},
    ],
)
def test_what_was_not_kept_by_us_is_refused(changes: Json) -> None:
    kept = foreign(metadata(THEIRS)) | changes
    with pytest.raises(CapsuleError, match="import that crate again"):
        crate_document(manifest_of(LEAST), {}, kept=kept)


def test_a_base_of_a_strangers_context_does_not_rename_our_entities() -> None:
    crate = stranger()
    crate["@context"] = [crate["@context"], {"@base": "urn:x:", "@vocab": "urn:y:"}]
    assert foreign(metadata(crate))["context"] == [{"@vocab": "urn:y:"}]


@pytest.mark.parametrize("folder", sorted(p.name for p in CRATES.iterdir()))
def test_each_fixture_makes_a_manifest_or_says_why_not(folder: str) -> None:
    path = CRATES / folder / "ro-crate-metadata.json"
    if not path.is_file():
        pytest.skip("no metadata document at its top")
    found = Metadata(path.name, path.read_bytes(), Limits())
    reason = ""
    try:
        manifest, _ = manifest_from(found)
    except CapsuleError as error:
        reason = str(error)
    if reason:
        assert reason.startswith(path.name)
        return
    kept = foreign(found)
    again = crate_document(manifest_of(manifest), {}, kept=kept)
    assert read(again) == manifest
    said = graph(again)
    assert found.root is not None
    for entity in found.entities:
        if entity is found.descriptor or entity.id not in said:
            continue
        id = "./" if entity is found.root else entity.id
        missing = set(entity.properties) - set(said[id])
        assert not missing, id
