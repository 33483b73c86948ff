"""What is exported passes our check without a word, and other people's tools too."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit
import pytest
from reverify import verify
from reverify.capsules.export import FORMATS
from reverify.runtime import Runtime
from reverify.settings import load_settings

from tests.capsules.exports import (
    export_folder,
    full,
    git,
    repository,
    tree_of,
    write_files,
)

VERSIONS = ("1.1", "1.2", "1.3")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    """One for all, since the engine of the profiles takes long to start."""
    with Runtime(load_settings({"offline": True})) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "capsule"
    work.mkdir()
    repository(work)
    return write_files(work)


def document(folder: Path) -> Json:
    return full(
        git(folder, "rev-parse", "HEAD"), git(folder, "rev-parse", "HEAD^{tree}")
    )


def complaints(report: Json) -> list[str]:
    return [
        f"{finding['level']} {finding['rule']}: {finding['reason']}"
        for finding in report["findings"]
        if finding["level"] in {"error", "warning"} and finding["outcome"] == "refuted"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "ro_crate"),
    [*((format, "1.2") for format in FORMATS), ("dir", "1.1"), ("bag-zip", "1.3")],
)
def test_a_check_confirms_it_without_warnings(
    tmp_path: Path, folder: Path, runtime: Runtime, format: str, ro_crate: str
) -> None:
    target = tmp_path / "out"
    told = export_folder(
        folder, document(folder), target, format=format, ro_crate=ro_crate
    )
    (report,) = (each.to_dict() for each in runtime.verify(str(target)))
    assert complaints(report) == []
    assert report["verdict"]["outcome"] == "confirmed"
    assert report["verdict"]["level"] == "intact"
    assert report["subject"]["digest"]["sha256"] == told.checksum
    assert report["subject"]["files"] == told.files
    assert report["subject"]["bytes"] == told.bytes
    assert report["subject"]["ro_crate_version"] == ro_crate


def test_bagit_python_confirms_the_bag(tmp_path: Path, folder: Path) -> None:
    export_folder(folder, document(folder), tmp_path / "out", format="bag")
    bag = bagit.Bag(str(tmp_path / "out"))
    bag.validate()
    payload = tree_of(tmp_path / "out" / "data").values()
    assert bag.info["Payload-Oxum"] == f"{sum(map(len, payload))}.{len(payload)}"


def test_bagit_python_confirms_the_bag_in_a_zip(tmp_path: Path, folder: Path) -> None:
    export_folder(folder, document(folder), tmp_path / "out.zip", format="bag-zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    (bag,) = (tmp_path / "unpacked").iterdir()
    bagit.Bag(str(bag)).validate()


@pytest.mark.parametrize("format", FORMATS)
def test_a_changed_byte_in_it_is_found(
    tmp_path: Path, folder: Path, format: str
) -> None:
    target = tmp_path / "out"
    export_folder(folder, document(folder), target, format=format)
    if format in {"zip", "bag-zip"}:
        with zipfile.ZipFile(target) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(target, "w") as archive:
            for name, data in files.items():
                changed = data.replace(b"a,1", b"a,9") if ".csv" in name else data
                archive.writestr(name, changed)
    else:
        (path,) = target.rglob("rain.csv")
        path.write_bytes(path.read_bytes().replace(b"a,1", b"a,9"))
    report = verify(str(target), offline=True, skip=("conformance",)).to_dict()
    assert report["verdict"]["outcome"] == "refuted"
    assert any("rain.csv" in reason for reason in complaints(report))
