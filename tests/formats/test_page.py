"""What pages for people share: text that is shown, and does nothing."""

import base64
import hashlib

import pytest
from reverify.formats.page import is_web, shown, style, template


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain <b>", "plain <b>"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\ud800", "\\ud800"),
        ("\U0001fffe", "\\U0001fffe"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("\U0001f469\u200d\U0001f52c", "\U0001f469\u200d\U0001f52c"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert shown("x" * 5000, 10) == "xxxxxxxxxx... (4,990 more characters)"
    assert shown("x" * 10, 10) == "x" * 10


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/", True),
        ("javascript:alert(1)", False),
        ("http://[bad/", False),
        (None, False),
    ],
)
def test_only_web_addresses_become_links(url: str | None, *, expected: bool) -> None:
    assert is_web(url) is expected


def test_a_style_is_known_by_the_digest_of_its_text() -> None:
    sheet = style("reverify.capsules", "preview.css")
    digest = hashlib.sha256(str(sheet.text).encode()).digest()
    assert sheet.source == f"sha256-{base64.b64encode(digest).decode()}"


def test_a_template_escapes_what_it_is_given() -> None:
    page = template("reverify.capsules", "preview.html.j2", {"below": str})
    assert "<title>&lt;b&gt;</title>" in page.render(title="<b>")
