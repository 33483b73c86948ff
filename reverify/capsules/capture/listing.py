"""Which files there are below a folder, and which appeared or changed since."""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from reverify.errors import CapsuleError

MOST_FILES = 1_000_000
MANIFEST = "capsule.json"
_LEFT_OUT = {
    ".git",
    "__pycache__",
    "node_modules",
    ".cache",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".Rproj.user",
    ".ruff_cache",
    ".snakemake",
    ".tox",
    ".DS_Store",
}
"""Names of what tools leave behind for themselves."""
_OURS = ".reverify-"
"""What we write lies under such a name until it is whole."""
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


class Seen(NamedTuple):
    """What can be told of a file without opening it.

    Attributes:
        size: in bytes.
        modified: when it was last written to, in nanoseconds.
        inode: which file it is on its disk.
    """

    size: int
    modified: int
    inode: int


class Listing(NamedTuple):
    """What there is below a folder.

    Attributes:
        files: regular files by their POSIX path from it.
        others: what else there is: its path, and what it is.
    """

    files: dict[str, Seen]
    others: dict[str, str]

    def since(self, before: "Listing") -> tuple[list[str], dict[str, str]]:
        """What appeared or was written to since.

        A file that was written with the very bytes that it had before counts too: a
        run that is repeated has the same outputs.

        Returns:
            paths of files, and of what is no file, each in order.
        """
        files = sorted(
            path for path, seen in self.files.items() if before.files.get(path) != seen
        )
        others = {
            path: what
            for path, what in sorted(self.others.items())
            if before.others.get(path) != what
        }
        return files, others


def seen(path: Path) -> Seen:
    """Look at a file, or at what a link leads to.

    Raises:
        OSError: it is not there.
    """
    return _seen(path.stat())


def _seen(found: os.stat_result) -> Seen:
    return Seen(found.st_size, found.st_mtime_ns, found.st_ino)


def list_files(
    root: Path, base: str = "", *, without: Collection[Path] = ()
) -> Listing:
    """List what is below a folder: caches, capsules and `.git` left out.

    Args:
        root: the folder that paths start from.
        base: the folder below it to list; all of it, if it is empty.
        without: folders that are no matter.

    Raises:
        CapsuleError: a folder cannot be read, or there are too many files.
    """
    listing = Listing({}, {})
    waiting = [root / base]
    start = f"{root}/"
    while waiting:
        folder = waiting.pop()
        for entry in _entries(folder, is_root=folder == root):
            path = entry.path.removeprefix(start)
            if entry.is_dir(follow_symlinks=False):
                if Path(entry.path) not in without and not _is_environment(entry.path):
                    waiting.append(Path(entry.path))
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone in the meantime
            if stat.S_ISREG(found.st_mode):
                listing.files[path] = _seen(found)
            else:
                kind = stat.S_IFMT(found.st_mode)
                listing.others[path] = _KINDS.get(kind, "no regular file")
        if len(listing.files) > MOST_FILES:
            raise CapsuleError(
                f"{root}: holds more than {MOST_FILES:,} files; work in a folder, or a"
                " git repository, of the analysis alone"
            )
    return listing


def _entries(folder: Path, *, is_root: bool) -> Iterator["os.DirEntry[str]"]:
    """The entries of a folder; none if it is a capsule of before."""
    try:
        with os.scandir(folder) as scan:
            entries = list(scan)
    except OSError as error:
        raise CapsuleError(f"{folder}: cannot be read ({error.strerror})") from error
    if not is_root and any(entry.name == MANIFEST for entry in entries):
        return iter(())
    return (
        entry
        for entry in entries
        if entry.name not in _LEFT_OUT and not entry.name.startswith(_OURS)
    )


def _is_environment(folder: str) -> bool:
    """Whether a folder is a virtual environment of Python."""
    return Path(folder, "pyvenv.cfg").exists()
