"""Folders: listed, their files hashed, their ids made from the bottom up."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from reverify.crates import hashing
from reverify.crates.patterns import Patterns
from reverify.crates.swhids.blobs import Blobs
from reverify.errors import ServiceError
from reverify.model.git_objects import (
    FOLDER,
    LINK,
    SUBMODULE,
    TreeLine,
    file_mode,
    tree_body,
)
from reverify.model.swhid import Swhid, git_id

_WORDS = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a folder is looked at.

    Attributes:
        exclude: patterns of what to leave out.
        dot_git: whether what is named `.git` counts, as anything else does.
        submodules: whether a repository inside counts as its commit, as git has it,
            and not as its files.
        jobs: how many files are read at once.
    """

    exclude: tuple[str, ...] = ()
    dot_git: bool = False
    submodules: bool = True
    jobs: int = 2


class Identified(NamedTuple):
    """What one path gave.

    Attributes:
        swhid: the identifier, or None if there are problems.
        problems: what could not be read, one sentence each.
        remarks: what a person should know of how it was looked at.
        folder: for a folder, what it was computed from.
    """

    swhid: Swhid | None
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    folder: "Folder | None" = None


@dataclass(slots=True)
class _Listing:
    """What is in one folder: files, folders, and lines that are complete."""

    files: list[tuple[str, int]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    lines: list[TreeLine] = field(default_factory=list)

    def add(self, mode: int, name: str, id: str) -> None:
        """Add a line that is complete."""
        self.lines.append(TreeLine(mode, os.fsencode(name), bytes.fromhex(id)))


class Folder:
    """A folder, all of it read and hashed.

    Attributes:
        problems: what could not be read, one sentence each; without it there is no id.
        remarks: what a person should know of how it was looked at.
    """

    def __init__(
        self,
        listings: dict[str, _Listing],
        blobs: dict[str, bytes],
        problems: list[str],
        remarks: list[str],
    ) -> None:
        self._listings = listings
        self._blobs = blobs
        self.problems = tuple(sorted(problems))
        self.remarks = tuple(sorted(remarks))

    def identified(self, *, empty_directories: bool) -> Identified:
        """Its identifier, or why it has none."""
        swhid = None
        if not self.problems:
            swhid = self.swhid(empty_directories=empty_directories)
        return Identified(swhid, self.problems, self.remarks, self)

    def swhid(self, *, empty_directories: bool) -> Swhid:
        """Its identifier; empty folders count or not, once all else is left out."""
        ids: dict[str, bytes] = {}
        for folder in reversed(self._listings):  # what is inside comes first
            body = tree_body(self._lines(folder, ids))
            if body or empty_directories or not folder:
                ids[folder] = bytes.fromhex(git_id("tree", body))
        return Swhid("dir", ids[""].hex())

    def _lines(self, folder: str, ids: dict[str, bytes]) -> Iterator[TreeLine]:
        listing = self._listings[folder]
        base = f"{folder}/" if folder else ""
        yield from listing.lines
        for name, mode in listing.files:
            yield TreeLine(mode, os.fsencode(name), self._blobs[base + name])
        for name in listing.folders:
            if base + name in ids:
                yield TreeLine(FOLDER, os.fsencode(name), ids[base + name])


def read_folder(path: str, ways: Ways) -> Folder:
    """List a folder, and hash all files in it.

    Raises:
        UsageError: a pattern cannot fit anything.
        OSError: the folder itself cannot be opened.
    """
    patterns = Patterns(ways.exclude)
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _Walk(path, root, ways, patterns).walk()
    finally:
        os.close(root)


class _Walk:
    def __init__(self, path: str, root: int, ways: Ways, patterns: Patterns) -> None:
        self._path = path
        self._ways = ways
        self._patterns = patterns
        self._opener = hashing.Folder(root)
        self._blobs = Blobs(root, ways.jobs)
        self._listings: dict[str, _Listing] = {}
        self._problems: list[str] = []
        self._remarks: list[str] = []

    def walk(self) -> Folder:
        """List folder by folder, while files are being hashed."""
        waiting = [""]
        try:
            while waiting:
                folder = waiting.pop()
                try:
                    listing = self._list(folder)
                except OSError as error:
                    self._problem(folder, f"cannot be listed ({error.strerror})")
                    continue
                self._listings[folder] = listing
                base = f"{folder}/" if folder else ""
                waiting += [base + name for name in listing.folders]
            blobs = self._blobs.ids(self._problem)
        finally:
            self._blobs.close()
            self._opener.close()
        return Folder(self._listings, blobs, self._problems, self._remarks)

    def _named(self, path: str) -> str:
        return os.path.join(self._path, path) if path else self._path  # noqa: PTH118

    def _problem(self, path: str, what: str) -> None:
        self._problems.append(f"{self._named(path)}: {what}")

    def _list(self, folder: str) -> _Listing:
        at = self._opener.descend(folder)
        listing = _Listing()
        base = f"{folder}/" if folder else ""
        with os.scandir(at) as entries:
            for entry in entries:
                path = base + entry.name
                if not self._is_left_out(entry, path):
                    try:
                        self._add(listing, entry, path, at)
                    except OSError as error:
                        what = f"cannot be looked at ({error.strerror})"
                        self._problem(path, what)
        return listing

    def _is_left_out(self, entry: os.DirEntry[str], path: str) -> bool:
        if entry.name == ".git" and not self._ways.dot_git:
            return True
        if not self._ways.exclude:
            return False
        is_folder = entry.is_dir(follow_symlinks=False)
        return self._patterns.fit(path, folder=is_folder)

    def _add(
        self, listing: _Listing, entry: os.DirEntry[str], path: str, at: int
    ) -> None:
        name, found = entry.name, entry.stat(follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            listing.files.append((name, file_mode(found.st_mode)))
            self._blobs.add(path, found.st_size)
        elif stat.S_ISDIR(found.st_mode):
            commit = self._submodule(name, path, at)
            if commit is None:
                listing.folders.append(name)
            else:
                listing.add(SUBMODULE, name, commit)
        elif stat.S_ISLNK(found.st_mode):
            listing.add(LINK, name, git_id("blob", link_text(name, at)))
        else:
            said = f"is a {word_for(found.st_mode)}, and left out, as git does"
            self._remarks.append(f"{self._named(path)}: {said}")

    def _submodule(self, name: str, path: str, at: int) -> str | None:
        """The commit of a folder that is a repository of its own, or None."""
        if not self._ways.submodules or self._ways.dot_git:
            return None
        try:
            os.stat(f"{name}/.git", dir_fd=at, follow_symlinks=False)
        except OSError:  # most folders have none
            return None
        place = self._named(path)
        try:
            head = _commit_at(place)
        except ServiceError as error:
            self._problem(path, f"is a git repository of its own: {error}")
            return None
        if head is not None:
            self._remarks.append(
                f"{place}: is a git repository of its own, and counts as its commit"
                f" {head}, as a submodule does; --no-submodules counts its files"
            )
        return head


def _commit_at(path: str) -> str | None:
    """The commit that is checked out in the repository at a path, if there is any.

    Raises:
        ServiceError: it cannot be read, or its commit cannot stand in a directory.
    """
    # Most folders hold none, and git is slow to be had.
    from reverify.services.git.repository import repository_at  # noqa: PLC0415

    nested = repository_at(Path(path))
    if nested is None:
        return None
    with nested:
        if nested.algorithm != "sha1":
            raise ServiceError("it names its commits by SHA-256, which no SWHID can do")
        return nested.head()


def link_text(path: str, folder: int | None = None) -> bytes:
    """What a link says, which is no path that we would follow."""
    return os.fsencode(os.readlink(path, dir_fd=folder))


def word_for(mode: int) -> str:
    """What to call something that is neither file, folder nor link."""
    return _WORDS.get(stat.S_IFMT(mode), "device")
