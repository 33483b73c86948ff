"""Two tables row by row: in order, by keys, or in any order.

Where order does not count, rows are sorted on disk, so that memory stays flat however
long the tables are.
"""

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reverify.compare.alignment import Alignment
from reverify.compare.interface import Job
from reverify.compare.json import Values, is_number, written
from reverify.compare.masks import Masks
from reverify.compare.pairing import pairs
from reverify.compare.sorting import Row, Sorted, Sorter, encode
from reverify.compare.tally import Tally, Where
from reverify.compare.tolerance import Number, is_close, is_nan

Cell = Any
"""A text of a delimited file, or a value of Python."""
PAIRED = 300
"""Rows that differ, up to which the best pairs are sought."""
EXPECTED, ACTUAL = "expected", "actual"
_LEFT, _RIGHT, _PAIRS = "expected_alone", "actual_alone", "pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The rows of two tables, of the columns that are compared, under the same names.

    Attributes:
        names: of the columns.
        keys: the places of the key columns among them.
        expected: the rows of one side, given once.
        actual: those of the other.
        number_of: reads a number from a cell; None if it holds none.
    """

    names: Sequence[str]
    keys: Sequence[int]
    expected: Iterator[Row]
    actual: Iterator[Row]
    number_of: Callable[[Cell], Number | None]


def typed_number(cell: Cell) -> Number | None:
    """The number in a cell that holds a value of Python."""
    return cell if is_number(cell) else None


class Rows:
    """Compares rows cell by cell, and notes in a tally what differs."""

    def __init__(self, job: Job, tables: Tables, tally: Tally) -> None:
        self._job = job
        self._rule = job.rule
        self._tables = tables
        self._tally = tally
        self._masks = Masks(job.rule)

    def compare(self) -> None:
        """Compare all rows in the way the rule asks for."""
        if not (self._tables.keys or self._rule.ignore_order):
            self._in_order()
            return
        with Sorter(self._job) as sorter:
            if self._tables.keys:
                self._by_keys(sorter)
            else:
                self._in_any_order(sorter)

    # -- in order ------------------------------------------------------------------

    def _in_order(self) -> None:
        walk = Alignment(
            self._tables.expected,
            self._tables.actual,
            self._fits,
            _weight,
            all=self._rule.equal_nan is False,
        )
        for seen, (at, one, other_at, other) in enumerate(walk.differing()):
            if not seen % 1024:
                self._job.tick()
            self._pair(at, one, other_at, other)
        self._tally.compared += walk.length * len(self._tables.names)

    def _pair(self, at: int, one: Row | None, other_at: int, other: Row | None) -> None:
        """Note what differs between two rows, or that one is alone."""
        if one is not None and other is not None:
            self._cells(at, one, other, self._tally)
        elif one is not None:
            self._tally.differ(f"row {at:,}", self._row(one), None)
        elif other is not None:
            self._tally.differ(f"row {other_at:,}", None, self._row(other))

    # -- cells ---------------------------------------------------------------------

    def _fits(self, one: Row, other: Row) -> bool:
        """Whether two rows are equal within the rule; nothing is noted."""
        if len(one) != len(other):
            return False
        strict = self._rule.equal_nan is False
        return all(
            (left == right and not strict) or self._cell_fits(left, right)
            for left, right in zip(one, other, strict=True)
        )

    def _cell_fits(self, one: Cell, other: Cell) -> bool:
        number, other_number = (
            self._tables.number_of(one),
            self._tables.number_of(other),
        )
        if number is None or other_number is None:
            tally = Tally(self._rule, 0)
            self._cell("", one, other, tally)
            return not tally.differing
        if is_nan(number) and is_nan(other_number):
            return self._rule.nan_is_equal
        if number == other_number:
            return True
        return self._rule.tolerant and is_close(number, other_number, self._rule)

    def _cells(self, at: int, one: Row, other: Row, tally: Tally) -> None:
        names = self._tables.names
        if len(one) != len(other):
            tally.differ(f"row {at:,}", f"{len(one):,} cells", f"{len(other):,} cells")
        strict = self._rule.equal_nan is False
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            if left != right or strict:
                name = names[index] if index < len(names) else f"column {index + 1}"
                self._cell(partial(_place, at, name), left, right, tally)

    def _cell(self, where: Where, one: Cell, other: Cell, tally: Tally) -> None:
        number, other_number = (
            self._tables.number_of(one),
            self._tables.number_of(other),
        )
        if number is not None and other_number is not None:
            tally.numbers(where, number, other_number, partial(_texts, one, other))
        elif type(one) is not type(other):
            tally.differ(where, _text(one), _text(other))
        elif isinstance(one, (list, dict)):
            self._nested(where, one, other, tally)
        elif one != other and not (
            isinstance(one, str) and self._masks.same_text(one, other)
        ):
            tally.differ(where, _text(one), _text(other))

    def _nested(self, where: Where, one: Cell, other: Cell, tally: Tally) -> None:
        place = where if isinstance(where, str) else where()
        compared = tally.compared
        Values(self._job, tally, prefix=f"{place} ").compare("", one, other)
        tally.compared = compared

    def _row(self, row: Row) -> str:
        return ", ".join(map(_text, row))

    # -- by keys -------------------------------------------------------------------

    def _by_keys(self, sorter: Sorter) -> None:
        keys = self._tables.keys

        def key_of(row: Row) -> str:
            return encode([row[at] if at < len(row) else None for at in keys])

        left = sorter.put(EXPECTED, self._tables.expected, key_of)
        right = sorter.put(ACTUAL, self._tables.actual, key_of)
        one, other = next(left, None), next(right, None)
        last, twice, seen = None, False, 0
        while one is not None or other is not None:
            seen += 1
            if not seen % 1024:
                self._job.tick()
            if other is None or (one is not None and one.key < other.key):
                self._lone(one, None)
                one = next(left, None)
            elif one is None or other.key < one.key:
                self._lone(None, other)
                other = next(right, None)
            else:
                twice = twice or one.key == last
                last = one.key
                if one.text != other.text or self._rule.equal_nan is False:
                    self._cells(one.number, one.row, other.row, self._tally)
                one, other = next(left, None), next(right, None)
        self._tally.compared += seen * len(self._tables.names)
        if twice:
            self._tally.remarks.append(
                "the key columns do not tell all rows apart; rows of the same key were"
                " paired in their order"
            )

    def _lone(self, one: Sorted | None, other: Sorted | None) -> None:
        self._pair(
            one.number if one else 0,
            one.row if one else None,
            other.number if other else 0,
            other.row if other else None,
        )

    # -- in any order --------------------------------------------------------------

    def _in_any_order(self, sorter: Sorter) -> None:
        """Pair rows that are the same, then those that are equal within the rule."""
        left = sorter.put(EXPECTED, self._tables.expected)
        right = sorter.put(ACTUAL, self._tables.actual)
        counted = Counter[str]()
        sides = sorter.put_again(self._unmatched(left, right, counted), self._by_size)
        ones, others = sides.get(_LEFT, iter(())), sides.get(_RIGHT, iter(()))
        width = len(self._tables.names)
        self._tally.compared += counted[_PAIRS] * width
        most = max(counted[_LEFT], counted[_RIGHT])
        if most <= PAIRED:
            self._tally.compared += most * width
            self._best_pairs(list(ones), list(others))
        else:
            self._merge(ones, others)

    def _unmatched(
        self, left: Iterator[Sorted], right: Iterator[Sorted], counted: Counter[str]
    ) -> Iterator[tuple[str, Sorted]]:
        """Give the rows that have none of the same text on the other side."""
        one, other = next(left, None), next(right, None)
        while one is not None or other is not None:
            if one is not None and other is not None and one.key == other.key:
                if self._is_itself(one):
                    counted[_PAIRS] += 1
                else:
                    counted.update((_LEFT, _RIGHT))
                    yield _LEFT, one
                    yield _RIGHT, other
                one, other = next(left, None), next(right, None)
            elif one is not None and (other is None or one.key < other.key):
                counted[_LEFT] += 1
                yield _LEFT, one
                one = next(left, None)
            elif other is not None:
                counted[_RIGHT] += 1
                yield _RIGHT, other
                other = next(right, None)

    def _is_itself(self, item: Sorted) -> bool:
        """Whether a row equals itself, as one with not-a-number may not."""
        return self._rule.equal_nan is not False or self._fits(item.row, item.row)

    def _by_size(self, row: Row) -> str:
        """A key by which rows that differ only within a tolerance come together.

        Text counts first, then whole numbers, then others, each by its size.
        """
        texts, wholes, others = [], [], []
        for cell in row:
            number = self._tables.number_of(cell)
            if number is None:
                texts.append(_text(cell))
            elif isinstance(number, int):
                wholes.append(_sortable(number))
            else:
                others.append(_sortable(number))
        return "\0".join((*texts, *wholes, *others))

    def _best_pairs(self, left: list[Sorted], right: list[Sorted]) -> None:
        def fits(a: int, b: int) -> bool:
            return self._fits(left[a].row, right[b].row)

        partners = pairs(len(left), len(right), fits)
        for a, b in enumerate(partners):
            self._lone(left[a], None) if b < 0 else self._cells(
                left[a].number, left[a].row, right[b].row, self._tally
            )
        taken = set(partners)
        for b, other in enumerate(right):
            if b not in taken:
                self._lone(None, other)

    def _merge(self, left: Iterator[Sorted], right: Iterator[Sorted]) -> None:
        one, other = next(left, None), next(right, None)
        seen = 0
        while one is not None or other is not None:
            seen += 1
            if not seen % 1024:
                self._job.tick()
            if one is not None and other is not None and self._fits(one.row, other.row):
                self._cells(one.number, one.row, other.row, self._tally)
                one, other = next(left, None), next(right, None)
            elif other is None or (one is not None and one.key < other.key):
                self._lone(one, None)
                one = next(left, None)
            else:
                self._lone(None, other)
                other = next(right, None)
        self._tally.compared += seen * len(self._tables.names)
        if self._tally.differing:
            self._tally.remarks.append(
                "rows that differ were paired by their size; key columns would pair"
                " them more surely"
            )


def _place(at: int, name: str) -> str:
    return f"row {at:,} {name!r}"


def _texts(one: Cell, other: Cell) -> tuple[str, str]:
    return _text(one), _text(other)


def _weight(row: Row) -> int:
    return 64 * len(row) + sum(len(cell) for cell in row if isinstance(cell, str))


def _text(cell: Cell) -> str:
    if cell is None:
        return "nothing"
    if isinstance(cell, str):
        return (
            cell if cell.isprintable() and cell.strip() == cell and cell else repr(cell)
        )
    return written(cell) if isinstance(cell, (list, dict)) else repr(cell)


def _sortable(number: Number) -> str:
    """Text that sorts as the number does; the size of very long ones is enough."""
    try:
        value = float(number)
    except OverflowError:
        value = float("inf") if number > 0 else float("-inf")
    bits = struct.unpack(">Q", struct.pack(">d", value + 0.0))[0]
    bits = bits ^ (1 << 63) if not bits >> 63 else bits ^ ((1 << 64) - 1)
    return f"{bits:016x}"
