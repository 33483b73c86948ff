"""Files and folders of a crate, hashed as git hashes them."""

import bisect
import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from reverify.crates.crate import Crate
from reverify.crates.metadata import DESCRIPTORS
from reverify.crates.payload import Entry, EntryKind, reading
from reverify.errors import CrateError
from reverify.model.git_objects import (
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    TreeLine,
    tree_body,
)
from reverify.model.swhid import git_id

_BLOCK = 1 << 20
_DOT_GIT = ".git"
_PREVIEW = ("ro-crate-preview.html", "ro-crate-preview_files")


class Own(NamedTuple):
    """A file of the crate, hashed as git would.

    Attributes:
        blob: its id.
        sha256: of its bytes.
        size: in bytes.
    """

    blob: str
    sha256: str
    size: int


def hash_own(crate: Crate, path: str, algorithm: str) -> Own:
    """Hash a file of the crate.

    Raises:
        CrateError: it cannot be read.
    """
    size = crate.payload.entries[path].size
    blob = hashlib.new(algorithm, f"blob {size}\0".encode(), usedforsecurity=False)
    digest, count = hashlib.sha256(), 0
    with crate.payload.open(path) as stream, reading(path):
        while chunk := stream.read(_BLOCK):
            blob.update(chunk)
            digest.update(chunk)
            count += len(chunk)
    if count != size:
        raise CrateError(
            f"{path}: {count:,} bytes were read, where {size:,} are listed",
            rule="completeness/file-unreadable",
            subject=path,
        )
    return Own(blob.hexdigest(), digest.hexdigest(), size)


class Listing(NamedTuple):
    """All that is below a folder, hashed.

    Attributes:
        leaves: mode and id of files and links, by their paths.
        folders: the paths of folders.
        doubt: why its id may be another after all, or "".
    """

    leaves: Mapping[str, tuple[int, str]]
    folders: frozenset[str]
    doubt: str = ""

    def id(self, *, empty: bool, plain: bool) -> str:
        """The id of the tree.

        Args:
            empty: whether empty folders count.
            plain: whether executable files count as others do.
        """
        lines: dict[str, list[TreeLine]] = {name: [] for name in self.folders}
        lines[""] = []
        for path, (mode, id) in self.leaves.items():
            above, _, name = path.rpartition("/")
            as_git = FILE if plain and mode == EXECUTABLE else mode
            lines[above].append(TreeLine(as_git, os.fsencode(name), bytes.fromhex(id)))
        for path in sorted(self.folders, reverse=True):  # what is inside comes first
            if lines[path] or empty:
                above, _, name = path.rpartition("/")
                id = git_id("tree", tree_body(lines[path]))
                line = TreeLine(FOLDER, os.fsencode(name), bytes.fromhex(id))
                lines[above].append(line)
        return git_id("tree", tree_body(lines[""]))


class Folders:
    """The folders of a crate, each file of them hashed but once.

    Args:
        crate: whose folders.
    """

    def __init__(self, crate: Crate) -> None:
        self._crate = crate
        self._blobs: dict[str, str] = {}

    @cached_property
    def _paths(self) -> list[str]:
        return sorted(self._crate.payload.entries)

    def list(self, path: str, *, is_root: bool = False) -> Listing:
        """List a folder and hash what is in it; `.git` is left out, as git does.

        Args:
            path: of the folder, from the opened location, without a slash at the end.
            is_root: whether it is the crate's own, whose documents are left out.

        Raises:
            CrateError: something in it cannot be read.
        """
        leaves: dict[str, tuple[int, str]] = {}
        folders: set[str] = set()
        base, doubt = f"{path}/" if path else "", ""
        for name, entry in self._inside(base, is_root=is_root):
            above = name.split("/")[:-1]
            folders.update(itertools.accumulate(above, "{}/{}".format))
            match entry.kind:
                case EntryKind.FOLDER:
                    folders.add(name)
                case EntryKind.LINK:
                    leaves[name] = LINK, git_id("blob", os.fsencode(entry.target))
                case EntryKind.FILE:
                    mode = EXECUTABLE if entry.executable else FILE
                    leaves[name] = mode, self._blob(base + name)
                    if entry.executable is None:
                        doubt = "it does not show here which files are executable"
                case _:
                    raise CrateError(
                        f"{base}{name}: is a {entry.kind.value}, so the folder has no"
                        " id",
                        rule="completeness/file-unreadable",
                        subject=base + name,
                    )
        if self._crate.payload.may_hold(base):
            doubt = "not all of it was looked at"
        return Listing(leaves, frozenset(folders), doubt)

    def _blob(self, path: str) -> str:
        if path not in self._blobs:
            self._blobs[path] = hash_own(self._crate, path, "sha1").blob
        return self._blobs[path]

    def _inside(self, base: str, *, is_root: bool) -> Iterator[tuple[str, Entry]]:
        own = {*DESCRIPTORS, *_PREVIEW} if is_root else set()
        entries = self._crate.payload.entries
        paths = self._paths
        for index in range(bisect.bisect_left(paths, base), len(paths)):
            path = paths[index]
            if not path.startswith(base):
                break
            name = path.removeprefix(base).rstrip("/")
            parts = name.split("/")
            if name and _DOT_GIT not in parts and parts[0] not in own:
                yield name, entries[path]
