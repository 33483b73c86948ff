"""What the ids of directories and snapshots are made of.

Source: SWHID specification v1.2 (ISO/IEC 18670:2025), clause 5.
"""

import stat
from collections.abc import Iterable, Mapping
from typing import NamedTuple

FILE, EXECUTABLE, LINK = 0o100644, 0o100755, 0o120000
FOLDER, SUBMODULE = 0o040000, 0o160000


class TreeLine(NamedTuple):
    """One entry of a directory.

    Attributes:
        mode: one of the five above; old repositories know more.
        name: its bytes, as the file system has them.
        id: 20 bytes; for a submodule those of its commit.
    """

    mode: int
    name: bytes
    id: bytes


class Branch(NamedTuple):
    """What a branch of a snapshot leads to.

    Attributes:
        type: content, directory, revision, release, snapshot or alias.
        target: 20 bytes; for an alias the name of another branch.
    """

    type: str
    target: bytes


def file_mode(mode: int) -> int:
    """What git makes of the permissions of a regular file: the owner's bit counts."""
    return EXECUTABLE if mode & stat.S_IXUSR else FILE


def tree_body(lines: Iterable[TreeLine]) -> bytes:
    """The bytes of a directory, in git's order: a folder's name counts as with a /."""
    ordered = sorted(
        lines,
        key=lambda line: line.name + b"/" if line.mode == FOLDER else line.name,
    )
    return b"".join([b"%o %s\0%s" % line for line in ordered])


def snapshot_body(branches: Mapping[bytes, Branch | None]) -> bytes:
    """The bytes of a snapshot.

    Args:
        branches: by name; None for one that leads to nothing that is there.
    """
    lines = []
    for name, branch in sorted(branches.items()):
        type, target = branch or Branch("dangling", b"")
        lines.append(b"%s %s\0%d:%s" % (type.encode(), name, len(target), target))
    return b"".join(lines)
