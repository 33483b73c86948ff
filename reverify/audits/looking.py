"""A quick look at a crate: names, sizes, times and inodes, and its metadata.

Two looks that are the same say that nothing was done to the crate in the usual way.
They say nothing of its bytes: a bit that flips on a disk changes no time.
"""

import hashlib
import os
import stat
from typing import Any, NamedTuple

from reverify.crates.metadata import DESCRIPTORS

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_TAIL = 16 << 10
"""Bytes at the end of a packed crate, where a zip file has its table of contents."""
_DOCUMENTS = frozenset(
    {"inventory.json", *DESCRIPTORS, *(f"data/{name}" for name in DESCRIPTORS)}
)
"""Where the metadata of a crate may be, in a bag or an OCFL object too."""
_METADATA = 16 << 20
"""Bytes of a metadata document that are looked at."""
_TIMES = (
    "ETag",
    "etag",
    "LastModified",
    "last_modified",
    "mtime",
    "updated",
    "created",
)
"""What file systems of fsspec call that by which a change of an object shows."""


class Look(NamedTuple):
    """What a crate looked like.

    Attributes:
        stamp: a digest of all that was seen, 16 bytes; None if it cannot be told, and
            then the crate has to be read to know anything.
        files: how many files.
        bytes: how many bytes they have.
    """

    stamp: bytes | None
    files: int = 0
    bytes: int = 0


NOTHING_SEEN = Look(None)


def look_at(location: str, *, offline: bool = False) -> Look:
    """Look at a crate, and read nothing but its metadata.

    Args:
        location: where it is.
        offline: whether what lies elsewhere is not to be looked at.
    """
    if "://" in location and not os.path.exists(location):  # noqa: PTH110 - never raises
        is_here = location.startswith("memory://")
        return NOTHING_SEEN if offline and not is_here else _look_far(location)
    try:
        mode = os.stat(location).st_mode  # noqa: PTH116 - a hundred thousand times
        return _look_below(location) if stat.S_ISDIR(mode) else _look_packed(location)
    except (OSError, ValueError):
        return NOTHING_SEEN


def _look_below(root: str) -> Look:
    """Look at all names below a folder; links are not followed."""
    seen: list[str] = []
    files = size = 0
    waiting = [(root, "")]
    documents: list[tuple[str, bytes]] = []
    while waiting:
        folder, prefix = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    waiting.append((entry.path, f"{path}/"))
                    seen.append(f"{path}/")
                    continue
                if stat.S_ISREG(found.st_mode):
                    files += 1
                    size += found.st_size
                    if path in _DOCUMENTS:
                        documents.append((path, _head(entry.path)))
                seen.append(
                    f"{path}\0{found.st_mode}\0{found.st_size}\0{found.st_mtime_ns}"
                    f"\0{found.st_ino}"
                )
    seen.sort()
    text = "\n".join(seen).encode("utf-8", "surrogateescape")
    heads = [data for _, data in sorted(documents)]
    return Look(_stamp(text, *heads), files, size)


def _head(path: str) -> bytes:
    fd = os.open(path, _FLAGS)
    try:
        return os.pread(fd, _METADATA, 0)
    finally:
        os.close(fd)


def _look_packed(path: str) -> Look:
    fd = os.open(path, _FLAGS)
    try:
        found = os.fstat(fd)
        tail = os.pread(fd, _TAIL, max(0, found.st_size - _TAIL))
    finally:
        os.close(fd)
    text = f"{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}".encode()
    return Look(_stamp(text, tail), 1, found.st_size)


def _look_far(location: str) -> Look:
    """Look at objects of a storage that tells when they were changed."""
    scheme = location.partition("://")[0].lower()
    if scheme in {"http", "https"}:
        return NOTHING_SEEN
    try:
        import fsspec  # noqa: PLC0415 - seldom

        fs, root = fsspec.core.url_to_fs(location)
        fs.invalidate_cache()  # what was listed before is not a look
        listing: dict[str, Any] = fs.find(root, detail=True)
        lines = [_line(name, info) for name, info in sorted(listing.items())]
    except Exception:  # noqa: BLE001 - each file system has exceptions of its own
        return NOTHING_SEEN
    size = sum(int(info.get("size") or 0) for info in listing.values())
    if not lines or None in lines:
        return Look(None, len(lines), size)
    text = "\n".join(line or "" for line in lines)
    return Look(_stamp(text.encode("utf-8", "surrogateescape")), len(lines), size)


def _line(name: str, info: dict[str, Any]) -> str | None:
    """What is to be seen of an object; None if no change of it would show."""
    times = [str(info[key]) for key in _TIMES if info.get(key)]
    return "\0".join((name, str(info.get("size")), *times)) if times else None


def _stamp(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()[:16]
