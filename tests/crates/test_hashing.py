"""The small program that digests files below one folder."""

import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from reverify.crates import hashing
from reverify.model.swhid import git_id

FOREVER = time.monotonic() + 10**9


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "sub" / "b").write_bytes(b"two")
    (tmp_path / "large").write_bytes(bytes(hashing.BLOCK * 2 + 7))
    (tmp_path / "exact").write_bytes(bytes(hashing.BLOCK))
    return tmp_path


@pytest.fixture
def folder(root: Path) -> Iterator[hashing.Folder]:
    fd = os.open(root, os.O_RDONLY)
    folder = hashing.Folder(fd)
    yield folder
    folder.close()
    os.close(fd)


def digest(
    folder: hashing.Folder, path: str, deadline: float = FOREVER
) -> hashing.Result:
    buffer = memoryview(bytearray(hashing.BLOCK))
    return hashing.hash_file(folder, path, ["sha256", "md5"], buffer, deadline)


@pytest.mark.parametrize("path", ["a", "sub/b", "large", "exact"])
def test_all_bytes_are_digested(folder: hashing.Folder, root: Path, path: str) -> None:
    data = (root / path).read_bytes()
    size, digests, problem = digest(folder, path)
    assert (size, problem) == (len(data), "")
    assert digests == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "md5": hashlib.md5(data).hexdigest(),
    }


@pytest.mark.parametrize("path", ["a", "sub/b", "large", "exact"])
def test_the_id_of_a_blob_is_made_in_the_same_reading(
    folder: hashing.Folder, root: Path, path: str
) -> None:
    data = (root / path).read_bytes()
    buffer = memoryview(bytearray(hashing.BLOCK))
    wanted = ["sha256", hashing.BLOB]
    _, digests, _ = hashing.hash_file(folder, path, wanted, buffer, FOREVER)
    assert digests["sha256"] == hashlib.sha256(data).hexdigest()
    assert digests[hashing.BLOB] == git_id("blob", data)


def test_an_empty_file_has_a_digest(folder: hashing.Folder, root: Path) -> None:
    (root / "empty").touch()
    assert digest(folder, "empty")[1]["sha256"] == hashlib.sha256(b"").hexdigest()


def test_from_folder_to_folder_no_descriptor_is_lost(
    folder: hashing.Folder, root: Path
) -> None:
    (root / "sub" / "deep" / "er").mkdir(parents=True)
    before = len(list(Path("/proc/self/fd").iterdir()))
    ways = ["sub", "sub/deep/er", "sub/deep", "", "sub/nowhere", "sub", "sub/b", "sub"]
    for path in ways:
        try:
            found = os.fstat(folder.descend(path))
        except OSError:
            assert not (root / path).is_dir()
        else:
            assert os.path.samestat(found, (root / path).stat())
    folder.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("path", ["nowhere", "nowhere/a", "a/b", "sub", ""])
def test_what_is_no_file_is_a_problem(folder: hashing.Folder, path: str) -> None:
    size, digests, problem = digest(folder, path)
    assert (size, digests) == (0, {})
    assert problem


@pytest.mark.parametrize("link", ["link", "links/b"])
def test_no_link_is_followed(folder: hashing.Folder, root: Path, link: str) -> None:
    (root / "link").symlink_to("a")
    (root / "links").symlink_to("sub")
    assert digest(folder, link)[1] == {}


def test_a_pipe_is_no_file(folder: hashing.Folder, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert digest(folder, "pipe")[2] == "not a regular file"


@pytest.mark.parametrize("path", ["a", "large"])
def test_when_the_time_is_up_there_is_no_digest(
    folder: hashing.Folder, path: str
) -> None:
    _, digests, problem = digest(folder, path, time.monotonic() - 1)
    assert digests == {}
    assert problem == hashing.OUT_OF_TIME


def test_a_file_that_shrinks_has_changed(
    folder: hashing.Folder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readv = os.readv

    def shrinking(fd: int, buffers: list[memoryview]) -> int:
        os.truncate(root / "large", 10)
        return readv(fd, buffers)

    monkeypatch.setattr(os, "readv", shrinking)
    assert digest(folder, "large")[1:] == ({}, "changed while it was read")


@pytest.mark.parametrize("path", ["a", "large"])
def test_a_file_that_grows_has_changed(
    folder: hashing.Folder, root: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    readv = os.readv

    def growing(fd: int, buffers: list[memoryview]) -> int:
        with (root / path).open("ab") as stream:
            stream.write(b"more")
        return readv(fd, buffers)

    monkeypatch.setattr(os, "readv", growing)
    size, digests, problem = digest(folder, path)
    assert (digests, problem) == ({}, "changed while it was read")
    assert size <= hashing.BLOCK * 2 + 7


def test_as_a_program_it_answers_each_request(root: Path) -> None:
    fd = os.open(root, os.O_RDONLY)
    requests = io.BytesIO()
    for request in ((["sha256"], FOREVER, ["a", "nowhere"]), (["md5"], 0, ["a"])):
        hashing.send(requests, request)
    done = subprocess.run(
        [sys.executable, "-I", "-S", hashing.__file__, str(fd)],
        input=requests.getvalue(),
        capture_output=True,
        pass_fds=(fd,),
        env={},
        check=True,
    )
    os.close(fd)
    answers = io.BytesIO(done.stdout)
    first, second = hashing.receive(answers), hashing.receive(answers)
    assert first[0] == (3, {"sha256": hashlib.sha256(b"one").hexdigest()}, "")
    assert first[1][2]
    assert second == [(0, {}, hashing.OUT_OF_TIME)]


@pytest.mark.parametrize("kept", [0, 3, -1])
def test_half_a_message_is_none(kept: int) -> None:
    stream = io.BytesIO()
    hashing.send(stream, ["some", "text"])
    with pytest.raises(EOFError):
        hashing.receive(io.BytesIO(stream.getvalue()[:kept]))
