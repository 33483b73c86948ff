"""What is not as it was: broke, healed, new and vanished, claim by claim."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from reverify.audits.checking import DAMAGED, FAILED, GONE
from reverify.errors import UsageError
from reverify.model.audit import Change, Check, Drift, Noted, Reading, Run
from reverify.model.outcome import Outcome
from reverify.store.history import History

UNCHECKED = frozenset({GONE, FAILED, DAMAGED})
"""What is said of a crate that could not be checked, in place of all else."""
_WELL = Outcome.CONFIRMED.value
_READ = frozenset({Reading.FULL.value, Reading.PART.value})


def drift(history: History, *, run: int | None = None, since: str = "") -> Drift:
    """Compare what a run found with what was known of each crate before.

    Args:
        history: what was found.
        run: the number of the run; the last finished one if it is None.
        since: a run's number, or a time: what is compared with is the last run up to
            then. The last one before the run if it is empty.

    Raises:
        UsageError: there is no such run.
    """
    runs = [each for each in history.runs() if each.finished]
    if not runs and run is None:
        return Drift()
    now = runs[-1] if run is None else next((r for r in runs if r.number == run), None)
    if now is None:
        raise UsageError(f"there is no finished run {run}; `reverify audit status`")
    earlier = [
        each
        for each in runs
        if each.number < now.number and each.collection == now.collection
    ]
    past = _up_to(earlier, runs, since) if since else _untold(earlier, now)
    before = past[-1].number if past else None
    found = _Found(history, now, [each.number for each in earlier])
    with history.one_view():
        if before is not None:
            for check, old in history.changed(now.number, before):
                found.compare(check, old)
        for check in history.first_seen(now.number, before):
            found.meet(check)
    return found.drift()


def _untold(earlier: Sequence[Run], now: Run) -> list[Run]:
    """The runs before, without those that were ended and of which nobody was told."""
    told = now.options.get("after")
    return [each for each in earlier if told is None or each.number <= told]


def _up_to(earlier: Sequence[Run], runs: Sequence[Run], since: str) -> list[Run]:
    """The runs up to a run or a time.

    Raises:
        UsageError: it is no such thing.
    """
    if since.isdigit():
        if int(since) not in {each.number for each in runs}:
            raise UsageError(f"--since: there is no finished run {since}")
        return [each for each in earlier if each.number <= int(since)]
    end = _end_of(since)
    return [each for each in earlier if datetime.fromisoformat(each.started) <= end]


def _end_of(since: str) -> datetime:
    """A time, or the end of a day, in UTC if nothing else is said."""
    try:
        found = datetime.fromisoformat(since)
    except ValueError as error:
        raise UsageError(
            f"--since {since}: is neither a run nor a time; write 7, 2026-01-31 or"
            " 2026-01-31T12:00:00Z"
        ) from error
    if len(since) <= len("2026-01-31"):
        found += timedelta(days=1)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_worse(now: Noted, was: Noted) -> bool:
    """Whether trouble is new: it held before, or nobody could tell and now it is so."""
    refuted = Outcome.REFUTED.value
    return not was.is_trouble or (now.outcome == refuted and was.outcome != refuted)


class _Found:
    """Adds up what changed, crate by crate."""

    def __init__(self, history: History, now: Run, past: Sequence[int]) -> None:
        self._history = history
        self._now = now
        self._past = frozenset(past)
        self._broke: list[Change] = []
        self._healed: list[Change] = []
        self._new: list[Change] = []
        self._vanished: list[Change] = []

    def drift(self) -> Drift:
        """All that was added up."""
        return Drift(
            tuple(self._broke),
            tuple(self._healed),
            tuple(self._new),
            tuple(self._vanished),
        )

    def meet(self, check: Check) -> None:
        """Take a crate that was not there, or not read, before."""
        if check.outcome == _WELL:  # warnings of what is confirmed are no news
            return
        self._new += [
            Change(check.crate, finding)
            for finding in self._history.findings(check.findings)
            if finding.is_trouble
        ]

    def compare(self, check: Check, old: Check) -> None:
        """Compare a check with an earlier one of the same crate."""
        before = {each.id: each for each in self._history.findings(old.findings)}
        after = {each.id: each for each in self._history.findings(check.findings)}
        if not before:  # it was found, and not read yet
            self.meet(check)
            return
        if UNCHECKED & (before.keys() | after.keys()):
            self._compare_unchecked(check, before, after)
            return
        read = self._readings(check.crate)
        for id, finding in after.items():
            was = before.get(id)
            if finding.is_trouble and (was is None or _is_worse(finding, was)):
                kind = self._new if was is None else self._broke
                kind.append(Change(check.crate, finding, read.last_well(id)))
            elif was is not None and was.is_trouble and not finding.is_trouble:
                self._heal(check, finding)
        if check.reading in _READ:
            self._compare_lost(check, before, after, read)

    def _compare_lost(
        self,
        check: Check,
        before: Mapping[str, Noted],
        after: Mapping[str, Noted],
        read: "_Readings",
    ) -> None:
        """Claims that a crate which was read does not make any more."""
        for id, finding in before.items():
            if id in after or not self._was_asked(finding):
                continue
            if finding.is_trouble:  # what was wrong is mended, its claim with it
                self._heal(check, finding)
            else:
                change = Change(check.crate, finding, read.last_well(id))
                self._vanished.append(change)

    def _was_asked(self, finding: Noted) -> bool:
        """Whether claims of that kind were tested now; else none can have vanished."""
        kinds = self._now.options.get("kinds")
        return not kinds or finding.rule.partition("/")[0] in kinds

    def _compare_unchecked(
        self, check: Check, before: Mapping[str, Noted], after: Mapping[str, Noted]
    ) -> None:
        """A crate is gone, or is back: of its claims nothing is said.

        What is wrong with one that is back, and was not known before it went, is told.
        """
        for id in UNCHECKED & before.keys() - after.keys():
            self._heal(check, before[id])
        read = self._readings(check.crate)
        for id in UNCHECKED & after.keys() - before.keys():
            change = Change(check.crate, after[id], read.last_confirmed())
            self._broke.append(change)
        if not UNCHECKED & after.keys():
            known = read.trouble_before(check.run)
            for id, finding in after.items():
                if finding.is_trouble and id not in known:
                    change = Change(check.crate, finding, read.last_well(id))
                    self._broke.append(change)

    def _readings(self, crate: str) -> "_Readings":
        checks = [
            each
            for each in self._history.checks(crate=crate)
            if each.run in self._past and each.reading in _READ
        ]
        return _Readings(self._history, checks)

    def _heal(self, check: Check, finding: Noted) -> None:
        self._healed.append(Change(check.crate, finding, (self._now.number, check.at)))


class _Readings:
    """What was found each time that a crate was read; quick looks saw nothing well."""

    def __init__(self, history: History, checks: Sequence[Check]) -> None:
        self._history = history
        self._checks = checks
        self._known: dict[int, dict[str, Noted]] = {}

    def _found(self, check: Check) -> dict[str, Noted]:
        if check.findings not in self._known:
            found = self._history.findings(check.findings)
            self._known[check.findings] = {each.id: each for each in found}
        return self._known[check.findings]

    def last_well(self, id: str) -> tuple[int, str] | None:
        """The run that last saw a claim well, or else the whole crate, and when."""
        for check in reversed(self._checks):
            finding = self._found(check).get(id)
            if finding is not None and finding.outcome == _WELL:
                return check.run, check.at
        return self.last_confirmed()

    def last_confirmed(self) -> tuple[int, str] | None:
        """The run that last saw the whole crate well, and when."""
        for check in reversed(self._checks):
            if check.outcome == _WELL:
                return check.run, check.at
        return None

    def trouble_before(self, run: int) -> set[str]:
        """What was wrong when it was last read before a run."""
        for check in reversed(self._checks):
            if check.run < run and not UNCHECKED & self._found(check).keys():
                found = self._found(check).values()
                return {each.id for each in found if each.is_trouble}
        return set()
