"""`reverify capsule register|list|show|history|verify-db`: what is in the registry?"""

import contextlib
import gc
import itertools
import json as json_library
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverify.cli._common import EXIT_USAGE, complain, complain_of, write_stdout
from reverify.errors import CapsuleError, DamagedError, UsageError
from reverify.formats.escape import printable, short
from reverify.model.capsule import Status

if TYPE_CHECKING:
    from reverify.capsules.registry import Registry
    from reverify.model.registry import KeptFile, Version

_TITLE = 60

JsonOption = Annotated[bool, typer.Option("--json", help="Write it as JSON.")]
IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        show_default=False,
        help="The id of a capsule, or as much of its beginning as no other has.",
    ),
]


@contextlib.contextmanager
def opened() -> "Iterator[Registry]":
    """The registry that the settings name."""
    from reverify.capsules.registry import open_registry  # noqa: PLC0415 - SQL is large
    from reverify.settings import load_settings  # noqa: PLC0415

    gc.set_threshold(20_000, 20, 20)  # many capsules leave many cycles behind
    with open_registry(load_settings()) as registry:
        yield registry


def register(
    manifests: Annotated[
        list[Path],
        typer.Argument(
            metavar="MANIFEST",
            show_default=False,
            help="A manifest, or a folder that holds capsule.json.",
        ),
    ],
    *,
    store: Annotated[
        bool,
        typer.Option("--store", help="Copy the files, so that the folder may go."),
    ] = False,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Where the files lie; the folder of the manifest unless given.",
        ),
    ] = None,
) -> int:
    """Keep manifests, each as the next version of its capsule.

    Every file is looked at, and is remembered by its folder and digest, or copied with
    --store. The same manifest again changes nothing.

    Exit codes: 0 all are kept, 2 one was refused; the others are kept.
    """
    failed = False
    with opened() as registry:
        for given in manifests:
            try:
                version = _register(registry, given, base, store=store)
            except (UsageError, CapsuleError) as error:
                complain_of(error)
                failed = True
                continue
            word = "registered" if version.is_new else "there already"
            title = short(version.title, _TITLE)
            typer.echo(f"{version.name}  {word}  {title}")
    return EXIT_USAGE if failed else 0


def _register(
    registry: "Registry", given: Path, base: Path | None, *, store: bool
) -> "Version":
    from reverify.capsules.manifest import read_manifest  # noqa: PLC0415
    from reverify.capsules.opening import (  # noqa: PLC0415 - --help stays light
        MANIFEST_NAME,
        read_manifest_file,
    )

    path = given / MANIFEST_NAME if given.is_dir() else given
    manifest = read_manifest(read_manifest_file(path), str(path))
    return registry.register(manifest, base or path.parent, store=store)


def list_capsules(
    *,
    status: Annotated[
        Status | None,
        typer.Option(show_default=False, help="Only those of this status."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, show_default=False, help="At most so many."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """List capsules in their latest version, the last registered first.

    Exit codes: 0 listed, 2 the registry cannot be read, or one is damaged.
    """
    damaged: list[str] = []

    def tell(_: "Version", error: DamagedError) -> None:
        damaged.append(str(error))
        complain(damaged[-1])

    with opened() as registry:
        if not registry.exists():
            complain(f"{registry.name}: nothing is registered yet")
        found = itertools.islice(registry.list(status, on_damage=tell), limit)
        if json:
            _stream_json("capsules", (version.to_dict() for version in found))
        else:
            for version in found:
                row = f"{version.capsule}  {version.number:>4}  {version.status:<9}"
                when = version.created[:19].replace("T", " ")
                typer.echo(f"{row}  {when}  {short(version.title, _TITLE)}")
    return EXIT_USAGE if damaged else 0


def show(
    id: Annotated[
        str,
        typer.Argument(
            metavar="ID[@VERSION]",
            show_default=False,
            help="The id of a capsule or its beginning, and perhaps a version.",
        ),
    ],
    *,
    json: JsonOption = False,
    manifest: Annotated[
        bool, typer.Option("--manifest", help="Write the manifest, byte for byte.")
    ] = False,
) -> None:
    """Show a capsule: its latest version, or the one that is named."""
    with opened() as registry:
        version = registry.resolve(id)
        kept = registry.manifest(version)
        files = registry.files(version)
        stored = {
            file.sha256
            for file in files
            if file.sha256 is not None and registry.content.holds(file.sha256)
        }
    if manifest:
        write_stdout(kept.data)
    elif json:
        document = version.to_dict() | {
            "manifest": kept.document,
            "files": [file.to_dict() for file in files],
        }
        write_stdout(json_library.dumps(document, indent=2).encode() + b"\n")
    else:
        typer.echo("\n".join(_lines(version, files, stored)))


def _lines(
    version: "Version", files: "tuple[KeptFile, ...]", stored: set[str]
) -> Iterator[str]:
    rows = {
        "capsule": version.capsule,
        "version": str(version.number),
        "title": version.title,
        "status": version.status,
        "registered": version.created,
        "manifest": f"sha256:{version.manifest_sha256}",
        "digest": version.digest,
        "follows": version.previous or "nothing, it is the first",
    }
    for name, value in rows.items():
        yield f"{name:<11} {printable(value)}"
    yield f"{'files':<11} {len(files)}"
    for file in files:
        digest = f"sha256:{file.sha256}" if file.sha256 else "no digest"
        size = "size not known" if file.size is None else f"{file.size:,} bytes"
        yield f"  {file.role:<9}  {printable(file.path)}  {size}  {digest}"
    for base in sorted({file.base for file in files if file.base is not None}):
        yield f"{'kept in':<11} {printable(base)}"
    # Whoever registers again with --store has the files there, and the same version.
    if any(file.place == "store" or file.sha256 in stored for file in files):
        yield f"{'kept in':<11} the store"
    missing = [f for f in files if f.place == "nowhere" and f.sha256 not in stored]
    if missing:
        many = "file" if len(missing) == 1 else "files"
        yield f"{'not kept':<11} {len(missing)} {many}"


def history(id: IdArgument, *, json: JsonOption = False) -> None:
    """List the versions of a capsule, the first one first."""
    with opened() as registry:
        found = registry.versions(id)
        if json:
            _stream_json("versions", (version.to_dict() for version in found))
            return
        for version in found:
            when = version.created[:19].replace("T", " ")
            row = f"{version.name}  {when}  {version.status:<9}  {version.digest[:16]}"
            typer.echo(f"{row}  {short(version.title, _TITLE)}")


def verify_db(
    *,
    files: Annotated[
        bool, typer.Option("--files", help="Read the files that are kept, too.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """See whether the registry is what was put there.

    Looks at the database itself, at the chain of digests, and at every manifest; with
    --files at the bytes of the files, in the store and in folders.

    Exit codes: 0 all of it holds, 1 something does not, 2 it cannot be looked at.
    """
    count = 0
    with opened() as registry:
        try:
            if not registry.exists():
                raise UsageError(
                    f"{registry.name}: nothing is registered yet, there is nothing to"
                    " verify; is REVERIFY_DB right?"
                )
            for damage in registry.verify(files=files):
                count += 1
                if json:
                    typer.echo(json_library.dumps(damage._asdict()))
                else:
                    typer.echo(
                        f"{printable(damage.subject)}: {printable(damage.reason)}"
                    )
        except DamagedError as error:
            count += 1
            typer.echo(printable(error.what))
    if not json:
        faults = "1 fault" if count == 1 else f"{count} faults"
        typer.echo(faults if count else "all of it holds")
    return int(count > 0)


def export_all(
    output: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            show_default=False,
            help="Where the crates go, as capsule-ID or capsule-ID.zip.",
        ),
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format", "-f", metavar="FORMAT", help="dir, zip, bag or bag-zip."
        ),
    ] = "dir",
    ro_crate: Annotated[
        str, typer.Option(metavar="VERSION", help="Of RO-Crate: 1.1, 1.2 or 1.3.")
    ] = "1.2",
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Write anew what is unchanged, replace crates."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Write a line of JSON for each.")
    ] = False,
) -> int:
    """Export every capsule whose run is over, completed or failed.

    The latest version of each is written. What was exported before and says the same
    is left as it is. One that cannot be exported is named, and the others go on.

    Exit codes: 0 all are there, 2 one could not be exported.
    """
    from reverify.capsules.export_all import (  # noqa: PLC0415 - jinja2 and the like
        export_all as export_each,
    )

    counts = {"written": 0, "unchanged": 0, "left out": 0, "failed": 0}
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{output}: cannot be made ({error.strerror})") from error
    with opened() as registry:
        for item in export_each(
            registry, output, format=format, ro_crate=ro_crate, force=force
        ):
            counts[item.state] += 1
            if json:
                typer.echo(json_library.dumps(item.to_dict()))
            elif item.state in {"written", "unchanged"}:
                typer.echo(f"{item.state:<9}  {printable(str(item.target))}")
            if item.reason:
                complain(f"{item.version.name}: {item.reason}")
    complain(", ".join(f"{count:,} {state}" for state, count in counts.items()))
    return EXIT_USAGE if counts["failed"] else 0


def _stream_json(name: str, items: Iterator[dict[str, Any]]) -> None:
    """Write a list as it comes, one item on a line."""
    typer.echo(f'{{"{name}": [', nl=False)
    comma = ""
    for item in items:
        typer.echo(f"{comma}\n  {json_library.dumps(item)}", nl=False)
        comma = ","
    typer.echo("\n]}")
