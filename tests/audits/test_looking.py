"""Quick looks: what shows in them, and what does not."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from reverify.audits.looking import NOTHING_SEEN, look_at

from tests.builders import METADATA, write

Change = Callable[[Path], object]


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    write(tmp_path / "crate", {METADATA: b"{}", "a.csv": b"1", "deep/b.csv": b"22"})
    return tmp_path / "crate"


def again_at_the_same_time(path: Path, data: bytes) -> None:
    """Write a file, and give it the time that it had."""
    was = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_an_untouched_crate_looks_the_same(crate: Path) -> None:
    look = look_at(str(crate))
    assert look.stamp == look_at(str(crate)).stamp
    assert (look.files, look.bytes) == (3, 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda crate: (crate / "a.csv").write_bytes(b"12"),
        lambda crate: os.utime(crate / "a.csv", (1, 1)),
        lambda crate: (crate / "a.csv").rename(crate / "c.csv"),
        lambda crate: (crate / "deep" / "b.csv").unlink(),
        lambda crate: (crate / "new").mkdir(),
        lambda crate: (crate / "link").symlink_to("a.csv"),
        lambda crate: again_at_the_same_time(crate / METADATA, b"[]"),
    ],
    ids="content time name removed folder link metadata".split(),
)
def test_what_is_done_to_a_crate_shows(crate: Path, change: Change) -> None:
    before = look_at(str(crate)).stamp
    change(crate)
    assert look_at(str(crate)).stamp != before


def test_a_copy_put_in_the_place_of_a_file_shows(crate: Path) -> None:
    before = look_at(str(crate)).stamp
    was = (crate / "a.csv").stat()
    (crate / "copy").write_bytes(b"1")
    os.utime(crate / "copy", ns=(was.st_atime_ns, was.st_mtime_ns))
    (crate / "copy").replace(crate / "a.csv")
    assert look_at(str(crate)).stamp != before


def test_a_flipped_bit_does_not_show(crate: Path) -> None:
    """As it happens on a disk: why a look is no check of fixity."""
    before = look_at(str(crate)).stamp
    again_at_the_same_time(crate / "a.csv", b"2")
    assert look_at(str(crate)).stamp == before


def test_a_changed_table_of_contents_of_a_zip_shows(tmp_path: Path) -> None:
    path = tmp_path / "crate.zip"
    stamps = set()
    for data in (b"1", b"2"):
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(zipfile.ZipInfo("a.csv"), data)
        os.utime(path, (1, 1))
        stamps.add(look_at(str(path)).stamp)
    assert len(stamps) == 2


def test_links_are_not_followed(crate: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, {"x": b"1"})
    (crate / "link").symlink_to(outside)
    before = look_at(str(crate))
    (outside / "x").write_bytes(b"12")
    assert look_at(str(crate)) == before


def test_objects_of_a_storage_are_looked_at_by_what_it_tells() -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe("/looked/a.csv", b"1")
    try:
        before = look_at("memory:///looked", offline=True)
        assert before.stamp is not None
        fs.pipe("/looked/a.csv", b"2")
        assert look_at("memory:///looked").stamp != before.stamp
    finally:
        fs.rm("/looked", recursive=True)


@pytest.mark.parametrize(
    "place", ["https://example.org/crate.zip", "s3://bucket/crate", "/no/such/place"]
)
def test_what_cannot_be_looked_at_offline_is_not(place: str) -> None:
    assert look_at(place, offline=True) == NOTHING_SEEN
