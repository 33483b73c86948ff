"""One commit, tag or tree, and all trees below it, each hashed by us."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import TracebackType
from typing import NamedTuple, Self

from reverify.errors import (
    DamagedObjectError,
    MissingObjectError,
    ServiceError,
    TooLargeError,
)
from reverify.services.git.objects import (
    FOLDER,
    LINK,
    SUBMODULE,
    Objects,
    TreeEntry,
)

MOST_NAMES = 1_000_000
MOST_TREE_BYTES = 256 << 20
POINTER_BYTES = 1024
MOST_TAGS = 20
_DIGITS_OF_SHA256 = 64
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n(?:.*\n)*"
)


class Named(NamedTuple):
    """What is looked for.

    Attributes:
        kind: commit, tag or tree.
        id: a whole id, lower-case hexadecimal.
    """

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def algorithm(self) -> str:
        """What names the objects of its repository."""
        return "sha256" if len(self.id) == _DIGITS_OF_SHA256 else "sha1"


class Pointer(NamedTuple):
    """What a file of Git LFS says of the contents that it stands for.

    Attributes:
        sha256: lower-case hexadecimal.
        size: in bytes.
    """

    sha256: str
    size: int


class Likeness(StrEnum):
    """How a file of ours compares with the one at a path of a commit."""

    SAME = "same"
    BY_POINTER = "by-pointer"
    DIFFERENT = "different"
    ABSENT = "absent"
    NO_FILE = "no-file"
    IN_SUBMODULE = "in-submodule"
    UNKNOWN = "unknown"


class Comparison(NamedTuple):
    """How a file of ours compares with the one at a path of a commit.

    Attributes:
        likeness: in one word. `UNKNOWN`: the commit's contents are not to be had, and
            might be a pointer of Git LFS to ours.
        expected: the id of the blob at that path; empty if there is none.
        elsewhere: other paths of the commit where the very same contents are.
        reason: one sentence.
    """

    likeness: Likeness
    expected: str
    elsewhere: tuple[str, ...]
    reason: str


def read_pointer(data: bytes) -> Pointer | None:
    """What a pointer of Git LFS names; None if these bytes are none.

    Source: Git LFS Specification, "The Pointer".
    """
    match = _POINTER.fullmatch(data) if len(data) <= POINTER_BYTES else None
    return Pointer(match[1].decode(), int(match[2])) if match else None


def _nothing() -> None:
    """Nothing is to be closed."""


@dataclass(kw_only=True)
class Revision:
    """A commit, tag or tree that was read, and hashed; close it when done.

    Attributes:
        named: what was looked for.
        commit: the id of the commit that it is or leads to; "" if it leads to none.
        tree: the id of its tree.
        objects: where its objects are; each is hashed again when it is read.
        trees: how many trees were hashed.
        release: what is called at the end.
        note: how it came here, if it was fetched.
        more: fetches contents of files that were left at a server; None if there is
            no server. What it cannot have stays missing.
    """

    named: Named
    commit: str
    tree: str
    objects: Objects
    trees: int
    release: Callable[[], object] = field(default=_nothing)
    note: str = ""
    more: Callable[[Sequence[TreeEntry]], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the repository."""
        self.release()

    @property
    def algorithm(self) -> str:
        """What names its objects, sha1 or sha256."""
        return self.named.algorithm

    @property
    def padded(self) -> frozenset[str]:
        """Trees that write modes with a zero before them.

        Their ids hold over their own bytes; who writes them anew gets others.
        """
        return frozenset(self.objects.padded)

    @cached_property
    def entries(self) -> Mapping[str, TreeEntry]:
        """All that is no folder, by its path.

        Raises:
            TooLargeError: it is too much.
        """
        found = self.objects.files(self.tree, MOST_NAMES)
        return {entry.name: entry for entry in found}

    @property
    def submodules(self) -> dict[str, str]:
        """The commits of other repositories that it names, by path."""
        items = self.entries.items()
        return {path: entry.id for path, entry in items if entry.mode == SUBMODULE}

    @cached_property
    def _paths(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for path, entry in self.entries.items():
            if entry.mode != SUBMODULE:
                found.setdefault(entry.id, []).append(path)
        return {id: tuple(sorted(paths)) for id, paths in found.items()}

    def at(self, path: str) -> TreeEntry | None:
        """The entry at a path, a folder too; None if there is none."""
        return self.objects.entry(self.tree, path)

    def paths_of(self, blob: str) -> tuple[str, ...]:
        """All paths at which the contents of this id are."""
        return self._paths.get(blob, ())

    def contents_at(self, paths: Iterable[str]) -> Iterator[TreeEntry]:
        """The entries at those paths that have contents: files and links."""
        for path in dict.fromkeys(paths):
            entry = self.at(path)
            if entry is not None and entry.mode not in {FOLDER, SUBMODULE}:
                yield entry

    def lacking(self, paths: Iterable[str]) -> tuple[TreeEntry, ...]:
        """Of those paths, the entries whose contents are not to be had here."""
        entries = tuple(self.contents_at(paths))
        there = self.objects.kinds(entry.id for entry in entries)
        return tuple(entry for entry in entries if there.get(entry.id) != "blob")

    def obtain(self, entries: Iterable[TreeEntry]) -> None:
        """Fetch the contents of files, where they are left at a server."""
        wanted = list(entries)
        if self.more is None or not wanted:
            return
        there = self.objects.kinds(entry.id for entry in wanted)
        lacking = [entry for entry in wanted if entry.id not in there]
        if lacking:
            self.more(lacking)

    def see(self, paths: Iterable[str], most: int) -> None:
        """Read the contents at paths, up to so many bytes each, and hash them.

        Raises:
            MissingObjectError: contents are not there.
            DamagedObjectError: contents do not have their id.
        """
        entries = {entry.id: entry for entry in self.contents_at(paths)}
        for id, (_, size) in self.objects.headers(entries).items():
            if size <= most:
                self.objects.blob(id, most)

    def pointer(self, entry: TreeEntry) -> Pointer | None:
        """What a pointer of Git LFS at this entry names; None if it is none.

        Raises:
            MissingObjectError: the contents are not there, so that it cannot be told.
            DamagedObjectError: the contents do not have their id.
        """
        if not entry.is_file:
            return None
        if self.objects.kind(entry.id) and self.objects.size(entry.id) > POINTER_BYTES:
            return None
        return read_pointer(self.objects.blob(entry.id, POINTER_BYTES))

    def compare(self, path: str, blob: str, *, sha256: str, size: int) -> Comparison:
        """Compare a file with the one at a path.

        Args:
            path: a POSIX path from the root of the repository.
            blob: the id that the file has as a blob, in this revision's algorithm.
            sha256: the digest of the file, lower-case hexadecimal.
            size: of the file, in bytes.
        """
        elsewhere = tuple(other for other in self.paths_of(blob) if other != path)
        entry = self.at(path)
        if entry is None:
            inside = self._submodule_above(path)
            if inside:
                reason = f"lies in the submodule {inside}, another repository"
                return Comparison(Likeness.IN_SUBMODULE, "", elsewhere, reason)
            reason = "the commit has nothing there"
            return Comparison(Likeness.ABSENT, "", elsewhere, reason)
        if not entry.is_file:
            kinds = {FOLDER: "a folder", LINK: "a link", SUBMODULE: "a submodule"}
            reason = f"the commit has {kinds.get(entry.mode, 'no file')} there"
            return Comparison(Likeness.NO_FILE, entry.id, elsewhere, reason)
        if entry.id == blob:
            same = f"is the blob {blob}"
            return Comparison(Likeness.SAME, blob, elsewhere, same)
        likeness, reason = self._unlike(entry, blob, sha256, size)
        return Comparison(likeness, entry.id, elsewhere, reason)

    def _unlike(
        self, entry: TreeEntry, blob: str, sha256: str, size: int
    ) -> tuple[Likeness, str]:
        """What a file is whose blob is another: perhaps what a pointer stands for."""
        self.obtain([entry])
        try:
            pointer = self.pointer(entry)
        except ServiceError as error:
            return Likeness.UNKNOWN, str(error)
        if pointer == Pointer(sha256, size):
            return Likeness.BY_POINTER, "is what the pointer of Git LFS there names"
        if pointer is not None:
            return Likeness.DIFFERENT, (
                f"the pointer of Git LFS there names sha256:{pointer.sha256} of"
                f" {pointer.size:,} bytes, and the file has sha256:{sha256} and"
                f" {size:,} bytes"
            )
        return Likeness.DIFFERENT, f"the commit has the blob {entry.id}, not {blob}"

    def _submodule_above(self, path: str) -> str:
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        for folder in above:
            entry = self.at(folder)
            if entry is not None and entry.mode == SUBMODULE:
                return folder
        return ""


def read_revision(
    objects: Objects, named: Named, release: Callable[[], object] = _nothing
) -> Revision | None:
    """Read a commit, tag or tree and all trees below it, and hash each.

    Args:
        objects: where they are.
        named: what is looked for.
        release: what is to be called when the revision is closed.

    Returns:
        the revision; None if there is nothing of that kind and id.

    Raises:
        MissingObjectError: an object that it leads to is not there.
        DamagedObjectError: an object cannot be read, or is another.
        TooLargeError: the trees are too large, or too many.
    """
    start = _start(objects, named)
    if start is None:
        if objects.kind(named.id) is None and objects.listed(named.id):
            raise DamagedObjectError(f"the {named} is there and cannot be read")
        return None
    commit, tree = start
    known: set[str] = set()
    level, total = {tree}, 0
    while level:
        known |= level
        if len(known) > MOST_NAMES:
            raise TooLargeError(f"the {named} has more than {MOST_NAMES:,} folders")
        total += sum(size for _, size in objects.headers(level).values())
        if total > MOST_TREE_BYTES:
            raise TooLargeError(
                f"the trees of {named.id} have more than {total:,} bytes"
            )
        level = {
            entry.id
            for tree in level
            for entry in objects.tree(tree)
            if entry.mode == FOLDER
        } - known
    return Revision(
        named=named,
        commit=commit,
        tree=start[1],
        objects=objects,
        trees=len(known),
        release=release,
    )


def _start(objects: Objects, named: Named) -> tuple[str, str] | None:
    """The commit, or "", and the tree that something leads to; None if it is not there.

    Raises:
        MissingObjectError: what a tag leads to is not there.
        DamagedObjectError: an object cannot be read, or leads to no files.
    """
    id = named.id
    if named.kind == "tag":
        id = _behind(objects, id)
        if not id:
            return None
    if named.kind != "tree":
        commit = objects.commit(id)
        if commit is not None:
            return id, commit.tree
    kind = objects.kind(id)
    if kind == "tree" and named.kind != "commit":
        return "", id
    if id == named.id:
        return None
    if kind is None:
        raise MissingObjectError(f"the {named} leads to {id}, which is not there")
    raise DamagedObjectError(f"the {named} leads to a {kind}, which has no files")


def _behind(objects: Objects, id: str) -> str:
    """What a tag leads to, tags of tags followed; "" if it is no tag."""
    target = objects.tag(id)
    for _ in range(MOST_TAGS):
        if target is None:
            return ""
        further = objects.tag(target)
        if further is None:
            return target
        target = further
    raise DamagedObjectError(f"the tag {id} is of tags of tags, and no end of them")
