"""Looking at the files of a capsule when it is registered, and opening them later."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Self

from reverify.capsules.content import ContentStore, Measured, measure
from reverify.capsules.sources import FolderSource
from reverify.errors import CapsuleError
from reverify.model.capsule import FileRecord, Manifest, Role
from reverify.model.registry import KeptFile, Place

_SHOWN = 20


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
    # The user's own path may be a link; what is kept is where it leads today.
    root = os.path.realpath(base)
    with FolderSource(Path(root)) as source:
        for record in records:
            path = str(record.path)
            try:
                if path not in found:
                    found[path] = None
                    found[path] = _look(source, record, content, root)
                if (file := found[path]) is not None:
                    reasons += _disagreements(record, file, root)
            except CapsuleError as error:
                if not _may_be_absent(manifest, record, error):
                    reasons.append(str(error))
    if reasons:
        more = [f"and {len(reasons) - _SHOWN} more"] if len(reasons) > _SHOWN else []
        raise CapsuleError(*reasons[:_SHOWN], *more)
    return tuple(_in_role(record, found[str(record.path)]) for record in records)


class KeptFiles:
    """The files of a registered version: from the store, else from their folder.

    A FileSource; close it when done. A file whose digest the manifest does not state is
    compared with what was registered before it is handed out.

    Args:
        files: what the registry knows of them.
        content: the store.
    """

    def __init__(self, files: Iterable[KeptFile], content: ContentStore) -> None:
        self._files = {file.path: file for file in files}
        self._content = content
        self._folders: dict[str, FolderSource] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folders."""
        while self._folders:
            self._folders.popitem()[1].close()

    def open(self, file: FileRecord) -> BinaryIO:
        """Open a file for reading, at its start.

        Raises:
            CapsuleError: it cannot be had, or is not what was registered.
        """
        kept = self._files.get(file.path or "")
        if kept is None or (kept.place is Place.NOWHERE and not self._is_stored(kept)):
            raise CapsuleError(
                f"{file.path or file.pointer}: is not kept, its capsule was registered"
                " without it; register it again with its folder"
            )
        stream = self._stream(file, kept)
        if file.sha256 is None:
            try:
                _expect(kept, stream)
                stream.seek(0)
            except BaseException:
                stream.close()
                raise
        return stream

    def _is_stored(self, kept: KeptFile) -> bool:
        return kept.sha256 is not None and self._content.holds(kept.sha256)

    def _stream(self, file: FileRecord, kept: KeptFile) -> BinaryIO:
        if kept.base is None or self._is_stored(kept):
            return self._content.open(str(kept.sha256), kept.path)
        if kept.base not in self._folders:
            try:
                self._folders[kept.base] = FolderSource(Path(kept.base))
            except CapsuleError as error:
                raise CapsuleError(
                    f"{error}; if it was moved, `reverify capsule register --store`"
                    " with its new place takes in copies of its files"
                ) from error
        return self._folders[kept.base].open(file)


def damage_of(file: KeptFile, content: ContentStore) -> str | None:
    """Why a file is not what was registered; None if it is.

    What lies in the store is not read: that is done when all of the store is.
    """
    if file.place is Place.NOWHERE or content.holds(str(file.sha256)):
        return None
    record = FileRecord(file.role, "", {"path": file.path})
    try:
        with KeptFiles([file], content) as source:
            source.open(record).close()
    except CapsuleError as error:
        return str(error)
    return None


def _expect(kept: KeptFile, stream: BinaryIO) -> None:
    where = f"{kept.base}/{kept.path}" if kept.base else kept.path
    try:
        found = measure(stream.fileno())
    except OSError as error:
        raise CapsuleError(f"{where}: cannot be read ({error.strerror})") from error
    if found.sha256 != kept.sha256:
        raise CapsuleError(
            f"{where}: has sha256 {found.sha256}, it had {kept.sha256} when it was"
            " registered; restore it, or register what it is now"
        )


def _look(
    source: FolderSource, record: FileRecord, content: ContentStore | None, root: str
) -> KeptFile:
    with source.open(record) as stream:
        try:
            if content is None:
                return _kept(record, measure(stream.fileno()), Place.FOLDER, root)
            return _kept(record, content.add(stream.fileno()), Place.STORE, None)
        except OSError as error:
            reason = f"{root}/{record.path}: cannot be read ({error.strerror})"
            raise CapsuleError(reason) from error


def _may_be_absent(manifest: Manifest, record: FileRecord, error: CapsuleError) -> bool:
    """What a run is still to write need not be there."""
    absent = isinstance(error.__cause__, FileNotFoundError)
    return absent and record.role is Role.OUTPUT and not manifest.status.is_over


def _disagreements(record: FileRecord, file: KeptFile, root: str) -> Iterator[str]:
    """What the manifest states and the file does not bear out."""
    for what, stated, found in (
        ("size", record.size, file.size),
        ("sha256", record.sha256, file.sha256),
    ):
        if stated is not None and stated != found:
            yield (
                f"{root}/{file.path}: has {what} {found}, the manifest states {stated}"
                f" at {record.pointer}/{what}; the file changed, or the manifest errs"
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
