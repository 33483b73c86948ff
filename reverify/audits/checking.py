"""Checks one crate, and makes of its report what the history keeps."""

import time
from collections.abc import Callable, Iterator

from reverify.errors import DamagedError, MissingError, ReverifyError
from reverify.model.audit import Noted, Result, letters
from reverify.model.finding import Finding, identified, timestamp
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.report import Report
from reverify.model.rules import RULES
from reverify.services import Clock
from reverify.store.packing import pack

GONE, FAILED = "completeness/crate-gone", "completeness/check-failed"
DAMAGED = "fixity/capsule-damaged"
_UNREAD = frozenset(
    {
        "completeness/file-unreadable",
        "completeness/limit-reached",
        "fixity/file-unread",
    }
)
"""Rules by which some of a crate was not read."""
Verify = Callable[[str], Iterator[Report]]
"""Checks the crate at a location; the first report is that of the crate itself."""
_ANSWERS = {
    "archival/held": "held",
    "archival/not-held": "not-held",
    "archival/identifier-not-held": "not-held",
    "archival/withheld": "withheld",
    "archival/origin-known": "origin-known",
    "archival/origin-unknown": "origin-unknown",
}
"""What the archive said, by the rule that tells it."""


def check(verify: Verify, location: str, clock: Clock) -> Result:
    """Check a crate; whatever goes wrong is the result, and keeps no other from it."""
    started = time.monotonic()
    try:
        report = next(iter(verify(location)))
    except MissingError as error:
        return gone(location, str(error), clock)
    except DamagedError as error:
        return _unread(location, DAMAGED, str(error), clock)
    except ReverifyError as error:
        return failed(location, str(error), clock)
    except Exception as error:  # noqa: BLE001 - the others shall be checked
        return failed(location, f"{type(error).__name__}: {error}", clock)
    verdict = report.verdict
    data, sha256 = pack(noted_of(report))
    return Result(
        location=location,
        at=timestamp(clock.now()),
        outcome=verdict.outcome.value,
        level=verdict.level.value if verdict.level else None,
        kinds=letters({kind: tally.outcome for kind, tally in verdict.kinds.items()}),
        digest=_digest(report),
        files=report.subject.files,
        size=report.subject.bytes,
        seconds=round(time.monotonic() - started, 4),
        findings=data,
        sha256=sha256,
        answers=tuple(_answers(report.findings)),
    )


def _digest(report: Report) -> str | None:
    """What identifies the bytes; None unless every one of them was read."""
    if not report.subject.files or any(f.rule in _UNREAD for f in report.findings):
        return None
    return report.subject.digest.get("sha256")


def gone(location: str, reason: str, clock: Clock) -> Result:
    """What is to be said of a crate that is not there any more."""
    return _unread(location, GONE, reason, clock)


def failed(location: str, reason: str, clock: Clock) -> Result:
    """What is to be said of a crate that could not be checked."""
    return _unread(location, FAILED, reason, clock)


def _unread(location: str, rule: str, reason: str, clock: Clock) -> Result:
    outcome, severity = RULES[rule].outcome, RULES[rule].severity.value
    said = reason if reason.startswith(location) else f"{location}: {reason}"
    data, sha256 = pack([Noted(rule, rule, outcome.value, severity, "./", said)])
    kinds = dict.fromkeys(ClaimKind, Outcome.UNTESTED) | {RULES[rule].kind: outcome}
    return Result(
        location=location,
        at=timestamp(clock.now()),
        outcome=outcome.value,
        level=None,
        kinds=letters(kinds),
        digest=None,
        files=None,
        size=None,
        seconds=0.0,
        findings=data,
        sha256=sha256,
    )


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
            tolerated=finding.tolerated is not None,
        )
        for id, finding in identified(report.findings)
    ]


def _answers(findings: tuple[Finding, ...]) -> Iterator[tuple[str, str, str]]:
    """What the archive said of which identifier, and when."""
    for finding in findings:
        answer = _ANSWERS.get(finding.rule)
        if answer and finding.evidence:
            at = timestamp(finding.evidence[0].at)
            yield finding.claim.expected, answer, at
