"""Finds crates below folders, one after the other, the same ones in the same order."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from reverify.crates.metadata import DESCRIPTORS
from reverify.errors import UsageError

_PACKED = (
    ".zip",
    ".eln",
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tar.xz",
)


def find_crates(roots: Iterable[str]) -> Iterator[str]:
    """Find crates: folders with a metadata document, bags, and packed ones.

    A crate is not searched for crates inside it; links are not followed. What looks
    packed is given back by its name alone: whether it is a crate, the check says.

    Args:
        roots: folders, crates, or addresses that are taken as they are.

    Raises:
        UsageError: a root is not there.
    """
    for root in roots:
        if "://" in root:
            yield root
            continue
        path = Path(root).absolute()
        if not path.exists():
            raise UsageError(f"{root}: there is nothing; name a folder or a crate")
        yield from _below(path) if path.is_dir() else [str(path)]


def _below(folder: Path) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            raise UsageError(f"{here}: cannot be read ({error.strerror})") from error
        names = {entry.name for entry in entries}
        if names.intersection(DESCRIPTORS) or "bagit.txt" in names:
            yield str(here)
            continue
        for entry in entries:
            packed = entry.name.lower().endswith(_PACKED)
            if packed and entry.is_file(follow_symlinks=False):
                yield entry.path
        folders = [e for e in entries if e.is_dir(follow_symlinks=False)]
        waiting += [Path(entry.path) for entry in reversed(folders)]
