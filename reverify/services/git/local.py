"""Commits in repositories on this machine that the user named."""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from reverify.errors import UsageError
from reverify.services.git.answers import PlaceError, Why
from reverify.services.git.repository import Repository, open_repository
from reverify.services.git.revision import Revision, read_revision


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
    folders: Sequence[Path], commit: str, *, is_mirror: bool = False
) -> Revision:
    """Have a commit from a repository on this machine.

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
        found = read_revision(repository.objects, commit, repository.close)
        if found is None:
            raise _absence(repository, commit)
        stack.pop_all()
    return found


def _absence(repository: Repository, commit: str) -> PlaceError:
    """Why a repository does not give a commit."""
    if len(commit) != {"sha1": 40, "sha256": 64}[repository.algorithm]:
        text = f"{repository}: names its objects by {repository.algorithm}"
        return PlaceError(Why.ABSENT, text)
    kind = repository.kind_of(commit)
    if kind is not None:
        return PlaceError(Why.ABSENT, f"{repository}: {commit} is a {kind}")
    text = f"{repository}: has no commit {commit}"
    if repository.is_shallow or repository.is_partial:
        text += "; it is a shallow or partial clone, which lacks some"
        return PlaceError(Why.INCOMPLETE, text)
    return PlaceError(Why.ABSENT, text)
