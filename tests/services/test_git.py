"""Repositories are read without believing them, and without obeying them."""

import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.errors import ServiceError, UsageError
from reverify.services.git import (
    Git,
    Repository,
    changes,
    find_repository,
    ignored,
    open_repository,
)
from reverify.services.git.references import is_reference_name, public_address

from tests.gitrepos import ENVIRONMENT, commit, git, make_repository

FILES = {"sum.py": b"print(1)\n", "data/rain.csv": b"a,1\n", "data/wind.csv": b"b,2\n"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "work", FILES)


@pytest.fixture
def repository(work: Path) -> Iterator[Repository]:
    with open_repository(work) as opened:
        yield opened


# -- finding and reading ---------------------------------------------------------------


def test_a_work_tree_is_found_from_a_folder_inside_it(work: Path) -> None:
    with open_repository(work / "data") as found:
        assert found.root == work
        assert found.head() == git(work, "rev-parse", "HEAD")
        assert found.branch() == "main"


def test_a_folder_outside_of_any_repository_is_told(tmp_path: Path) -> None:
    assert find_repository(tmp_path) is None
    with pytest.raises(UsageError, match="is no git repository, and lies in none"):
        open_repository(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        open_repository(tmp_path / "gone")


def test_a_bare_repository_is_read_where_it_is_named(work: Path) -> None:
    bare = work.parent / "bare.git"
    git(work, "clone", "-q", "--bare", str(work), str(bare))
    with open_repository(bare) as found:
        assert found.root is None
        assert found.head() == git(work, "rev-parse", "HEAD")


def test_a_bare_repository_is_not_happened_upon(work: Path) -> None:
    bare = work.parent / "bare.git"
    git(work, "clone", "-q", "--bare", str(work), str(bare))
    (bare / "inside").mkdir()
    assert find_repository(bare / "inside") is None


def test_a_repository_of_another_user_is_read_only_where_it_is_named(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    with open_repository(work) as found:
        assert found.head()
    with pytest.raises(UsageError, match="belongs to another user"):
        find_repository(work / "data")


def test_a_linked_work_tree_shares_the_branches(work: Path) -> None:
    linked = work.parent / "linked"
    git(work, "worktree", "add", "-q", "-b", "second", str(linked))
    theirs = commit(linked, {"more.py": b"2\n"})
    with open_repository(linked) as found:
        assert found.root == linked
        assert found.branch() == "second"
        assert found.head() == theirs
        assert set(found.references()) == {"refs/heads/main", "refs/heads/second"}
        assert list(changes(found)) == []


def test_a_submodule_is_a_repository_of_its_own(work: Path, tmp_path: Path) -> None:
    inner = make_repository(tmp_path / "inner", {"part.py": b"1\n"})
    allow = ("-c", "protocol.file.allow=always")
    git(work, *allow, "submodule", "--quiet", "add", str(inner), "part")
    git(work, "commit", "-q", "-m", "Add a part")
    with open_repository(work / "part") as found:
        assert found.root == work / "part"
        assert found.head() == git(inner, "rev-parse", "HEAD")
    with open_repository(work) as outer:
        assert list(changes(outer)) == []
        (work / "part/part.py").write_bytes(b"2\n")
        assert list(changes(outer)) == [("part/part.py", "changed")]


def test_a_repository_before_its_first_commit_has_no_head(tmp_path: Path) -> None:
    with open_repository(make_repository(tmp_path / "new")) as found:
        assert found.head() is None
        assert found.branch() == "main"
        assert list(changes(found)) == []


def test_a_detached_head_is_a_commit_without_a_branch(work: Path) -> None:
    git(work, "checkout", "-q", "--detach")
    alone = commit(work, {"new.py": b"3\n"})
    with open_repository(work) as found:
        assert found.branch() is None
        assert found.head() == alone
        assert found.reached_from(alone) == ("HEAD",)


def test_packed_references_are_read_too(work: Path) -> None:
    git(work, "tag", "v1")
    git(work, "tag", "-a", "-m", "Two", "v2")
    git(work, "pack-refs", "--all")
    with open_repository(work) as found:
        assert found.head() == git(work, "rev-parse", "HEAD")
        assert found.reached_from(found.head() or "") == (
            "refs/heads/main",
            "refs/tags/v1",
            "refs/tags/v2",
        )


def test_a_commit_has_a_tree_and_the_tree_has_files(
    work: Path, repository: Repository
) -> None:
    head = repository.head() or ""
    assert repository.kind_of(head) == "commit"
    assert repository.tree_of(head) == git(work, "rev-parse", "HEAD^{tree}")
    found = repository.blob_at(head, "data/rain.csv")
    assert found is not None
    assert (found.mode, found.is_file) == (0o100644, True)
    assert found.id == git(work, "rev-parse", "HEAD:data/rain.csv")
    assert repository.objects.blob(found.id) == b"a,1\n"
    assert {entry.name for entry in repository.files_of(head)} == set(FILES)


@pytest.mark.parametrize("path", ["nothing", "data/nothing", "sum.py/x", "data/", "."])
def test_a_path_that_is_not_there_has_no_entry(
    repository: Repository, path: str
) -> None:
    assert repository.blob_at(repository.head() or "", path) is None


def test_what_is_no_commit_is_none(repository: Repository) -> None:
    tree = repository.tree_of(repository.head() or "") or ""
    for id in (tree, "0" * 40, "abc", "HEAD", "--all", "0" * 64):
        assert repository.tree_of(id) is None
    assert repository.kind_of(tree) == "tree"
    assert repository.kind_of("HEAD") is None
    assert repository.tree_of(repository.head() or "")  # it still answers


def test_repositories_with_sha256_work_alike(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "new", FILES, "--object-format=sha256")
    with open_repository(work) as found:
        head = found.head() or ""
        assert len(head) == 64
        assert found.tree_of(head) == git(work, "rev-parse", "HEAD^{tree}")
        assert found.reached_from(head) == ("refs/heads/main",)
        assert list(changes(found)) == []


def test_names_may_be_any_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xe2\x82\xac\n.csv")
    work = make_repository(tmp_path / "new", {name: b"1"})
    with open_repository(work) as found:
        assert found.blob_at(found.head() or "", name) is not None
        assert list(changes(found)) == []


def test_an_object_that_is_not_what_its_id_says_is_not_believed(work: Path) -> None:
    head = git(work, "rev-parse", "HEAD")
    other = git(work, "commit-tree", "-m", "Other", "HEAD^{tree}")
    place, theirs = (work / ".git/objects" / id[:2] / id[2:] for id in (head, other))
    place.chmod(0o644)
    place.write_bytes(theirs.read_bytes())
    with (
        open_repository(work) as found,
        pytest.raises(ServiceError, match=r"has changed|cannot read"),
    ):
        found.tree_of(head)


def test_a_lying_index_of_a_pack_is_found_out(work: Path) -> None:
    """The index says which bytes have which id; we look ourselves."""
    head = git(work, "rev-parse", "HEAD")
    swapped = b"tree " + b"0" * 40 + b"\n"
    place = work / ".git/objects" / head[:2] / head[2:]
    place.chmod(0o644)
    place.write_bytes(zlib.compress(b"commit %d\0" % len(swapped) + swapped))
    with open_repository(work) as found, pytest.raises(ServiceError, match="changed"):
        found.tree_of(head)


def test_a_replaced_commit_is_read_as_it_was(work: Path) -> None:
    head = git(work, "rev-parse", "HEAD")
    tree = git(work, "rev-parse", "HEAD^{tree}")
    empty = git(work, "hash-object", "-t", "tree", "-w", "--stdin", given="")
    other = git(work, "commit-tree", "-m", "Other", empty)
    git(work, "replace", head, other)
    with open_repository(work) as found:
        assert found.tree_of(head) == tree


def test_a_reftable_is_told_and_not_misread(work: Path) -> None:
    git(work, "config", "core.repositoryFormatVersion", "1")
    git(work, "config", "extensions.refStorage", "reftable")
    with pytest.raises(ServiceError, match="reftable"):
        open_repository(work)


# -- what holds on to commits ----------------------------------------------------------


def test_a_commit_that_nothing_reaches_is_there_all_the_same(work: Path) -> None:
    git(work, "checkout", "-q", "-b", "side")
    lost = commit(work, {"side.py": b"1\n"})
    git(work, "checkout", "-q", "main")
    with open_repository(work) as found:
        assert found.reached_from(lost) == ("refs/heads/side",)
    git(work, "branch", "-q", "-D", "side")
    with open_repository(work) as found:
        assert found.kind_of(lost) == "commit"
        assert found.reached_from(lost) == ()


def test_a_branch_that_points_nowhere_hides_no_other(work: Path) -> None:
    (work / ".git/refs/heads/broken").write_text("1" * 40 + "\n")
    (work / ".git/refs/heads/odd").write_text("no id at all\n")
    with open_repository(work) as found:
        assert found.reached_from(found.head() or "") == ("refs/heads/main",)
        stray = git(work, "commit-tree", "-m", "Stray", "HEAD^{tree}")
        with pytest.raises(ServiceError, match="refs/heads/broken points to"):
            found.reached_from(stray)


def test_history_with_a_hole_cannot_be_told(work: Path) -> None:
    first = git(work, "rev-parse", "HEAD")
    commit(work, {"b.py": b"1\n"})
    commit(work, {"c.py": b"1\n"})
    stray = git(work, "commit-tree", "-m", "Stray", "HEAD^{tree}")
    hole = git(work, "rev-parse", "HEAD^")
    (work / ".git/objects" / hole[:2] / hole[2:]).unlink()
    with open_repository(work) as found:
        for id in (first, stray):
            with pytest.raises(ServiceError, match="history is damaged"):
                found.reached_from(id)


def test_the_end_of_a_shallow_clone_is_no_hole(work: Path) -> None:
    for number in range(3):
        commit(work, {"a.py": b"%d\n" % number})
    shallow = work.parent / "shallow"
    git(work, "clone", "-q", "--depth=2", f"file://{work}", str(shallow))
    with open_repository(shallow) as found:
        assert found.is_shallow
        before = git(shallow, "rev-parse", "HEAD~1")
        assert found.reached_from(before)[0] == "refs/heads/main"
        stray = git(shallow, "commit-tree", "-m", "Stray", "HEAD^{tree}")
        assert found.reached_from(stray) == ()


def test_ids_are_found_by_their_beginning(repository: Repository) -> None:
    head = repository.head() or ""
    assert repository.with_prefix(head[:7]) == [head]
    assert repository.with_prefix("0" * 12) == []


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("refs/heads/main", True),
        ("refs/heads/a/b-c.d", True),
        ("refs/heads/été", True),
        ("refs/heads/a b", False),
        ("refs/heads/a..b", False),
        ("refs/heads/.a", False),
        ("refs/heads/a.lock", False),
        ("refs/heads//a", False),
        ("refs/heads/a\nb", False),
        ("HEAD", False),
    ],
)
def test_names_of_references_are_those_of_git(name: str, *, fine: bool) -> None:
    assert is_reference_name(name) is fine


# -- the origin ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://example.org/rain.git", "https://example.org/rain.git"),
        ("https://ada:secret@example.org/rain", "https://example.org/rain"),
        ("https://token@example.org:8443/rain", "https://example.org:8443/rain"),
        ("https://example.org/rain?private_token=x#y", "https://example.org/rain"),
        ("ssh://ada:secret@example.org/rain", "ssh://example.org/rain"),
        ("ssh://git@example.org:22/rain", "ssh://git@example.org:22/rain"),
        ("git@example.org:rain/sums.git", "git@example.org:rain/sums.git"),
        ("ada@example.org:rain/sums.git", "example.org:rain/sums.git"),
        ("git://example.org/rain", "git://example.org/rain"),
        ("https://u:p@[2001:db8::1]/rain", "https://[2001:db8::1]/rain"),
        ("https://[broken/rain", None),
        ("https://example.org:port/rain", None),
        ("https://ada:sec/ret@example.org/rain", None),
        ("https://ada:12/secret@example.org/rain", None),
        ("https://sec/ret@example.org/rain", None),
        ("ada:secret@example.org:rain/sums.git", None),
        ("/home/ada/rain", None),
        ("../rain", None),
        ("file:///home/ada/rain", None),
        ("ext::sh -c touch% /tmp/x", None),
        ("C:\\rain", None),
        ("C:/rain", None),
        ("https:///rain", None),
        ("https://example.org/\x1b[2Jrain", None),
    ],
)
def test_of_an_address_only_what_may_be_shown_is_kept(
    written: str, shown: str | None
) -> None:
    assert public_address(written) == shown


@given(st.text(), st.text(min_size=12))
def test_a_password_is_never_shown(user: str, secret: str) -> None:
    shown = public_address(f"https://{user}:{secret}@example.org/rain")
    assert shown is None or secret not in shown
    shown = public_address(f"{user}:{secret}@example.org:rain")
    assert shown is None or secret not in shown


def test_the_origin_is_read_from_the_repository(work: Path) -> None:
    git(work, "remote", "add", "other", "https://ada:secret@example.org/other.git")
    with open_repository(work) as found:
        assert found.origin() == "https://example.org/other.git"
    git(work, "remote", "add", "origin", "https://ada:secret@example.org/rain.git")
    with open_repository(work) as found:
        assert found.origin() == "https://example.org/rain.git"


# -- the work tree ---------------------------------------------------------------------


def test_a_clean_work_tree_has_no_changes(repository: Repository) -> None:
    assert list(changes(repository)) == []


def test_each_sort_of_change_is_told(work: Path, repository: Repository) -> None:
    (work / "sum.py").write_bytes(b"print(2)\n")
    (work / "data/rain.csv").unlink()
    (work / "data/wind.csv").chmod(0o755)
    (work / "new.py").write_bytes(b"")
    assert sorted(changes(repository)) == [
        ("data/rain.csv", "missing"),
        ("data/wind.csv", "changed in mode"),
        ("sum.py", "changed"),
    ]


def test_a_change_that_keeps_size_and_time_is_seen(
    work: Path, repository: Repository
) -> None:
    before = (work / "sum.py").stat()
    (work / "sum.py").write_bytes(b"print(2)\n")
    os.utime(work / "sum.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(changes(repository)) == [("sum.py", "changed")]


def test_links_are_compared_by_what_they_say(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", FILES)
    (work / "latest").symlink_to("data/rain.csv")
    git(work, "add", "latest")
    git(work, "commit", "-q", "-m", "Add a link")
    with open_repository(work) as found:
        assert list(changes(found)) == []
        (work / "latest").unlink()
        (work / "latest").symlink_to("/etc/passwd")
        (work / "sum.py").unlink()
        (work / "sum.py").symlink_to("/etc/passwd")
        assert sorted(changes(found)) == [
            ("latest", "changed"),
            ("sum.py", "replaced"),
        ]


def test_modes_do_not_count_where_the_repository_says_so(work: Path) -> None:
    git(work, "config", "core.fileMode", "false")
    (work / "sum.py").chmod(0o755)
    with open_repository(work) as found:
        assert list(changes(found)) == []


def test_a_file_that_an_lfs_pointer_names_is_unchanged(tmp_path: Path) -> None:
    pointer = (
        b"version https://git-lfs.github.com/spec/v1\n"
        b"oid sha256:"
        b"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\nsize 5\n"
    )
    work = make_repository(tmp_path / "work", {"big.bin": pointer})
    with open_repository(work) as found:
        (work / "big.bin").write_bytes(b"hello")
        assert list(changes(found)) == []
        (work / "big.bin").write_bytes(b"hallo")
        assert list(changes(found)) == [("big.bin", "changed")]


def test_what_the_repository_ignores_is_known(
    work: Path, repository: Repository
) -> None:
    (work / ".gitignore").write_text("*.log\nout/\n!keep.log\n")
    (work / "data/.gitignore").write_text("tmp*\n")
    (work / ".git/info").mkdir(exist_ok=True)
    (work / ".git/info/exclude").write_text("private.py\n")
    paths = ["a.log", "keep.log", "data/tmp1", "tmp1", "private.py", "é.log", "-x"]
    assert ignored(repository, paths) == {"a.log", "data/tmp1", "private.py", "é.log"}
    assert ignored(repository, ["sum.py"]) == frozenset()
    assert ignored(repository, []) == frozenset()


# -- hostile repositories --------------------------------------------------------------


@pytest.fixture
def trap(work: Path) -> Path:
    """Make all that git can be told to run run one script, which leaves a mark."""
    mark = work.parent / "sprung"
    script = work.parent / "trap.sh"
    script.write_text(f'#!/bin/sh\necho "$0 $*" >> "{mark}"\ncat\n')
    script.chmod(0o755)
    pipe = work.parent / "pipe"
    os.mkfifo(pipe)  # who opens it to read waits for ever
    hooks = work / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).write_text(script.read_text())
        (hooks / name).chmod(0o755)
    with (work / ".git/config").open("a") as config:
        config.write(
            f"""
[core]
\tfsmonitor = {script}
\tpager = {script}
\tsshCommand = {script}
\taskPass = {script}
\tgitProxy = {script}
\talternateRefsCommand = {script}
\teditor = {script}
[filter "evil"]
\tclean = {script}
\tsmudge = {script}
\tprocess = {script}
\trequired = true
[diff]
\texternal = {script}
[diff "evil"]
\tcommand = {script}
\ttextconv = {script}
[alias]
\tcat-file = !{script}
\tcheck-ignore = !{script}
\tfor-each-ref = !{script}
[credential]
\thelper = !{script}
[gpg]
\tprogram = {script}
[log]
\tshowSignature = true
[uploadpack]
\tpackObjectsHook = {script}
[extensions]
\tpartialClone = away
[remote "away"]
\turl = ext::{script}
\tpromisor = true
[hook "evil"]
\tcommand = {script}
\tevent = post-index-change
[include]
\tpath = {pipe}
"""
        )
    (work / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (work / ".git/info").mkdir(exist_ok=True)
    (work / ".git/info/attributes").write_text("* filter=evil diff=evil\n")
    return mark


def test_nothing_that_a_repository_names_is_run(trap: Path, work: Path) -> None:
    (work / "sum.py").write_bytes(b"print(2)\n")
    (work / "data/rain.csv").touch()
    with open_repository(work) as found:
        head = found.head() or ""
        assert found.tree_of(head)
        assert found.kind_of("1" * 40) is None  # no promisor is asked for it
        assert found.blob_at(head, "data/rain.csv")
        assert list(changes(found)) == [("sum.py", "changed")]
        assert found.reached_from(head) == ("refs/heads/main",)
        assert found.with_prefix(head[:8]) == [head]
        assert found.person(work / "absent") == (None, None)
        assert found.origin() is None
        assert ignored(found, ["a.log"]) == frozenset()
    assert not trap.exists()


def test_nothing_is_run_by_those_who_stand_in_it(trap: Path, work: Path) -> None:
    """GitPython asks git for its version when it is first imported."""
    with (work / ".git/config").open("a") as config:
        config.write(f"[pager]\n\tversion = {trap.parent / 'trap.sh'}\n")
    program = (
        "from pathlib import Path\n"
        "from reverify.services.git import find_repository\n"
        "with find_repository(Path.cwd()) as found: print(found.tree_of(found.head()))"
    )
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, cwd=work, capture_output=True, check=True)
    assert len(answer.stdout.strip()) == 40
    assert not trap.exists()


def test_borrowed_objects_are_found(work: Path) -> None:
    shared = work.parent / "shared"
    git(work, "clone", "-q", "--shared", str(work), str(shared))
    with open_repository(shared) as found:
        assert found.tree_of(found.head() or "") == git(work, "write-tree")


def test_the_trap_is_one(trap: Path, work: Path) -> None:
    """Else the test above would show nothing."""
    config = work / ".git/config"
    config.write_text(config.read_text().partition("[include]")[0])
    (work / "sum.py").write_bytes(b"print(2)\n")
    plain = ["git", "status", "--porcelain"]
    subprocess.run(plain, cwd=work, env=ENVIRONMENT, check=False, capture_output=True)
    assert trap.exists()


def test_a_git_that_is_planted_in_the_environment_is_of_no_use(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = git(work, "rev-parse", "HEAD")
    other = make_repository(tmp_path / "other", {"x": b""})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "alias.cat-file")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "!false")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    with open_repository(work) as found:
        assert found.head() == head
        assert found.tree_of(head)
    assert not (tmp_path / "trace").exists()


def test_the_environment_of_git_is_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    with Git() as door:
        line = door.command(["version"])
        program = line.index(next(part for part in line if part.endswith("/git")))
        shown = subprocess.run(
            [*line[:program], "/usr/bin/env"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert "SECRET_TOKEN" not in shown
    assert "GIT_CONFIG_GLOBAL=/dev/null" in shown
    assert shown.count("\n") == len(line[2:program])


def test_the_repository_is_left_as_it_was(work: Path) -> None:
    def listing() -> dict[str, tuple[int, int]]:
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_size)
            for path in work.rglob("*")
        }

    before = listing()
    with open_repository(work) as found:
        head = found.head() or ""
        list(changes(found))
        found.reached_from(head)
        ignored(found, ["a"])
        place = found.git.folder
        assert place.exists()
    assert listing() == before
    assert not place.exists()
