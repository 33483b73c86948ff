"""Bringing crates back: import, round trip, upgrade."""

import contextlib
import json as json_library
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverify.cli._common import EXIT_USAGE, complain
from reverify.errors import CapsuleError, UsageError
from reverify.formats.escape import printable
from reverify.model.swhid import GIT_TYPES, Swhid

if TYPE_CHECKING:
    from reverify.capsules.importing import Imported
    from reverify.capsules.roundtrip import RoundTrip
    from reverify.services.http import Http
    from reverify.settings import Settings

LocationArgument = Annotated[
    str,
    typer.Argument(
        metavar="LOCATION",
        show_default=False,
        help="A crate: directory, zip, .eln, tar, BagIt bag, metadata document, or the"
        " URL or DOI of one.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
OfflineOption = Annotated[
    bool | None, typer.Option("--offline", help="Open no socket.")
]
PrivateOption = Annotated[
    bool | None,
    typer.Option(
        "--allow-private", help="Private and loopback addresses may be contacted."
    ),
]
_SHOWN = 50


def import_(
    location: LocationArgument,
    *,
    store: Annotated[
        bool,
        typer.Option(
            "--store",
            help="Copy the files of a directory too; those of archives always are.",
        ),
    ] = False,
    prefer: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            show_default=False,
            help="graph or manifest: which counts where the graph of a crate and the"
            " manifest in it differ. Without it such a crate is refused.",
        ),
    ] = None,
    offline: OfflineOption = None,
    allow_private: PrivateOption = None,
    json: JsonOption = False,
) -> int:
    """Take a crate in as a capsule of the registry.

    The manifest is rebuilt from the crate's graph. What the crate does not say is
    missing from it, and never invented; what had to be derived is said on standard
    error. Files are compared with what is stated of them.

    Exit codes: 0 imported, 2 refused or no such crate.
    """
    from reverify.capsules.importing import (  # noqa: PLC0415
        files_of,
        lie_elsewhere,
        read_capsule,
    )
    from reverify.capsules.registry import open_registry  # noqa: PLC0415
    from reverify.crates.opening import open_crate  # noqa: PLC0415
    from reverify.settings import load_settings  # noqa: PLC0415

    if prefer not in {None, "graph", "manifest"}:
        raise UsageError(f"--prefer {prefer}: choose graph or manifest")
    settings = load_settings({"offline": offline, "allow_private": allow_private})
    try:
        with open_crate(location, http=_web(settings)) as crate:
            found = read_capsule(crate, prefer or "graph")
            for remark in found.remarks:
                complain(remark)
            if found.differences and prefer is None:
                return _refuse(_contradictory(location, found))
            keep = store or lie_elsewhere(crate, found.manifest)
            with (
                open_registry(settings) as registry,
                files_of(crate, found.manifest) as folder,
            ):
                version = registry.register(found.manifest, folder, store=keep)
    except CapsuleError as error:
        return _refuse(error)
    if json:
        _write({**version.to_dict(), "remarks": list(found.remarks)})
    else:
        state = "registered" if version.is_new else "already there"
        typer.echo(f"{version.name}  {state}  {printable(version.title)}")
    return 0


def roundtrip(
    location: Annotated[
        str,
        typer.Argument(
            metavar="CAPSULE",
            show_default=False,
            help="A manifest, a folder that holds capsule.json, the id of a registered"
            " capsule, or a crate.",
        ),
    ],
    ro_crate: Annotated[
        str, typer.Option(metavar="VERSION", help="Of RO-Crate: 1.1, 1.2 or 1.3.")
    ] = "1.2",
    *,
    offline: OfflineOption = None,
    allow_private: PrivateOption = None,
    json: JsonOption = False,
) -> int:
    """See that nothing is lost between capsule and crate.

    A capsule is exported to a folder that is thrown away, the crate is checked, its
    manifest is rebuilt from the graph alone, and compared with the capsule's. Of a
    crate, the metadata document is read as a manifest, written again, and compared.

    Exit codes: 0 nothing is lost, 1 something is, 2 it cannot be done.
    """
    from reverify.capsules.opening import open_capsule  # noqa: PLC0415
    from reverify.capsules.roundtrip import (  # noqa: PLC0415
        RoundTrip,
        crate_losses,
        round_trip,
    )
    from reverify.crates.opening import open_crate  # noqa: PLC0415
    from reverify.runtime import verify  # noqa: PLC0415
    from reverify.settings import load_settings  # noqa: PLC0415

    settings = load_settings({"offline": offline, "allow_private": allow_private})
    try:
        if _is_crate(location):
            with open_crate(location, http=_web(settings)) as crate:
                found = RoundTrip(report=None, losses=tuple(crate_losses(crate)))
        else:
            with open_capsule(location, settings) as capsule:
                found = round_trip(
                    capsule,
                    lambda place: verify(place, offline=True),
                    ro_crate=ro_crate,
                )
    except CapsuleError as error:
        return _refuse(error)
    if json:
        _write(found.to_dict())
    else:
        typer.echo("\n".join(_told(found)))
    return 0 if found.is_lossless else 1


def upgrade(
    location: LocationArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            show_default=False,
            help="Where the mended crate goes.",
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
    source: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            show_default=False,
            help="A git repository, in which is looked up what a SWHID of a type that"
            " does not exist was meant to be, before the archive is asked. Repeatable.",
        ),
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the crate that is at OUT.")
    ] = False,
    offline: OfflineOption = None,
    allow_private: PrivateOption = None,
    json: JsonOption = False,
) -> int:
    """Write a crate of an older or faulty exporter anew, mended.

    Mended are: the address of a profile used as @context, SWHIDs of types that do not
    exist, sizes and digests that nobody stated, old names of root and document, terms
    that the context lacks. Each change is said, and recorded in the crate. What cannot
    be known is left, and said too. The crate itself is not touched. Of which type an
    object is, a repository says, or Software Heritage.

    Exit codes: 0 written, 2 refused or no such crate.
    """
    from reverify.capsules.rewriting import rewrite  # noqa: PLC0415
    from reverify.capsules.upgrade import ids_without_type  # noqa: PLC0415
    from reverify.capsules.upgrade import upgrade as mend  # noqa: PLC0415
    from reverify.crates.opening import open_crate  # noqa: PLC0415
    from reverify.services.clock import SystemClock  # noqa: PLC0415
    from reverify.settings import load_settings  # noqa: PLC0415

    settings = load_settings({"offline": offline, "allow_private": allow_private})
    if format is None:
        format = "zip" if output.suffix.lower() == ".zip" else "dir"
    try:
        with open_crate(location, http=_web(settings)) as crate:
            if crate.is_document:
                raise UsageError(f"{location}: is a lone document; name the crate")
            types = _types(ids_without_type(crate), source or (), settings)
            asked = bool(source) or not settings.offline
            type_of = types.get if asked else None
            found = mend(crate, now=SystemClock().now(), type_of=type_of)
            written = rewrite(crate, found.document, output, format=format, force=force)
    except CapsuleError as error:
        return _refuse(error)
    if json:
        document = {
            "path": str(written.path),
            "format": written.format,
            "files": written.files,
            "bytes": written.bytes,
            "changes": list(found.changes),
            "left": [*found.left, *written.left],
        }
        _write(document)
        return 0
    lines = [f"changed  {change}" for change in found.changes] or ["nothing changed"]
    lines += [f"left     {reason}" for reason in (*found.left, *written.left)]
    lines.append(f"wrote    {written.path}, {written.files:,} files")
    typer.echo("\n".join(map(printable, lines)))
    return 0


def _types(
    ids: Sequence[str], sources: Sequence[Path], settings: "Settings"
) -> dict[str, str]:
    """Of which SWHID types git objects are, as far as anybody knows.

    Raises:
        UsageError: one of the sources is no repository.
    """
    types: dict[str, str] = {}
    if sources:
        from reverify.services.git import open_repository  # noqa: PLC0415

        with contextlib.ExitStack() as stack:
            opened = [stack.enter_context(open_repository(path)) for path in sources]
            for id in ids:
                kinds = (repository.kind_of(id) for repository in opened)
                if kind := next(filter(None, kinds), None):
                    types[id] = GIT_TYPES[kind]
    rest = [id for id in ids if id not in types]
    if rest and not settings.offline:
        types |= _ask_archive(rest, settings)
    return types


def _ask_archive(ids: Sequence[str], settings: "Settings") -> dict[str, str]:
    """Of which types the archive has objects; that it cannot tell is said."""
    from reverify.runtime import open_archive  # noqa: PLC0415
    from reverify.services.software_heritage import (  # noqa: PLC0415
        CouldNotTell,
        Held,
    )

    swhids = [Swhid(type, id) for id in ids for type in GIT_TYPES.values()]
    with contextlib.closing(open_archive(settings)) as archive:
        answers = archive.known(swhid.core for swhid in swhids)
    unclear = [a for a in answers.values() if isinstance(a, CouldNotTell)]
    if unclear:
        complain(f"the archive could not tell: {unclear[0].reason}")
    return {s.hex: s.type for s in swhids if isinstance(answers[s.core], Held)}


def _is_crate(location: str) -> bool:
    """Whether a location is a crate rather than a capsule."""
    path = Path(location)
    if path.is_dir():
        from reverify.capsules.opening import MANIFEST_NAME  # noqa: PLC0415
        from reverify.crates.metadata import DESCRIPTORS  # noqa: PLC0415

        is_capsule = (path / MANIFEST_NAME).is_file()
        return not is_capsule or any((path / n).is_file() for n in DESCRIPTORS)
    if path.is_file():
        if path.suffix.lower() != ".json":
            return True
        return "ro-crate-metadata" in path.name
    return "://" in location or location.lower().startswith(("doi:", "10."))


def _web(settings: "Settings") -> "Http | None":
    """The door to the web; None if we are offline."""
    if settings.offline:
        return None
    from reverify.runtime import web  # noqa: PLC0415

    return web(settings)


def _told(found: "RoundTrip") -> list[str]:
    lines = []
    if found.report is not None:
        verdict = found.report.verdict
        level = verdict.level or "no level"
        lines.append(f"checked   {verdict.outcome}, {level}")
    lines += [
        f"lost      {loss.place}: {loss.before} became {loss.after or 'nothing'}"
        for loss in found.losses[:_SHOWN]
    ]
    if len(found.losses) > _SHOWN:
        lines.append(f"lost      and {len(found.losses) - _SHOWN} more")
    if found.losses:
        lines.append("not lossless")
    elif found.is_lossless:
        lines.append("lossless")
    else:
        lines.append("nothing is lost, and the crate is not confirmed")
    return [printable(line, 400) for line in lines]


def _contradictory(location: str, found: "Imported") -> CapsuleError:
    """That a crate's graph and the manifest in it do not agree."""
    reasons = []
    for step in found.differences[:_SHOWN]:
        value = f" {json_library.dumps(step['value'])}" if "value" in step else ""
        what = printable(f"{step['op']} {step['path']}{value}", 300)
        reasons.append(f"{found.file}: differs from the graph, which would {what}")
    return CapsuleError(
        *reasons,
        f"{location}: its graph and the manifest in it do not agree; say which counts"
        " with --prefer graph or --prefer manifest",
    )


def _refuse(error: CapsuleError) -> int:
    for reason in error.reasons:
        complain(reason)
    return EXIT_USAGE


def _write(document: object) -> None:
    typer.echo(json_library.dumps(document, indent=2))
