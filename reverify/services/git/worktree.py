"""Whether the files of a work tree are those of a commit, told by their bytes.

Git's own `status` and `diff` run what the repository's settings name: a monitor,
filters, drivers. Here each file is hashed as it lies on disk. So a file that git
rewrites when it checks it out (`core.autocrlf`, `eol`, `ident`, smudge filters) counts
as changed; Git LFS is known, and a file that its pointer names does not.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from reverify.errors import ServiceError
from reverify.services.git.objects import LINK, SUBMODULE, TreeEntry
from reverify.services.git.references import read_small
from reverify.services.git.repository import Repository, repository_at

_CHUNK = 1 << 20
_POINTER_BYTES = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]+)\n"
)


class Change(NamedTuple):
    """A file of a commit that is not so in the work tree.

    Attributes:
        path: its path from the root.
        what: what has become of it, in one or two words.
    """

    path: str
    what: str


def changes(repository: Repository) -> Iterator[Change]:
    """Compare the work tree with the commit that is checked out, byte by byte.

    Yields:
        each file of the commit that is changed or missing; files that the commit does
        not have are no matter.

    Raises:
        ServiceError: the commit or one of its trees cannot be read.
    """
    head = repository.head()
    if head is None or repository.root is None:
        return
    if repository.kind_of(head) != "commit":
        raise ServiceError(f"{repository}: its commit {head} is not there")
    sparse = _is_sparse(repository)
    modes_count = repository.setting("core.filemode") != "false"
    for entry in repository.files_of(head):
        if entry.mode == SUBMODULE:
            yield from _changes_of_submodule(repository.root, entry)
            continue
        what = _compare(repository, repository.root, entry, modes=modes_count)
        if what and not (sparse and what == "missing"):
            yield Change(entry.name, what)


def _is_sparse(repository: Repository) -> bool:
    """Whether files are left out of the work tree on purpose."""
    return bool(read_small(repository.directory / "info" / "sparse-checkout").strip())


def _changes_of_submodule(root: Path, entry: TreeEntry) -> Iterator[Change]:
    nested = repository_at(root / entry.name)
    if nested is None:
        return  # not checked out
    with nested:
        if nested.head() != entry.id:
            yield Change(entry.name, "at another commit")
        for change in changes(nested):
            yield change._replace(path=f"{entry.name}/{change.path}")


def _compare(
    repository: Repository, root: Path, entry: TreeEntry, *, modes: bool
) -> str | None:
    """Say what has become of a file, or None if nothing has."""
    path = root / entry.name
    try:
        found = path.lstat()
        if entry.mode == LINK and stat.S_ISLNK(found.st_mode):
            target = os.fsencode(path.readlink())
            same = _digest_of(repository, [target], len(target)) == entry.id
            return None if same else "changed"
        if not stat.S_ISREG(found.st_mode) or entry.mode == LINK:
            return "replaced"
        if modes and bool(entry.mode & 0o100) != bool(found.st_mode & 0o100):
            return "changed in mode"
        if _digest_of(repository, _chunks(path), found.st_size) == entry.id:
            return None
        return None if _is_named(repository, entry, path, found.st_size) else "changed"
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError as error:
        raise ServiceError(f"{path}: cannot be read ({error.strerror})") from error


def _digest_of(repository: Repository, chunks: Iterable[bytes], size: int) -> str:
    found = hashlib.new(repository.algorithm, usedforsecurity=False)
    found.update(b"blob %d\0" % size)
    for chunk in chunks:
        found.update(chunk)
    return found.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _is_named(repository: Repository, entry: TreeEntry, path: Path, size: int) -> bool:
    """Whether the commit has a pointer of Git LFS to this very file."""
    match = None
    if repository.objects.size(entry.id) <= _POINTER_BYTES:
        match = _POINTER.fullmatch(repository.objects.blob(entry.id))
    if match is None or int(match[2]) != size:
        return False
    found = hashlib.sha256()
    for chunk in _chunks(path):
        found.update(chunk)
    return found.hexdigest().encode() == match[1]


def ignored(repository: Repository, paths: Iterable[str]) -> frozenset[str]:
    """Which paths the repository wants ignored, by `.gitignore` and `info/exclude`.

    Args:
        repository: it needs a work tree.
        paths: paths from its root.
    """
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not asked or repository.root is None:
        return frozenset()
    info = repository.git.directory / "info"
    info.mkdir(exist_ok=True)
    (info / "exclude").write_bytes(read_small(repository.common / "info" / "exclude"))
    output = repository.git.run(
        f"--work-tree={repository.root}",
        "check-ignore",
        "--no-index",
        "-z",
        "--stdin",
        given=asked,
        folder=repository.root,
        fails=True,  # it fails where nothing is ignored
    )
    return frozenset(os.fsdecode(path) for path in output.split(b"\0") if path)
