"""Counting in the database: what a run adds up to, when crates were last read."""

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, func, or_, select

from reverify.model.audit import Reading, Summary, Why, by_kind
from reverify.store.tables import audit_checks

_WAITING = (Why.NEW, Why.CHANGED, Why.FAILED, Why.ASKED, Why.DUE, Why.SAMPLE, Why.ALL)


def summary(
    connection: Connection,
    number: int,
    *,
    stopped: bool,
    sampled: bool,
    round_: int | None,
    round_left: int,
) -> Summary:
    """Add a run up.

    Args:
        connection: sees all of its rows.
        number: of the run.
        stopped: whether its window closed early.
        sampled: whether it drew a sample.
        round_: which time round it was drawn.
        round_left: crates that no sample of this round has had yet.
    """
    table = audit_checks.c

    def count(column: Column[Any], *where: Any) -> dict[str, int]:  # noqa: ANN401 - SQL
        query = select(column, func.count()).where(table.run == number, *where)
        rows = connection.execute(query.group_by(column))
        return {name or "": many for name, many in rows}

    read = table.reading.in_([Reading.FULL.value, Reading.PART.value])
    query = select(func.sum(table.bytes), func.sum(table.seconds))
    size, seconds = connection.execute(query.where(table.run == number, read)).one()
    full = table.reading == Reading.FULL.value
    in_sample = table.why == Why.SAMPLE.value, full
    damaged = or_(table.kinds.like("_r%"), table.kinds.like("__r%"))
    # Nothing was read of what cannot be opened either, but that was tried.
    aside = (table.reading == Reading.QUICK.value) | (table.outcome == "untested")
    left = count(table.why, ~read, aside)
    return Summary(
        stopped=stopped,
        crates=count(table.outcome),
        levels=count(table.level),
        kinds=_kinds(count(table.kinds)),
        readings=count(table.reading),
        reasons=count(table.why),
        left={why.value: left[why] for why in _WAITING if why in left},
        read_bytes=int(size or 0),
        seconds=round(float(seconds or 0), 3),
        sampled=sum(count(table.why, *in_sample).values()) if sampled else None,
        sample_bad=sum(count(table.why, *in_sample, damaged).values()),
        round=round_,
        round_left=round_left,
    )


def _kinds(written: dict[str, int]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for letters, many in written.items():
        for kind, outcome in by_kind(letters).items():
            found.setdefault(kind, Counter())[outcome] += many
    return {kind: dict(counts) for kind, counts in found.items()}


class Read(NamedTuple):
    """Crates that were last read in full on one day.

    Attributes:
        day: as `2026-01-31`; None for those that never were.
        crates: how many.
        bytes: of them, as far as known.
    """

    day: str | None
    crates: int
    bytes: int


def readings(connection: Connection, number: int) -> list[Read]:
    """When the crates of a run were last read in full, day by day."""
    here, full = audit_checks.alias(), audit_checks.alias()
    day = func.substr(full.c.at, 1, 10)
    query = (
        select(day, func.count(), func.sum(full.c.bytes))
        .select_from(here)
        .outerjoin(
            full, (full.c.run == here.c.last_full) & (full.c.crate == here.c.crate)
        )
        .where(here.c.run == number, here.c.why != Why.GONE.value)
        .group_by(day)
        .order_by(day)
    )
    rows = connection.execute(query)
    return [Read(day, many, int(size or 0)) for day, many, size in rows]
