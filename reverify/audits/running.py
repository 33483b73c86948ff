"""Runs an audit: each crate is checked once, and kept before the next one begins."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from reverify.errors import StoreError, UsageError
from reverify.model.audit import Check, Noted, Run
from reverify.model.finding import identified, timestamp
from reverify.model.report import Report
from reverify.model.rules import RULES
from reverify.services import Clock
from reverify.store.history import History
from reverify.version import __version__

GONE, FAILED = "completeness/crate-gone", "completeness/check-failed"
Verify = Callable[[str], Iterator[Report]]
"""Checks the crate at a location; the first report is that of the crate itself."""


def collection_of(roots: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """What identifies a collection, and its roots, each once and in order."""
    known = sorted({r if "://" in r else str(Path(r).absolute()) for r in roots})
    text = json.dumps(known).encode("utf-8", "backslashreplace")
    return hashlib.sha256(text).hexdigest(), tuple(known)


class Audit:
    """One audit of a collection.

    Args:
        history: where it is kept.
        verify: checks one crate.
        clock: what time it is.
        locks: the folder of the locks, so that two audits do not run at once.
    """

    def __init__(
        self, history: History, verify: Verify, clock: Clock, locks: Path
    ) -> None:
        self._history = history
        self._verify = verify
        self._clock = clock
        self._locks = locks

    def run(
        self,
        roots: Sequence[str],
        crates: Iterable[str],
        told: Callable[[Check], None] = lambda _: None,
    ) -> Run:
        """Check all crates; go on with a run that was interrupted.

        A crate that is in the run already is not checked again. Whoever is interrupted
        loses the crate in work, and no other.

        Args:
            roots: where the crates are.
            crates: all of them; may still be looked for while the first is checked.
            told: is told what became of each crate.

        Raises:
            StoreError: another audit of the same collection is running, or the history
                cannot be written.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - takes its time

        collection, known = collection_of(roots)
        self._locks.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._locks / f"{collection[:16]}.lock", timeout=0):
                return self._run(collection, known, crates, told)
        except Timeout as error:
            raise StoreError(
                "another audit of this collection is running; wait until it is done"
            ) from error

    def _run(
        self,
        collection: str,
        roots: tuple[str, ...],
        crates: Iterable[str],
        told: Callable[[Check], None],
    ) -> Run:
        now = timestamp(self._clock.now())
        run, goes_on = self._history.begin(collection, roots, __version__, now)
        done = self._history.checked(run.number) if goes_on else set()
        seen: set[str] = set()
        for crate in crates:
            seen.add(crate)
            if crate not in done:
                told(self._check(run.number, crate))
        for crate in sorted(self._known(run) - seen - done):
            told(self._note(run.number, crate, GONE, f"{crate}: there is nothing now"))
        return self._history.finish(run.number, timestamp(self._clock.now()))

    def _known(self, run: Run) -> set[str]:
        """The crates of the last finished run of the same collection."""
        runs = [each for each in self._history.runs(run.collection) if each.finished]
        return self._history.checked(runs[-1].number) if runs else set()

    def _check(self, run: int, crate: str) -> Check:
        """Check a crate, and keep what was found; no crate keeps others from it."""
        try:
            report = next(iter(self._verify(crate)))
        except UsageError as error:
            return self._note(run, crate, GONE, f"{crate}: {error}")
        except Exception as error:  # noqa: BLE001 - the others shall be checked
            reason = f"{crate}: {type(error).__name__}: {error}"
            return self._note(run, crate, FAILED, reason)
        level = report.verdict.level
        check = Check(
            run=run,
            crate=crate,
            at=timestamp(self._clock.now()),
            outcome=report.verdict.outcome.value,
            level=level.value if level else None,
            digest=report.subject.digest.get("sha256"),
            findings=0,
        )
        self._history.add(check, noted_of(report))
        return check

    def _note(self, run: int, crate: str, rule: str, reason: str) -> Check:
        """Keep what is to be said of a crate that could not be checked."""
        outcome = RULES[rule].outcome.value
        noted = Noted(rule, rule, outcome, RULES[rule].severity.value, "./", reason)
        now = timestamp(self._clock.now())
        check = Check(run, crate, now, outcome, None, None, 0)
        self._history.add(check, [noted])
        return check


def noted_of(report: Report) -> list[Noted]:
    """The findings of a report as the history keeps them."""
    return [
        Noted(
            id=id,
            rule=finding.rule,
            outcome=finding.outcome.value,
            level=finding.claim.severity.value,
            subject=finding.claim.subject,
            reason=finding.reason,
        )
        for id, finding in identified(report.findings)
    ]
