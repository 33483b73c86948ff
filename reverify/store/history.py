"""The history of audits in SQL, the same for SQLite and PostgreSQL."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from sqlalchemy import Column, Connection, Row, func, insert, select, update

from reverify.errors import BusyError, DamagedError, StoreError
from reverify.model.audit import (
    Check,
    Known,
    Looked,
    Noted,
    Reading,
    Result,
    Run,
    Summary,
    Why,
)
from reverify.store import seals, tallies
from reverify.store.database import Database
from reverify.store.packing import RESTORE, pack, unpack
from reverify.store.tables import (
    audit_answers,
    audit_checks,
    audit_crates,
    audit_findings,
    audit_runs,
    head,
)
from reverify.store.tallies import Read

_PAGE = 500
_NOTHING = pack(())


class History:
    """Keeps what audits found; rows are added and never changed.

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._view: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @property
    def is_file(self) -> bool:
        """Whether it is a file of this machine, and no server that may come back."""
        return self._database.is_sqlite

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction in which nobody else writes: numbers are given one by one."""
        with self._database.writing() as connection:
            connection.execute(select(head).with_for_update()).all()
            yield connection

    # -- writing -----------------------------------------------------------------------

    def alone(
        self, collection: str, *, wait: bool
    ) -> AbstractContextManager[Callable[[], None]]:
        """Keep all other audits of a collection out meanwhile, on any machine.

        Args:
            collection: which.
            wait: whether to wait for one that is running.

        Yields:
            what sees that others are still kept out, and raises BusyError if not.

        Raises:
            BusyError: one is running, and nobody wants to wait.
        """
        return self._database.alone(f"audit {collection}", wait=wait)

    def begin(
        self,
        collection: str,
        roots: Sequence[str],
        tool: str,
        now: str,
        options: Mapping[str, Any] | None = None,
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
                "options": json.dumps(options or {}, sort_keys=True).encode(),
            }
            connection.execute(insert(audit_runs), [row])
            return _run(_one(connection, number)), False

    def add(
        self,
        run: int,
        result: Result,
        *,
        why: Why = Why.NEW,
        stamp: bytes | None = None,
        known: Known | None = None,
    ) -> None:
        """Keep what was found of a crate: all of it, or nothing.

        A crate that the run has already is left as it is.

        Args:
            run: its number.
            result: what became of the crate.
            why: it was checked.
            stamp: what it looked like before.
            known: what was known of it before.
        """
        reading = result.reading
        with self._writing() as connection:
            _expect_unfinished(connection, run)
            crate = _crate(connection, result.location)
            there = select(audit_checks.c.run).where(
                audit_checks.c.run == run, audit_checks.c.crate == crate
            )
            if connection.execute(there).first() is not None:
                return
            row = {
                "run": run,
                "crate": crate,
                "findings": _findings(connection, result.sha256, result.findings),
                "at": result.at,
                "outcome": result.outcome,
                "level": result.level,
                "digest": result.digest,
                "reading": reading.value,
                "why": why.value,
                "kinds": result.kinds,
                "read": (known and known.read) if reading is Reading.NONE else run,
                "last_full": run if reading is Reading.FULL else known and known.full,
                "files": result.files,
                "bytes": result.size,
                "seconds": result.seconds,
                "stamp": stamp,
            }
            connection.execute(insert(audit_checks), [row])
            for about, answer, at in result.answers:
                _answer(connection, run, about, answer, at)

    def add_looked(self, run: int, at: str, looked: Sequence[Looked]) -> None:
        """Keep that crates were not read in full: they stand as they stood.

        One whose look has changed stands as nothing: it is not what was read. So does
        one that was asked for otherwise: it was not judged as it is to be judged now.
        """
        if not looked:
            return
        with self._writing() as connection:
            _expect_unfinished(connection, run)
            nothing = _findings(connection, _NOTHING[1], _NOTHING[0])
            new = [each.location for each in looked if each.known is None]
            numbers = _crates(connection, new)
            rows = [
                _row_of(
                    run,
                    each.known.crate if each.known else numbers[each.location],
                    at,
                    each,
                    nothing,
                )
                for each in looked
            ]
            crates = [row["crate"] for row in rows]
            there = select(audit_checks.c.crate).where(
                audit_checks.c.run == run, audit_checks.c.crate.in_(crates)
            )
            done = set(connection.execute(there).scalars())
            if left := [row for row in rows if row["crate"] not in done]:
                connection.execute(insert(audit_checks), left)

    def finish(
        self,
        number: int,
        now: str,
        *,
        stopped: bool = False,
        sampled: bool = False,
        round_: int | None = None,
        round_left: int = 0,
    ) -> Run:
        """Add a run up and seal it: it is never changed again."""
        with self._writing() as connection:
            row = _one(connection, number)
            if row.finished is not None:
                return _run(row)
            before = seals.last(connection)
            counts = tallies.summary(
                connection,
                number,
                stopped=stopped,
                sampled=sampled,
                round_=round_,
                round_left=round_left,
            )
            summed = json.dumps(counts._asdict(), sort_keys=True).encode()
            mine = update(audit_runs).where(audit_runs.c.number == number)
            connection.execute(mine.values(summary=summed))
            seal = seals.seal(connection, _one(connection, number), now, before)
            connection.execute(mine.values(finished=now, before=before, seal=seal))
            seals.advance(connection, seal)
            return _run(_one(connection, number))

    # -- reading -----------------------------------------------------------------------

    def runs(self, collection: str | None = None) -> list[Run]:
        """All runs, the first one first; of one collection, if it is named."""
        query = select(audit_runs).order_by(audit_runs.c.number)
        if collection is not None:
            query = query.where(audit_runs.c.collection == collection)
        return [_run(row) for row in self._rows(query)]

    def last(self, collection: str) -> Run | None:
        """The last finished run of a collection."""
        runs = [run for run in self.runs(collection) if run.finished]
        return runs[-1] if runs else None

    def checked(self, run: int) -> set[str]:
        """The crates that a run has already."""
        query = (
            select(audit_crates.c.location)
            .join(audit_checks, audit_checks.c.crate == audit_crates.c.id)
            .where(audit_checks.c.run == run)
        )
        return {_location(row.location) for row in self._rows(query)}

    def knows(self, place: str) -> bool:
        """Whether any run has seen a crate at a place."""
        return next(self.checks(crate=place), None) is not None

    def known(self, run: int) -> Iterator[Known]:
        """What is known of each crate, as a run left it."""
        here, full = audit_checks, audit_checks.alias()
        names = "at", "stamp", "files", "bytes", "seconds"
        query = (
            select(here, audit_crates.c.location)
            .add_columns(*(full.c[name].label(f"full_{name}") for name in names))
            .join(audit_crates, here.c.crate == audit_crates.c.id)
            .outerjoin(
                full, (full.c.run == here.c.read) & (full.c.crate == here.c.crate)
            )
            .where(here.c.run == run)
        )
        for row in self._rows(query):
            yield Known(
                crate=row.crate,
                location=_location(row.location),
                findings=row.findings,
                outcome=row.outcome,
                level=row.level,
                kinds=row.kinds,
                why=row.why,
                read=row.read,
                full=row.last_full,
                at=row.full_at,
                stamp=row.full_stamp,
                files=row.full_files,
                bytes=row.full_bytes,
                seconds=row.full_seconds,
            )

    def sampled(self, runs: Iterable[int]) -> set[int]:
        """The numbers of the crates that were drawn and read in some runs."""
        query = select(audit_checks.c.crate).where(
            audit_checks.c.run.in_(list(runs)),
            audit_checks.c.why == Why.SAMPLE.value,
            audit_checks.c.reading.in_([Reading.FULL.value, Reading.PART.value]),
        )
        return {row.crate for row in self._rows(query)}

    def checks(
        self, *, run: int | None = None, crate: str | None = None
    ) -> Iterator[Check]:
        """What became of crates, of a run or of a crate, in the order of the runs.

        Args:
            run: the number of a run.
            crate: where a crate is.
        """
        query = select(audit_checks, audit_crates.c.location).join(
            audit_crates, audit_checks.c.crate == audit_crates.c.id
        )
        if run is not None:
            query = query.where(audit_checks.c.run == run)
        if crate is not None:
            query = query.where(audit_crates.c.location_sha256 == _sha256(crate))
        order = audit_checks.c.run, audit_crates.c.location
        return map(_check, self._rows(query.order_by(*order)))

    def rows(
        self, run: int, *, bad: bool = False
    ) -> Iterator[tuple[Check, str | None]]:
        """All crates of a run by place, with what was measured when they were read.

        Args:
            run: the number of the run.
            bad: whether to leave out what is confirmed, or was never read.

        Yields:
            the check, and when the crate was last read in full; None if never.
        """
        here = audit_checks
        read, full = audit_checks.alias(), audit_checks.alias()
        measured = "files", "bytes", "seconds"
        query = (
            select(here, audit_crates.c.location, full.c.at.label("full_at"))
            .add_columns(*(read.c[name].label(f"read_{name}") for name in measured))
            .join(audit_crates, here.c.crate == audit_crates.c.id)
            .outerjoin(
                read, (read.c.run == here.c.read) & (read.c.crate == here.c.crate)
            )
            .outerjoin(
                full, (full.c.run == here.c.last_full) & (full.c.crate == here.c.crate)
            )
            .where(here.c.run == run)
            .order_by(audit_crates.c.location)
        )
        if bad:
            query = query.where(here.c.outcome.not_in(["confirmed", "untested"]))
        for row in self._rows(query):
            values = {name: getattr(row, f"read_{name}") for name in measured}
            yield _check(row)._replace(**values), row.full_at

    def changed(self, run: int, before: int) -> Iterator[tuple[Check, Check]]:
        """The checks of a run that found something else than those of another one.

        Args:
            run: the number of the run.
            before: the number of the other one.

        Yields:
            the check, and the one before it, in the order of the crates.
        """
        now, old = audit_checks.alias(), audit_checks.alias()
        query = (
            select(now, audit_crates.c.location)
            .add_columns(*(column.label(f"old_{column.name}") for column in old.c))
            .join(audit_crates, now.c.crate == audit_crates.c.id)
            .join(old, (old.c.crate == now.c.crate) & (old.c.run == before))
            .where(now.c.run == run, old.c.findings != now.c.findings)
            .order_by(audit_crates.c.location)
        )
        for row in self._rows(query):
            yield _check(row), _check(row, "old_")

    def first_seen(self, run: int, before: int | None) -> Iterator[Check]:
        """The checks of crates that another run had not, those not confirmed."""
        now, old = audit_checks, audit_checks.alias()
        there = select(old.c.run).where(old.c.crate == now.c.crate, old.c.run == before)
        query = (
            select(now, audit_crates.c.location)
            .join(audit_crates, now.c.crate == audit_crates.c.id)
            .where(now.c.run == run, now.c.outcome != "confirmed")
            .order_by(audit_crates.c.location)
        )
        if before is not None:
            query = query.where(~there.correlate(now).exists())
        return map(_check, self._rows(query))

    def readings(self, run: int) -> list[Read]:
        """When the crates of a run were last read in full, day by day."""
        with self.one_view():
            return [] if self._view is None else tallies.readings(self._view, run)

    def findings(self, number: int) -> tuple[Noted, ...]:
        """The findings that are kept under a number.

        Raises:
            DamagedError: they are not what was put there.
        """
        query = select(audit_findings).where(audit_findings.c.id == number)
        row = next(self._rows(query), None)
        if row is None:
            raise DamagedError(f"findings {number} are gone", RESTORE)
        try:
            return unpack(row.data, row.sha256)
        except DamagedError as error:
            raise DamagedError(f"findings {number} {error}") from error

    def answers(self, about: str) -> Iterator[tuple[int, str, str]]:
        """What the archive said of an identifier: in which run, what, and when."""
        query = (
            select(audit_answers)
            .where(audit_answers.c.about_sha256 == _sha256(about))
            .order_by(audit_answers.c.run)
        )
        for row in self._rows(query):
            yield row.run, row.answer, row.at

    def faults(self) -> Iterator[str]:
        """What is not as it was sealed, a sentence each; nothing if all is well."""
        with self._database.reading() as connection:
            if connection is not None:
                yield from seals.faults(connection)

    @contextmanager
    def one_view(self) -> Iterator[None]:
        """Ask many questions of one unchanging view, which makes each of them cheap."""
        if self._view is not None:
            yield
            return
        with self._database.reading() as connection:
            self._view = connection
            try:
                yield
            finally:
                self._view = None

    def _rows(self, query: Any) -> Iterator[Row[Any]]:  # noqa: ANN401 - SQL
        """The rows of a query, page by page in one view of the database."""
        if self._view is not None:
            yield from self._view.execute(query).yield_per(_PAGE)
            return
        with self._database.reading() as connection:
            if connection is not None:
                yield from connection.execute(query).yield_per(_PAGE)


def _run(row: Row[Any]) -> Run:
    summary = None
    if row.summary is not None:
        summary = Summary(**json.loads(row.summary))
    return Run(
        number=row.number,
        collection=row.collection,
        roots=tuple(json.loads(row.roots)),
        tool=row.tool,
        started=row.started,
        finished=row.finished,
        before=row.before,
        seal=row.seal,
        options=json.loads(row.options) if row.options is not None else {},
        summary=summary,
    )


def _one(connection: Connection, number: int) -> Row[Any]:
    query = select(audit_runs).where(audit_runs.c.number == number)
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise StoreError(f"there is no run {number}")
    return row


def _expect_unfinished(connection: Connection, number: int) -> None:
    if _one(connection, number).finished is not None:
        raise BusyError(f"run {number} was finished by somebody else meanwhile")


def _check(row: Row[Any], prefix: str = "") -> Check:
    names = set(Check._fields) - {"crate"}
    values = {name: getattr(row, f"{prefix}{name}") for name in names}
    return Check(crate=_location(row.location), **values)


def _next(connection: Connection, column: Column[int]) -> int:
    last: int | None = connection.execute(select(func.max(column))).scalar()
    return (last or 0) + 1


def _location(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _crate(connection: Connection, location: str) -> int:
    """The number of a crate; a new one if it was never seen."""
    return _crates(connection, [location])[location]


def _crates(connection: Connection, locations: Sequence[str]) -> dict[str, int]:
    """The numbers of crates; new ones for those that were never seen."""
    if not locations:
        return {}
    digests = {_sha256(location): location for location in locations}
    query = select(audit_crates.c.id, audit_crates.c.location_sha256).where(
        audit_crates.c.location_sha256.in_(list(digests))
    )
    numbers = {digests.pop(row[1]): int(row[0]) for row in connection.execute(query)}
    rows = []
    first = _next(connection, audit_crates.c.id) if digests else 0
    for number, (sha256, location) in enumerate(digests.items(), first):
        data = location.encode("utf-8", "surrogateescape")
        rows.append({"id": number, "location_sha256": sha256, "location": data})
        numbers[location] = number
    if rows:
        connection.execute(insert(audit_crates), rows)
    return numbers


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


def _row_of(
    run: int, crate: int, at: str, looked: Looked, nothing: int
) -> dict[str, Any]:
    """The row of a crate that was not read in full."""
    known = looked.known
    stands = looked.why not in {Why.CHANGED, Why.ASKED}
    return {
        "run": run,
        "crate": crate,
        "findings": known.findings if known else nothing,
        "at": at,
        "outcome": known.outcome if known and stands else "untested",
        "level": known.level if known and stands else None,
        "kinds": known.kinds if known and stands else None,
        "digest": None,
        "reading": looked.reading.value,
        "why": looked.why.value,
        "read": known.read if known else None,
        "last_full": known.full if known else None,
    }


def _answer(connection: Connection, run: int, about: str, answer: str, at: str) -> None:
    """Keep what the archive said, unless that is what it had said before."""
    sha256 = _sha256(about)
    last = (
        select(audit_answers.c.run, audit_answers.c.answer)
        .where(audit_answers.c.about_sha256 == sha256)
        .order_by(audit_answers.c.run.desc())
    )
    before = connection.execute(last.limit(1)).first()
    if before is not None and (before.answer == answer or before.run == run):
        return
    data = about.encode("utf-8", "surrogateescape")
    row = {"run": run, "about_sha256": sha256, "about": data}
    connection.execute(insert(audit_answers), [row | {"answer": answer, "at": at}])
