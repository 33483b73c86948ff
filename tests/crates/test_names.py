"""Names from a crate: one table for all readers, and what holds for every name."""

import os
from pathlib import PurePosixPath
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.crates.names import (
    Elsewhere,
    Fragment,
    Local,
    Web,
    member_path,
    path_fault,
    reference,
    relative_path,
    twins,
)
from reverify.errors import UnsafeNameError

REFUSED = [
    "../x",
    "..",
    "../",
    "a/../../x",
    "a/..",
    "./../x",
    "%2e%2e/x",
    "..%2Fx",
    "%2E./x",
    "/etc/passwd",
    "/",
    "//host/x",
    "%2Fetc/passwd",
    "\\\\host\\x",
    "file:///etc/passwd",
    "file:x",
    "FILE:/x",
    "C:\\x",
    "C:x",
    "c:/x",
    "a%00b",
    "a\0b",
    "a//b",
    "a/./b",
    "x" * 256,
    "%C3%BC" * 128,
    "a/" * 2100 + "b",
]

LOCAL = {
    "a.txt": "a.txt",
    "./a.txt": "a.txt",
    "././a.txt": "a.txt",
    ".//a.txt": "a.txt",
    "a/b/": "a/b",
    "./": "",
    ".": "",
    "a%20b": "a b",
    "a b": "a b",
    "100%25": "100%",
    "%2520": "%20",
    "100%": "100%",
    "%zz": "%zz",
    "%": "%",
    "..data": "..data",
    "...": "...",
    "a..b": "a..b",
    "a\\b": "a\\b",
    "~/x": "~/x",
    "$HOME": "$HOME",
    "-rf": "-rf",
    "./c:d": "c:d",
    "a/c:d": "a/c:d",
    "gr\u00f6\u00dfe": "gr\u00f6\u00dfe",
    "gr%C3%B6%C3%9Fe": "gr\u00f6\u00dfe",
    "gro\u0308sse": "gro\u0308sse",
    "%FF": "\udcff",
    "a#b": "a",
    "a?b": "a",
    "a%23b": "a#b",
    "x" * 255: "x" * 255,
    "d/" * 64 + "x": "d/" * 64 + "x",
}


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: repr(name[:30]))
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(UnsafeNameError) as caught:
        reference(name)
    assert caught.value.rule == "completeness/path-unsafe"


@pytest.mark.parametrize(
    ("name", "path"), LOCAL.items(), ids=lambda name: repr(name[:30])
)
def test_a_name_is_decoded_once(name: str, path: str) -> None:
    found = reference(name)
    assert isinstance(found, Local)
    assert found.paths[0] == path
    assert found.folder is name.endswith("/")


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("%41", ("A", "%41")),
        ("a#b%20c", ("a", "a#b c", "a#b%20c")),
        ("why?", ("why", "why?")),
        ("a%2e%2e", ("a..", "a%2e%2e")),
    ],
)
def test_other_readings_of_a_name_come_second(
    name: str, paths: tuple[str, ...]
) -> None:
    found = reference(name)
    assert isinstance(found, Local)
    assert found.paths == paths


def test_a_refused_first_reading_has_no_second_chance() -> None:
    with pytest.raises(UnsafeNameError):
        reference("..%2f%41")


@pytest.mark.parametrize(
    "url", ["http://x/", "HTTPS://x/y", "http://x:port/", "http://[::1/", "http:x"]
)
def test_a_web_name_is_left_as_it_is(url: str) -> None:
    assert reference(url) == Web(url)


@pytest.mark.parametrize(
    "uri", ["urn:uuid:1", "doi:10.1/x", "s3://b/k", "arcp://x/", "nih:sha-256;ab"]
)
def test_another_scheme_is_not_a_path(uri: str) -> None:
    found = reference(uri)
    assert isinstance(found, Elsewhere)
    assert found.scheme == uri.partition(":")[0]


@pytest.mark.parametrize("name", ["#", "#x", "#../../etc"])
def test_a_fragment_owns_no_path(name: str) -> None:
    assert reference(name) == Fragment(name[1:])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a\0b", "NUL"),
        ("/a", "absolute"),
        ("\\\\a", "absolute"),
        ("a/..", "climbs"),
        ("a//b", "empty"),
        ("\ud800", "surrogate"),
        ("x" * 256, "255"),
        ("a/" * 2050, "4096"),
    ],
)
def test_a_fault_is_told_in_words(path: str, words: str) -> None:
    fault = path_fault(path)
    assert fault is not None
    assert words in fault


MEMBERS_REFUSED = [
    "../x",
    "a/../../x",
    "a//../x",
    "/x",
    "//x",
    "///x",
    "..\\x",
    "a\\..\\x",
    "\\x",
    "\\\\h\\x",
    "C:\\x",
    "C:/x",
    "a/./b",
    "a\0b",
    "..",
    "../",
]


@pytest.mark.parametrize("name", MEMBERS_REFUSED)
def test_a_member_name_is_checked_both_ways(name: str) -> None:
    with pytest.raises(UnsafeNameError):
        member_path(name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "a"),
        ("./a", "a"),
        ("./", ""),
        (".", ""),
        ("a//b", "a/b"),
        ("a///b//", "a/b"),
        (".//a", "a"),
        ("a\\b", "a\\b"),
        ("..data", "..data"),
        ("a:b", "a:b"),
        ("ab:c", "ab:c"),
        ("a%2e%2e", "a%2e%2e"),
    ],
)
def test_a_member_name_is_written_plainly(name: str, path: str) -> None:
    assert member_path(name) == path


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a", "b", "ab"], []),
        (["a", "a"], []),
        (["a", "A", "b"], [("A", "a")]),
        (
            ["\u00fc", "u\u0308", "U\u0308"],
            [("u\u0308", "\u00fc"), ("U\u0308", "\u00fc")],
        ),
        (["stra\u00dfe", "STRASSE"], [("STRASSE", "stra\u00dfe")]),
    ],
)
def test_names_that_some_machines_mix_up_are_found(
    paths: list[str], found: list[tuple[str, str]]
) -> None:
    assert list(twins(paths)) == found


# -- for every name ----------------------------------------------------------------

PIECES = st.sampled_from(
    ["..", ".", "/", "\\", "a", "%2e", "%2F", "%00", "%", ":", "C", "~", "\0", "ü"]
)
NASTY = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=40)


def stays_inside(path: str) -> bool:
    parts = PurePosixPath("/root", path).parts
    real = os.path.normpath(os.path.join("/root", path))  # noqa: PTH118
    return ".." not in parts and (real + "/").startswith("/root/")


@given(NASTY)
def test_a_path_that_passes_never_leaves_the_root(name: str) -> None:
    try:
        found = reference(name)
    except UnsafeNameError:
        return
    for path in found.paths if isinstance(found, Local) else ():
        assert stays_inside(path)
        assert "\0" not in path


@given(NASTY)
def test_a_member_that_passes_never_leaves_the_root(name: str) -> None:
    try:
        path = member_path(name)
    except UnsafeNameError:
        return
    assert stays_inside(path)
    assert ".." not in path.replace("\\", "/").split("/")
    assert member_path(path) == path


@given(NASTY)
def test_a_plain_path_is_its_own_plain_path(name: str) -> None:
    try:
        path = relative_path(name)
    except UnsafeNameError:
        return
    assert relative_path(path) == path


@given(
    st.lists(
        st.text(min_size=1, max_size=20).filter(
            lambda part: not set(part) & set("/\0") and part not in {".", ".."}
        ),
        min_size=1,
        max_size=5,
    ).map("/".join)
)
def test_what_is_encoded_is_decoded_to_itself(path: str) -> None:
    try:
        id = "./" + quote(path.encode(), safe="/")
    except UnicodeEncodeError:
        return
    if path.startswith("\\\\"):
        return
    found = reference(id)
    assert isinstance(found, Local)
    assert found.paths[0] == path
