"""What a bag tells by the names of its files alone."""

import pytest
from reverify.crates.bag import foreseen


@pytest.mark.parametrize("base", ["", "top/"])
def test_manifests_tell_which_algorithms_will_be_wanted(base: str) -> None:
    names = ["bagit.txt", "manifest-md5.txt", "tagmanifest-sha512.txt", "data"]
    names += ["manifest-crc99.txt", "manifest-sha1.csv"]
    assert foreseen([base + name for name in names]) == {"sha256", "md5", "sha512"}


def test_what_is_no_bag_foretells_nothing() -> None:
    assert foreseen(["manifest-md5.txt", "ro-crate-metadata.json"]) == set()
