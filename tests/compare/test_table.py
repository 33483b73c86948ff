import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reverify.compare import Bounds, rows
from reverify.model.comparison import Answer, Method

from tests.compare.files import answered, compared, table

SAME, OTHER = Answer.EQUAL, Answer.DIFFERENT
PLAIN = "id,mm\na,2.5\nb,3.5\nc,x\n"


def answer(one: str, other: str, **rule: Any) -> Answer:  # noqa: ANN401
    return answered(one, other, "x.csv", **rule)


def test_row_and_column_of_a_difference_are_told() -> None:
    found = compared(PLAIN, PLAIN.replace("3.5", "3.6"), "x.csv")
    assert found.differences == (("row 2 'mm'", "3.5", "3.6"),)
    assert (found.differing, found.compared, found.unit) == (1, 6, "cells")
    assert found.relative is not None
    assert found.relative.where == "row 2 'mm'"


def test_a_float_that_moves_in_the_12th_digit_needs_a_tolerance() -> None:
    moved = PLAIN.replace("3.5", "3.500000000001")
    assert answer(PLAIN, moved) is OTHER
    found = compared(PLAIN, moved, "x.csv", rtol=1e-9)
    assert found.answer is SAME
    assert found.describe() == (
        "x.csv: equal within rtol 1e-09: 1 of 6 cells differs, at most 2.9e-13"
        " relative, at row 2 'mm'"
    )
    assert answer(PLAIN, moved, rtol=1e-14) is OTHER


def test_a_shuffled_table_differs_unless_order_does_not_count() -> None:
    shuffled = "id,mm\nc,x\na,2.5\nb,3.5\n"
    assert answer(PLAIN, shuffled) is OTHER
    assert answer(PLAIN, shuffled, ignore_order=True) is SAME
    assert answer(PLAIN, shuffled, key_columns=["id"]) is SAME


def test_numbers_are_compared_as_numbers_and_texts_as_texts() -> None:
    assert answer("a,b\n1.0,x\n", "a,b\n1,x\n") is SAME
    assert answer("a,b\n1e3,x\n", "a,b\n1000.0,x\n") is SAME
    assert answer("a,b\n007,x\n", "a,b\n7,x\n") is OTHER
    assert answer("a,b\n1,x\n", "a,b\n1,X\n", rtol=1) is OTHER
    assert answer("a\n-0.0\n", "a\n0.0\n") is SAME


def test_long_whole_numbers_are_exact() -> None:
    one, other = "9007199254740993", "9007199254740992"
    assert answer(f"a\n{one}\n", f"a\n{other}\n") is OTHER
    assert answer(f"a\n{one}\n", f"a\n{other}\n", atol=0.5) is OTHER
    assert answer(f"a\n{one}\n", f"a\n{other}\n", atol=1) is SAME


def test_decimals_are_compared_as_floats() -> None:
    assert answer("a\n0.1000000000000001\n", "a\n0.10000000000000010\n") is SAME
    assert answer("a\n0.1000000000000001\n", "a\n0.1000000000000002\n") is OTHER


@pytest.mark.parametrize("order", [False, True])
def test_not_a_number_equals_itself_unless_the_rule_says_otherwise(
    *, order: bool
) -> None:
    one, other = "a,b\nNaN,1\n", "a,b\nnan,1.0\n"
    assert answer(one, other, ignore_order=order) is SAME
    assert answer(one, other, ignore_order=order, equal_nan=False) is OTHER
    again = "a,b\nNaN,1\n\n"
    assert answer(one, again, ignore_order=order, equal_nan=False) is OTHER


def test_infinity_equals_itself_only() -> None:
    assert answer("a\ninf\n", "a\nInfinity\n") is SAME
    assert answer("a\ninf\n", "a\n-inf\n", rtol=1) is OTHER
    assert answer("a\ninf\n", "a\n1e308\n", rtol=1) is OTHER


def test_a_row_that_came_in_does_not_make_all_others_differ() -> None:
    rows_ = [f"{n},{n * 0.5}" for n in range(500)]
    more = [*rows_[:100], "new,1", *rows_[100:]]
    texts = ["id,mm\n" + "".join(f"{row}\n" for row in part) for part in (rows_, more)]
    found = compared(texts[0], texts[1], name="x.csv")
    assert found.differing == 1
    assert found.differences == (("row 101", None, "new, 1"),)


def test_rows_are_matched_by_keys() -> None:
    other = "id,mm\nd,1\nc,x\nb,3.6\n"
    found = compared(PLAIN, other, "x.csv", key_columns=["id"])
    assert found.differences == (
        ("row 1", "a, 2.5", None),
        ("row 2 'mm'", "3.5", "3.6"),
        ("row 1", None, "d, 1"),
    )


def test_several_columns_may_be_the_key() -> None:
    one, other = "a,b,c\n1,x,5\n1,y,6\n", "a,b,c\n1,y,6\n1,x,5\n"
    assert answer(one, other, key_columns=["a", "b"]) is SAME


def test_a_key_that_is_not_unique_is_told() -> None:
    found = compared("a,b\n1,x\n1,y\n", "a,b\n1,x\n1,z\n", "x.csv", key_columns=["a"])
    assert "do not tell all rows apart" in found.remarks[0]
    assert found.differing == 1


def test_a_key_that_is_nowhere_is_not_comparable() -> None:
    found = compared(PLAIN, PLAIN + "d,1\n", "x.csv", key_columns=["key"])
    assert found.answer is Answer.NOT_COMPARABLE
    assert "there is no column 'key'; there are 'id', 'mm'" in found.reason


def test_a_key_that_one_side_lacks_differs() -> None:
    found = compared(PLAIN, "mm\n2.5\n", "x.csv", key_columns=["id"])
    assert found.differences == (("column 'id'", "a column", None),)


def test_columns_can_be_ignored() -> None:
    other = "id,mm\na,9\nb,9\nc,9\n"
    assert answer(PLAIN, other, ignore_columns=["mm"]) is SAME
    assert answer(PLAIN, "id\na\nb\nc\n", ignore_columns=["mm"]) is SAME
    found = compared(PLAIN, other, "x.csv", ignore_columns=["mm", "gone"])
    assert found.remarks == ("ignore_columns: there is no column 'gone'",)


def test_missing_and_extra_columns_are_told_and_the_others_compared() -> None:
    found = compared("a,b,c\n1,2,3\n", "a,d,c\n1,2,4\n", "x.csv")
    assert found.differences == (
        ("column 'b'", "a column", None),
        ("column 'd'", None, "a column"),
        ("row 1 'c'", "3", "4"),
    )


def test_columns_in_another_order_are_told_once() -> None:
    found = compared("a,b\n1,2\n", "b,a\n2,1\n", "x.csv")
    assert found.answer is OTHER
    assert found.differences == (("the header", "a, b", "b, a"),)


def test_a_table_without_a_header_is_compared_from_its_first_row() -> None:
    found = compared("1,2\n3,4\n", "1,5\n3,4\n", "x.csv")
    assert found.differences == (("row 1 '2'", "2", "5"),)


@pytest.mark.parametrize("delimiter", list(";\t|,"))
def test_the_delimiter_is_found(delimiter: str) -> None:
    one = PLAIN.replace(",", delimiter)
    found = compared(one, one.replace("3.5", "3.50000001"), "x.csv", rtol=1e-6)
    assert (found.answer, found.compared) == (SAME, 6)


def test_quotes_hold_delimiters_and_line_ends() -> None:
    one, other = 'a,b\n"x,1","y\nz"\n', 'a,b\n"x,1","y\nw"\n'
    found = compared(one, other, "x.csv")
    assert found.differences == (("row 1 'b'", r"'y\nz'", r"'y\nw'"),)
    assert answer('a,b\n"x","y"\n', "a,b\r\nx,y\r\n") is SAME


def test_rows_of_another_width_differ() -> None:
    found = compared("a,b\n1,2\n3,4\n", "a,b\n1\n3,4,5\n", "x.csv")
    assert found.differences[0] == ("row 1", "2 cells", "1 cells")
    assert found.differences[1] == ("row 2", "2 cells", "3 cells")


def test_bytes_that_are_no_utf8_are_compared_all_the_same() -> None:
    one, other = b"a,b\n\xff,1\n", b"a,b\n\xff,1.0\n"
    assert answered(one, other, "x.csv") is SAME
    assert answered(one, b"a,b\n\xfe,1\n", "x.csv") is OTHER
    assert answered(one, other, "x.csv", ignore_order=True) is SAME


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('id,mm\n"x,1\n', "no table"),
        ("id,mm\n1,\0\n", "NUL"),
        (b"\xff\xfea\0,\0b\0", "NUL"),
        ("id,mm\n" + "x" * 200_000 + ",1\n", "field larger"),
    ],
)
def test_what_is_no_table_is_compared_by_bytes(
    content: str | bytes, reason: str
) -> None:
    found = compared(content, PLAIN, "x.csv")
    assert (found.answer, found.method) == (OTHER, Method.BYTES)
    assert reason in found.remarks[0]


def test_many_rows_that_moved_a_little_are_paired_in_any_order() -> None:
    source = random.Random(1)
    values = [(f"s{n % 7}", source.random()) for n in range(1000)]
    moved = [(name, value * (1 + 1e-12)) for name, value in values]
    source.shuffle(moved)
    texts = [
        "site,mm\n" + "".join(f"{name},{value!r}\n" for name, value in part)
        for part in (values, moved)
    ]
    found = compared(texts[0], texts[1], name="x.csv", ignore_order=True, rtol=1e-9)
    assert (found.answer, found.within) == (SAME, 1000)
    found = compared(texts[0], texts[1], name="x.csv", ignore_order=True)
    assert (found.answer, found.differing) == (OTHER, 2000)


def test_rows_too_many_for_the_disk_are_not_comparable() -> None:
    one = "a,b\n" + "".join(f"{n},{'x' * 50}\n" for n in range(5000))
    bounds = Bounds(disk_bytes=64 * 1024)
    found = compared(one, one + "1,2\n", "x.csv", bounds, ignore_order=True)
    assert found.answer is Answer.NOT_COMPARABLE
    assert "sorted on disk" in found.reason


CELLS = st.sampled_from(["a", "", "1", "2.5", "-3", "nan", "1e-3", "x,y", 'q"'])
ROWS = st.lists(st.tuples(CELLS, CELLS), max_size=8)


def written(rows_: list[tuple[str, str]], end: str = "\n") -> str:
    quoted = [
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows_
    ]
    return "".join(f"{line}{end}" for line in ['"p","q"', *quoted])


@given(ROWS, st.randoms())
@settings(max_examples=40, deadline=None)
def test_order_does_not_count_if_the_rule_says_so(
    rows_: list[tuple[str, str]],
    chance: Any,  # noqa: ANN401
) -> None:
    shuffled = chance.sample(rows_, len(rows_))
    texts = written(rows_), written(shuffled, "\r\n")
    assert answer(*texts, ignore_order=True) is SAME
    assert (answer(*texts) is SAME) == (
        [[_value(c) for c in row] for row in rows_]
        == [[_value(c) for c in row] for row in shuffled]
    )


def _value(cell: str) -> float | str:
    try:
        return str(float(cell))
    except ValueError:
        return cell


@given(ROWS, ROWS)
@settings(max_examples=40, deadline=None)
def test_tables_differ_whichever_comes_first(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    texts = written(one), written(other)
    for rule in ({}, {"ignore_order": True}, {"key_columns": ["p"]}):
        assert answer(*texts, **rule) is answer(*texts[::-1], **rule)


@given(
    moves=st.lists(st.tuples(st.floats(-10, 10), st.floats(-1, 1)), max_size=6),
    atol=st.floats(0, 1),
    more=st.floats(0, 1),
    rule=st.sampled_from([{}, {"ignore_order": True}]),
    paired=st.sampled_from([0, 300]),
)
@settings(max_examples=60, deadline=None)
def test_a_larger_tolerance_allows_no_less(
    *,
    moves: list[tuple[float, float]],
    atol: float,
    more: float,
    rule: dict[str, Any],
    paired: int,
) -> None:
    numbers = [number for number, _ in moves]
    moved = [number + move for number, move in moves]
    texts = [written([("a", repr(n)) for n in part]) for part in (numbers, moved)]
    before, rows.PAIRED = rows.PAIRED, paired
    try:
        if answer(*texts, atol=atol, **rule) is SAME:
            assert answer(*texts, atol=atol + more, **rule) is SAME
    finally:
        rows.PAIRED = before


# -- Parquet -----------------------------------------------------------------------


def test_tables_in_parquet_are_compared_by_rows() -> None:
    one = table(id=[1, 2, 3], mm=[1.0, 2.0, float("nan")], s=["a", None, "c"])
    other = table(id=[1, 2, 3], mm=[1.0, 2.0000001, float("nan")], s=["a", None, "c"])
    found = compared(one, other, "x.parquet", rtol=1e-6)
    assert (found.answer, found.within, found.compared) == (SAME, 1, 9)
    found = compared(one, other, "x.parquet")
    assert found.differences == (("row 2 'mm'", "2.0", "2.0000001"),)
    assert answered(one, other, "x.parquet", rtol=1e-6, equal_nan=False) is OTHER


def test_types_of_columns_are_compared() -> None:
    found = compared(table(a=[1, 2]), table(a=[1.0, 2.0]), "x.parquet")
    assert found.differences[0] == ("the type of column 'a'", "int64", "double")


def test_keys_and_order_hold_for_parquet_too() -> None:
    one = table(id=[1, 2, 3], s=["a", "b", "c"])
    other = table(id=[3, 1, 2], s=["c", "a", "b"])
    assert answered(one, other, "x.parquet") is OTHER
    assert answered(one, other, "x.parquet", key_columns=["id"]) is SAME
    assert answered(one, other, "x.parquet", ignore_order=True) is SAME


def test_nested_values_and_times_are_compared() -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    moment = datetime(2026, 1, 31, tzinfo=UTC)
    one = table(v=[[1.0, 2.0]], t=[moment], b=[b"x"])
    other = table(v=[[1.0, 2.5]], t=[moment.replace(day=30)], b=[b"x"])
    found = compared(one, other, "x.parquet")
    assert [item.where for item in found.differences] == ["row 1 'v' /1", "row 1 't'"]
    assert answered(one, other, "x.parquet", atol=1, ignore_columns=["t"]) is SAME


def test_what_is_no_parquet_is_told() -> None:
    one = table(a=[1])
    found = compared(one, one[: len(one) // 2], "x.parquet", method="table")
    assert found.answer is OTHER
    found = compared(one, one[:-20] + b"\0" * 16 + one[-4:], "x.parquet")
    assert (found.answer, found.method) == (OTHER, Method.BYTES)
