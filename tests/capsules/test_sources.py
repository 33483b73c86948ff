"""Files below a folder: plain ones are opened, all else is named and left alone."""

import os
import socket
from pathlib import Path

import pytest
from reverify.capsules.sources import FolderSource
from reverify.errors import CapsuleError
from reverify.model.capsule import FileRecord, Role


def file(path: str | None) -> FileRecord:
    return FileRecord(Role.INPUT, "/inputs/0", {"path": path})


def refusal(folder: Path, path: str | None) -> str:
    with FolderSource(folder) as source, pytest.raises(CapsuleError) as caught:
        source.open(file(path))
    return str(caught.value)


def test_a_plain_file_is_opened_at_its_start(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_bytes(b"one")
    with FolderSource(tmp_path) as source, source.open(file("sub/a.txt")) as stream:
        assert stream.read() == b"one"


def test_the_folder_itself_may_be_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_bytes(b"one")
    (tmp_path / "link").symlink_to("real")
    with (
        FolderSource(tmp_path / "link") as source,
        source.open(file("a.txt")) as stream,
    ):
        assert stream.read() == b"one"


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CapsuleError, match="no folder that can be read"):
        FolderSource(tmp_path / "none")


@pytest.mark.parametrize("path", ["a.txt", "sub/a.txt"])
def test_a_missing_file_is_told(tmp_path: Path, path: str) -> None:
    assert refusal(tmp_path, path) == f"{path}: is missing in {tmp_path}"


def test_a_link_is_refused_wherever_it_points(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one")
    (tmp_path / "inside").symlink_to("a.txt")
    (tmp_path / "outside").symlink_to("/etc/passwd")
    (tmp_path / "nowhere").symlink_to("none")
    for name in ("inside", "outside", "nowhere"):
        assert f"{name}: is a link, not a regular file" in refusal(tmp_path, name)


def test_a_file_behind_a_linked_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_bytes(b"one")
    (tmp_path / "link").symlink_to("real")
    reason = refusal(tmp_path, "link/a.txt")
    assert "link/a.txt: link: is a link, not a folder" in reason


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert "sub: is a folder, not a regular file" in refusal(tmp_path, "sub")


def test_a_file_used_as_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    assert "a/b: a: is a file, not a folder" in refusal(tmp_path, "a/b")


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "pipe: is a pipe, not a regular file" in refusal(tmp_path, "pipe")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert "s: is a socket, not a regular file" in refusal(tmp_path, "s")


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a//b", "a\0b", "."])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    assert "may not be used as a path" in refusal(tmp_path, path)


def test_a_file_without_a_path_is_not_kept(tmp_path: Path) -> None:
    assert refusal(tmp_path, None) == "/inputs/0: has no path, and is not kept"


def test_a_file_swapped_for_a_link_between_look_and_open_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    look = os.stat

    def swapping(*arguments: object, **options: object) -> os.stat_result:
        found = look(*arguments, **options)  # type: ignore[arg-type]
        if arguments[0] == "a.txt" and not path.is_symlink():
            path.unlink()
            path.symlink_to("/etc/passwd")
        return found

    with FolderSource(tmp_path) as source:
        monkeypatch.setattr("reverify.capsules.sources.os.stat", swapping)
        with pytest.raises(CapsuleError, match="is a link"):
            source.open(file("a.txt"))
