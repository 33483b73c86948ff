"""How a collection stands now, since when, and how sure we can be of the rest."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from reverify.audits.drift import drift
from reverify.audits.planning import FULL_EVERY
from reverify.model.audit import (
    BadCrate,
    Check,
    Coverage,
    Drift,
    Noted,
    Overview,
    Run,
    Trouble,
)
from reverify.model.finding import timestamp
from reverify.store.history import History
from reverify.store.tallies import Read

MOST_BAD, MOST_FINDINGS = 10_000, 100
"""So many crates are told of one by one, and so many findings of each."""
SPANS = (7, 30, 90, 180, 365, 730, 1825)
"""Days."""
_SOON = 0.1
_DAY = 86_400
_NO_END = 36_500


def collections(history: History) -> list[Run]:
    """The last finished run of each collection, the latest one last."""
    last: dict[str, Run] = {}
    for run in history.runs():
        if run.finished:
            last.pop(run.collection, None)
            last[run.collection] = run
    return list(last.values())


def overview(
    history: History,
    run: Run,
    now: datetime,
    most: int = MOST_BAD,
    *,
    changes: bool = True,
) -> Overview:
    """Put together how a collection stands.

    Args:
        history: what was found.
        run: the last finished run of the collection.
        now: what time it is, aware.
        most: how many bad crates are told of one by one.
        changes: whether to compare with the run before, which takes its time.
    """
    with history.one_view():
        return _overview(history, run, now, most, changes=changes)


def _overview(
    history: History, run: Run, now: datetime, most: int, *, changes: bool
) -> Overview:
    runs = tuple(
        each
        for each in history.runs(run.collection)
        if each.finished and each.number <= run.number
    )
    every = float(run.options.get("full_every", FULL_EVERY))
    read = history.readings(run.number)
    overdue = _before(read, now - timedelta(seconds=every))
    bad, trouble = _bad(history, run, most)
    return Overview(
        run=run,
        runs=runs,
        due=_before(read, now - timedelta(seconds=every * (1 - _SOON))) - overdue,
        overdue=overdue,
        never=sum(each.crates for each in read if each.day is None),
        coverage=tuple(_spans(read, now, int(every // _DAY))),
        trouble=trouble,
        bad=bad,
        drift=drift(history, run=run.number) if changes and len(runs) > 1 else Drift(),
    )


def _before(read: Iterable[Read], moment: datetime) -> int:
    """How many crates were last read in full before a time, to the day."""
    day = timestamp(moment)[:10]
    return sum(each.crates for each in read if each.day and each.day < day)


def _spans(read: Iterable[Read], now: datetime, period: int) -> Iterator[Coverage]:
    """Crates by the age of their last full reading, those that have none at the end.

    The period in which all are to be read is the end of a span.
    """
    ends = (*sorted({*SPANS, max(1, period)}), _NO_END)
    spans = (*ends, None)
    crates: dict[int | None, int] = dict.fromkeys(spans, 0)
    size: dict[int | None, int] = dict.fromkeys(spans, 0)
    for each in read:
        span = None
        if each.day is not None:
            age = (now.date() - datetime.fromisoformat(each.day).date()).days
            span = next((days for days in ends if age <= days), _NO_END)
        crates[span] += each.crates
        size[span] += each.bytes
    for days in spans:
        yield Coverage(days, crates[days], size[days])


def _bad(
    history: History, run: Run, most: int
) -> tuple[tuple[BadCrate, ...], tuple[Trouble, ...]]:
    """What is wrong: the crates one by one, up to a number, and by rule."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    checks = sorted(
        (check for check, _ in history.rows(run.number, bad=True)),
        key=lambda check: (check.outcome != "refuted", check.crate),
    )
    shown: list[BadCrate] = []
    for check in checks:
        findings = tuple(f for f in history.findings(check.findings) if f.is_trouble)
        for rule, many in _by_rule(findings).items():
            for place, amount in enumerate((1, many, check.bytes or 0)):
                sums[rule][place] += amount
        if len(shown) < most:
            since = _since(history, check)
            shown.append(BadCrate(check, findings[:MOST_FINDINGS], since))
    trouble = [Trouble(rule, *amounts) for rule, amounts in sums.items()]
    trouble.sort(key=lambda each: (-each.crates, each.rule))
    return tuple(shown), tuple(trouble)


def _by_rule(findings: Iterable[Noted]) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for finding in findings:
        counts[finding.rule] += 1
    return counts


def _since(history: History, check: Check) -> tuple[int, str]:
    """The run since which a crate has been what it is, without a break, and when."""
    since = check
    past = [each for each in history.checks(crate=check.crate) if each.run < check.run]
    for each in reversed(past):
        if each.outcome != check.outcome:
            break
        since = each
    return since.run, since.at
