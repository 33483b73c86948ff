"""For a review, an issue or a job summary: GitHub-flavoured Markdown."""

from collections.abc import Iterator, Sequence

from reverify.formats.escape import code, markdown
from reverify.formats.interface import Format, grouped, troubles
from reverify.model.finding import Finding, timestamp
from reverify.model.report import Report

SHOWN = 20
_COUNTS = (
    ("confirmed", "confirmed"),
    ("refuted", "refuted"),
    ("warnings", "warnings"),
    ("notes", "notes"),
    ("undetermined", "undetermined"),
    ("untested", "untested"),
    ("not_applicable", "not applicable"),
)


class Markdown(Format):
    """A section for each crate: a table of the kinds, then what is wrong."""

    name = "markdown"
    media_type = "text/markdown"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write a section for each report."""
        text = "\n\n".join("\n".join(_section(report)) for report in reports)
        return (text + "\n").encode("utf-8", "backslashreplace")


def _section(report: Report) -> Iterator[str]:
    subject, verdict = report.subject, report.verdict
    yield f"## {code(subject.location)}: {verdict.outcome}"
    yield ""
    if subject.name:
        yield f"{markdown(subject.name)}"
        yield ""
    yield f"- level: **{verdict.level or 'none'}**"
    if verdict.required:
        yield f"- required: **{verdict.required}**"
    if verdict.next_level:
        yield f"- not {markdown(verdict.next_level)}"
    yield f"- {subject.format}, {subject.files:,} files, {subject.bytes:,} bytes"
    for name, digest in subject.digest.items():
        yield f"- {name} {code(digest)}"
    yield (
        f"- checked {timestamp(report.started)} by {report.tool['name']}"
        f" {report.tool['version']}"
    )
    yield ""
    yield "| kind | outcome | " + " | ".join(word for _, word in _COUNTS) + " |"
    yield "|---|---|" + "--:|" * len(_COUNTS)
    for kind, tally in verdict.kinds.items():
        counts = " | ".join(str(getattr(tally, name) or "") for name, _ in _COUNTS)
        yield f"| {kind} | {tally.outcome} | {counts} |"
    for heading, findings in troubles(report).items():
        if findings:
            yield ""
            yield f"### {heading} ({len(findings):,})"
            yield from _groups(findings)


def _groups(findings: list[Finding]) -> Iterator[str]:
    for rule, members in grouped(findings).items():
        yield ""
        yield f"{code(rule)} ({len(members):,})"
        yield ""
        for finding in members[:SHOWN]:
            place = finding.claim.stated_in
            spot = place.position
            where = f"{place.file}:{spot[0]}:{spot[1]}" if spot else place.file
            yield f"- {markdown(finding.reason)} ({code(where)})"
        if len(members) > SHOWN:
            yield f"- ... and {len(members) - SHOWN:,} more"
        if members[0].fix:
            yield f"- fix: {markdown(members[0].fix)}"
