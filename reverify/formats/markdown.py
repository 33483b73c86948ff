"""For a review, an issue or a job summary: GitHub-flavoured Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from reverify.formats.escape import cell, code, markdown
from reverify.formats.interface import (
    Format,
    exceptions,
    fixes,
    folded,
    gravest,
    grouped,
    held_again,
    place,
    spoken,
    troubles,
)
from reverify.model.finding import Finding, timestamp
from reverify.model.report import Report

SHOWN = 20
MOST_BYTES = 900_000
"""A job summary on GitHub may have 1 MiB."""
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
        """Write a section for each report, and a table before them if they are many."""
        return cut(_lines(reports), MOST_BYTES).encode()


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    if len(reports) > 1:
        yield from _overview(reports)
    for number, report in enumerate(reports):
        if number or len(reports) > 1:
            yield ""
        yield from _section(report)


def cut(lines: Iterable[str], most: int) -> str:
    """Put lines together, at most so many bytes of them; the rest is counted."""
    kept: list[str] = []
    size = left = 0
    for line in lines:
        size += len(line.encode()) + 1
        if size <= most:
            kept.append(line)
        else:
            left += 1
    if left:
        kept += ["", f"... and {left:,} more lines, left out to keep this readable"]
    return "\n".join(kept) + "\n"


def _overview(reports: Sequence[Report]) -> Iterator[str]:
    yield f"## {len(reports):,} crates: {gravest(reports)}"
    yield ""
    yield "| crate | verdict | level | errors | could not be told | warnings |"
    yield "|---|---|---|--:|--:|--:|"
    for report in reports:
        verdict, tallies = report.verdict, report.verdict.kinds.values()
        counts = (
            sum(tally.refuted for tally in tallies),
            sum(tally.undetermined for tally in tallies),
            sum(tally.warnings for tally in tallies),
        )
        row = " | ".join(f"{count:,}" if count else "" for count in counts)
        location = cell(report.subject.location, 200)
        yield f"| {location} | {verdict.outcome} | {verdict.level or 'none'} | {row} |"


def _section(report: Report) -> Iterator[str]:
    subject, verdict = report.subject, report.verdict
    yield f"## {code(subject.location, 200)}: {verdict.outcome}"
    yield ""
    if subject.name:
        yield markdown(subject.name, 200)
        yield ""
    yield f"- level: **{verdict.level or 'none'}**"
    if verdict.required:
        yield f"- required: **{verdict.required}**"
    if verdict.next_level:
        yield f"- not {markdown(verdict.next_level)}"
    if verdict.policy:
        yield f"- by the policy {code(verdict.policy.file, 200)}"
    yield f"- {', '.join(_facts(report))}"
    for name, digest in subject.digest.items():
        yield f"- {markdown(name, 20)} {code(digest, 200)}"
    if subject.nested:
        yield f"- crates inside it, not checked here: {len(subject.nested):,}"
    tool = f"{report.tool.get('name', '')} {report.tool.get('version', '')}"
    yield f"- checked {timestamp(report.started)} by {markdown(tool, 100)}"
    yield ""
    columns = (*_COUNTS, *([("tolerated", "tolerated")] if verdict.policy else []))
    yield "| kind | outcome | " + " | ".join(word for _, word in columns) + " |"
    yield "|---|---|" + "--:|" * len(columns)
    for kind, tally in verdict.kinds.items():
        counts = [getattr(tally, name) for name, _ in columns]
        row = " | ".join(f"{count:,}" if count else "" for count in counts)
        outcome = tally.outcome if any(counts) else "nothing claimed"
        yield f"| {kind} | {outcome} | {row} |"
    yield from _again(held_again(report))
    for heading, findings in troubles(report).items():
        if findings:
            yield ""
            yield f"### {heading} ({len(findings):,})"
            yield from _groups(findings)


def _again(findings: list[Finding]) -> Iterator[str]:
    """What held when it was run again."""
    if findings:
        yield ""
        yield f"### run again, as recorded ({len(findings):,})"
        yield ""
    for finding in findings[:SHOWN]:
        yield f"- {markdown(finding.reason, 400)}"
    if len(findings) > SHOWN:
        yield f"- and {len(findings) - SHOWN:,} more"


def _facts(report: Report) -> Iterator[str]:
    subject = report.subject
    if subject.ro_crate_version:
        yield f"RO-Crate {markdown(subject.ro_crate_version, 20)}"
    yield markdown(subject.format, 20)
    yield f"{subject.files:,} file{'' if subject.files == 1 else 's'}"
    yield f"{subject.bytes:,} bytes"


def _groups(findings: list[Finding]) -> Iterator[str]:
    for rule, members in grouped(findings).items():
        yield ""
        count = f" ({len(members):,})" if len(members) > 1 else ""
        yield f"{code(rule, 200)}{count}"
        yield ""
        groups = list(folded(members).items())
        for said, same in groups[:SHOWN]:
            yield f"- {_said(said, same)}"
        left = sum(len(same) for _, same in groups[SHOWN:])
        if left:
            yield f"- ... and {left:,} more"
        for fix in fixes(members)[:SHOWN]:
            yield f"- fix: {markdown(fix, 400)}"
        for exception in exceptions(members):
            yield f"- tolerated {markdown(exception, 400)}"


def _said(said: str, same: list[Finding]) -> str:
    """What is said of one subject or of many, and where."""
    where = code(place(same[0]) or same[0].claim.stated_in.file, 200)
    if len(same) == 1:
        return f"{markdown(spoken(same[0]), 400)} ({where})"
    names = list(dict.fromkeys(finding.claim.subject for finding in same))
    whom = ", ".join(code(name, 100) for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    times = f", {len(same):,} times" if len(names) < len(same) else ""
    return f"{markdown(said, 400)}: {whom}{more}{times} (first: {where})"
