"""Bundles of kind `flat`: the files of one directory, hashed into its id again."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from reverify.errors import ServiceError
from reverify.model.git_objects import (
    FOLDER,
    LINK,
    SUBMODULE,
    TreeLine,
    file_mode,
    tree_body,
)
from reverify.model.swhid import git_id
from reverify.services.git.objects import Objects
from reverify.services.software_heritage.bundle import (
    SENTENCE_BYTES,
    STAND_INS,
    Bundle,
    Fault,
    Shelf,
    shown,
)
from reverify.services.software_heritage.objects import Directory, DirectoryEntry
from reverify.services.software_heritage.tarball import BundleLimits, Member, members

EMPTY = git_id("tree", b"")
Listing = Callable[[str], Directory | None]
"""What the archive says a directory holds, by its id; None if it did not say."""


@dataclass(slots=True)
class _Folder:
    """A folder of the bundle, and what its members were found to be."""

    entries: dict[bytes, "_Folder | TreeLine"] = field(default_factory=dict)


def read_flat(
    stream: BinaryIO,
    swhid: str,
    *,
    listing: Listing | None = None,
    limits: BundleLimits | None = None,
) -> Bundle:
    """Read a flat bundle.

    A submodule is an empty folder in it, and the permissions of old repositories are
    lost. Both are looked up in the archive's listings if the id does not come out
    without; that is sound, since a wrong listing cannot make it come out.

    Args:
        stream: the gzipped tarball, at its start.
        swhid: the core SWHID of a directory.
        listing: asks the archive what a directory holds.
        limits: how much the bundle may hold.

    Raises:
        ServiceError: the bundle is damaged, too much, or not what the vault makes.
    """
    limits = limits or BundleLimits()
    wanted = swhid.rpartition(":")[2]
    with Shelf(limits).guarded() as shelf:
        root, stand_ins = _take_in(stream, swhid, shelf, limits)
        found = _store(root, shelf)
        faults: list[Fault] = []
        if found != wanted:
            if listing is not None:
                faults = _compare(root, wanted, listing, stand_ins)
                found = _store(root, shelf)
            if found == wanted:
                faults = []
            elif not faults:
                faults = _guess(root, swhid, found, stand_ins)
        return Bundle(
            swhid=swhid,
            kind="flat",
            git=shelf.git,
            objects=Objects(shelf.git, "sha1"),
            checked=shelf.count,
            faults=tuple(faults),
        )


def _take_in(
    stream: BinaryIO, swhid: str, shelf: Shelf, limits: BundleLimits
) -> tuple[_Folder, dict[bytes, str]]:
    """Hash and keep all files; tell which may be sentences in place of files."""
    root = _Folder()
    stand_ins: dict[bytes, str] = {}
    for member in members(stream, swhid, limits, packed=True):
        *above, name = member.path.split(b"/")
        folder = root
        for part in above:
            inner = folder.entries.setdefault(part, _Folder())
            if not isinstance(inner, _Folder):
                raise ServiceError(f"the bundle holds {member.path!r} below a file")
            folder = inner
        if member.stream is None and member.link is None:
            if member.path:
                folder.entries.setdefault(name, _Folder())
            continue
        line = _line(name, member, shelf)
        folder.entries[name] = line
        size = len(member.link) if member.link is not None else member.size
        if size <= SENTENCE_BYTES and line.id.hex() in STAND_INS:
            stand_ins[member.path] = STAND_INS[line.id.hex()]
    return root, stand_ins


def _line(name: bytes, member: Member, shelf: Shelf) -> TreeLine:
    if member.link is not None:
        id = shelf.put("blob", len(member.link), io.BytesIO(member.link))
        return TreeLine(LINK, name, bytes.fromhex(id))
    stream = member.stream or io.BytesIO()
    id = shelf.put("blob", member.size, stream)
    return TreeLine(file_mode(member.mode), name, bytes.fromhex(id))


def _store(folder: _Folder, shelf: Shelf) -> str:
    """Write a folder and those below it as trees; gives its id."""
    lines = [
        TreeLine(FOLDER, name, bytes.fromhex(_store(entry, shelf)))
        if isinstance(entry, _Folder)
        else entry
        for name, entry in folder.entries.items()
    ]
    body = tree_body(lines)
    return shelf.put("tree", len(body), io.BytesIO(body))


def _id(folder: _Folder) -> str:
    lines = [
        TreeLine(FOLDER, name, bytes.fromhex(_id(entry)))
        if isinstance(entry, _Folder)
        else entry
        for name, entry in folder.entries.items()
    ]
    return git_id("tree", tree_body(lines))


# -- what is wrong ---------------------------------------------------------------------


def _guess(
    root: _Folder, swhid: str, found: str, stand_ins: Mapping[bytes, str]
) -> list[Fault]:
    """Name what may be wrong, by the bundle alone."""
    faults = [
        Fault("", shown(path), f"a sentence stands in for it: {meaning}")
        for path, meaning in stand_ins.items()
    ]
    faults += [
        Fault("", shown(path), "is empty: a submodule, or a folder the archive lacks")
        for path in _empty(root, b"")
    ]
    reason = f"what the bundle holds has the id swh:1:dir:{found}"
    return [Fault(swhid, "", reason), *faults]


def _empty(folder: _Folder, base: bytes) -> list[bytes]:
    found = []
    for name, entry in folder.entries.items():
        if isinstance(entry, _Folder):
            here = base + name
            found += _empty(entry, here + b"/") if entry.entries else [here]
    return found


def _compare(
    root: _Folder, wanted: str, listing: Listing, stand_ins: Mapping[bytes, str]
) -> list[Fault]:
    """Compare with the archive's listings; take from them what bundles lack."""
    faults: list[Fault] = []
    waiting = [(root, wanted, b"")]
    while waiting:
        folder, id, base = waiting.pop()
        if _id(folder) == id:
            continue
        directory = listing(id)
        if directory is None:
            reason = "differs, and the archive did not say what it holds"
            faults.append(Fault(f"swh:1:dir:{id}", shown(base[:-1]), reason))
            continue
        listed = {entry.name.encode(): entry for entry in directory.entries}
        for name in folder.entries.keys() - listed.keys():
            reason = "is in the bundle, and not in the archive's listing"
            faults.append(Fault("", shown(base + name), reason))
        for name, entry in listed.items():
            here = folder.entries.get(name)
            if entry.type == "dir" and isinstance(here, _Folder) and here.entries:
                waiting.append((here, entry.target, base + name + b"/"))
                continue
            fault = _settle(folder, name, entry, stand_ins.get(base + name))
            if fault is not None:
                faults.append(fault._replace(path=shown(base + name)))
    return faults


def _settle(
    folder: _Folder, name: bytes, entry: DirectoryEntry, stand_in: str | None
) -> Fault | None:
    """Take what the bundle cannot say from a listed entry, or say what is wrong."""
    here = folder.entries.get(name)
    short = {"file": "cnt", "dir": "dir", "rev": "rev"}[entry.type]
    swhid = f"swh:1:{short}:{entry.target}"
    is_empty = isinstance(here, _Folder) and not here.entries
    if entry.type == "rev" and is_empty:
        folder.entries[name] = TreeLine(SUBMODULE, name, bytes.fromhex(entry.target))
        return None
    if entry.type == "dir" and is_empty:
        missing = entry.target != EMPTY
        return Fault(swhid, "", "is empty: the archive lacks it") if missing else None
    if here is None or isinstance(here, _Folder) or entry.type != "file":
        return Fault(swhid, "", "is not in the bundle as what it is")
    if here.id.hex() == entry.target:
        if (entry.mode & 0o170100) == (here.mode & 0o170100):
            folder.entries[name] = here._replace(mode=entry.mode)
            return None
        return Fault(swhid, "", f"has the permissions {here.mode:o}")
    reason = (
        f"a sentence stands in for it: {stand_in}"
        if stand_in
        else f"its bytes have the id swh:1:cnt:{here.id.hex()}"
    )
    return Fault(swhid, "", reason)
