"""What is written is at its target whole, or not at all."""

import ctypes
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from reverify.capsules import placing
from reverify.capsules.placing import new_file, new_folder
from reverify.errors import CapsuleError

from tests.capsules.exports import hidden, names, tree_of

CRATE = "ro-crate-metadata.json"


def write_folder(target: Path, text: str = "new", *, force: bool = False) -> None:
    with new_folder(target, force=force) as root:
        fd = os.open(CRATE, os.O_WRONLY | os.O_CREAT, dir_fd=root)
        os.write(fd, text.encode())
        os.close(fd)


def write_file(target: Path, text: str = "new", *, force: bool = False) -> None:
    with new_file(target, force=force) as stream:
        stream.write(text.encode())


def read(target: Path) -> str:
    return ((target / CRATE) if target.is_dir() else target).read_text()


Write = Callable[..., None]
both = pytest.mark.parametrize("write", [write_folder, write_file])


@pytest.fixture(params=["renameat2", "without"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system as it is, and one that knows no `renameat2` and no `syncfs`."""
    if request.param == "without":

        class Bare:
            """A C library that lacks them."""

        def library(*_: object, **__: object) -> Bare:
            return Bare()

        monkeypatch.setattr(ctypes, "CDLL", library)


@both
@pytest.mark.usefixtures("system")
def test_it_is_there_when_the_block_ends(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "out")
    assert read(tmp_path / "out") == "new"
    assert names(tmp_path) == ["out"]


@both
def test_nothing_is_there_when_the_block_fails(tmp_path: Path, write: Write) -> None:
    maker = new_folder if write is write_folder else new_file
    with pytest.raises(ZeroDivisionError), maker(tmp_path / "out", force=False):
        raise ZeroDivisionError
    assert names(tmp_path) == []


@both
def test_what_is_there_is_refused(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "out", "old")
    with pytest.raises(CapsuleError, match=r"is there already.*--force"):
        write(tmp_path / "out")
    assert read(tmp_path / "out") == "old"


@both
@pytest.mark.usefixtures("system")
def test_force_replaces_what_is_there(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "out", "old")
    write(tmp_path / "out", "new", force=True)
    assert read(tmp_path / "out") == "new"
    assert names(tmp_path) == ["out"]


@both
def test_force_does_no_harm_where_nothing_is(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "out", force=True)
    assert read(tmp_path / "out") == "new"


@both
def test_a_failure_leaves_what_was_there(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "out", "old")
    maker = new_folder if write is write_folder else new_file
    with pytest.raises(ZeroDivisionError), maker(tmp_path / "out", force=True):
        raise ZeroDivisionError
    assert read(tmp_path / "out") == "old"
    assert names(tmp_path) == ["out"]


@both
@pytest.mark.usefixtures("system")
def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path, write: Write) -> None:
    maker = new_folder if write is write_folder else new_file
    target = tmp_path / "out"
    with (
        pytest.raises(CapsuleError, match="is there already"),
        maker(target, force=False),
    ):
        write_folder(target, "theirs") if write is write_folder else target.write_text(
            "theirs"
        )
    assert read(target) == "theirs"
    assert names(tmp_path) == ["out"]


@both
@pytest.mark.usefixtures("system")
def test_a_link_at_the_target_is_replaced_and_not_followed(
    tmp_path: Path, write: Write
) -> None:
    outside = tmp_path / "outside"
    write(outside, "old")
    (tmp_path / "out").symlink_to("outside")
    write(tmp_path / "out", "new", force=True)
    assert not (tmp_path / "out").is_symlink()
    assert read(tmp_path / "out") == "new"
    assert read(outside) == "old"


@both
def test_a_missing_parent_is_told(tmp_path: Path, write: Write) -> None:
    with pytest.raises(CapsuleError, match="there is no folder"):
        write(tmp_path / "none" / "out")


def test_a_folder_that_is_no_crate_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("three years")
    with pytest.raises(CapsuleError, match="holds no crate"):
        write_folder(tmp_path / "home", force=True)
    assert tree_of(tmp_path / "home") == {"thesis.txt": b"three years"}


def test_an_empty_folder_is_replaced_if_asked(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(CapsuleError, match="is there already"):
        write_folder(tmp_path / "out")
    write_folder(tmp_path / "out", force=True)
    assert read(tmp_path / "out") == "new"


def test_a_file_replaces_no_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", "old")
    with pytest.raises(CapsuleError, match="is a folder"):
        write_file(tmp_path / "out", force=True)


@pytest.mark.usefixtures("system")
def test_a_folder_replaces_a_file_if_asked(tmp_path: Path) -> None:
    write_file(tmp_path / "out", "old")
    write_folder(tmp_path / "out", force=True)
    assert read(tmp_path / "out") == "new"
    assert names(tmp_path) == ["out"]


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    with pytest.raises(CapsuleError, match="is no file and no folder"):
        write_file(tmp_path / "out", force=True)


@both
def test_modes_are_those_of_what_anybody_may_read(tmp_path: Path, write: Write) -> None:
    before = os.umask(0o077)
    try:
        write(tmp_path / "out")
    finally:
        os.umask(before)
    expected = 0o755 if write is write_folder else 0o644
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == expected


@both
def test_nobody_else_may_look_until_it_is_done(tmp_path: Path, write: Write) -> None:
    maker = new_folder if write is write_folder else new_file
    with maker(tmp_path / "out", force=False):
        (name,) = hidden(tmp_path)
        mode = (tmp_path / name).stat().st_mode
        assert stat.S_IMODE(mode) & 0o077 == 0
        assert not (tmp_path / "out").exists()


@both
def test_what_the_dead_left_is_removed_and_the_living_are_let_be(
    tmp_path: Path, write: Write
) -> None:
    maker = new_folder if write is write_folder else new_file
    with maker(tmp_path / "out", force=False):
        (living,) = hidden(tmp_path)
        stem = living[:-8]
        (tmp_path / f"{stem}00000000").mkdir()
        (tmp_path / f"{stem}00000000" / "half").write_text("half")
        (tmp_path / f"{stem}11111111").write_text("half")
        (tmp_path / ".other").write_text("not ours")
        with pytest.raises(CapsuleError), maker(tmp_path / "out", force=False):
            write(tmp_path / "out")
        assert sorted(hidden(tmp_path)) == sorted([".other", living])
        (tmp_path / "out").rename(tmp_path / "other")
    assert names(tmp_path) == [".other", "other", "out"]


def test_an_exchange_that_fails_halfway_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "out", "old")
    monkeypatch.setattr(placing, "_rename", lambda *_: False)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if target.name == "out" and not self.name.endswith("-old"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(CapsuleError, match="cannot be written"):
        write_folder(tmp_path / "out", force=True)
    assert read(tmp_path / "out") == "old"
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CapsuleError, match="cannot be written"):
        write_file(tmp_path / "out")
