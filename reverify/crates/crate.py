"""A crate: its payload, its metadata document and its bags, opened together."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import NamedTuple, Self
from unicodedata import normalize

from reverify.crates.bag import DECLARATION, Bag, find_bags
from reverify.crates.digests import Fingerprint
from reverify.crates.entity import Entity
from reverify.crates.limits import Budget
from reverify.crates.metadata import DESCRIPTORS, Metadata
from reverify.crates.names import Local, Reference, reference
from reverify.crates.ocfl import OcflPayload, is_object
from reverify.crates.payload import Entry, EntryKind, Fault, Payload, only_folder
from reverify.errors import CrateError, UnsafeNameError

_PREFIXED = tuple(f"-{name}" for name in DESCRIPTORS)
_CRATE_PROFILE = "https://w3id.org/ro/crate"


class Located(NamedTuple):
    """Where the file or folder of an entity is.

    Attributes:
        path: from the opened location; the first reading of the name where nothing
            is there, None where the name owns no path.
        entry: what lies there, if anything does.
        remark: what a reader should know of how it was found.
        fault: why the name may not be used as a path, if so.
        target: what the @id points to.
    """

    path: str | None
    entry: Entry | None = None
    remark: str = ""
    fault: str | None = None
    target: Reference | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a payload the crate lies.

    Attributes:
        prefix: the crate's root folder with a slash behind, or the empty string.
        document: the path of the metadata document; None if there is none.
        bags: base folders in which a bag may wrap the whole crate.
    """

    prefix: str
    document: str | None
    bags: list[str]


class Crate:
    """One crate, opened for reading.

    Args:
        location: where it was found, as the user wrote it.
        payload: its files; closed with the crate.
        layout: where in the payload the crate lies.
    """

    def __init__(self, location: str, payload: Payload, layout: Layout) -> None:
        self.location = location
        self.payload = payload
        self.prefix = layout.prefix
        self.faults: list[Fault] = []
        self.fingerprints: dict[str, Fingerprint] = {}
        self.identity: dict[str, str] = {}
        self.metadata = self._read_metadata(layout.document)
        self.bags: list[Bag] = find_bags(payload, layout.bags)
        self._wrapping = [bag for bag in self.bags if bag.base in layout.bags]
        self._located: dict[str, Located] = {}
        self._folded: dict[str, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.payload.close()

    @property
    def format(self) -> str:
        """The word for how it is packed."""
        packed = self.payload.format
        if not self._wrapping or self.ocfl is not None:
            return packed
        return "bag" if packed == "directory" else f"bag-{packed}"

    @property
    def ocfl(self) -> OcflPayload | None:
        """The OCFL object that it is the newest version of, if it is one."""
        return self.payload if isinstance(self.payload, OcflPayload) else None

    @property
    def is_document(self) -> bool:
        """Whether only the metadata document is at hand."""
        return self.payload.format == "document"

    @property
    def budget(self) -> Budget:
        """What may still be read of it."""
        return self.payload.budget

    @cached_property
    def content(self) -> list[str]:
        """The files that make up the crate.

        Left out are those that describe it (metadata document, its signature, preview),
        the tag files of its bags, and crates inside it, which are reported apart.
        """
        own = {path for bag in self.bags for path in bag.tag_files}
        folders = [f"{folder}/" for folder in self.nested]
        if self.metadata is not None:
            document = self.metadata.file
            stem = re.sub(r"metadata\.json(?:ld)?$", "preview", document)
            own |= {document, f"{document}.minisig", f"{stem}.html"}
            folders.append(f"{stem}_files/")
        outside = (*folders,)
        return [
            path
            for path in self.payload.files
            if path not in own and not path.startswith(outside)
        ]

    @cached_property
    def nested(self) -> list[str]:
        """The root folders of crates inside this one, without the slash.

        Source: RO-Crate 1.2, Data entities, "Referencing other RO-Crates".
        """
        found = set()
        for path in self.payload.files:
            if path.endswith(DESCRIPTORS):  # few do, and that is quickly seen
                folder, _, name = path.rpartition("/")
                below = path.startswith(self.prefix) and f"{folder}/" != self.prefix
                if name in DESCRIPTORS and folder and below:
                    found.add(folder)
        return sorted(found)

    def locate(self, id: str) -> Located:
        """Find the file or folder that an @id names.

        Source: RO-Crate 1.2, Data entities, "Encoding file paths in @ids".
        """
        known = self._located.get(id)
        if known is None:
            known = self._located[id] = self._locate(id)
        return known

    def data_entities(self) -> Iterator[tuple[Entity, Located]]:
        """The files and folders that the graph describes, but for the root."""
        if self.metadata is None:
            return
        root, descriptor = self.metadata.root, self.metadata.descriptor
        for entity in self.metadata.entities:
            if not entity.is_data() or entity is root or entity is descriptor:
                continue
            yield entity, self.locate(entity.id)

    def entity_ids(self) -> Mapping[str, str]:
        """The @id of the entity that describes a path, by path."""
        return {
            located.path: entity.id
            for entity, located in self.data_entities()
            if located.path and located.entry
        }

    def _read_metadata(self, path: str | None) -> Metadata | None:
        if path is None:
            return None
        limits = self.budget.limits
        try:
            data = self.payload.read(path, limits.metadata_bytes)
        except CrateError as error:
            self.faults.append(Fault(error.rule, path, error.reason, file=path))
            return None
        return Metadata(path, data, limits)

    def _locate(self, id: str) -> Located:
        try:
            target = reference(id)
        except UnsafeNameError as error:
            return Located(None, fault=error.reason)
        if not isinstance(target, Local):
            return Located(None, target=target)
        entries = self.payload.entries
        paths = [self.prefix + path for path in target.paths]
        for index, path in enumerate(paths):
            if path.rstrip("/") == self.prefix.rstrip("/"):
                return Located(path, Entry(EntryKind.FOLDER), target=target)
            entry = entries.get(path)
            if entry is not None:
                remark = f"found under the name as written, {path!r}" if index else ""
                return Located(path, entry, remark, target=target)
        remark = "" if self.is_document else self._twin(paths[0])
        return Located(paths[0], None, remark, target=target)

    def _twin(self, path: str) -> str:
        """Tell of a file whose name differs only by case or Unicode normal form."""
        if self._folded is None:
            self._folded = {_folded(name): name for name in self.payload.entries}
        other = self._folded.get(_folded(path))
        if other is None:
            return ""
        same = normalize("NFC", other) == normalize("NFC", path)
        how = "Unicode normal form" if same else "letter case"
        return f"a name that differs only in {how} is there, {other!r}"


def _folded(path: str) -> str:
    return normalize("NFC", path).casefold()


def layout_of(payload: Payload) -> Layout:
    """Find the crate in a payload: at its root, in a bag, or in the only top folder.

    Source: RO-Crate 1.2, Appendix, "Combining with other packaging schemes".
    """
    entries = payload.entries
    top = only_folder(payload)
    bases = [base for base in ("", top) if f"{base}{DECLARATION}" in entries]
    prefixes = ["", *(["data/"] if "" in bases else [])]
    if top:
        prefixes += [top, *([f"{top}data/"] if top in bases else [])]
    for prefix in prefixes:
        for name in DESCRIPTORS:
            entry = entries.get(prefix + name)
            if entry is not None and entry.kind is EntryKind.FILE:
                return Layout(prefix, prefix + name, bases)
    for prefix in prefixes:
        named = [
            path
            for path in payload.files
            if path.endswith(_PREFIXED)
            and path.startswith(prefix)
            and "/" not in path[len(prefix) :]
        ]
        if len(named) == 1:
            return Layout(prefix, named[0], bases)
    return Layout("", None, bases)


def what_is_there(payload: Payload) -> str:
    """Say in one sentence what lies in a payload that holds no crate."""
    entries = payload.entries
    if not entries:
        return "it is empty"
    if below := _object_below(payload):
        return f"there is an OCFL object in {below!r}; check that instead"
    deeper = [
        path
        for path in payload.files
        if path.rpartition("/")[2] in DESCRIPTORS or path.endswith(_PREFIXED)
    ]
    if deeper:
        path = min(deeper, key=lambda path: (path.count("/"), path))
        folder = path.rpartition("/")[0]
        depth = path.count("/")
        if not depth:
            return f"it holds {len(deeper)} metadata documents; name the one you mean"
        return (
            f"there is one {depth} folder{'s' if depth > 1 else ''} down, in"
            f" {folder!r}; check that instead"
        )
    if any(path.rpartition("/")[2] == DECLARATION for path in payload.files):
        old = any(path.endswith("metadata/manifest.json") for path in payload.files)
        what = "without a crate in its data folder"
        if old:
            what = "with a Research Object in it, not an RO-Crate"
        return f"it is a BagIt bag {what}"
    names = sorted({path.partition("/")[0] for path in entries})
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")  # noqa: PLR2004
    return f"it holds {len(names)} other name{'s' if len(names) > 1 else ''}: {shown}"


def _object_below(payload: Payload) -> str:
    """The folder of the first OCFL object that lies deeper, if there is one."""
    for path in payload.files:
        folder, _, name = path.rpartition("/")
        if folder and is_object((name,)):
            return folder
    return ""


def is_crate_reference(uri: str) -> bool:
    """Whether a conformsTo says that an entity is a crate itself."""
    return uri.rstrip("/") == _CRATE_PROFILE
