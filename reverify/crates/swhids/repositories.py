"""SWHIDs of what git repositories hold, and where a path stands in one."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from reverify.errors import ServiceError, UsageError
from reverify.model.git_objects import Branch
from reverify.model.swhid import Swhid
from reverify.services.git import Repository, find_repository, open_repository
from reverify.services.git.naming import (
    object_at,
    release_named,
    revision_named,
    snapshot_of,
)

HEAD = "HEAD"


class Stand(NamedTuple):
    """Where an object stands.

    Attributes:
        anchor: the commit.
        path: the path in it, from its root: `/src/sum.py`.
    """

    anchor: Swhid
    path: str


def identify_revision(path: str, ref: str = HEAD) -> Swhid:
    """The SWHID of a commit of the repository at a path.

    Args:
        path: a repository, or a folder in its work tree.
        ref: a branch, a tag, HEAD or an id.

    Raises:
        UsageError: there is no repository, or nothing of that name.
        ServiceError: the repository cannot be read.
    """
    return _in_repository(path, lambda repository: revision_named(repository, ref))


def identify_release(path: str, ref: str) -> Swhid:
    """The SWHID of an annotated tag of the repository at a path.

    Raises:
        UsageError: there is no repository, or no annotated tag of that name.
        ServiceError: the repository cannot be read.
    """
    return _in_repository(path, lambda repository: release_named(repository, ref))


def identify_snapshot(path: str) -> tuple[Swhid, dict[bytes, Branch | None]]:
    """The SWHID of the state of all references of the repository at a path.

    Returns:
        the identifier, and the branches that it was computed from.

    Raises:
        UsageError: there is no repository.
        ServiceError: the repository cannot be read.
    """
    with open_repository(Path(path)) as repository:
        return snapshot_of(repository)


def identify_at(path: str, ref: str) -> Swhid:
    """The SWHID of what a path was in a commit, whatever it is in the work tree now.

    Raises:
        UsageError: there is no repository, no such commit, or nothing at the path.
        ServiceError: the repository cannot be read.
    """
    with _repository_around(path) as (repository, inside):
        return object_at(repository, ref, inside)


def stand_of(path: str, swhid: Swhid, ref: str = HEAD) -> Stand:
    """Where an object on this machine stands in the commit that is checked out.

    Args:
        path: of a file or folder in a work tree.
        swhid: what was computed of it.
        ref: another commit than the one that is checked out.

    Raises:
        UsageError: the path lies in no repository, or is not in that commit as it is.
        ServiceError: the repository cannot be read.
    """
    with _repository_around(path) as (repository, inside):
        anchor = revision_named(repository, ref)
        committed = object_at(repository, anchor.hex, inside)
        if committed.core != swhid.core:
            raise UsageError(
                f"{path}: is {swhid.core}, but {committed.core} in the commit"
                f" {anchor.hex}; commit it first, or say where it stands with --anchor"
                " and --path"
            )
        return Stand(anchor, f"/{inside}")


def origin_of(path: str) -> str:
    """The address of the repository in which a path lies.

    Raises:
        UsageError: it lies in none, or in one that has no address to be shown.
        ServiceError: the repository cannot be read.
    """
    with _repository_around(path) as (repository, _):
        origin = repository.origin()
        if origin is None:
            raise UsageError(
                f"{repository}: has no remote with an address; give --origin URL"
            )
        return origin


def _in_repository(path: str, name: Callable[[Repository], Swhid]) -> Swhid:
    with open_repository(Path(path)) as repository:
        return name(repository)


@contextmanager
def _repository_around(path: str) -> Iterator[tuple[Repository, str]]:
    """The repository in which a path lies, and the path from its root, or ""."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - keeps the link it may be
    place, name = os.path.split(absolute)
    real = Path(place).resolve() / name
    if real.is_dir() and not real.is_symlink():
        repository = open_repository(real)
    else:
        above = next(folder for folder in real.parents if folder.is_dir())
        found = find_repository(above)
        if found is None:
            raise UsageError(f"{path}: lies in no git repository")
        repository = found
    with repository:
        if repository.root is None:
            yield repository, ""
            return
        inside = os.path.relpath(real, repository.root.resolve())
        if inside.split("/")[0] == "..":
            raise ServiceError(f"{path}: does not lie in {repository}")
        yield repository, "" if inside == "." else inside
