"""What is told of an audit: what changed, crate by crate, and no more than is read."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from reverify.formats.escape import printable, short
from reverify.formats.json import dumps
from reverify.model.audit import OUTCOMES, Change, Drift, Run, Summary

SCHEMA_VERSION = "1.0"
TYPE = "audit.changed"
CRATES, CLAIMS = 20, 3
"""How many crates are shown under each word, and how many claims of each."""
_NAME, _LINE, _VALUE = 100, 300, 2000
_HEADINGS = {
    "broke": "Broke: held before, and is refuted or cannot be told now",
    "new": "New: wrong, and not claimed before",
    "healed": "Healed: wrong before, and well now",
    "vanished": "Vanished: not claimed any more",
}
"""The words of a drift, the most urgent first."""


class Changed(NamedTuple):
    """What changed in one crate.

    Attributes:
        crate: where the crate is.
        claims: how many claims of it changed.
        shown: the first of them.
    """

    crate: str
    claims: int
    shown: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """The crate as JSON has it."""
        return {
            "crate": self.crate[:_VALUE],
            "claims": self.claims,
            "shown": [_change(each) for each in self.shown],
        }


class Group(NamedTuple):
    """All that broke, or healed, is new or vanished.

    Attributes:
        claims: how many claims.
        crates: in how many crates.
        shown: the first of the crates.
    """

    claims: int
    crates: int
    shown: tuple[Changed, ...]

    def to_dict(self) -> dict[str, Any]:
        """The group as JSON has it."""
        return self._asdict() | {"shown": [each.to_dict() for each in self.shown]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one run of an audit has to tell.

    Attributes:
        name: of the collection, as it was given; not escaped.
        run: the run; it is finished.
        summary: of the run.
        groups: what changed, by `broke`, `new`, `healed` and `vanished`.
    """

    name: str
    run: Run
    summary: Summary
    groups: Mapping[str, Group]

    @property
    def id(self) -> str:
        """The same whenever and to whomever the notice is sent, 32 hex digits."""
        run = self.run
        known = f"{run.collection} {run.number} {run.seal or run.finished}"
        return hashlib.sha256(known.encode()).hexdigest()[:32]

    @property
    def subject(self) -> str:
        """One line, printable."""
        said = ", ".join(
            f"{group.claims:,} {word}"
            for word, group in self.groups.items()
            if group.claims
        )
        return f"reverify: {said} in {short(self.name, _NAME)} (run {self.run.number})"

    def text(self) -> str:
        """The notice for people: plain text, every line of it printable."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        run, counts = self.run, self.summary.to_dict()
        yield self.subject
        yield ""
        told = [f"{counts[name]:,} {name}" for name in OUTCOMES if counts[name]]
        yield f"{_many(self.summary.total, 'crate')}: {', '.join(told)}"
        yield f"Read: {counts['full']:,} in full, {counts['quick']:,} quickly"
        yield f"Run {run.number}: {_time(run.started)} to {_time(run.finished or '')}"
        if self.summary.stopped:
            left = _many(sum(self.summary.left.values()), "crate")
            yield f"It stopped when its time was over, with {left} left to read in full"
        for word, group in self.groups.items():
            if group.claims:
                yield ""
                yield _HEADINGS[word]
                yield from _group_lines(word, group)
        yield ""
        yield f"All of it: reverify audit drift --run {run.number}"

    def to_dict(self) -> dict[str, Any]:
        """The notice as `schemas/notice.schema.json` describes it.

        Values from crates are as they are, cut where they are very long; `subject` and
        `text` are escaped.
        """
        run = self.run
        collection = {"id": run.collection, "name": self.name[:_VALUE]}
        data = {
            "collection": collection | {"roots": len(run.roots)},
            "run": run.to_dict() | {"roots": list(run.roots[:CRATES])},
            "crates": self.summary.to_dict(),
        }
        groups = {word: group.to_dict() for word, group in self.groups.items()}
        return {
            "schema_version": SCHEMA_VERSION,
            "type": TYPE,
            "id": self.id,
            "timestamp": self.run.finished,
            "subject": self.subject,
            "text": self.text(),
            "data": data | groups,
        }

    def to_json(self) -> bytes:
        """The same in ASCII, as it is sent."""
        return dumps(self.to_dict())


def notice_of(run: Run, drift: Drift, name: str = "") -> Notice | None:
    """What a run has to tell; None if nothing changed.

    Args:
        run: a finished run.
        drift: what changed in it.
        name: of the collection; what `name_of` says if it is empty.

    Raises:
        ValueError: the run is not finished.
    """
    if run.summary is None or run.finished is None:
        raise ValueError(f"run {run.number} is not finished")
    if not any(drift):
        return None
    return Notice(
        name=name or name_of(run),
        run=run,
        summary=run.summary,
        groups={word: _grouped(getattr(drift, word)) for word in _HEADINGS},
    )


def name_of(run: Run) -> str:
    """What a collection is called: its roots, or the first and how many more.

    Where roots are left out, the beginning of what identifies the collection tells it
    from others. It is not escaped.
    """
    few = 3
    if len(run.roots) <= few:
        return ", ".join(run.roots) or run.collection[:8]
    return f"{run.roots[0]} and {len(run.roots) - 1} more ({run.collection[:8]})"


def _grouped(changes: Sequence[Change]) -> Group:
    """Changes of one word by their crates, by place."""
    in_order = sorted(changes, key=lambda change: change.crate)  # keeps that of claims
    crates = [
        (crate, tuple(each))
        for crate, each in groupby(in_order, key=lambda change: change.crate)
    ]
    shown = [Changed(crate, len(all), all[:CLAIMS]) for crate, all in crates[:CRATES]]
    return Group(len(changes), len(crates), tuple(shown))


def _group_lines(word: str, group: Group) -> Iterator[str]:
    for crate in group.shown:
        yield f"  {printable(crate.crate, _LINE)}"
        for change in crate.shown:
            last = "" if word == "healed" else f" ({_last(change)})"
            yield f"    {_said(change)}{last}"
        if more := crate.claims - len(crate.shown):
            yield f"    ... and {more:,} more of this crate"
    if more := group.crates - len(group.shown):
        yield f"  ... and {_many(more, 'more crate')}; {group.claims:,} claims in all"


def _said(change: Change) -> str:
    finding = change.finding
    return f"{printable(finding.rule)}: {printable(finding.reason, _LINE)}"


def _last(change: Change) -> str:
    if change.last_confirmed is None:
        return "no run saw it well"
    number, at = change.last_confirmed
    return f"last seen well by run {number}, {_time(at)}"


def _change(change: Change) -> dict[str, Any]:
    """A claim as JSON has it; that of which crate is said around it."""
    told = change.to_dict()
    del told["crate"]
    told |= {"outcome": change.finding.outcome, "level": change.finding.level}
    return {
        key: value[:_VALUE] if isinstance(value, str) else value
        for key, value in told.items()
    }


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _time(at: str) -> str:
    """A time of RFC 3339 to the minute, as people read it."""
    return f"{printable(at[:16]).replace('T', ' ')} UTC"
