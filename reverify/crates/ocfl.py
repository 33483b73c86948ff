"""OCFL: an object as a payload, its files those of its newest version.

Source: Oxford Common File Layout 1.1, section 3, "OCFL Object".
"""

from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

from reverify.crates.digests import Fingerprint, algorithm
from reverify.crates.inventory import INVENTORY
from reverify.crates.inventory_form import CONFLICT, TYPES
from reverify.crates.ocfl_object import DECLARATION, OcflObject
from reverify.crates.payload import Entry, Payload, only_folder

_DECLARATIONS = tuple(DECLARATION + version for version in TYPES.values())
_LOST_SHOWN = 1000


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
        self._lost: set[str] = set()
        self._digests = self.object.inventory.logical(self.object.inventory.head)

    def close(self) -> None:
        """Close the inner payload."""
        self._inner.close()

    def content_path(self, path: str) -> str | None:
        """Where a file lies, as a path from the object's root."""
        return self._content.get(path) if path in self.entries else None

    def is_claimed(self, path: str) -> bool:
        """Whether a file is there, or is one of the first whose content is not."""
        return path in self.entries or path in self._lost

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
        room = self.budget.limits.members
        in_use = set()
        for path, digest in self._digests.items():
            content = self.object.content_of(digest)
            if content is None:
                if len(self._lost) < _LOST_SHOWN:
                    self._lost.add(path)
                continue
            # Names that share their content cost nothing to make.
            room -= content[0] in in_use
            if room < 0:
                more = f"more than {self.budget.limits.members:,} share their content"
                self._cut_short("./", "", f"not all files were looked at, {more}")
                break
            in_use.add(content[0])
            if not self._too_deep(path):
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
