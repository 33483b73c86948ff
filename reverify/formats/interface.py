"""The shape of all formats, and what they share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from reverify.model.finding import Finding
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report

GRAVITY = (
    Outcome.REFUTED,
    Outcome.UNDETERMINED,
    Outcome.CONFIRMED,
    Outcome.UNTESTED,
    Outcome.NOT_APPLICABLE,
)


class Format(ABC):
    """One way to write reports. A format never judges and never counts verdicts.

    Attributes:
        name: what `--format` calls it.
        media_type: for HTTP.
    """

    name: str
    media_type: str

    @abstractmethod
    def render(self, reports: Sequence[Report]) -> bytes:
        """Write one report or many."""


def gravest(reports: Iterable[Report]) -> Outcome:
    """The verdict over several crates: refuted, then undetermined, then confirmed."""
    outcomes = {report.verdict.outcome for report in reports}
    return next(outcome for outcome in GRAVITY if outcome in outcomes)


def grouped(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """Put findings of one rule together, in the order of their first appearance."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.rule, []).append(finding)
    return groups


def troubles(report: Report) -> dict[str, list[Finding]]:
    """What is wrong in a report, worst first, under a heading each."""
    refuted = [f for f in report.findings if f.outcome is Outcome.REFUTED]

    def of(severity: Severity) -> list[Finding]:
        return [f for f in refuted if f.severity is severity]

    return {
        "errors": of(Severity.ERROR),
        "could not be told": [
            f for f in report.findings if f.outcome is Outcome.UNDETERMINED
        ],
        "warnings": of(Severity.WARNING),
        "notes": of(Severity.NOTE),
        "not tested": [f for f in report.findings if f.outcome is Outcome.UNTESTED],
    }
