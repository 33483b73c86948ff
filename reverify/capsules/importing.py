"""A crate taken in as a capsule: its manifest read from the graph, its files copied."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverify.capsules.manifest import manifest_of, read_manifest
from reverify.capsules.mapping import foreign, manifest_from
from reverify.capsules.mapping.files import is_written_anew, local_path
from reverify.capsules.mapping.keeping import with_kept, without_kept
from reverify.capsules.mapping.residue import same
from reverify.capsules.mapping.terms import MANIFEST_SCHEMA, path_id
from reverify.crates.crate import Crate
from reverify.crates.metadata import Metadata
from reverify.crates.names import path_fault
from reverify.crates.payload import READ_ERRORS
from reverify.errors import CapsuleError, CrateError, ManifestError
from reverify.model.capsule import Manifest

_MANIFEST_BYTES = 64 << 20
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A capsule as a crate tells of it.

    Attributes:
        manifest: what the capsule is. The bytes are those of the manifest in the
            crate where that agrees with the graph.
        remarks: what had to be derived, or could not be taken over.
        differences: where the manifest in the crate and its graph do not agree, as
            operations of RFC 6902 that make the graph's of the file's.
        file: the path of the manifest in the crate; None if it has none.
    """

    manifest: Manifest
    remarks: tuple[str, ...]
    differences: tuple[Json, ...]
    file: str | None


def read_capsule(crate: Crate, prefer: str = "graph") -> Imported:
    """Read a crate as a capsule.

    The manifest is rebuilt from the graph, and compared with the manifest that the
    crate has as a file, if it has one.

    Args:
        crate: the crate, opened.
        prefer: which counts where they differ, `graph` or `manifest`.

    Raises:
        CapsuleError: no manifest can be made of it; it says why.
    """
    metadata = crate.metadata
    if metadata is None or not metadata.readable:
        raise CapsuleError(
            f"{crate.location}: there is no metadata document that can be read;"
            f" `reverify check {crate.location}` says more"
        )
    document, remarks = manifest_from(metadata)
    file, own = own_manifest(crate, remarks)
    differences: tuple[Json, ...] = ()
    manifest = manifest_of(document, metadata.name)
    if own is not None:
        differences = difference(without_kept(own.document), document)
        if not differences or prefer == "manifest":
            manifest = own
    manifest = _with_foreign(manifest, foreign(metadata))
    return Imported(
        manifest=manifest,
        remarks=tuple(remarks),
        differences=differences,
        file=file,
    )


def difference(before: Json, after: Json) -> tuple[Json, ...]:
    """What makes one JSON object of another.

    Source: RFC 6902, JavaScript Object Notation (JSON) Patch.
    """
    import jsonpatch  # noqa: PLC0415 - only where something is compared

    patch = tuple(jsonpatch.make_patch(before, after).patch)
    if not patch and not same(before, after):  # 1 and true are one to the library
        return ({"op": "replace", "path": "", "value": after},)
    return patch


def own_manifest(
    crate: Crate, remarks: list[str]
) -> tuple[str | None, Manifest | None]:
    """The manifest that a crate has as a file."""
    for name in own_manifest_paths(crate.metadata) if crate.metadata else ():
        path = crate.locate(path_id(name)).path
        if path is None:
            continue
        try:
            data = crate.payload.read(path, _MANIFEST_BYTES)
            return path, read_manifest(data, name)
        except (CrateError, ManifestError) as error:
            remarks.append(f"the manifest in the crate was not used: {error}")
            return path, None
    return None, None


def _with_foreign(manifest: Manifest, kept: Json) -> Manifest:
    """Keep what the manifest has no place for, so that a new crate says it again."""
    document = with_kept(without_kept(manifest.document), kept)
    if same(document, dict(manifest.document)):
        return manifest
    return manifest_of(document, "manifest")


def own_manifest_paths(metadata: Metadata) -> Iterator[str]:
    """Where a crate says that it has its manifest as a file."""
    for entity in metadata.by_id.values():
        stated = [uri for uri, _ in metadata.conforms_to(entity)]
        if MANIFEST_SCHEMA in stated and is_written_anew(entity):
            path = local_path(entity.id)
            yield from [path] if path else []


# -- files -----------------------------------------------------------------------------


@contextlib.contextmanager
def files_of(crate: Crate, manifest: Manifest) -> Iterator[Path]:
    """A folder in which the files of a capsule lie, for as long as the block lasts.

    For a directory it is the crate's own root; members of an archive are copied.

    Raises:
        CapsuleError: a file is not there or cannot be read.
    """
    if crate.payload.format == "directory":
        yield Path(crate.location) / crate.prefix
        return
    with tempfile.TemporaryDirectory(prefix="reverify-") as folder:
        reasons = []
        for path in dict.fromkeys(f.path for f in manifest.files() if f.path):
            try:
                _copy(crate, path, Path(folder))
            except (CrateError, *READ_ERRORS) as error:
                reasons.append(str(error))
        if reasons:
            raise CapsuleError(*reasons)
        yield Path(folder)


def _copy(crate: Crate, path: str, folder: Path) -> None:
    if path_fault(path):  # no manifest has such a path; look again all the same
        raise ValueError(f"{path!r} may not be used as a path")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with (
        crate.payload.open(crate.prefix + path) as content,
        open(os.open(target, flags, 0o644), "wb") as copy,  # noqa: PTH123
    ):
        while block := content.read(1 << 20):
            copy.write(block)
