"""Answers that are kept, so that nothing that was answered is asked again.

One SQLite file in a folder of its own, which nobody else may write. Each row carries a
digest of itself; a file that is damaged is set aside, and a new one begun.
"""

import contextlib
import hashlib
import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from reverify.errors import UsageError
from reverify.services.clock import Clock

T = TypeVar("T")
log = logging.getLogger(__name__)

FILE = "answers-1.sqlite"
"""The number is that of the tables; files of other numbers are let be."""
LOCK_SECONDS = 30.0
_CHUNK = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    base TEXT NOT NULL,
    question TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    at REAL NOT NULL,
    until REAL,
    seal BLOB NOT NULL,
    PRIMARY KEY (base, question)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_until ON answers (until) WHERE until IS NOT NULL;
"""
_FIND = "SELECT question, status, body, at, until, seal FROM answers WHERE base = ?"
_KEEP = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)"


class Kept(NamedTuple):
    """An answer.

    Attributes:
        question: what was asked.
        status: the HTTP status.
        body: the JSON text of the answer.
        at: when it was given, in UTC.
    """

    question: str
    status: int
    body: str
    at: datetime


class _DamagedError(Exception):
    """The file does not hold what was put there."""


class Cache:
    """Kept answers; safe for many threads and processes at once.

    Nothing is opened before it is first used.

    Args:
        folder: where the file lies; made if it is not there.
        clock: what time it is.
        oldest: how old an answer may be to count, in seconds; None if as old as it was
            kept for.

    Attributes:
        path: the file.
    """

    def __init__(
        self, folder: Path, clock: Clock, *, oldest: float | None = None
    ) -> None:
        self.path = folder / FILE
        self._oldest = oldest
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._inode = 0
        self._useless = False

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def find(self, base: str, questions: Sequence[str]) -> dict[str, Kept]:
        """Look for answers that still count.

        Args:
            base: the base of the API that was asked.
            questions: any number.

        Raises:
            UsageError: the folder or the file is not ours alone.
        """
        return self._run(
            lambda connection: dict(self._look(connection, base, questions)), {}
        )

    def _look(
        self, connection: sqlite3.Connection, base: str, questions: Sequence[str]
    ) -> Iterator[tuple[str, Kept]]:
        now = self._clock.now().timestamp()
        for start in range(0, len(questions), _CHUNK):
            some = questions[start : start + _CHUNK]
            marks = ", ".join("?" * len(some))
            query = f"{_FIND} AND question IN ({marks})"
            for row in connection.execute(query, (base, *some)):
                question, status, body, at, until, seal = row
                if seal != _seal(base, question, status, body, at, until):
                    raise _DamagedError("a row is not what was written")
                if self._oldest is not None and now - at > self._oldest:
                    continue
                if until is None or at <= now < until:
                    when = datetime.fromtimestamp(at, UTC)
                    yield question, Kept(question, status, body, when)

    def keep(self, base: str, answers: Iterable[Kept], seconds: float | None) -> None:
        """Keep answers; they are on the disk when this returns.

        Args:
            base: the base of the API that was asked.
            answers: any number; they replace older ones.
            seconds: how long they count; None for ever.

        Raises:
            UsageError: the folder or the file is not ours alone.
        """
        rows: list[tuple[object, ...]] = []
        for question, status, body, at in answers:
            until = None
            if seconds is not None:
                until = (at + timedelta(seconds=seconds)).timestamp()
            values = (base, question, status, body, at.timestamp(), until)
            rows.append((*values, _seal(*values)))
        if rows:
            self._run(lambda connection: _write(connection, rows), None)

    # -- the file ----------------------------------------------------------------------

    def _run(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do something with the file, once more with a new one if it is damaged."""
        with self._lock:
            for _ in range(2):
                try:
                    connection = self._open()
                    return otherwise if connection is None else action(connection)
                except (sqlite3.DatabaseError, _DamagedError) as error:
                    if not _tells_damage(error):
                        # Busy, full, or not to be written: we do without it.
                        log.warning("%s: answers are not kept (%s)", self.path, error)
                        return otherwise
                    self._set_aside(error)
        return otherwise

    def _open(self) -> sqlite3.Connection | None:
        if self._useless:
            return None
        if self._connection is not None and self._process == os.getpid():
            return self._connection
        try:
            _prepare(self.path)
            self._inode = self.path.stat().st_ino
        except OSError as error:
            log.warning("%s: answers are not kept (%s)", self.path, error.strerror)
            self._useless = True
            return None
        connection = sqlite3.connect(
            self.path,
            timeout=LOCK_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_TABLES)
            now = self._clock.now().timestamp()
            connection.execute("DELETE FROM answers WHERE until < ?", (now,))
        except BaseException:
            connection.close()
            raise
        self._connection, self._process = connection, os.getpid()
        return connection

    def _set_aside(self, error: Exception) -> None:
        """Begin anew; whoever wants to know finds the damaged file beside the new."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_ino != self._inode:
                return  # another process was faster
        now = self._clock.now()
        aside = self.path.with_name(f"{FILE}.damaged-{now:%Y%m%dT%H%M%S}-{os.getpid()}")
        log.warning(
            "%s: is damaged (%s); it is set aside as %s, and answers are asked anew",
            self.path,
            error,
            aside.name,
        )
        for ending in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{ending}", f"{aside}{ending}")  # noqa: PTH105


def _seal(*values: object) -> bytes:
    text = repr(values).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def _write(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_KEEP, rows)


def _tells_damage(error: Exception) -> bool:
    """Whether the file is not what we wrote; a busy or full disk is another matter."""
    if not isinstance(error, sqlite3.OperationalError):
        return True
    text = str(error)
    return any(part in text for part in ("no such", "has no column", "malformed"))


def _prepare(path: Path) -> None:
    """Make the folder and the file, readable by us alone, or see that they are so.

    Raises:
        UsageError: somebody else may write there.
        OSError: they cannot be made.
    """
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(mode=0o700)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    _refuse_strangers(path.parent, path.parent.lstat(), folder=True)
    if path.is_symlink():
        raise UsageError(f"{path}: is a link; remove it")
    handle = os.open(path, flags, 0o600)
    try:
        _refuse_strangers(path, os.fstat(handle), folder=False)
    finally:
        os.close(handle)


def _refuse_strangers(path: Path, found: os.stat_result, *, folder: bool) -> None:
    """See that a folder or file is ours, and ours alone."""
    is_right = stat.S_ISDIR if folder else stat.S_ISREG
    if not is_right(found.st_mode):
        raise UsageError(f"{path}: is no {'folder' if folder else 'file'}; remove it")
    if found.st_uid != os.geteuid():
        raise UsageError(
            f"{path}: belongs to another user (uid {found.st_uid}), who could put words"
            " into the archive's mouth; name another folder with REVERIFY_CACHE_DIR"
        )
    if found.st_mode & 0o077:
        raise UsageError(
            f"{path}: others may read or write it (mode"
            f" {stat.S_IMODE(found.st_mode):o}); `chmod {'700' if folder else '600'}`"
            " it"
        )
