"""Whether an OCFL inventory has the form that the specification asks for.

What is said here was not needed to read it: that is left to `inventory`.

Source: Oxford Common File Layout 1.1, section 3.5, "Inventory".
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from reverify.crates.inventory import Blocks, Inventory, shown
from reverify.crates.names import path_fault

TYPES = {
    f"https://ocfl.io/{version}/spec/#inventory": version for version in ("1.0", "1.1")
}
"""The versions of OCFL that we know, by the type that their inventories have."""
ADVICE = "completeness/ocfl-advice"
CONFLICT = "completeness/ocfl-path-conflict"

_ADDRESSING = ("sha512", "sha256")
_KEYS = {"id", "type", "digestAlgorithm", "head", "contentDirectory"}
_KEYS |= {"manifest", "versions", "fixity"}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}):[0-5][0-9](?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def note_faults(inventory: Inventory) -> None:
    """Note all that is not as the specification asks.

    Raises:
        LimitError: it is more than we read.
    """
    _keys(inventory)
    _numbering(inventory)
    _manifest(inventory)
    _versions(inventory)
    _fixity(inventory)


def specification(inventory: Inventory) -> str:
    """The version of OCFL that it follows, `1.1`; empty if it names none we know."""
    type = inventory.document.get("type")
    return TYPES.get(type, "") if isinstance(type, str) else ""


def _keys(inventory: Inventory) -> None:
    """Source: OCFL 1.1, section 3.5.1, "Basic Structure"."""
    note, document, name = inventory.note, inventory.document, inventory.digest_name
    if not inventory.id:
        note("has no id that is text", "id")
    elif not _URI.fullmatch(inventory.id):
        note(f"its id, {shown(inventory.id)}, should be a URI", "id", rule=ADVICE)
    if not specification(inventory):
        type = shown(document.get("type"))
        note(f"its type, {type}, is that of no inventory of OCFL 1.0 or 1.1", "type")
    if name not in _ADDRESSING:
        what = f"its digestAlgorithm, {shown(document.get('digestAlgorithm'))}, is"
        note(f"{what} neither sha512 nor sha256", "digestAlgorithm")
    elif name != _ADDRESSING[0]:
        what = f"its digestAlgorithm is {name}; sha512 is recommended"
        note(what, "digestAlgorithm", rule=ADVICE)
    folder = inventory.content_directory
    if "/" in folder or path_fault(folder):
        what = f"its contentDirectory, {shown(document.get('contentDirectory'))},"
        note(f"{what} names no folder", "contentDirectory")
    if specification(inventory) != "1.0":  # which does not forbid it
        for key in sorted(document.keys() - _KEYS):
            note(f"has a key that OCFL does not know, {shown(key)}", key)


def _numbering(inventory: Inventory) -> None:
    """Source: OCFL 1.1, section 3.3, "Version Directories"."""
    names = inventory.versions
    if any(name.startswith("v0") for name in names):
        if len(set(map(len, names))) > 1:
            what = "its versions are not all numbered in the same way"
            inventory.note(what, "versions")
        else:
            what = "its versions should be numbered without zeros in front"
            inventory.note(what, "versions", rule=ADVICE)


def _manifest(inventory: Inventory) -> None:
    """Source: OCFL 1.1, section 3.5.2, "Manifest"."""
    tops = {(name, inventory.content_directory) for name in inventory.versions}
    for block in inventory.manifest.values():
        for path in block.paths:
            version, _, rest = path.partition("/")
            folder, slash, _ = rest.partition("/")
            if not slash or (version, folder) not in tops:
                what = f"{shown(path)} is not in the content of a version"
                inventory.note(what, "manifest", block.written)
    _conflicts(inventory, inventory.manifest, "manifest")


def _versions(inventory: Inventory) -> None:
    """Source: OCFL 1.1, section 3.5.3, "Versions"."""
    used: set[str] = set()
    for name in inventory.versions:
        parts = ("versions", name, "state")
        block = inventory.document["versions"][name]
        if not isinstance(block, dict):
            inventory.note(f"its version {name} is no object", "versions", name)
            continue
        _description(inventory, block, name)
        if not isinstance(block.get("state"), dict):
            inventory.note(f"its version {name} has no state", "versions", name)
        state = inventory.blocks(*parts, noted=True)
        _conflicts(inventory, state, *parts)
        for digest in sorted(state.keys() - inventory.manifest.keys()):
            what = f"{shown(digest)}, in {name}, is not in the manifest"
            inventory.note(what, *parts, state[digest].written)
        used |= state.keys()
    for digest in sorted(inventory.manifest.keys() - used):
        what = f"{shown(digest)}, in the manifest, is in no version"
        inventory.note(what, "manifest", inventory.manifest[digest].written)


def _description(inventory: Inventory, block: dict[str, Any], name: str) -> None:
    """Source: OCFL 1.1, section 3.5.3.1, "Version"."""
    created, message, user = map(block.get, ("created", "message", "user"))
    where = ("versions", name)
    if not isinstance(created, str) or not is_moment(created):
        what = f"its version {name} does not say when it was made, as RFC 3339 has it"
        inventory.note(what, *where)
    if message is not None and not isinstance(message, str):
        inventory.note(f"the message of its version {name} is no text", *where)
    named = isinstance(user, dict) and isinstance(user.get("name"), str)
    if user is not None and not named:
        inventory.note(f"the user of its version {name} has no name", *where)
    if message is None or user is None:
        what = f"its version {name} should say who made it, and why"
        inventory.note(what, *where, rule=ADVICE)


def _fixity(inventory: Inventory) -> None:
    """Source: OCFL 1.1, section 3.5.4, "Fixity"."""
    fixity = inventory.document.get("fixity", {})
    if not isinstance(fixity, dict):
        inventory.note("its fixity is no object", "fixity")
        return
    for name, value in fixity.items():
        if not isinstance(value, dict):
            inventory.note(
                f"its fixity has no object for {shown(name)}", "fixity", name
            )
        blocks = inventory.blocks("fixity", name, noted=True)
        _conflicts(inventory, blocks, "fixity", name)
        for block in blocks.values():
            for path in block.paths:
                if path not in inventory.content:
                    what = f"{shown(path)}, in its fixity, is not in the manifest"
                    inventory.note(what, "fixity", name, block.written)


def _conflicts(inventory: Inventory, blocks: Blocks, *parts: str) -> None:
    paths = (path for block in blocks.values() for path in block.paths)
    for path, other in conflicts(paths):
        what = f"{shown(path)} is listed twice"
        if path != other:
            what = f"{shown(other)} lies below {shown(path)}, which is a file"
        inventory.note(what, *parts, rule=CONFLICT)


def conflicts(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find paths that cannot all be those of files.

    Yields:
        a path, and the same one again or one that lies below it.
    """
    # With the least character between its parts, a path stands right before all that
    # lie below it.
    ordered = sorted(path.replace("/", "\0") for path in paths)
    for path, other in pairwise(ordered):
        if path == other or other.startswith(f"{path}\0"):
            yield path.replace("\0", "/"), other.replace("\0", "/")


def is_moment(text: str) -> bool:
    """Whether a time is written as RFC 3339 has it, to the second, with its zone."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return False
    try:
        datetime.fromisoformat(f"{match[1]}T{match[2]}")
    except ValueError:
        return False
    return True
