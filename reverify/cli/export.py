"""`reverify export`: write a capsule as a crate."""

import json as json_library
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverify.cli._common import EXIT_USAGE, complain
from reverify.errors import CapsuleError, UsageError
from reverify.formats.escape import printable

if TYPE_CHECKING:
    from reverify.capsules.export import Exported


def export(
    capsule: Annotated[
        str,
        typer.Argument(
            metavar="CAPSULE",
            show_default=False,
            help="A manifest, a folder that holds capsule.json, or the id of a"
            " registered capsule, perhaps with @VERSION.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            show_default=False,
            help="Where the crate goes.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="dir, zip, bag or bag-zip. [default: zip if OUT ends in .zip, or dir]",
        ),
    ] = None,
    ro_crate: Annotated[
        str,
        typer.Option(metavar="VERSION", help="Of RO-Crate: 1.1, 1.2 or 1.3."),
    ] = "1.2",
    source: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            show_default=False,
            help="The git repository in which the commit is looked up.",
        ),
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the crate that is at OUT.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but where the crate is.")
    ] = False,
) -> int:
    """Write a capsule as an RO-Crate: a directory, a zip, or a BagIt bag.

    Every file is compared with what the manifest states of it, and the code with its
    commit where a repository is at hand. What does not agree is named, and nothing is
    written. The same capsule gives the same bytes each time.

    Exit codes: 0 written, 2 refused or no such capsule.
    """
    from reverify.capsules.export import export_capsule  # noqa: PLC0415 - jinja2 et al.
    from reverify.capsules.opening import open_capsule  # noqa: PLC0415
    from reverify.settings import load_settings  # noqa: PLC0415

    if format is None:
        format = "zip" if output.suffix.lower() == ".zip" else "dir"
    try:
        with open_capsule(capsule, load_settings()) as found:
            if found.file is not None and _is_same(output, found.file):
                raise UsageError(f"{output}: is the manifest itself")
            exported = export_capsule(
                found.manifest,
                found.source,
                output,
                format=format,
                ro_crate=ro_crate,
                repository=source,
                folder=found.folder,
                force=force,
            )
    except CapsuleError as error:
        for reason in error.reasons:
            complain(reason)
        return EXIT_USAGE
    if not quiet:
        for note in exported.notes:
            complain(note)
    if json:
        typer.echo(json_library.dumps(exported.to_dict(), indent=2))
    elif quiet:
        typer.echo(printable(str(exported.path)))
    else:
        typer.echo("\n".join(_lines(exported)))
    return 0


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _lines(exported: "Exported") -> list[str]:
    rows = {
        "wrote": f"{exported.path}",
        "format": f"{exported.format}, RO-Crate {exported.ro_crate}",
        "crate": exported.crate_id,
        "files": f"{exported.files:,}, {exported.bytes:,} bytes",
        "sha256": exported.checksum,
    }
    if exported.repository:
        rows["code"] = f"looked up in {exported.repository}"
    return [f"{name:<7} {printable(value)}" for name, value in rows.items()]
