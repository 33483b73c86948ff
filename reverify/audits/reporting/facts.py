"""What a report says, in words and numbers, however it is written.

A quick look is named as such and is never fixity; what was never read is never fine.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reverify.audits.reporting.confidence import share, statement
from reverify.model.audit import (
    BadCrate,
    Change,
    Drift,
    Overview,
    Reading,
    Run,
    Summary,
)
from reverify.model.outcome import ClaimKind, Outcome

PERIOD = "full_every"
"""The option of a run that says after how many seconds a crate is to be read again."""
_DAY = 86_400
CHANGES = {
    "broke": "held in the run before, or did no harm, and does not hold now",
    "new": "does not hold, and was not made before",
    "healed": "did not hold, and is in order now",
    "vanished": "was made before, and is not any more",
}
"""What can have become of a claim, what is bad first."""


IN_PART = "read in part"
"""What few crates ever are, and what is left out where there is none."""


class KindTrouble(NamedTuple):
    """How many crates are in trouble for claims of one kind, and how large they are."""

    kind: str
    refuted: int
    undetermined: int
    bytes: int

    @property
    def crates(self) -> int:
        """How many crates."""
        return self.refuted + self.undetermined


class Span(NamedTuple):
    """Crates whose last full reading is of a certain age."""

    label: str
    crates: int
    bytes: int
    is_never: bool


class Standing(NamedTuple):
    """How many crates were read in full within the period, longer ago, and never."""

    period: int
    within: int
    longer: int
    never: int


def headline(overview: Overview) -> str:
    """What is broken now, in a few words."""
    counts = overview.run.summary.crates if overview.run.summary else {}
    total = sum(counts.values())
    refuted, unclear = counts.get("refuted", 0), counts.get("undetermined", 0)
    if not total:
        return "No crates were found"
    if refuted:
        return (
            f"{refuted:,} of {crates(total)} {'is' if refuted == 1 else 'are'} broken"
        )
    well = f"None of {crates(total)} is known to be broken"
    if unclear:
        return f"{well}, {unclear:,} could not be told"
    if never := counts.get("untested", 0):
        return f"{well}, {never:,} {'was' if never == 1 else 'were'} never read"
    return well


def broken_now(overview: Overview) -> Iterator[str]:
    """How much is broken, and how much could not be told."""
    counts = overview.run.summary.crates if overview.run.summary else {}
    total = sum(counts.values())
    for name, one, more in (
        ("refuted", "says something that is not so", "say something that is not so"),
        ("undetermined", "could not be told", "could not be told"),
        ("untested", "was never read", "were never read"),
    ):
        if many := counts.get(name, 0):
            said = one if many == 1 else more
            yield f"{crates(many)} ({share(many, total)}) {said}"
    size = sum(each.check.bytes or 0 for each in overview.bad if is_refuted(each))
    if size:
        yield f"the broken ones hold {volume(size)}"


def since_when(overview: Overview) -> Iterator[str]:
    """Since which run crates are broken, and what changed in the last one."""
    bad = [each.since for each in overview.bad if is_refuted(each)]
    if bad:
        first = min(bad)
        yield f"the first of them since run {first[0]}, {day(first[1])}"
        fresh = sum(run == overview.run.number for run, _ in bad)
        yield f"{f'{fresh:,}' if fresh else 'none'} of them since the last run"
    if len(overview.runs) > 1:
        counts = [(name, len(found)) for name, found in changes(overview.drift)]
        told = ", ".join(f"{many:,} {name}" for name, many in counts if many)
        yield f"claims that changed in the last run: {told or 'none'}"
    else:
        yield "this is the first run: there is nothing to compare with"


def how_sure(overview: Overview) -> Iterator[str]:
    """What is known of all others: how much was read, how long ago, and by chance."""
    summary = overview.run.summary
    if summary is None or not summary.total:
        return
    if standing := standing_of(overview):
        yield (
            f"{share(standing.within, summary.total)} of all crates were read in full"
            f" within {days(standing.period)}"
        )
    elif known := [e.days for e in overview.coverage if e.days and e.crates]:
        yield f"the oldest of the full readings is at most {days(max(known))} old"
    yield from _unread(overview)
    quick = summary.readings.get(Reading.QUICK, 0)
    if quick:
        yield (
            f"{crates(quick)} only had a quick look in this run: names, sizes and"
            " times, no fixity"
        )
    if sample := statement(summary):
        yield sample


def _unread(overview: Overview) -> Iterator[str]:
    if overview.overdue:
        yield f"{crates(overview.overdue)} should have been read in full by now"
    if overview.never:
        were = "was" if overview.never == 1 else "were"
        yield f"{crates(overview.never)} {were} never read in full"
    if overview.due:
        yield f"{crates(overview.due)} will be due soon"
    summary = overview.run.summary
    left = sum(summary.left.values()) if summary else 0
    if left:
        yield f"the run ended before {crates(left)} that it should have read"


def changes(drift: Drift) -> list[tuple[str, tuple[Change, ...]]]:
    """What changed, by what became of it, what is bad first."""
    return [(name, drift._asdict()[name]) for name in CHANGES]


def bad_count(overview: Overview) -> int:
    """How many crates are not confirmed, of those that were ever read."""
    counts = overview.run.summary.crates if overview.run.summary else {}
    told = counts.get("refuted", 0) + counts.get("undetermined", 0)
    return max(told, len(overview.bad))


def is_refuted(bad: BadCrate) -> bool:
    """Whether a crate is broken, rather than not told."""
    return bad.check.outcome == Outcome.REFUTED.value


def period_of(run: Run) -> int | None:
    """After how many days a crate is to be read in full again; None if not known."""
    seconds = run.options.get(PERIOD)
    if not isinstance(seconds, int | float) or seconds <= 0:
        return None
    return max(1, int(seconds // _DAY))


def standing_of(overview: Overview) -> Standing | None:
    """How much was read in full within the period; None if there is none."""
    period = period_of(overview.run)
    if period is None or not overview.coverage:
        return None
    never = sum(each.crates for each in overview.coverage if each.days is None)
    known = [each for each in overview.coverage if each.days is not None]
    within = sum(each.crates for each in known if (each.days or 0) <= period)
    longer = sum(each.crates for each in known) - within
    return Standing(period, within, longer, never)


def spans(overview: Overview) -> list[Span]:
    """All crates by the age of the last full reading, with words for the ages."""
    made, before = [], 0
    for each in overview.coverage:
        if each.days is None:
            label = "never read in full"
        elif before:
            label = f"{before + 1:,} to {days(each.days)}"
        else:
            label = f"up to {days(each.days)}"
        made.append(Span(label, each.crates, each.bytes, each.days is None))
        before = each.days or 0
    return made


def by_kind(bad: Sequence[BadCrate]) -> list[KindTrouble]:
    """How many crates are in trouble, by the kind of claim; one may be in several."""
    counts: dict[str, list[int]] = {kind.value: [0, 0, 0] for kind in ClaimKind}
    for each in bad:
        found: dict[str, set[str]] = {}
        for finding in each.findings:
            kind = finding.rule.partition("/")[0]
            if kind in counts:
                found.setdefault(kind, set()).add(finding.outcome)
        for kind, outcomes in found.items():
            tally = counts[kind]
            tally[0 if Outcome.REFUTED in outcomes else 1] += 1
            tally[2] += each.check.bytes or 0
    return [KindTrouble(kind, *tally) for kind, tally in counts.items() if any(tally)]


def full_readings(summary: Summary) -> dict[str, int]:
    """How many crates had which reading, in the words of a report."""
    return {
        "read in full": summary.readings.get(Reading.FULL, 0),
        IN_PART: summary.readings.get(Reading.PART, 0),
        "quick look, no fixity": summary.readings.get(Reading.QUICK, 0),
        "not read": summary.readings.get(Reading.NONE, 0),
    }


def crates(many: int) -> str:
    """`1 crate`, `2,000 crates`."""
    return f"{many:,} {'crate' if many == 1 else 'crates'}"


def days(many: int) -> str:
    """`1 day`, `90 days`."""
    return f"{many:,} {'day' if many == 1 else 'days'}"


def volume(many: int) -> str:
    """Bytes as people say them: `950 bytes`, `4.8 MB`, `12 TB`."""
    units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
    size, unit = float(many), units.pop(0)
    while size >= 999.5 and units:  # noqa: PLR2004 - the next unit begins here
        size, unit = size / 1000, units.pop(0)
    few = unit != "bytes" and size < 9.95  # noqa: PLR2004 - two digits
    return f"{size:,.1f} {unit}" if few else f"{size:,.0f} {unit}"


def day(at: str) -> str:
    """The day of a time."""
    return at[:10]


def moment(at: str | None) -> str:
    """A time to the minute: `2026-01-31 12:00 UTC`."""
    return f"{at[:10]} {at[11:16]} UTC" if at else "not yet"
