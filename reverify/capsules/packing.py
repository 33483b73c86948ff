"""A capsule on its way into a crate: files copied and compared, then described.

The files come first, each read once, since what the crate states of them is what was
measured on the way. The manifest, the citation, the metadata document and the page for
people follow, all made from the manifest and from what was measured.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from reverify.capsules.citation import citation_cff, codemeta, crate_iri, published
from reverify.capsules.code import Code, look_up_code, stated_swhids
from reverify.capsules.lacking import lacking
from reverify.capsules.mapping import GeneratedFile, Measured, crate_document
from reverify.capsules.mapping.keeping import kept_folders, kept_names, kept_of
from reverify.capsules.preview import PREVIEW, Described, preview
from reverify.capsules.sources import FileSource
from reverify.capsules.writers import BagWriter, DirectoryWriter, Writer, ZipWriter
from reverify.capsules.writers.interface import (
    ContentError,
    Nowhere,
    Stream,
    Written,
    listing_digest,
    size_of,
)
from reverify.crates.limits import Limits
from reverify.crates.names import folded, member_path
from reverify.errors import CapsuleError, UnsafeNameError
from reverify.model.capsule import FileRecord, Manifest, Role

METADATA = "ro-crate-metadata.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        path: where; None if it went to a stream.
        format: dir, zip, bag or bag-zip.
        ro_crate: the version of RO-Crate.
        crate_id: `urn:uuid:ID`, ID being that of the capsule.
        checksum: sha256, lower-case hex: of the file; of a directory that of the sorted
            `sha256␠␠path` lines of all files in it, as `reverify check` gives it.
        files: how many files there are in it.
        bytes: their sizes together, unpacked.
        entities: how many entities its metadata document describes.
        swhids: identifiers of the code, bare and qualified.
        repository: where the code was looked up; empty if it was not.
        notes: what was not looked up, and why; what the crate will be refuted for,
            since its manifest does not say it; one sentence each.
    """

    path: Path | None
    format: str
    ro_crate: str
    crate_id: str
    checksum: str
    files: int
    bytes: int
    entities: int
    swhids: tuple[str, ...]
    repository: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "path": None if self.path is None else str(self.path),
            "format": self.format,
            "ro_crate_version": self.ro_crate,
            "crate_id": self.crate_id,
            "digest": {"sha256": self.checksum},
            "files": self.files,
            "bytes": self.bytes,
            "entities": self.entities,
            "swhids": list(self.swhids),
            "looked_up_in": self.repository or None,
            "notes": list(self.notes),
        }


class _Stated(NamedTuple):
    """What all records of one path state together; they never contradict each other."""

    file: FileRecord
    size: int | None
    sha256: str | None


class CrateInMaking:
    """One capsule on its way into one crate.

    Args:
        manifest: what the capsule is.
        source: opens its files.
        ro_crate: 1.1, 1.2 or 1.3.
        format: dir, zip, bag or bag-zip.
    """

    def __init__(
        self,
        manifest: Manifest,
        source: FileSource,
        *,
        ro_crate: str,
        format: str,
    ) -> None:
        self._manifest = manifest
        self._source = source
        self._ro_crate = ro_crate
        self._format = format
        self._code = Code()
        self._files = _kept_files(manifest)
        self._entities = 0

    # -- before anything is written ----------------------------------------------------

    def look(
        self, repository: Path | None, folder: Path | None, code: Code | None = None
    ) -> None:
        """See that the capsule can be exported, as far as that shows beforehand.

        Args:
            repository: where its code is looked up.
            folder: the folder of the capsule.
            code: what is known of its code; None to look it up.

        Raises:
            CapsuleError: it cannot; all that is wrong with its files is told.
        """
        manifest = self._manifest
        if not manifest.status.is_over:
            raise CapsuleError(
                f"capsule {manifest.id} is {manifest.status}; only what is completed or"
                " failed can be exported"
            )
        faults = dict(self._unwritable())
        if faults:
            raise CapsuleError(*faults.values())
        self._code = code or look_up_code(manifest, repository, folder)
        faults = {path: fault for path in self._files if (fault := self._fault(path))}
        if faults:  # read the others too, so that all that is wrong is told at once
            rest = [path for path in self._files if path not in faults]
            faults |= self._copy(rest, Nowhere())
            raise CapsuleError(*(faults[path] for path in sorted(faults)))

    def _unwritable(self) -> Iterator[tuple[str, str]]:
        """Paths that no check of the crate would take."""
        deepest = Limits().depth
        for path in self._files:
            if path.count("/") >= deepest:
                yield path, f"{path!r}: lies more than {deepest} folders deep"
            elif self._format in {"zip", "bag-zip"}:
                try:
                    member_path(path)
                except UnsafeNameError as error:
                    yield path, f"{error.reason}; export it as dir or bag, or rename it"

    def _fault(self, path: str) -> str | None:
        """What is wrong with a file, as far as that shows without reading it."""
        file, size, _ = self._files[path]
        try:
            with self._source.open(file) as content:
                found = size_of(content)
        except CapsuleError as error:
            return str(error)
        except OSError as error:
            return f"{path}: cannot be read ({error.strerror})"
        if size is None or found == size:
            return None
        return _changed(file, "size", found, size)

    # -- writing -----------------------------------------------------------------------

    def write_archive(self, stream: Stream, target: Path | None) -> Exported:
        """Write a zip.

        Raises:
            CapsuleError: a file is not what it was; the archive has no end then.
        """
        hashing = _Hashing(stream)
        writer: Writer
        if self._format == "zip":
            writer = ZipWriter(hashing)
        else:
            inner = ZipWriter(hashing, f"capsule-{self._manifest.id}/")
            writer = BagWriter(inner, self._bag_info())
        self._write(writer, is_last_chance=target is None)
        return self._exported(writer, target, hashing.digest.hexdigest())

    def write_folder(self, root: int, target: Path) -> Exported:
        """Write a directory or a bag into an empty folder, given as a descriptor.

        Raises:
            CapsuleError: a file is not what it was; the folder is not to be used then.
        """
        writer: Writer = DirectoryWriter(root)
        if self._format == "bag":
            writer = BagWriter(writer, self._bag_info())
        self._write(writer)
        return self._exported(writer, target, listing_digest(writer.everything))

    def write_nothing(self) -> Exported:
        """Tell what a directory would be, without writing it.

        Raises:
            CapsuleError: a file is not what it was.
        """
        writer = Nowhere()
        self._write(writer)
        return self._exported(writer, None, listing_digest(writer.everything))

    def _write(self, writer: Writer, *, is_last_chance: bool = False) -> None:
        try:
            paths = sorted(self._files)
            self._copy_all(paths, writer, stop=is_last_chance)
            for folder in kept_folders(self._manifest):
                writer.add_folder(folder)
            self._describe(writer)
            writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def _copy_all(self, paths: list[str], writer: Writer, *, stop: bool) -> None:
        if faults := self._copy(paths, writer, stop=stop):
            raise CapsuleError(*faults.values())

    def _copy(
        self, paths: list[str], writer: Writer, *, stop: bool = False
    ) -> dict[str, str]:
        """Copy files; what is wrong with them, by path.

        Args:
            paths: of files of the capsule.
            writer: takes them.
            stop: whether to stop at the first that is not what it was.
        """
        faults: dict[str, str] = {}
        for path in paths:
            if fault := self._copy_one(path, writer):
                faults[path] = fault
                if stop:
                    break
        return faults

    def _copy_one(self, path: str, writer: Writer) -> str | None:
        file, _, sha256 = self._files[path]
        blob = self._code.blobs.get(path)
        try:
            with self._source.open(file) as content:
                seen = self._code.blob_digest(size_of(content)) if blob else None
                written = writer.add(path, content, [seen] if seen else ())
        except CapsuleError as error:
            return str(error)
        except ContentError as error:
            return f"{path}: {error}"
        except FileExistsError:
            return f"{path}: this file system takes it for another file of the capsule"
        if sha256 is not None and sha256 != written.sha256:
            return _changed(file, "sha256", written.sha256, sha256)
        if seen is not None and seen.hexdigest() != blob:
            commit = self._manifest.part("code")["git_commit"]
            return (
                f"{path}: is not the file of commit {commit}: it has the git blob id"
                f" {seen.hexdigest()}, that of the commit is {blob}; restore the file,"
                ' or say "dirty": true if this is what was run'
            )
        return None

    def _describe(self, writer: Writer) -> None:
        """Write what the exporter adds: manifest, citation, metadata, page."""
        manifest, swhids = self._manifest, self._swhids
        taken = _taken([*self._files, *kept_names(manifest)])
        manifest_path = _free_name(taken)
        writer.add_bytes(manifest_path, manifest.data)
        extra = []
        for path, data, name, description, media_type in self._generated():
            if folded(path) in taken:
                continue  # the capsule has one of its own
            measured = _measured(writer.add_bytes(path, data))
            extra.append(
                GeneratedFile(
                    path=path,
                    name=name,
                    description=description,
                    media_type=media_type,
                    measured=measured,
                )
            )
        files = {path: _measured(writer.written[path]) for path in self._files}
        document = crate_document(
            manifest,
            files,
            ro_crate=self._ro_crate,
            code=self._code.facts,
            manifest_path=manifest_path,
            extra=extra,
            kept=kept_of(manifest),
        )
        self._entities = len(document["@graph"])
        text = json.dumps(document, indent=2, ensure_ascii=False)
        writer.add_bytes(METADATA, f"{text}\n".encode())
        described = Described(
            ro_crate=self._ro_crate,
            files=files,
            code=self._code.facts,
            swhids=swhids,
            manifest_path=manifest_path,
            has_citation="CITATION.cff" in writer.written,
            document=document,
        )
        writer.add_bytes(PREVIEW, preview(manifest, described))

    def _generated(self) -> Iterator[tuple[str, bytes, str, str, str]]:
        """Files made of the manifest: path, bytes, name, description, media type."""
        cff = citation_cff(self._manifest, self._swhids)
        if cff is not None:
            description = "How to cite this capsule, in the Citation File Format 1.2.0."
            yield "CITATION.cff", cff, "Citation", description, "application/yaml"
        if any(file.role is Role.CODE for file, _, _ in self._files.values()):
            data = codemeta(self._manifest, self._swhids)
            description = "What the code of this capsule is, in the terms of CodeMeta."
            yield "codemeta.json", data, "CodeMeta", description, "application/ld+json"

    @property
    def _swhids(self) -> tuple[str, ...]:
        facts = self._code.facts
        return facts.swhids if facts else stated_swhids(self._manifest)

    def _bag_info(self) -> list[tuple[str, str]]:
        """Labels of bag-info.txt, none of which comes from the clock."""
        return [
            ("Bagging-Date", published(self._manifest).isoformat()),
            ("External-Identifier", crate_iri(self._manifest)),
            ("External-Description", self._manifest.title),
        ]

    def _exported(self, writer: Writer, target: Path | None, checksum: str) -> Exported:
        everything = writer.everything.values()
        return Exported(
            path=target,
            format=self._format,
            ro_crate=self._ro_crate,
            crate_id=crate_iri(self._manifest),
            checksum=checksum,
            files=len(everything),
            bytes=sum(item.size for item in everything),
            entities=self._entities,
            swhids=self._swhids,
            repository=self._code.repository,
            notes=(*self._code.notes, *lacking(self._manifest, self._ro_crate)),
        )


class _Hashing:
    """A stream that takes the sha256 of what goes through it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Write all of the bytes."""
        self.digest.update(data)
        self._stream.write(data)

    def flush(self) -> None:
        """Hand on what is held back."""
        self._stream.flush()


def _kept_files(manifest: Manifest) -> dict[str, _Stated]:
    """The files that a capsule keeps, each once, by path."""
    found: dict[str, _Stated] = {}
    for file in manifest.files():
        if file.path is None:
            continue
        known = found.get(file.path)
        if known is None:
            found[file.path] = _Stated(file, file.size, file.sha256)
            continue
        # Of two records the one that states a digest tells the source more.
        size = file.size if known.size is None else known.size
        if known.sha256 is None:
            found[file.path] = _Stated(file, size, file.sha256)
        else:
            found[file.path] = known._replace(size=size)
    return found


def _changed(file: FileRecord, what: str, found: object, stated: object) -> str:
    return (
        f"{file.path}: has {what} {found}, the manifest states {stated}; it changed"
        " since the run: restore it, or capture the run anew"
    )


def _measured(written: Written) -> Measured:
    return Measured(written.size, written.sha256)


def _taken(paths: Iterable[str]) -> set[str]:
    """The names of files and folders at the top, as a machine blind to case sees it."""
    return {folded(path.partition("/")[0]) for path in paths}


def _free_name(taken: Collection[str]) -> str:
    """Where the manifest goes: capsule.json, or capsule-1.json and so on."""
    names = ("capsule.json", *(f"capsule-{n}.json" for n in range(1, len(taken) + 2)))
    return next(name for name in names if name not in taken)
