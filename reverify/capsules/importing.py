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
from reverify.capsules.mapping.graph import listed
from reverify.capsules.mapping.keeping import with_kept, without_kept
from reverify.capsules.mapping.residue import same
from reverify.capsules.mapping.terms import MANIFEST_SCHEMA, path_id
from reverify.crates.crate import Crate
from reverify.crates.metadata import Metadata
from reverify.crates.names import path_fault
from reverify.crates.opening import path_of
from reverify.crates.payload import READ_ERRORS, Entry, EntryKind
from reverify.errors import CapsuleError, CrateError, ManifestError
from reverify.model.capsule import Manifest

_MANIFEST_BYTES = 64 << 20
_SHOWN = 20
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
    metadata = metadata_of(crate)
    document, remarks = manifest_from(metadata)
    file, own = own_manifest(crate, remarks)
    differences: tuple[Json, ...] = ()
    manifest = manifest_of(document, metadata.name)
    if own is not None:
        differences = difference(without_kept(own.document), document)
        if not differences or prefer == "manifest":
            manifest = own
    whole = _with_undescribed(crate, without_kept(manifest.document), remarks)
    whole = with_kept(whole, kept_by(crate, metadata))
    if not same(whole, dict(manifest.document)):
        manifest = _kept_whole(whole, metadata)
    _remark_context(metadata, remarks)
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


def metadata_of(crate: Crate) -> Metadata:
    """The metadata document of a crate.

    Raises:
        CapsuleError: it has none that can be read.
    """
    metadata = crate.metadata
    if metadata is None or not metadata.readable:
        raise CapsuleError(
            f"{crate.location}: there is no metadata document that can be read;"
            f" `reverify check {crate.location}` says more"
        )
    return metadata


def kept_by(crate: Crate, metadata: Metadata) -> Json:
    """What a crate has that its manifest has no place for, as `nothing_kept` tells."""
    return {**foreign(metadata), "folders": list(empty_folders(crate))}


def _kept_whole(document: Json, metadata: Metadata) -> Manifest:
    try:
        return manifest_of(document, metadata.name)
    except ManifestError as error:
        raise CapsuleError(
            *(
                f"{metadata.name}: says what a manifest cannot keep: {fault}"
                for fault in error.faults
            )
        ) from error


def _remark_context(metadata: Metadata, remarks: list[str]) -> None:
    context = metadata.document.get("@context")
    if any(isinstance(part, dict) and "@base" in part for part in listed(context)):
        remarks.append(
            "its @context sets a @base, which is left out: the names in a capsule are"
            " those of its own files"
        )


def own_manifest_paths(metadata: Metadata) -> Iterator[str]:
    """Where a crate says that it has its manifest as a file."""
    for entity in metadata.by_id.values():
        stated = [uri for uri, _ in metadata.conforms_to(entity)]
        if MANIFEST_SCHEMA in stated and is_written_anew(entity):
            path = local_path(entity.id)
            yield from [path] if path else []


# -- files -----------------------------------------------------------------------------


def _with_undescribed(crate: Crate, document: Json, remarks: list[str]) -> Json:
    """A manifest with the files that the graph does not describe, by path."""
    if crate.is_document:
        return document
    files = list(Manifest(data=b"", document=document).files())
    known = {crate.locate(path_id(file.path)).path for file in files if file.path}
    metadata = metadata_of(crate)
    anew = {
        crate.locate(entity.id).path
        for entity in metadata.entities
        if is_written_anew(entity)
    }
    stem = metadata.file.removesuffix("ld").removesuffix("metadata.json")
    pages = (f"{stem}preview.html", f"{stem}preview_files/")
    more = []
    for path, entry in content_of(crate):
        name = path[len(crate.prefix) :]
        if path in known or path in anew or path == metadata.file:
            continue
        if path.startswith(pages):
            continue  # the page is written anew
        if path == f"{metadata.file}.minisig":
            remarks.append(f"{name}: signs a document that is written anew, left out")
        elif entry.kind is not EntryKind.FILE:
            remarks.append(f"{name}: is a {entry.kind.value}, and is left out")
        elif local_path(path_id(name)) != name:
            remarks.append(f"{name!r}: is no path that a manifest can have, left out")
        else:
            more.append({"path": name})
    if not more:
        return document
    return {**document, "files": [*(document.get("files") or ()), *more]}


def content_of(crate: Crate) -> Iterator[tuple[str, Entry]]:
    """What lies in a crate, but for folders and the tag files of a bag around it."""
    tags = {
        path
        for bag in crate.bags
        if crate.prefix.startswith(bag.base)
        for path in bag.tag_files
    }
    for path, entry in sorted(crate.payload.entries.items()):
        is_inside = path.startswith(crate.prefix) and path not in tags
        if is_inside and entry.kind is not EntryKind.FOLDER:
            yield path, entry


def empty_folders(crate: Crate) -> Iterator[str]:
    """The folders in a crate that hold nothing at all, which no file brings along."""
    if crate.is_document:
        return
    entries = crate.payload.entries
    full = {path.rpartition("/")[0] for path in entries}
    for path, entry in sorted(entries.items()):
        name = path.removeprefix(crate.prefix)
        is_empty = entry.kind is EntryKind.FOLDER and path not in full
        if is_empty and path.startswith(crate.prefix) and not path_fault(name):
            yield name


def lie_elsewhere(crate: Crate, manifest: Manifest) -> bool:
    """Whether files have to be copied to lie where their manifest says.

    Those of an archive do, and those that are found under another spelling.
    """
    if crate.is_document:
        return False
    places = _places(crate, manifest).items()
    is_directory = crate.payload.format == "directory"
    return not is_directory or any(crate.prefix + to != at for to, at in places)


def _places(crate: Crate, manifest: Manifest) -> dict[str, str]:
    """Where each file of a manifest lies in the crate that it was read from.

    Raises:
        CapsuleError: one is not there.
    """
    found, missing = {}, []
    for path in dict.fromkeys(file.path for file in manifest.files() if file.path):
        located = crate.locate(path_id(path))
        if located.entry is None or located.path is None:
            hint = f", {located.remark}" if located.remark else ""
            missing.append(f"{path}: is described, and is not in the crate{hint}")
        else:
            found[path] = located.path
    if missing:
        more = [f"and {len(missing) - _SHOWN} more"] if len(missing) > _SHOWN else []
        raise CapsuleError(
            *missing[:_SHOWN],
            *more,
            f"{crate.location}: lacks files that it describes; add them, or take them"
            " out of its metadata document",
        )
    return found


@contextlib.contextmanager
def files_of(crate: Crate, manifest: Manifest) -> Iterator[Path | None]:
    """A folder in which the files of a capsule lie, for as long as the block lasts.

    For a directory it is the crate's own root, if its files lie as the manifest says;
    others are copied. None if there are no files, but the document alone.

    Raises:
        CapsuleError: a file is not there or cannot be read.
    """
    here = path_of(crate.location)
    if crate.is_document:
        yield None
    elif here is not None and not lie_elsewhere(crate, manifest):
        yield here / crate.prefix
    else:
        with tempfile.TemporaryDirectory(prefix="reverify-") as folder:
            reasons = []
            for path, place in _places(crate, manifest).items():
                try:
                    _copy(crate, place, path, Path(folder))
                except (CrateError, *READ_ERRORS) as error:
                    reasons.append(str(error))
            if reasons:
                raise CapsuleError(*reasons)
            yield Path(folder)


def _copy(crate: Crate, place: str, path: str, folder: Path) -> None:
    if path_fault(path):  # no manifest has such a path; look again all the same
        raise ValueError(f"{path!r} may not be used as a path")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with (
        crate.payload.open(place) as content,
        open(os.open(target, flags, 0o644), "wb") as copy,  # noqa: PTH123
    ):
        while block := content.read(1 << 20):
            copy.write(block)
