"""SWHIDs are made as the archive makes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.model.swhid import (
    InvalidSwhid,
    Swhid,
    git_id,
    qualified,
    read_swhid,
    swhid_of_git,
)

HELLO = "ce013625030ba8dba906f756967f9e9ca394464a"
TREE = "c304f7eb8bb91030c52357898abdc1238b0e3f93"
COMMIT = "820fc98b0ccb1593fd11dcf2f032c7dd20f69712"
TAG = "22ef6e0cb6ca45a10755f53c5a48faa7ec46e5bb"
PERSON = b"Ada Example <ada@example.org> 1700000000 +0100"


def entry(mode: bytes, name: bytes, id: str) -> bytes:
    return mode + b" " + name + b"\0" + bytes.fromhex(id)


def test_contents_have_the_id_of_their_bytes() -> None:
    assert git_id("blob", b"hello\n") == HELLO
    assert git_id("blob", b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_a_tree_a_commit_and_a_tag_have_the_ids_of_the_specification() -> None:
    link = git_id("blob", b"src/a.txt")
    inner = git_id("tree", entry(b"100644", b"a.txt", HELLO))
    tree = git_id(
        "tree",
        entry(b"120000", b"ln", link)
        + entry(b"100755", b"run", HELLO)
        + entry(b"100644", b"src.txt", HELLO)
        + entry(b"40000", b"src", inner),
    )
    body = b"tree %s\nauthor %s\ncommitter %s\n\nFirst\n"
    commit = git_id("commit", body % (tree.encode(), PERSON, PERSON))
    body = b"object %s\ntype commit\ntag v1.0\ntagger %s\n\nVersion 1.0\n"
    tag = git_id("tag", body % (commit.encode(), PERSON))
    assert (tree, commit, tag) == (TREE, COMMIT, TAG)
    assert git_id("tree", b"") == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize(
    ("kind", "type"),
    [("blob", "cnt"), ("tree", "dir"), ("commit", "rev"), ("tag", "rel")],
)
def test_each_kind_of_object_has_its_type(kind: str, type: str) -> None:
    assert str(swhid_of_git(kind, COMMIT)) == f"swh:1:{type}:{COMMIT}"


def test_a_sha256_id_cannot_be_expressed() -> None:
    assert swhid_of_git("commit", "0" * 64) is None


def test_qualifiers_stand_in_their_order_and_are_escaped() -> None:
    found = qualified(
        Swhid("cnt", HELLO),
        path="data/rain ;50%.csv",
        anchor=Swhid("rev", COMMIT),
        visit=Swhid("snp", TREE),
        origin="https://example.org/a;b%20c",
    )
    assert str(found) == (
        f"swh:1:cnt:{HELLO};origin=https://example.org/a%3Bb%2520c"
        f";visit=swh:1:snp:{TREE};anchor=swh:1:rev:{COMMIT}"
        ";path=/data/rain%20%3B50%25.csv"
    )
    assert read_swhid(str(found)) == found


def test_the_path_of_an_anchor_s_root_is_a_slash() -> None:
    anchor = Swhid("rev", COMMIT)
    found = qualified(Swhid("dir", TREE), anchor=anchor, path="/")
    assert str(found).endswith(";path=/")


def test_qualifiers_that_say_nothing_alone_are_refused() -> None:
    content = Swhid("cnt", HELLO)
    with pytest.raises(ValueError, match="visit"):
        qualified(content, visit=Swhid("snp", TREE))
    with pytest.raises(ValueError, match="anchor and a path"):
        qualified(content, path="a.csv")
    with pytest.raises(ValueError, match="anchor and a path"):
        qualified(content, anchor=Swhid("rev", COMMIT))
    with pytest.raises(ValueError, match="address"):
        qualified(content, origin="https://example.org/a b")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_the_path_the_result_reads_back(path: str) -> None:
    made = qualified(Swhid("cnt", HELLO), anchor=Swhid("rev", COMMIT), path=path)
    found = read_swhid(str(made))
    assert not isinstance(found, InvalidSwhid)
    assert found == made
