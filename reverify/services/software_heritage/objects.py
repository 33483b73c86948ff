"""Objects of the archive as its API shows them, and their ids worked out anew.

All of it is the archive's word. What its ids prove can be worked out from some.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reverify.model import git_objects
from reverify.model.git_objects import TreeLine
from reverify.model.swhid import git_id

ALIASES = 10
_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")
_UNCLEAR = re.compile(r"\\x[0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What `/resolve/` says: the syntax holds, the object is held, the origin known.

    It says nothing of whether visit, anchor and path are true.

    Attributes:
        core: the core SWHID.
        qualifiers: by name, in the archive's spelling.
    """

    core: str
    qualifiers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit, or what the archive made like one.

    Attributes:
        id: 40 hexadecimal digits.
        directory: the id of its root directory, by the archive's word.
        parents: ids.
        message: None if there is none.
        author: as in the object; a claim, as are the dates.
        date: ISO 8601, when it was written, or None.
        committer_date: ISO 8601, or None.
        type: git, tar, dsc, svn, hg, cvs or bzr.
        synthetic: whether the archive made it up.
    """

    id: str
    directory: str
    parents: tuple[str, ...]
    message: str | None
    author: str | None
    date: str | None
    committer_date: str | None
    type: str
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An annotated tag, or what the archive made like one.

    Attributes:
        id: 40 hexadecimal digits.
        name: of the tag.
        message: None if there is none.
        target: the id of what it points to.
        target_type: content, directory, revision, release or snapshot.
        author: as in the object, or None.
        date: ISO 8601, or None.
        synthetic: whether the archive made it up.
    """

    id: str
    name: str
    message: str | None
    target: str
    target_type: str
    author: str | None
    date: str | None
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """One name in a directory.

    Attributes:
        name: the name, or the path where one was asked for.
        type: file, dir or rev (a submodule).
        target: the id of what it names; for a file, of its git blob.
        mode: 0o100644, 0o100755, 0o120000, 0o040000 or 0o160000; others in old
            repositories.
        length: bytes of a file, if they are known.
        status: visible, hidden or absent, of a file; None if the archive lacks it.
        checksums: sha1, sha1_git and sha256 of a file, as far as they are given.
        parent: the id of the directory that it is in.
    """

    name: str
    type: str
    target: str
    mode: int
    length: int | None
    status: str | None
    checksums: Mapping[str, str]
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What a directory holds, by the archive's word.

    Attributes:
        id: 40 hexadecimal digits.
        entries: in the order of the archive.
    """

    id: str
    entries: tuple[DirectoryEntry, ...]

    def recomputed(self) -> str | None:
        """The id that these entries have; None if their names cannot be told for sure.

        An id that differs is no proof of tampering: the archive also keeps trees that
        were written oddly.
        """
        if any(_UNCLEAR.search(entry.name) for entry in self.entries):
            return None
        lines = (
            TreeLine(entry.mode, entry.name.encode(), bytes.fromhex(entry.target))
            for entry in self.entries
        )
        return git_id("tree", git_objects.tree_body(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What a branch of a snapshot points to.

    Attributes:
        target: an id; the name of another branch for an alias.
        type: content, directory, revision, release, snapshot or alias.
    """

    target: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All branches of an origin as a visit saw them.

    Attributes:
        id: 40 hexadecimal digits.
        branches: by their full names, as the archive writes them; None for a dangling
            one.
    """

    id: str
    branches: Mapping[str, Branch | None]

    def branch(self, name: str) -> Branch | None:
        """What a branch leads to in the end, over aliases; None if nowhere."""
        for _ in range(ALIASES):
            found = self.branches.get(name)
            if found is None or found.type != "alias":
                return found
            name = found.target
        return None

    def recomputed(self) -> str:
        """The id that these branches have.

        Source: SWHID specification v1.2, clause 5.
        """
        found = {
            branch_name(name): _pointer(branch) if branch else None
            for name, branch in self.branches.items()
        }
        return git_id("snapshot", git_objects.snapshot_body(found))


def branch_name(shown: str) -> bytes:
    """The bytes of a branch's name, the archive's escapes undone."""
    return _ESCAPE.sub(
        lambda match: (
            b"\\" if match[1] == b"\\" else bytes.fromhex(match[1][1:].decode())
        ),
        shown.encode(),
    )


def _pointer(branch: Branch) -> git_objects.Branch:
    if branch.type == "alias":
        return git_objects.Branch("alias", branch_name(branch.target))
    return git_objects.Branch(branch.type, bytes.fromhex(branch.target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file's bytes, as the archive describes them.

    Attributes:
        length: bytes.
        status: visible, hidden or absent.
        checksums: sha1, sha1_git, sha256 and blake2s256.
    """

    length: int
    status: str
    checksums: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawObject:
    """An object with the bytes that its id is made of.

    Attributes:
        kind: blob, tree, commit, tag or snapshot, as its header says.
        body: without the header.
        agrees: whether the bytes have the id that was asked for. If not, that proves
            nothing for the odd objects that the archive cannot write anew.
    """

    kind: str
    body: bytes
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalId:
    """What an id of another system is in the archive.

    Attributes:
        target: a core SWHID.
        type: hg-nodeid, checksum-sha256 and others.
        value: as the archive writes it.
        version: of the mapping.
    """

    target: str
    type: str
    value: str
    version: int
