"""Names that came from a crate, made into paths below its root or refused.

Every reader comes here: @ids, manifest lines, archive members. Nothing else in the
package turns foreign text into a path.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from reverify.errors import UnsafeNameError

PART_BYTES = 255
PATH_BYTES = 4096

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Local(NamedTuple):
    """A name below the crate's root.

    Attributes:
        paths: the paths to try, in this order: the URI reference decoded once, then
            other readings of the same text. The first is the one the
            specification means.
        folder: whether the name ends in a slash.
    """

    paths: tuple[str, ...]
    folder: bool


class Web(NamedTuple):
    """An http or https URL: not payload, yet somewhere to look."""

    url: str


class Elsewhere(NamedTuple):
    """Any other absolute URI: never opened."""

    scheme: str


class Fragment(NamedTuple):
    """A name like `#this`: it owns no path."""

    name: str


Reference = Local | Web | Elsewhere | Fragment


def reference(id: str) -> Reference:
    """Say what an @id points to.

    Raises:
        UnsafeNameError: it points out of the crate, or could.

    Source: RO-Crate 1.2, Data entities, "Encoding file paths in @ids".
    """
    if id.startswith("#"):
        return Fragment(id[1:])
    scheme = _SCHEME.match(id)
    if scheme:
        return _absolute(id, scheme.group()[:-1].lower())
    readings = dict.fromkeys(_readings(id))
    paths = []
    refusal: UnsafeNameError | None = None
    for reading in readings:
        try:
            paths.append(relative_path(reading))
        except UnsafeNameError as error:
            # What the specification means by the name decides; the other readings
            # are only ever a second chance to find the file.
            if not paths and refusal is None:
                refusal = error
    if refusal is not None or not paths:
        raise refusal or UnsafeNameError(f"{id!r} names nothing", subject=id)
    return Local(tuple(dict.fromkeys(paths)), id.endswith("/"))


def _absolute(id: str, scheme: str) -> Reference:
    if scheme in {"http", "https"}:
        return Web(id)
    if scheme == "file" or len(scheme) == 1:
        raise UnsafeNameError(
            f"{id!r} names a file of some machine, not of this crate", subject=id
        )
    return Elsewhere(scheme)


def _readings(id: str) -> list[str]:
    """All the ways in which real crates mean a relative @id, best first."""
    if _BAD_PERCENT.search(id):
        return [id]
    path = re.split("[?#]", id, maxsplit=1)[0] or id
    return [_decoded(path), _decoded(id), id]


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text.encode("utf-8", "surrogatepass"))
    return os.fsdecode(raw)


def relative_path(name: str) -> str:
    """Check a name and write it without `./` in front or `/` behind.

    Args:
        name: POSIX path relative to some root, already decoded.

    Returns:
        the path; the empty string for the root itself.

    Raises:
        UnsafeNameError: it is absolute, climbs, or cannot be a path.
    """
    path = name
    while path.startswith("./"):
        path = path[2:].lstrip("/") if path.startswith(".//") else path[2:]
    path = path.removesuffix("/")
    if path in {"", "."} and not name.startswith("/"):
        return ""
    fault = path_fault(path) or ("it is absolute" if name.startswith("/") else None)
    if fault:
        raise UnsafeNameError(
            f"{name!r} may not be used as a path: {fault}", subject=name
        )
    return path


def path_fault(path: str) -> str | None:  # noqa: PLR0911 - one for each fault
    """Say why a decoded relative path may not be opened, or None if it may."""
    if "\0" in path:
        return "it holds a NUL character"
    if path.startswith(("/", "\\\\")):
        return "it is absolute"
    try:
        size = len(os.fsencode(path))
    except UnicodeEncodeError:
        return "it holds half of a surrogate pair"
    if size > PATH_BYTES:
        return f"it is longer than {PATH_BYTES} bytes"
    parts = path.split("/")
    if ".." in parts:
        return "it climbs out with '..'"
    if "" in parts or "." in parts:
        return "it has an empty or '.' part"
    if size > PART_BYTES and any(len(os.fsencode(part)) > PART_BYTES for part in parts):
        return f"a part of it is longer than {PART_BYTES} bytes"
    return None


def member_path(name: str) -> str:
    r"""Check the name of an archive member.

    Doubled slashes and `./` in front are what some archivers write, and are dropped.
    A backslash is checked both as a character and as a separator, since it is the
    latter in archives made on Windows.

    Raises:
        UnsafeNameError: it points out of the archive under either reading.
    """
    path = relative_path(re.sub("/{2,}", "/", name) if "//" in name[1:] else name)
    if "\\" in path or _SCHEME.match(path):
        parts = path.replace("\\", "/").split("/")
        drive = re.match(r"[A-Za-z]:[\\/]", path)
        if ".." in parts or path.startswith("\\") or drive:
            raise UnsafeNameError(
                f"{name!r} may not be used as a path: it is absolute or climbs on"
                " Windows",
                subject=name,
            )
    return path


def folded(path: str) -> str:
    """What a machine that knows neither case nor Unicode normal forms makes of it."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def twins(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find names that differ only by case or by Unicode normal form.

    Yields:
        each such name, and the one before it that it may be mistaken for.
    """
    listed = list(dict.fromkeys(paths))
    keys = [path.lower() if path.isascii() else folded(path) for path in listed]
    if len(set(keys)) == len(listed):
        return
    first: dict[str, str] = {}
    for path, key in zip(listed, keys, strict=True):
        other = first.setdefault(key, path)
        if other != path:
            yield path, other
