"""What is not as it was: broke, healed, new and vanished, claim by claim."""

from collections.abc import Mapping, Sequence

from reverify.errors import UsageError
from reverify.model.audit import Change, Check, Drift, Noted, Run
from reverify.model.outcome import Outcome
from reverify.store.history import History

UNCHECKED = frozenset({"completeness/crate-gone", "completeness/check-failed"})
"""What is said of a crate that could not be checked, in place of all else."""
_WELL = Outcome.CONFIRMED.value


def drift(history: History, *, run: int | None = None, since: str = "") -> Drift:
    """Compare what a run found with what was known of each crate before.

    Args:
        history: what was found.
        run: the number of the run; the last finished one if it is None.
        since: a run's number, or a time: what is compared with is the last check of a
            crate up to then. The last one before the run if it is empty.

    Raises:
        UsageError: there is no such run.
    """
    runs = [each for each in history.runs() if each.finished]
    if not runs and run is None:
        return Drift()
    now = runs[-1] if run is None else next((r for r in runs if r.number == run), None)
    finished = {each.number for each in runs}
    if now is None:
        raise UsageError(f"there is no finished run {run}; `reverify audit status`")
    found = _Found(history, now)
    for check in history.checks(run=now.number):
        past = [
            each
            for each in history.checks(crate=check.crate)
            if each.run < now.number and each.run in finished
        ]
        old = _last_before(past, runs, since)
        if old is not None and old.findings != check.findings:
            found.compare(check, old, past)
    return found.drift()


class _Found:
    """Adds up what changed, crate by crate."""

    def __init__(self, history: History, now: Run) -> None:
        self._history = history
        self._now = now
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

    def compare(self, check: Check, old: Check, past: Sequence[Check]) -> None:
        """Compare a check with an earlier one of the same crate."""
        before = {each.id: each for each in self._history.findings(old.findings)}
        after = {each.id: each for each in self._history.findings(check.findings)}
        if UNCHECKED & (before.keys() | after.keys()):
            self._compare_unchecked(check, old, before, after)
            return
        for id, finding in after.items():
            was = before.get(id)
            if finding.is_trouble and (was is None or not was.is_trouble):
                last = _last_well(self._history, past, id)
                kind = self._new if was is None else self._broke
                kind.append(Change(check.crate, finding, last))
            elif was is not None and was.is_trouble and not finding.is_trouble:
                self._heal(check, finding)
        for id, finding in before.items():
            if id not in after:
                last = _last_well(self._history, past, id)
                self._vanished.append(Change(check.crate, finding, last))

    def _compare_unchecked(
        self,
        check: Check,
        old: Check,
        before: Mapping[str, Noted],
        after: Mapping[str, Noted],
    ) -> None:
        """A crate is gone, or is back: of its claims nothing is said."""
        for id in UNCHECKED & before.keys() - after.keys():
            self._heal(check, before[id])
        last = (old.run, old.at) if old.outcome == _WELL else None
        for id in UNCHECKED & after.keys() - before.keys():
            self._broke.append(Change(check.crate, after[id], last))

    def _heal(self, check: Check, finding: Noted) -> None:
        self._healed.append(Change(check.crate, finding, (self._now.number, check.at)))


def _last_before(
    past: Sequence[Check], runs: Sequence[Run], since: str
) -> Check | None:
    """The last check up to a run or time; the last of all if none is named."""
    if not since:
        return past[-1] if past else None
    if since.isdigit():
        if int(since) not in {each.number for each in runs}:
            raise UsageError(f"--since: there is no finished run {since}")
        early = [each for each in past if each.run <= int(since)]
    else:
        early = [each for each in past if each.at <= since or each.at[:10] <= since]
    return early[-1] if early else None


def _last_well(
    history: History, past: Sequence[Check], id: str
) -> tuple[int, str] | None:
    """The run that last saw a claim well, and when."""
    known: dict[int, bool] = {}
    for check in reversed(past):
        if check.findings not in known:
            found = history.findings(check.findings)
            known[check.findings] = any(
                each.id == id and each.outcome == _WELL for each in found
            )
        if known[check.findings]:
            return check.run, check.at
    return None
