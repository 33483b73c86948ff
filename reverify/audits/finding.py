"""Finds crates below folders, one after the other, the same ones in the same order."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from reverify.crates.metadata import DESCRIPTORS
from reverify.crates.ocfl import is_object
from reverify.errors import UsageError

_MARKS = frozenset({*DESCRIPTORS, "bagit.txt"})
_PACKED = (
    ".zip",
    ".eln",
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tar.xz",
)
LIST, REGISTRY = "list:", "registry:"
"""How a root begins that is no folder; a capsule of the registry likewise."""
Fault = Callable[[str, str], None]
"""Is told of a folder that cannot be listed, and why."""


def root_of(written: str) -> str:
    """A root as it is kept: absolute, so that it is the same wherever one stands."""
    is_address = "://" in written or written.startswith((LIST, REGISTRY))
    return written if is_address else os.path.abspath(written)  # noqa: PTH100 - no ".."


def expect_roots(
    roots: Iterable[str], known: Callable[[str], bool] = lambda _: False
) -> None:
    """See that all roots are there before anything is called gone.

    Args:
        roots: as the user wrote them.
        known: whether a place is that of a crate which an audit has seen; such a root
            may be gone.

    Raises:
        UsageError: one is not there.
    """
    for root in roots:
        if "://" in root or root.startswith((LIST, REGISTRY)):
            continue
        try:
            os.stat(root)  # noqa: PTH116 - Path.exists hides why not
        except (FileNotFoundError, NotADirectoryError) as error:
            if not known(root_of(root)):
                raise UsageError(
                    f"{root}: there is nothing; name a folder or a crate"
                ) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"{root}: cannot be looked at ({reason})") from error


def belongs(place: str, roots: Iterable[str]) -> bool:
    """Whether a place is of a collection by its roots, and not by a list of places."""
    return any(is_at(place, root) for root in roots if not root.startswith(LIST))


def is_at(place: str, root: str) -> bool:
    """Whether a place is a root, or below it."""
    if root == REGISTRY:
        return place.startswith(REGISTRY)
    return place == root or place.startswith(f"{root.rstrip('/')}/")


def find_crates(
    roots: Iterable[str],
    fault: Fault,
    registered: Callable[[], Iterable[str]] = tuple,
    *,
    offline: bool = False,
) -> Iterator[str]:
    """Find crates: folders with a metadata document, bags, OCFL objects, packed ones.

    A crate is not searched for crates inside it; links are not followed. What looks
    packed is given back by its name alone: whether it is a crate, the check says.

    Args:
        roots: folders, crates, or addresses; those of folders of a storage that
            fsspec reaches are searched, others taken as they are.
        fault: is told of folders that cannot be listed; what is below them is unknown.
        registered: gives the places of the capsules of the registry.
        offline: whether storages elsewhere are not to be asked.

    Raises:
        UsageError: a list cannot be read, or there is nothing at an address.
    """
    for root in roots:
        if root.startswith(REGISTRY):
            yield from registered()
        elif root.startswith(LIST):
            yield from _listed(root.removeprefix(LIST))
        elif "://" in root and not os.path.exists(root):  # noqa: PTH110 - never raises
            yield from _far(root, fault, offline=offline)
        elif Path(root).is_dir():
            yield from _below(root, fault)
        else:
            yield root_of(root)


def _listed(name: str) -> Iterator[str]:
    """The crates that a file names, a line each.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({error.strerror})") from error
    base = "" if name == "-" else os.path.dirname(name)  # noqa: PTH120 - it is text
    for line in data.splitlines():
        place = os.fsdecode(line).strip()
        if place and not place.startswith("#"):
            far = "://" in place or place.startswith(REGISTRY)
            yield place if far else root_of(os.path.join(base, place))  # noqa: PTH118


def _is_crate(names: Collection[str]) -> bool:
    return not _MARKS.isdisjoint(names) or is_object(names)


def _below(folder: str, fault: Fault) -> Iterator[str]:
    waiting = [str(Path(folder).absolute())]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            fault(here, f"cannot be listed ({error.strerror})")
            continue
        if _is_crate([entry.name for entry in entries]):
            yield here
            continue
        for entry in entries:
            packed = entry.name.lower().endswith(_PACKED)
            if packed and entry.is_file(follow_symlinks=False):
                yield entry.path
        folders = [e for e in entries if e.is_dir(follow_symlinks=False)]
        waiting += [entry.path for entry in reversed(folders)]


def _far(root: str, fault: Fault, *, offline: bool) -> Iterator[str]:
    """Find crates below a prefix of a storage that fsspec reaches."""
    scheme = root.partition("://")[0].lower()
    if scheme in {"http", "https", "file", "local"} or "::" in root:
        yield root
        return
    if offline and scheme != "memory":
        fault(root, "is not listed, since we are offline")
        return
    is_there = True
    try:
        import fsspec  # noqa: PLC0415 - seldom

        fs, base = fsspec.core.url_to_fs(root)
        fs.invalidate_cache()
        if fs.isdir(base):
            for place in _walk(fs, base):
                name = place if scheme == "memory" else place.lstrip("/")
                yield f"{scheme}://{name}"
            return
        is_there = fs.exists(base)
    except Exception as error:  # noqa: BLE001 - each file system has its own
        fault(root, f"cannot be listed ({error})")
        return
    if not is_there:
        raise UsageError(f"{root}: there is nothing; name a prefix or a crate")
    yield root


def _walk(fs: Any, base: str) -> Iterator[str]:  # noqa: ANN401 - fsspec has no types
    for folder, folders, files in fs.walk(base):
        if _is_crate(files):
            folders.clear()
            yield folder
            continue
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(_PACKED):
                yield f"{folder}/{name}"
