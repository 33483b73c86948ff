"""A row for each crate: typed, harmless in a spreadsheet, and never all at once."""

import csv
import io
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.audits.reporting import tables
from reverify.audits.reporting.row import Row
from reverify.audits.reporting.tables import COLUMNS, csv_lines, write_parquet
from reverify.errors import UsageError
from reverify.model.outcome import ClaimKind

from tests.audits.overviews import DIGEST, HOSTILE, check, noted


def read(*rows: Row) -> list[dict[str, str]]:
    text = b"".join(csv_lines(rows)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def bad(many: int = 1, **changes: str) -> Row:
    return Row(check(outcome="refuted"), (noted(**changes),) * many)


def test_a_row_says_what_became_of_a_crate() -> None:
    (row,) = read(Row(check(7), read_at="2026-01-31T12:00:00Z"))
    assert row == {
        "crate": "/srv/archive/crates/a/crate-1",
        "outcome": "confirmed",
        "level": "intact",
        "conformance": "confirmed",
        "completeness": "confirmed",
        "fixity": "confirmed",
        "source": "not-applicable",
        "archival": "untested",
        "execution": "untested",
        "reading": "full",
        "why": "due",
        "run": "7",
        "at": "2025-04-13T22:00:00Z",
        "last_full_run": "7",
        "last_full_at": "2026-01-31T12:00:00Z",
        "files": "12",
        "bytes": "48000000",
        "seconds": "0.21",
        "sha256": DIGEST,
        "problems": "0",
        "findings": "",
    }


def test_there_is_a_column_for_each_kind() -> None:
    assert {kind.value for kind in ClaimKind} <= {column.name for column in COLUMNS}


def test_what_is_unknown_is_empty() -> None:
    (row,) = read(Row(check(kinds=None, last_full=None, level=None, digest=None)))
    for name in ("fixity", "last_full_run", "last_full_at", "level", "sha256"):
        assert row[name] == ""


def test_the_first_findings_are_told_and_all_are_counted() -> None:
    (row,) = read(bad(7, reason="it is bad"))
    assert row["problems"] == "7"
    assert row["findings"] == " | ".join(["fixity/digest-mismatch: it is bad"] * 5)


def test_everything_is_quoted() -> None:
    for line in csv_lines([bad(2, reason='say "no", twice')]):
        assert line.startswith(b'"')
        assert line.endswith(b'"\r\n')
        assert line.count(b"\n") == 1


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "|x", "  =1", "\uff1d1"]
)
def test_what_would_begin_a_formula_has_an_apostrophe_before_it(name: str) -> None:
    (row,) = read(Row(check(crate=name)))
    assert row["crate"] == f"'{name}"


@pytest.mark.parametrize("name", ["\t=1", "\r=1", "\n=1", "\ufeff=1"])
def test_what_cannot_be_seen_does_not_hide_a_formula(name: str) -> None:
    (row,) = read(Row(check(crate=name)))
    assert row["crate"][0] in "\\'"


def test_hostile_text_stays_in_its_cell() -> None:
    lines = list(csv_lines([Row(check(crate=HOSTILE), (noted(reason=HOSTILE),))]))
    assert len(lines) == 2
    assert not any(byte < 0x20 for byte in lines[1].removesuffix(b"\r\n"))
    assert "\u202e" not in lines[1].decode()


@given(st.text())
def test_any_name_is_one_cell_of_one_line(name: str) -> None:
    lines = list(csv_lines([Row(check(crate=name))]))
    (row,) = csv.reader([lines[1].decode()])
    assert len(row) == len(COLUMNS)
    assert row[0].lstrip()[:1] not in {"=", "+", "-", "@"}


def counted(many: int, seen: list[int]) -> Iterator[Row]:
    for number in range(many):
        seen.append(number)
        yield Row(check(crate=f"/srv/{number}"), (noted(),) * 3)


def test_a_line_is_written_before_the_next_row_is_asked_for() -> None:
    seen: list[int] = []
    lines = csv_lines(counted(3, seen))
    next(lines)
    assert seen == []
    next(lines)
    assert seen == [0]


def test_memory_does_not_grow_with_the_rows() -> None:
    for _ in csv_lines(counted(10, [])):
        pass
    tracemalloc.start()
    size = sum(len(line) for line in csv_lines(Row(check()) for _ in range(5_000)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 1_000_000
    assert most < 200_000


def parquet(path: Path, *rows: Row) -> list[dict[str, object]]:
    from pyarrow import parquet as reader  # noqa: PLC0415 - large

    with path.open("wb") as stream:
        write_parquet(rows, stream)
    found: list[dict[str, object]] = reader.read_table(path).to_pylist()
    return found


def test_parquet_has_the_same_columns_with_types(tmp_path: Path) -> None:
    (row,) = parquet(tmp_path / "a.parquet", bad(2)._replace(read_at="2026-01-31"))
    assert list(row) == [column.name for column in COLUMNS]
    assert row["bytes"] == 48_000_000
    assert row["seconds"] == 0.21
    assert row["at"] == datetime(2025, 7, 13, 22, tzinfo=UTC)
    assert row["problems"] == 2
    assert row["fixity"] == "confirmed"


def test_parquet_keeps_names_as_they_are(tmp_path: Path) -> None:
    (row,) = parquet(tmp_path / "a.parquet", Row(check(crate="=1\x1b\ud800|")))
    assert row["crate"] == "=1\x1b\\ud800|"


def test_what_is_unknown_is_null(tmp_path: Path) -> None:
    (row,) = parquet(tmp_path / "a.parquet", Row(check(kinds=None, bytes=None)))
    assert row["fixity"] is None
    assert row["bytes"] is None
    assert row["last_full_at"] is None
    assert row["findings"] is None


def test_no_rows_are_a_table_all_the_same(tmp_path: Path) -> None:
    assert parquet(tmp_path / "a.parquet") == []
    assert len(list(csv_lines([]))) == 1


def test_parquet_is_written_group_by_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow import parquet as reader  # noqa: PLC0415 - large

    monkeypatch.setattr(tables, "GROUP_ROWS", 10)
    path = tmp_path / "a.parquet"
    with path.open("wb") as stream:
        write_parquet(counted(25, []), stream)
    groups = reader.ParquetFile(path).metadata
    assert [groups.row_group(n).num_rows for n in range(3)] == [10, 10, 5]


def test_without_pyarrow_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"reverify\[parquet\]"):
        write_parquet([], io.BytesIO())
