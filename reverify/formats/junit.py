"""For CI servers: JUnit XML, a test case for each claim.

The format tells a failure (refuted) from an error (could not be told), as we do.
"""

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from reverify.formats.escape import xml
from reverify.formats.interface import Format
from reverify.model.finding import Finding, identified
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report


class JUnit(Format):
    """One test suite for each crate."""

    name = "junit"
    media_type = "application/xml"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write one document with a suite for each report."""
        root = ET.Element("testsuites", name="reverify")
        total: Counter[str] = Counter()
        seconds = 0.0
        for report in reports:
            suite, counts = _suite(report)
            root.append(suite)
            total += counts
            seconds += (report.finished - report.started).total_seconds()
        _set_counts(root, total, seconds)
        ET.indent(root)
        data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return data + b"\n"


def _set_counts(element: ET.Element, counts: Counter[str], seconds: float) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        element.set(name, str(counts[name]))
    element.set("time", f"{seconds:.3f}")


def _suite(report: Report) -> tuple[ET.Element, Counter[str]]:
    name = xml(report.subject.location)
    suite = ET.Element("testsuite", name=name)
    started = report.started.replace(microsecond=0, tzinfo=None)
    suite.set("timestamp", started.isoformat())
    properties = ET.SubElement(suite, "properties")
    for key, value in (
        ("reverify.version", report.tool["version"]),
        ("reverify.verdict", report.verdict.outcome.value),
        ("reverify.level", report.verdict.level or "none"),
    ):
        ET.SubElement(properties, "property", name=key, value=value)
    counts: Counter[str] = Counter()
    for id, finding in identified(report.findings):
        suite.append(_case(id, finding, name, counts))
    _set_counts(suite, counts, (report.finished - report.started).total_seconds())
    return suite, counts


def _case(id: str, finding: Finding, suite: str, counts: Counter[str]) -> ET.Element:
    claim = finding.claim
    case = ET.Element("testcase")
    case.set("classname", f"{suite}.{claim.kind}")
    case.set("name", xml(f"{claim.subject} {claim.topic} [{id}]"))
    case.set("file", xml(claim.stated_in.file))
    if spot := claim.stated_in.position:
        case.set("line", str(spot[0]))
    case.set("time", "0")
    counts["tests"] += 1
    reason = xml(finding.reason)
    details = xml(
        f"{finding.rule}: expected {claim.expected}, found {finding.observed}"
    )
    harmless = {"message": f"{claim.severity}: {reason}"}
    if finding.outcome is Outcome.REFUTED and claim.severity is Severity.ERROR:
        counts["failures"] += 1
        failure = ET.SubElement(case, "failure", type=finding.rule, message=reason)
        failure.text = details
    elif finding.outcome is Outcome.UNDETERMINED and claim.severity != Severity.NOTE:
        counts["errors"] += 1
        error = ET.SubElement(case, "error", type=finding.rule, message=reason)
        error.text = details
    elif finding.outcome is not Outcome.CONFIRMED:
        # A warning or note passes nowhere and fails nobody: it is shown as skipped.
        counts["skipped"] += 1
        ET.SubElement(case, "skipped", harmless)
    return case
