"""Whether a branch or tag of an origin holds on to a commit, and what became of it."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from reverify.errors import ServiceError
from reverify.model.finding import Evidence
from reverify.model.origins import normalised
from reverify.services.git.answers import (
    Loss,
    PlaceError,
    Reach,
    Reachability,
    Why,
)
from reverify.services.git.cache import Kept
from reverify.services.git.command import Git
from reverify.services.git.objects import Objects
from reverify.services.git.remote import Remote
from reverify.services.git.repository import Repository

FORK_HOSTS = frozenset({"github.com", "gitlab.com"})
"""Hosts that keep the objects of all forks of a repository in one place."""
_HEADS, _TAGS, _THEIRS = "refs/heads/", "refs/tags/", "refs/theirs/"
_CLONED = "refs/remotes/origin/"
_MOST_COMMITS = 1_000_000
_TRAITS = "%H%x00%an%x00%ae%x00%at%x00%T%x00%s"


class Question(NamedTuple):
    """What is asked of an origin.

    Attributes:
        commit: a whole id.
        branch: the branch that it is said to be on, or None.
        at: when it is asked.
    """

    commit: str
    branch: str | None
    at: datetime


class Tips(NamedTuple):
    """What points to a commit.

    Attributes:
        names: all branches and tags.
        here: those that point to the commit, by way of a tag perhaps.
    """

    names: frozenset[str]
    here: tuple[str, ...]


def in_repository(repository: Repository, question: Question) -> Reachability:
    """Tell it of a repository on this machine.

    Raises:
        ServiceError: it is damaged.
    """
    commit = question.commit
    if repository.kind_of(commit) is None:
        reason = f"{repository}: has no commit {commit}"
        reach = Reach.UNKNOWN if repository.is_shallow else Reach.GONE
        return _answer(question, str(repository), reach, reason)
    found = repository.reached_from(commit)
    held = tuple(name for name in found if name.startswith((_HEADS, _TAGS)))
    names = repository.references()
    if held:
        reason = f"{commit} is on {_listed(held)}"
        said = _answer(question, str(repository), Reach.REFERENCE, reason)
        return replace(said, references=held)
    if repository.is_shallow:
        reason = f"{repository}: is shallow, so what its branches reach is not told"
        return _answer(question, str(repository), Reach.UNKNOWN, reason)
    twin = _twin(repository.git, repository.git, commit)
    return _by_hash(question, str(repository), names, twin)


def in_clone(repository: Repository, origin: str, question: Question) -> Reachability:
    """Tell it of the user's own clone, where the origin itself does not tell.

    A branch that is there need not be at the origin, and what is not reached there may
    be reached at the origin: only that it is reached says something.

    Raises:
        ServiceError: it is damaged.
    """
    commit, source = question.commit, str(repository)
    named = repository.origin()
    if named and normalised(named) != normalised(origin):
        reason = f"{source}: is a clone of {named}, another repository"
        return _answer(question, source, Reach.UNKNOWN, reason)
    what = f"{source}, a clone of it" if named else f"{source}, which names no origin"
    starts = (_HEADS, _TAGS, _CLONED)
    there = repository.kind_of(commit) == "commit"
    found = repository.reached_from(commit) if there else ()
    held = tuple(name for name in found if name.startswith(starts))
    if not held:
        reason = f"no branch or tag reaches it in {what}"
        return _answer(question, source, Reach.UNKNOWN, reason)
    reason = f"{commit} is on {_listed(held)} in {what}"
    said = _answer(question, source, Reach.REFERENCE, reason)
    return replace(said, references=held)


def at_origin(
    remote: Remote,
    kept: Kept,
    question: Question,
    *,
    holder: Git | None,
    why: PlaceError | None,
    fork_hosts: frozenset[str] = FORK_HOSTS,
) -> Reachability:
    """Tell it of a repository on the web.

    Args:
        remote: which.
        kept: where its history is fetched to.
        question: what is asked.
        holder: a repository of ours in which the commit is, fetched from there.
        why: why the commit could not be fetched from there, if it could not.
        fork_hosts: hosts that share objects between forks.
    """
    source = remote.origin.url
    try:
        found = _ask(remote, kept, question, holder, why)
    except PlaceError as error:
        reach = Reach.NO_REPOSITORY if error.why is Why.GONE else Reach.UNKNOWN
        return _answer(question, source, reach, error.text)
    except ServiceError as error:
        return _answer(question, source, Reach.UNKNOWN, str(error))
    if found.reach is Reach.HASH and remote.origin.host in fork_hosts:
        reason = "this host gives objects of forks too, so it may be from a fork"
        return replace(found, from_fork=True, reason=f"{found.reason}; {reason}")
    return found


def _ask(
    remote: Remote,
    kept: Kept,
    question: Question,
    holder: Git | None,
    why: PlaceError | None,
) -> Reachability:
    """Ask for as much as is needed: the tips, then the history, then all references.

    Raises:
        PlaceError: the server does not tell.
        ServiceError: what it gave cannot be read.
    """
    source, commit = remote.origin.url, question.commit
    tips = read_tips(remote.references(_HEADS + "*", _TAGS + "*"), commit)
    if tips.here:
        reason = f"{commit} is where {_listed(tips.here)} points to"
        said = _answer(question, source, Reach.REFERENCE, reason)
        return replace(said, references=tips.here)
    if why is not None and why.why.settles:
        text = why.text.removeprefix(f"{source}: ")
        reason = f"{commit} is gone from {source}: {text}"
        return _answer(question, source, Reach.GONE, reason)
    history = _history(remote, kept, commit)
    held = _holding(history, commit)
    if held:
        reason = f"{commit} is on {_listed(held)}"
        said = _answer(question, source, Reach.REFERENCE, reason)
        return replace(said, references=held)
    if holder is None:
        reason = f"{source}: no branch or tag reaches {commit}; it was not had by hash"
        reason += f" ({why.text})" if why else ""
        return _answer(question, source, Reach.UNKNOWN, reason)
    found = _by_hash(question, source, tips.names, _twin(holder, history, commit))
    proposals = read_tips(remote.references(), commit).here
    if not proposals:
        return found
    reason = f"{found.reason}; {_listed(proposals)} points to it: it was proposed"
    return replace(found, proposals=proposals, reason=reason)


def read_tips(references: Mapping[str, str], commit: str) -> Tips:
    """Which references point to a commit, by way of a tag perhaps."""
    here = {name.removesuffix("^{}") for name, id in references.items() if id == commit}
    names = frozenset(name for name in references if not name.endswith("^{}"))
    return Tips(names, tuple(sorted(here - {"HEAD"})))


def _history(remote: Remote, kept: Kept, commit: str) -> Git:
    """A repository with all commits that branches and tags lead to, without files."""
    algorithm = "sha256" if len(commit) == 64 else "sha1"  # noqa: PLR2004 - digits
    git = kept.git("history", algorithm)
    with kept.alone():
        remote.fetch_history(git)
    return git


def _holding(git: Git, commit: str) -> tuple[str, ...]:
    """The branches and tags from which a commit is reached, branches first."""
    there = git.run("cat-file", "-t", commit, fails=True).strip()
    if there != b"commit":
        return ()
    output = git.run(
        "for-each-ref", f"--contains={commit}", "--format=%(refname)", _THEIRS
    )
    names = output.decode("utf-8", "surrogateescape").split()
    return tuple(f"refs/{name.removeprefix(_THEIRS)}" for name in names)


def _twin(holder: Git, history: Git, commit: str) -> str | None:
    """A commit on a branch or tag that this one was rewritten as.

    Whoever amends, rebases or filters keeps the author, to the second, and changes
    either the tree or the subject, seldom both. What came before it is no twin.
    """
    ours = next(_traits(holder, "--max-count=1", commit, "--"), None)
    if ours is None:
        return None
    algorithm = "sha256" if len(commit) == 64 else "sha1"  # noqa: PLR2004 - digits
    with contextlib.closing(Objects(holder, algorithm)) as objects:
        raw = objects.commit(commit)  # a shallow repository shows no parents
    parents = raw.parents if raw else ()
    before = ["--not", *Objects(history, algorithm).kinds(parents)]
    for theirs in _traits(history, f"--max-count={_MOST_COMMITS}", "--all", *before):
        if theirs[0] != ours[0] and theirs[1:4] == ours[1:4]:
            tree, subject = theirs[4] == ours[4], theirs[5] == ours[5]
            if tree or subject:
                return theirs[0].decode("ascii")
    return None


def _traits(git: Git, *which: str) -> Iterator[list[bytes]]:
    """Id, author's name, address and time, tree and subject of commits."""
    output = git.run("log", "--no-mailmap", f"--format={_TRAITS}", *which, fails=True)
    for line in output.split(b"\n"):
        words = line.split(b"\0")
        if len(words) == 6:  # noqa: PLR2004 - as many as above
            yield words


def _by_hash(
    question: Question, source: str, names: Iterable[str], twin: str | None
) -> Reachability:
    """What is said of a commit that is there, and that no branch or tag reaches."""
    commit, branch = question.commit, question.branch
    reason = f"{commit} is at {source}, and no branch or tag reaches it"
    loss = Loss.UNKNOWN
    if twin is not None:
        loss = Loss.REWRITTEN
        reason += (
            f": history was rewritten; {twin} is by the same author of the same second"
        )
    elif branch is not None and f"{_HEADS}{branch}" in set(names):
        loss = Loss.REWRITTEN
        reason += f": history was rewritten; the branch {branch} is there without it"
    elif branch is not None:
        loss = Loss.DELETED
        reason += f": the branch {branch} is not there any more"
    else:
        reason += "; its branch was deleted, or never was there"
    said = _answer(question, source, Reach.HASH, reason)
    return replace(said, loss=loss, twin=twin)


def _answer(question: Question, source: str, reach: Reach, reason: str) -> Reachability:
    method = f"which branches and tags reach {question.commit}"
    evidence = Evidence(method, reason, question.at, source)
    return Reachability(reach=reach, reason=reason, evidence=(evidence,))


def _listed(names: tuple[str, ...], most: int = 3) -> str:
    short = [name.removeprefix(_HEADS).removeprefix("refs/") for name in names]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(short[:most]) + more
