"""The store in SQL, the same for SQLite and PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, text, update

from reverify.errors import DamagedError
from reverify.model.capsule import Role
from reverify.model.registry import KeptFile, Place, Version
from reverify.store.database import Database
from reverify.store.interface import Entry, Head, Link, Store
from reverify.store.tables import capsules, files, head, versions

_CHUNK = 200
"""Rows that are held at once while many are read."""
_COLUMNS = [column for column in versions.c if column.name != "manifest"]


class SqlStore(Store):
    """Keeps versions of capsules in a database.

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def name(self) -> str:  # noqa: D102 - see Store
        return self._database.name

    def exists(self) -> bool:  # noqa: D102
        with self._database.reading() as connection:
            return connection is not None

    def append(  # noqa: D102 - see Store
        self, capsule: str, make: Callable[[Link], Entry | None]
    ) -> Version | None:
        with self._database.writing() as connection:
            # Locks out all who write; SQLite did so when the transaction began.
            end = self._head(connection, select(head).with_for_update())
            last = _one(connection, versions.c.sequence == end.sequence)
            if (last.digest if last else None) != end.digest:
                raise DamagedError(
                    f"{self._database.name}: its chain does not end where it says;"
                    " nothing was added",
                    "`reverify capsule verify-db` tells what is wrong",
                )
            latest = _latest(connection, capsule)
            entry = make(Link(end.sequence, end.digest, latest))
            if entry is None:
                return latest
            _add(connection, entry, is_first=latest is None)
            return entry.version

    def version(  # noqa: D102
        self, capsule: str, number: int | None = None
    ) -> Version | None:
        with self._database.reading() as connection:
            if connection is None:
                return None
            if number is None:
                return _latest(connection, capsule)
            which = versions.c.capsule == capsule, versions.c.number == number
            return _one(connection, *which)

    def versions(self, capsule: str) -> Iterator[Version]:  # noqa: D102
        query = select(*_COLUMNS).where(versions.c.capsule == capsule)
        yield from self._stream(query.order_by(versions.c.number))

    def capsules(  # noqa: D102
        self,
        *,
        status: str | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> Iterator[Version]:
        query = select(*_COLUMNS).join(
            capsules, capsules.c.latest == versions.c.sequence
        )
        if status is not None:
            query = query.where(versions.c.status == status)
        if before is not None:
            query = query.where(capsules.c.latest < before)
        order = capsules.c.latest.desc()
        if after is not None:
            query = query.where(capsules.c.latest > after)
            order = capsules.c.latest.asc()
        yield from self._stream(query.order_by(order))

    def matching(self, prefix: str, most: int) -> tuple[str, ...]:  # noqa: D102
        begins = capsules.c.id.startswith(prefix, autoescape=True)
        query = select(capsules.c.id).where(begins).order_by(capsules.c.id).limit(most)
        with self._database.reading() as connection:
            if connection is None:
                return ()
            return tuple(str(found) for found in connection.execute(query).scalars())

    def manifest(self, sequence: int) -> bytes | None:  # noqa: D102
        query = select(versions.c.manifest).where(versions.c.sequence == sequence)
        with self._database.reading() as connection:
            found = connection and connection.execute(query).scalar_one_or_none()
            return found if isinstance(found, bytes) else None

    def files(self, sequence: int) -> tuple[KeptFile, ...]:  # noqa: D102
        query = select(files).where(files.c.version == sequence)
        with self._database.reading() as connection:
            if connection is None:
                return ()
            rows = connection.execute(query.order_by(files.c.position)).all()
            if [row.position for row in rows] != list(range(len(rows))):
                raise DamagedError(
                    f"{self._database.name}: files of registration {sequence} are gone,"
                    " or were put in; restore a copy of it"
                )
            return tuple(self._file(row) for row in rows)

    def history(self) -> Iterator[Version]:  # noqa: D102
        yield from self._stream(select(*_COLUMNS).order_by(versions.c.sequence))

    def one(self, sequence: int) -> Version | None:  # noqa: D102
        with self._database.reading() as connection:
            if connection is None:
                return None
            return _one(connection, versions.c.sequence == sequence)

    def head(self) -> Head:  # noqa: D102
        with self._database.reading() as connection:
            if connection is None:
                return Head(0, None)
            return self._head(connection, select(head))

    def faults(self) -> Iterator[str]:  # noqa: D102
        with self._database.reading() as connection:
            if connection is None:
                return
            if self._database.is_sqlite:
                yield from _sqlite_faults(connection)
            for what, query in _STRAYS.items():
                yield from (f"{what} {row[0]}" for row in connection.execute(query))

    def close(self) -> None:  # noqa: D102
        self._database.close()

    def _head(self, connection: Connection, query: Select[Any]) -> Head:
        rows = connection.execute(query).all()
        if [row.id for row in rows] != [1] or not isinstance(rows[0].sequence, int):
            raise DamagedError(
                f"{self._database.name}: does not say once where its chain ends;"
                " restore a copy of it"
            )
        return Head(rows[0].sequence, rows[0].digest)

    def _stream(self, query: Select[Any]) -> Iterator[Version]:
        with self._database.reading() as connection:
            if connection is None:
                return
            streamed = connection.execution_options(yield_per=_CHUNK)
            for row in streamed.execute(query):
                yield _version(row)

    def _file(self, row: Row[Any]) -> KeptFile:
        try:
            _expect_kinds(row)
            return KeptFile(
                role=Role(row.role),
                path=row.path,
                sha256=row.sha256,
                size=row.size,
                place=Place(row.place),
                base=None if row.base is None else os.fsdecode(row.base),
            )
        except (ValueError, TypeError) as error:
            raise DamagedError(
                f"{self._database.name}: a file of registration {row.version} is kept"
                f" in a way that nobody wrote ({error}); restore a copy of it"
            ) from error


def _expect_kinds(row: Row[Any]) -> None:
    """SQLite lets anything be anywhere, and so does a damaged page.

    Raises:
        TypeError: a value is none that is kept there.
    """
    for value, kinds in (
        (row.path, str),
        (row.sha256, str | None),
        (row.size, int | None),
    ):
        if not isinstance(value, kinds):
            raise TypeError(f"{value!r} is of no kind that is kept there")


def _add(connection: Connection, entry: Entry, *, is_first: bool) -> None:
    version = entry.version
    latest = {"latest": version.sequence}
    if is_first:
        connection.execute(insert(capsules), {"id": version.capsule, **latest})
    else:
        connection.execute(
            update(capsules).where(capsules.c.id == version.capsule).values(latest)
        )
    row = {column.name: getattr(version, column.name) for column in _COLUMNS}
    row |= {"title": version.title.encode(), "manifest": entry.manifest}
    connection.execute(insert(versions), row)
    if entry.files:
        rows = [_row(version, *item) for item in enumerate(entry.files)]
        connection.execute(insert(files), rows)
    end = {"sequence": version.sequence, "digest": version.digest}
    connection.execute(update(head).values(end))


def _row(version: Version, position: int, file: KeptFile) -> dict[str, Any]:
    return {
        "version": version.sequence,
        "position": position,
        "role": str(file.role),
        "path": file.path,
        "sha256": file.sha256,
        "size": file.size,
        "place": str(file.place),
        "base": None if file.base is None else os.fsencode(file.base),
    }


def _latest(connection: Connection, capsule: str) -> Version | None:
    which = select(capsules.c.latest).where(capsules.c.id == capsule).scalar_subquery()
    return _one(connection, versions.c.sequence == which)


def _one(connection: Connection, *which: Any) -> Version | None:  # noqa: ANN401 - clauses
    row = connection.execute(select(*_COLUMNS).where(*which)).one_or_none()
    return None if row is None else _version(row)


def _version(row: Row[Any]) -> Version:
    """A version as it is kept; a title that is no text shows in its digest."""
    values = dict(row._mapping)  # noqa: SLF001 - the public name of it
    title = values["title"]
    if isinstance(title, bytes):
        values["title"] = title.decode(errors="replace")
    for name in ("sequence", "number"):
        if not isinstance(values[name], int):  # SQLite lets anything be anywhere
            raise DamagedError(f"a version has {values[name]!r} as its {name}")
    return Version(**values)


def _sqlite_faults(connection: Connection) -> Iterator[str]:
    for (said,) in connection.execute(text("PRAGMA integrity_check(100)")):
        if said != "ok":
            yield f"SQLite: {said}"
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"SQLite: row {row[1]} of {row[0]} belongs to nothing in {row[2]}"


_numbers = (
    select(
        versions.c.capsule,
        func.max(versions.c.sequence).label("latest"),
    )
    .group_by(versions.c.capsule)
    .subquery()
)
_STRAYS: dict[str, Select[Any]] = {
    "there are versions of a capsule that is not listed:": (
        select(_numbers.c.capsule).where(
            _numbers.c.capsule.not_in(select(capsules.c.id))
        )
    ),
    "another version than the last is listed as the latest of capsule": (
        select(capsules.c.id)
        .outerjoin(_numbers, _numbers.c.capsule == capsules.c.id)
        .where(func.coalesce(_numbers.c.latest, -1) != capsules.c.latest)
    ),
    "there are files of a version that is not there: registration": (
        select(files.c.version)
        .where(files.c.version.not_in(select(versions.c.sequence)))
        .distinct()
    ),
}
"""Rows that belong to nothing, by what to say of them."""
