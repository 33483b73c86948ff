"""Seals: a digest over all rows of a run and the seal before it.

Whoever changes, removes or puts in a row behind our back breaks the seal of its run;
whoever takes out a whole run, the link to the one before.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from reverify.errors import DamagedError
from reverify.store.packing import unpack
from reverify.store.tables import (
    audit_answers,
    audit_checks,
    audit_crates,
    audit_findings,
    audit_head,
    audit_runs,
)

_OF_OLD = ("location_sha256", "sha256", "at", "outcome", "level", "digest")
_COLUMNS = (
    *_OF_OLD,
    *("reading", "why", "kinds", "read", "last_full", "files", "bytes", "seconds"),
)
_PAGE = 500


def seal(
    connection: Connection, run: Row[Any], finished: str, before: str | None
) -> str:
    """The seal of a run.

    Args:
        connection: sees all of its rows.
        run: its own row.
        finished: when it was finished.
        before: the seal of the run that was finished before it.
    """
    digest = hashlib.sha256()

    def take(*values: object) -> None:
        digest.update(json.dumps(values).encode() + b"\n")

    roots = json.loads(run.roots)
    take(run.number, run.collection, roots, run.tool, run.started, finished)
    take(before)
    is_old = run.options is None
    if not is_old:
        take(_text(run.options), _text(run.summary))
    query = (
        select(audit_checks, audit_crates.c.location_sha256, audit_findings.c.sha256)
        .join(audit_crates, audit_checks.c.crate == audit_crates.c.id)
        .join(audit_findings, audit_checks.c.findings == audit_findings.c.id)
        .where(audit_checks.c.run == run.number)
        .order_by(audit_crates.c.location_sha256)
    )
    for row in connection.execute(query).yield_per(_PAGE):
        values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
        if is_old:
            take(*(values[name] for name in _OF_OLD))
        else:
            stamp = values["stamp"]
            take(*(values[name] for name in _COLUMNS), stamp and stamp.hex())
    answers = (
        select(audit_answers)
        .where(audit_answers.c.run == run.number)
        .order_by(audit_answers.c.about_sha256)
    )
    for row in connection.execute(answers).yield_per(_PAGE):
        take(row.about_sha256, row.about.hex(), row.answer, row.at)
    return digest.hexdigest()


def last(connection: Connection) -> str | None:
    """The seal of the run that was sealed last; None before the first."""
    found: str | None = connection.execute(select(audit_head.c.seal)).scalar()
    return found


def advance(connection: Connection, sealed: str) -> None:
    """Note which run was sealed last."""
    runs = func.count(audit_runs.c.seal)
    many = connection.execute(select(runs)).scalar_one()
    connection.execute(delete(audit_head))
    row = {"id": 1, "runs": many, "seal": sealed}
    connection.execute(insert(audit_head), [row])


def faults(connection: Connection) -> Iterator[str]:
    """What is not as it was sealed, a sentence each; nothing if all is well."""
    finished = select(audit_runs).where(audit_runs.c.finished.is_not(None))
    runs = connection.execute(finished.order_by(audit_runs.c.number)).all()
    yield from _chain_faults(connection, runs)
    for run in runs:
        if _seal_again(connection, run) != run.seal:
            yield f"run {run.number}: its rows are not what was sealed"
    for row in connection.execute(select(audit_crates)).yield_per(_PAGE):
        place = row.location if isinstance(row.location, bytes) else b""
        if hashlib.sha256(place).hexdigest() != row.location_sha256:
            yield f"crate {row.id}: is not at the place where it was"
    for row in connection.execute(select(audit_findings)).yield_per(_PAGE):
        try:
            unpack(row.data, row.sha256)
        except DamagedError as error:
            yield f"findings {row.id}: {error}"


def _chain_faults(connection: Connection, runs: Sequence[Row[Any]]) -> Iterator[str]:
    """Whether each run names one that is there, and no two the same."""
    known = {run.seal for run in runs}
    named: set[str | None] = set()
    for run in runs:
        if run.before in named or (run.before is not None and run.before not in known):
            yield f"run {run.number}: the run before it is not the one it names"
        named.add(run.before)
    head = connection.execute(select(audit_head)).first()
    if (head.runs if head else 0) != len(runs):
        there = f"{len(runs)} of {head.runs if head else 0}"
        yield f"the end of the history: {there} sealed runs are there"
    elif head is not None and (head.seal not in known or head.seal in named):
        yield "the end of the history: the last run is not the one that was sealed last"


def _seal_again(connection: Connection, run: Row[Any]) -> str | None:
    """The seal that a run should have; None if its rows cannot even be read."""
    try:
        return seal(connection, run, run.finished, run.before)
    except (ValueError, TypeError, AttributeError):
        return None


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "backslashreplace")
