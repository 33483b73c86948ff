"""Which addresses of repositories are asked, and what stands in for them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.errors import RefusedError, UsageError
from reverify.services.git.origins import hosts_of, read_mirrors, read_origin

HOSTILE = [
    ("ext::sh -c id", "blanks"),
    ("ext::sh%20-c%20id", "run a program"),
    ("ext::https://example.org/a", "run a program"),
    ("ext://example.org/a", "is not asked"),
    ("fd::17/a", "run a program"),
    ("file:///etc/passwd", "is not asked"),
    ("/etc/passwd", "no address"),
    ("../code", "no address"),
    ("ssh://git@example.org/a/b", "is not asked"),
    ("git@example.org:a/b.git", "write https://example.org/a/b.git"),
    ("git://example.org/a/b", "is not asked"),
    ("http://example.org/a/b", "is not asked"),
    ("HTTPS://example.org/a/b", "is not asked"),
    ("--upload-pack=/bin/id", "an option"),
    ("--upload-pack=https://example.org/a", "an option|is not asked|run a program"),
    ("https://user@example.org/a/b", "name or password"),
    ("https://user:secret@example.org/a/b", "name or password"),
    ("https://example.org@evil.example/a", "name or password"),
    ("https://example.org/a/b\nhttps://example.com", "control characters"),
    ("https://example.org/a\r/b", "control characters"),
    ("https://example.org/a\x00b", "control characters"),
    ("https://example.org/a%0ab", "escaped ones"),
    ("https://example.org/a%00b", "escaped ones"),
    ("https://example.org/$HOME/b", "letters, digits"),
    ("https://example.org/`id`", "letters, digits"),
    ("https://example.org/a\\b", "letters, digits"),
    ("https://example.org/../b", "empty names"),
    ("https://example.org/a/%2e%2e/b", "empty names"),
    ("https://example.org/a//b", "empty names"),
    ("https://example.org/a?service=x", "query"),
    ("https://example.org/a#x", "query"),
    ("https://example.org", "no repository"),
    ("https://example.org/", "no repository"),
    ("https:///a/b", "no host"),
    ("https://-x.example/a", "no host"),
    ("https://exa mple.org/a", "blanks"),
    ("https://example.org:99999/a", "no address"),
    ("https://example.org:0/a", "no host"),
    ("https://ex\N{LATIN SMALL LETTER A WITH DIAERESIS}mple.org/a", "beyond ASCII"),
    ("https://$(id).example/a", "no host"),
    ("", "characters"),
    ("https://example.org/" + "a" * 3000, "characters"),
]


@pytest.mark.parametrize(("text", "reason"), HOSTILE)
def test_an_address_that_is_not_plain_https_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        read_origin(text)


def test_a_password_in_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(RefusedError) as caught:
        read_origin("https://user:secret@example.org/a")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a/b",
        "https://EXAMPLE.org/a/b/",
        "https://example.org:443/a/b",
        "https://example.org./a/b",
        " https://example.org/a/b ",
    ],
)
def test_ways_of_writing_one_address_are_one_origin(text: str) -> None:
    assert read_origin(text).url == "https://example.org/a/b"


def test_plain_http_is_read_where_it_is_allowed() -> None:
    assert read_origin("http://127.0.0.1:8080/a", plain_http=True).port == 8080
    assert read_origin("http://[::1]:80/a", plain_http=True).url == "http://[::1]/a"


@given(st.text(max_size=60))
def test_whatever_is_read_is_plain(text: str) -> None:
    try:
        origin = read_origin("https://" + text)
    except RefusedError:
        return
    assert origin.url.startswith("https://")
    assert read_origin(origin.url) == origin
    assert origin.url.isprintable()
    assert not set(origin.url) & set(' $`\\@?#"<>')


# -- mirrors ---------------------------------------------------------------------------


def test_a_mirror_puts_a_folder_in_place_of_a_host() -> None:
    (mirror,) = read_mirrors(["https://example.org/=file:///srv/mirrors/"])
    assert mirror.of(read_origin("https://example.org/a/b.git")) == [
        Path("/srv/mirrors/a/b.git"),
        Path("/srv/mirrors/a/b"),
    ]
    assert mirror.of(read_origin("https://example.org.evil.example/a")) is None
    assert mirror.of(read_origin("https://example.com/a/b")) is None


def test_a_mirror_puts_an_address_in_place_of_another() -> None:
    (mirror,) = read_mirrors(["https://Example.org:443/a/=https://mirror.example/x/"])
    there = mirror.of(read_origin("https://example.org/a/b"))
    assert there == "https://mirror.example/x/b"
    assert mirror.of(read_origin("https://example.org/ab")) is None


def test_a_mirror_may_be_of_one_repository() -> None:
    (mirror,) = read_mirrors(["https://example.org/a/b=/srv/b.git"])
    found = mirror.of(read_origin("https://example.org/a/b"))
    assert isinstance(found, list)
    assert found[0] == Path("/srv/b.git")
    assert mirror.of(read_origin("https://example.org/a/b/c")) is None
    assert mirror.of(read_origin("https://example.org/a/bc")) is None


@pytest.mark.parametrize(
    "item",
    [
        "https://example.org/",
        "https://example.org/=",
        "file:///a/=file:///b/",
        "https://u@example.org/=file:///b/",
        "https://example.org/=ext::sh",
        "https://example.org/=ssh://host/a",
        "https://example.org/=file://elsewhere/a",
        "https://example.org/=https://u:p@mirror.example/",
    ],
)
def test_a_mirror_that_makes_no_sense_is_told(item: str) -> None:
    with pytest.raises(UsageError):
        read_mirrors([item])


def test_hosts_are_taken_from_addresses_alone() -> None:
    texts: list[str | Path] = [
        "https://A.example:8443/x",
        "file:///srv",
        "/srv",
        Path("/srv"),
    ]
    assert list(hosts_of(texts)) == [("a.example", 8443)]
