"""`reverify audit run` and `audit plan`."""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverify.cli import _options as judging
from reverify.cli._common import EXIT, EXIT_USAGE, complain, gravest
from reverify.cli.audit import _options as options
from reverify.cli.audit._common import (
    counts_line,
    dump,
    history_of,
    readings_line,
    say,
    span,
)
from reverify.cli.audit._telling import Telling
from reverify.errors import BusyError, StoreError, UsageError
from reverify.formats.escape import printable
from reverify.model.outcome import Outcome

if TYPE_CHECKING:
    from types import FrameType

    from reverify.audits.executing import Executor
    from reverify.audits.forecast import Forecast
    from reverify.audits.planning import Task
    from reverify.cli.audit._options import Asked
    from reverify.model.audit import Drift, Result, Run
    from reverify.runtime import Runtime
    from reverify.store.history import History

Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Check so many crates at once, each in a process of its own; 1 checks"
        " them here. [default: one for each processor]",
    ),
]


def run(  # noqa: PLR0917 - one parameter for each option
    roots: options.Roots = None,
    listed: options.Listed = None,
    registry: options.Registry = None,
    full: options.Full = None,
    full_every: options.FullEvery = "1y",
    sample: options.SampleOption = None,
    max_time: options.MaxTime = None,
    max_bytes: options.MaxBytes = None,
    jobs: Jobs = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Check on a Dask cluster, tls://HOST:8786 or tcp://HOST:8786; its"
            " workers must see the same storage and have the same reverify. Tokens are"
            " sent by tls alone.",
        ),
    ] = None,
    nice: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=19, help="Give way to others, 0 to 19."),
    ] = 0,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait", help="Wait if another audit of the collection is running."
        ),
    ] = None,
    let_go: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE",
            help="Crates at or below this place that are not there were taken out, and"
            " are no more of the collection. Repeatable.",
        ),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="new|any",
            help="Exit with an error for any trouble, or for what is new since the"
            " run before alone.",
        ),
    ] = "any",
    notify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET",
            help="Tell somebody if something changed: https://HOST/PATH, mailto:ADDRESS"
            " or command:PROGRAM. Repeatable.",
        ),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write how the crates stand as text for Prometheus."
        ),
    ] = None,
    policy: judging.Policy = None,
    require: judging.Require = None,
    only: judging.Only = None,
    skip: judging.Skip = None,
    source: judging.Source = None,
    offline: judging.Offline = None,
    strict: judging.Strict = None,
    allow_private: judging.AllowPrivate = None,
    json: options.Json = None,
    quiet: judging.Quiet = 0,
    verbose: judging.Verbose = 0,
    no_progress: judging.NoProgress = None,
) -> int:
    """Check all crates below the roots, and keep what was found.

    New crates are read first, then those that changed or failed last time, then those
    that were not read for longest. A run that was interrupted is gone on with: no
    crate is checked twice. Two audits of one collection never run at once. How much
    of one crate may be read is said by the settings max-bytes and max-time.

    Exit codes: as of `reverify check` on several crates: the gravest counts.
    """
    if fail_on not in {"new", "any"}:
        raise UsageError(f"--fail-on {fail_on}: write new or any")
    flags = _flags(
        only=only,
        skip=skip,
        source=source,
        offline=offline,
        strict=strict,
        require=require,
        allow_private=allow_private,
        jobs=jobs,
        no_progress=no_progress,
    )
    asked = options.asked(
        roots,
        listed,
        flags,
        policy,
        registry=registry,
        full=full,
        full_every=full_every,
        sample=sample,
        max_time=max_time,
        max_bytes=max_bytes,
        wait=wait,
        let_go=let_go,
    )
    telling = Telling(notify or [], metrics, asked)
    if nice:
        os.nice(nice)
    shown = _Shown(quiet=quiet or bool(json), verbose=verbose, settings=asked.settings)
    with history_of(asked.settings) as history:
        done, drift = _audit(history, asked, dask, shown)
        code = _code(history, done, drift, fail_on)
    _tell(done, drift, json=bool(json), quiet=quiet)
    telling.tell(done, drift)
    unclear = [EXIT[Outcome.UNDETERMINED]] if shown.faults else []
    if done.summary is None or not done.summary.total:
        complain("there is no crate; nothing was judged")
        return gravest(unclear or [EXIT_USAGE])
    return gravest([code, *unclear])


def plan(  # noqa: PLR0917 - one parameter for each option
    roots: options.Roots = None,
    listed: options.Listed = None,
    registry: options.Registry = None,
    full: options.Full = None,
    full_every: options.FullEvery = "1y",
    sample: options.SampleOption = None,
    max_bytes: options.MaxBytes = None,
    jobs: Jobs = None,
    policy: judging.Policy = None,
    require: judging.Require = None,
    only: judging.Only = None,
    skip: judging.Skip = None,
    offline: judging.Offline = None,
    strict: judging.Strict = None,
    allow_private: judging.AllowPrivate = None,
    json: options.Json = None,
) -> int:
    """Say what `audit run` would read and ask, and how long it should take.

    Crates are looked at, and none is checked; nothing is written.
    """
    from reverify.audits.forecast import forecast  # noqa: PLC0415 - --help is light
    from reverify.services import SystemClock  # noqa: PLC0415

    flags = _flags(
        only=only,
        skip=skip,
        offline=offline,
        strict=strict,
        require=require,
        allow_private=allow_private,
        jobs=jobs,
    )
    asked = options.asked(
        roots,
        listed,
        flags,
        policy,
        registry=registry,
        full=full,
        full_every=full_every,
        sample=sample,
        max_time=None,
        max_bytes=max_bytes,
    )
    processes = asked.settings.jobs
    with _runtime(asked) as runtime, history_of(asked.settings) as history:
        found = forecast(
            history,
            asked.order,
            SystemClock(),
            processes,
            registered=runtime.capsules,
            look=runtime.look,
            offline=asked.settings.offline,
            asking=runtime.to_ask,
        )
    if json:
        dump({"plan": found.to_dict()})
    else:
        _show_plan(found, processes)
    return 0


def _flags(**given: object) -> dict[str, object]:
    """Options that are settings; what was not given is left to other places."""
    return {name: value or None for name, value in given.items()}


def _runtime(asked: "Asked") -> "Runtime":
    from reverify.runtime import Runtime  # noqa: PLC0415 - --help stays light

    return Runtime(asked.settings, ruling=asked.checker.ruling)


def _audit(
    history: "History", asked: "Asked", dask: str | None, shown: "_Shown"
) -> "tuple[Run, Drift]":
    """Run the audit, and compare it with the run before."""
    from reverify.audits.drift import drift  # noqa: PLC0415 - --help stays light
    from reverify.audits.running import Audit  # noqa: PLC0415
    from reverify.services import SystemClock  # noqa: PLC0415

    gc.set_threshold(20_000, 20, 50)  # what goes round in circles adds up in hours
    with _runtime(asked) as runtime, _interrupted_by_sigterm():
        executor = _executor(asked, dask)
        audit = Audit(
            history,
            executor,
            SystemClock(),
            ahead=runtime.ahead,
            registered=runtime.capsules,
            look=runtime.look,
            offline=asked.settings.offline,
        )
        try:
            with shown:
                done = audit.run(asked.order, shown.told, shown.fault, complain)
        except BusyError as error:
            raise StoreError(
                "another audit of this collection is running; wait until it is done,"
                " or give --wait"
            ) from error
        finally:
            executor.close()
    return done, drift(history, run=done.number)


def _executor(asked: "Asked", dask: str | None) -> "Executor":
    from reverify.audits.executing import Dask, Pool, Serial  # noqa: PLC0415

    if dask is not None:
        sealed = dask.startswith("tls://")
        checker = asked.checker if sealed else asked.checker.without_secrets()
        return Dask(checker, dask)
    if asked.settings.jobs == 1:
        return Serial(asked.checker())
    return Pool(asked.checker, asked.settings.jobs)


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Take SIGTERM, which servers send before they stop, for an interrupt."""

    def interrupt(_number: int, _frame: "FrameType | None") -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Shown:
    """Shows what becomes of crates: those that are not fine, and how far it is."""

    def __init__(self, *, quiet: int, verbose: int, settings: object) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self.faults = 0
        hidden = (
            quiet or getattr(settings, "no_progress", False) or os.environ.get("CI")
        )
        self._bar = None
        if not hidden and sys.stderr.isatty():
            from reverify.cli._progress import Counted  # noqa: PLC0415 - loads rich

            self._bar = Counted("crates read")

    def __enter__(self) -> None:
        if self._bar is not None:
            self._bar.start()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def fault(self, folder: str, reason: str) -> None:
        """Tell of a folder that cannot be listed; nothing is known of what is below."""
        self.faults += 1
        complain(f"{folder}: {reason}")

    def told(self, task: "Task", result: "Result") -> None:
        """Show one crate."""
        if self._bar is not None:
            self._bar.count(result.outcome, result.size or 0)
        if not self._quiet and (self._verbose or result.outcome != "confirmed"):
            say(f"{result.outcome:<13} {printable(task.location, 300)}")


def _tell(done: "Run", drift: "Drift", *, json: bool, quiet: int) -> None:
    from reverify.audits.reporting.facts import volume  # noqa: PLC0415 - --help is light

    counts = done.summary.to_dict() if done.summary else {}
    changes = {name: len(found) for name, found in drift._asdict().items()}
    if json:
        dump({"run": done.to_dict(), "crates": counts, "drift": changes})
        return
    if quiet > 1:
        return
    say(counts_line(done, counts))
    if done.summary is not None:
        say(f"  {readings_line(counts)}; {volume(done.summary.read_bytes)}")
        if left := sum(done.summary.left.values()):
            say(f"  {left:,} were to be read, and were not; the next run begins there")
    told = [f"{many:,} {name}" for name, many in changes.items() if many]
    if told:
        say(f"  {', '.join(told)}; `reverify audit drift` tells what")


def _code(history: "History", done: "Run", drift: "Drift", fail_on: str) -> int:
    """How to exit: for any trouble, or for crates in which some is new.

    Where no crate was judged at all, nothing can be told.
    """
    found = set(done.summary.crates) if done.summary else set()
    if fail_on == "new":
        changed = {each.crate for each in (*drift.broke, *drift.new)}
        bad = history.rows(done.number, bad=True) if changed else ()
        found = {check.outcome for check, _ in bad if check.crate in changed}
    codes = [code for outcome, code in EXIT.items() if outcome.value in found]
    if not codes and done.summary and set(done.summary.crates) == {"untested"}:
        codes = [EXIT[Outcome.UNDETERMINED]]
    return gravest(codes or [0])


def _show_plan(found: "Forecast", processes: int) -> None:
    from reverify.audits.reporting.facts import volume  # noqa: PLC0415 - --help is light

    total = found.total
    say(f"{total.crates:,} crates would be read, {volume(total.bytes)}")
    for why, each in found.read.items():
        say(f"  {why:<10} {each.crates:>9,}  {volume(each.bytes)}")
    if found.later.crates:
        say(f"  {found.later.crates:,} more, {volume(found.later.bytes)}, must wait")
    if found.looked:
        say(f"{found.looked:,} would only be looked at")
    if found.missing:
        say(f"{found.missing:,} of the last run are not there any more")
    if found.identifiers is not None:
        requests = -(-found.identifiers // 1000)
        say(
            f"Software Heritage: {found.identifiers:,} identifiers, {requests} requests"
        )
    if found.seconds is None:
        say("how long that takes is known after the first run")
    else:
        many = f"{processes} processes" if processes > 1 else "1 process"
        say(f"about {span(found.seconds)}, by what reading took before; {many}")
    for folder, reason in found.unlisted.items():
        complain(f"{folder}: {reason}")
