"""Opens the one database: SQLite or PostgreSQL, its tables brought up to date.

Reading makes nothing: a database that is not there yet is an empty one. The first
write makes it, and whoever finds an older one brings it up to date, in one transaction
under the lock of a writer, so that it does not matter who comes first.
"""

import hashlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from reverify.errors import BusyError, DamagedError, StoreError, UsageError
from reverify.store.tables import KNOWN_REVISIONS, REVISION, VERSION_TABLE
from reverify.store.telling import BUSY_SECONDS, ELSEWHERE, first_line, translate

T = TypeVar("T")
CONNECT_SECONDS = 10
_LOCK = 0x7265_7665_7269_6679
"""The advisory lock of PostgreSQL under which migrations are made."""
_A_REVISION = re.compile(r"[0-9]{4}")


class Database:
    """A database, opened when it is first needed; safe for many threads.

    Args:
        url: `sqlite:////path/to/file` or `postgresql://user:password@host/name`.

    Raises:
        UsageError: the address makes no sense, or what it takes is not installed.
    """

    def __init__(self, url: str) -> None:
        self._url = _read(url)
        self._engine: Engine | None = None
        self._opening = threading.Lock()
        self._ready = False

    @property
    def name(self) -> str:
        """What to call it in a sentence, without a password."""
        if self._path is not None:
            return str(self._path)
        return self._url.set(drivername="postgresql").render_as_string()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self._path is not None

    @property
    def _path(self) -> Path | None:
        if self._url.get_backend_name() != "sqlite":
            return None
        return Path(str(self._url.database))

    def close(self) -> None:
        """Let go of all connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """One unchanging view of the database; None if there is nothing yet.

        Raises:
            StoreError: it cannot be read, or is of a newer reverify.
        """
        with self._translated("read"):
            if self._path is not None and not _holds_something(self._path):
                yield None
                return
            if not self._ready:
                revision = self._revision()
                if revision is None:
                    yield None
                    return
                if revision != REVISION:
                    self._migrate()
                self._ready = True
            with self._begun(write=False) as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it is there afterwards, or nothing.

        Raises:
            StoreError: it cannot be written, or is of a newer reverify.
        """
        with self._translated("written"):
            if self._path is not None and not _holds_something(self._path):
                _create(self._path)
                self._ready = False
            if not self._ready:
                self._migrate()
                self._ready = True
            with self._begun(write=True) as connection:
                yield connection

    @contextmanager
    def alone(self, what: str, *, wait: bool) -> Iterator[Callable[[], None]]:
        """Keep all others who want to do the same out meanwhile, on any machine.

        Args:
            what: is to be done alone.
            wait: whether to wait until others have done it.

        Yields:
            what sees that others are still kept out: a lock of PostgreSQL ends with
            its connection. It raises BusyError if others have begun meanwhile.

        Raises:
            BusyError: others are doing it, and nobody wants to wait.
        """
        key = hashlib.sha256(what.encode()).digest()
        with ExitStack() as held:
            if self._path is not None:
                self._lock_file(self._path, key, held, wait=wait)
                yield _is_kept
            else:
                lock = _SessionLock(int.from_bytes(key[:8], "big", signed=True))
                held.callback(lock.release)
                with self._translated("locked"):
                    lock.take(self._connect().connect(), wait=wait)
                yield lambda: self._keep_lock(lock)

    def _keep_lock(self, lock: "_SessionLock") -> None:
        if not lock.is_held():
            with self._translated("locked"):
                lock.take(self._connect().connect(), wait=False)

    def _lock_file(
        self, path: Path, key: bytes, held: ExitStack, *, wait: bool
    ) -> None:
        from filelock import FileLock, Timeout  # noqa: PLC0415 - takes its time

        lock = path.with_name(f"{path.name}-{key.hex()[:16]}.lock")
        with self._translated("locked"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                held.enter_context(FileLock(lock, timeout=-1 if wait else 0))
            except Timeout as error:
                raise BusyError("others are at it") from error

    # -- connections -------------------------------------------------------------------

    @contextmanager
    def _begun(self, *, write: bool) -> Iterator[Connection]:
        options: dict[str, Any] = {"write": write}
        if not self.is_sqlite and not write:
            options |= {"isolation_level": "REPEATABLE READ"}
            options |= {"postgresql_readonly": True}
        with self._connect().connect() as connection:
            connection.execution_options(**options)
            transaction = _patiently(connection.begin)
            with transaction:
                yield connection

    def _connect(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = self._new_engine()
            return self._engine

    def _new_engine(self) -> Engine:
        options: dict[str, Any] = {"max_overflow": -1, "hide_parameters": True}
        if self._path is not None:
            options["connect_args"] = {"timeout": BUSY_SECONDS}
            if _is_frozen(self._path):
                uri = f"{self._path.as_uri()}?mode=ro&immutable=1"
                options["creator"] = partial(
                    sqlite3.connect, uri, uri=True, check_same_thread=False
                )
        else:
            options["connect_args"] = {"application_name": "reverify"}
            if "connect_timeout" not in self._url.query:
                options["connect_args"]["connect_timeout"] = CONNECT_SECONDS
            options["pool_pre_ping"] = True
        try:
            engine = create_engine(self._url, **options)
        except ImportError as error:
            raise UsageError(
                f"{self.name}: PostgreSQL needs an extra: pip install"
                " 'reverify[postgresql]'"
            ) from error
        if self.is_sqlite:
            event.listen(engine, "connect", _prepare)
            event.listen(engine, "begin", _begin)
        return engine

    # -- tables ------------------------------------------------------------------------

    def _revision(self) -> str | None:
        """Which migration was made last; None if none was.

        Raises:
            StoreError: it is of a newer reverify, or of something else.
        """
        with self._begun(write=False) as connection:
            return self._revision_in(connection)

    def _revision_in(self, connection: Connection) -> str | None:
        tables = inspect(connection)
        if not tables.has_table(VERSION_TABLE):
            if self.is_sqlite and tables.get_table_names():
                raise StoreError(
                    f"{self.name}: is a database of something else; {ELSEWHERE}"
                )
            return None
        query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
        found = connection.execute(query).scalars().all()
        if len(found) != 1:
            raise DamagedError(
                f"{self.name}: does not say once what it is: its table"
                f" {VERSION_TABLE} has {len(found)} rows; restore a copy of it"
            )
        if not isinstance(found[0], str) or not _A_REVISION.fullmatch(found[0]):
            raise DamagedError(
                f"{self.name}: does not say what it is: its tables are of revision"
                f" {found[0]!r}; restore a copy of it"
            )
        if found[0] not in KNOWN_REVISIONS:
            raise StoreError(
                f"{self.name}: was made by a newer reverify (its tables are of revision"
                f" {found[0]!r}, this one knows {REVISION!r}); update reverify, or"
                f" {ELSEWHERE}"
            )
        return found[0]

    def _migrate(self) -> None:
        """Bring the tables up to date, alone."""
        if self.is_sqlite:
            with self._connect().connect() as connection:
                raw = connection.connection.driver_connection
                _patiently(lambda: raw.execute("PRAGMA journal_mode=WAL"))  # type: ignore[union-attr]
        with self._begun(write=True) as connection:
            if not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                encoding = connection.execute(text("SHOW server_encoding")).scalar()
                if encoding != "UTF8":
                    raise StoreError(
                        f"{self.name}: keeps text as {encoding}; make one with ENCODING"
                        " 'UTF8'"
                    )
            if self._revision_in(connection) == REVISION:
                return
            from alembic import command  # noqa: PLC0415 - only where it is needed
            from alembic.config import Config  # noqa: PLC0415

            config = Config()
            folder = Path(__file__).parent / "migrations"
            config.set_main_option("script_location", str(folder).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    # -- what goes wrong ---------------------------------------------------------------

    @contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise translate(error.orig or error, self.name, done) from error
        except sqlite3.Error as error:
            raise translate(error, self.name, done) from error
        except (SQLAlchemyError, UnicodeError) as error:
            raise DamagedError(
                f"{self.name}: holds what nobody put there ({first_line(error)});"
                " restore a copy of it"
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self.name}: cannot be {done} ({error.strerror}); {ELSEWHERE}"
            ) from error


class _SessionLock:
    """An advisory lock of PostgreSQL, which ends with its connection.

    Args:
        number: of the lock.
    """

    def __init__(self, number: int) -> None:
        self._number = {"number": number}
        self._connection: Connection | None = None

    def take(self, connection: Connection, *, wait: bool) -> None:
        """Take it on a connection, which is kept.

        Raises:
            BusyError: others have it.
        """
        self.release()
        self._connection = connection
        connection.execution_options(isolation_level="AUTOCOMMIT")
        verb = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
        asked = text(f"SELECT {verb}(:number)")
        if connection.execute(asked, self._number).scalar() is False:
            raise BusyError("others are at it")

    def is_held(self) -> bool:
        """Whether its connection is still there."""
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
        except SQLAlchemyError:
            pass
        return False

    def release(self) -> None:
        """Let go of it, if it is there still."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                unlock = text("SELECT pg_advisory_unlock(:number)")
                connection.execute(unlock, self._number)
            with suppress(SQLAlchemyError):
                connection.close()


def _is_kept() -> None:
    """A lock of a file is kept as long as its process lives."""


def _read(url: str) -> URL:
    try:
        found = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "REVERIFY_DB is no address of a database; write"
            " sqlite:////path/to/file.sqlite or postgresql://user@host/name"
        ) from error
    backend, _, driver = found.drivername.partition("+")
    if backend in {"postgresql", "postgres"} and driver in {"", "psycopg"}:
        return found.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or driver not in {"", "pysqlite"}:
        raise UsageError(
            f"REVERIFY_DB: {found.drivername} is not supported; write sqlite:// or"
            " postgresql://"
        )
    if found.host:
        raise UsageError(
            f"REVERIFY_DB: sqlite://{found.host} names a host; write three slashes"
            " before a relative path, four before an absolute one"
        )
    if not found.database or found.database == ":memory:" or found.query:
        raise UsageError(
            "REVERIFY_DB: a database of SQLite is a file, without options; write"
            " sqlite:////path/to/file.sqlite"
        )
    return found.set(database=str(Path(found.database).absolute()))


def _holds_something(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_frozen(path: Path) -> bool:
    """Whether it may only be read, so that nobody writes it while we do.

    SQLite needs to write beside a database even to read it, unless it is told so.
    """
    wal = path.with_name(f"{path.name}-wal")
    return not os.access(path, os.W_OK, effective_ids=True) and not wal.exists()


def _create(path: Path) -> None:
    """Make the file and its folder, for nobody but the user."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """Set up a new connection of SQLite."""
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in (
        "foreign_keys=ON",
        "synchronous=FULL",
        "trusted_schema=OFF",
        "cell_size_check=ON",
    ):
        _patiently(partial(connection.execute, f"PRAGMA {pragma}"))


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _patiently(act: Callable[[], T]) -> T:
    """Do it again while others are at it.

    SQLite waits by itself for a writer, but not for one that opens, recovers or closes
    the database just now.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return act()
        except (DBAPIError, sqlite3.OperationalError) as error:
            origin = error.orig if isinstance(error, DBAPIError) else error
            code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
            if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)
