"""The commands import, roundtrip and upgrade on crates of strangers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reverify import verify
from reverify.capsules.importing import content_of
from reverify.capsules.mapping import manifest_from
from reverify.capsules.mapping.keeping import KEPT, digest_of, nothing_kept
from reverify.crates.opening import open_crate
from reverify.model.outcome import Outcome

from tests.builders import METADATA, document, encode, write
from tests.capsules.builders import LEAST, RAIN, capsule_folder, sha256
from tests.cli.test_bring import SAYS_ENOUGH, Terminal, shown, tarred, zipped


@pytest.fixture
def terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Terminal:
    monkeypatch.setenv("REVERIFY_DB", f"sqlite:///{tmp_path}/registry.sqlite")
    monkeypatch.setenv("REVERIFY_STORE", str(tmp_path / "store"))
    return Terminal(capfd)


# -- crates of strangers ---------------------------------------------------------------


def brought_back(terminal: Terminal, crate: Path, target: Path) -> dict[str, Any]:
    """Import a crate, export it, and read the document of what comes out."""
    answer = terminal("import", crate)
    assert answer.code == 0, answer.err
    again = terminal("export", answer.out[:36], "-o", target)
    assert again.code == 0, again.err
    lost = terminal("roundtrip", answer.out[:36]).out
    assert "lossless" in lost or "nothing is lost" in lost, lost
    found: dict[str, Any] = json.loads((target / METADATA).read_bytes())
    return {entity["@id"]: entity for entity in found["@graph"]}


@pytest.mark.parametrize("packed", [None, zipped, tarred])
def test_all_that_lies_in_a_strangers_crate_comes_back(
    terminal: Terminal,
    tmp_path: Path,
    packed: Callable[[Path, Path], Path] | None,
) -> None:
    described = {"a.csv": b"1\n", "sub/b c.csv": b"2\n"}
    others = {
        "sub/undescribed.txt": b"u",
        "nested/ro-crate-metadata.json": b"{}",
        "inner/bagit.txt": b"BagIt-Version: 1.0\n",
        "CITATION.cff": b"theirs",
        "capsule.json": b"theirs too",
    }
    crate = tmp_path / "crate"
    write(crate, {**described, **others, METADATA: encode(document(described))})
    location = packed(crate, tmp_path / "packed") if packed else crate
    brought_back(terminal, location, tmp_path / "again")
    for path, data in {**described, **others}.items():
        assert (tmp_path / "again" / path).read_bytes() == data


def test_an_empty_folder_comes_back(terminal: Terminal, tmp_path: Path) -> None:
    made = document({}, {"@id": "empty/", "@type": "Dataset", "name": "Nothing"})
    write(tmp_path / "crate", {METADATA: encode(made)})
    (tmp_path / "crate" / "empty").mkdir()
    graph = brought_back(terminal, tmp_path / "crate", tmp_path / "again")
    assert (tmp_path / "again" / "empty").is_dir()
    assert graph["empty/"]["name"] == "Nothing"


def test_a_strangers_crate_without_a_run_claims_none(
    terminal: Terminal, tmp_path: Path
) -> None:
    made = document({"a.csv": b"1\n"})
    write(tmp_path / "crate", {"a.csv": b"1\n", METADATA: encode(made)})
    graph = brought_back(terminal, tmp_path / "crate", tmp_path / "again")
    assert not any("CreateAction" in str(e["@type"]) for e in graph.values())
    assert "conformsTo" not in graph["./"]
    before = {e["@id"]: e for e in made["@graph"]}
    for id in ("a.csv", "./"):
        for key in before[id].keys() - {"hasPart", "identifier"}:
            assert graph[id][key] == before[id][key]
    ours = {"#capsule", "capsule.json", "urn:reverify:schema:capsule-manifest:1.0"}
    assert graph.keys() - before.keys() - ours == set()


def test_a_file_under_another_spelling_is_found(
    terminal: Terminal, tmp_path: Path
) -> None:
    text = json.dumps(document({"spelling.csv": b"1\n"}))
    made = json.loads(text.replace("spelling", "a%20b"))
    write(tmp_path / "crate", {"a%20b.csv": b"1\n", METADATA: encode(made)})
    graph = brought_back(terminal, tmp_path / "crate", tmp_path / "again")
    assert (tmp_path / "again" / "a b.csv").read_bytes() == b"1\n"
    assert "a%20b.csv" in graph


@pytest.mark.parametrize("packed", [None, zipped])
def test_files_that_are_described_and_missing_are_named(
    terminal: Terminal,
    tmp_path: Path,
    packed: Callable[[Path, Path], Path] | None,
) -> None:
    files = {f"{n}.csv": b"" for n in range(30)}
    write(tmp_path / "crate", {METADATA: encode(document(files))})
    crate = tmp_path / "crate"
    answer = terminal("import", packed(crate, tmp_path / "packed") if packed else crate)
    assert answer.code == 2
    assert "0.csv: is described, and is not in the crate" in answer.err
    assert "and 10 more" in answer.err
    assert "add them, or take them out" in answer.err
    assert terminal("capsule", "list").out == ""


def test_a_link_is_left_out_and_told(terminal: Terminal, tmp_path: Path) -> None:
    write(tmp_path / "crate", {METADATA: encode(document({}))})
    (tmp_path / "crate" / "passwd").symlink_to("/etc/passwd")
    answer = terminal("import", tmp_path / "crate")
    assert answer.code == 0
    assert "passwd: is a symbolic link, and is left out" in answer.err


# -- crates and manifests made to hurt -------------------------------------------------


@pytest.mark.parametrize(
    "id",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "C:\\windows\\win.ini",
        "a/../../b",
        "a\0b",
        "x" * 5000,
        "ro-crate-preview.html",
        "ro-crate-metadata.json/x",
    ],
)
def test_no_name_leads_out_of_the_crate(
    terminal: Terminal, tmp_path: Path, id: str
) -> None:
    action = {"@id": "#run", "@type": "CreateAction", "object": {"@id": id}}
    file = {"@id": id, "@type": "File", "name": "trick"}
    write(tmp_path / "crate", {METADATA: encode(document({}, action, file))})
    answer = terminal("import", tmp_path / "crate")
    assert "Traceback" not in answer.err
    if answer.code == 0:
        manifest = json.loads(shown(terminal, answer.out[:36]))
        assert "inputs" not in manifest
        target = tmp_path / "out" / "again"
        target.parent.mkdir()
        assert terminal("export", answer.out[:36], "-o", target).code == 0
        assert [path.name for path in target.parent.iterdir()] == ["again"]
    else:
        assert answer.code == 2


def nested(depth: int) -> Any:  # noqa: ANN401 - JSON
    return {"@value": nested(depth - 1)} if depth else "deep"


@pytest.mark.parametrize(
    "value",
    [nested(58), nested(80), 10**400, "\ud800", "x" * 3_000_000, {"@id": None}, 1e308],
)
def test_odd_values_are_kept_or_refused_in_a_sentence(
    terminal: Terminal, tmp_path: Path, value: object
) -> None:
    made = document({}, {"@id": "#x", "@type": "Thing", "comment": value})
    write(tmp_path / "crate", {METADATA: encode(made)})
    answer = terminal("import", tmp_path / "crate")
    assert "Traceback" not in answer.err
    if answer.code:
        assert answer.code == 2
        assert METADATA in answer.err or "no metadata document" in answer.err
        return
    assert terminal("export", answer.out[:36], "-o", tmp_path / "again").code == 0
    again = json.loads((tmp_path / "again" / METADATA).read_bytes())
    (found,) = (e for e in again["@graph"] if e.get("@id") == "#x")
    assert found["comment"] == value


@pytest.mark.parametrize(
    "forged",
    [
        {"forms": {"rain.csv": {"sha256": ["", ["0" * 64]]}}},
        {"forms": {"./": {"name": ["", ["Snow"]]}}},
        {"add": {"./": {"author": [{"@id": "#eve"}]}}},
        {"add": {"ro-crate-metadata.json": {"about": [{"@id": "#eve"}]}}},
        {"unsaid": {"#run-6f1c2a8e-3b1d-4c55-9a51-0f6f8f3f7c21": {"object": [1]}}},
        {"undescribed": ["./", "ro-crate-metadata.json", "rain.csv"]},
        {"ids": {'file:"rain.csv"': "out/total.txt"}},
        {"ids": {"root": "#eve"}},
        {"folders": ["../../x", "/tmp/x", "rain.csv/x", "ro-crate-metadata.json"]},
        {"entities": [{"@id": "./", "@type": "Dataset", "name": "Snow"}]},
        {"context": [{"@base": "https://evil.example.org/"}]},
    ],
)
def test_what_a_manifest_keeps_cannot_make_its_crate_say_otherwise(
    terminal: Terminal, tmp_path: Path, forged: dict[str, Any]
) -> None:
    eve = {"@id": "#eve", "@type": "Person", "name": "Eve Example"}
    kept = {**nothing_kept(), "entities": [eve], **forged}
    for properties in kept["forms"].values():
        for key, form in properties.items():
            ours = {"sha256": sha256(RAIN), "name": LEAST["title"]}
            form[0] = digest_of(ours[key])
    folder = capsule_folder(tmp_path / "capsule", extra={KEPT: kept}, **SAYS_ENOUGH)
    plain = capsule_folder(tmp_path / "plain", **SAYS_ENOUGH)
    assert terminal("export", plain, "-o", tmp_path / "expected").code == 0
    answer = terminal("export", folder, "-o", tmp_path / "crate")
    assert not (tmp_path.parent / "x").exists()
    if answer.code:
        assert answer.code == 2
        assert "/extra/reverify:ro-crate" in answer.err
        assert not (tmp_path / "crate").exists()
        return
    with open_crate(str(tmp_path / "crate")) as crate:
        assert crate.metadata is not None
        found, _ = manifest_from(crate.metadata)
    with open_crate(str(tmp_path / "expected")) as crate:
        assert crate.metadata is not None
        expected, _ = manifest_from(crate.metadata)
    assert found == expected
    report = verify(str(tmp_path / "crate"), offline=True, skip=["conformance"])
    assert report.verdict.outcome is Outcome.CONFIRMED


# -- upgrade of every packing ----------------------------------------------------------


@pytest.mark.parametrize("format", ["dir", "zip", "bag", "bag-zip"])
def test_a_bag_with_several_faults_is_mended_in_every_packing(
    terminal: Terminal, tmp_path: Path, format: str
) -> None:
    text = json.dumps(
        document({"a.csv": b"1\n"}, context="https://w3id.org/ro/crate/1.1")
    )
    made = json.loads(text.replace('"./"', '"."'))
    for entity in made["@graph"]:
        entity.pop("sha256", None)
    made["@graph"] += [1, {"@type": "Thing"}, {"@id": 5}]
    inner = {"sub/bagit.txt": b"x", "undescribed.txt": b"u"}
    write(tmp_path / "old", {"a.csv": b"1\n", **inner, METADATA: encode(made)})
    bag = tmp_path / "old-bag"
    first = terminal("upgrade", tmp_path / "old", "-o", bag, "--format", "bag")
    assert first.code == 0, first.err
    # The bag is sound by now; its document is made faulty again.
    (bag / "data" / METADATA).write_bytes(encode(made))
    before = {p: p.read_bytes() for p in bag.rglob("*") if p.is_file()}
    target = tmp_path / "new"
    answer = terminal("upgrade", bag, "-o", target, "--format", format)
    assert answer.code == 0, answer.err
    assert answer.out.count("changed") == 4, answer.out
    assert {p: p.read_bytes() for p in bag.rglob("*") if p.is_file()} == before
    with open_crate(str(target)) as crate:
        names = {path.removeprefix(crate.prefix) for path, _ in content_of(crate)}
        assert names == {"a.csv", METADATA, *inner}
        assert crate.metadata is not None
        assert crate.metadata.document["@graph"][-5:-2] == made["@graph"][-3:]
    again = terminal("upgrade", target, "-o", tmp_path / "again")
    assert "nothing changed" in again.out


def test_folders_links_and_signatures_are_not_passed_over_in_silence(
    terminal: Terminal, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    write(old, {METADATA: encode(document({})), f"{METADATA}.minisig": b"signed"})
    (old / "empty").mkdir()
    (old / "link").symlink_to("empty")
    answer = terminal("upgrade", old, "-o", tmp_path / "new")
    assert answer.code == 0, answer.err
    assert (tmp_path / "new" / "empty").is_dir()
    assert "left     link: is a symbolic link, left out" in answer.out
    assert f"left     {METADATA}.minisig: signs the old document" in answer.out
    assert not (tmp_path / "new" / f"{METADATA}.minisig").exists()
