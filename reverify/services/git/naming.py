"""From the names that people give to what is in a repository, to SWHIDs."""

import difflib
import re
from collections.abc import Iterator
from typing import NamedTuple

from reverify.errors import ServiceError, UsageError
from reverify.model.git_objects import Branch, snapshot_body
from reverify.model.swhid import GIT_TYPES, TYPES, Swhid, git_id, swhid_of_git
from reverify.services.git.objects import FOLDER, SUBMODULE, TreeEntry
from reverify.services.git.references import (
    loose_references,
    one_reference,
    packed_references,
)
from reverify.services.git.repository import Repository

_MOST_TAGS = 20
_PREFIX = re.compile("[0-9a-f]{4,64}")
_PLACES = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")


class Snapshot(NamedTuple):
    """The state of all references of a repository.

    Attributes:
        swhid: its identifier.
        branches: what each reference leads to, by name; None where nothing is there.
    """

    swhid: Swhid
    branches: dict[bytes, Branch | None]


def object_named(repository: Repository, name: str) -> str:
    """The id of what a name stands for: a branch, a tag, HEAD, or an id.

    Raises:
        UsageError: nothing has that name, or more than one thing has.
        ServiceError: the repository cannot be read.
    """
    references = repository.references()
    head = repository.head()
    if head is not None:
        references["HEAD"] = head
    ids = {references[at + name] for at in _PLACES if at + name in references}
    if not ids and _PREFIX.fullmatch(name):
        ids = set(_with_prefix(repository, name))
    if len(ids) > 1:
        raise UsageError(
            f"{repository}: {name!r} may be any of {', '.join(sorted(ids))}; write a"
            " whole name, as in refs/heads/main, or a whole id"
        )
    if not ids:
        raise UsageError(f"{repository}: {_nothing_named(name, references)}")
    return ids.pop()


def _with_prefix(repository: Repository, name: str) -> Iterator[str]:
    if repository.kind_of(name):
        yield name
    else:
        yield from repository.with_prefix(name)


def _nothing_named(name: str, references: dict[str, str]) -> str:
    if name == "HEAD":
        return "it has no commit yet"
    short = [known.split("/", 2)[-1] for known in references]
    near = difflib.get_close_matches(name, short, 1)
    if near:
        return f"nothing is called {name!r}; did you mean {near[0]}?"
    return (
        f"nothing is called {name!r}; a branch, a tag, HEAD or an id of at least four"
        " digits is needed"
    )


def revision_named(repository: Repository, name: str) -> Swhid:
    """The commit that a name stands for, whatever tags lie between.

    Raises:
        UsageError: it stands for no commit, or for one of a SHA-256 repository.
        ServiceError: an object is missing, or its bytes do not have its id.
    """
    id = _behind_tags(repository, object_named(repository, name))
    if repository.commit(id) is None:
        _refuse_missing(repository, id)
        raise UsageError(f"{repository}: {name!r} stands for no commit")
    return _expressed(repository, "commit", id)


def release_named(repository: Repository, name: str) -> Swhid:
    """The annotated tag that a name stands for.

    Raises:
        UsageError: it stands for something else, or the repository is a SHA-256 one.
        ServiceError: the tag is missing, or its bytes do not have its id.
    """
    id = object_named(repository, name)
    if repository.objects.tag(id) is None:
        _refuse_missing(repository, id)
        kind = repository.kind_of(id)
        raise UsageError(
            f"{repository}: {name!r} is no annotated tag, and so no release; it leads"
            f" to the {kind} {id}; ask for --type {GIT_TYPES[str(kind)]}"
        )
    return _expressed(repository, "tag", id)


def object_at(repository: Repository, name: str, path: str) -> Swhid:
    """What lies at a path in the commit or tree that a name stands for.

    Args:
        repository: where to look.
        name: of a commit, a tree, or a tag of one.
        path: a POSIX path from the root of the repository; "" for the root itself.

    Raises:
        UsageError: nothing is there, or it is in a SHA-256 repository.
        ServiceError: an object is missing, or its bytes do not have its id.
    """
    id = _behind_tags(repository, object_named(repository, name))
    tree = repository.tree_of(id) or id
    if repository.kind_of(tree) != "tree":
        _refuse_missing(repository, tree)
        raise UsageError(f"{repository}: {name!r} stands for nothing that has files")
    if not path:
        repository.objects.tree(tree)  # re-hashed
        return _expressed(repository, "tree", tree)
    entry = repository.objects.entry(tree, path)
    if entry is None:
        raise UsageError(f"{repository}: there is no {path!r} in {name}")
    return _expressed(repository, _kind(entry), entry.id)


def _kind(entry: TreeEntry) -> str:
    return {FOLDER: "tree", SUBMODULE: "commit"}.get(entry.mode, "blob")


def snapshot_of(repository: Repository) -> Snapshot:
    """The state of all references, HEAD among them.

    Source: SWHID specification v1.2, clause 5.

    Raises:
        UsageError: it is a SHA-256 repository.
        ServiceError: the repository cannot be read.
    """
    said = dict(packed_references(repository.common))
    said |= dict(loose_references(repository.common))
    said["HEAD"] = one_reference(repository.directory / "HEAD")
    kinds = repository.objects.kinds(
        id for id in said.values() if not id.startswith("ref: ")
    )
    branches = {
        name.encode("utf-8", "surrogateescape"): _branch(repository, target, kinds)
        for name, target in said.items()
    }
    body = snapshot_body(branches)
    return Snapshot(Swhid("snp", git_id("snapshot", body)), branches)


def _branch(
    repository: Repository, target: str, kinds: dict[str, str]
) -> Branch | None:
    if target.startswith("ref: "):
        name = target.removeprefix("ref: ")
        return Branch("alias", name.encode("utf-8", "surrogateescape"))
    if target not in kinds:
        return None
    found = _expressed(repository, kinds[target], target)
    return Branch(TYPES[found.type], bytes.fromhex(found.hex))


def _behind_tags(repository: Repository, id: str) -> str:
    for _ in range(_MOST_TAGS):
        target = repository.objects.tag(id)
        if target is None:
            return id
        id = target
    raise ServiceError(f"{repository}: tags of tags of tags, and no end of them")


def _refuse_missing(repository: Repository, id: str) -> None:
    if repository.kind_of(id) is None:
        raise ServiceError(f"{repository}: the object {id} is missing")


def _expressed(repository: Repository, kind: str, id: str) -> Swhid:
    found = swhid_of_git(kind, id)
    if found is None:
        raise UsageError(
            f"{repository}: names its objects by SHA-256; SWHID version 1 has no way to"
            " name them"
        )
    return found
