"""What audits found: `audit status`, `drift`, `history` and `verify`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverify.cli._common import complain
from reverify.cli.audit._common import (
    EXIT_BROKEN,
    SHOWN,
    counts_line,
    dump,
    history_of,
    readings_line,
    say,
)
from reverify.cli.audit._options import Json
from reverify.errors import UsageError
from reverify.formats.escape import printable

if TYPE_CHECKING:
    from reverify.model.audit import BadCrate, Change, Overview, Summary

_TREND, _MOST_BAD = 10, 1000


def status(json: Json = None) -> int:
    """Show how the crates of each collection stand, and how sure that is."""
    from reverify.audits.overview import collections, overview  # noqa: PLC0415
    from reverify.services import SystemClock  # noqa: PLC0415

    most, now = _MOST_BAD if json else SHOWN, SystemClock().now()
    with history_of() as history:
        found = [
            overview(history, run, now, most, changes=False)
            for run in collections(history)
        ]
    if json:
        told = [_standing(each) for each in found]
        newest: dict[str, Any] = told[-1] if told else {}
        dump({**newest, "collections": told})
        return 0
    for each in found:
        _show_standing(each)
    if not found:
        complain("nothing was audited yet; begin with `reverify audit run FOLDER`")
    return 0


def drift(
    since: Annotated[
        str,
        typer.Option(
            metavar="RUN|TIME",
            help="Compare with what was known then: the number of a run, or a time as"
            " 2026-01-31. [default: the run before]",
        ),
    ] = "",
    run: Annotated[
        int | None,
        typer.Option(metavar="RUN", help="The run to compare. [default: the last]"),
    ] = None,
    json: Json = None,
) -> int:
    """Tell what broke, healed, is new or vanished, and which run last saw it well.

    Exit codes: 0 nothing broke and nothing new is wrong, 1 something is, 2 usage.
    """
    from reverify.audits.drift import drift as compare  # noqa: PLC0415 - --help is light

    with history_of() as history:
        found = compare(history, run=run, since=since)
    if json:
        dump(found.to_dict())
    else:
        for name, changes in found._asdict().items():
            _show(name, changes)
        if not any(found):
            say("nothing changed")
    return EXIT_BROKEN if found.broke or found.new else 0


def history(
    crate: Annotated[str, typer.Argument(metavar="CRATE", help="Where the crate is.")],
    json: Json = None,
) -> int:
    """Show what became of one crate in each run."""
    from reverify.audits.finding import root_of  # noqa: PLC0415 - --help stays light

    place = root_of(crate)
    with history_of() as kept:
        checks = list(kept.checks(crate=place))
    if not checks:
        raise UsageError(f"{crate}: no audit has seen it")
    if json:
        dump({"crate": place, "checks": [check.to_dict() for check in checks]})
        return 0
    for check in checks:
        how = "read in full" if check.reading == "full" else f"{check.reading}"
        if check.reading in {"quick", "none"} and check.read is not None:
            how += f", as read by run {check.read}"
        level = check.level or "no level"
        when = f"run {check.run:<5} {check.at[:19]}Z"
        say(f"{when}  {check.outcome:<13} {level:<11} {how} ({check.why})")
    return 0


def verify() -> int:
    """See that no row of the history was changed, removed or put in.

    Exit codes: 0 all is as it was sealed, 1 something is not.
    """
    with history_of() as history:
        if not history.runs():
            raise UsageError("there is no history yet; `reverify audit run` begins one")
        faults = list(history.faults())
    for fault in faults:
        say(printable(fault, 300))
    if not faults:
        say("the history is as it was sealed")
    return EXIT_BROKEN if faults else 0


def _standing(found: "Overview") -> dict[str, Any]:
    summary = found.run.summary
    if summary is None:
        return {"run": found.run.to_dict()}
    return {
        "run": found.run.to_dict(),
        "crates": summary.to_dict(),
        "levels": {name or "none": many for name, many in summary.levels.items()},
        "kinds": {kind: dict(counts) for kind, counts in summary.kinds.items()},
        "due": found.due,
        "overdue": found.overdue,
        "never": found.never,
        "left": dict(summary.left),
        "trend": [
            {"run": each.number, "at": each.finished, "crates": each.summary.to_dict()}
            for each in found.runs[-_TREND:]
            if each.summary is not None
        ],
        "bad": [_bad(each) for each in found.bad],
    }


def _bad(each: "BadCrate") -> dict[str, Any]:
    run, at = each.since
    return {
        "crate": each.check.crate,
        "outcome": each.check.outcome,
        "since": {"run": run, "at": at},
        "rules": sorted({finding.rule for finding in each.findings}),
    }


def _show_standing(found: "Overview") -> None:
    run, summary = found.run, found.run.summary
    if summary is None:
        return
    say(counts_line(run, summary.to_dict()))
    for root in run.roots[:SHOWN]:
        say(f"  {printable(root, 300)}")
    say(f"  {readings_line(summary.to_dict())} in this run")
    say(
        f"  {found.never:,} never read in full, {found.overdue:,} overdue,"
        f" {found.due:,} due soon"
    )
    levels = [f"{many:,} {name or 'none'}" for name, many in summary.levels.items()]
    say(f"  levels: {', '.join(levels)}")
    for kind in summary.kinds:
        say(f"  {kind:<13} {_counted(summary, kind)}")
    if len(found.runs) > 1:
        past = [r for r in found.runs[-_TREND:] if r.summary is not None]
        bad = [f"{r.summary.crates.get('refuted', 0):,}" for r in past if r.summary]
        say(f"  refuted in runs {past[0].number} to {run.number}: {', '.join(bad)}")
    for each in found.bad[:SHOWN]:
        check, since = each.check, each.since
        say(f"  {check.outcome:<13} {printable(check.crate, 300)}")
        rules = ", ".join(dict.fromkeys(finding.rule for finding in each.findings))
        say(f"    since run {since[0]}, {since[1][:10]}: {printable(rules, 300)}")
    many = sum(summary.crates.get(name, 0) for name in ("refuted", "undetermined"))
    if many > SHOWN:
        say(f"  ... and {many - SHOWN:,} more; --json has them")


def _counted(summary: "Summary", kind: str) -> str:
    return ", ".join(f"{many:,} {name}" for name, many in summary.kinds[kind].items())


def _show(name: str, changes: "tuple[Change, ...]") -> None:
    if changes:
        say(f"{name} ({len(changes):,})")
    for change in changes[:SHOWN]:
        say(f"  {printable(change.crate, 300)}")
        say(f"    {change.finding.rule}: {printable(change.finding.reason, 300)}")
        if change.last_confirmed and name != "healed":
            number, at = change.last_confirmed
            say(f"    last seen well by run {number}, {at[:19]}Z")
    if len(changes) > SHOWN:
        say(f"  ... and {len(changes) - SHOWN:,} more; --json has all")
