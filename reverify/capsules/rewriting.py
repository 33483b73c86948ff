"""A crate written again with another metadata document; its files stay as they are."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from reverify.capsules.importing import content_of, empty_folders
from reverify.capsules.placing import new_file, new_folder, refuse_taken
from reverify.capsules.writers import BagWriter, DirectoryWriter, Writer, ZipWriter
from reverify.capsules.writers.interface import ContentError
from reverify.crates.crate import Crate
from reverify.crates.metadata import DESCRIPTORS
from reverify.crates.opening import path_of
from reverify.crates.payload import READ_ERRORS, EntryKind
from reverify.errors import CapsuleError, CrateError, UsageError

FORMATS = ("dir", "zip", "bag", "bag-zip")
_SPOOLED = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A crate that was written again.

    Attributes:
        path: where.
        format: dir, zip, bag or bag-zip.
        files: how many files there are in it.
        bytes: their sizes together, unpacked.
        left: what was left out, and why, one sentence each.
    """

    path: Path
    format: str
    files: int
    bytes: int
    left: tuple[str, ...]


def rewrite(
    crate: Crate,
    document: Mapping[str, Any],
    target: Path,
    *,
    format: str = "dir",
    force: bool = False,
) -> Rewritten:
    """Write a crate's files with another metadata document, whole or not at all.

    Args:
        crate: whose files they are; tag files of a bag around it are made anew.
        document: the metadata document.
        target: where the crate goes.
        format: dir, zip, bag or bag-zip.
        force: replace a crate that is at the target.

    Raises:
        CapsuleError: a file cannot be copied, or the target not be written.
        UsageError: there is no such format.
    """
    if format not in FORMATS:
        raise UsageError(
            f"there is no format {format!r} here; use {', '.join(FORMATS)}"
        )
    _spare(crate, target)
    is_zip = format in {"zip", "bag-zip"}
    refuse_taken(target, folder=not is_zip, force=force)

    def fill(writer: Writer) -> Rewritten:
        try:
            left = _copy(crate, document, writer)
            writer.finish()
        except BaseException:
            writer.abandon()
            raise
        sizes = [item.size for item in writer.everything.values()]
        return Rewritten(
            path=target,
            format=format,
            files=len(sizes),
            bytes=sum(sizes),
            left=tuple(left),
        )

    if is_zip:
        top = f"{target.stem}/" if format == "bag-zip" else ""
        with new_file(target, force=force) as stream:
            return fill(_wrapped(format, lambda: ZipWriter(stream, top)))
    with new_folder(target, force=force) as root:
        return fill(_wrapped(format, lambda: DirectoryWriter(root)))


def _wrapped(format: str, inner: Callable[[], Writer]) -> Writer:
    return BagWriter(inner(), []) if format.startswith("bag") else inner()


def _spare(crate: Crate, target: Path) -> None:
    """See that the crate itself is not written over.

    Raises:
        CapsuleError: the target is the crate, or within it, or around it.
    """
    here = path_of(crate.location)
    if here is None:
        return
    one, other = here.resolve(), target.parent.resolve() / target.name
    if one == other or one in other.parents or other in one.parents:
        raise CapsuleError(
            f"{target}: is where the crate itself lies; choose another name"
        )


def _copy(crate: Crate, document: Mapping[str, Any], writer: Writer) -> list[str]:
    """Copy all files and write the document; what was left out, and why."""
    old = crate.metadata.file if crate.metadata else ""
    reasons, left = [], []
    for path, entry in content_of(crate):
        name = path[len(crate.prefix) :]
        if path == f"{old}.minisig":
            left.append(f"{name}: signs the old document, left out")
        elif entry.kind is not EntryKind.FILE:
            left.append(f"{name}: is a {entry.kind.value}, left out")
        elif path != old:
            try:
                with _seekable(crate, path) as content:
                    writer.add(name, content)
            except ContentError as error:
                reasons.append(f"{name}: {error}")
            except (CrateError, *READ_ERRORS) as error:
                reasons.append(str(error))
    if reasons:
        raise CapsuleError(*reasons)
    for name in empty_folders(crate):
        writer.add_folder(name)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    writer.add_bytes(DESCRIPTORS[0], f"{text}\n".encode("utf-8", "surrogatepass"))
    return left


@contextlib.contextmanager
def _seekable(crate: Crate, path: str) -> Iterator[BinaryIO]:
    """A file as a stream that can be sought in; members of archives cannot."""
    with crate.payload.open(path) as content:
        if content.seekable():
            yield content
            return
        with tempfile.SpooledTemporaryFile(_SPOOLED) as spool:
            while block := content.read(1 << 20):
                spool.write(block)
            spool.seek(0)
            yield cast("BinaryIO", spool)
