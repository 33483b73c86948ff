"""Commits, tags and trees in repositories on this machine that the user named."""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from reverify.errors import UsageError
from reverify.services.git.answers import PlaceError, Why
from reverify.services.git.repository import Repository, open_repository
from reverify.services.git.revision import Named, Revision, read_revision


def first_there(folders: Iterable[Path]) -> Path | None:
    """The first folder that is there; None if none is."""
    return next((folder for folder in folders if folder.is_dir()), None)


def opened(folder: Path) -> Repository:
    """Open a repository in a folder of mirrors.

    Raises:
        PlaceError: there is none.
    """
    try:
        return open_repository(folder)
    except UsageError as error:
        raise PlaceError(Why.UNREACHABLE, str(error)) from error


def local_revision(
    folders: Sequence[Path], named: Named, *, is_mirror: bool = False
) -> Revision:
    """Have a commit, tag or tree from a repository on this machine.

    Raises:
        UsageError: there is no repository, and the user said that there is.
        PlaceError: it does not have it.
        ServiceError: it cannot be read.
    """
    folder = first_there(folders) or folders[0]
    if is_mirror and not folder.is_dir():
        raise PlaceError(Why.GONE, f"{folder}: the mirror has no such repository")
    repository = opened(folder) if is_mirror else open_repository(folder)
    with contextlib.ExitStack() as stack:
        stack.callback(repository.close)
        found = read_revision(repository.objects, named, repository.close)
        if found is None:
            raise _absence(repository, named)
        stack.pop_all()
    return found


def is_other(where: str, named: Named, kind: str) -> PlaceError:
    """That an id is there, and is of another kind of object."""
    return PlaceError(Why.ABSENT, f"{where}: {named.id} is a {kind}", instead=kind)


def _absence(repository: Repository, named: Named) -> PlaceError:
    """Why a repository does not give something."""
    if named.algorithm != repository.algorithm:
        text = f"{repository}: names its objects by {repository.algorithm}"
        return PlaceError(Why.ABSENT, text)
    kind = repository.kind_of(named.id)
    if kind is not None:
        return is_other(str(repository), named, kind)
    text = f"{repository}: has no {named}"
    if repository.is_shallow or repository.is_partial:
        text += "; it is a shallow or partial clone, which lacks some"
        return PlaceError(Why.INCOMPLETE, text)
    return PlaceError(Why.ABSENT, text)
