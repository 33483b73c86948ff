"""An export that is killed at any moment leaves nothing at its target, or the whole."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from reverify.capsules.export import FORMATS

from tests.capsules.exports import (
    capsule_of,
    export_files,
    hidden,
    names,
    sha256,
    tree_of,
    write_files,
)

FILES = {f"d{n % 7}/f{n}.bin": bytes([n % 256]) * 70_000 for n in range(60)}
_TURNS = 5
PROGRAM = """
import sys
from pathlib import Path
from reverify.capsules.export import export_capsule
from reverify.capsules.manifest import read_manifest
from reverify.capsules.sources import FolderSource
folder, target, format, force = sys.argv[1:]
manifest = read_manifest(Path(folder, "capsule.json").read_bytes())
sys.stdout.write("x")
sys.stdout.flush()
export_capsule(
    manifest, FolderSource(Path(folder)), Path(target), format=format,
    force=force == "force",
)
"""


def start(
    folder: Path, target: Path, format: str, *, force: bool = False
) -> "subprocess.Popen[bytes]":
    """An export in a process of its own, which has just begun."""
    word = "force" if force else ""
    command = [sys.executable, "-c", PROGRAM, str(folder), str(target), format, word]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1) == b"x"
    return process


def state(target: Path) -> str | None:
    """The digest of what is at the target; None if nothing is."""
    if not target.exists():
        return None
    if target.is_dir():
        lines = sorted(f"{sha256(d)}  {p}\n" for p, d in tree_of(target).items())
        return sha256("".join(lines).encode())
    return sha256(target.read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_files(tmp_path / "capsule", FILES)
    (folder / "capsule.json").write_bytes(capsule_of(FILES).data)
    return folder


def kill(process: "subprocess.Popen[bytes]", after: float) -> None:
    """Kill a process after so many seconds, if it is not done by then."""
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_killed_at_any_moment(tmp_path: Path, folder: Path, format: str) -> None:
    room = tmp_path / "room"
    room.mkdir()
    target = room / "out"
    began = time.monotonic()
    start(folder, target, format).communicate()
    usual = time.monotonic() - began
    whole = state(target)
    assert whole == export_files(FILES, tmp_path / "other", format).checksum
    chance = random.Random(format)
    seen = {"nothing": 0, "whole": 0}
    for turn in range(_TURNS):
        start(folder, target, format, force=True).communicate()  # and clean up
        assert names(room) == ["out"]
        assert state(target) == whole
        target.rename(room / "old")
        # At once the first time, which is certainly before its end.
        after = usual * turn / _TURNS * chance.uniform(0.5, 1.5)
        kill(start(folder, target, format), after)
        found = state(target)
        assert found in {None, whole}
        seen["whole" if found else "nothing"] += 1
        assert len(list(hidden(room))) <= 1
        _clear(room / "old")
    assert seen["nothing"], "no export was killed before its end"


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_killed_while_it_replaces(tmp_path: Path, folder: Path, format: str) -> None:
    room = tmp_path / "room"
    room.mkdir()
    target = room / "out"
    old = export_files({"a.txt": b"old"}, target, format).checksum
    began = time.monotonic()
    start(folder, tmp_path / "other", format).communicate()
    usual = time.monotonic() - began
    new = state(tmp_path / "other")
    chance = random.Random(format)
    for _ in range(4):
        after = chance.uniform(0, usual * 1.1)
        kill(start(folder, target, format, force=True), after)
        assert state(target) in {old, new}
    start(folder, target, format, force=True).communicate()
    assert state(target) == new
    assert names(room) == ["out"]


def _clear(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _clear(child)
        path.rmdir()
    else:
        path.unlink()


def test_the_digest_of_what_is_there_is_told_apart(tmp_path: Path) -> None:
    told = export_files({"a.txt": b"one"}, tmp_path / "out")
    assert state(tmp_path / "out") == told.checksum
    (tmp_path / "out" / "a.txt").write_bytes(b"")
    assert state(tmp_path / "out") != told.checksum
