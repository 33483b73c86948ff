"""Read a table from text whose cells are delimited by commas, tabs or the like."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from reverify.compare.files import head
from reverify.compare.interface import Job, MalformedError, Openable
from reverify.compare.lines import line_groups
from reverify.compare.tolerance import number_in

DELIMITERS = ",\t;|"
SAMPLE_BYTES = 64 * 1024
SAMPLE_ROWS = 20
COLUMNS = 100_000
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delimited:
    """A table.

    Attributes:
        first: its first row, which may be the names of its columns.
        rows: the rows behind it.
    """

    first: Row
    rows: Iterator[Row]

    def all(self) -> Iterator[Row]:
        """All rows, the first one too."""
        return chain((self.first,) if self.first else (), self.rows)


def delimiter_of(name: str, samples: Sequence[bytes]) -> str:
    """Choose the delimiter that makes the most of both sides, the same for both.

    Args:
        name: the file's; `.tsv` and `.tab` mean tabs.
        samples: the beginnings of both.
    """
    if name.lower().endswith((".tsv", ".tab")):
        return "\t"
    scores = {
        delimiter: sum(_score(sample, delimiter) for sample in samples)
        for delimiter in DELIMITERS
    }
    return max(DELIMITERS, key=lambda delimiter: scores[delimiter])


def sample(source: Openable) -> bytes:
    """The beginning of a file, as far as it is whole lines."""
    data = head(source, SAMPLE_BYTES)
    cut = data.rfind(b"\n") + 1
    return data[:cut] if cut else data


def _score(data: bytes, delimiter: str) -> float:
    """More for many cells, and for the same number of them in each row."""
    text = data.decode("utf-8-sig", "surrogateescape")
    widths = []
    try:
        for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) == SAMPLE_ROWS:
                break
    except csv.Error:
        return 0.0
    if not widths or max(widths) == 1:
        return 0.0
    usual = max(set(widths), key=widths.count)
    return widths.count(usual) / len(widths) * (2.0 - 1.0 / usual)


def read_delimited(job: Job, stream: BinaryIO, delimiter: str) -> Delimited:
    """Begin to read a table.

    Bytes that are not UTF-8 are kept as they are.

    Raises (while rows are read as well):
        MalformedError: it is no such table.
    """
    reader = csv.reader(_text_lines(job, stream), delimiter=delimiter, strict=True)
    rows = _rows(reader)
    first = next(rows, ())
    if len(first) > COLUMNS:
        raise MalformedError(f"it has more than {COLUMNS:,} columns")
    return Delimited(first, rows)


def _rows(reader: Iterator[list[str]]) -> Iterator[Row]:
    try:
        for row in reader:
            yield tuple(row) or ("",)
    except csv.Error as error:
        line = getattr(reader, "line_num", 0)
        raise MalformedError(f"it is no table: {error}, line {line:,}") from error


def _text_lines(job: Job, stream: BinaryIO) -> Iterator[str]:
    mark = stream.read(3)
    if mark.startswith(_UTF16_MARKS):
        raise MalformedError("it is in UTF-16, not in UTF-8")
    begun = b"" if mark == _UTF8_MARK else mark
    for group in line_groups(stream, job.bounds.line_bytes, begun=begun):
        job.tick()
        text = group.decode("utf-8", "surrogateescape")
        yield from io.StringIO(text, newline="\n")


def is_header(first: Sequence[Row]) -> bool:
    """Whether first rows are names of columns: none of their cells is a number."""
    return all(number_in(cell) is None for row in first for cell in row)
