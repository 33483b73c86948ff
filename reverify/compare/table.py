"""Two tables: which columns they have in common, then row by row."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from reverify.compare.delimited import (
    delimiter_of,
    is_header,
    read_delimited,
    sample,
)
from reverify.compare.interface import Job, MalformedError, NotComparableError
from reverify.compare.rows import Rows, Tables
from reverify.compare.sorting import Row
from reverify.compare.tally import Tally
from reverify.compare.tolerance import number_in
from reverify.model.comparison import Comparison, Method, Rule


class Columns:
    """Which columns are compared, and where they stand on each side.

    Columns are matched by their names; where names are not unique, by their places.

    Args:
        expected: the names on one side.
        actual: those on the other.
        rule: which of them are keys, and which do not count.
        tally: where missing columns are noted.

    Attributes:
        names: of the columns that are compared.
        left: their places on the expected side.
        right: their places on the other.

    Raises:
        NotComparableError: neither side has a key column.
    """

    def __init__(
        self, expected: Sequence[str], actual: Sequence[str], rule: Rule, tally: Tally
    ) -> None:
        if len({*expected}) < len(expected) or len({*actual}) < len(actual):
            tally.remarks.append("names of columns are not unique: matched by place")
            pairs = _by_place(expected, actual, rule, tally)
        else:
            pairs = _by_name(expected, actual, rule, tally)
        for name in rule.ignore_columns:
            if name not in expected and name not in actual:
                tally.remarks.append(f"ignore_columns: there is no column {name!r}")
        self.names = [name for name, _, _ in pairs]
        self.left = [at for _, at, _ in pairs]
        self.right = [at for _, _, at in pairs]
        if not tally.differing and self.right != sorted(self.right):
            tally.differ("the header", ", ".join(expected), ", ".join(actual))
            tally.remarks.append("columns are in another order; matched by name")
        self.keys = self._keys(expected, actual, rule)

    def _keys(
        self, expected: Sequence[str], actual: Sequence[str], rule: Rule
    ) -> list[int] | None:
        """The places of key columns; None if one is missing on one side."""
        for name in rule.key_columns:
            if name in rule.ignore_columns:
                raise NotComparableError(
                    f"column {name!r} is to be ignored, and is a key column too"
                )
            if name not in expected and name not in actual:
                raise NotComparableError(
                    f"key_columns: there is no column {name!r}; there are"
                    f" {', '.join(map(repr, expected[:20]))}"
                )
        if not all(name in self.names for name in rule.key_columns):
            return None
        return [self.names.index(name) for name in rule.key_columns]


Placed = list[tuple[str, int, int]]


def _by_name(
    expected: Sequence[str], actual: Sequence[str], rule: Rule, tally: Tally
) -> Placed:
    places = {name: at for at, name in enumerate(actual)}
    known = {*expected, *rule.ignore_columns}
    for name in expected:
        if name not in places and name not in rule.ignore_columns:
            tally.differ(f"column {name!r}", "a column", None)
    for name in actual:
        if name not in known:
            tally.differ(f"column {name!r}", None, "a column")
    return [
        (name, at, places[name])
        for at, name in enumerate(expected)
        if name in places and name not in rule.ignore_columns
    ]


def _by_place(
    expected: Sequence[str], actual: Sequence[str], rule: Rule, tally: Tally
) -> Placed:
    if len(expected) != len(actual):
        tally.differ("the header", f"{len(expected)} columns", f"{len(actual)} columns")
    for at, (one, other) in enumerate(zip(expected, actual, strict=False)):
        if one != other:
            tally.differ(f"the name of column {at + 1}", repr(one), repr(other))
    return [
        (name, at, at)
        for at, (name, other) in enumerate(zip(expected, actual, strict=False))
        if name not in rule.ignore_columns or other not in rule.ignore_columns
    ]


def compare_delimited(job: Job) -> Comparison:
    """Compare two tables of delimited text."""
    tally = Tally(job.rule, job.bounds.shown)
    samples = [sample(job.expected), sample(job.actual)]
    if any(b"\0" in data for data in samples):
        raise MalformedError("it has NUL characters, as no table of text has")
    delimiter = delimiter_of(job.name, samples)
    with job.expected.open() as expected, job.actual.open() as actual:
        left = read_delimited(job, expected, delimiter)
        right = read_delimited(job, actual, delimiter)
        named = job.rule.key_columns or job.rule.ignore_columns
        if named or is_header([left.first, right.first]):
            names, others = left.first, right.first
            ones, twos = left.rows, right.rows
        else:
            names, others = _numbers(left.first), _numbers(right.first)
            ones, twos = left.all(), right.all()
            tally.remarks.append("the first row holds numbers: taken for no header")
        columns = Columns(names, others, job.rule, tally)
        if columns.keys is not None and columns.names:
            tables = Tables(
                names=columns.names,
                keys=columns.keys,
                expected=project(ones, columns.left, len(names)),
                actual=project(twos, columns.right, len(others)),
                number_of=number_in,
            )
            Rows(job, tables, tally).compare()
    return tally.finish(job.name, Method.TABLE, "cells")


def _numbers(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(at) for at in range(1, len(row) + 1))


def project(rows: Iterator[Row], places: Sequence[int], width: int) -> Iterator[Row]:
    """Take some cells of each row; of a row of another width what there is.

    What stands behind the last column is kept, so that it shows.
    """
    if list(places) == list(range(width)):
        return rows
    return _projected(rows, places, width)


def _projected(rows: Iterator[Row], places: Sequence[int], width: int) -> Iterator[Row]:
    pick = itemgetter(*places)
    alone = len(places) == 1
    for row in rows:
        if len(row) == width:
            yield (pick(row),) if alone else pick(row)
        else:
            chosen = tuple(row[at] for at in places if at < len(row))
            yield chosen + row[width:]
