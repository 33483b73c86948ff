import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.formats.escape import (
    cell,
    code,
    markdown,
    printable,
    sarif,
    short,
    uri,
    xml,
)

from tests.formats.reports import HOSTILE, texts
from tests.formats.validators import markdown_tokens, unsafe


@given(texts)
def test_printable_text_holds_nothing_unseen_and_no_command(text: str) -> None:
    assert unsafe(printable(text)) == []


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_is_made_printable(what: str) -> None:
    assert unsafe(printable(HOSTILE[what])) == []


@given(texts)
def test_printable_text_is_one_line(text: str) -> None:
    assert len(printable(text).splitlines()) <= 1


@given(texts)
def test_printable_text_can_be_written_as_utf_8(text: str) -> None:
    assert printable(text).encode().decode() == printable(text)


@given(st.text(), st.integers(1, 50))
def test_long_text_is_cut_and_says_by_how_much(text: str, most: int) -> None:
    shown = printable(text, most)
    cut = f"({len(text) - most:,} more characters)"
    assert shown.endswith(cut) is (len(text) > most)


@given(texts)
def test_what_is_printable_stays_as_it_is(text: str) -> None:
    assert printable(printable(text, 10**6), 10**7) == printable(text, 10**6)


@pytest.mark.parametrize(
    "text", ["data/rain.csv", "Ünïcödé 日本語", "swh:1:rev:00", "C:\\x", "a::b", "# 1"]
)
def test_harmless_text_is_shown_as_written(text: str) -> None:
    assert printable(text) == text


def test_a_control_character_is_shown_by_its_number() -> None:
    assert printable("\x1b\u202e\U000e0041") == "\\x1b\\u202e\\U000e0041"


@given(texts, st.integers(4, 40))
def test_short_text_is_never_longer_than_asked(text: str, most: int) -> None:
    assert len(short(text, most)) <= most


def shown_in_markdown(text: str) -> tuple[set[str], str]:
    """The kinds of tokens in Markdown, and the text that a reader sees."""
    tokens = markdown_tokens(text)
    seen = "".join(
        token.content for token in tokens if token.type in {"text", "code_inline"}
    )
    return {token.type for token in tokens}, seen


@pytest.mark.parametrize("start", ["", "- ", "## "])
@given(text=texts)
def test_markdown_shows_the_very_text_and_nothing_else(start: str, text: str) -> None:
    kinds, seen = shown_in_markdown(f"{start}{markdown(text)}\n")
    assert kinds <= {
        *("paragraph_open paragraph_close inline text code_inline".split()),
        *("bullet_list_open bullet_list_close list_item_open list_item_close".split()),
        *("heading_open heading_close".split()),
    }
    assert seen.split() == printable(text).split()


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_is_text_in_markdown(what: str) -> None:
    kinds, _ = shown_in_markdown(markdown(HOSTILE[what]))
    assert kinds <= {
        *("paragraph_open paragraph_close inline text code_inline".split())
    }


@pytest.mark.parametrize(
    "word",
    ["@octocat", "a@b.example", "#1", "org/repo#2", "GH-3", "https://x.example", ":x:"],
)
def test_what_github_would_link_is_code(word: str) -> None:
    kinds, seen = shown_in_markdown(f"see {markdown(word)}")
    assert "code_inline" in kinds
    assert seen == f"see {word}"


@given(texts)
def test_a_code_span_shows_the_very_text(text: str) -> None:
    kinds, seen = shown_in_markdown(f"x {code(text)} y")
    assert kinds == {
        *("paragraph_open paragraph_close inline text code_inline".split())
    }
    shown = printable(text)
    assert seen == f"x {shown or '  '} y" or shown.strip(" ") == ""


@given(texts)
def test_a_cell_never_begins_another_cell(text: str) -> None:
    tokens = markdown_tokens(f"| a | b |\n|---|---|\n| {cell(text)} | y |\n")
    cells = [token.type for token in tokens].count("td_open")
    assert cells == 2


@given(texts)
def test_xml_text_is_allowed_in_xml(text: str) -> None:
    assert not re.search(
        "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", xml(text)
    )


@given(texts)
def test_a_sarif_message_has_no_link_and_no_placeholder(text: str) -> None:
    plain = re.sub(r"\\.|\{\{|\}\}", "", sarif(text))
    assert not set("[]{}") & set(plain)


@given(texts)
def test_a_uri_is_relative_and_stays_below(text: str) -> None:
    made = urlsplit(uri(text))
    assert (made.scheme, made.netloc, made.query, made.fragment) == ("", "", "", "")
    assert not made.path.startswith("/")
    assert ".." not in made.path.split("/")
    assert made.path.isascii()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a b/ü.csv", "a%20b/%C3%BC.csv"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("c:\\x", "c%3A/x"),
        ("%2e%2e/x", "%252e%252e/x"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("", "."),
        ("./", "."),
    ],
)
def test_a_path_is_made_a_uri(path: str, expected: str) -> None:
    assert uri(path) == expected


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\\/"), max_size=20).filter(
        lambda name: name not in {"", ".", ".."}
    )
)
def test_a_uri_can_be_read_back(name: str) -> None:
    assert unquote(uri(f"a/{name}")) == f"a/{name}"
