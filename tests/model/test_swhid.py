"""Reading SWHIDs: what counts, what is ignored, what was meant."""

import pytest
from reverify.model.swhid import (
    TYPES,
    InvalidSwhid,
    Swhid,
    git_id,
    looks_like_swhid,
    qualified,
    read_swhid,
    swhid_of_git,
)

HEX = "94a9ed024d3859793618152ea559a168bbcbb5e2"
OTHER = "c304f7eb8bb91030c52357898abdc1238b0e3f93"
SNP = f"swh:1:snp:{OTHER}"
REV = f"swh:1:rev:{OTHER}"


def read(text: str) -> Swhid:
    found = read_swhid(text)
    assert isinstance(found, Swhid), found
    return found


def refuse(text: str) -> InvalidSwhid:
    found = read_swhid(text)
    assert isinstance(found, InvalidSwhid), found
    return found


# -- the core ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
def test_a_core_identifier_of_each_type_reads_without_remarks(kind: str) -> None:
    found = read(f"swh:1:{kind}:{HEX}")
    assert (found.type, found.hex) == (kind, HEX)
    assert (found.qualifiers, found.remarks) == ((), ())
    assert str(found) == found.core == f"swh:1:{kind}:{HEX}"


@pytest.mark.parametrize(
    "resolver",
    [
        "https://archive.softwareheritage.org/",
        "https://archive.softwareheritage.org/browse/",
        "https://identifiers.org/",
        "https://n2t.net/",
    ],
)
def test_the_address_of_a_resolver_is_no_part_of_it(resolver: str) -> None:
    text = f"swh:1:cnt:{HEX};origin=https://example.org/r"
    assert looks_like_swhid(resolver + text)
    assert str(read(resolver + text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"swh:2:rev:{HEX}", "swh:2, where swh:1 is needed"),
        (f"swh:1:rev:{HEX[:-1]}", "39 digits"),
        (f"swh:1:rev:{HEX}0", "41 digits"),
        (f"swh:1:rev:{'a' * 64}", "SHA-256"),
        (f"swh:1:rev:{HEX[:-1]}x", "not hexadecimal"),
        (f"swh:1:rev:{HEX[:-1]}\u0663", "not hexadecimal"),
        ("swh:1:rev:", "0 digits"),
        (f"swh:1::{HEX}", "rev for a commit, dir for a tree"),
        (f"swh:1:{HEX}", "rev for a commit, dir for a tree"),
        (f"swh:1:ext:{HEX}", "rev for a commit, dir for a tree"),
        (f"swh:1:ori:{HEX}", "the archive's own"),
        (f"swh:1:emd:{HEX}", "the archive's own"),
        ("swh:1", "four parts"),
        ("", "four parts"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_guessed(text: str, reason: str) -> None:
    found = refuse(text)
    assert reason in found.reason
    assert found.meant == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"swh:1:rev:{HEX.upper()}", "lower case"),
        (f"SWH:1:rev:{HEX}", "swh:1 is needed"),
        (f"swh:1:REV:{HEX}", "no type 'REV'"),
        (f"swh:1:revision:{HEX}", "no type 'revision'"),
        (f"swh:1:commit:{HEX}", "no type 'commit'"),
        (f"swh:rev:{HEX}", "four parts"),
        (f"swh:1:rev:{HEX[:20]}\n  {HEX[20:]}", "white space"),
        (f"swh:1: rev:{HEX}", "white space"),
    ],
)
def test_what_was_meant_is_said_where_the_text_tells(text: str, reason: str) -> None:
    found = refuse(text)
    assert reason in found.reason
    assert found.meant == f"swh:1:rev:{HEX}"
    assert f"perhaps {found.meant} is meant" in found.reason


def test_a_final_line_end_is_told_and_passed_over() -> None:
    found = read(f"swh:1:rev:{HEX}\n")
    assert found.hex == HEX
    assert found.remarks == ("white space beside the identifier is passed over",)


# -- qualifiers ----------------------------------------------------------------------


def test_qualifiers_in_any_order_are_the_same_identifier() -> None:
    names = ["origin=https://example.org/r", f"visit={SNP}", f"anchor={REV}", "path=/a"]
    first = read(";".join([f"swh:1:dir:{HEX}", *names]))
    second = read(";".join([f"swh:1:dir:{HEX}", *reversed(names)]))
    assert first == second
    assert not first.remarks
    assert str(second) == ";".join([f"swh:1:dir:{HEX}", *names])


def test_escapes_are_undone_for_readers_and_kept_in_the_text() -> None:
    path = "path=/a%3Bb%25c%20d%FF"
    found = read(f"swh:1:cnt:{HEX};origin=https://e.org/?a%3Bb%253B;{path}")
    assert found.qualifier("origin") == "https://e.org/?a;b%3B"
    assert found.qualifier("path") == "/a;b%c d\udcff"
    assert found.qualifier("visit") is None
    assert str(found).endswith(path)
    assert read(str(found)) == found


def test_two_ways_to_escape_are_the_same_context() -> None:
    first = read(f"swh:1:cnt:{HEX};path=/%7E/\u00e9")
    second = read(f"swh:1:cnt:{HEX};path=/~/%C3%A9")
    assert first == second


@pytest.mark.parametrize(
    ("qualifiers", "remark"),
    [
        ("colour=red", "'colour' is ignored: it is unknown"),
        ("Origin=https://example.org", "'Origin' is ignored: it is unknown"),
        ("origin", "'origin' is ignored: it is no qualifier"),
        ("", "semicolon"),
        ("origin=", "no address"),
        ("origin=example.org/r", "no address"),
        ("origin=https://example.org/%0d%0aX: y", "white space"),
        ("origin=https://example.org/%0d%0aX", "%25"),
        ("origin=https://example.org/a b", "white space"),
        ("origin=https://example.org/a%20b", "%2520"),
        ("origin=https://example.org/%FF", "%25"),
        (f"visit={SNP}", "counts only beside 'origin'"),
        (f"origin=nowhere;visit={SNP}", "counts only beside 'origin'"),
        (f"anchor={REV}", "counts only beside 'path'"),
        ("path=src/a", "must begin with /"),
        ("path=/src/../a", "no path below a root"),
        ("path=/src/%2e%2E/a", "no path below a root"),
        ("path=/a%00", "no path below a root"),
        ("path=/a b", "white space"),
        ("lines=0", "the first is 1"),
        ("lines=9-3", "ends before it begins"),
        ("lines=a", "must be a number"),
        ("lines=1-2-3", "must be a number"),
        ("lines=\u0663", "must be a number"),
        (f"lines={'9' * 5000}", "must be a number"),
        ("bytes=-3", "must be a number"),
    ],
)
def test_what_does_not_count_is_ignored_and_told(qualifiers: str, remark: str) -> None:
    found = read(f"swh:1:cnt:{HEX};{qualifiers}")
    assert str(found) == f"swh:1:cnt:{HEX}"
    assert remark in " | ".join(found.remarks)


def test_a_wrong_kind_of_visit_or_anchor_does_not_count() -> None:
    found = read(
        f"swh:1:cnt:{HEX};origin=https://e.org;visit={REV};anchor=swh:1:cnt:{HEX};path=/a"
    )
    assert str(found) == f"swh:1:cnt:{HEX};origin=https://e.org;path=/a"
    visit, anchor = found.remarks
    assert "core SWHID of type snp" in visit
    assert "core SWHID of type dir, rev, rel or snp" in anchor


@pytest.mark.parametrize("kind", ["dir", "rev", "rel", "snp"])
@pytest.mark.parametrize("name", ["lines", "bytes"])
def test_only_contents_have_lines_and_bytes(kind: str, name: str) -> None:
    found = read(f"swh:1:{kind}:{HEX};{name}=3")
    assert found.qualifiers == ()
    assert f"only a cnt has {name}" in found.remarks[0]


def test_bytes_go_before_lines() -> None:
    found = read(f"swh:1:cnt:{HEX};lines=3-5;bytes=0-10")
    assert found.qualifiers == (("bytes", "0-10"),)
    assert "'lines' is ignored" in found.remarks[0]


def test_a_qualifier_that_is_repeated_counts_if_it_says_the_same() -> None:
    found = read(f"swh:1:cnt:{HEX};path=/a;path=/%61")
    assert found.qualifiers == (("path", "/a"),)
    assert found.remarks == ("the qualifier 'path' stands twice",)


def test_of_two_values_none_counts() -> None:
    text = f"swh:1:cnt:{HEX};origin=https://a.org;visit={SNP};origin=https://b.org"
    found = read(text)
    assert found.qualifiers == ()
    assert "different values" in found.remarks[0]
    assert "counts only beside 'origin'" in found.remarks[1]


def test_line_ends_of_pasted_text_are_told_and_passed_over() -> None:
    found = read(f"swh:1:cnt:{HEX};\n    origin=https://e.org;\n    path=/a")
    assert str(found) == f"swh:1:cnt:{HEX};origin=https://e.org;path=/a"
    assert (
        found.remarks[0] == "white space beside the qualifier 'origin' is passed over"
    )


def test_a_bare_percent_sign_is_told() -> None:
    found = read(f"swh:1:cnt:{HEX};path=/100%")
    assert found.qualifier("path") == "/100%"
    assert str(found).endswith("path=/100%25")
    assert "write it as %25" in found.remarks[0]


# -- making --------------------------------------------------------------------------


def test_qualifiers_are_written_in_order_and_escaped() -> None:
    made = qualified(
        Swhid("cnt", HEX),
        path="/src/a;b%\udcff.py",
        anchor=Swhid("rev", OTHER),
        visit=Swhid("snp", OTHER),
        origin="https://example.org/a;b?c=%20",
        lines="3-5",
    )
    assert str(made) == (
        f"swh:1:cnt:{HEX};origin=https://example.org/a%3Bb?c=%2520;visit={SNP};"
        f"anchor={REV};path=/src/a%3Bb%25%FF.py;lines=3-5"
    )
    assert read(str(made)) == made
    assert not read(str(made)).remarks


@pytest.mark.parametrize(
    ("type", "wanted", "reason"),
    [
        ("cnt", {"visit": Swhid("snp", OTHER)}, "of an origin only"),
        ("cnt", {"path": "/a"}, "need each other"),
        ("cnt", {"anchor": Swhid("rev", OTHER)}, "need each other"),
        ("cnt", {"path": "/a", "anchor": Swhid("cnt", OTHER)}, "no path starts"),
        ("cnt", {"origin": "https://e.org", "visit": Swhid("rev", OTHER)}, "snapshot"),
        ("cnt", {"origin": "example.org"}, "no address"),
        ("cnt", {"origin": "https://e.org/a b"}, "no address"),
        ("cnt", {"origin": "https://e.org/\n"}, "no address"),
        ("cnt", {"lines": "0"}, "lines: the first is 1"),
        ("cnt", {"lines": "1", "bytes": "1"}, "not both"),
        ("dir", {"lines": "1"}, "only a content"),
    ],
)
def test_qualifiers_that_cannot_be_are_refused(
    type: str, wanted: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        qualified(Swhid(type, HEX), **wanted)  # type: ignore[arg-type]


def test_ids_of_git_are_those_of_the_standard() -> None:
    assert git_id("blob", b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert swhid_of_git("commit", HEX) == Swhid("rev", HEX)
    assert swhid_of_git("commit", "a" * 64) is None
