"""`reverify swhid`, as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reverify.cli import _run
from reverify.model.swhid import git_id

from tests.crates.trees import T_ID, File, T, write_tree
from tests.gitrepos import commit, git, make_repository

HELLO = "swh:1:cnt:ce013625030ba8dba906f756967f9e9ca394464a"
TREE = f"swh:1:dir:{T_ID}"
URL = "https://example.org/lab/sums.git"


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - whatever JSON has
        return json.loads(self.out)


class Terminal:
    """Runs `reverify swhid` within this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capture = capfd

    def __call__(self, *arguments: str | Path) -> Answer:
        self._capture.readouterr()
        code = _run(["swhid", *map(str, arguments)])
        return Answer(code, *self._capture.readouterr())


@pytest.fixture(name="swhid")
def _swhid(capfd: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capfd)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder with a tree in it, and with no settings of anybody."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "tree").mkdir()
    write_tree(tmp_path / "tree", T)


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    """Two commits, a branch, an annotated and a plain tag, and an origin."""
    folder = make_repository(tmp_path / "repository", {"src/a.txt": b"one\n"})
    git(folder, "tag", "-a", "-m", "Version 1", "v1")
    git(folder, "tag", "plain")
    git(folder, "branch", "old")
    git(folder, "remote", "add", "origin", URL)
    commit(folder, {"src/a.txt": b"two\n", "b;%.txt": b"b\n"})
    return folder


# -- computing -------------------------------------------------------------------------


def test_each_path_gives_a_line_in_order(swhid: Terminal) -> None:
    answer = swhid("tree/run", "tree", "tree/src.txt")
    assert answer.code == 0
    assert answer.out == f"{HELLO}\ttree/run\n{TREE}\ttree\n{HELLO}\ttree/src.txt\n"
    assert not answer.err


def test_names_are_escaped_for_the_terminal(swhid: Terminal) -> None:
    write_tree(Path.cwd(), {b"a\x1b[31m\t\n\xff": File(b"hello\n")})
    answer = swhid(os.fsdecode(b"a\x1b[31m\t\n\xff"))
    assert answer.out == f"{HELLO}\ta\\x1b[31m\\x09\\x0a\\udcff\n"
    row = swhid(os.fsdecode(b"a\xff"), os.fsdecode(b"a\x1b[31m\t\n\xff"), "--json")
    assert row.code == 2
    assert row.document["objects"][1]["core"] == HELLO


def test_standard_input_is_a_content(
    swhid: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("tree/run").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert swhid("-").out == f"{HELLO}\t-\n"


def test_options_change_what_counts(swhid: Terminal) -> None:
    Path("tree/empty").mkdir()
    Path("tree/x.o").touch()
    assert swhid("tree", "-x", "*.o").out.split()[0] == TREE
    with_empty = swhid("tree", "--exclude", "*.o", "--empty-directories").out
    assert with_empty.split()[0] not in {TREE, swhid("tree").out.split()[0]}


def test_a_link_is_its_text_and_that_is_told(swhid: Terminal) -> None:
    Path("link").symlink_to("tree")
    answer = swhid("link")
    assert answer.out.startswith(f"swh:1:cnt:{git_id('blob', b'tree')}\t")
    assert "--dereference" in answer.err
    assert swhid("link", "-q").err == ""
    assert swhid("link", "--dereference") == Answer(0, f"{TREE}\tlink\n", "")


def test_a_pipe_is_told_and_hangs_nobody(swhid: Terminal) -> None:
    os.mkfifo("tree/pipe")
    inside = swhid("tree")
    assert (inside.code, inside.out) == (0, f"{TREE}\ttree\n")
    assert "tree/pipe: is a pipe, and left out" in inside.err
    itself = swhid("tree/pipe")
    assert (itself.code, itself.out) == (2, "")
    assert "is a pipe" in itself.err


def test_what_is_missing_is_2_and_the_others_are_computed(swhid: Terminal) -> None:
    answer = swhid("nowhere", "tree/run")
    assert (answer.code, answer.out) == (2, f"{HELLO}\ttree/run\n")
    assert answer.err == "reverify: nowhere: there is no such file or folder\n"


def test_what_cannot_be_read_is_3(
    swhid: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "readv", _fail)
    answer = swhid("tree", "tree/ln")
    assert answer.code == 3
    assert answer.out.endswith("\ttree/ln\n")
    assert "tree/src/a.txt: Input/output error" in answer.err
    document = swhid("tree", "--json").document
    (row,) = document["objects"]
    assert row["swhid"] is None
    assert len(row["problems"]) == 3
    assert swhid("tree", "--verify", TREE).code == 3


def _fail(*_: object) -> int:
    raise OSError(5, "Input/output error")


def test_json_says_all_of_it(swhid: Terminal) -> None:
    document = swhid("tree", "--json").document
    assert document == {
        "schema_version": "1.0",
        "objects": [
            {
                "path": "tree",
                "swhid": TREE,
                "core": TREE,
                "type": "dir",
                "problems": [],
                "remarks": [],
            }
        ],
    }


# -- git -------------------------------------------------------------------------------


def test_a_revision_is_head_or_what_is_named(swhid: Terminal, repository: Path) -> None:
    head, old = git(repository, "rev-parse", "HEAD", "old").split()
    for name, id in (("HEAD", head), ("main", head), ("old", old), ("v1", old)):
        answer = swhid("--type", "rev", "--ref", name, repository)
        assert answer.out == f"swh:1:rev:{id}\t{repository}\n", name
    assert swhid("-t", "rev", repository / "src").out.startswith(f"swh:1:rev:{head}")
    assert swhid("-t", "rev", "--ref", old[:8], repository).out.split()[0][10:] == old


def test_a_release_is_an_annotated_tag(swhid: Terminal, repository: Path) -> None:
    id = git(repository, "rev-parse", "v1")
    assert swhid("-t", "rel", "--ref", "v1", repository).out.split()[0][10:] == id
    plain = swhid("-t", "rel", "--ref", "plain", repository)
    assert plain.code == 2
    assert "no annotated tag" in plain.err
    assert "--type rev" in plain.err
    assert "name it with --ref" in swhid("-t", "rel", repository).err


def test_a_commit_has_its_tree_and_its_files(swhid: Terminal, repository: Path) -> None:
    tree, blob = git(repository, "rev-parse", "v1^{tree}", "v1:src/a.txt").split()
    assert swhid("--ref", "v1", repository).out.split()[0] == f"swh:1:dir:{tree}"
    Path(repository, "src", "a.txt").unlink()
    gone = swhid("--ref", "v1", repository / "src" / "a.txt")
    assert gone.out.split()[0] == f"swh:1:cnt:{blob}"
    bare = repository.parent / "bare.git"
    git(repository.parent, "clone", "-q", "--bare", str(repository), str(bare))
    assert swhid("-t", "dir", "--ref", "v1", bare).out.split()[0][10:] == tree


def test_a_snapshot_is_of_the_whole_repository(
    swhid: Terminal, repository: Path
) -> None:
    before = swhid("-t", "snp", repository).out
    assert before.startswith("swh:1:snp:")
    git(repository, "tag", "another")
    assert swhid("-t", "snp", repository).out != before
    git(repository, "tag", "-d", "another")
    assert swhid("-t", "snp", repository / "src").out.split()[0] == before.split()[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-t", "rev", "tree"], "no git repository"),
        (["-t", "rev", "--ref", "mian", "repository"], "did you mean main?"),
        (["-t", "rev", "--ref", "main~1", "repository"], "did you mean main?"),
        (["-t", "rev", "--ref", "--all", "repository"], "nothing is called '--all'"),
        (["--ref", "v1", "repository/nowhere"], "there is no 'nowhere' in v1"),
        (["--ref", "v1", "tree/run"], "lies in no git repository"),
        (["-t", "snp", "--ref", "v1", "repository"], "leave --ref out"),
        (["-t", "cnt", "tree"], "is a directory (dir), not a content (cnt)"),
        (["-t", "ext", "tree"], "there are cnt, dir, rev, rel, snp"),
        (["-t", "rev", "-"], "standard input is a content"),
        (["-", "-"], "once only"),
        (["-x", "a/../b", "tree"], "--exclude"),
    ],
)
def test_what_makes_no_sense_is_2(
    swhid: Terminal, repository: Path, arguments: list[str], said: str
) -> None:
    del repository
    answer = swhid(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_name_of_two_things_is_refused(swhid: Terminal, repository: Path) -> None:
    git(repository, "tag", "old", "main")
    answer = swhid("-t", "rev", "--ref", "old", repository)
    assert answer.code == 2
    assert "write a whole name" in answer.err
    assert swhid("-t", "rev", "--ref", "refs/heads/old", repository).code == 0


def test_an_empty_repository_has_no_revision(swhid: Terminal) -> None:
    make_repository(Path("new"))
    answer = swhid("-t", "rev", "new")
    assert answer.code == 2
    assert "no commit yet" in answer.err


def test_a_sha256_repository_cannot_be_expressed(swhid: Terminal) -> None:
    make_repository(Path("new"), {"a": b"a"}, "--object-format=sha256")
    for type in ("rev", "snp"):
        answer = swhid("-t", type, "new")
        assert answer.code == 2
        assert "SHA-256" in answer.err


def test_an_object_that_is_gone_is_3(swhid: Terminal, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    (repository / ".git" / "objects" / head[:2] / head[2:]).unlink()
    answer = swhid("-t", "rev", repository)
    assert answer.code == 3
    assert "missing" in answer.err


# -- qualifiers ------------------------------------------------------------------------


def test_git_tells_where_a_file_stands(swhid: Terminal, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    answer = swhid("--anchor", "auto", "--origin", "auto", repository / "b;%.txt")
    core = git(repository, "rev-parse", "HEAD:b;%.txt")
    context = f"origin={URL};anchor=swh:1:rev:{head};path=/b%3B%25.txt"
    assert answer.out.split("\t")[0] == f"swh:1:cnt:{core};{context}"


def test_what_is_not_committed_is_not_anchored(
    swhid: Terminal, repository: Path
) -> None:
    (repository / "src" / "a.txt").write_text("three")
    answer = swhid("--anchor", "auto", repository / "src" / "a.txt")
    assert (answer.code, answer.out) == (2, "")
    assert "commit it first" in answer.err


def test_qualifiers_are_written_in_order(swhid: Terminal) -> None:
    visit, anchor = f"swh:1:snp:{T_ID}", f"swh:1:rel:{T_ID}"
    arguments = ["--lines", "1-2", "--path", "/run", "--anchor", anchor]
    answer = swhid("tree/run", *arguments, "--visit", visit, "--origin", URL)
    context = f"origin={URL};visit={visit};anchor={anchor};path=/run;lines=1-2"
    assert answer.out == f"{HELLO};{context}\ttree/run\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--path", "/a"], "need each other"),
        (["--anchor", f"swh:1:ext:{T_ID}", "--path", "/a"], "no type 'ext'"),
        (["--anchor", f"{TREE};path=/b", "--path", "/a"], "must be a core SWHID"),
        (["--anchor", "auto"], "lies in no git repository"),
        (["--origin", "auto"], "lies in no git repository"),
        (["--origin", "nowhere"], "no address"),
        (["--visit", f"swh:1:snp:{T_ID}"], "of an origin only"),
        (["--lines", "0"], "the first is 1"),
        (["--verify", HELLO, "--origin", URL], "leave the qualifiers out"),
    ],
)
def test_qualifiers_that_make_no_sense_are_2(
    swhid: Terminal, arguments: list[str], said: str
) -> None:
    answer = swhid("tree/run", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


# -- comparing -------------------------------------------------------------------------


def test_equal_is_0_and_both_are_shown(swhid: Terminal) -> None:
    answer = swhid("tree", "--verify", f"{TREE};origin={URL}")
    assert answer.code == 0
    assert answer.out == (
        f"expected  {TREE}\ncomputed  {TREE}\nconfirmed: tree is what the SWHID names\n"
    )
    assert "the core is compared" in answer.err


def test_not_equal_is_1_and_both_are_shown(swhid: Terminal) -> None:
    Path("tree/run").write_text("else")
    answer = swhid("tree", "--verify", TREE)
    assert answer.code == 1
    expected, computed, outcome = answer.out.splitlines()
    assert expected == f"expected  {TREE}"
    assert computed.startswith("computed  swh:1:dir:")
    assert outcome == "refuted: tree is not what the SWHID names"


def test_another_type_is_refuted(swhid: Terminal) -> None:
    answer = swhid("tree/run", "--verify", TREE)
    assert answer.code == 1
    assert "is a content, the SWHID names a directory" in answer.out


def test_empty_directories_are_thought_of(swhid: Terminal) -> None:
    Path("tree/empty").mkdir()
    counted = swhid("tree", "--empty-directories").out.split()[0]
    answer = swhid("tree", "--verify", counted)
    assert answer.code == 1
    assert "if empty folders count (--empty-directories)" in answer.out
    assert swhid("tree", "--verify", counted, "--empty-directories").code == 0
    other = swhid("tree", "--verify", TREE, "--empty-directories")
    assert "it is without --empty-directories" in other.out


def test_the_type_to_compare_is_that_of_the_identifier(
    swhid: Terminal, repository: Path
) -> None:
    head, old = git(repository, "rev-parse", "HEAD", "old").split()
    assert swhid(repository, "--verify", f"swh:1:rev:{head}").code == 0
    assert swhid(repository, "--verify", f"swh:1:rev:{old}").code == 1
    tag = git(repository, "rev-parse", "v1")
    assert swhid(repository, "--ref", "v1", "--verify", f"swh:1:rel:{tag}").code == 0
    snapshot = swhid("-t", "snp", repository).out.split()[0]
    assert swhid(repository, "--verify", snapshot).code == 0


def test_what_is_no_identifier_is_2_and_what_was_meant_is_said(swhid: Terminal) -> None:
    answer = swhid("tree", "--verify", TREE.upper())
    assert answer.code == 2
    assert f"perhaps {TREE} is meant" in answer.err
    assert swhid("tree", "tree/run", "--verify", TREE).code == 2


def test_a_comparison_as_json(swhid: Terminal) -> None:
    document = swhid("tree/run", "--verify", TREE, "--json").document
    assert document["verification"] == {
        "expected": TREE,
        "computed": HELLO,
        "outcome": "refuted",
        "reason": "tree/run is a content, the SWHID names a directory",
    }
    assert document["objects"][0]["core"] == HELLO


# -- and it is light -------------------------------------------------------------------


def test_git_is_not_loaded_for_files() -> None:
    code = (
        "import sys; from reverify.cli import _run;"
        "_run(['swhid', 'tree', 'tree/run']);"
        "sys.exit(bool({'git', 'requests', 'sqlalchemy', 'swh'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True
    )
    assert answer.stdout.decode().split() == [TREE, "tree", HELLO, "tree/run"]
