"""Ids that are known from elsewhere: from git, and from Software Heritage."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from reverify.crates.swhids import Ways, identify, identify_stream
from reverify.crates.swhids.repositories import (
    identify_at,
    identify_release,
    identify_revision,
    identify_snapshot,
)
from reverify.model.git_objects import (
    SUBMODULE,
    Branch,
    TreeLine,
    snapshot_body,
    tree_body,
)
from reverify.model.swhid import Swhid, git_id

from tests.crates.trees import T_ID, T, write_tree
from tests.gitrepos import ENVIRONMENT, git

T_WITH_LINK = "50c809b8a40c9bceff6798b51b3b97a4b8bed2dc"
COMMIT = "820fc98b0ccb1593fd11dcf2f032c7dd20f69712"
TAG = "22ef6e0cb6ca45a10755f53c5a48faa7ec46e5bb"
SNAPSHOT = "c4453376d4f32637188c68f14c7dd77ca8ae2d02"
DANGLING = "ca72892d328e322e920fa223758ef6cc65f3170e"


def core(path: Path, **ways: bool) -> str:
    found = identify(str(path), Ways(), **ways)
    assert found.swhid is not None, found.problems
    return found.swhid.core


@pytest.mark.parametrize(
    ("content", "id"),
    [
        (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
    ],
)
def test_a_content_has_the_id_of_the_blob(
    tmp_path: Path, content: bytes, id: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert core(path) == f"swh:1:cnt:{id}"
    with path.open("rb") as stream:
        assert identify_stream(stream) == Swhid("cnt", id)


def test_an_empty_directory_has_the_id_of_the_empty_tree(tmp_path: Path) -> None:
    assert core(tmp_path) == "swh:1:dir:4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_an_empty_snapshot_has_its_id() -> None:
    id = git_id("snapshot", snapshot_body({}))
    assert id == "1a8893e6a86f444e8be8e7bda6cb34fb1735a00e"


def test_a_directory_has_the_id_of_the_tree(tmp_path: Path) -> None:
    write_tree(tmp_path, T)
    assert core(tmp_path) == f"swh:1:dir:{T_ID}"


def test_a_submodule_counts_as_its_commit(tmp_path: Path) -> None:
    write_tree(tmp_path, T)
    nested = tmp_path / "ext"
    for folder in (".git/objects", ".git/refs"):
        (nested / folder).mkdir(parents=True)
    (nested / ".git" / "HEAD").write_text("11" * 20)
    (nested / "file").write_bytes(b"checked out")
    assert core(tmp_path) == f"swh:1:dir:{T_WITH_LINK}"


def test_the_mode_of_a_folder_has_no_leading_zero() -> None:
    empty = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    assert tree_body([TreeLine(0o40000, b"d", empty)]) == b"40000 d\0" + empty


def test_only_folders_are_ordered_as_if_a_slash_followed() -> None:
    id = bytes(20)
    names = [b"a", b"a-", b"a0"]
    as_folder = tree_body([TreeLine(0o40000, names[0], id), *_files(names[1:])])
    as_link = tree_body([TreeLine(SUBMODULE, names[0], id), *_files(names[1:])])
    assert _order(as_folder) == [b"a-", b"a", b"a0"]
    assert _order(as_link) == names


def _files(names: list[bytes]) -> list[TreeLine]:
    return [TreeLine(0o100644, name, bytes(20)) for name in names]


def _order(body: bytes) -> list[bytes]:
    found = []
    while body:
        head, _, rest = body.partition(b"\0")
        found.append(head.partition(b" ")[2])
        body = rest[20:]
    return found


# -- what a repository holds ---------------------------------------------------------


@pytest.fixture(name="repository")
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commit, the tag and the branch of the vectors, made by git."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setitem(ENVIRONMENT, f"GIT_{who}_NAME", "Ada Example")
        monkeypatch.setitem(ENVIRONMENT, f"GIT_{who}_EMAIL", "ada@example.org")
        monkeypatch.setitem(ENVIRONMENT, f"GIT_{who}_DATE", "1700000000 +0100")
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    write_tree(folder, T)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "First")
    git(folder, "tag", "-a", "-m", "Version 1.0", "v1.0")
    return folder


@pytest.mark.parametrize("ref", ["HEAD", "main", "refs/heads/main", "v1.0", COMMIT])
def test_a_revision_has_the_id_of_the_commit(repository: Path, ref: str) -> None:
    assert identify_revision(str(repository), ref) == Swhid("rev", COMMIT)


def test_a_release_has_the_id_of_the_tag(repository: Path) -> None:
    assert identify_release(str(repository), "v1.0") == Swhid("rel", TAG)


def test_what_is_in_a_commit_has_the_id_that_it_has_on_disk(repository: Path) -> None:
    assert identify_at(str(repository), "v1.0") == Swhid("dir", T_ID)
    for name in T:
        path = repository / name.decode()
        assert identify_at(str(path), "HEAD").core == core(path)


def test_a_snapshot_is_of_head_branches_and_tags(repository: Path) -> None:
    swhid, branches = identify_snapshot(str(repository))
    assert swhid == Swhid("snp", SNAPSHOT)
    assert branches[b"HEAD"] == Branch("alias", b"refs/heads/main")


def test_packed_references_give_the_same_snapshot(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    git(repository, "gc", "-q")
    assert identify_snapshot(str(repository))[0] == Swhid("snp", SNAPSHOT)


def test_a_mirror_gives_the_same_snapshot(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--mirror", str(repository), "bare")
    assert identify_snapshot(str(tmp_path / "bare"))[0] == Swhid("snp", SNAPSHOT)


def test_a_branch_that_leads_nowhere_is_dangling(repository: Path) -> None:
    (repository / ".git" / "refs" / "heads" / "gone").write_text("22" * 20 + "\n")
    swhid, branches = identify_snapshot(str(repository))
    assert swhid == Swhid("snp", DANGLING)
    assert branches[b"refs/heads/gone"] is None


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, (1 << 20) - 1, 1 << 20, 3 << 20])
def test_files_of_all_sizes_are_as_git_hashes_them(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(hashlib.shake_128(b"seed").digest(size))
    answer = subprocess.run(
        ["git", "hash-object", "--no-filters", str(path)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert core(path) == f"swh:1:cnt:{answer.stdout.strip()}"
