import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.model.comparison import Answer

from tests.compare.files import answered, compared

LINES = st.lists(st.sampled_from(["a", "b", "", "c d"]), max_size=12)
DATE = r"\d{4}-\d\d-\d\d"


def test_a_changed_line_is_shown_with_both_values() -> None:
    found = compared("a\nb\nc\n", "a\nB\nc\n", "x.txt")
    assert found.answer is Answer.DIFFERENT
    assert found.differences == (("line 2", r"'b\n'", r"'B\n'"),)
    assert (found.differing, found.compared, found.unit) == (1, 3, "lines")


def test_a_line_that_came_in_does_not_make_all_others_differ() -> None:
    text = "".join(f"{n}\n" for n in range(1000))
    found = compared(text, text.replace("500\n", "500\nnew\n"), "x.txt")
    assert found.differing == 1
    assert found.differences == (("line 502", None, r"'new\n'"),)


def test_a_line_that_fell_out_is_told() -> None:
    found = compared("a\nb\nc\n", "a\nc\n", "x.txt")
    assert found.differences == (("line 2", r"'b\n'", None),)


def test_line_ends_count_unless_the_rule_says_otherwise() -> None:
    assert answered("a\r\nb\n", "a\nb\n", "x.txt") is Answer.DIFFERENT
    rule = {"method": "text", "ignore_whitespace": True}
    assert answered("a\r\nb\n", "a\nb\n", "x", **rule) is Answer.EQUAL
    assert answered("a\rb\r", "a\nb \t", "x", **rule) is Answer.EQUAL
    assert answered("a b\n", "ab\n", "x", **rule) is Answer.DIFFERENT
    assert answered(" a\n", "a\n", "x", **rule) is Answer.DIFFERENT


def test_patterns_mask_what_the_capsule_declares() -> None:
    one, other = "made on 2026-01-02, ok\n", "made on 2026-02-03, ok\n"
    assert answered(one, other, "x.txt") is Answer.DIFFERENT
    found = compared(one, other, "x.txt", ignore_patterns=[DATE])
    assert found.answer is Answer.EQUAL
    assert "patterns" in found.describe()
    worse = other.replace("ok", "failed")
    assert answered(one, worse, "x.txt", ignore_patterns=[DATE]) is Answer.DIFFERENT


def test_a_mask_does_not_make_its_absence_the_same() -> None:
    rule = {"ignore_patterns": [DATE]}
    assert answered("a2026-01-02b\n", "ab\n", "x.txt", **rule) is Answer.DIFFERENT


def test_the_end_of_a_line_is_an_end_for_patterns() -> None:
    rule = {"ignore_patterns": [r"in \d+ s$"]}
    assert answered("in 12 s\r\n", "in 7 s\r\n", "x.txt", **rule) is Answer.EQUAL


def test_several_patterns_are_masked_one_after_the_other() -> None:
    rule = {"ignore_patterns": [DATE, r"/tmp/\w+"]}
    one, other = "2026-01-01 /tmp/a x\n", "2026-01-02 /tmp/bc x\n"
    assert answered(one, other, "x.txt", **rule) is Answer.EQUAL


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*b", r"(.*)*c", r"(x+x+)+y"])
def test_a_hostile_pattern_takes_no_time(pattern: str) -> None:
    began = time.monotonic()
    one, other = "a" * 50_000 + "!\n", "a" * 50_000 + "?\n"
    assert answered(one, other, "x.txt", ignore_patterns=[pattern]) is Answer.DIFFERENT
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("pattern", ["(", r"(?=a)", r"(a)\1", "a{1000}{1000}{1000}"])
def test_a_pattern_that_cannot_be_used_is_told(pattern: str) -> None:
    found = compared("a\n", "b\n", "x.txt", ignore_patterns=[pattern])
    assert found.answer is Answer.NOT_COMPARABLE
    assert "ignore_patterns" in found.reason


def test_a_pattern_that_matches_nothing_masks_nothing() -> None:
    assert answered("a\n", "b\n", "x.txt", ignore_patterns=["x*"]) is Answer.DIFFERENT


def test_bytes_that_are_no_utf8_are_compared_all_the_same() -> None:
    found = compared(b"a\xff\nb\n", b"a\xfe\nb\n", "x.txt")
    assert found.differences[0].expected == r"'a\\xff\n'"


def test_tolerances_are_not_used_and_that_is_said() -> None:
    found = compared("1.0\n", "1.1\n", "x.txt", rtol=1.0)
    assert found.answer is Answer.DIFFERENT
    assert "not used" in found.remarks[0]


@given(LINES, LINES)
def test_texts_differ_whichever_comes_first(one: list[str], other: list[str]) -> None:
    texts = ["".join(f"{line}\n" for line in lines) for lines in (one, other)]
    forth, back = (
        compared(texts[0], texts[1], "x.txt"),
        compared(texts[1], texts[0], "x.txt"),
    )
    assert forth.answer is back.answer
    assert (forth.answer is Answer.IDENTICAL) == (one == other)
    assert forth.differing >= abs(len(one) - len(other))
