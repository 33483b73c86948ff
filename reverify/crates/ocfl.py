"""OCFL: an object as a payload, its files those of its newest version.

Nothing is tested here: the object says which files it has, in which versions, with
which digests, and that becomes claims as the manifests of a bag do.

Source: Oxford Common File Layout 1.1, section 3, "OCFL Object".
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

from reverify.crates.digests import Fingerprint, algorithm
from reverify.crates.inventory import INVALID, INVENTORY, Inventory, Stated
from reverify.crates.inventory_form import (
    ADVICE,
    CONFLICT,
    TYPES,
    note_faults,
    specification,
)
from reverify.crates.payload import Entry, EntryKind, Fault, Payload, only_folder
from reverify.errors import CrateError
from reverify.model.claim import Place

DECLARATION = "0=ocfl_object_"
LAYOUT = "completeness/ocfl-layout-invalid"
_DECLARATIONS = tuple(DECLARATION + version for version in TYPES.values())
_DECLARED = "completeness/ocfl-declaration-invalid"
_SIDECAR = "completeness/ocfl-sidecar-invalid"
_SIDECAR_TEXT = re.compile(r"([0-9A-Za-z]+)[ \t]+inventory\.json\s*")
_SMALL = 4096


class OcflObject:
    """What the inventories of one OCFL object and the files beside them say.

    Args:
        payload: where the object lies; all that is wrong is told in `faults`.
        base: the object's root in it, with a slash behind, or the empty string.

    Attributes:
        budget: what may be read.
        inventory: that of the object.
        inventories: the paths of those of its versions, by version, where there is one.
        digests: what the sidecars state of all inventories.
        faults: what is wrong with the object, as far as it was needed to read it.

    Raises:
        CrateError: its inventory cannot be used.
        LimitError: it is more than we read.
    """

    def __init__(self, payload: Payload, base: str) -> None:
        self.base = base
        self.budget = payload.budget
        self.faults: list[Fault] = []
        self._payload = payload
        self.inventory = Inventory(INVENTORY, self.read(INVENTORY), self.budget, base)
        note_faults(self.inventory)
        self._declaration()
        self.inventories = {
            version: f"{version}/{INVENTORY}"
            for version in self.inventory.versions
            if self.entry(f"{version}/{INVENTORY}")
        }
        self._versions()
        self.faults = self.inventory.faults + self.faults
        self.digests: list[Stated] = []
        self._sidecar("", (self.inventory.digest_name,))
        for version in self.inventories:
            self._sidecar(f"{version}/", ("sha512", "sha256"))

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """All that lies in the object, by path from its root."""
        size = len(self.base)
        for path, entry in self._payload.entries.items():
            if len(path) > size and path.startswith(self.base):
                yield path[size:], entry

    def entry(self, path: str) -> Entry | None:
        """What lies at a path from the object's root."""
        return self._payload.entries.get(self.base + path)

    def read(self, path: str) -> bytes:
        """Read one of its inventories.

        Raises:
            CrateError: it is not there or cannot be read.
            LimitError: it is more than we read.
        """
        limit = self.budget.limits.metadata_bytes
        entry = self.entry(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            what = f"is a {entry.kind.value}" if entry else "is not there"
            raise CrateError(f"{path}: {what}", rule=INVALID, subject=path)
        return self._payload.read(self.base + path, limit)

    def may_hold(self, path: str) -> bool:
        """Whether something may be there that a limit kept us from listing."""
        return self._payload.may_hold(self.base + path)

    def content_of(self, digest: str) -> tuple[str, Entry] | None:
        """Where the content of a digest lies: the first of its files that is there."""
        block = self.inventory.manifest.get(digest)
        found = None
        for path in block.paths if block else ():
            entry = self.entry(path)
            if entry is not None and entry.kind is EntryKind.FILE:
                return path, entry
            if entry is not None and entry.kind is not EntryKind.FOLDER:
                found = found or (path, entry)
        return found

    def note(self, rule: str, path: str, what: str) -> None:
        """Note that something is wrong with the object itself."""
        self.faults.append(self.fault(rule, path, what))

    def fault(self, rule: str, path: str, what: str) -> Fault:
        """Something that is wrong with the object itself."""
        return Fault(rule, path, f"{path}: {what}", file=self.base + path)

    # -- what lies in its root and its versions ----------------------------------

    def _declaration(self) -> None:
        """Source: OCFL 1.1, section 3.2, "Object Conformance Declaration"."""
        size = len(self.base)
        start = self.base + DECLARATION
        names = [
            path[size:] for path in self._payload.entries if path.startswith(start)
        ]
        names = [name for name in names if "/" not in name]
        wanted = DECLARATION + (specification(self.inventory) or "1.1")
        for name in names:
            if name != wanted:
                what = (
                    "is not the declaration of the version that the inventory follows"
                )
                self.note(_DECLARED, name, what)
        if wanted not in names:
            self.note(_DECLARED, wanted, "is not there")
        elif self._small(wanted, _DECLARED) not in {None, f"{wanted[2:]}\n".encode()}:
            self.note(_DECLARED, wanted, f"must hold {wanted[2:]} in one line")

    def _versions(self) -> None:
        """Source: OCFL 1.1, sections 3.3 and 3.7."""
        for version in self.inventory.versions:
            entry = self.entry(version)
            note, where = self.inventory.note, ("versions", version)
            if entry is None and not self.may_hold(f"{version}/"):
                note(f"its version {version} has no folder", *where, rule=LAYOUT)
            elif version not in self.inventories:
                what = f"its version {version} should hold an inventory of its own"
                note(what, *where, rule=ADVICE)

    def _sidecar(self, folder: str, names: tuple[str, ...]) -> None:
        """Source: OCFL 1.1, section 3.6, "Inventory Digest"."""
        file = f"{folder}{INVENTORY}"
        there = [name for name in names if self.entry(f"{file}.{name}")]
        if not there:
            self.note(_SIDECAR, file, "has no file with its digest beside it")
        for name in there[:1]:
            path = f"{file}.{name}"
            data = self._small(path, _SIDECAR)
            if data is None:
                continue
            match = _SIDECAR_TEXT.fullmatch(data.decode("latin-1"))
            if match is None:
                what = f"is not a digest and {INVENTORY}, with a blank between them"
                self.note(_SIDECAR, path, what)
                continue
            known = algorithm(name)
            expected = f"{known or name}:{match[1].lower()}"
            place = Place(self.base + path, "", 1)
            self.digests.append(Stated(file, expected, place, known is not None))

    def _small(self, path: str, rule: str) -> bytes | None:
        try:
            return self._payload.read(self.base + path, _SMALL)
        except CrateError as error:
            self.note(rule, path, f"cannot be used ({error.reason})")
            return None


class OcflPayload(Payload):
    """The files of the newest version of an OCFL object, by their logical paths.

    Args:
        inner: the payload in which the object lies; it is closed with this one.
        base: the object's root in it, with a slash behind, or the empty string.

    Attributes:
        object: what the object says of itself.
        stored: what reading content files gave, by path from the object's root; see
            `read_all`.

    Raises:
        CrateError: the object's inventory cannot be used.
    """

    def __init__(self, inner: Payload, base: str = "") -> None:
        super().__init__(inner.budget)
        packed = inner.format
        self.format = "ocfl" if packed == "directory" else f"ocfl-{packed}"
        self.object = OcflObject(inner, base)
        self.stored: dict[str, Fingerprint] = {}
        self._inner = inner
        self._content: dict[str, str] = {}
        self._digests = self.object.inventory.logical(self.object.inventory.head)

    def close(self) -> None:
        """Close the inner payload."""
        self._inner.close()

    def content_path(self, path: str) -> str | None:
        """Where a file lies, as a path from the object's root."""
        return self._content.get(path) if path in self.entries else None

    @property
    def in_use(self) -> Collection[str]:
        """The paths of the content files that files of the newest version lie in."""
        return frozenset(self._content.values()) if self.entries else frozenset()

    def may_hold(self, path: str) -> bool:
        """Whether a limit kept us from the file's content, or from its name."""
        block = self.object.inventory.manifest.get(self._digests.get(path, ""))
        paths = block.paths if block else ()
        return super().may_hold(path) or any(map(self.object.may_hold, paths))

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest files as the inner payload does, each content file once."""
        for path, found in self.read_all(wanted, {}):
            if path is not None:
                yield path, found

    def fingerprint(self, path: str, algorithms: Collection[str]) -> Fingerprint:
        """Digest one file as the inner payload does."""
        return dict(self.fingerprints({path: algorithms}))[path]

    def read_all(
        self,
        wanted: Mapping[str, Collection[str]],
        stored: Mapping[str, Collection[str]],
    ) -> Iterator[tuple[str | None, Fingerprint]]:
        """Digest files and other parts of the object together, each read once.

        Args:
            wanted: names of algorithms, by logical path.
            stored: names of algorithms, by path from the object's root; what comes of
                it is kept in `stored`.

        Yields:
            the logical path and what came of it; None for a path if it is only stored.
        """
        base = self.object.base
        algorithms = {path: frozenset(names) for path, names in stored.items()}
        asked: dict[str, list[str]] = {}
        for path, names in wanted.items():
            content = self.content_path(path)
            if content is None:
                yield path, Fingerprint(0, {}, f"{path}: not a file of this crate")
                continue
            known = algorithms.get(content, frozenset())
            algorithms[content] = known.union(names) if known else frozenset(names)
            asked.setdefault(content, []).append(path)
        inner = {base + path: names for path, names in algorithms.items()}
        for full, found in self._inner.fingerprints(inner):
            content = full[len(base) :]
            if content in stored:
                self.stored[content] = found
            for asking in asked.get(content, (None,)):
                yield asking, found

    @property
    def needs_every_digest(self) -> bool:
        """Whether `identity` is made of the sha256 of every file."""
        return self._inner.needs_every_digest

    def identity(self, found: Mapping[str, Fingerprint]) -> dict[str, str]:
        """Say which bytes these are: of a folder its files, of an archive all of it."""
        if self.needs_every_digest:
            return super().identity(found)
        return self._inner.identity(found)

    def _list(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        self.faults = [
            fault
            for fault in self._inner.faults
            if fault.rule != "completeness/name-twins"  # those of logical paths count
        ]
        self.faults += self.object.faults
        for path, digest in self._digests.items():
            content = self.object.content_of(digest)
            if content is not None and not self._too_deep(path):
                self._content[path], found[path] = content
        if any(fault.rule == CONFLICT for fault in self.object.faults):
            self._drop_below_files(found)
        return found

    def _drop_below_files(self, found: dict[str, Entry]) -> None:
        """A name cannot be a file and a folder at once; that is told as a conflict."""
        ordered = sorted(found, key=lambda path: path.replace("/", "\0"))
        last = ""
        for path in ordered:
            if last and path.startswith(f"{last}/"):
                del found[path], self._content[path]
            else:
                last = path

    def _with_folders(self, entries: dict[str, Entry]) -> dict[str, Entry]:
        """Add the folders, of which an inventory has none."""
        return self._add_folders(entries, self.budget.limits.name_bytes)

    def _open(self, path: str) -> BinaryIO:
        return self._inner._open(self.object.base + self._content[path])  # noqa: SLF001 - both are payloads


def is_object(names: Collection[str]) -> bool:
    """Whether a folder is the root of an OCFL object, by the names in it alone."""
    return any(name.startswith(DECLARATION) for name in names)


def as_object(payload: Payload) -> Payload:
    """Wrap a payload that is an OCFL object, at its root or in its only folder.

    Raises:
        CrateError: it is one, and cannot be used.
    """
    entries = payload.entries
    for base in dict.fromkeys(("", only_folder(payload))):
        known = any(f"{base}{name}" in entries for name in _DECLARATIONS)
        if not known and f"{base}{INVENTORY}" not in entries:
            continue  # as nearly all are, and that is quickly seen
        start = base + DECLARATION
        if known or any(path.startswith(start) for path in entries):
            return OcflPayload(payload, base)
    return payload


def foreseen(paths: Collection[str]) -> set[str]:
    """The algorithms that an object's files will be digested with, by its paths alone.

    Returns:
        that of the sidecar, and the one that tells which bytes a crate is; none if
        there is no object.
    """
    names = {path.rpartition("/")[2] for path in paths}
    if not is_object(names):
        return set()
    start = f"{INVENTORY}."
    found = (algorithm(name.removeprefix(start)) for name in names if start in name)
    return {"sha256", *filter(None, found)}
