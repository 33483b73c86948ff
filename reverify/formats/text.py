"""For a person at a terminal: the verdict, a line per kind, then what is wrong."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import click

from reverify.formats.escape import printable
from reverify.formats.interface import (
    Format,
    Writing,
    exceptions,
    fixes,
    folded,
    gravest_of,
    grouped,
    held_again,
    place,
    spoken,
    troubles,
)
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.report import Report
from reverify.model.verdict import Tally, Verdict

SHOWN = 5
AGAIN = 20
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
    "tolerated": ("~", "cyan"),
    "notes": ("-", "bright_black"),
    "not tested": (".", "bright_black"),
}
_ALWAYS = {"errors", "could not be told", "warnings", "tolerated"}
_ALL = 2


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
        writing = self.start()
        return b"".join([*map(writing.add, reports), writing.end()])

    def start(self) -> Writing:
        """Begin; no report waits for another."""
        return _Blocks(self)

    def block(self, report: Report) -> str:
        """One report, without a line end behind it."""
        return "\n".join(self._report(report))

    def summary(self, counts: Mapping[Outcome, int]) -> str:
        """One line for several reports, of which so many have each outcome."""
        outcome = gravest_of({each for each, count in counts.items() if count})
        shown = [
            f"{counts.get(each, 0):,} {each}"
            for each in (Outcome.CONFIRMED, Outcome.REFUTED, Outcome.UNDETERMINED)
        ]
        word = self._style(outcome.upper(), _COLOURS[outcome], bold=True)
        return f"{sum(counts.values()):,} crates: {word} ({', '.join(shown)})"

    def _style(self, text: str, colour: str, *, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold) if self._colour else text

    def _faint(self, text: str) -> str:
        return self._style(text, "bright_black")

    def _report(self, report: Report) -> Iterator[str]:
        yield from self._head(report)
        yield ""
        for kind, tally in report.verdict.kinds.items():
            yield self._kind(kind, tally, report)
        yield from self._again(held_again(report))
        hidden = []
        for heading, findings in troubles(report).items():
            if not findings:
                continue
            if heading in _ALWAYS or self._verbosity:
                yield ""
                yield from self._section(heading, findings)
            else:
                word = heading.removesuffix("s") if len(findings) == 1 else heading
                hidden.append(f"{len(findings):,} {word}")
        if hidden:
            yield ""
            yield self._faint(f"  {' and '.join(hidden)}: -v shows them")

    def _head(self, report: Report) -> Iterator[str]:
        subject, verdict = report.subject, report.verdict
        yield printable(subject.location, 200)
        if subject.name:
            yield f"  {printable(subject.name, 100)}"
        facts = [printable(subject.format, 20)] if subject.format != "unknown" else []
        if subject.ro_crate_version:
            facts.insert(0, f"RO-Crate {printable(subject.ro_crate_version, 20)}")
        if subject.files:
            facts.append(f"{subject.files:,} file{'s' if subject.files > 1 else ''}")
            facts.append(f"{subject.bytes:,} bytes")
        facts += [
            f"{printable(name, 20)} {printable(digest[:16])}..."
            for name, digest in subject.digest.items()
        ]
        yield self._faint(f"  {', '.join(facts)}")
        if subject.nested:
            count = len(subject.nested)
            crates = "crate" if count == 1 else "crates"
            yield f"  holds {count:,} more {crates}, not checked here: --recurse does"
        yield ""
        word = self._style(
            verdict.outcome.upper(), _COLOURS[verdict.outcome], bold=True
        )
        level = f"level {verdict.level}" if verdict.level else "no level reached"
        if verdict.required:
            level += f", {verdict.required} required"
            if verdict.outcome is Outcome.CONFIRMED and _is_below(verdict):
                level += ", reached but for what is tolerated"
        yield f"  {word}  {level}"
        if verdict.next_level:
            yield f"  not {printable(verdict.next_level, 400)}"
        if verdict.policy:
            yield f"  by the policy {printable(verdict.policy.file, 200)}"

    def _kind(self, kind: ClaimKind, tally: Tally, report: Report) -> str:
        parts = [
            f"{count:,} {word.removesuffix('s') if count == 1 else word}"
            for count, word in (
                (tally.confirmed, "confirmed"),
                (tally.refuted, "refuted"),
                (tally.warnings, "warnings"),
                (tally.notes, "notes"),
                (tally.undetermined, "undetermined"),
                (tally.untested, "untested"),
                (tally.not_applicable, "not applicable"),
                (tally.tolerated, "tolerated"),
            )
            if count
        ]
        outcome = tally.outcome.value
        if not parts:
            asked = tally.outcome is not Outcome.UNTESTED
            outcome = "nothing claimed" if asked else "not asked for"
        if kind is ClaimKind.FIXITY:
            rules = {"fixity/covered", "fixity/uncovered"}
            told = (f for f in reversed(report.findings) if f.rule in rules)
            if (coverage := next(told, None)) and coverage.observed:
                parts.append(f"digests for {printable(coverage.observed, 100)}")
        word = self._style(f"{outcome:<15}", _COLOURS[tally.outcome])
        return f"  {kind.value:<13} {word} {', '.join(parts)}".rstrip()

    def _again(self, findings: list[Finding]) -> Iterator[str]:
        """What held when it was run again."""
        if not findings:
            return
        yield ""
        title = f"run again, as recorded ({len(findings):,})"
        yield "  " + self._style(title, "green", bold=True)
        most = len(findings) if self._verbosity >= _ALL else AGAIN
        for finding in findings[:most]:
            yield f"  {self._style('+', 'green')} {printable(finding.reason, 400)}"
        if len(findings) > most:
            yield f"    ... and {len(findings) - most:,} more; -vv shows all"

    def _section(self, heading: str, findings: list[Finding]) -> Iterator[str]:
        mark, colour = _MARKS[heading]
        yield "  " + self._style(f"{heading} ({len(findings):,})", colour, bold=True)
        for rule, members in grouped(findings).items():
            count = f" ({len(members):,})" if len(members) > 1 else ""
            title = f"{printable(rule, 200)}{count}"
            yield f"  {self._style(mark, colour)} {self._style(title, colour)}"
            yield from self._members(members)
            for exception in exceptions(members):
                yield f"      tolerated {printable(exception, 400)}"
            for fix in fixes(members)[:SHOWN]:
                yield f"      fix: {printable(fix, 400)}"

    def _members(self, members: list[Finding]) -> Iterator[str]:
        """The findings under one rule: what says the same is said once."""
        groups = list(folded(members).items())
        shown = groups if self._verbosity >= _ALL else groups[:SHOWN]
        for said, same in shown:
            if len(same) == 1:
                yield f"      {printable(spoken(same[0]), 400)}"
                if where := place(same[0]):
                    yield self._faint(f"        {printable(where, 200)}")
            else:
                yield f"      {printable(said, 400)}"
                for line in self._subjects(same):
                    yield self._faint(f"        {line}")
        left = sum(len(same) for _, same in groups[len(shown) :])
        if left:
            yield f"      ... and {left:,} more; -vv shows all"

    def _subjects(self, same: list[Finding]) -> Iterator[str]:
        """Of whom the same is said: the first few on a line, or all, a line each."""
        if self._verbosity >= _ALL:
            for finding in same:
                subject = printable(finding.claim.subject, 200)
                yield f"{subject}  {printable(place(finding), 200)}".rstrip()
            return
        names = dict.fromkeys(finding.claim.subject for finding in same)
        line = ", ".join(printable(name, 100) for name in list(names)[:SHOWN])
        if len(names) > SHOWN:
            line += f" and {len(names) - SHOWN:,} more; -vv shows all"
        elif len(names) < len(same):
            line += f", {len(same):,} times"
        yield line
        if where := place(same[0]):
            yield f"the first at {printable(where, 200)}"


def _is_below(verdict: Verdict) -> bool:
    """Whether the required level is reached only by the grace of a policy."""
    required, level = verdict.required, verdict.level
    return required is not None and (level is None or level.rank < required.rank)


class _Blocks(Writing):
    """Reports one below the other, an empty line between them."""

    def __init__(self, format: Text) -> None:
        super().__init__(format)
        self._text = format
        self._counts: Counter[Outcome] = Counter()

    def add(self, report: Report) -> bytes:
        gap = "\n" if self._counts else ""
        self._counts[report.verdict.outcome] += 1
        return f"{gap}{self._text.block(report)}\n".encode()

    def end(self) -> bytes:
        if self._counts.total() <= 1:
            return b""
        return f"\n{self._text.summary(self._counts)}\n".encode()
