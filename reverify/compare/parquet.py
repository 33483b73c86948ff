"""Two tables in Parquet."""

from collections.abc import Iterator, Sequence
from typing import Any

from reverify.compare.files import on_disk
from reverify.compare.interface import Job, MalformedError, missing_library
from reverify.compare.rows import Rows, Tables, typed_number
from reverify.compare.sorting import Row
from reverify.compare.table import Columns, project
from reverify.compare.tally import Tally
from reverify.model.comparison import Comparison, Method

MAGIC = b"PAR1"
BATCH_ROWS = 16_384
BUFFER_BYTES = 1 << 20
COLUMNS = 10_000
Arrow = Any
"""Something of pyarrow."""


def compare_parquet(job: Job) -> Comparison:
    """Compare types of columns, then row by row."""
    try:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise missing_library("pyarrow") from error
    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    tally = Tally(job.rule, job.bounds.shown)
    with (
        on_disk(job.expected, job.bounds) as expected,
        on_disk(job.actual, job.bounds) as actual,
    ):
        try:
            one, other = (
                parquet.ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False)
                for stream in (expected, actual)
            )
            _compare(job, tally, one, other)
        except (pa.ArrowException, OSError) as error:
            raise MalformedError(f"it cannot be read as Parquet: {error}") from error
    return tally.finish(job.name, Method.TABLE, "cells")


def _compare(job: Job, tally: Tally, one: Arrow, other: Arrow) -> None:
    schemas = one.schema_arrow, other.schema_arrow
    for schema in schemas:
        if len(schema.names) > COLUMNS:
            raise MalformedError(f"it has more than {COLUMNS:,} columns")
    columns = Columns(schemas[0].names, schemas[1].names, job.rule, tally)
    for name, left, right in zip(
        columns.names, columns.left, columns.right, strict=True
    ):
        types = [
            str(_plain(schema.field(at).type))
            for schema, at in zip(schemas, (left, right), strict=True)
        ]
        if types[0] != types[1]:
            tally.differ(f"the type of column {name!r}", types[0], types[1])
    if columns.keys is None or not columns.names:
        return
    tables = Tables(
        names=columns.names,
        keys=columns.keys,
        expected=_rows(job, one, columns.left),
        actual=_rows(job, other, columns.right),
        number_of=typed_number,
    )
    Rows(job, tables, tally).compare()


def _plain(kind: Arrow) -> Arrow:
    """The type of the values, however they are stored."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_large_string(kind):
        return pa.string()
    return pa.binary() if pa.types.is_large_binary(kind) else kind


def _rows(job: Job, file: Arrow, places: Sequence[int]) -> Iterator[Row]:
    width = len(file.schema_arrow.names)
    batches = file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
    return project(_all_rows(job, batches), places, width)


def _all_rows(job: Job, batches: Iterator[Arrow]) -> Iterator[Row]:
    for batch in batches:
        job.tick()
        columns = [_values(job, column) for column in batch.columns]
        yield from zip(*columns, strict=True)


def _values(job: Job, column: Arrow) -> list[Any]:
    """The values of a column in Python; times as texts, which keep all digits."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    elif pa.types.is_decimal(column.type):
        column = column.cast(pa.float64() if job.rule.tolerant else pa.string())
    values: list[Any] = column.to_pylist()
    return values
