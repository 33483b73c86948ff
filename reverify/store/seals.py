"""Seals: a digest over all rows of a run and the seal before it.

Whoever changes, removes or puts in a row behind our back breaks the seal of its run;
whoever takes out a whole run, the link to the one before.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from reverify.errors import DamagedError
from reverify.store.packing import unpack
from reverify.store.tables import (
    audit_answers,
    audit_checks,
    audit_crates,
    audit_findings,
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


def faults(connection: Connection) -> Iterator[str]:
    """What is not as it was sealed, a sentence each; nothing if all is well."""
    before: str | None = None
    finished = select(audit_runs).where(audit_runs.c.finished.is_not(None))
    order = audit_runs.c.finished, audit_runs.c.number
    for run in connection.execute(finished.order_by(*order)).all():
        if run.before != before:
            yield f"run {run.number}: the run before it is not the one it names"
        if _seal_again(connection, run) != run.seal:
            yield f"run {run.number}: its rows are not what was sealed"
        before = run.seal
    for row in connection.execute(select(audit_findings)).yield_per(_PAGE):
        try:
            unpack(row.data, row.sha256)
        except DamagedError as error:
            yield f"findings {row.id}: {error}"


def _seal_again(connection: Connection, run: Row[Any]) -> str | None:
    """The seal that a run should have; None if its rows cannot even be read."""
    try:
        return seal(connection, run, run.finished, run.before)
    except (ValueError, TypeError, AttributeError):
        return None


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "backslashreplace")
