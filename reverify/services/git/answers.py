"""What is told of a commit that was looked for: where it is, or why it is not had.

That a place could not be asked is never the same as that it has nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reverify.errors import ServiceError
from reverify.model.finding import Evidence
from reverify.services.git.revision import Revision


class Place(StrEnum):
    """Where code is looked for, in this order."""

    SOURCE = "source"
    CLONE = "clone"
    MIRROR = "mirror"
    ORIGIN = "origin"
    VAULT = "vault"


class Why(StrEnum):
    """Why a place did not give a commit; the first three say that it is not there."""

    ABSENT = "absent"
    NOT_REACHED = "not-reached"
    GONE = "gone"
    DENIED = "denied"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    LIMIT = "limit"
    DAMAGED = "damaged"
    INCOMPLETE = "incomplete"
    UNASKED = "unasked"

    @property
    def settles(self) -> bool:
        """Whether the place was asked, and does not have it."""
        return self in {Why.ABSENT, Why.NOT_REACHED, Why.GONE}


class Reason(NamedTuple):
    """Why one place did not give a commit.

    Attributes:
        place: which kind of place.
        source: its address or path.
        why: in one word.
        text: in a sentence; may quote a server, so untrusted text.
        instead: the kind of object that has the id, if it is not the one looked for.
    """

    place: Place
    source: str
    why: Why
    text: str
    instead: str = ""


class PlaceError(ServiceError):
    """A place does not give what it is asked for.

    Args:
        why: in one word.
        text: in a sentence.
        instead: the kind of object that has the id, if it is not the one looked for.
    """

    def __init__(self, why: Why, text: str, *, instead: str = "") -> None:
        super().__init__(text)
        self.why = why
        self.text = text
        self.instead = instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A commit, with all its trees, and the contents of the files that were asked for.

    Attributes:
        revision: what was read, and hashed again by us; close it when done.
        place: where it was.
        source: the address or path of that place.
        evidence: what each place was asked and what it answered, in that order.
        reasons: why the places before did not give it.
    """

    revision: Revision
    place: Place
    source: str
    evidence: tuple[Evidence, ...]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """Every place that was asked says that it does not have the commit.

    Attributes:
        reasons: one for each place.
        evidence: what each place was asked and what it answered.
    """

    reasons: tuple[Reason, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldNotTell:
    """No place gave all that was asked for, and one at least might have it.

    Attributes:
        reasons: one for each place.
        evidence: what each place was asked and what it answered.
        revision: the commit and all its trees, if some place had these and lacks only
            contents of files; close it when done.
        lacking: the paths whose contents no place has, if only these lack.
    """

    reasons: tuple[Reason, ...]
    evidence: tuple[Evidence, ...]
    revision: Revision | None = None
    lacking: tuple[str, ...] = ()


class Reach(StrEnum):
    """From where a commit is reached at its origin."""

    REFERENCE = "reference"
    HASH = "hash"
    GONE = "gone"
    NO_REPOSITORY = "no-repository"
    UNKNOWN = "unknown"


class Loss(StrEnum):
    """What became of the branch that a commit was on, as far as that shows."""

    REWRITTEN = "rewritten"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability:
    """Whether a branch or tag of an origin holds on to a commit.

    Attributes:
        reach: from where it is reached.
        reason: one sentence; may quote a server, so untrusted text.
        evidence: what was asked and what was answered.
        references: the full names of the branches and tags that reach it; those that
            point to it, if some do.
        proposals: references of other kinds that point to it, `refs/pull/1/head` say.
        loss: of a commit that none reaches: what became of its branch.
        twin: a commit that a branch or tag reaches now, by the same author of the same
            second: what it was rewritten as.
        from_fork: whether the host shares objects between forks, so that it may never
            have been in this repository.
        asked: whether any place was asked.
    """

    reach: Reach
    reason: str
    evidence: tuple[Evidence, ...]
    references: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    loss: Loss = Loss.UNKNOWN
    twin: str | None = None
    from_fork: bool = False
    asked: bool = True
