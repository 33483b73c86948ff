"""Looking for a commit: at the user's own places first, then at its origin's."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from reverify.errors import (
    DamagedObjectError,
    MissingObjectError,
    RefusedError,
    ServiceError,
    TooLargeError,
    UsageError,
)
from reverify.model.finding import Evidence
from reverify.model.swhid import swhid_of_git
from reverify.services.clock import Clock
from reverify.services.git.answers import (
    CouldNotTell,
    Found,
    NotFound,
    Place,
    PlaceError,
    Reach,
    Reachability,
    Reason,
    Why,
)
from reverify.services.git.cache import KEPT_BYTES, KEPT_SECONDS, Cache
from reverify.services.git.credentials import Credentials
from reverify.services.git.local import first_there, local_revision, opened
from reverify.services.git.objects import FULL_ID, Objects
from reverify.services.git.origins import (
    Mirror,
    hosts_of,
    local_path,
    without_password,
)
from reverify.services.git.reachability import (
    FORK_HOSTS,
    Question,
    in_clone,
    in_repository,
)
from reverify.services.git.remote import CodeLimits
from reverify.services.git.revision import Named, Revision, read_revision
from reverify.services.git.servers import Servers
from reverify.services.http import Http


class Recovered(Protocol):
    """What the archive gave back; close it when done."""

    @property
    def objects(self) -> Objects:
        """Where its objects are."""

    def close(self) -> None:
        """Let go of them."""


class Vault(Protocol):
    """The archive, asked for one object with all trees and files below it."""

    def __call__(self, swhid: str, /) -> Recovered | None:
        """Have it back; None if the archive does not hold it.

        Raises:
            ServiceError: that cannot be told.
        """


class _Step(NamedTuple):
    """One place, and how it is asked."""

    place: Place
    source: str
    look: Callable[[], Revision]


class CodeSources:
    """All places where code may be, in the order in which they are asked.

    Args:
        cache: what is kept of what was fetched.
        http: the door to the web; None when offline, and then no server is asked.
        clock: what time it is.
        sources: paths and addresses that the user gave for this crate.
        clones: paths of the user's own clones, whatever they are clones of.
        mirrors: what stands in for which origins.
        vault: the archive, asked last.
        allow_private: whether private and loopback addresses may be contacted; by http,
            too.
        credentials: the user's own, for hosts of `sources` and `mirrors` alone.
        limits: what it may cost.
        fork_hosts: hosts that share objects between forks.
    """

    def __init__(
        self,
        *,
        cache: Cache,
        http: Http | None,
        clock: Clock,
        sources: Sequence[str] = (),
        clones: Sequence[Path] = (),
        mirrors: Sequence[Mirror] = (),
        vault: Vault | None = None,
        allow_private: bool = False,
        credentials: Credentials | None = None,
        limits: CodeLimits | None = None,
        fork_hosts: frozenset[str] = FORK_HOSTS,
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._sources = tuple(sources)
        self._clones = tuple(clones)
        self._mirrors = tuple(mirrors)
        self._vault = vault
        self._limits = limits or CodeLimits()
        targets = (mirror.target for mirror in self._mirrors)
        self._servers = Servers(
            cache=cache,
            http=http,
            allow_private=allow_private,
            credentials=credentials,
            trusted=hosts_of([*self._sources, *targets]),
            limits=self._limits,
            fork_hosts=fork_hosts,
        )

    # -- finding -----------------------------------------------------------------------

    def find(
        self,
        commit: str,
        *,
        kind: str = "commit",
        origin: str | None = None,
        paths: Iterable[str] = (),
    ) -> Found | NotFound | CouldNotTell:
        """Look for a commit, its trees, and the contents of files in it.

        Args:
            commit: a whole id, in lower case.
            kind: `tag` or `tree`, if that is what has the id.
            origin: the address of its repository, as the crate says it.
            paths: files whose contents are wanted too. To compare a file with a commit
                its id is enough; contents are needed for pointers of Git LFS.

        Returns:
            what the first place gave that has all of it; else why not.

        Raises:
            UsageError: that is no whole id, or a path of the user's is no repository.
        """
        if not FULL_ID.fullmatch(commit):
            raise UsageError(f"{commit!r} is no whole id of a {kind}")
        named = Named(kind, commit)
        wanted = tuple(dict.fromkeys(paths))
        evidence: list[Evidence] = []
        reasons: list[Reason] = []
        best: tuple[Revision, tuple[str, ...]] | None = None
        for step in self._steps(named, origin, wanted):
            answer = self._take(step, wanted)
            if isinstance(answer, Reason):
                reasons.append(answer)
                evidence.append(self._evidence(step, named, answer.text))
                continue
            revision, lacking, said = answer
            evidence.append(self._evidence(step, named, said))
            if not lacking:
                if best is not None:
                    best[0].close()
                return Found(
                    revision=revision,
                    place=step.place,
                    source=step.source,
                    evidence=tuple(evidence),
                    reasons=tuple(reasons),
                )
            reasons.append(Reason(step.place, step.source, Why.INCOMPLETE, said))
            if best is not None and len(best[1]) <= len(lacking):
                revision.close()
                continue
            if best is not None:
                best[0].close()
            best = revision, lacking
        if reasons and all(reason.why.settles for reason in reasons):
            return NotFound(reasons=tuple(reasons), evidence=tuple(evidence))
        return CouldNotTell(
            reasons=tuple(reasons),
            evidence=tuple(evidence),
            revision=best[0] if best else None,
            lacking=best[1] if best else (),
        )

    def _take(
        self, step: _Step, wanted: Sequence[str]
    ) -> Reason | tuple[Revision, tuple[str, ...], str]:
        """Ask one place.

        Returns:
            the commit, the paths whose contents it lacks, and what is said of it; or
            why there is none.
        """
        try:
            revision = step.look()
        except PlaceError as error:
            found = step.place, step.source, error.why, error.text
            return Reason(*found, instead=error.instead)
        except ServiceError as error:
            return Reason(step.place, step.source, _why(error), str(error))
        try:
            lacking = tuple(entry.name for entry in revision.lacking(wanted))
            left = [path for path in wanted if path not in lacking]
            revision.see(left, self._limits.contents_bytes)
        except ServiceError as error:
            revision.close()
            return Reason(step.place, step.source, _why(error), str(error))
        kind = revision.named.kind
        said = f"found, and hashed again: the {kind} and {revision.trees} trees"
        if kind == "tree":
            said = f"found, and hashed again: {revision.trees} trees"
        said += f" ({revision.note})" if revision.note else ""
        if lacking:
            said += f"; the contents of {_listed(lacking)} are missing there"
        return revision, lacking, said

    def _evidence(self, step: _Step, named: Named, said: str) -> Evidence:
        method = f"{step.place}: {named} with its trees"
        return Evidence(method, said, self._clock.now(), step.source)

    def close(self) -> None:
        """Throw away what was kept for long, and of the rest what is too much."""
        self._cache.prune(KEPT_BYTES, KEPT_SECONDS)

    # -- the places --------------------------------------------------------------------

    def _steps(
        self, named: Named, origin: str | None, paths: Sequence[str]
    ) -> Iterator[_Step]:
        for text in self._sources:
            yield self._given(Place.SOURCE, text, named, paths)
        for path in self._clones:
            look = partial(local_revision, [path], named)
            yield _Step(Place.CLONE, str(path), look)
        if origin is not None:
            yield from self._of_origin(origin, named, paths)
        if self._vault is not None:
            source = "Software Heritage"
            yield _Step(Place.VAULT, source, partial(self._recover, named))

    def _given(
        self, place: Place, text: str, named: Named, paths: Sequence[str]
    ) -> _Step:
        """A place that the user named, by its path or its address."""
        path = local_path(text)
        if path is not None:
            return _Step(place, str(path), partial(local_revision, [path], named))
        shown = without_password(text)
        return _Step(place, shown, partial(self._servers.look, text, named, paths))

    def _of_origin(
        self, origin: str, named: Named, paths: Sequence[str]
    ) -> Iterator[_Step]:
        try:
            read = self._servers.read(origin)
        except RefusedError as error:
            reason = PlaceError(Why.REFUSED, str(error))
            yield _Step(Place.ORIGIN, without_password(origin), partial(_fail, reason))
            return
        for mirror in self._mirrors:
            there = mirror.of(read)
            if isinstance(there, str):
                yield self._given(Place.MIRROR, there, named, paths)
            elif there is not None:
                yield _Step(
                    Place.MIRROR,
                    str(there[0]),
                    lambda folders=there: local_revision(
                        folders, named, is_mirror=True
                    ),  # type: ignore[misc]
                )
        yield _Step(
            Place.ORIGIN, read.url, partial(self._servers.look, read.url, named, paths)
        )

    def _recover(self, named: Named) -> Revision:
        swhid = swhid_of_git(named.kind, named.id)
        if self._vault is None or swhid is None:
            raise PlaceError(Why.UNASKED, "the archive names objects by SHA-1 alone")
        found = self._vault(swhid.core)
        if found is None:
            raise PlaceError(Why.ABSENT, "the archive does not hold it")
        with contextlib.ExitStack() as stack:
            stack.callback(found.close)
            revision = read_revision(found.objects, named, found.close)
            if revision is None:
                text = f"the archive gave a bundle without the {named.kind}"
                raise PlaceError(Why.INCOMPLETE, text)
            stack.pop_all()
        return revision

    # -- reachability ------------------------------------------------------------------

    def reachability(
        self, commit: str, origin: str, *, branch: str | None = None
    ) -> Reachability:
        """Tell whether a branch or tag of an origin holds on to a commit.

        A mirror in a folder is asked in place of the origin, if there is one; a server
        is asked each time, since branches move. Where none tells, the user's own clones
        are asked, and the answer says so.

        Args:
            commit: a whole id, in lower case.
            origin: the address of the repository, as the crate says it.
            branch: the branch that the commit is said to be on.

        Raises:
            UsageError: that is no whole id.
        """
        if not FULL_ID.fullmatch(commit):
            raise UsageError(f"{commit!r} is no whole id of a commit")
        question = Question(commit, branch, self._clock.now())
        answer = self._at_origin(origin, question)
        if answer.reach is not Reach.UNKNOWN:
            return answer
        for near in self._in_clones(origin, question):
            said = (*answer.evidence, *near.evidence)
            if near.reach is Reach.REFERENCE:
                return replace(near, evidence=said)
            reason = f"{answer.reason}; {near.reason}"
            answer = replace(answer, reason=reason, evidence=said, asked=True)
        return answer

    def _at_origin(self, origin: str, question: Question) -> Reachability:
        """What the origin tells, or a mirror in its place."""
        try:
            read = self._servers.read(origin)
            for there in (mirror.of(read) for mirror in self._mirrors):
                if isinstance(there, str):
                    stand_in = self._servers.read(there)
                    return self._servers.reachability(stand_in, question)
                folder = first_there(there or [])
                if folder is not None:
                    with opened(folder) as repository:
                        return in_repository(repository, question)
            return self._servers.reachability(read, question)
        except ServiceError as error:
            method = f"which branches and tags reach {question.commit}"
            source = without_password(origin)
            evidence = Evidence(method, str(error), question.at, source)
            return Reachability(
                reach=Reach.UNKNOWN,
                reason=str(error),
                evidence=(evidence,),
                asked=not (isinstance(error, PlaceError) and error.why is Why.UNASKED),
            )

    def _in_clones(self, origin: str, question: Question) -> Iterator[Reachability]:
        """What the user's own clones tell, those that can be read."""
        folders = (local_path(text) for text in self._sources)
        for folder in (*(path for path in folders if path), *self._clones):
            with contextlib.suppress(ServiceError), opened(folder) as repository:
                yield in_clone(repository, origin, question)


def _fail(error: PlaceError) -> Revision:
    raise error


def _why(error: ServiceError) -> Why:
    """Which word fits an error of reading."""
    for kind, why in (
        (MissingObjectError, Why.INCOMPLETE),
        (DamagedObjectError, Why.DAMAGED),
        (TooLargeError, Why.LIMIT),
    ):
        if isinstance(error, kind):
            return why
    return Why.UNREACHABLE


def _listed(paths: Sequence[str], most: int = 3) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
