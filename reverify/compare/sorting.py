"""Sort more rows than memory holds, in a temporary database of our own."""

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from reverify.compare.interface import Job, NotComparableError

Row = tuple[Any, ...]
PAGE = 4096
CACHE_KIB = 32 * 1024
TICK = 10_000

_encoder = json.JSONEncoder(separators=(",", ":"), default=repr)


def encode(row: Any) -> str:  # noqa: ANN401 - cells of any kind
    """A row as ASCII text, the same for the same cells."""
    return _encoder.encode(row)


class Sorted(NamedTuple):
    """A row of one side.

    Attributes:
        key: what it is sorted by.
        number: its place in the table, counted from 1.
        text: the row, encoded.
    """

    key: str
    number: int
    text: str

    @property
    def row(self) -> Row:
        """Its cells; those that JSON does not have are texts now."""
        return tuple(json.loads(self.text))


class Sorter:
    """A temporary database; it is gone when the context is left.

    Raises (while in use):
        NotComparableError: it needs more disk than it may have, or than there is.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stack = contextlib.ExitStack()
        self._database = sqlite3.connect(":memory:")

    def __enter__(self) -> Self:
        folder = self._stack.enter_context(
            tempfile.TemporaryDirectory(prefix="reverify-")
        )
        self._database = sqlite3.connect(Path(folder) / "rows", isolation_level=None)
        self._stack.callback(self._database.close)
        pages = max(1, self._job.bounds.disk_bytes // PAGE)
        for pragma in (
            f"page_size={PAGE}",
            "journal_mode=OFF",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            "temp_store=FILE",
            f"cache_size=-{CACHE_KIB}",
            f"max_page_count={pages}",
        ):
            self._database.execute(f"PRAGMA {pragma}")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def put(
        self, side: str, rows: Iterator[Row], key_of: Callable[[Row], str] | None = None
    ) -> Iterator[Sorted]:
        """Take in the rows of one side, then give them sorted by key and number.

        Args:
            side: a word of ours, the name of a table.
            rows: the rows.
            key_of: what to sort a row by; by the whole of it if none is given.
        """

        def records() -> Iterator[tuple[str, int, str | None]]:
            for number, row in enumerate(rows, 1):
                if not number % TICK:
                    self._job.tick()
                text = encode(row)
                if key_of is None:
                    yield text, number, None
                else:
                    yield key_of(row), number, text

        with _refusing():
            self._make(side)
            self._database.execute("BEGIN")
            self._database.executemany(_INSERT.format(side), records())
            self._database.execute("COMMIT")
        return self._sorted(side)

    def put_again(
        self, items: Iterator[tuple[str, Sorted]], key_of: Callable[[Row], str]
    ) -> dict[str, Iterator[Sorted]]:
        """Take in rows under another key, each with the side it belongs to.

        Returns:
            the rows of each side, sorted.
        """
        sides: dict[str, Iterator[Sorted]] = {}
        with _refusing():
            for number, (side, item) in enumerate(items):
                if not number % TICK:
                    self._job.tick()
                if side not in sides:
                    self._make(side)
                    sides[side] = self._sorted(side)
                record = (key_of(item.row), item.number, item.text)
                self._database.execute(_INSERT.format(side), record)
        return sides

    def _make(self, side: str) -> None:
        self._database.execute(f"CREATE TABLE {side} (key TEXT, number INT, row TEXT)")

    def _sorted(self, side: str) -> Iterator[Sorted]:
        query = f"SELECT key, number, row FROM {side} ORDER BY key, number"  # noqa: S608
        with _refusing():
            for key, number, text in self._database.execute(query):
                yield Sorted(key, number, key if text is None else text)


_INSERT = "INSERT INTO {} VALUES (?, ?, ?)"


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise NotComparableError(
            f"its rows cannot be sorted on disk ({error}); there may be too little room"
            " in the folder for temporary files"
        ) from error
