"""Crates judged one after the other, and the reports written where they are wanted."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverify.cli._common import (
    EXIT,
    EXIT_USAGE,
    complain,
    gravest,
    internal_error,
    write_file,
    write_stdout,
)
from reverify.errors import UsageError
from reverify.formats import FORMATS, format_named

if TYPE_CHECKING:
    from reverify.model.report import Report
    from reverify.rerun.interface import Options
    from reverify.ruling import Ruling
    from reverify.settings import Settings


def judge(
    locations: list[str],
    flags: Mapping[str, Any],
    *,
    quiet: int,
    verbose: int,
    policy: Path | None = None,
    rerun: "Options | None" = None,
) -> int:
    """Judge crates, write the reports, and say how to exit.

    Args:
        locations: paths, URLs or DOIs.
        flags: values of options by the names of settings; unset ones are None.
        quiet: how little is to be said.
        verbose: how much.
        policy: a policy file to judge by.
        rerun: how to run recorded actions again; None to run nothing.

    Raises:
        UsageError: an option makes no sense.
        PolicyError: the policy file cannot be used.
    """
    from reverify.runtime import settled  # noqa: PLC0415 - --help stays light

    settings, ruling = settled(flags, policy)
    targets = _targets(settings.format)
    if not settings.kinds:
        raise UsageError("--skip and --only leave nothing to test")
    outputs = [
        _Output(name, file, quiet=quiet, verbosity=verbose) for name, file in targets
    ]
    codes = _run(
        locations,
        settings,
        outputs,
        quiet=quiet,
        verbosity=verbose,
        ruling=ruling,
        rerun=rerun,
    )
    codes += [code for output in outputs for code in output.finish()]
    return gravest(codes)


def _targets(formats: tuple[str, ...]) -> list[tuple[str, Path | None]]:
    """Which formats go where.

    Raises:
        UsageError: there is no such format, or two want standard output.
    """
    targets = []
    for item in formats:
        name, equals, file = item.partition("=")
        if name not in FORMATS:
            raise UsageError(
                f"there is no format {name!r}; there are {', '.join(FORMATS)}"
            )
        if equals and not file:
            raise UsageError(f"--format {item}: a file is missing after =")
        targets.append((name, Path(file) if file else None))
    if sum(file is None for _, file in targets) > 1:
        raise UsageError("only one format can go to standard output; give =FILE")
    return targets


def _run(
    locations: list[str],
    settings: "Settings",
    outputs: list["_Output"],
    *,
    quiet: int,
    verbosity: int,
    ruling: "Ruling | None",
    rerun: "Options | None",
) -> list[int]:
    """Check crate after crate, and hand each report to all outputs."""
    from reverify.runtime import Runtime  # noqa: PLC0415 - --help stays light

    codes: list[int] = []
    hidden = quiet or settings.no_progress or os.environ.get("CI")
    progress = None
    if not hidden and sys.stderr.isatty():
        from reverify.cli._progress import Bar  # noqa: PLC0415

        progress = Bar()
    watcher = tell = None
    if rerun is not None and not quiet:
        from reverify.cli._progress import RunTold  # noqa: PLC0415

        watcher = RunTold(live=progress is not None, tail=bool(verbosity))
        tell = watcher.tell
    with Runtime(
        settings, progress, ruling=ruling, rerun=rerun, watcher=watcher, tell=tell
    ) as runtime:
        several = len(locations) > 1
        for location in runtime.ahead(locations) if several else locations:
            try:
                for report in runtime.verify(location):
                    codes.append(EXIT[report.verdict.outcome])
                    for output in outputs:
                        output.add(report)
            except UsageError as error:
                complain(str(error))
                codes.append(EXIT_USAGE)
            except Exception as error:  # noqa: BLE001 - the other crates shall be heard
                codes.append(internal_error(error, verbose=bool(verbosity)))
            finally:
                for shown in (progress, watcher):
                    if shown is not None:
                        shown.stop()
    return codes


class _Output:
    """One format and where it goes.

    Args:
        name: of the format.
        file: where it goes; None is standard output.
        quiet: how little is wanted there.
        verbosity: how much a person wants to read.
    """

    def __init__(
        self, name: str, file: Path | None, *, quiet: int, verbosity: int
    ) -> None:
        format = format_named(name)
        if name == "text":
            from reverify.formats.text import Text  # noqa: PLC0415

            colour = file is None and _wants_colour()
            format = Text(colour=colour, verbosity=verbosity)
        self._writing = format.start()
        self._file = file
        self._wanted = file is not None or quiet <= 1
        self._parts: list[bytes] = []

    def add(self, report: "Report") -> None:
        """Take a report, and write what can be written."""
        if self._wanted:
            self._write(self._writing.add(report))

    def finish(self) -> list[int]:
        """Write what is left, a file whole or not at all.

        Returns:
            exit codes: of a file that cannot be written.
        """
        self._write(self._writing.end())
        if self._file is None or not self._parts:
            return []
        try:
            write_file(self._file, b"".join(self._parts))
        except UsageError as error:
            complain(str(error))
            return [EXIT_USAGE]
        return []

    def _write(self, data: bytes) -> None:
        if self._file is not None and data:
            self._parts.append(data)
        elif data:
            write_stdout(data)


def _wants_colour() -> bool:
    """NO_COLOR wins over FORCE_COLOR; else colour is for terminals."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
