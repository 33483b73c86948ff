"""Reading what the API says into its objects.

Each reader takes a JSON value and raises `ShapeError` where it is not what is needed;
keys that are not used are not looked at, since the archive calls its API unstable.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from reverify.model.git_objects import FOLDER, SUBMODULE
from reverify.model.swhid import TYPES
from reverify.services.software_heritage.objects import (
    Branch,
    Content,
    Directory,
    DirectoryEntry,
    ExternalId,
    Release,
    Resolved,
    Revision,
)

T = TypeVar("T")
HEX = re.compile("[0-9a-f]{40}")
CORE = re.compile("swh:1:(cnt|dir|rev|rel|snp):[0-9a-f]{40}")
TARGETS = (*TYPES.values(), "alias")
_NO_KEY: Any = object()


class ShapeError(ValueError):
    """An answer does not have the shape that it should; says where, as a sentence."""


# -- shapes ----------------------------------------------------------------------------


def mapping(value: object) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(value, dict):
        raise ShapeError(f"an object was expected, not {type(value).__name__}")
    return value


def items(value: object) -> list[Any]:
    """A JSON array.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(value, list):
        raise ShapeError(f"an array was expected, not {type(value).__name__}")
    return value


def take(value: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """A value of an object that must be there.

    Raises:
        ShapeError: it is not, or is of another type.
    """
    found = value.get(key, _NO_KEY)
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise ShapeError(f"{key!r} is missing, or is no {kind.__name__}")
    return found


def maybe(value: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    """A value of an object that may be null or absent.

    Raises:
        ShapeError: it is of another type.
    """
    return None if value.get(key) is None else take(value, key, kind)


def hex_of(value: Mapping[str, Any], key: str) -> str:
    """An id in 40 lower-case hexadecimal digits.

    Raises:
        ShapeError: it is none.
    """
    found = take(value, key, str)
    if not HEX.fullmatch(found):
        raise ShapeError(f"{key!r} is no id")
    return found


def _same(value: Mapping[str, Any], key: str, expected: str) -> None:
    found = hex_of(value, key)
    if found != expected:
        raise ShapeError(f"it answers about {found}")


def _whole(name: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in name):
        raise ShapeError("a name holds half a character")


def _texts(value: object) -> dict[str, str]:
    found = mapping(value if value is not None else {})
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _person(value: Mapping[str, Any], key: str) -> str | None:
    found = maybe(value, key, dict)
    return None if found is None else maybe(found, "fullname", str)


# -- readers ---------------------------------------------------------------------------


def read_resolved(core: str) -> Callable[[Any], Resolved]:
    """Read an answer of `/resolve/` about a core SWHID."""

    def read(value: object) -> Resolved:
        found = mapping(value)
        kinds = {word: short for short, word in TYPES.items()}
        short = kinds.get(take(found, "object_type", str))
        about = f"swh:1:{short}:{hex_of(found, 'object_id')}"
        if about != core:
            raise ShapeError(f"it answers about {about}")
        qualifiers = _texts(found.get("metadata"))
        return Resolved(core=core, qualifiers=qualifiers)

    return read


def read_revision(id: str) -> Callable[[Any], Revision]:
    """Read an answer of `/revision/` about an id."""

    def read(value: object) -> Revision:
        found = mapping(value)
        _same(found, "id", id)
        parents = maybe(found, "parents", list) or []
        return Revision(
            id=id,
            directory=hex_of(found, "directory"),
            parents=tuple(hex_of(mapping(parent), "id") for parent in parents),
            message=maybe(found, "message", str),
            author=_person(found, "author"),
            date=maybe(found, "date", str),
            committer_date=maybe(found, "committer_date", str),
            type=maybe(found, "type", str) or "git",
            synthetic=bool(found.get("synthetic")),
        )

    return read


def read_log(value: object) -> tuple[str, ...]:
    """Read an answer of `/revision/…/log/`: the ids."""
    return tuple(hex_of(mapping(row), "id") for row in items(value))


def read_release(id: str) -> Callable[[Any], Release]:
    """Read an answer of `/release/` about an id."""

    def read(value: object) -> Release:
        found = mapping(value)
        _same(found, "id", id)
        return Release(
            id=id,
            name=take(found, "name", str),
            message=maybe(found, "message", str),
            target=hex_of(found, "target"),
            target_type=_target_type(found),
            author=_person(found, "author"),
            date=maybe(found, "date", str),
            synthetic=bool(found.get("synthetic")),
        )

    return read


def _target_type(found: Mapping[str, Any]) -> str:
    kind = take(found, "target_type", str)
    if kind not in TARGETS:
        raise ShapeError(f"there is no target of type {kind!r}")
    return kind


def read_directory(id: str) -> Callable[[Any], Directory]:
    """Read an answer of `/directory/` about an id."""

    def read(value: object) -> Directory:
        entries = tuple(read_entry(item) for item in items(value))
        for entry in entries:
            if entry.name in {"", ".", ".."} or set("/\0") & set(entry.name):
                raise ShapeError(f"a directory holds {entry.name!r}, no name")
        if len({entry.name for entry in entries}) < len(entries):
            raise ShapeError("a directory holds a name twice")
        return Directory(id=id, entries=entries)

    return read


def read_entry(value: object) -> DirectoryEntry:
    """Read one entry of a directory."""
    found = mapping(value)
    kind = take(found, "type", str)
    if kind not in {"file", "dir", "rev"}:
        raise ShapeError(f"there is no entry of type {kind!r}")
    name = take(found, "name", str)
    _whole(name)
    mode = take(found, "perms", int)
    if (kind == "dir") != (mode == FOLDER) or (kind == "rev") != (mode == SUBMODULE):
        raise ShapeError(f"{name!r} is a {kind} of mode {mode:o}")
    return DirectoryEntry(
        name=name,
        type=kind,
        target=hex_of(found, "target"),
        mode=mode,
        length=maybe(found, "length", int),
        status=maybe(found, "status", str),
        checksums=_texts(found.get("checksums")),
        parent=maybe(found, "dir_id", str) or "",
    )


def read_branches(id: str) -> Callable[[Any], tuple[dict[str, Branch | None], str]]:
    """Read one page of `/snapshot/`: the branches, and the first one of the next."""

    def read(value: object) -> tuple[dict[str, Branch | None], str]:
        found = mapping(value)
        _same(found, "id", id)
        branches: dict[str, Branch | None] = {}
        for name, branch in take(found, "branches", dict).items():
            _whole(name)
            branches[name] = None if branch is None else _branch(mapping(branch))
        return branches, maybe(found, "next_branch", str) or ""

    return read


def _branch(found: Mapping[str, Any]) -> Branch:
    kind = _target_type(found)
    alias = kind == "alias"
    target = take(found, "target", str) if alias else hex_of(found, "target")
    _whole(target)
    return Branch(target=target, type=kind)


def read_content(algorithm: str, digest: str) -> Callable[[Any], Content]:
    """Read an answer of `/content/` about a digest."""

    def read(value: object) -> Content:
        found = mapping(value)
        checksums = _texts(found.get("checksums"))
        if checksums.get(algorithm) != digest:
            raise ShapeError(f"it answers about {checksums.get(algorithm)}")
        return Content(
            length=take(found, "length", int),
            status=take(found, "status", str),
            checksums=checksums,
        )

    return read


def read_external_id(value: object) -> ExternalId:
    """Read an answer of `/extid/`."""
    found = mapping(value)
    target = take(found, "target", str)
    if not CORE.fullmatch(target):
        raise ShapeError("'target' is no SWHID")
    return ExternalId(
        target=target,
        type=take(found, "extid_type", str),
        value=take(found, "extid", str),
        version=maybe(found, "extid_version", int) or 0,
    )
