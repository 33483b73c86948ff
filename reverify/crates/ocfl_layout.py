"""What lies in an OCFL object and has no place there, or is listed by no inventory.

Source: Oxford Common File Layout 1.1, sections 3.1, "Object Structure", 3.3, "Version
Directories", and 3.3.1, "Content Directory".
"""

from collections.abc import Iterator

from reverify.crates.inventory import INVENTORY
from reverify.crates.inventory_form import ADVICE
from reverify.crates.ocfl_object import DECLARATION, LAYOUT, OcflObject
from reverify.crates.payload import Entry, EntryKind, Fault

UNLISTED = "completeness/ocfl-file-unlisted"
_SIDECARS = {f"{INVENTORY}.sha512", f"{INVENTORY}.sha256"}
_FREE = ("logs", "extensions")
"""Folders of an object that hold what is not ours to judge."""
_ODD = {
    EntryKind.LINK: "completeness/symlink",
    EntryKind.SPECIAL: "completeness/special-file",
}


def strays(object: OcflObject) -> Iterator[Fault]:
    """Find what has no place in an object, or is not in its manifest."""
    versions = {*object.inventory.versions}
    folder = object.inventory.content_directory
    above: set[str] = set()
    folders = []
    for path, entry in object.entries():
        top, _, rest = path.partition("/")
        second, _, third = rest.partition("/")
        if not rest:
            yield from _in_root(object, path, entry)
        elif top in versions and second == folder:
            above.add(path.rpartition("/")[0])
            if entry.kind is EntryKind.FOLDER:
                folders.append(path)
            elif path not in object.inventory.content:
                yield _unlisted(object, path, entry)
        elif top in versions and not third:
            yield from _in_version(object, path, entry)
        elif top == "extensions" and not third and entry.kind is not EntryKind.FOLDER:
            yield object.fault(LAYOUT, path, "lies among extensions, and is a file")
    for path in folders:
        if path not in above and not object.may_hold(f"{path}/"):
            yield _empty(object, path)


def _in_root(object: OcflObject, path: str, entry: Entry) -> Iterator[Fault]:
    inventory = object.inventory
    files = {INVENTORY, f"{INVENTORY}.{inventory.digest_name}"}
    is_folder = entry.kind is EntryKind.FOLDER
    if path in _FREE or path in inventory.versions:
        if not is_folder:
            yield _odd(object, path, entry) or object.fault(LAYOUT, path, "is a file")
    elif is_folder:
        yield object.fault(LAYOUT, path, "is a folder that an object does not have")
    elif path not in files and not path.startswith(DECLARATION):
        yield object.fault(LAYOUT, path, "is a file that an object does not have")


def _in_version(object: OcflObject, path: str, entry: Entry) -> Iterator[Fault]:
    if entry.kind is EntryKind.FOLDER:
        what = "is a folder that a version should not have, and is passed over"
        yield object.fault(ADVICE, path, what)
    elif path.partition("/")[2] not in {INVENTORY, *_SIDECARS}:
        yield object.fault(LAYOUT, path, "is a file that a version does not have")


def _unlisted(object: OcflObject, path: str, entry: Entry) -> Fault:
    what = "is not listed in the manifest of the inventory"
    return _odd(object, path, entry) or object.fault(UNLISTED, path, what)


def _empty(object: OcflObject, path: str) -> Fault:
    if path.count("/") > 1:
        return object.fault(LAYOUT, path, "is an empty folder in the content")
    return object.fault(ADVICE, path, "is empty, and should not be there")


def _odd(object: OcflObject, path: str, entry: Entry) -> Fault | None:
    """What there is to say of what is neither file nor folder."""
    if entry.kind is EntryKind.BROKEN:
        return object.fault(entry.rule, path, entry.target)
    if entry.kind in _ODD:
        what = f"is a {entry.kind.value}, which is neither followed nor opened"
        return object.fault(_ODD[entry.kind], path, what)
    return None
