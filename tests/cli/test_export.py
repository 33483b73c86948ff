"""`reverify export`, as a user types it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.capsules.exports import (
    FILES,
    ID,
    full,
    git,
    names,
    repository,
    tree_of,
    write_files,
    write_manifest,
)
from tests.cli.test_check import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a capsule, a work tree."""
    work = tmp_path / "capsule"
    work.mkdir()
    commit, tree = repository(work)
    write_manifest(write_files(work), full(commit, tree))
    return work


def subject_of(crate: Path) -> dict[str, Any]:
    """What a check says that it looked at."""
    options = ("--offline", "--json", "--only", "fixity")
    found: dict[str, Any] = json.loads(run("check", *options, crate).stdout)["subject"]
    return found


@pytest.mark.parametrize("name", ["", "capsule.json"])
def test_a_folder_or_its_manifest_is_exported(
    folder: Path, tmp_path: Path, name: str
) -> None:
    answer = run("export", folder / name, "-o", tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    written = tree_of(tmp_path / "out")
    assert {path: written[path] for path in FILES} == FILES
    assert written["capsule.json"] == (folder / "capsule.json").read_bytes()


def test_standard_output_says_what_was_written(folder: Path, tmp_path: Path) -> None:
    answer = run("export", folder, "-o", tmp_path / "out.zip")
    told = dict(line.split(maxsplit=1) for line in answer.stdout.splitlines())
    checked = subject_of(tmp_path / "out.zip")
    assert told == {
        "wrote": str(tmp_path / "out.zip"),
        "format": "zip, RO-Crate 1.2",
        "crate": f"urn:uuid:{ID}",
        "files": f"{checked['files']}, {checked['bytes']:,} bytes",
        "sha256": checked["digest"]["sha256"],
        "code": f"looked up in {folder}",
    }


@pytest.mark.parametrize("format", ["dir", "zip", "bag", "bag-zip"])
def test_json_agrees_with_a_check(folder: Path, tmp_path: Path, format: str) -> None:
    answer = run("export", folder, "-o", tmp_path / "out", "--format", format, "--json")
    told = json.loads(answer.stdout)
    subject = subject_of(tmp_path / "out")
    assert told["digest"] == subject["digest"]
    assert told["files"] == subject["files"]
    assert told["bytes"] == subject["bytes"]
    assert told["ro_crate_version"] == subject["ro_crate_version"]
    assert told["crate_id"] == f"urn:uuid:{ID}"
    assert told["looked_up_in"] == str(folder)
    assert len(told["swhids"]) == 3


def test_a_registered_capsule_is_exported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_DB", f"sqlite:///{tmp_path}/r.sqlite")
    monkeypatch.setenv("REVERIFY_STORE", str(tmp_path / "store"))
    assert run("capsule", "register", folder).returncode == 0
    by_reference = run("export", ID, "-o", tmp_path / "one.zip")
    assert by_reference.returncode == 0, by_reference.stderr
    assert "looked up in" in by_reference.stdout
    direct = run("export", folder, "-o", tmp_path / "two.zip")
    assert direct.returncode == 0, direct.stderr
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_stored_capsule_is_exported_without_its_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_DB", f"sqlite:///{tmp_path}/r.sqlite")
    monkeypatch.setenv("REVERIFY_STORE", str(tmp_path / "store"))
    assert run("capsule", "register", "--store", folder).returncode == 0
    folder.rename(tmp_path / "gone")
    answer = run("export", ID, "-o", tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    assert "was not looked up" in answer.stderr
    looked = run(
        "export", ID, "-o", tmp_path / "out", "--force", "--source", tmp_path / "gone"
    )
    assert looked.returncode == 0, looked.stderr
    assert looked.stderr == ""
    assert (tmp_path / "out" / "data/rain.csv").read_bytes() == FILES["data/rain.csv"]


def test_each_file_that_changed_has_its_own_line(folder: Path, tmp_path: Path) -> None:
    (folder / "data/rain.csv").write_text("station,mm\na,9\nb,2\n")
    (folder / "out/total.txt").unlink()
    answer = run("export", folder, "-o", tmp_path / "out")
    assert answer.returncode == 2
    assert answer.stdout == ""
    first, second = answer.stderr.splitlines()
    assert first.startswith("reverify: data/rain.csv: has sha256")
    assert second.startswith("reverify: out/total.txt: is missing")
    assert names(tmp_path) == ["capsule"]


def test_a_manifest_that_disagrees_with_git_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    tree = git(folder, "rev-parse", "HEAD^{tree}")
    document = json.loads((folder / "capsule.json").read_text())
    document["code"]["git_tree_hash"] = "1" * 40
    write_manifest(folder, document)
    answer = run("export", folder, "-o", tmp_path / "out")
    assert answer.returncode == 2
    assert "1" * 40 in answer.stderr
    assert tree in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no-such-capsule", "-o", "out"], "no such file or folder"),
        (["{folder}"], "--out"),
        (["{folder}", "-o", "out", "--format", "tar"], "there is no format 'tar'"),
        (["{folder}", "-o", "out", "--ro-crate", "1.0"], "1.1, 1.2, 1.3"),
        (["{folder}", "-o", "no/such/place"], "there is no folder"),
        (["{folder}", "-o", "out", "--source", "nowhere"], "no such folder"),
        (["{folder}/data/rain.csv", "-o", "out"], "is no JSON"),
        (["{folder}/data", "-o", "out"], "cannot be read"),
        (["00000000-0000-4000-8000-000000000000", "-o", "out"], "capsule"),
    ],
)
def test_what_cannot_be_asked_exits_2(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REVERIFY_DB", f"sqlite:///{tmp_path}/none/r.sqlite")
    answer = run("export", *(item.format(folder=folder) for item in arguments))
    assert answer.returncode == 2, answer.stderr
    assert expected in answer.stderr
    assert "Traceback" not in answer.stderr
    assert names(tmp_path) == ["capsule"]


def test_the_manifest_is_not_overwritten(folder: Path) -> None:
    before = (folder / "capsule.json").read_bytes()
    target = folder / "capsule.json"
    answer = run("export", folder, "-o", target, "--format", "zip", "--force")
    assert answer.returncode == 2
    assert (folder / "capsule.json").read_bytes() == before


def test_the_suffix_chooses_the_format(folder: Path, tmp_path: Path) -> None:
    run("export", folder, "-o", tmp_path / "a.zip")
    run("export", folder, "-o", tmp_path / "b")
    assert zipfile.is_zipfile(tmp_path / "a.zip")
    assert (tmp_path / "b" / "ro-crate-metadata.json").is_file()


def test_quiet_says_where_the_crate_is_and_no_more(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    write_manifest(folder, full("2" * 40))
    loud = run("export", folder, "-o", tmp_path / "a")
    quiet = run("export", folder, "-o", tmp_path / "b", "-q")
    assert "was not looked up" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == f"{tmp_path / 'b'}\n"
