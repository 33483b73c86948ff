"""For an issue or a job summary: what is broken, since when, how sure of the rest."""

from collections.abc import Iterator

from reverify.audits.reporting import facts
from reverify.formats.escape import cell, code, markdown
from reverify.formats.markdown import cut
from reverify.model.audit import BadCrate, Change, Overview

SHOWN_CRATES = 50
SHOWN_CHANGES = 20
SHOWN_RULES = 20
SHOWN_RUNS = 12
MOST_BYTES = 60_000
"""An issue on GitHub may have 65,536 characters."""
_OUTCOMES = ("confirmed", "refuted", "undetermined", "untested")
_MOST = 300


def markdown_report(overview: Overview) -> bytes:
    """Write it, so short that an issue takes it whatever was found."""
    return cut(_lines(overview), MOST_BYTES).encode()


def _lines(overview: Overview) -> Iterator[str]:
    run = overview.run
    yield f"## {facts.headline(overview)}"
    yield ""
    places = ", ".join(code(root, _MOST) for root in run.roots[:5])
    more = f" and {len(run.roots) - 5:,} more" if len(run.roots) > 5 else ""  # noqa: PLR2004 - see above
    yield (
        f"Run {run.number} of {places}{more}, {run.state}"
        f" {facts.moment(run.finished)}, by reverify {markdown(run.tool, 100)}"
    )
    for title, said in (
        ("What is broken", facts.broken_now(overview)),
        ("Since when", facts.since_when(overview)),
        ("How sure of the rest", facts.how_sure(overview)),
    ):
        yield from ("", f"**{title}**", "")
        yield from [f"- {line}" for line in said] or ["- nothing that is known of"]
    yield from _drift(overview)
    yield from _bad(overview)
    yield from _trouble(overview)
    yield from _age(overview)
    yield from _runs(overview)


def _drift(overview: Overview) -> Iterator[str]:
    for name, found in facts.changes(overview.drift):
        if found:
            yield from ("", f"### {name.capitalize()} in the last run: {len(found):,}")
            yield from ("", f"A claim that {facts.CHANGES[name]}.", "")
            yield from (_change(name, each) for each in found[:SHOWN_CHANGES])
            yield from _rest(len(found), SHOWN_CHANGES)


def _change(name: str, change: Change) -> str:
    finding = change.finding
    line = f"- {code(change.crate, _MOST)}: {_finding(finding.rule, finding.reason)}"
    if change.last_confirmed and name != "healed":
        run, at = change.last_confirmed
        line += f"; last seen well by run {run}, {facts.day(at)}"
    return line


def _finding(rule: str, reason: str) -> str:
    return f"{code(rule, _MOST)}, {markdown(reason, _MOST)}"


def _bad(overview: Overview) -> Iterator[str]:
    if not overview.bad:
        return
    yield from ("", f"### Not confirmed: {facts.crates(facts.bad_count(overview))}", "")
    yield "| crate | verdict | since | findings | the first one |"
    yield "|---|---|---|--:|---|"
    yield from map(_row, overview.bad[:SHOWN_CRATES])
    yield from _rest(facts.bad_count(overview), SHOWN_CRATES, "`--format csv` has all")


def _row(bad: BadCrate) -> str:
    run, at = bad.since
    first = bad.findings[0] if bad.findings else None
    said = cell(f"{first.rule}: {first.reason}", _MOST) if first else ""
    return (
        f"| {cell(bad.check.crate, _MOST)} | {bad.check.outcome}"
        f" | run {run}, {facts.day(at)} | {len(bad.findings):,} | {said} |"
    )


def _trouble(overview: Overview) -> Iterator[str]:
    if not overview.trouble:
        return
    yield from ("", "### What is wrong", "")
    yield from ("| rule | crates | findings | size |", "|---|--:|--:|--:|")
    for each in overview.trouble[:SHOWN_RULES]:
        size = facts.volume(each.bytes)
        rule = cell(each.rule, _MOST)
        yield f"| {rule} | {each.crates:,} | {each.findings:,} | {size} |"
    yield from _rest(len(overview.trouble), SHOWN_RULES)


def _age(overview: Overview) -> Iterator[str]:
    found = facts.spans(overview)
    if not found:
        return
    yield from ("", "### Last full reading", "")
    yield from ("| how long ago | crates | size |", "|---|--:|--:|")
    for each in found:
        size = "not known" if each.is_never else facts.volume(each.bytes)
        yield f"| {each.label} | {each.crates:,} | {size} |"
    if overview.run.summary:
        told = facts.full_readings(overview.run.summary)
        line = "; ".join(
            f"{name}: {many:,}"
            for name, many in told.items()
            if many or name != facts.IN_PART
        )
        yield from ("", f"In this run: {line}.")


def _runs(overview: Overview) -> Iterator[str]:
    yield from ("", "### Run by run", "")
    yield f"| run | began | crates | {' | '.join(_OUTCOMES)} |"
    yield "|--:|---|--:|" + "--:|" * len(_OUTCOMES)
    for run in overview.runs[: -SHOWN_RUNS - 1 : -1]:
        if run.summary:
            counts = [f"{run.summary.crates.get(name, 0):,}" for name in _OUTCOMES]
            row = " | ".join([f"{run.summary.total:,}", *counts])
            yield f"| {run.number} | {facts.day(run.started)} | {row} |"
    yield from _rest(len(overview.runs), SHOWN_RUNS)


def _rest(many: int, shown: int, where: str = "") -> Iterator[str]:
    if many > shown:
        yield from ("", f"... and {many - shown:,} more{where and '; '}{where}")
