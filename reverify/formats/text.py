"""For a person at a terminal: the verdict, a line per kind, then what is wrong."""

from collections.abc import Iterator, Sequence

import click

from reverify.formats.escape import printable
from reverify.formats.interface import Format, gravest, grouped, troubles
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.report import Report
from reverify.model.verdict import Tally

SHOWN = 5
_COLOURS = {
    Outcome.CONFIRMED: "green",
    Outcome.REFUTED: "red",
    Outcome.UNDETERMINED: "yellow",
    Outcome.UNTESTED: "bright_black",
    Outcome.NOT_APPLICABLE: "bright_black",
}
_MARKS = {
    "errors": ("x", "red"),
    "could not be told": ("?", "yellow"),
    "warnings": ("!", "magenta"),
    "notes": ("-", "bright_black"),
    "not tested": (".", "bright_black"),
}
_ALWAYS = {"errors", "could not be told", "warnings"}
_LISTS = {"listed", "described"}


class Text(Format):
    """Plain text, with colours if they are wanted.

    Args:
        colour: whether to write ANSI colours.
        verbosity: 0 hides notes and what was not tested; 1 shows them; 2 shows every
            finding of a group, not only the first few.
    """

    name = "text"
    media_type = "text/plain"

    def __init__(self, *, colour: bool = False, verbosity: int = 0) -> None:
        self._colour = colour
        self._verbosity = verbosity

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write the reports one below the other, and a line for all of them."""
        blocks = ["\n".join(self._report(report)) for report in reports]
        if len(reports) > 1:
            blocks.append(self._summary(reports))
        return ("\n\n".join(blocks) + "\n").encode("utf-8", "backslashreplace")

    def _style(self, text: str, colour: str, *, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold) if self._colour else text

    def _summary(self, reports: Sequence[Report]) -> str:
        outcome = gravest(reports)
        counts = [
            f"{sum(r.verdict.outcome is each for r in reports)} {each}"
            for each in (Outcome.CONFIRMED, Outcome.REFUTED, Outcome.UNDETERMINED)
        ]
        word = self._style(outcome.upper(), _COLOURS[outcome], bold=True)
        return f"{len(reports)} crates: {word} ({', '.join(counts)})"

    def _report(self, report: Report) -> Iterator[str]:
        yield from self._head(report)
        yield ""
        for kind, tally in report.verdict.kinds.items():
            yield self._kind(kind, tally, report)
        hidden = []
        for heading, findings in troubles(report).items():
            if not findings:
                continue
            if heading in _ALWAYS or self._verbosity:
                yield ""
                yield from self._group(heading, findings)
            else:
                hidden.append(f"{len(findings):,} {heading}")
        if hidden:
            yield ""
            yield self._style(
                f"  {' and '.join(hidden)}: -v shows them", "bright_black"
            )

    def _head(self, report: Report) -> Iterator[str]:
        subject, verdict = report.subject, report.verdict
        yield f"{printable(subject.location, 200)}"
        if subject.name:
            yield f"  {printable(subject.name, 100)}"
        facts = [subject.format]
        if subject.ro_crate_version:
            facts.insert(0, f"RO-Crate {printable(subject.ro_crate_version, 20)}")
        if subject.files:
            facts.append(f"{subject.files:,} file{'s' if subject.files > 1 else ''}")
            facts.append(f"{subject.bytes:,} bytes")
        facts += [f"sha256 {digest[:16]}..." for digest in subject.digest.values()]
        yield self._style(f"  {', '.join(facts)}", "bright_black")
        if subject.nested:
            count = len(subject.nested)
            crates = "crate" if count == 1 else "crates"
            yield f"  holds {count} more {crates}, not checked here: --recurse does"
        yield ""
        word = self._style(
            verdict.outcome.upper(), _COLOURS[verdict.outcome], bold=True
        )
        level = f"level {verdict.level}" if verdict.level else "no level reached"
        if verdict.required:
            level += f", {verdict.required} required"
        yield f"  {word}  {level}"
        if verdict.next_level:
            yield f"  not {printable(verdict.next_level)}"

    def _kind(self, kind: ClaimKind, tally: Tally, report: Report) -> str:
        parts = [
            f"{count:,} {word}"
            for count, word in (
                (tally.confirmed, "confirmed"),
                (tally.refuted, "refuted"),
                (tally.warnings, "warnings"),
                (tally.notes, "notes"),
                (tally.undetermined, "undetermined"),
                (tally.untested, "untested"),
                (tally.not_applicable, "not applicable"),
            )
            if count
        ]
        outcome = tally.outcome.value if parts else "nothing claimed"
        if kind is ClaimKind.FIXITY:
            parts += [
                f"digests for {finding.observed}"
                for finding in report.findings
                if finding.rule in {"fixity/covered", "fixity/uncovered"}
            ]
        word = self._style(f"{outcome:<15}", _COLOURS[tally.outcome])
        return f"  {kind.value:<13} {word} {', '.join(parts)}".rstrip()

    def _group(self, heading: str, findings: list[Finding]) -> Iterator[str]:
        mark, colour = _MARKS[heading]
        yield "  " + self._style(f"{heading} ({len(findings):,})", colour, bold=True)
        groups = grouped(findings)
        for rule, members in groups.items():
            count = f" ({len(members):,})" if len(members) > 1 else ""
            title = f"{printable(rule)}{count}"
            yield f"  {self._style(mark, colour)} {self._style(title, colour)}"
            shown = members if self._verbosity > 1 else members[:SHOWN]
            for finding in shown:
                yield f"      {printable(finding.reason, 400)}"
                if place := _place(finding):
                    yield self._style(f"        {place}", "bright_black")
            if len(shown) < len(members):
                yield f"      ... and {len(members) - len(shown):,} more; -vv shows all"
            if members[0].fix:
                yield f"      fix: {members[0].fix}"


def _place(finding: Finding) -> str:
    place = finding.claim.stated_in
    spot = place.position
    if not spot or (place.file == finding.claim.subject == place.file and not spot):
        return ""
    return f"{printable(place.file, 200)}:{spot[0]}:{spot[1]}"
