"""SWHIDs from disk: what counts, what is left out, what cannot be read."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from reverify.crates import hashing
from reverify.crates.patterns import Patterns
from reverify.crates.swhids import Identified, Ways, identify, identify_stream
from reverify.crates.swhids.blobs import Blobs
from reverify.crates.swhids.repositories import stand_of
from reverify.errors import UsageError
from reverify.model.swhid import Swhid, git_id

from tests.crates.trees import T_ID, File, T, write_tree
from tests.gitrepos import commit, git, make_repository

SMALL = Ways(jobs=1)


def of(
    path: Path, ways: Ways = SMALL, *, empty_directories: bool = False
) -> Identified:
    return identify(str(path), ways, empty_directories=empty_directories)


def core(path: Path, ways: Ways = SMALL, *, empty_directories: bool = False) -> str:
    found = of(path, ways, empty_directories=empty_directories)
    assert found.swhid is not None, found.problems
    return found.swhid.core


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    write_tree(folder, T)
    return folder


T_CORE = f"swh:1:dir:{T_ID}"


# -- what counts -----------------------------------------------------------------------


def test_git_s_own_folder_does_not_count(tree: Path) -> None:
    make_repository(tree)
    assert core(tree) == T_CORE
    assert core(tree, Ways(dot_git=True)) != T_CORE


def test_empty_folders_count_only_if_asked(tree: Path) -> None:
    (tree / "empty" / "inside").mkdir(parents=True)
    assert core(tree) == T_CORE
    with_all = core(tree, empty_directories=True)
    assert with_all != T_CORE
    (tree / "empty" / "inside").rmdir()
    assert core(tree, empty_directories=True) not in {T_CORE, with_all}


@pytest.mark.parametrize(
    ("bits", "executable"), [(0o744, True), (0o654, False), (0o645, False)]
)
def test_the_owner_s_bit_alone_makes_a_file_executable(
    tree: Path, bits: int, *, executable: bool
) -> None:
    (tree / "run").chmod(bits)
    assert (core(tree) == T_CORE) is executable


def test_a_link_is_its_text_unless_it_is_followed(tree: Path) -> None:
    link = str(tree / "ln")
    text = Swhid("cnt", git_id("blob", b"src/a.txt"))
    assert identify(link, SMALL).swhid == text
    followed = identify(link, SMALL, dereference=True).swhid
    assert followed == Swhid("cnt", git_id("blob", b"hello\n"))


def test_a_link_to_a_folder_is_followed_if_asked_and_by_a_slash(
    tree: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tree)
    assert core(tmp_path / "link") != T_CORE
    assert identify(f"{tmp_path}/link/", SMALL).swhid == Swhid("dir", T_ID)
    found = identify(str(tmp_path / "link"), SMALL, dereference=True)
    assert found.swhid == Swhid("dir", T_ID)


def test_a_link_that_leads_nowhere_or_round_is_its_text(tree: Path) -> None:
    before = core(tree)
    (tree / "round").symlink_to(".")
    (tree / "nowhere").symlink_to("/no/such/file")
    after = core(tree)
    (tree / "round").unlink()
    (tree / "nowhere").unlink()
    assert after != before == core(tree)


# -- what is left out ------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["*.o", "build", "build/", "build/**", "**/x.o"])
def test_what_a_pattern_fits_is_left_out(tree: Path, pattern: str) -> None:
    write_tree(tree, {b"build": {b"x.o": File(b"\0")}})
    assert core(tree) != T_CORE
    assert core(tree, Ways(exclude=(pattern,))) == T_CORE


@pytest.mark.parametrize(
    ("pattern", "path", "folder", "fits"),
    [
        ("*.o", "a/b.o", False, True),
        ("b", "a/b/c", False, False),
        ("a/*.o", "a/b.o", False, True),
        ("a/*.o", "a/b/c.o", False, False),
        ("a/*.o", "x/a/b.o", False, False),
        ("/b.o", "b.o", False, True),
        ("./a/b", "a/b", True, True),
        ("b/", "a/b", True, True),
        ("b/", "a/b", False, False),
        ("a/**/b", "a/b", False, True),
        ("a/**/b", "a/x/y/b", False, True),
        ("a/**/b", "x/a/b", False, False),
        ("**/b", "x/y/b", False, True),
        ("a/**", "a", True, False),
        ("a/**", "a/x/y", False, True),
        ("[ab].c", "b.c", False, True),
        ("[!ab].c", "b.c", False, False),
        ("A", "a", False, False),
        ("*", ".hidden", False, True),
        ("\udcff*", "\udcff\udcfe", False, True),
    ],
)
def test_patterns_are_those_of_a_shell(
    pattern: str, path: str, *, folder: bool, fits: bool
) -> None:
    assert Patterns([pattern]).fit(path, folder=folder) is fits


@pytest.mark.parametrize("pattern", ["", "/", ".", "..", "a//b", "../a", "a/.."])
def test_a_pattern_that_fits_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="--exclude"):
        Patterns([pattern])


def test_special_files_are_told_and_left_out(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    started = time.monotonic()
    found = of(tree, Ways(jobs=2))
    assert time.monotonic() - started < 5
    assert str(found.swhid) == T_CORE
    assert found.remarks == (f"{tree}/pipe: is a pipe, and left out, as git does",)


def test_a_pipe_itself_is_refused_and_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a pipe"):
        of(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a device"):
        of(Path("/dev/null"))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        of(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="no such file or folder"):
        of(tmp_path / "file" / "below")


# -- submodules ------------------------------------------------------------------------


def test_a_repository_inside_counts_as_git_counts_it(tree: Path) -> None:
    make_repository(tree)
    nested = make_repository(tree / "lib", {"a": b"a"})
    git(tree, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
    found = of(tree)
    assert str(found.swhid) == f"swh:1:dir:{git(tree, 'write-tree')}"
    assert "counts as its commit" in found.remarks[0]
    (nested / "b").write_text("not committed")
    assert of(tree).swhid == found.swhid


def test_its_files_count_if_that_is_asked(tree: Path) -> None:
    make_repository(tree / "lib", {"a": b"a"})
    as_files = core(tree, Ways(submodules=False))
    (tree / "lib" / ".git").rename(tree / "gone")
    assert core(tree, Ways(exclude=("gone",))) == as_files


def test_a_repository_without_a_commit_is_a_folder(tree: Path) -> None:
    make_repository(tree / "lib")
    assert core(tree) == T_CORE


def test_a_sha256_repository_inside_is_told(tree: Path) -> None:
    make_repository(tree / "lib", {"a": b"a"}, "--object-format=sha256")
    found = of(tree)
    assert found.swhid is None
    assert "SHA-256" in found.problems[0]


# -- what cannot be read ---------------------------------------------------------------


def test_a_file_that_changes_while_it_is_read_is_told(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.readv

    def readv(fd: int, buffers: list[memoryview]) -> int:
        count = real(fd, buffers)
        with (tree / "src.txt").open("ab") as stream:
            stream.write(b"more")
        return count

    monkeypatch.setattr(os, "readv", readv)
    found = of(tree / "src.txt")
    assert (found.swhid, found.problems) == (
        None,
        (f"{tree}/src.txt: changed while it was read",),
    )
    assert of(tree).swhid is None


@pytest.mark.parametrize("many", [False, True])
def test_a_file_that_cannot_be_opened_is_told(
    tree: Path, monkeypatch: pytest.MonkeyPatch, *, many: bool
) -> None:
    if many:  # a worker process finds it gone
        write_tree(tree, {b"many": {b"%d" % n: File(b"") for n in range(1100)}})
    real = Blobs.add

    def add(self: Blobs, path: str, size: int) -> None:
        if path == "src/a.txt":
            (tree / path).unlink()
        real(self, path, size)

    monkeypatch.setattr(Blobs, "add", add)
    found = of(tree, Ways(jobs=2))
    assert found.swhid is None
    assert [problem.partition(": ")[0] for problem in found.problems] == [
        f"{tree}/src/a.txt"
    ]


def test_a_folder_that_cannot_be_listed_is_told(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hashing.Folder.descend

    def descend(self: hashing.Folder, path: str) -> int:
        if path == "src":
            raise PermissionError(13, "Permission denied")
        return real(self, path)

    monkeypatch.setattr(hashing.Folder, "descend", descend)
    found = of(tree)
    assert found.swhid is None
    assert found.problems[0] == f"{tree}/src: cannot be listed (Permission denied)"


def test_a_folder_that_becomes_a_link_is_not_followed(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hashing.Folder.descend

    def descend(self: hashing.Folder, path: str) -> int:
        if path == "src" and not (tree / "src").is_symlink():
            (tree / "src").rename(tmp_path / "elsewhere")
            (tree / "src").symlink_to(tmp_path / "elsewhere")
        return real(self, path)

    monkeypatch.setattr(hashing.Folder, "descend", descend)
    found = of(tree)
    assert found.swhid is None
    assert found.problems[0].startswith(f"{tree}/src: cannot be listed")


# -- large and deep --------------------------------------------------------------------


@pytest.mark.slow
def test_folders_may_lie_deeper_than_any_path_may_be_long(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.mkdir()
    here = Path.cwd()
    try:
        os.chdir(deep)
        for _ in range(1200):
            Path("deeper").mkdir()
            os.chdir("deeper")
        Path("file").write_bytes(b"hello\n")
    finally:
        os.chdir(here)
    body = b"100644 file\0" + bytes.fromhex(git_id("blob", b"hello\n"))
    for _ in range(1200):
        body = b"40000 deeper\0" + bytes.fromhex(git_id("tree", body))
    assert core(deep) == f"swh:1:dir:{git_id('tree', body)}"
    subprocess.run(["rm", "-rf", str(deep)], check=True)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(256 << 20)
    code = (
        "import pathlib, sys; from reverify.crates.swhids import *;"
        "found = identify(sys.argv[1], Ways(jobs=1));"
        "status = pathlib.Path('/proc/self/status').read_text();"
        "peak = status.partition('VmHWM:')[2].split()[0];"
        "print(found.swhid, int(peak) // 1024)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "large")]
    answer = subprocess.run(arguments, capture_output=True, check=True, text=True)
    swhid, peak = answer.stdout.split()
    git_says = git(tmp_path, "hash-object", "--no-filters", "large")
    assert swhid == f"swh:1:cnt:{git_says}"
    assert int(peak) < 100


def test_a_stream_may_be_a_file_or_a_pipe(tmp_path: Path) -> None:
    data = b"x" * (3 << 20)
    (tmp_path / "file").write_bytes(data)
    wanted = Swhid("cnt", git_id("blob", data))
    with (tmp_path / "file").open("rb") as stream:
        assert identify_stream(stream) == wanted
    with subprocess.Popen(
        ["cat", str(tmp_path / "file")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert identify_stream(cast("BinaryIO", process.stdout)) == wanted


def test_a_file_that_was_read_from_counts_from_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    with (tmp_path / "file").open("rb") as stream:
        stream.seek(2)
        assert identify_stream(stream) == Swhid("cnt", git_id("blob", b"345"))


# -- where it stands -------------------------------------------------------------------


def test_a_stand_is_where_the_commit_has_the_very_object(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r")
    head = commit(root, {"src/a.txt": b"a"})
    for path, inside in (("src/a.txt", "/src/a.txt"), ("src", "/src"), ("", "/")):
        swhid = of(root / path).swhid
        assert swhid is not None
        stand = stand_of(str(root / path), swhid)
        assert (stand.anchor, stand.path) == (Swhid("rev", head), inside)


def test_what_is_not_committed_so_stands_nowhere(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "r")
    commit(root, {"a.txt": b"a"})
    (root / "a.txt").write_bytes(b"b")
    swhid = of(root / "a.txt").swhid
    assert swhid is not None
    with pytest.raises(UsageError, match="commit it first"):
        stand_of(str(root / "a.txt"), swhid)
    (root / "new").write_bytes(b"a")
    with pytest.raises(UsageError, match="there is no 'new' in"):
        stand_of(str(root / "new"), swhid)
    with pytest.raises(UsageError, match="lies in no git repository"):
        stand_of(str(tmp_path / "elsewhere"), swhid)
