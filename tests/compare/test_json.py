import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reverify.compare import Bounds
from reverify.model.comparison import Answer, Method

from tests.compare.files import answered, compared

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=15,
)
SAME, OTHER = Answer.EQUAL, Answer.DIFFERENT


def answer(one: str, other: str, **rule: Any) -> Answer:  # noqa: ANN401
    return answered(one, other, "x.json", **rule)


def test_keys_have_no_order_and_blanks_do_not_count() -> None:
    assert answer('{"a": 1, "b": [2]}', '{ "b":[2],"a":1}') is SAME


def test_lists_have_an_order_unless_the_rule_says_otherwise() -> None:
    assert answer("[1, 2]", "[2, 1]") is OTHER
    assert answer("[1, 2]", "[2, 1]", ignore_order=True) is SAME
    assert answer("[1, 1, 2]", "[1, 2, 2]", ignore_order=True) is OTHER
    nested = '[{"a": [1, 2]}, 3]', '[3, {"a": [2, 1]}]'
    assert answer(*nested, ignore_order=True) is SAME


def test_the_place_is_a_json_pointer() -> None:
    found = compared('{"a/b": [{"c": 1}]}', '{"a/b": [{"c": 2}]}', "x.json")
    assert found.differences == (("/a~1b/0/c", "1", "2"),)
    assert found.unit == "values"


def test_what_is_missing_and_what_is_extra_is_told() -> None:
    found = compared('{"a": 1, "b": [1, 2]}', '{"c": {}, "b": [1]}', "x.json")
    assert found.differences == (
        ("/a", "1", None),
        ("/b/1", "2", None),
        ("/c", None, "an object of 0 keys"),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("1", "true"), ("0", "false"), ("1", '"1"'), ("null", "0")],
)
def test_types_are_kept_apart(one: str, other: str) -> None:
    assert answer(one, other) is OTHER
    assert answer(f"[{one}]", f"[{other}]", ignore_order=True) is OTHER


def test_a_tolerance_makes_numbers_of_both_kinds_numbers() -> None:
    assert answer("1", "1.0", atol=1e-9) is SAME
    assert answer("1", "true", atol=5) is OTHER


def test_numbers_within_the_tolerance_are_counted() -> None:
    found = compared("[1.0, 2.0, 3]", "[1.0, 2.000001, 3]", "x.json", rtol=1e-3)
    assert (found.answer, found.within, found.differing) == (SAME, 1, 0)
    assert found.relative is not None
    assert found.relative.where == "/1"
    assert found.describe() == (
        "x.json: equal within rtol 0.001: 1 of 3 values differs, at most 5e-07"
        " relative, at /1"
    )


def test_a_tolerance_holds_where_order_does_not_count() -> None:
    rule = {"ignore_order": True, "atol": 0.1}
    assert answer("[1.0, 1.1, 5]", "[5, 1.2, 1.05]", **rule) is SAME
    assert answer("[1.0, 1.1, 5]", "[5, 1.3, 1.05]", **rule) is OTHER


def test_whole_numbers_are_exact_however_long() -> None:
    long = "9" * 100
    assert answer(f"[{long}1]", f"[ {long}2]") is OTHER
    assert answer(f"[{long}1]", f"[ {long}2]", atol=1) is SAME
    longer = "9" * 10_000
    assert answer(f"[{longer}1]", f"[ {longer}2]", rtol=1) is OTHER
    assert answer(f"[{longer}]", f"[ {longer}]") is SAME


def test_numbers_beyond_what_a_float_holds_are_compared_as_written() -> None:
    assert answer("1e999", "1e998", rtol=1) is OTHER
    assert answer("[1e999]", "[ 1e999]") is SAME


def test_decimals_are_compared_as_floats() -> None:
    assert answer("[0.1000000000000001]", "[0.10000000000000010]") is SAME
    assert answer("[0.1000000000000001]", "[0.1]") is OTHER
    assert answer("-0.0", "0.0") is SAME


def test_not_a_number_equals_itself_unless_the_rule_says_otherwise() -> None:
    assert answer("[NaN]", "[ NaN]") is SAME
    assert answer("[NaN]", "[ NaN]", equal_nan=False) is OTHER
    assert answer("[NaN,1]", "[1,NaN]", equal_nan=False, ignore_order=True) is OTHER
    assert answer("[NaN,1]", "[1,NaN]", ignore_order=True) is SAME
    assert answer("[NaN]", "[1]", rtol=1) is OTHER
    assert answer("[Infinity]", "[1]", rtol=1) is OTHER
    assert answer("[Infinity]", "[ Infinity]") is SAME


def test_patterns_mask_texts_in_it() -> None:
    rule = {"ignore_patterns": [r"\d\d:\d\d"]}
    assert answer('["at 12:30"]', '["at 13:45"]', **rule) is SAME
    assert answer('["at 12:30"]', '["to 13:45"]', **rule) is OTHER


def test_a_key_that_stands_twice_leaves_bytes_only() -> None:
    found = compared('{"a": 1, "a": 2}', '{"a": 2}', "x.json")
    assert (found.answer, found.method) == (OTHER, Method.BYTES)
    assert "'a' twice" in found.remarks[0]


@pytest.mark.parametrize("text", ["{", "", "[1,]", "\xff", "nul", '"\x00"'])
def test_what_is_no_json_is_compared_by_bytes(text: str) -> None:
    found = compared(text.encode("latin-1"), b"[1]", "x.json")
    assert (found.answer, found.method) == (OTHER, Method.BYTES)
    assert "not as json" in found.remarks[0]


@pytest.mark.parametrize("depth", [300, 100_000])
def test_what_is_nested_too_deep_is_not_comparable(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    found = compared(deep, deep + " ", "x.json")
    assert found.answer is Answer.NOT_COMPARABLE
    assert "within each other" in found.reason


def test_what_is_too_large_is_not_comparable() -> None:
    bounds = Bounds(document_bytes=100)
    found = compared("[" + "1," * 60 + "1]", "[1]", "x.json", bounds)
    assert "more than the 100 bytes" in found.reason
    bounds = Bounds(values=10)
    found = compared("[" + "1," * 60 + "1]", "[1]", "x.json", bounds)
    assert "more than the 10 values" in found.reason


def test_lists_that_pair_in_too_many_ways_are_not_comparable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reverify.compare.json.STEPS", 1000)
    lists = [json.dumps([[n + shift] for n in range(50)]) for shift in (0, 0.25)]
    found = compared(lists[0], lists[1], name="x.json", ignore_order=True, atol=0.1)
    assert "too many ways" in found.reason


@settings(deadline=None)
@given(VALUES)
def test_another_way_to_write_it_is_equal(value: Any) -> None:  # noqa: ANN401
    one = json.dumps(value)
    other = json.dumps(value, indent=1, sort_keys=True) + "\n"
    rules: list[dict[str, Any]] = [{}, {"ignore_order": True}]
    for rule in [*rules, {"rtol": 1e-9}, {"atol": 1.0}]:
        assert answer(one, other, **rule) in {SAME, Answer.IDENTICAL}


@settings(deadline=None)
@given(VALUES, VALUES)
def test_documents_differ_whichever_comes_first(one: Any, other: Any) -> None:  # noqa: ANN401
    rules: list[dict[str, Any]] = [{}, {"ignore_order": True}]
    for rule in rules:
        texts = json.dumps(one), json.dumps(other)
        assert answer(*texts, **rule) is answer(*texts[::-1], **rule)


@settings(deadline=None)
@given(st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=8), st.randoms())
def test_order_does_not_count_if_the_rule_says_so(
    items: list[Any],
    random: Any,  # noqa: ANN401
) -> None:
    shuffled = random.sample(items, len(items))
    texts = json.dumps(items), json.dumps(shuffled) + " "
    assert answer(*texts, ignore_order=True) is SAME


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=6),
    st.lists(st.floats(-1, 1), min_size=6, max_size=6),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([False, True]),
)
def test_a_larger_tolerance_allows_no_less(
    numbers: list[float],
    moves: list[float],
    atol: float,
    more: float,
    order: bool,
) -> None:
    moved = [n + m for n, m in zip(numbers, moves, strict=False)][::-1]
    texts = json.dumps(numbers), json.dumps(moved)
    if answer(*texts, atol=atol, ignore_order=order) is SAME:
        assert answer(*texts, atol=atol + more, ignore_order=order) is SAME
