"""`reverify check`: test what crates say."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    from reverify.settings import Settings


def check(  # noqa: PLR0917 - one parameter for each option
    locations: Annotated[
        list[str],
        typer.Argument(
            metavar="LOCATION",
            help="Directory, zip, .eln, tar, BagIt bag, metadata document, URL or DOI;"
            " - reads a metadata document from standard input.",
            show_default=False,
        ),
    ],
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="NAME[=FILE]",
            help=f"How to write the report: {', '.join(FORMATS)}. Repeatable; with"
            " =FILE it goes there, not to standard output. [default: text]",
        ),
    ] = None,
    json: Annotated[
        bool | None, typer.Option("--json", help="Short for --format json.")
    ] = None,
    require: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="The level to reach: described, intact, sourced, archived,"
            " reproduced.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Test this kind of claim alone: conformance, completeness, fixity,"
            " source, archival, execution. Repeatable.",
        ),
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Leave out this kind. Repeatable."),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Judge by this profile too, URI or name; see `reverify profiles`.",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH|URL",
            help="A repository in which to look for the code first. Repeatable.",
        ),
    ] = None,
    offline: Annotated[
        bool | None, typer.Option("--offline", help="Open no socket.")
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="Warnings refute as well.")
    ] = None,
    recurse: Annotated[
        bool | None,
        typer.Option("--recurse", help="Check crates inside the crate too."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", help="How many files to read at once.")
    ] = None,
    max_bytes: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Read at most so much of one crate: 2GB."),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Spend at most so long on one crate: 5m."),
    ] = None,
    allow_private: Annotated[
        bool | None,
        typer.Option(
            "--allow-private", help="Private and loopback addresses may be contacted."
        ),
    ] = None,
    quiet: Annotated[
        int,
        typer.Option(
            "--quiet", "-q", count=True, help="No talk; twice: no report either."
        ),
    ] = 0,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            help="Show notes too; twice: all of each group.",
        ),
    ] = 0,
    no_progress: Annotated[
        bool | None, typer.Option("--no-progress", help="Show no progress.")
    ] = None,
) -> int:
    """Test what crates say of themselves.

    Is it well-formed, is every file there, does every digest hold? The report says so
    claim by claim, with evidence, and what could not be told.

    Exit codes: 0 confirmed, 1 refuted, 2 usage or no such input, 3 could not be told,
    4 internal error, 130 interrupted. With several crates the gravest counts.
    """
    from reverify.settings import load_settings  # noqa: PLC0415 - --help stays light

    flags = {
        "format": (*(format or ()), *(["json"] if json else ())) or None,
        "require": require,
        "only": only or None,
        "skip": skip or None,
        "profile": profile or None,
        "source": source or None,
        "offline": offline,
        "strict": strict,
        "recurse": recurse,
        "jobs": jobs,
        "max_bytes": max_bytes,
        "max_time": max_time,
        "allow_private": allow_private,
        "no_progress": no_progress,
    }
    settings = load_settings(flags)
    targets = _targets(settings.format)
    if not settings.kinds:
        raise UsageError("--skip and --only leave nothing to test")
    outputs = [
        _Output(name, file, quiet=quiet, verbosity=verbose) for name, file in targets
    ]
    codes = _run(locations, settings, outputs, quiet, verbose)
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
    quiet: int,
    verbosity: int,
) -> list[int]:
    """Check crate after crate, and hand each report to all outputs."""
    from reverify.runtime import Runtime  # noqa: PLC0415 - --help stays light

    codes: list[int] = []
    hidden = quiet or settings.no_progress or os.environ.get("CI")
    progress = None
    if not hidden and sys.stderr.isatty():
        from reverify.cli._progress import Bar  # noqa: PLC0415

        progress = Bar()
    with Runtime(settings, progress) as runtime:
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
                if progress is not None:
                    progress.stop()
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
