"""`reverify audit`: many crates, again and again, and what changed."""

import json as json_format
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverify.cli import _options
from reverify.cli._common import EXIT, complain, gravest, write_stdout
from reverify.errors import UsageError
from reverify.formats.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reverify.model.audit import Change, Check, Run
    from reverify.settings import Settings
    from reverify.store.history import History

SHOWN = 20
EXIT_BROKEN = 1
SCHEMA_VERSION = "1.0"
_OUTCOMES = ("confirmed", "refuted", "undetermined")
Json = Annotated[bool | None, typer.Option("--json", help="Write JSON.")]

audit_app = typer.Typer(
    help="Check whole collections again and again, and tell what changed.\n\n"
    "Each run is kept in the database that REVERIFY_DB names, and sealed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@audit_app.command("run")
def run(  # noqa: PLR0917 - one parameter for each option
    roots: Annotated[
        list[str],
        typer.Argument(
            metavar="ROOT",
            help="Folders in which crates lie, crates, or their addresses.",
            show_default=False,
        ),
    ],
    json: Json = None,
    only: _options.Only = None,
    skip: _options.Skip = None,
    source: _options.Source = None,
    offline: _options.Offline = None,
    strict: _options.Strict = None,
    require: _options.Require = None,
    max_bytes: _options.MaxBytes = None,
    max_time: _options.MaxTime = None,
    allow_private: _options.AllowPrivate = None,
    policy: _options.Policy = None,
    quiet: _options.Quiet = 0,
) -> int:
    """Check all crates below the roots, and keep what was found.

    A run that was interrupted is gone on with: no crate is checked twice. Two audits
    of one collection never run at once.

    Exit codes: as of `reverify check` on several crates: the gravest counts.
    """
    from reverify.audits.finding import find_crates  # noqa: PLC0415 - --help is light
    from reverify.audits.running import Audit  # noqa: PLC0415
    from reverify.runtime import Runtime, settled  # noqa: PLC0415
    from reverify.services import SystemClock  # noqa: PLC0415

    flags = {
        "only": only or None,
        "skip": skip or None,
        "source": source or None,
        "offline": offline,
        "strict": strict,
        "require": require,
        "max_bytes": max_bytes,
        "max_time": max_time,
        "allow_private": allow_private,
    }
    settings, ruling = settled(flags, policy)
    if not settings.kinds:
        raise UsageError("--skip and --only leave nothing to test")

    def told(check: "Check") -> None:
        if not quiet and not json:
            _say(f"{check.outcome:<13} {printable(check.crate, 300)}")

    history = _history(settings)
    with Runtime(settings, ruling=ruling) as runtime:
        locks = settings.cache_dir / "audits"
        audit = Audit(history, runtime.verify, SystemClock(), locks)
        done = audit.run(roots, runtime.ahead(find_crates(roots)), told)
    counts = _counts(history.checks(run=done.number))
    if json:
        _dump({"run": done.to_dict(), "crates": counts})
    elif quiet <= 1:
        _say(_line(done, counts))
    return gravest([EXIT[o] for o in EXIT if counts.get(o.value)] or [0])


@audit_app.command("status")
def status(json: Json = None) -> int:
    """Show how the crates stood in the last run of each collection."""
    history = _history()
    latest: dict[str, Run] = {}
    for each in history.runs():
        latest[each.collection] = each
    told = [(run, _counts(history.checks(run=run.number))) for run in latest.values()]
    if json:
        runs = [{"run": run.to_dict(), "crates": counts} for run, counts in told]
        _dump({"collections": runs})
        return 0
    for run, counts in told:
        _say(_line(run, counts))
        for root in run.roots[:SHOWN]:
            _say(f"  {printable(root, 300)}")
        bad = [c for c in history.checks(run=run.number) if c.outcome != "confirmed"]
        for check in bad[:SHOWN]:
            _say(f"  {check.outcome:<13} {printable(check.crate, 300)}")
        if len(bad) > SHOWN:
            _say(f"  ... and {len(bad) - SHOWN:,} more")
    if not told:
        complain("nothing was audited yet; begin with `reverify audit run FOLDER`")
    return 0


@audit_app.command("drift")
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

    found = compare(_history(), run=run, since=since)
    if json:
        _dump(found.to_dict())
    else:
        for name, changes in found._asdict().items():
            _show(name, changes)
        if not any(found):
            _say("nothing changed")
    return EXIT_BROKEN if found.broke or found.new else 0


@audit_app.command("history")
def history(
    crate: Annotated[str, typer.Argument(metavar="CRATE", help="Where the crate is.")],
    json: Json = None,
) -> int:
    """Show what became of one crate in each run."""
    from pathlib import Path  # noqa: PLC0415

    place = crate if "://" in crate else str(Path(crate).absolute())
    checks = list(_history().checks(crate=place))
    if not checks:
        raise UsageError(f"{crate}: no audit has seen it")
    if json:
        _dump({"crate": place, "checks": [check.to_dict() for check in checks]})
        return 0
    for check in checks:
        level = check.level or "no level"
        _say(f"run {check.run:<5} {check.at[:19]}Z  {check.outcome:<13} {level}")
    return 0


@audit_app.command("verify")
def verify() -> int:
    """See that no row of the history was changed, removed or put in.

    Exit codes: 0 all is as it was sealed, 1 something is not.
    """
    faults = list(_history().faults())
    for fault in faults:
        _say(printable(fault, 300))
    if not faults:
        _say("the history is as it was sealed")
    return EXIT_BROKEN if faults else 0


def _history(settings: "Settings | None" = None) -> "History":
    from reverify.settings import load_settings  # noqa: PLC0415 - --help stays light
    from reverify.store.database import Database  # noqa: PLC0415
    from reverify.store.history import History  # noqa: PLC0415

    return History(Database((settings or load_settings({})).db))


def _counts(checks: "Iterable[Check]") -> dict[str, int]:
    found = Counter(check.outcome for check in checks)
    return {"total": found.total(), **{name: found[name] for name in _OUTCOMES}}


def _line(run: "Run", counts: dict[str, int]) -> str:
    told = ", ".join(f"{counts[name]:,} {name}" for name in _OUTCOMES)
    return f"run {run.number}, {run.state}: {counts['total']:,} crates, {told}"


def _show(name: str, changes: "tuple[Change, ...]") -> None:
    if changes:
        _say(f"{name} ({len(changes):,})")
    for change in changes[:SHOWN]:
        _say(f"  {printable(change.crate, 300)}")
        _say(f"    {change.finding.rule}: {printable(change.finding.reason, 300)}")
        if change.last_confirmed and name != "healed":
            number, at = change.last_confirmed
            _say(f"    last seen well by run {number}, {at[:19]}Z")
    if len(changes) > SHOWN:
        _say(f"  ... and {len(changes) - SHOWN:,} more; --json has all")


def _dump(data: dict[str, Any]) -> None:
    told = {"schema_version": SCHEMA_VERSION, **data}
    text = json_format.dumps(told, indent=2, ensure_ascii=True)
    write_stdout(f"{text}\n".encode())


def _say(line: str) -> None:
    write_stdout(f"{line}\n".encode("utf-8", "backslashreplace"))
