"""What the server asks of registry and exporter, in words that may leave the server.

All of it runs in threads. Nothing here opens a repository or another path because a
manifest names it, and no answer tells where on the server something lies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from reverify.api.interface import Serving
from reverify.api.problems import Problem
from reverify.capsules.code import Code
from reverify.capsules.export import (
    Exported,
    export_capsule,
    measure_capsule,
    stream_capsule,
)
from reverify.capsules.registry import Registry
from reverify.capsules.writers.interface import Stream
from reverify.errors import CapsuleError
from reverify.model.capsule import Manifest
from reverify.model.registry import KeptFile, Place, Version

_NOT_LOOKED_UP = Code(
    notes=("the code was not looked up: a server opens no repository on its own",)
)
_SHOWN = 100


class Found(NamedTuple):
    """A version of a capsule, as the registry has it.

    Attributes:
        version: which.
        manifest: what it says.
        files: what the registry knows of its files.
    """

    version: Version
    manifest: Manifest
    files: tuple[KeptFile, ...]


def find(registry: Registry, id: UUID, number: int | None) -> Found:
    """Find a version of a capsule, the latest if no number is given.

    Raises:
        Problem: there is none.
    """
    try:
        version = registry.resolve(str(id), number)
    except CapsuleError as error:
        which = f"capsule {id}" if number is None else f"version {number} of {id}"
        raise Problem("not-found", f"there is no {which}") from error
    return Found(version, registry.manifest(version), registry.files(version))


def register(registry: Registry, manifest: Manifest, serving: Serving) -> Version:
    """Keep a manifest; its files are looked for where the server was told, or nowhere.

    Raises:
        CapsuleError: a file is not there, or is not what the manifest says.
    """
    if serving.files is None:
        return registry.register(manifest)
    own = serving.files / folder_name(UUID(manifest.id))
    base = own if own.is_dir() else serving.files
    with _without_places(base):
        return registry.register(manifest, base)


def is_at_hand(registry: Registry, file: KeptFile) -> bool:
    """Whether the registry knows where a file is."""
    if file.place is not Place.NOWHERE:
        return True
    return file.sha256 is not None and registry.content.holds(file.sha256)


def expect_files(registry: Registry, found: Found) -> None:
    """See that the files of a capsule are at hand.

    Raises:
        Problem: some are not; it says which.
    """
    missing = [file.path for file in found.files if not is_at_hand(registry, file)]
    if missing:
        shown = [{"detail": f"{path}: is not at hand"} for path in missing[:_SHOWN]]
        raise Problem(
            "files-missing",
            f"{len(missing)} of {len(found.files)} files are not at hand; put them"
            " where the server looks for files (--files), or into its store, and post"
            " the manifest again",
            errors=shown,
        )


def expect_over(found: Found) -> None:
    """See that the analysis is over.

    Raises:
        Problem: it is not, and there is nothing to export.
    """
    if not found.manifest.status.is_over:
        raise Problem(
            "capsule-unfit",
            f"capsule {found.version.capsule} is {found.manifest.status}; only what is"
            " completed or failed can be exported",
        )


def write_zip(registry: Registry, found: Found, stream: Stream) -> Exported:
    """Write a capsule as a crate in a zip.

    Raises:
        CapsuleError: it cannot be exported as it is.
    """
    with (
        _without_places(*_bases(found)),
        registry.source(found.version) as source,
    ):
        return stream_capsule(found.manifest, source, stream, code=_NOT_LOOKED_UP)


def measure(registry: Registry, found: Found) -> Exported:
    """Tell what a crate of a capsule would be; nothing is written.

    Raises:
        CapsuleError: it cannot be exported as it is.
    """
    with (
        _without_places(*_bases(found)),
        registry.source(found.version) as source,
    ):
        return measure_capsule(found.manifest, source, code=_NOT_LOOKED_UP)


def write_folder(
    registry: Registry, found: Found, exports: Path
) -> tuple[str, Exported]:
    """Write a capsule as a crate in its folder, in place of what was there.

    Returns:
        where it is, from `exports` on, and what was written.

    Raises:
        CapsuleError: it cannot be exported as it is.
    """
    where = f"exports/rocrate/{folder_name(UUID(found.version.capsule))}"
    target = exports / where
    bases = _bases(found)
    with _without_places(exports, *bases), registry.source(found.version) as source:
        if not target.parent.resolve().is_relative_to(exports.resolve()):
            raise CapsuleError(
                "exports/rocrate: a link there leads out of the folder of exports; put"
                " a folder in its place"
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{target.parent}: cannot be made ({error.strerror})"
            raise CapsuleError(reason) from error
        exported = export_capsule(
            found.manifest,
            source,
            target,
            folder=bases[0] if len(bases) == 1 else None,
            force=True,
            code=_NOT_LOOKED_UP,
        )
    return where, exported


def folder_name(id: UUID) -> str:
    """The folder of a capsule, below those of files and of exports."""
    return f"capsule-{id}"


def _bases(found: Found) -> list[Path]:
    return [Path(base) for base in sorted({f.base for f in found.files if f.base})]


@contextmanager
def _without_places(*places: Path) -> Iterator[None]:
    """Tell what went wrong without telling where on the server.

    Raises:
        CapsuleError: whatever was raised, the places cut off.
    """
    try:
        yield
    except CapsuleError as error:
        names = {str(form) for place in places for form in (place, place.resolve())}
        reasons = list(error.reasons)
        for name in sorted(names, key=len, reverse=True):
            reasons = [
                reason.replace(f"{name}/", "").replace(name, "the folder of its files")
                for reason in reasons
            ]
        raise CapsuleError(*reasons) from error
