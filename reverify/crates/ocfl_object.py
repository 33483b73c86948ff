"""What an OCFL object says of itself, in its inventories and the files beside them.

Nothing is tested here: it becomes claims, as the manifests of a bag do.

Source: Oxford Common File Layout 1.1, section 3, "OCFL Object".
"""

import re
from collections.abc import Iterator

from reverify.crates.digests import algorithm
from reverify.crates.inventory import INVALID, INVENTORY, Inventory, Stated
from reverify.crates.inventory_form import ADVICE, note_faults, specification
from reverify.crates.payload import Entry, EntryKind, Fault, Payload
from reverify.errors import CrateError
from reverify.model.claim import Place

DECLARATION = "0=ocfl_object_"
LAYOUT = "completeness/ocfl-layout-invalid"
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
