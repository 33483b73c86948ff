"""Options that more than one command has, and what they say of themselves."""

from pathlib import Path
from typing import Annotated

import typer

from reverify.formats import FORMATS

Locations = Annotated[
    list[str],
    typer.Argument(
        metavar="LOCATION",
        help="Directory, zip, .eln, tar, BagIt bag, OCFL object, metadata document, URL"
        " or DOI; - reads a metadata document from standard input.",
        show_default=False,
    ),
]
Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="NAME[=FILE]",
        help=f"How to write the report: {', '.join(FORMATS)}. Repeatable; with"
        " =FILE it goes there, not to standard output. [default: text]",
    ),
]
Json = Annotated[bool | None, typer.Option("--json", help="Short for --format json.")]
Require = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        help="The level to reach: described, intact, sourced, archived, reproduced.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND",
        help="Test this kind of claim alone: conformance, completeness, fixity,"
        " source, archival, execution. Repeatable.",
    ),
]
Skip = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND", help="Leave out this kind. Repeatable."),
]
Profile = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        help="Judge by this profile too, URI or name; see `reverify profiles`.",
    ),
]
Policy = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Judge by this policy: a TOML file; other options win over it.",
    ),
]
Source = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH|URL",
        help="A repository in which to look for the code first. Repeatable.",
    ),
]
Offline = Annotated[bool | None, typer.Option("--offline", help="Open no socket.")]
Strict = Annotated[
    bool | None, typer.Option("--strict", help="Warnings refute as well.")
]
Recurse = Annotated[
    bool | None,
    typer.Option("--recurse", help="Check crates inside the crate too."),
]
Jobs = Annotated[
    int | None, typer.Option(metavar="N", help="How many files to read at once.")
]
MaxBytes = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Read at most so much of one crate: 2GB."),
]
MaxTime = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Spend at most so long on one crate: 5m."),
]
AllowPrivate = Annotated[
    bool | None,
    typer.Option(
        "--allow-private", help="Private and loopback addresses may be contacted."
    ),
]
Quiet = Annotated[
    int,
    typer.Option("--quiet", "-q", count=True, help="No talk; twice: no report either."),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        help="Show notes too; twice: all of each group.",
    ),
]
NoProgress = Annotated[
    bool | None, typer.Option("--no-progress", help="Show no progress.")
]
