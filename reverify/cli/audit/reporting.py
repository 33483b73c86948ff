"""`reverify audit report`: how a collection stands, written for people and programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverify.cli._common import write_file, write_stdout
from reverify.cli.audit._common import history_of
from reverify.errors import UsageError

if TYPE_CHECKING:
    from reverify.audits.reporting.row import Row
    from reverify.model.audit import Run
    from reverify.store.history import History

FORMATS = ("html", "markdown", "json", "csv", "parquet", "premis")
_BINARY = frozenset({"parquet"})


def report(
    roots: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ROOT]...",
            help="The roots of the collection. [default: the one audited last]",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            "--format", "-f", metavar="NAME", help=f"One of {', '.join(FORMATS)}."
        ),
    ] = "html",
    out: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write; for premis a folder that is not there yet, or is"
            " empty. [default: standard output]",
        ),
    ] = None,
    run: Annotated[
        int | None,
        typer.Option(metavar="RUN", help="As of this run. [default: the last]"),
    ] = None,
) -> int:
    """Write how a collection stands: what is broken, since when, how sure of the rest.

    html is one page with plots that loads nothing; markdown is for an issue; json has
    all of it; csv and parquet have a row for each crate; premis has a file of events
    for each crate that was read in full, laid out so that it can be copied over an
    OCFL storage root.
    """
    if format not in FORMATS:
        raise UsageError(
            f"there is no format {format!r}; there are {', '.join(FORMATS)}"
        )
    with history_of() as history, history.one_view():
        chosen = _run(history, roots or [], run)
        if format == "premis":
            _write_premis(history, chosen, out)
        elif format in {"csv", "parquet"}:
            _write_table(history, chosen, format, out)
        else:
            _write(_whole(history, chosen, format), out)
    return 0


def _run(history: "History", roots: list[str], number: int | None) -> "Run":
    """The finished run that is asked for.

    Raises:
        UsageError: there is none.
    """
    from reverify.audits.running import collection_of  # noqa: PLC0415 - --help is light

    runs = [run for run in history.runs() if run.finished]
    if roots:
        collection, _ = collection_of(roots)
        runs = [run for run in runs if run.collection == collection]
    if number is not None:
        runs = [run for run in runs if run.number == number]
    if not runs:
        raise UsageError("there is no such finished run; `reverify audit status`")
    return runs[-1]


def _whole(history: "History", run: "Run", format: str) -> bytes:
    from reverify.audits.overview import overview  # noqa: PLC0415 - --help is light
    from reverify.audits.reporting import report as write  # noqa: PLC0415
    from reverify.services import SystemClock  # noqa: PLC0415

    return write(overview(history, run, SystemClock().now()), format)


def _rows(history: "History", run: "Run") -> "Iterator[Row]":
    """All crates of a run, one after the other."""
    from reverify.audits.objects import ocfl_object  # noqa: PLC0415
    from reverify.audits.reporting.row import Row  # noqa: PLC0415

    for check, read_at in history.rows(run.number):
        found = () if check.outcome == "confirmed" else history.findings(check.findings)
        wrong = tuple(each for each in found if each.is_trouble)
        yield Row(check, wrong, read_at, ocfl_object(check.crate))


def _write_table(history: "History", run: "Run", format: str, out: Path | None) -> None:
    from reverify.audits.reporting.tables import (  # noqa: PLC0415
        csv_lines,
        write_parquet,
    )
    from reverify.capsules.placing import new_file  # noqa: PLC0415

    rows = _rows(history, run)
    if out is None:
        if format in _BINARY:
            raise UsageError(f"{format} is not for a terminal; give -o FILE")
        for line in csv_lines(rows):
            write_stdout(line)
        return
    with new_file(out, force=True) as stream:
        if format == "parquet":
            write_parquet(rows, stream)
        else:
            stream.writelines(csv_lines(rows))


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        write_stdout(data)
    else:
        write_file(out, data)


def _write_premis(history: "History", run: "Run", out: Path | None) -> None:
    """Write the events of all crates into a new folder: all of them, or nothing."""
    from reverify.audits.reporting.premis import premis_files  # noqa: PLC0415
    from reverify.capsules.placing import new_folder  # noqa: PLC0415
    from reverify.capsules.writers.directory import DirectoryWriter  # noqa: PLC0415

    if out is None:
        raise UsageError("premis is many files; give -o FOLDER")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is there already, and not an empty folder")
    with new_folder(out, force=True) as root:
        writer = DirectoryWriter(root)
        for path, data in premis_files(_rows(history, run), run):
            with writer.create(path, len(data)) as stream:
                stream.write(memoryview(data))
        writer.finish()
