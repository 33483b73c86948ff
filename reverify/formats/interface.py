"""The shape of all formats, and what they share."""

from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Mapping, Sequence

from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Outcome, Severity
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

    def start(self) -> "Writing":
        """Begin to write reports that come one by one."""
        return Writing(self)


class Writing:
    """Reports written as they come; most formats need all of them at once.

    What `add` and `end` give is, one behind the other, what `render` would.

    Args:
        format: how.
    """

    def __init__(self, format: Format) -> None:
        self._format = format
        self._reports: list[Report] = []

    def add(self, report: Report) -> bytes:
        """Take a report, and give what can be written by now."""
        self._reports.append(report)
        return b""

    def end(self) -> bytes:
        """Give what is left to be written; nothing if there was no report."""
        return self._format.render(self._reports) if self._reports else b""


def gravest(reports: Iterable[Report]) -> Outcome:
    """The verdict over several crates: refuted, then undetermined, then confirmed."""
    return gravest_of({report.verdict.outcome for report in reports})


def gravest_of(outcomes: Container[Outcome]) -> Outcome:
    """The outcome that counts among several."""
    return next(outcome for outcome in GRAVITY if outcome in outcomes)


def held_again(report: Report) -> list[Finding]:
    """What held when runs were run again: few, and what the user waited for."""
    return [
        finding
        for finding in report.findings
        if finding.claim.kind is ClaimKind.EXECUTION
        and finding.outcome is Outcome.CONFIRMED
    ]


def grouped(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """Put findings of one rule together, in the order of their first appearance."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.rule, []).append(finding)
    return groups


def folded(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """Put findings together that say the same of different subjects.

    Returns:
        what is said, without the subject's name, and of whom.
    """
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        subject = finding.claim.subject
        said = finding.reason.removeprefix(f"{subject}: ")
        said = said.replace(f"'{subject}'", "'...'")
        groups.setdefault(said, []).append(finding)
    return groups


def spoken(finding: Finding, most: int = 90) -> str:
    """The reason of a finding; a long name at its start does not hide what is said."""
    subject, reason = finding.claim.subject, finding.reason
    if len(subject) <= most or not reason.startswith(f"{subject}: "):
        return reason
    return f"{subject[: most - 3]}...{reason[len(subject) :]}"


def fixes(findings: Iterable[Finding]) -> list[str]:
    """What can be done about findings: each advice once."""
    return list(dict.fromkeys(finding.fix for finding in findings if finding.fix))


def exceptions(findings: Iterable[Finding]) -> list[str]:
    """Why findings are tolerated, and until when: each exception once."""
    told = [each.tolerated for each in findings if each.tolerated is not None]
    return list(dict.fromkeys(f"until {each.until}: {each.reason}" for each in told))


def place(finding: Finding) -> str:
    """Where the crate says so, `file:line:column`; empty where no line is known."""
    stated = finding.claim.stated_in
    spot = stated.position
    return f"{stated.file}:{spot[0]}:{spot[1]}" if spot else ""


def troubles(report: Report) -> Mapping[str, list[Finding]]:
    """What is wrong in a report, worst first, under a heading each."""
    confirmed = Outcome.CONFIRMED  # nearly all there is in a large crate
    found = [f for f in report.findings if f.outcome is not confirmed]
    others = [f for f in found if f.tolerated is None]
    refuted = [f for f in others if f.outcome is Outcome.REFUTED]

    def of(severity: Severity) -> list[Finding]:
        return [f for f in refuted if f.severity is severity]

    def with_outcome(outcome: Outcome) -> list[Finding]:
        those = [f for f in others if f.outcome is outcome]
        return sorted(those, key=lambda finding: finding.severity.rank)

    return {
        "errors": of(Severity.ERROR),
        "could not be told": with_outcome(Outcome.UNDETERMINED),
        "warnings": of(Severity.WARNING),
        "tolerated": [f for f in found if f.tolerated is not None],
        "notes": of(Severity.NOTE),
        "not tested": with_outcome(Outcome.UNTESTED),
    }
