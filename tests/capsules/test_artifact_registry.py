"""The names that SciDEX calls."""

import json
from pathlib import Path
from typing import Any

import pytest
from reverify.capsules.artifact_registry import (
    api_register_capsule,
    get_capsule_manifest,
    register_capsule,
)
from reverify.capsules.rocrate_export import generate_rocrate_bundle
from reverify.errors import CapsuleError, ManifestError, UsageError

from tests.capsules.builders import LEAST, RAIN, capsule_folder, sha256

COMMIT, TREE = "1" * 40, "2" * 40
SNAPSHOT = "swh:1:snp:" + "3" * 40
ORIGIN = "https://example.org/rain.git"


@pytest.fixture(autouse=True)
def _registry(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIFY_DB", database)
    monkeypatch.setenv("REVERIFY_STORE", str(tmp_path / "store"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(capsule_folder(tmp_path / "work"))


def test_a_capsule_is_registered_with_its_code() -> None:
    id = register_capsule(
        "Rain",
        inputs=["rain.csv"],
        outputs=[{"path": "out/total.txt", "description": "The sum"}],
        git_commit=COMMIT,
        git_tree_hash=TREE,
        swh_origin_url=ORIGIN,
        swh_snapshot_id=SNAPSHOT,
    )
    manifest = get_capsule_manifest(id)
    assert manifest.pop("created")
    assert manifest == {
        "schema_version": "1.0",
        "id": id,
        "title": "Rain",
        "status": "completed",
        "inputs": [{"path": "rain.csv"}],
        "outputs": [{"path": "out/total.txt", "description": "The sum"}],
        "code": {
            "git_commit": COMMIT,
            "git_tree_hash": TREE,
            "swh_origin_url": ORIGIN,
            "swh_snapshot_id": SNAPSHOT,
        },
    }


def test_what_is_not_said_is_not_in_the_manifest() -> None:
    manifest = get_capsule_manifest(register_capsule("Rain"))
    assert set(manifest) == {
        "schema_version",
        "id",
        "title",
        "status",
        "created",
        "inputs",
        "outputs",
    }


def test_an_absolute_path_below_the_folder_is_made_relative(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    id = register_capsule("Rain", inputs=[folder / "rain.csv"], base=folder)
    assert get_capsule_manifest(id)["inputs"] == [{"path": "rain.csv"}]
    with pytest.raises(ManifestError, match="it is absolute"):
        register_capsule("Rain", inputs=["/etc/passwd"])


def test_the_same_id_makes_a_version() -> None:
    id = register_capsule("Rain", created="2026-01-31T12:00:00Z")
    assert register_capsule("More rain", capsule_id=id) == id
    assert get_capsule_manifest(id)["title"] == "More rain"
    assert get_capsule_manifest(f"{id}@1")["title"] == "Rain"


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(CapsuleError, match=r"snow\.csv: is missing"):
        register_capsule("Rain", inputs=["snow.csv"])


def test_a_capsule_that_is_not_there_is_told() -> None:
    for ask in (get_capsule_manifest, generate_rocrate_bundle):
        with pytest.raises(CapsuleError, match="there is no capsule"):
            ask(str(LEAST["id"]))
        with pytest.raises(CapsuleError, match="is no id of a capsule"):
            ask("../../etc")


def test_a_payload_is_registered_as_the_api_does() -> None:
    answer = api_register_capsule(LEAST)
    assert answer.keys() == {"capsule_id", "version", "digest"}
    assert (answer["capsule_id"], answer["version"]) == (LEAST["id"], 1)
    assert api_register_capsule(LEAST) == answer
    again: dict[str, Any] = LEAST | {"notes": "again"}
    assert api_register_capsule(again)["version"] == 2


def test_a_payload_never_makes_files_of_this_machine_read() -> None:
    answer = api_register_capsule(LEAST | {"inputs": [{"path": "rain.csv"}]})
    with pytest.raises(CapsuleError, match=r"rain\.csv: is not kept"):
        generate_rocrate_bundle(answer["capsule_id"])


@pytest.mark.parametrize(
    "payload", [{}, LEAST | {"id": "x"}, LEAST | {"x": 1}, [], "x"]
)
def test_a_payload_that_is_no_manifest_is_told(
    payload: Any,  # noqa: ANN401 - whatever a client sends
) -> None:
    with pytest.raises(UsageError, match="payload: "):
        api_register_capsule(payload)


def test_a_bundle_lies_under_exports_and_says_what_it_is(tmp_path: Path) -> None:
    id = register_capsule(
        "Rain", inputs=["rain.csv"], git_commit=COMMIT, swh_origin_url=ORIGIN
    )
    bundle = generate_rocrate_bundle(id)
    assert bundle["path"] == f"exports/rocrate/capsule-{id}"
    folder = tmp_path / "work" / bundle["path"]
    assert (folder / "rain.csv").read_bytes() == RAIN
    document = json.loads((folder / "ro-crate-metadata.json").read_bytes())
    assert bundle["entities"] == len(document["@graph"])
    assert bundle["crate_id"] == f"urn:uuid:{id}"
    lines = sorted(
        f"{sha256(path.read_bytes())}  {path.relative_to(folder)}\n"
        for path in folder.rglob("*")
        if path.is_file()
    )
    assert bundle["checksum"] == sha256("".join(lines).encode())
    references = bundle["archival_references"]
    assert references["git_commit"] == COMMIT
    assert references["swh_origin_url"] == ORIGIN
    assert references["swh_snapshot_id"] is None
    assert f"swh:1:rev:{COMMIT}" in references["swhids"]


def test_a_bundle_is_made_again_with_the_same_bytes(tmp_path: Path) -> None:
    id = register_capsule("Rain", inputs=["rain.csv"], store=True)
    (tmp_path / "work" / "rain.csv").unlink()
    first = generate_rocrate_bundle(id, exports=tmp_path / "out")
    second = generate_rocrate_bundle(id, exports=tmp_path / "out")
    assert first == second
    where = tmp_path / "out" / "exports" / "rocrate" / f"capsule-{id}"
    assert first["path"] == str(where)
