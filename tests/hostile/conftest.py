"""What the tests of hostile input share."""

from pathlib import Path

import pytest

from tests.hostile.harness import Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A place to run the program in."""
    folder = tmp_path / "room"
    folder.mkdir()
    return Room(folder)
