"""For CI servers: JUnit XML, a test case for each claim.

The format tells a failure (refuted) from an error (could not be told), as we do.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from xml.etree import ElementTree as ET

from reverify.formats import escape
from reverify.formats.interface import Format
from reverify.model.finding import Finding, identified
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report

_NAME, _TEXT = 200, 2000
_FAULTS = {
    Outcome.REFUTED: ("failure", "failures"),
    Outcome.UNDETERMINED: ("error", "errors"),
}


def xml(text: str, most: int = _TEXT) -> str:
    """Make text safe, and never empty: some readers drop what has no name."""
    return escape.xml(text, most) or "-"


class JUnit(Format):
    """One test suite for each crate."""

    name = "junit"
    media_type = "application/xml"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write one document with a suite for each report."""
        root = ET.Element("testsuites", name="reverify")
        total: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        seconds = 0.0
        for report in reports:
            name = xml(report.subject.location, _NAME)
            seen[name] += 1
            # Readers keep only the first of two cases of one name.
            name = f"{name} ({seen[name]})" if seen[name] > 1 else name
            suite, counts = _suite(report, name)
            root.append(suite)
            total += counts
            seconds += _seconds(report)
        _set_counts(root, total, seconds)
        ET.indent(root)
        data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return data + b"\n"


def _seconds(report: Report) -> float:
    return max((report.finished - report.started).total_seconds(), 0)


def _set_counts(element: ET.Element, counts: Counter[str], seconds: float) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        element.set(name, str(counts[name]))
    element.set("time", f"{seconds:.3f}")


def _suite(report: Report, name: str) -> tuple[ET.Element, Counter[str]]:
    suite = ET.Element("testsuite", name=name)
    started = report.started.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    suite.set("timestamp", started.isoformat())
    properties = ET.SubElement(suite, "properties")
    for key, value in (
        ("reverify.version", report.tool.get("version", "")),
        ("reverify.verdict", report.verdict.outcome.value),
        ("reverify.level", report.verdict.level or "none"),
    ):
        ET.SubElement(properties, "property", name=key, value=xml(value, _NAME))
    counts: Counter[str] = Counter()
    for id, finding in identified(report.findings):
        suite.append(_case(id, finding, name, counts))
    verdict = _verdict(report, name, counts)
    if verdict is not None:
        suite.append(verdict)
    _set_counts(suite, counts, _seconds(report))
    return suite, counts


def _case(id: str, finding: Finding, suite: str, counts: Counter[str]) -> ET.Element:
    claim = finding.claim
    case = ET.Element("testcase")
    case.set("classname", f"{suite}.{claim.kind}")
    case.set("name", f"{xml(f'{claim.subject} {claim.topic}', _NAME)} [{id}]")
    case.set("file", xml(claim.stated_in.file, _NAME))
    if spot := claim.stated_in.position:
        case.set("line", str(spot[0]))
    case.set("time", "0")
    counts["tests"] += 1
    reason = xml(finding.reason)
    if finding.hurts or (
        finding.outcome is Outcome.UNDETERMINED
        and claim.severity != Severity.NOTE
        and finding.tolerated is None
    ):
        tag, count = _FAULTS[finding.outcome]
        counts[count] += 1
        fault = ET.SubElement(case, tag, type=xml(finding.rule), message=reason)
        details = [
            f"{finding.rule}: expected {claim.expected}, found {finding.observed}"
        ]
        details += [f"fix: {finding.fix}"] if finding.fix else []
        fault.text = "\n".join(map(xml, details))
    elif finding.outcome is not Outcome.CONFIRMED:
        # A warning or note passes nowhere and fails nobody: it is shown as skipped.
        counts["skipped"] += 1
        word = claim.severity.value
        if finding.outcome is not Outcome.REFUTED:
            word = finding.outcome.value
        if finding.tolerated is not None:
            word = f"{word}, tolerated"
        ET.SubElement(case, "skipped", message=f"{word}: {reason}")
    return case


def _verdict(report: Report, suite: str, counts: Counter[str]) -> ET.Element | None:
    """A case for a verdict that no other case explains.

    Warnings that refute (`--strict`) and a level that was not reached (`--require`)
    are no single claim's fault, yet whoever reads only this file must see them.
    """
    verdict = report.verdict
    if verdict.outcome not in _FAULTS or counts[_FAULTS[verdict.outcome][1]]:
        return None
    tag, count = _FAULTS[verdict.outcome]
    counts["tests"] += 1
    counts[count] += 1
    case = ET.Element(
        "testcase", classname=f"{suite}.verdict", name="verdict", time="0"
    )
    required = f", {verdict.required} required" if verdict.required else ""
    level = f"level {verdict.level or 'none'}{required}"
    why = f"; not {verdict.next_level}" if verdict.next_level else ""
    message = xml(f"{verdict.outcome}: {level}{why}")
    ET.SubElement(case, tag, type="verdict", message=message)
    return case
