"""What is damaged is found and named, in every packaging."""

import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from reverify import verify
from reverify.model.outcome import Outcome

from tests.conftest import CRATES

Damage = Callable[[Path], None]


def flip_a_byte(root: Path) -> None:
    path = root / "rain.csv"
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(bytes(data))


def remove_a_file(root: Path) -> None:
    (root / "rain.csv").unlink()


def add_a_file(root: Path) -> None:
    (root / "extra.txt").write_bytes(b"I came later.\n")


def state_a_wrong_size(root: Path) -> None:
    path = root / "ro-crate-metadata.json"
    path.write_text(path.read_text().replace('"42"', '"43"'))


def state_an_md5_as_sha256(root: Path) -> None:
    path = root / "ro-crate-metadata.json"
    lines = path.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if '"rain.csv",' in line)
    for n in range(at, len(lines)):
        if '"sha256"' in lines[n]:
            lines[n] = '      "sha256": "6903c5ade638c57f8b38375606ae3236"'
            break
    path.write_text("\n".join(lines))


def as_directory(folder: Path, _: Path) -> Path:
    return folder


def as_zip(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return target / "c.zip"


def as_tar(folder: Path, target: Path) -> Path:
    with tarfile.open(target / "c.tar.xz", "w:xz") as tar:
        tar.add(folder, folder.name)
    return target / "c.tar.xz"


IN_A_CRATE = [
    (flip_a_byte, {"fixity/digest-mismatch": "rain.csv"}),
    (remove_a_file, {"completeness/file-missing": "rain.csv"}),
    (state_a_wrong_size, {"fixity/size-mismatch": "rain.csv"}),
    (state_an_md5_as_sha256, {"fixity/digest-malformed": "rain.csv"}),
]
IN_A_BAG = [
    (flip_a_byte, {"fixity/digest-mismatch": "rain.csv"}),
    (remove_a_file, {"completeness/bag-file-missing": "data/rain.csv"}),
    (add_a_file, {"completeness/bag-file-unlisted": "data/extra.txt"}),
    (
        state_a_wrong_size,
        {
            "fixity/size-mismatch": "rain.csv",
            "fixity/digest-mismatch": "data/ro-crate-metadata.json",
        },
    ),
]
IN_AN_OBJECT = [
    (flip_a_byte, "v2", {"fixity/digest-mismatch": "rain.csv"}),
    (flip_a_byte, "v1", {"fixity/digest-mismatch": "v1/content/rain.csv"}),
    (remove_a_file, "v2", {"completeness/file-missing": "rain.csv"}),
    (
        remove_a_file,
        "v1",
        {"completeness/ocfl-content-missing": "v1/content/rain.csv"},
    ),
    (add_a_file, "v1", {"completeness/ocfl-file-unlisted": "v1/content/extra.txt"}),
]
PACKINGS = [as_directory, as_zip, as_tar]


def refuted(location: Path) -> set[tuple[str, str]]:
    report = verify(str(location), offline=True, skip=["conformance"])
    return {
        (finding.rule, name)
        for finding in report.findings
        if finding.outcome is Outcome.REFUTED
        for name in (finding.claim.subject, finding.claim.path or "")
    }


@pytest.mark.parametrize("pack", PACKINGS)
@pytest.mark.parametrize(("damage", "expected"), IN_A_CRATE)
def test_damage_in_a_crate_is_found_and_named(
    damage: Damage,
    expected: dict[str, str],
    pack: Callable[[Path, Path], Path],
    tmp_path: Path,
) -> None:
    shutil.copytree(CRATES / "intact", tmp_path / "crate")
    damage(tmp_path / "crate")
    found = refuted(pack(tmp_path / "crate", tmp_path))
    assert set(expected.items()) <= found


@pytest.mark.parametrize("pack", PACKINGS)
@pytest.mark.parametrize(("damage", "expected"), IN_A_BAG)
def test_damage_in_a_bag_is_found_and_named(
    damage: Damage,
    expected: dict[str, str],
    pack: Callable[[Path, Path], Path],
    tmp_path: Path,
) -> None:
    shutil.copytree(CRATES / "bag-intact", tmp_path / "bag")
    damage(tmp_path / "bag" / "data")
    found = refuted(pack(tmp_path / "bag", tmp_path))
    prefix = "" if pack is as_directory else "bag/"
    for rule, name in expected.items():
        assert (rule, name) in found or (rule, prefix + name) in found


@pytest.mark.parametrize("pack", PACKINGS)
@pytest.mark.parametrize(("damage", "version", "expected"), IN_AN_OBJECT)
def test_damage_in_an_object_is_found_and_named(
    damage: Damage,
    version: str,
    expected: dict[str, str],
    pack: Callable[[Path, Path], Path],
    tmp_path: Path,
) -> None:
    shutil.copytree(CRATES / "ocfl-intact", tmp_path / "object")
    damage(tmp_path / "object" / version / "content")
    found = refuted(pack(tmp_path / "object", tmp_path))
    assert set(expected.items()) <= found
