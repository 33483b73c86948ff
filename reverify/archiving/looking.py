"""Looking up at the archive what many locations name, each thing once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reverify.archiving.subjects import Code, Named, Subject, why_not_told
from reverify.model.swhid import Swhid, qualified
from reverify.services.software_heritage.answers import (
    CouldNotTell,
    Held,
    Known,
    NotHeld,
    Served,
)
from reverify.services.software_heritage.asking import Allowance, Patience
from reverify.services.software_heritage.tags import follow_tags

if TYPE_CHECKING:
    from reverify.services.software_heritage import Archive
    from reverify.services.software_heritage.objects import Snapshot
    from reverify.services.software_heritage.origins import Visit

SNAPSHOTS = 5
"""How many states of one origin are looked at, the newest first."""
VISITS = 100
HISTORY = 1000
"""How far back from a branch a commit is looked for."""
_KEPT = ("refs/heads/", "refs/tags/")
"""Anybody can put a commit below other names, by a pull request."""


class State(StrEnum):
    """What became of a question."""

    HELD = "held"
    NOT_HELD = "not-held"
    UNDETERMINED = "undetermined"


class Looked(NamedTuple):
    """An object, and what the archive says of it.

    Attributes:
        named: the object.
        state: whether it is held.
        reason: why it could not be told, or "".
        at: when the archive was asked, ISO 8601, or "".
    """

    named: Named
    state: State
    reason: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFound:
    """An origin, and what the archive says of it.

    Attributes:
        asked: the address that a location names.
        url: the same as the archive spells it, or "".
        state: whether the archive has seen anything of it.
        reason: why not, or why it could not be told; or "".
        visits: those that saw something, the newest first.
    """

    asked: str
    state: State
    url: str = ""
    reason: str = ""
    visits: "tuple[Visit, ...]" = ()

    @property
    def last(self) -> "Visit | None":
        """The last visit that saw all of it; else the last that saw anything."""
        full = (visit for visit in self.visits if visit.status == "full")
        return next(full, next(iter(self.visits), None))


class Seen(NamedTuple):
    """A visit that saw a commit.

    Attributes:
        visit: the newest such visit that was looked at.
        since: the date of the oldest one.
        branch: the branch or tag that led to it then.
        is_tip: whether it was that branch's own commit, and not one before it.
    """

    visit: "Visit"
    since: str
    branch: str
    is_tip: bool


class CodeFound(NamedTuple):
    """A state of code, and what the archive says of it.

    Attributes:
        code: what is named.
        tree: the tree of its commit, as named or else as the archive says, or "".
        origin: where it is said to be from; None if no origin is named.
        seen: the visit that saw it there; None if none is known.
        swhids: the identifiers to write down: of what is held, as far as it is known.
    """

    code: Code
    tree: str
    origin: OriginFound | None
    seen: Seen | None
    swhids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A location, and what the archive says of the code that it names.

    Attributes:
        subject: what it names.
        objects: each object.
        codes: each state of code.
    """

    subject: Subject
    objects: tuple[Looked, ...]
    codes: tuple[CodeFound, ...]

    @property
    def state(self) -> State:
        """Whether all is held: all objects, or where there are none all origins.

        What cannot be asked keeps it from being so.
        """
        states = {each.state for each in self.objects}
        if not self.objects:
            states = {code.origin.state for code in self.codes if code.origin}
        if State.NOT_HELD in states:
            return State.NOT_HELD
        if self.subject.unasked:
            return State.UNDETERMINED
        return State.HELD if states == {State.HELD} else State.UNDETERMINED

    @property
    def origins(self) -> tuple[OriginFound, ...]:
        """The origins, each once."""
        found = [code.origin for code in self.codes if code.origin]
        return tuple({each.asked: each for each in found}.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The origins that a visit might help: the archive lacks them or their code."""
        lacking = {
            each.named.swhid for each in self.objects if each.state is State.NOT_HELD
        }
        found = [
            code.origin.asked
            for code in self.codes
            if code.origin
            and (
                code.origin.state is State.NOT_HELD
                or lacking.intersection(code.code.objects)
            )
        ]
        return tuple(dict.fromkeys(found))


class Looker:
    """Looks up what locations name; nothing is asked twice.

    Args:
        archive: whom to ask.
        offline: whether kept answers alone count.
    """

    def __init__(self, archive: "Archive", *, offline: bool = False) -> None:
        self._archive = archive
        self._patience = Patience(requests=0) if offline else None
        self._offline = offline
        self._origins: dict[str, OriginFound] = {}
        self._snapshots: dict[str, Snapshot | None] = {}
        self._histories: dict[str, tuple[str, ...]] = {}
        self._spend = self._allowance()

    def look_up(
        self,
        subjects: Sequence[Subject],
        *,
        fresh: bool = False,
        changed: Iterable[str] = (),
    ) -> list[Found]:
        """Look up all that some locations name.

        Args:
            subjects: the locations.
            fresh: whether to ask again about what was not held when last asked.
            changed: origins that were visited since.
        """
        self._spend = self._allowance()
        for origin in changed:
            self._origins.pop(origin, None)
        known = self._archive.known(
            (named.swhid for subject in subjects for named in subject.named),
            allowance=self._allowance(),
            fresh=fresh,
        )
        return [self._found(subject, known, fresh=fresh) for subject in subjects]

    def _allowance(self) -> Allowance:
        return self._archive.allowance(self._patience)

    def _found(
        self, subject: Subject, known: Mapping[str, Known], *, fresh: bool
    ) -> Found:
        objects = tuple(
            self._looked(named, known[named.swhid]) for named in subject.named
        )
        held = {each.named.swhid for each in objects if each.state is State.HELD}
        codes = tuple(self._code(code, held, fresh=fresh) for code in subject.codes)
        return Found(subject=subject, objects=objects, codes=codes)

    def _looked(self, named: Named, answer: Known) -> Looked:
        match answer:
            case Held():
                state, reason = State.HELD, ""
            case NotHeld():
                state, reason = State.NOT_HELD, ""
            case CouldNotTell():
                state, reason = State.UNDETERMINED, self._why(answer)
        at = answer.asked.at.isoformat(timespec="seconds") if answer.asked else ""
        return Looked(named, state, reason, at)

    def _why(self, answer: object) -> str:
        """Why something could not be told."""
        if self._offline:
            return "not asked, since we are offline, and no answer is kept"
        if isinstance(answer, CouldNotTell):
            later = ""
            if answer.retry_at is not None:
                later = f"; ask again after {answer.retry_at:%Y-%m-%dT%H:%M:%SZ}"
            return f"{answer.reason}{later}"
        return "the archive does not show it"

    # -- origins -----------------------------------------------------------------------

    def _origin(self, address: str, *, fresh: bool) -> OriginFound:
        if address not in self._origins:
            self._origins[address] = self._look_up_origin(address, fresh=fresh)
        return self._origins[address]

    def _look_up_origin(self, address: str, *, fresh: bool) -> OriginFound:
        if why := why_not_told(address, self._archive.base):
            return OriginFound(asked=address, state=State.UNDETERMINED, reason=why)
        origins = self._archive.origins
        found = origins.find(address, fresh=fresh, allowance=self._spend)
        if isinstance(found, NotHeld):
            reason = "the archive does not know this origin"
            return OriginFound(asked=address, state=State.NOT_HELD, reason=reason)
        if not isinstance(found, Served):
            why = self._why(found)
            return OriginFound(asked=address, state=State.UNDETERMINED, reason=why)
        url = found.value.url
        answer = origins.visits(url, most=VISITS, fresh=fresh, allowance=self._spend)
        if not isinstance(answer, (Served, NotHeld)):
            state, why = State.UNDETERMINED, self._why(answer)
            return OriginFound(asked=address, url=url, state=state, reason=why)
        every = answer.value.visits if isinstance(answer, Served) else ()
        visits = tuple(visit for visit in every if visit.snapshot)
        if visits:
            return OriginFound(asked=address, url=url, state=State.HELD, visits=visits)
        reason = "the archive never visited it"
        if every:
            last = every[0]
            reason = f"no visit saw anything; the last, of {last.date}: {last.status}"
        return OriginFound(asked=address, url=url, state=State.NOT_HELD, reason=reason)

    # -- code --------------------------------------------------------------------------

    def _code(self, code: Code, held: set[str], *, fresh: bool) -> CodeFound:
        origin = self._origin(code.origin, fresh=fresh) if code.origin else None
        revision = Swhid("rev", code.commit) if code.commit else None
        if revision is None or revision.core not in held:
            return CodeFound(code, code.tree, origin, None, ())
        seen = None
        if origin is not None and origin.state is State.HELD:
            seen = self._seen(code.commit, origin)
        tree = code.tree
        if not tree:
            answer = self._archive.revision(code.commit, allowance=self._spend)
            tree = answer.value.directory if isinstance(answer, Served) else ""
        elif Swhid("dir", tree).core not in held:
            tree = ""
        return CodeFound(
            code, tree, origin, seen, _qualified(revision, tree, origin, seen)
        )

    def _seen(self, commit: str, origin: OriginFound) -> Seen | None:
        """Find the newest and the oldest visit that is known to have seen a commit."""
        found: list[tuple[Visit, str]] = []
        snapshots = dict.fromkeys(visit.snapshot for visit in origin.visits)
        for id in list(snapshots)[:SNAPSHOTS]:
            branch = self._branch_of(commit, id or "")
            if branch:
                found += [(v, branch) for v in origin.visits if v.snapshot == id]
        if found:
            found.sort(key=lambda pair: pair[0].number)
            visit, branch = found[-1]
            return Seen(visit, found[0][0].date, branch, is_tip=True)
        last = origin.last
        if last is None:
            return None
        if tag := self._tag_of(commit, last.snapshot or ""):
            return Seen(last, last.date, tag, is_tip=True)
        branch, tip = self._head(last.snapshot or "")
        history = self._history(tip) if tip else ()
        if commit not in history:
            return None
        return Seen(last, last.date, branch, is_tip=False)

    def _snapshot(self, id: str) -> "Snapshot | None":
        if id not in self._snapshots:
            answer = self._archive.snapshot(id, allowance=self._spend)
            found = answer.value if isinstance(answer, Served) else None
            self._snapshots[id] = found
        return self._snapshots[id]

    def _branch_of(self, commit: str, snapshot: str) -> str:
        """A branch or tag that is at a commit."""
        found = self._snapshot(snapshot)
        for name, branch in found.branches.items() if found else ():
            if name.startswith(_KEPT) and branch and branch.target == commit:
                return name
        return ""

    def _tag_of(self, commit: str, snapshot: str) -> str:
        """An annotated tag that is of a commit."""
        found = self._snapshot(snapshot)
        if found is None:
            return ""
        return follow_tags(self._archive, found, commit, self._spend).name

    def _head(self, snapshot: str) -> tuple[str, str]:
        """The branch that HEAD is, and its commit."""
        found = self._snapshot(snapshot)
        head = found.branches.get("HEAD") if found else None
        end = found.branch("HEAD") if found else None
        if end is None or end.type != "revision" or head is None:
            return "", ""
        return (head.target if head.type == "alias" else "HEAD"), end.target

    def _history(self, tip: str) -> tuple[str, ...]:
        if tip not in self._histories:
            answer = self._archive.history(tip, most=HISTORY, allowance=self._spend)
            found = answer.value if isinstance(answer, Served) else ()
            self._histories[tip] = found
        return self._histories[tip]


def _qualified(
    revision: Swhid, tree: str, origin: OriginFound | None, seen: Seen | None
) -> tuple[str, ...]:
    """The identifiers of a commit and its tree, with where they were seen.

    Source: SWHID specification v1.2, clause 6.
    """
    url = visit = None
    if origin is not None and seen is not None:
        url, visit = origin.url, Swhid("snp", seen.visit.snapshot or "")
    try:
        found = [qualified(revision, origin=url, visit=visit)]
        if tree:
            root = Swhid("dir", tree)
            found.append(
                qualified(root, origin=url, visit=visit, anchor=revision, path="/")
            )
    except ValueError:  # an origin that no qualifier can name
        found = [revision]
    return tuple(map(str, found))
