"""Which OCFL object a crate belongs to."""

from pathlib import Path

import pytest
from reverify.audits.objects import ocfl_object


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A storage root with one object, and a crate that is in none."""
    (tmp_path / "0=ocfl_1.1").write_text("ocfl_1.1\n")
    content = tmp_path / "ab" / "object" / "v1" / "content"
    content.mkdir(parents=True)
    (tmp_path / "ab" / "object" / "0=ocfl_object_1.1").write_text("ocfl_object_1.1\n")
    (tmp_path / "ab" / "other").mkdir()
    return tmp_path


@pytest.mark.parametrize("place", ["", "v1", "v1/content", "v1/content/crate.zip"])
def test_a_crate_belongs_to_the_object_around_it(storage: Path, place: str) -> None:
    found = ocfl_object(str(storage / "ab" / "object" / place))
    assert found == str(storage / "ab" / "object")


def test_a_crate_beside_it_belongs_to_none(storage: Path) -> None:
    assert ocfl_object(str(storage / "ab" / "other")) is None


def test_nothing_is_looked_for_above_a_storage_root(storage: Path) -> None:
    (storage / "inner").mkdir()
    (storage / "0=ocfl_1.1").rename(storage / "inner" / "0=ocfl_1.0")
    (storage / "0=ocfl_object_1.1").write_text("")
    assert ocfl_object(str(storage / "inner" / "crate")) is None


@pytest.mark.parametrize("crate", ["s3://bucket/crate", "a\0b", "", "/" + "x" * 5000])
def test_what_is_no_place_on_disk_belongs_to_none(crate: str) -> None:
    assert ocfl_object(crate) is None
