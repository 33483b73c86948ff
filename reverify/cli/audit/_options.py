"""What an audit is asked: options that `run` and `plan` share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from reverify.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from reverify.audits.running import Order
    from reverify.runtime import Checker
    from reverify.settings import Settings

Roots = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ROOT]...",
        help="Folders in which crates lie, crates, or their addresses; s3:// and the"
        " like are searched as folders are.",
        show_default=False,
    ),
]
Listed = Annotated[
    list[str] | None,
    typer.Option(
        "--list",
        metavar="FILE",
        help="A file that names a crate on each line; - is standard input. Repeatable.",
    ),
]
Registry = Annotated[
    bool | None,
    typer.Option("--registry", help="All capsules of the registry, exported anew."),
]
Full = Annotated[
    bool | None, typer.Option("--full", help="Read all crates in full now.")
]
FullEvery = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Read each crate in full at least so often: 90d, 1y. In between, crates"
        " that look as they did are only looked at, which is no check of fixity.",
    ),
]
SampleOption = Annotated[
    str | None,
    typer.Option(
        "--sample",
        metavar="SIZE",
        help="Read a part drawn by chance: 5%, 1000 (crates) or 200GB; none twice"
        " until all were read. Besides, what came since, changed, failed or is due.",
    ),
]
MaxTime = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Begin no further crate after so long: 6h."),
]
MaxBytes = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Read crates of at most so many bytes: 2TB."),
]
Json = Annotated[bool | None, typer.Option("--json", help="Write JSON.")]


class Asked(NamedTuple):
    """What the user asks.

    Attributes:
        order: of the audit.
        checker: how crates are checked.
        settings: all else.
    """

    order: "Order"
    checker: "Checker"
    settings: "Settings"


def asked(
    roots: Sequence[str] | None,
    listed: Sequence[str] | None,
    flags: Mapping[str, Any],
    policy: "Path | None",
    *,
    registry: bool | None,
    full: bool | None,
    full_every: str,
    sample: str | None,
    max_time: str | None,
    max_bytes: str | None,
    wait: bool | None = None,
    let_go: Sequence[str] | None = None,
) -> Asked:
    """Read what the user asks.

    Raises:
        UsageError: it makes no sense.
        PolicyError: the policy file cannot be used.
    """
    from reverify.audits.finding import (  # noqa: PLC0415 - --help is light
        REGISTRY,
        root_of,
    )
    from reverify.audits.running import Order  # noqa: PLC0415
    from reverify.audits.sampling import read_sample  # noqa: PLC0415
    from reverify.runtime import Checker, settled  # noqa: PLC0415
    from reverify.settings import read_duration, read_size  # noqa: PLC0415

    settings, ruling = settled(flags, policy)
    if not settings.kinds:
        raise UsageError("--skip and --only leave nothing to test")
    places = (*(roots or ()), *map(_list_root, listed or ()))
    places += (REGISTRY,) if registry else ()
    if not places:
        raise UsageError("name a folder to audit, or give --list or --registry")
    if full and sample is not None:
        raise UsageError("--full reads all, --sample a part; give one of them")
    checker = Checker(settings=settings, ruling=ruling)
    order = Order(
        roots=places,
        terms=checker.terms(),
        kinds=tuple(sorted(settings.kinds)),
        full_every=_read("--full-every", read_duration, full_every),
        is_full=bool(full),
        sample=_read("--sample", read_sample, sample),
        seconds=_read("--max-time", read_duration, max_time),
        bytes=_read("--max-bytes", read_size, max_bytes),
        wait=bool(wait),
        let_go=tuple(map(root_of, let_go or ())),
    )
    return Asked(order, checker, settings)


def _list_root(file: str) -> str:
    from pathlib import Path  # noqa: PLC0415

    from reverify.audits.finding import LIST  # noqa: PLC0415

    if file == "-":
        return f"{LIST}-"
    if not Path(file).is_file():
        raise UsageError(f"--list {file}: there is no such file")
    return f"{LIST}{Path(file).absolute()}"


def _read(option: str, read: Any, text: str | None) -> Any:  # noqa: ANN401
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
