"""The plots of a report: what stands where; the template writes it as SVG."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, log10

from reverify.audits.reporting.drawing import (
    ROW,
    Bars,
    Mark,
    Plot,
    bars,
    rect,
    strip,
    text,
)
from reverify.audits.reporting.facts import (
    by_kind,
    crates,
    day,
    days,
    full_readings,
    spans,
    standing_of,
)
from reverify.model.audit import Overview, Run

MOST_RUNS = 240
"""Runs that are drawn, the last ones."""
_FEW = 4
"""So many runs have room for a label each."""
_SHOWN = ("confirmed", "undetermined", "refuted", "untested")
"""Outcomes from the bottom of a column to its top."""
_BAD = ("refuted", "undetermined")


def over_time(runs: Sequence[Run]) -> Plot | None:
    """Columns of crates by outcome, one for each run; below, the bad ones larger."""
    drawn = [each for each in runs if each.summary][-MOST_RUNS:]
    if not drawn or not any(_counts(each, _SHOWN) for each in drawn):
        return None
    upper = _Panel(drawn, _SHOWN, top=24, height=136, said="all crates")
    is_bad = any(_counts(each, _BAD) for each in drawn)
    lower = _Panel(drawn, _BAD, top=196, height=88, said="of these, not confirmed")
    last = drawn[-1]
    counts = {name: _count(last, name) for name in (*_BAD, "confirmed", "untested")}
    hover = [
        _hover(each, n, len(drawn), 262 if is_bad else 140)
        for n, each in enumerate(drawn)
    ]
    return Plot(
        id="over-time",
        title="Crates by outcome, run by run",
        description=(
            f"{len(drawn)} runs from {day(drawn[0].started)} to {day(last.started)}."
            f" In the last one: {', '.join(f'{m:,} {n}' for n, m in counts.items())}."
        ),
        height=322 if is_bad else 202,
        marks=(
            *upper.marks(),
            *(lower.marks() if is_bad else ()),
            *_labels(drawn, 302 if is_bad else 182),
            *hover,
        ),
        legend=tuple((name, f"{name} {many:,}") for name, many in counts.items()),
        head=("run", "began", "crates", *_SHOWN),
        rows=tuple(_numbers(each) for each in reversed(drawn)),
        scaled=True,
    )


def age(overview: Overview) -> Plot | None:
    """Bars of crates and bytes, by the age of the last full reading."""
    found = spans(overview)
    if not found:
        return None
    oldest = next((s for s in reversed(found) if s.crates and not s.is_never), None)
    never = sum(each.crates for each in found if each.is_never)
    rows = [
        Bars(
            each.label,
            (("never" if each.is_never else "full", each.crates),),
            each.bytes,
            crates(each.crates),
        )
        for each in found
    ]
    return Plot(
        id="age",
        title="Age of the last full reading",
        description=(
            f"The oldest: {oldest.label if oldest else 'none'}; never read in full:"
            f" {crates(never)}."
        ),
        height=ROW * len(rows),
        marks=tuple(bars(rows)),
        legend=(("full", "crates"), ("never", "crates never read"), ("bytes", "bytes")),
        head=("last read in full", "crates", "bytes"),
        rows=tuple((s.label, f"{s.crates:,}", f"{s.bytes:,}") for s in found),
    )


def trouble(overview: Overview) -> Plot | None:
    """Bars of crates and bytes that are not confirmed, by kind of claim."""
    found = by_kind(overview.bad)
    if not found:
        return None
    rows = [
        Bars(
            each.kind,
            (("refuted", each.refuted), ("undetermined", each.undetermined)),
            each.bytes,
            crates(each.crates),
        )
        for each in found
    ]
    worst = max(found, key=lambda each: each.crates)
    return Plot(
        id="trouble",
        title="Crates that are not confirmed, by kind of claim",
        description=f"Most of it is {worst.kind}: {crates(worst.crates)}.",
        height=ROW * len(rows),
        marks=tuple(bars(rows)),
        legend=(
            ("refuted", "crates refuted"),
            ("undetermined", "crates not told"),
            ("bytes", "bytes of them"),
        ),
        head=("kind", "refuted", "undetermined", "bytes"),
        rows=tuple(
            (
                each.kind,
                f"{each.refuted:,}",
                f"{each.undetermined:,}",
                f"{each.bytes:,}",
            )
            for each in found
        ),
    )


def coverage(overview: Overview) -> Plot | None:
    """One bar of all crates: read in full within the period, longer ago, never."""
    standing = standing_of(overview)
    if standing is None:
        return None
    within = f"read in full within {days(standing.period)}"
    parts = (
        ("full", within, standing.within),
        ("old", "read in full longer ago", standing.longer),
        ("never", "never read in full", standing.never),
    )
    return strip("coverage", "How much was read in full", parts)


def this_run(overview: Overview) -> Plot | None:
    """One bar of all crates: read in full in this run, looked at, not read."""
    if overview.run.summary is None:
        return None
    names = ("full", "old", "quick", "never")
    told = full_readings(overview.run.summary)
    parts = [
        (name, label, many)
        for name, (label, many) in zip(names, told.items(), strict=True)
        if many or name != "old"  # few ever read in part
    ]
    return strip("this-run", f"What run {overview.run.number} read", parts)


class _Panel:
    """Columns over one scale: one for each run, in parts by outcome."""

    def __init__(
        self,
        runs: Sequence[Run],
        names: Sequence[str],
        *,
        top: int,
        height: int,
        said: str,
    ) -> None:
        self._runs, self._names = runs, names
        self._top, self._height, self._said = top, height, said
        self._most = _nice(max(_counts(each, names) for each in runs))

    def marks(self) -> Iterator[Mark]:
        """The scale, and a group for each outcome."""
        yield text("panel", "0%", self._top - 10, self._said)
        for level in self._levels():
            y = self._place(level)
            yield Mark(
                "line", {"class": "grid", "x2": "100%", "y1": f"{y:g}", "y2": f"{y:g}"}
            )
            yield text("scale", "-8", y + 4, f"{level:,}")
        for number, name in enumerate(self._names):
            bars = tuple(self._columns(name, self._names[:number]))
            if bars:
                yield Mark("g", {"class": f"column {name}"}, marks=bars)

    def _levels(self) -> list[int]:
        halves = [self._most // 2] if self._most > 1 and self._most % 2 == 0 else []
        return [0, *halves, self._most] if self._most else [0]

    def _place(self, many: int) -> float:
        share_of = many / self._most if self._most else 0
        return round(self._top + self._height * (1 - share_of), 1)

    def _columns(self, name: str, below: Sequence[str]) -> Iterator[Mark]:
        for number, run in enumerate(self._runs):
            many = _count(run, name)
            if many:
                under = _counts(run, below)
                y, bottom = self._place(under + many), self._place(under)
                height = max(bottom - y, 1.0)  # one crate of many is seen
                x, width = _column(number, len(self._runs))
                yield rect("", (x, width), (bottom - height, height))


def _slot(runs: int) -> float:
    return 100 / max(runs, _FEW)


def _column(number: int, runs: int) -> tuple[float, float]:
    """Where the column of a run begins, and how wide it is, in per cent."""
    slot = _slot(runs)
    part = 0.6 if runs <= _FEW else 0.8 if runs <= MOST_RUNS // _FEW else 1.0
    return slot * (number + (1 - part) / 2), slot * part


def _hover(run: Run, number: int, runs: int, height: int) -> Mark:
    """What one reads over a column."""
    counts = ", ".join(f"{_count(run, name):,} {name}" for name in _SHOWN)
    told = Mark("title", {}, f"run {run.number}, {day(run.started)}: {counts}")
    slot = _slot(runs)
    return rect("hover", (slot * number, slot), (24, height), (told,))


def _labels(runs: Sequence[Run], y: int) -> Iterator[Mark]:
    """Number and day of some runs, below their columns."""
    count = len(runs)
    steps = min(count, 6)
    chosen = sorted({round(n * (count - 1) / max(steps - 1, 1)) for n in range(steps)})
    for number in chosen:
        x, width = _column(number, count)
        name, place = "label", x + width / 2
        if count > _FEW:
            if number == 0:
                name, place = "label first", 0.0
            elif number == count - 1:
                name, place = "label last", 100.0
            else:
                name = "label wide"
        yield text(name, f"{place:.4g}%", y, f"run {runs[number].number}")
        yield text(name, f"{place:.4g}%", y + 15, day(runs[number].started))


def _count(run: Run, name: str) -> int:
    return run.summary.crates.get(name, 0) if run.summary else 0


def _counts(run: Run, names: Iterable[str]) -> int:
    return sum(_count(run, name) for name in names)


def _numbers(run: Run) -> tuple[str, ...]:
    counts = [f"{_count(run, name):,}" for name in _SHOWN]
    total = run.summary.total if run.summary else 0
    return (str(run.number), day(run.started), f"{total:,}", *counts)


def _nice(most: int) -> int:
    """A round number that is no smaller: the end of a scale."""
    if most <= 0:
        return 0
    unit: int = 10 ** int(log10(most))
    return next(
        max(ceil(unit * step), 1)
        for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12)
        if ceil(unit * step) >= most
    )
