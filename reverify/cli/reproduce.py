"""`reverify reproduce`: check a crate, and run its recorded runs again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverify.cli import _options
from reverify.cli._judging import judge
from reverify.errors import UsageError

if TYPE_CHECKING:
    from reverify.rerun.interface import Bounds

_LIMITS = ("time", "memory", "disk", "files", "processes", "output")
_ENVIRONMENTS = ("as-is", "venv", "container")
_ENGINES = ("command", "notebook", "cwl", "snakemake", "nextflow", "make")


def reproduce(  # noqa: PLR0917 - one parameter for each option
    location: Annotated[
        str,
        typer.Argument(
            metavar="LOCATION",
            help="Directory, zip, .eln, tar, BagIt bag or URL of a crate.",
            show_default=False,
        ),
    ],
    action: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Run this action alone, by its @id. [default: all]"
        ),
    ] = "",
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"What runs it: {', '.join(_ENGINES)}. [default: the one that fits]",
        ),
    ] = "",
    env: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="What it runs in. as-is: what is installed here; venv: built from the"
            " recorded lock file; container: the recorded image, by its digest.",
        ),
    ] = "as-is",
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="How much it may take: time=1h, memory=4GiB, disk=4GiB, files=100000,"
            " processes=64, output=1MiB are the defaults. Repeatable.",
        ),
    ] = None,
    repeat: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=100, help="Run it N times, and see if it varies."
        ),
    ] = 1,
    rtol: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            min=0,
            help="Relative tolerance of numbers in results that declare none.",
        ),
    ] = None,
    atol: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            min=0,
            help="Absolute tolerance of numbers in results that declare none.",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Leave there what it wrote and said, for each run."
        ),
    ] = None,
    allow_network: Annotated[
        bool | None, typer.Option("--allow-network", help="It may use the network.")
    ] = None,
    unsafe_no_sandbox: Annotated[
        bool | None,
        typer.Option(
            "--unsafe-no-sandbox",
            help="Run it unconfined, with all your rights. For code that you trust.",
        ),
    ] = None,
    format: _options.Format = None,
    json: _options.Json = None,
    require: _options.Require = None,
    only: _options.Only = None,
    skip: _options.Skip = None,
    profile: _options.Profile = None,
    policy: _options.Policy = None,
    source: _options.Source = None,
    offline: _options.Offline = None,
    strict: _options.Strict = None,
    max_bytes: _options.MaxBytes = None,
    max_time: _options.MaxTime = None,
    allow_private: _options.AllowPrivate = None,
    quiet: _options.Quiet = 0,
    verbose: _options.Verbose = 0,
    no_progress: _options.NoProgress = None,
) -> int:
    """Check a crate, run its recorded runs again, and compare what they give.

    Each run is confined by bubblewrap: no network, no files but its own, limits on
    all it takes. Code is taken from its commit (--source) or the crate; inputs are
    verified before use. Each result is compared with the recorded one: exactly, unless
    the crate or --rtol and --atol allow more. With -v, see what the run says; with
    --format ro-crate=DIR, the new run is written as a crate of its own.

    Exit codes: 0 confirmed, 1 refuted, 2 usage or no such input, 3 could not be told,
    4 internal error, 130 interrupted.
    """
    from reverify.rerun.interface import Options  # noqa: PLC0415 - --help stays light

    formats, record = _record(format or [])
    flags = {
        "format": (*formats, *(["json"] if json else ())) or None,
        "require": require,
        "only": only or None,
        "skip": skip or None,
        "profile": profile or None,
        "source": source or None,
        "offline": offline,
        "strict": strict,
        "max_bytes": max_bytes,
        "max_time": max_time,
        "allow_private": allow_private,
        "no_progress": no_progress,
    }
    _one_of(env, _ENVIRONMENTS, "--env")
    if engine:
        _one_of(engine, _ENGINES, "--engine")
    for option, folder in (("--keep", keep), ("--format ro-crate", record)):
        if folder is not None and folder.exists() and not _is_empty(folder):
            raise UsageError(f"{option}: {folder} is there already, and is not empty")
    options = Options(
        action=action,
        engine=engine,
        environment=env,
        bounds=_bounds(limit or []),
        network=bool(allow_network),
        confined=not unsafe_no_sandbox,
        repeat=repeat,
        keep=keep,
        record=record,
        rtol=rtol,
        atol=atol,
    )
    return judge(
        [location], flags, quiet=quiet, verbose=verbose, policy=policy, rerun=options
    )


def _one_of(text: str, known: tuple[str, ...], option: str) -> None:
    if text not in known:
        raise UsageError(f"{option}: {text!r} is unknown; there are {', '.join(known)}")


def _record(formats: list[str]) -> tuple[list[str], Path | None]:
    """Take the folder of `ro-crate=DIR` out of the formats.

    Raises:
        UsageError: a folder is missing, or there are two.
    """
    found = [item for item in formats if item.partition("=")[0] == "ro-crate"]
    if not found:
        return formats, None
    folder = found[0].partition("=")[2]
    if len(found) > 1 or not folder:
        raise UsageError("--format ro-crate=DIR: one folder is needed")
    return [item for item in formats if item not in found], Path(folder)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _bounds(limits: list[str]) -> "Bounds":
    """Read `NAME=VALUE` limits.

    Raises:
        UsageError: there is no such limit, or its value is none.
    """
    from reverify.rerun.interface import Bounds  # noqa: PLC0415 - --help stays light
    from reverify.settings import read_duration, read_size  # noqa: PLC0415

    sizes: dict[str, int] = {}
    seconds = Bounds().seconds
    for item in limits:
        name, equals, value = item.partition("=")
        _one_of(name, _LIMITS, "--limit")
        try:
            if name == "time":
                seconds = read_duration(value)
            elif name in {"files", "processes"}:
                sizes[name] = int(value)
            else:
                sizes[name] = read_size(value)
        except ValueError as error:
            said = error if equals else "a value is missing, write NAME=VALUE"
            raise UsageError(f"--limit {item}: {said}") from error
        if (seconds if name == "time" else sizes[name]) <= 0:
            raise UsageError(f"--limit {item}: more than nothing is needed")
    return Bounds(seconds=seconds, **sizes)
