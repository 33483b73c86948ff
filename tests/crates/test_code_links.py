"""Links to code, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.crates.code_links import (
    Link,
    Malformed,
    is_pin,
    read_link,
    read_repository,
)
from reverify.model.origins import normalised, same_origin

COMMIT = "3f2a" * 10


@pytest.mark.parametrize(
    ("text", "origin", "path"),
    [
        ("https://github.com/o/r/tree/{}/src", "https://github.com/o/r", "src"),
        (
            "https://github.com/o/r/blob/{}/a%20b.py#L3",
            "https://github.com/o/r",
            "a b.py",
        ),
        (
            "https://gitlab.com/g/s/r/-/raw/{}/a.py?x=1",
            "https://gitlab.com/g/s/r",
            "a.py",
        ),
        ("https://codeberg.org/o/r/src/commit/{}/a", "https://codeberg.org/o/r", "a"),
        ("https://bitbucket.org/o/r/src/{}/a/b", "https://bitbucket.org/o/r", "a/b"),
        ("https://git.sr.ht/~u/r/tree/{}/item/a", "https://git.sr.ht/~u/r", "a"),
        ("https://example.org/x/y/tree/{}/a", "https://example.org/x/y", "a"),
        ("https://raw.githubusercontent.com/o/r/{}/a", "https://github.com/o/r", "a"),
        ("git+https://e.org/r.git@{}#subdirectory=a", "https://e.org/r.git", "a"),
        ("git+https://e.org/r.git@{}#a/b.py", "https://e.org/r.git", "a/b.py"),
        ("git+https://e.org/r.git@{}/a/b.py", "https://e.org/r.git", "a/b.py"),
        ("git+https://e.org/r.git@{}#egg=r&subdirectory=a", "https://e.org/r.git", "a"),
        ("pkg:github/o/r@{}#a/b", "https://github.com/o/r", "a/b"),
        ("pkg:git/git.e.org/o/r@{}", "https://git.e.org/o/r", ""),
        ("https://github.com/o/r/tree/{}/../../etc", "https://github.com/o/r", ""),
        ("https://github.com/o/r/tree/{}/%2e%2e/etc", "https://github.com/o/r", ""),
    ],
)
def test_a_link_is_a_repository_a_commit_and_a_path(
    text: str, origin: str, path: str
) -> None:
    link = read_link(text.format(COMMIT))
    assert isinstance(link, Link)
    assert (link.origin, link.ref, link.path) == (origin, COMMIT, path)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("https://github.com/o/r/tree/dev", "dev"),
        ("https://github.com/o/r/archive/refs/tags/v1.0.tar.gz", "v1.0"),
        ("https://github.com/o/r/releases/download/v2/r.zip", "v2"),
        ("https://codeberg.org/o/r/src/branch/main/a", "main"),
        ("https://gitlab.example.org/o/r/-/tree/dev?ref_type=heads", "dev"),
        ("git+https://e.org/r.git@feature/new", "feature/new"),
        ("https://raw.githubusercontent.com/o/r/refs/heads/dev/a", "dev"),
        ("https://github.com/o/r", ""),
        ("git@github.com:o/r.git", ""),
    ],
)
def test_what_is_no_whole_id_pins_nothing(text: str, ref: str) -> None:
    link = read_link(text)
    assert isinstance(link, Link)
    assert (link.ref, link.is_pin) == (ref, False)


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/o/r/issues/1",
        "https://github.com/o/mytree/wiki",
        "https://github.com/o",
        "https://example.org/plants/roots/tree/oak",
        f"https://example.org/{COMMIT}",
        "file:///etc/passwd",
        "ext::sh -c id",
        "pkg:pypi/numpy@1.0",
        "http://[::1/o/r/tree/x",
        "",
    ],
)
def test_other_texts_lead_to_no_code(text: str) -> None:
    assert read_link(text) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://github.com/o/rtree/dev/a", "https://github.com/o/r/tree/dev/a"),
        (
            f"https://e.org/o/rblob/{COMMIT}/a",
            f"https://e.org/o/r/blob/{COMMIT}/a",
        ),
    ],
)
def test_what_was_meant_is_told_where_it_can_be_known(text: str, meant: str) -> None:
    assert read_link(text) == Malformed(
        reason=read_link(text).reason,  # type: ignore[union-attr]
        meant=meant,
    )


@pytest.mark.parametrize(
    "text",
    [
        "lab/calc",
        "git@git.example.org:",
        "ext::sh -c id",
        "https://",
        "C:\\code",
        "a b",
        "file:///x",
    ],
)
def test_what_is_no_address_is_no_repository(text: str) -> None:
    assert isinstance(read_repository(text), Malformed)


@pytest.mark.parametrize(
    "other",
    [
        "http://git.example.org/lab/calc",
        "https://git.example.org/lab/calc.git",
        "https://GIT.example.org/lab/calc/",
        "https://git.example.org:443/lab/calc.git/",
        "git+https://git.example.org/lab/calc",
        "ssh://git@git.example.org/lab/calc.git",
        "git@git.example.org:lab/calc.git",
    ],
)
def test_one_repository_has_many_addresses(other: str) -> None:
    assert same_origin("https://git.example.org/lab/calc", other)


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.org/lab/Calc",
        "https://git.example.org:8443/lab/calc",
        "https://example.org/lab/calc",
        "https://git.example.org/lab/calc/more",
    ],
)
def test_other_repositories_are_others(other: str) -> None:
    assert not same_origin("https://git.example.org/lab/calc", other)


@given(
    st.text(max_size=80)
    | st.builds(
        "{}{}".format,
        st.sampled_from(["https://github.com/", "git+https://", "pkg:"]),
        st.text(max_size=60),
    )
)
def test_any_text_is_read_without_stumbling(text: str) -> None:
    link = read_link(text)
    if isinstance(link, Link):
        assert link.is_pin == is_pin(link.ref)
        assert ".." not in link.path.split("/")
    read_repository(text)
    normalised(text)


def test_an_address_for_scp_is_a_repository_with_and_without_git() -> None:
    for text in ("git@github.com:lab/calc", "git@github.com:lab/calc.git"):
        assert read_repository(text) == Link(text)
        assert same_origin(text, "https://github.com/lab/calc")
