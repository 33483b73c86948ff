"""Hostile text in every field of a report, in every format."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.formats import FORMATS, format_named
from reverify.formats.text import Text
from reverify.model.outcome import Outcome
from reverify.model.report import Report

from tests.formats.reports import HOSTILE, poisoned, reports, texts
from tests.formats.validators import junit, markdown_tokens, sarif_faults, unsafe

NAMES = sorted(FORMATS)
BAD = [Outcome.REFUTED, Outcome.UNDETERMINED, Outcome.UNTESTED]
LONG = [what for what, text in HOSTILE.items() if len(text) > 10_000]
OURS = {"heading", "paragraph", "bullet_list", "list_item", "strong"}
OURS |= {"table", "thead", "tbody", "tr", "th", "td"}


def assert_safe_and_valid(name: str, data: bytes) -> None:
    assert unsafe(data.decode()) == []
    if name == "json":
        json.loads(data)["findings"][0]["reason"].encode()
    elif name == "jsonl":
        assert data.count(b"\n") == 1
        json.loads(data)
    elif name == "junit":
        junit(data)
    elif name == "sarif":
        log = json.loads(data)
        assert sarif_faults(log) == []
        assert strings_unsafe(log) == []
    elif name == "markdown":
        kinds = {
            token.type.removesuffix("_open").removesuffix("_close")
            for token in markdown_tokens(data.decode())
        }
        assert kinds <= OURS | {"inline", "text", "code_inline", "softbreak"}


def strings_unsafe(document: object) -> list[str]:
    """What must not reach a log in the texts of a document, once it is read."""
    if isinstance(document, str):
        return unsafe(document)
    if isinstance(document, dict):
        return [item for part in document.items() for item in strings_unsafe(part)]
    if isinstance(document, (list, tuple)):
        return [item for part in document for item in strings_unsafe(part)]
    return []


@pytest.mark.parametrize("what", [what for what in HOSTILE if what not in LONG])
@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_is_harmless_in_every_field(name: str, what: str) -> None:
    data = format_named(name).render([poisoned(HOSTILE[what])])
    assert_safe_and_valid(name, data)


@pytest.mark.parametrize("name", NAMES)
@given(text=texts, outcome=st.sampled_from(BAD))
def test_any_text_is_harmless_in_every_field(
    name: str, text: str, outcome: Outcome
) -> None:
    assert_safe_and_valid(name, format_named(name).render([poisoned(text, outcome)]))


@pytest.mark.parametrize("verbosity", [0, 1, 2])
@given(made=reports())
def test_text_is_harmless_however_much_is_shown(made: Report, verbosity: int) -> None:
    assert unsafe(Text(verbosity=verbosity).render([made, made]).decode()) == []


@pytest.mark.parametrize("name", NAMES)
@given(made=st.lists(reports(), min_size=1, max_size=3))
def test_two_renderings_are_the_same(name: str, made: list[Report]) -> None:
    assert format_named(name).render(made) == format_named(name).render(made)


@pytest.mark.parametrize("name", ["text", "markdown", "junit", "sarif"])
@pytest.mark.parametrize("what", LONG)
def test_a_megabyte_in_every_field_is_cut(name: str, what: str) -> None:
    data = format_named(name).render([poisoned(HOSTILE[what])])
    assert len(data) < 200_000
    assert_safe_and_valid(name, data)


@pytest.mark.parametrize("name", NAMES)
def test_each_format_is_named_as_it_is_asked_for(name: str) -> None:
    assert format_named(name).name == name
    assert "/" in format_named(name).media_type
