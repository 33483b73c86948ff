"""The history of audits in SQL, the same for SQLite and PostgreSQL."""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Row, func, insert, select, update

from reverify.errors import DamagedError, StoreError
from reverify.model.audit import Check, Noted, Run
from reverify.store.database import Database
from reverify.store.tables import (
    audit_checks,
    audit_crates,
    audit_findings,
    audit_runs,
    head,
)

_MOST_FINDINGS = 256 << 20
"""Bytes of JSON that the findings of one crate may be."""


class History:
    """Keeps what audits found; rows are added and never changed.

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction in which nobody else writes: numbers are given one by one."""
        with self._database.writing() as connection:
            connection.execute(select(head).with_for_update()).all()
            yield connection

    # -- writing -----------------------------------------------------------------------

    def begin(
        self, collection: str, roots: Sequence[str], tool: str, now: str
    ) -> tuple[Run, bool]:
        """Begin a run, or go on with the one of that collection that did not finish.

        Returns:
            the run, and whether it goes on.
        """
        with self._writing() as connection:
            left = select(audit_runs).where(
                audit_runs.c.collection == collection, audit_runs.c.finished.is_(None)
            )
            found = connection.execute(left.order_by(audit_runs.c.number)).first()
            if found is not None:
                return _run(found), True
            number = _next(connection, audit_runs.c.number)
            row = {
                "number": number,
                "collection": collection,
                "roots": json.dumps(list(roots)).encode(),
                "tool": tool,
                "started": now,
            }
            connection.execute(insert(audit_runs), [row])
            return Run(number, collection, tuple(roots), tool, now), False

    def add(self, check: Check, noted: Sequence[Noted]) -> None:
        """Keep what was found of a crate: all of it, or nothing.

        A crate that the run has already is left as it is.
        """
        data = _packed(noted)
        sha256 = hashlib.sha256(zlib.decompress(data)).hexdigest()
        with self._writing() as connection:
            crate = _crate(connection, check.crate)
            known = select(audit_checks.c.run).where(
                audit_checks.c.run == check.run, audit_checks.c.crate == crate
            )
            if connection.execute(known).first() is not None:
                return
            row = {
                "run": check.run,
                "crate": crate,
                "findings": _findings(connection, sha256, data),
                "at": check.at,
                "outcome": check.outcome,
                "level": check.level,
                "digest": check.digest,
            }
            connection.execute(insert(audit_checks), [row])

    def finish(self, number: int, now: str) -> Run:
        """Seal a run: it is never changed again."""
        with self._writing() as connection:
            run = _one(connection, number)
            if run.finished is not None:
                return run
            last = (
                select(audit_runs.c.seal)
                .where(audit_runs.c.seal.is_not(None))
                .order_by(audit_runs.c.finished.desc(), audit_runs.c.number.desc())
            )
            before = connection.execute(last.limit(1)).scalar()
            run = run._replace(finished=now, before=before)
            seal = _seal(connection, run)
            change = update(audit_runs).where(audit_runs.c.number == number)
            connection.execute(change.values(finished=now, before=before, seal=seal))
            return run._replace(seal=seal)

    # -- reading -----------------------------------------------------------------------

    def runs(self, collection: str | None = None) -> list[Run]:
        """All runs, the first one first; of one collection, if it is named."""
        query = select(audit_runs).order_by(audit_runs.c.number)
        if collection is not None:
            query = query.where(audit_runs.c.collection == collection)
        with self._database.reading() as connection:
            rows = connection.execute(query).all() if connection is not None else []
            return [_run(row) for row in rows]

    def checked(self, run: int) -> set[str]:
        """The crates that a run has already."""
        with self._database.reading() as connection:
            if connection is None:
                return set()
            query = (
                select(audit_crates.c.location)
                .join(audit_checks, audit_checks.c.crate == audit_crates.c.id)
                .where(audit_checks.c.run == run)
            )
            return {
                row.location.decode("utf-8", "surrogateescape")
                for row in connection.execute(query)
            }

    def checks(
        self, *, run: int | None = None, crate: str | None = None
    ) -> Iterator[Check]:
        """What became of crates, of a run or of a crate, in the order of the runs."""
        query = (
            select(audit_checks, audit_crates.c.location)
            .join(audit_crates, audit_checks.c.crate == audit_crates.c.id)
            .order_by(audit_checks.c.run, audit_crates.c.location)
        )
        if run is not None:
            query = query.where(audit_checks.c.run == run)
        if crate is not None:
            query = query.where(audit_crates.c.location_sha256 == _sha256(crate))
        with self._database.reading() as connection:
            if connection is None:
                return
            for row in connection.execute(query).yield_per(500):
                yield Check(
                    run=row.run,
                    crate=row.location.decode("utf-8", "surrogateescape"),
                    at=row.at,
                    outcome=row.outcome,
                    level=row.level,
                    digest=row.digest,
                    findings=row.findings,
                )

    def findings(self, number: int) -> tuple[Noted, ...]:
        """The findings that are kept under a number.

        Raises:
            DamagedError: they are not what was put there.
        """
        with self._database.reading() as connection:
            query = select(audit_findings).where(audit_findings.c.id == number)
            row = connection.execute(query).first() if connection is not None else None
        if row is None:
            raise DamagedError(f"findings {number} are gone", _RESTORE)
        text = _unpacked(row.data)
        if hashlib.sha256(text).hexdigest() != row.sha256:
            raise DamagedError(
                f"findings {number} are not what was put there", _RESTORE
            )
        return tuple(Noted(*item) for item in json.loads(text))

    def faults(self) -> Iterator[str]:
        """What is not as it was sealed, a sentence each; nothing if all is well."""
        with self._database.reading() as connection:
            if connection is None:
                return
            before: str | None = None
            order = audit_runs.c.finished, audit_runs.c.number
            finished = select(audit_runs).where(audit_runs.c.finished.is_not(None))
            for row in connection.execute(finished.order_by(*order)).all():
                run = _run(row)
                if run.before != before:
                    yield f"run {run.number}: the run before it is not the one it names"
                if _seal(connection, run) != run.seal:
                    yield f"run {run.number}: its rows are not what was sealed"
                before = run.seal
            for row in connection.execute(select(audit_findings)).yield_per(200):
                try:
                    text = _unpacked(row.data)
                except DamagedError as error:
                    yield f"findings {row.id}: {error}"
                    continue
                if hashlib.sha256(text).hexdigest() != row.sha256:
                    yield f"findings {row.id}: are not what was put there"


_RESTORE = "restore a copy of the database"


def _run(row: Row[Any]) -> Run:
    roots = json.loads(row.roots)
    names = set(Run._fields) - {"roots", "options", "summary"}
    values = {name: getattr(row, name) for name in names}
    return Run(roots=tuple(roots), **values)


def _one(connection: Connection, number: int) -> Run:
    query = select(audit_runs).where(audit_runs.c.number == number)
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise StoreError(f"there is no run {number}")
    return _run(row)


def _next(connection: Connection, column: Column[int]) -> int:
    last: int | None = connection.execute(select(func.max(column))).scalar()
    return (last or 0) + 1


def _sha256(location: str) -> str:
    return hashlib.sha256(location.encode("utf-8", "surrogateescape")).hexdigest()


def _crate(connection: Connection, location: str) -> int:
    """The number of a crate; a new one if it was never seen."""
    sha256 = _sha256(location)
    query = select(audit_crates.c.id).where(audit_crates.c.location_sha256 == sha256)
    known = connection.execute(query).scalar()
    if known is not None:
        return int(known)
    number = _next(connection, audit_crates.c.id)
    data = location.encode("utf-8", "surrogateescape")
    row = {"id": number, "location_sha256": sha256, "location": data}
    connection.execute(insert(audit_crates), [row])
    return number


def _findings(connection: Connection, sha256: str, data: bytes) -> int:
    """The number of a set of findings; what is known already is not kept again."""
    query = select(audit_findings.c.id).where(audit_findings.c.sha256 == sha256)
    known = connection.execute(query).scalar()
    if known is not None:
        return int(known)
    number = _next(connection, audit_findings.c.id)
    row = {"id": number, "sha256": sha256, "data": data}
    connection.execute(insert(audit_findings), [row])
    return number


def _packed(noted: Sequence[Noted]) -> bytes:
    return zlib.compress(json.dumps([list(each) for each in noted]).encode())


def _unpacked(data: bytes) -> bytes:
    packed = zlib.decompressobj()
    try:
        text = packed.decompress(data, _MOST_FINDINGS)
    except (zlib.error, TypeError) as error:
        raise DamagedError("findings cannot be unpacked", _RESTORE) from error
    if not packed.eof:
        raise DamagedError("findings are cut short, or larger than any", _RESTORE)
    return text


def _seal(connection: Connection, run: Run) -> str:
    """A digest over a run, all of its rows, and the seal before it."""
    digest = hashlib.sha256()

    def take(*values: object) -> None:
        digest.update(json.dumps(values).encode() + b"\n")

    take(run.number, run.collection, run.roots, run.tool, run.started, run.finished)
    take(run.before)
    query = (
        select(audit_checks, audit_crates.c.location_sha256, audit_findings.c.sha256)
        .join(audit_crates, audit_checks.c.crate == audit_crates.c.id)
        .join(audit_findings, audit_checks.c.findings == audit_findings.c.id)
        .where(audit_checks.c.run == run.number)
        .order_by(audit_crates.c.location_sha256)
    )
    for row in connection.execute(query).yield_per(500):
        what = row.location_sha256, row.sha256, row.at, row.outcome
        take(*what, row.level, row.digest)
    return digest.hexdigest()
