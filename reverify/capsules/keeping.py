"""Looking at the files of a capsule when it is registered, and opening them later."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reverify.capsules.content import ContentStore, Measured, measure
from reverify.crates.hashing import FOLDER_FLAGS, Folder
from reverify.errors import CapsuleError
from reverify.model.capsule import FileRecord, Manifest, Role
from reverify.model.registry import KeptFile, Place

_SHOWN = 20
_SAID = {
    errno.ENOENT: "is not there",
    errno.ELOOP: "is a link; put the file itself there",
    errno.ENOTDIR: "lies behind a link, or below what is no folder",
    errno.EINVAL: "is no regular file",
    errno.ENXIO: "is no regular file",
    errno.EISDIR: "is no regular file",
    errno.EACCES: "may not be read",
}


def look_at_files(
    manifest: Manifest, base: Path | None, content: ContentStore | None
) -> tuple[KeptFile, ...]:
    """Look at every file that a manifest says is with it.

    Args:
        manifest: what is said of them.
        base: the folder below which they lie; None if nobody can look.
        content: where to copy them to; None to leave them where they are.

    Raises:
        CapsuleError: a file is not there, no plain file, or not what is said of it.
    """
    records = [record for record in manifest.files() if record.path is not None]
    if base is None:
        return tuple(_unseen(record) for record in records)
    reasons: list[str] = []
    found: dict[str, KeptFile | None] = {}
    with open_folder(base) as (folder, root):
        for record in records:
            path = str(record.path)
            try:
                if path not in found:
                    measured = _look(folder, path, content)
                    place = Place.FOLDER if content is None else Place.STORE
                    where = root if content is None else None
                    found[path] = _kept(record, measured, place, where)
                if (file := found[path]) is not None:
                    reasons += _disagreements(record, file)
            except OSError as error:
                found[path] = None
                if not _may_be_absent(manifest, record, error):
                    reasons.append(f"{root}/{path} {_reason(error)}")
    if reasons:
        more = [f"and {len(reasons) - _SHOWN} more"] if len(reasons) > _SHOWN else []
        raise CapsuleError(*reasons[:_SHOWN], *more)
    return tuple(_in_role(record, found[str(record.path)]) for record in records)


@contextmanager
def open_folder(base: Path) -> Iterator[tuple[Folder, str]]:
    """Open a folder, whose files are then reached without following a link.

    Raises:
        CapsuleError: it is not there, or no folder.
    """
    try:
        # The user's own path may be a link; what is kept is where it leads today.
        root = os.path.realpath(base, strict=True)
        fd = os.open(root, FOLDER_FLAGS)
    except OSError as error:
        raise CapsuleError(f"{base}: cannot be opened ({error.strerror})") from error
    folder = Folder(fd)
    try:
        yield folder, root
    finally:
        folder.close()
        os.close(fd)


def _look(folder: Folder, path: str, content: ContentStore | None) -> Measured:
    fd = folder.open(path)
    try:
        return measure(fd) if content is None else content.add(fd)
    finally:
        os.close(fd)


def _may_be_absent(manifest: Manifest, record: FileRecord, error: OSError) -> bool:
    """What a run is still to write need not be there."""
    absent = error.errno == errno.ENOENT
    return absent and record.role is Role.OUTPUT and not manifest.status.is_over


def _reason(error: OSError) -> str:
    return _SAID.get(error.errno or 0) or f"cannot be read ({error.strerror})"


def _disagreements(record: FileRecord, file: KeptFile) -> Iterator[str]:
    """What the manifest states and the file does not bear out."""
    for what, stated, found in (
        ("size", record.size, file.size),
        ("sha256", record.sha256, file.sha256),
    ):
        if stated is not None and stated != found:
            where = f"{file.base}/{file.path}" if file.base else file.path
            yield (
                f"{where} has {what} {found}, the manifest states {stated} at"
                f" {record.pointer}/{what}; it changed since, or the manifest errs"
            )


def _kept(
    record: FileRecord, found: Measured, place: Place, base: str | None
) -> KeptFile:
    return KeptFile(
        role=record.role,
        path=str(record.path),
        sha256=found.sha256,
        size=found.size,
        place=place,
        base=base,
    )


def _unseen(record: FileRecord) -> KeptFile:
    return KeptFile(
        role=record.role,
        path=str(record.path),
        sha256=record.sha256,
        size=record.size,
        place=Place.NOWHERE,
    )


def _in_role(record: FileRecord, file: KeptFile | None) -> KeptFile:
    if file is None:
        return _unseen(record)
    return _kept(
        record, Measured(str(file.sha256), file.size or 0), file.place, file.base
    )
