"""What the files of a commit are, told from its trees."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.errors import ServiceError
from reverify.model.swhid import git_id
from reverify.services.git import Comparison, Likeness, Revision, revision
from reverify.services.git.revision import Pointer, read_pointer

from tests.gitrepos import ENVIRONMENT, commit, git
from tests.services.git_server import Manner, serving_git
from tests.services.git_setting import NEVER, Laboratory, found, undecided, whys

LARGE = b"large contents\n"
POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{hashlib.sha256(LARGE).hexdigest()}\nsize {len(LARGE)}\n"
).encode()


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)


def _of(lab: Laboratory, id: str) -> Revision:
    return found(lab.sources(lab.work).find(id)).revision


def _compare(revision: Revision, path: str, data: bytes) -> Comparison:
    return revision.compare(
        path,
        git_id("blob", data, revision.algorithm),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )


def _make_tree(lab: Laboratory, entries: Mapping[bytes, tuple[bytes, str]]) -> str:
    """A commit of a tree as it is written here, whatever git thinks of it."""
    body = b"".join(
        mode + b" " + name + b"\0" + bytes.fromhex(id)
        for name, (mode, id) in entries.items()
    )
    tree = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
        cwd=lab.work,
        env=ENVIRONMENT,
        input=body,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return git(lab.work, "commit-tree", "-m", "As written", tree.strip())


# -- comparing -------------------------------------------------------------------------


def test_a_file_is_the_blob_at_its_path(lab: Laboratory) -> None:
    with _of(lab, lab.second) as revision:
        assert _compare(revision, "sum.py", b"print(2)\n").likeness is Likeness.SAME


def test_a_file_that_differs_is_told_with_both_ids(lab: Laboratory) -> None:
    with _of(lab, lab.second) as revision:
        compared = _compare(revision, "sum.py", b"print(9)\n")
    assert compared.likeness is Likeness.DIFFERENT
    assert compared.expected == git_id("blob", b"print(2)\n")
    assert compared.expected in compared.reason


def test_contents_are_found_at_other_paths(lab: Laboratory) -> None:
    with _of(lab, lab.second) as revision:
        compared = _compare(revision, "rain.csv", b"a,1\n")
        assert compared.likeness is Likeness.ABSENT
        assert compared.elsewhere == ("data/rain.csv",)
        blob = git_id("blob", b"a,1\n")
        assert revision.paths_of(blob) == ("data/rain.csv",)
        assert revision.paths_of(NEVER) == ()


def test_a_folder_a_link_and_a_submodule_are_no_files(lab: Laboratory) -> None:
    (lab.work / "link").symlink_to("sum.py")
    git(lab.work, "add", "link")
    git(lab.work, "update-index", "--add", "--cacheinfo", f"160000,{NEVER},lib")
    git(lab.work, "commit", "-q", "-m", "Add odd things")
    with _of(lab, git(lab.work, "rev-parse", "HEAD")) as revision:
        for path in ("data", "link", "lib"):
            assert _compare(revision, path, b"").likeness is Likeness.NO_FILE
        inside = _compare(revision, "lib/a.py", b"")
        assert inside.likeness is Likeness.IN_SUBMODULE
        assert revision.submodules == {"lib": NEVER}


# -- Git LFS ---------------------------------------------------------------------------


def test_a_file_that_a_pointer_names_is_that_file(lab: Laboratory) -> None:
    with _of(lab, commit(lab.work, {"big.bin": POINTER}, "Add big")) as revision:
        assert _compare(revision, "big.bin", LARGE).likeness is Likeness.BY_POINTER
        other = _compare(revision, "big.bin", b"other")
        assert other.likeness is Likeness.DIFFERENT
        assert "pointer of Git LFS there names sha256:" in other.reason
        assert _compare(revision, "big.bin", POINTER).likeness is Likeness.SAME


def test_a_pointer_is_fetched_only_when_it_is_needed(lab: Laboratory) -> None:
    id = commit(lab.work, {"big.bin": POINTER}, "Add big")
    lab.publish()
    with serving_git(lab.root) as server:
        answer = found(lab.sources().find(id, origin=f"{server.url}/code.git"))
        with answer.revision as revision:
            before = server.packs
            assert _compare(revision, "sum.py", b"print(2)\n").likeness is Likeness.SAME
            assert server.packs == before
            assert _compare(revision, "big.bin", LARGE).likeness is Likeness.BY_POINTER
            assert server.packs > before


def test_contents_that_are_missing_may_be_a_pointer(lab: Laboratory) -> None:
    id = commit(lab.work, {"big.bin": POINTER}, "Add big")
    lost = git_id("blob", POINTER)
    (lab.work / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    with _of(lab, id) as revision:
        compared = _compare(revision, "big.bin", LARGE)
        assert compared.likeness is Likeness.UNKNOWN
        assert "missing" in compared.reason
        assert _compare(revision, "big.bin", POINTER).likeness is Likeness.SAME


def test_a_pointer_is_told_from_what_is_none() -> None:
    sha256 = hashlib.sha256(LARGE).hexdigest()
    assert read_pointer(POINTER) == Pointer(sha256, len(LARGE))
    assert read_pointer(POINTER.replace(b"v1", b"v9")) is None
    assert read_pointer(POINTER + b"x" * 1024) is None
    assert read_pointer(b"") is None


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reading_of_a_pointer_stumble(data: bytes) -> None:
    read_pointer(data)
    read_pointer(POINTER[:60] + data)


# -- odd trees -------------------------------------------------------------------------


def test_padded_modes_are_read_by_their_raw_bytes_and_told(lab: Laboratory) -> None:
    data = git(lab.work, "rev-parse", "HEAD:data")
    id = _make_tree(lab, {b"data": (b"040000", data)})
    with _of(lab, id) as revision:
        assert revision.padded == {revision.tree}
        assert "data/rain.csv" in revision.entries
    with _of(lab, lab.first) as revision:
        assert not revision.padded


def test_an_honest_old_repository_with_padded_modes_is_fetched(lab: Laboratory) -> None:
    data = git(lab.work, "rev-parse", "HEAD:data")
    id = _make_tree(lab, {b"data": (b"040000", data)})
    git(lab.work, "branch", "old", id)
    lab.publish()
    with serving_git(lab.root) as server:
        answer = found(lab.sources().find(id, origin=f"{server.url}/code.git"))
    with answer.revision as revision:
        assert revision.padded


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"a/b", b""])
def test_a_tree_with_a_hostile_name_is_not_taken_from_a_server(
    lab: Laboratory, name: bytes
) -> None:
    blob = git(lab.work, "rev-parse", "HEAD:sum.py")
    id = _make_tree(lab, {name: (b"100644", blob)})
    (lab.work / ".git" / "refs" / "heads" / "odd").write_text(f"{id}\n")
    bare = lab.root / "code.git"
    git(lab.work, "clone", "-q", "--bare", str(lab.work), str(bare))
    with serving_git(lab.root, Manner()) as server:
        answer = undecided(lab.sources().find(id, origin=f"{server.url}/code.git"))
    assert whys(answer) == ["damaged"]


def test_a_few_bytes_that_list_no_end_of_paths_are_bounded(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = git(lab.work, "rev-parse", "HEAD:data")
    for _ in range(12):
        lines = "".join(f"040000 tree {tree}\td{n}\n" for n in range(10))
        tree = git(lab.work, "mktree", given=lines)
    id = git(lab.work, "commit-tree", "-m", "Many", tree)
    monkeypatch.setattr(revision, "MOST_NAMES", 1000)
    with _of(lab, id) as opened:
        assert opened.trees == 13
        with pytest.raises(ServiceError, match="more than 1,000 names"):
            assert opened.entries


def test_trees_that_are_too_large_are_not_read(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revision, "MOST_TREE_BYTES", 20)
    assert whys(undecided(lab.sources(lab.work).find(lab.first))) == ["limit"]


def test_contents_that_are_too_large_are_not_read(lab: Laboratory) -> None:
    id = commit(lab.work, {"zeros": bytes(1 << 20)}, "Add nought")
    with _of(lab, id) as opened:
        opened.see(["zeros"], 1000)
        assert _compare(opened, "zeros", b"1").likeness is Likeness.DIFFERENT
