"""A row for each crate: CSV for spreadsheets, Parquet for programs.

Neither keeps more than some rows: a collection may have a hundred thousand crates.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from reverify.audits.reporting.row import Row
from reverify.errors import UsageError
from reverify.formats.escape import printable
from reverify.model.outcome import ClaimKind

SHOWN = 5
"""Findings of a crate that are written out; all are counted."""
GROUP_ROWS = 10_000
"""Rows of one row group of Parquet."""
_MOST = 1000
_FORMULA = tuple("=+-@|\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet may take for the beginning of a formula, the wide ones too.

Source: OWASP, CSV Injection. Tabs and line ends, named there too, are written out.
"""


class Column(NamedTuple):
    """One column.

    Attributes:
        name: its name.
        type: `text`, `number`, `seconds` or `time`.
        meaning: what stands in it, for the documentation.
        value: takes it from a row.
    """

    name: str
    type: str
    meaning: str
    value: Callable[[Row], Any]


def _kind(kind: ClaimKind) -> Column:
    meaning = f"the outcome of {kind.value}; empty if it is not known"
    return Column(kind.value, "text", meaning, lambda row: row.kinds.get(kind.value))


COLUMNS = (
    Column("crate", "text", "where it is", lambda row: row.check.crate),
    Column(
        "outcome",
        "text",
        "the verdict; `untested` if it was never read",
        lambda row: row.check.outcome,
    ),
    Column(
        "level",
        "text",
        "the level reached; empty if none is",
        lambda row: row.check.level,
    ),
    *map(_kind, ClaimKind),
    Column(
        "reading",
        "text",
        "how much was read in this run: `full`, `part`, `quick` (no fixity), `none`",
        lambda row: str(row.check.reading),
    ),
    Column(
        "why", "text", "why it was read, or why not", lambda row: str(row.check.why)
    ),
    Column("run", "number", "the run", lambda row: row.check.run),
    Column("at", "time", "when it was looked at", lambda row: row.check.at),
    Column(
        "last_full_run",
        "number",
        "the run that last read it in full; empty if none did",
        lambda row: row.check.last_full,
    ),
    Column("last_full_at", "time", "when that was", lambda row: row.read_at),
    Column("files", "number", "files it had then", lambda row: row.check.files),
    Column("bytes", "number", "bytes they had", lambda row: row.check.bytes),
    Column("seconds", "seconds", "how long it took", lambda row: row.check.seconds),
    Column(
        "sha256",
        "text",
        "the digest of what was checked; empty if not all was read",
        lambda row: row.check.digest,
    ),
    Column(
        "problems",
        "number",
        "errors and warnings that do not hold, or cannot be told",
        lambda row: len(row.findings),
    ),
    Column(
        "findings",
        "text",
        f"the first {SHOWN} of them, a line each: rule, then reason",
        lambda row: (
            "\n".join(f"{f.rule}: {f.reason}" for f in row.findings[:SHOWN]) or None
        ),
    ),
)
"""The columns of both tables, in their order."""


def csv_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    r"""Write a line of names, then a line for each row, each as soon as it is there.

    All fields are quoted, lines end with CR and LF, it is UTF-8. What a spreadsheet
    would take for a formula has an apostrophe before it. Invisible characters are
    written as `\x1b`; the findings of a crate are put apart by ` | `.

    Source: RFC 4180.
    """
    yield _line(column.name for column in COLUMNS)
    for row in rows:
        yield _line(_cell(column.value(row)) for column in COLUMNS)


def _line(values: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(values)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """A value as a spreadsheet may have it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    shown = " | ".join(printable(line, _MOST) for line in value.split("\n"))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def write_parquet(rows: Iterable[Row], stream: BinaryIO) -> None:
    """Write rows with their types, a row group for every ten thousand.

    Text is as it is, since programs read it: escape it where you show it. Times are
    milliseconds in UTC.

    Args:
        rows: may be produced while they are written.
        stream: where to; it need not be able to seek.

    Raises:
        UsageError: pyarrow is not installed.
    """
    pa, parquet = _pyarrow()
    types = {
        "text": pa.string(),
        "number": pa.int64(),
        "seconds": pa.float64(),
        "time": pa.timestamp("ms", tz="UTC"),
    }
    schema = pa.schema([(column.name, types[column.type]) for column in COLUMNS])
    waiting = iter(rows)
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while group := list(islice(waiting, GROUP_ROWS)):
            columns = [[_typed(c, c.value(row)) for row in group] for c in COLUMNS]
            arrays = [
                pa.array(values, type=field.type)
                for values, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - large, and an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed;"
            " pip install 'reverify[parquet]' brings it, or take --format csv"
        ) from error
    return pa, parquet


def _typed(column: Column, value: Any) -> Any:  # noqa: ANN401 - each column has its own
    """A value as pyarrow takes it; half a surrogate pair is no text for anybody."""
    if value is None:
        return None
    if column.type == "time":
        return datetime.fromisoformat(value)
    if column.type == "text":
        return str(value).encode("utf-8", "backslashreplace").decode()
    return value
