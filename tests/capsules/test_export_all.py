"""All capsules whose runs are over as crates."""

import zipfile
from pathlib import Path

import pytest
from reverify.capsules import export_all as export_all_module
from reverify.capsules.export_all import export_all
from reverify.capsules.registry import Registry
from reverify.errors import UsageError

from tests.capsules.builders import RAIN, capsule_folder, manifest_in, numbered
from tests.databases import Backdoor

ID = numbered(0).id


def register(registry: Registry, folder: Path, number: int, **changes: object) -> Path:
    id = numbered(number).id
    made = capsule_folder(folder / str(number), id=id, **changes)
    registry.register(manifest_in(made), made)
    return made


def states(
    registry: Registry, out: Path, *, force: bool = False, format: str = "dir"
) -> list[str]:
    out.mkdir(exist_ok=True)
    found = export_all(registry, out, force=force, format=format)
    return [f"{item.version.capsule[7]} {item.state}" for item in found]


def test_capsules_that_are_over_are_written_in_their_latest_version(
    registry: Registry, tmp_path: Path
) -> None:
    for number, status in enumerate(["completed", "failed", "draft", "completed"]):
        register(registry, tmp_path, number, status=status)
    register(registry, tmp_path, 0, title="Rain again")
    out = tmp_path / "out"
    assert states(registry, out) == [
        "2 written",
        "3 left out",
        "4 written",
        "1 written",
    ]
    assert (out / f"capsule-{ID}" / "rain.csv").read_bytes() == RAIN
    text = (out / f"capsule-{ID}" / "ro-crate-metadata.json").read_text()
    assert "Rain again" in text
    assert len(list(out.iterdir())) == 3


def test_what_is_left_out_says_why(registry: Registry, tmp_path: Path) -> None:
    register(registry, tmp_path, 0, status="running")
    (item,) = export_all(registry, tmp_path)
    assert (item.state, item.target) == ("left out", None)
    assert item.reason == "is running; only what is completed or failed is exported"


@pytest.mark.parametrize("format", ["dir", "zip", "bag", "bag-zip"])
def test_what_is_there_and_says_the_same_is_left_alone(
    registry: Registry, tmp_path: Path, format: str
) -> None:
    register(registry, tmp_path, 0)
    register(registry, tmp_path, 1)
    out = tmp_path / "out"
    assert states(registry, out, format=format) == ["1 written", "2 written"]
    inodes = {path.name: path.stat().st_ino for path in out.iterdir()}
    assert states(registry, out, format=format) == ["1 unchanged", "2 unchanged"]
    assert {path.name: path.stat().st_ino for path in out.iterdir()} == inodes
    register(registry, tmp_path, 1, title="Snow")
    assert states(registry, out, format=format) == ["1 unchanged", "2 written"]
    assert states(registry, out, format=format, force=True) == [
        "1 written",
        "2 written",
    ]
    if "zip" in format:
        name = out / f"capsule-{ID}.zip"
        assert zipfile.ZipFile(name).testzip() is None


def test_another_format_or_version_is_written(
    registry: Registry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 0)
    out = tmp_path / "out"
    assert states(registry, out) == ["1 written"]
    assert states(registry, out, format="bag") == ["1 written"]
    found = list(export_all(registry, out, format="bag", ro_crate="1.1"))
    assert [item.state for item in found] == ["written"]


def test_one_that_fails_does_not_keep_the_others(
    registry: Registry, tmp_path: Path
) -> None:
    for number in range(3):
        register(registry, tmp_path, number)
    (tmp_path / "1" / "sum.py").unlink()
    found = list(export_all(registry, made(tmp_path / "out")))
    assert [item.state for item in found] == ["written", "failed", "written"]
    assert "sum.py" in found[1].reason
    assert len(list((tmp_path / "out").iterdir())) == 2


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_one_that_is_damaged_does_not_keep_the_others(
    registry: Registry, tmp_path: Path, backdoor: Backdoor
) -> None:
    for number in range(3):
        register(registry, tmp_path, number)
    backdoor("UPDATE reverify_versions SET title = 'Snow' WHERE sequence = 2")
    backdoor("UPDATE reverify_versions SET manifest = 'Snow' WHERE sequence = 3")
    found = list(export_all(registry, made(tmp_path / "out")))
    assert sorted(item.state for item in found) == ["failed", "failed", "written"]


@pytest.mark.parametrize("path", ["rain.csv", "sum.py"])
def test_what_was_damaged_in_the_store_is_not_exported(
    registry: Registry, tmp_path: Path, path: str
) -> None:
    """The manifest states the digest of one of them, the registry alone the other's."""
    folder = capsule_folder(tmp_path / "rain")
    version = registry.register(manifest_in(folder), folder, store=True)
    (kept,) = [file for file in registry.files(version) if file.path == path]
    stored = registry.content.path(str(kept.sha256))
    stored.chmod(0o644)
    stored.write_bytes(stored.read_bytes()[::-1])
    (item,) = export_all(registry, made(tmp_path / "out"))
    assert item.state == "failed"
    assert f"{path}: has sha256 " in item.reason
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_export_of_the_capsule_is_not_replaced(
    registry: Registry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 0)
    target = tmp_path / "out" / f"capsule-{ID}"
    target.mkdir(parents=True)
    (target / "letter.txt").write_text("Dear")
    assert states(registry, tmp_path / "out") == ["1 failed"]
    assert (target / "letter.txt").read_text() == "Dear"


def test_a_link_at_the_target_is_not_followed(
    registry: Registry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 0)
    assert states(registry, tmp_path / "elsewhere") == ["1 written"]
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / f"capsule-{ID}"
    target.symlink_to(tmp_path / "elsewhere" / target.name)
    assert states(registry, tmp_path / "out") == ["1 failed"]
    assert target.is_symlink()


def test_more_than_a_page_is_exported(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_all_module, "_PAGE", 4)
    for number in range(9):
        registry.register(numbered(number))
    found = list(export_all(registry, made(tmp_path / "out")))
    assert len({item.version.capsule for item in found}) == 9
    assert {item.state for item in found} == {"written"}


def test_a_format_that_there_is_not_is_told(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no format 'tar'"):
        list(export_all(registry, tmp_path, format="tar"))
