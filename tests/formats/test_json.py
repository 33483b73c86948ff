import json

import pytest
from hypothesis import given
from reverify.formats import format_named
from reverify.formats.json import dumps

from tests.formats.reports import finding, report, texts


@given(texts)
def test_text_is_read_back_as_it_was_but_for_half_surrogate_pairs(text: str) -> None:
    # Two halves that happen to stand in order are read back as one character.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "backslashreplace")
    if whole == text:
        assert json.loads(dumps(text)) == text


def test_half_a_surrogate_pair_is_written_as_text() -> None:
    assert json.loads(dumps("a\udc80\\\ud83d")) == "a\\udc80\\\\ud83d"


def test_a_whole_pair_is_left_alone() -> None:
    assert json.loads(dumps("\\👍\\\\👍")) == "\\👍\\\\👍"


@given(texts)
def test_json_is_utf_8_all_the_way_down(text: str) -> None:
    json.loads(dumps([text]))[0].encode()


def test_a_number_that_json_does_not_have_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps(float("nan"))


def test_json_lines_are_as_many_as_the_reports() -> None:
    made = report(finding("one\ntwo\u2028three\x85four"))
    assert format_named("jsonl").render([made, made]).count(b"\n") == 2
