"""Objects of a git repository, read raw, and re-hashed before they are believed."""

import contextlib
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, NoReturn, cast

from reverify.errors import (
    DamagedObjectError,
    MissingObjectError,
    ServiceError,
    TooLargeError,
)
from reverify.model.swhid import git_id
from reverify.services.git.command import Git

FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""An object id that is not abbreviated: SHA-1, or SHA-256."""
_MOST = 64 << 20
_CHUNK = 1 << 20
FOLDER, LINK, SUBMODULE, EXECUTABLE = 0o040000, 0o120000, 0o160000, 0o100755


class Commit(NamedTuple):
    """A commit, its bytes hashed and found to be what its id says.

    Attributes:
        id: lower-case hexadecimal.
        tree: the id of its tree.
        parents: the ids of the commits before it.
    """

    id: str
    tree: str
    parents: tuple[str, ...]


class TreeEntry(NamedTuple):
    """One line of a tree.

    Attributes:
        mode: 0o100644, 0o100755, 0o120000 (link), 0o040000 (folder) or 0o160000
            (submodule); old repositories know more.
        name: its name in that tree, or its path from the root of the repository.
        id: the object's id, lower-case hexadecimal.
    """

    mode: int
    name: str
    id: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)


class Objects:
    """The objects of one repository, by their ids.

    Args:
        git: what runs where the objects are to be had.
        algorithm: sha1 or sha256.

    Attributes:
        padded: the ids of trees, of those read, that write a mode with a zero before
            it; their ids hold over their own bytes alone.
    """

    def __init__(self, git: Git, algorithm: str) -> None:
        self.git = git
        self._algorithm = algorithm
        self._digits = {"sha1": 40, "sha256": 64}[algorithm]
        self._contents: subprocess.Popen[bytes] | None = None
        self._trees: dict[str, tuple[TreeEntry, ...]] = {}
        self.padded: set[str] = set()

    def close(self) -> None:
        """End what was started."""
        process, self._contents = self._contents, None
        if process is not None:
            _end(process)

    def kinds(self, ids: Iterable[str]) -> dict[str, str]:
        """The kinds of those objects that there are: commit, tree, blob or tag."""
        return {id: kind for id, (kind, _) in self.headers(ids).items()}

    def kind(self, id: str) -> str | None:
        """The kind of an object, or None if there is none of that id."""
        return self.kinds([id]).get(id)

    def size(self, id: str) -> int:
        """The size of an object in bytes; 0 if there is none of that id."""
        return self.headers([id]).get(id, ("", 0))[1]

    def headers(self, ids: Iterable[str]) -> dict[str, tuple[str, int]]:
        """The kinds and sizes, in bytes, of those objects that there are."""
        asked = [id for id in dict.fromkeys(ids) if self._is_id(id)]
        if not asked:
            return {}
        lines = "".join(f"{id}\n" for id in asked).encode()
        answer = self.git.run("cat-file", "--batch-check", given=lines)
        found = {}
        for line in answer.decode("ascii", "replace").split("\n"):
            words = line.split()
            if len(words) == 3:  # noqa: PLR2004 - id, kind, size; else it is missing
                found[words[0]] = words[1], int(words[2])
        return found

    def commit(self, id: str) -> Commit | None:
        """Read a commit; None if there is none of that id.

        Raises:
            ServiceError: its bytes do not have that id.
        """
        data = self._read(id, "commit")
        if data is None:
            return None
        head = data.partition(b"\n\n")[0].decode("ascii", "replace")
        lines = [line.split(" ") for line in head.split("\n")]
        trees = [line[1] for line in lines if line[0] == "tree" and len(line) > 1]
        if not trees or not self._is_id(trees[0]):
            raise DamagedObjectError(f"the commit {id} names no tree")
        parents = (line[1] for line in lines if line[0] == "parent" and len(line) > 1)
        return Commit(id, trees[0], tuple(parents))

    def tag(self, id: str) -> str | None:
        """The id of what an annotated tag points to; None if there is no such tag.

        Raises:
            ServiceError: its bytes do not have that id, or it points to nothing.
        """
        data = self._read(id, "tag")
        if data is None:
            return None
        target = data.partition(b"\n")[0].decode("ascii", "replace")
        if not target.startswith("object ") or not self._is_id(target[7:]):
            raise ServiceError(f"the tag {id} points to nothing")
        return target[7:]

    def tree(self, id: str) -> tuple[TreeEntry, ...]:
        """Read a tree.

        Raises:
            ServiceError: it is not there, or its bytes do not have that id.
        """
        if id not in self._trees:
            data = self._read(id, "tree")
            if data is None:
                self._miss("tree", id)
            entries, padded = self._entries(data)
            self._trees[id] = entries
            if padded:
                self.padded.add(id)
        return self._trees[id]

    def _entries(self, data: bytes) -> tuple[tuple[TreeEntry, ...], bool]:
        found, padded = [], False
        start, width = 0, self._digits // 2
        while start < len(data):
            blank, end = data.find(b" ", start), data.find(b"\0", start)
            if not start < blank < end or end + 1 + width > len(data):
                raise DamagedObjectError("a tree breaks off in the middle of an entry")
            name = data[blank + 1 : end].decode("utf-8", "surrogateescape")
            mode = data[start:blank]
            if not re.fullmatch(b"[0-7]{5,6}", mode):
                raise DamagedObjectError(f"a tree gives {name!r} the mode {mode!r}")
            start = end + 1 + width
            padded = padded or mode.startswith(b"0")
            found.append(TreeEntry(int(mode, 8), name, data[end + 1 : start].hex()))
        return tuple(found), padded

    def entry(self, tree: str, path: str) -> TreeEntry | None:
        """The entry at a path below a tree, or None.

        Args:
            tree: the id of a tree.
            path: a POSIX path.
        """
        found: TreeEntry | None = None
        for part in path.split("/"):
            if found is not None:
                if found.mode != FOLDER:
                    return None
                tree = found.id
            found = next((e for e in self.tree(tree) if e.name == part), None)
            if found is None:
                return None
        return found._replace(name=path) if found else None

    def files(self, tree: str, most: int = 5_000_000) -> Iterator[TreeEntry]:
        """Everything below a tree that is no folder, by its path.

        Raises:
            ServiceError: there are more than `most`.
        """
        waiting, count = [("", tree)], 0
        while waiting:
            base, id = waiting.pop()
            for entry in self.tree(id):
                count += 1
                if count > most:
                    raise TooLargeError(
                        f"the tree {tree} lists more than {most:,} names"
                    )
                path = f"{base}{entry.name}"
                if entry.mode == FOLDER:
                    waiting.append((f"{path}/", entry.id))
                else:
                    yield entry._replace(name=path)

    def blob(self, id: str, most: int = _MOST) -> bytes:
        """Read the bytes of a file.

        Raises:
            ServiceError: it is not there, is larger than `most` bytes, or its bytes
                do not have that id.
        """
        data = self._read(id, "blob", most)
        if data is None:
            self._miss("file contents", id)
        return data

    def listed(self, id: str) -> bool:
        """Whether the repository has something under an id, be it readable or not."""
        if not self._is_id(id):
            return False
        output = self.git.run("rev-parse", f"--disambiguate={id[:-1]}", fails=True)
        return id in output.decode("ascii", "replace").split()

    def _miss(self, what: str, id: str) -> NoReturn:
        """Say that an object is not to be had, and whether it is there nevertheless."""
        found = self.kind(id)
        if found is not None:
            raise DamagedObjectError(f"{id} should be a {what}, and is a {found}")
        if self.listed(id):
            raise DamagedObjectError(
                f"the {what} {id} cannot be read: it is damaged in the repository"
            )
        raise MissingObjectError(f"the {what} {id} is missing from the repository")

    # -- raw -------------------------------------------------------------------------

    def _is_id(self, id: str) -> bool:
        return len(id) == self._digits and FULL_ID.fullmatch(id) is not None

    def _read(self, id: str, kind: str, most: int = _MOST) -> bytes | None:
        if not self._is_id(id):
            return None
        if self._contents is None:
            self._contents = self.git.start("cat-file", "--batch")
        to, back = (
            cast("BinaryIO", self._contents.stdin),
            cast("BinaryIO", self._contents.stdout),
        )
        try:
            to.write(f"{id}\n".encode())
            to.flush()
            header = back.readline().decode("ascii", "replace").split()
        except OSError:
            header = []
        if header == [id, "missing"]:
            return None
        if len(header) != 3:  # noqa: PLR2004 - id, kind, size
            self.close()
            raise DamagedObjectError(f"git cannot read the object {id}; see `git fsck`")
        size = int(header[2])
        if header[1] != kind or size > most:
            if size > most and header[1] == kind:
                self.close()
                raise TooLargeError(f"the {kind} {id} has {size:,} bytes: too many")
            _skip(back, size + 1)
            return None
        data = back.read(size)
        back.read(1)
        self._believe(id, kind, data, size)
        return data

    def _believe(self, id: str, kind: str, data: bytes, size: int) -> None:
        """See that an object is what its id says."""
        seen = git_id(kind, data, self._algorithm)
        if len(data) != size or seen != id:
            self.close()
            raise DamagedObjectError(
                f"the {kind} {id} has changed in the repository: its bytes have the id"
                f" {seen}"
            )


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0:
        chunk = stream.read(min(count, _CHUNK))
        if not chunk:
            return
        count -= len(chunk)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.terminate()
    process.wait()
