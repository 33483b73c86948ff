"""Answers of the archive: what it said, when, and what that does not show.

That the archive could not be asked is never the same as that it holds nothing: each is
a type of its own, and none of them is an exception.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which question an answer belongs to: the evidence behind it.

    Attributes:
        url: what was asked.
        at: when it was answered, in UTC; for a kept answer, when it was given first.
        status: the HTTP status; None if nobody answered.
        kept: whether the answer comes from our cache.
    """

    url: str
    at: datetime
    status: int | None
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The archive says that it holds an object of this id and type.

    It does not say that the object can be had, nor that all beneath it is held: masked
    objects and files whose bytes were not kept are known too.

    Attributes:
        what: the core SWHID.
        asked: the evidence.
    """

    what: str
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Served(Generic[T_co]):
    """The archive gave what was asked for.

    Attributes:
        value: what it gave, in the shape of its kind; by the archive's own word.
        asked: the evidence.
    """

    value: T_co
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHeld:
    """The archive says that it does not hold this now.

    Attributes:
        what: what was asked for.
        reason: the archive's own words, if it gave any; untrusted text.
        asked: the evidence.
    """

    what: str
    reason: str = ""
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """The archive has it and does not show it: a takedown, decided or pending.

    Attributes:
        what: what was asked for.
        objects: the SWHIDs that are masked, each with `restricted` or
            `decision-pending`.
        asked: the evidence.
    """

    what: str
    objects: tuple[tuple[str, str], ...]
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldNotTell:
    """The archive could not be asked, or its answer says nothing of the matter.

    Attributes:
        what: what was asked for.
        reason: why, as a sentence; may quote the archive, so untrusted text.
        retry_at: when asking again makes sense, in UTC, if that is known.
        asked: the evidence; None if nothing was sent.
    """

    what: str
    reason: str
    retry_at: datetime | None = None
    asked: Asked | None = None


Known: TypeAlias = Held | NotHeld | CouldNotTell
"""An answer to whether the archive knows an object; it never shows the object."""
Answer: TypeAlias = Served[T] | NotHeld | Withheld | CouldNotTell
"""An answer to a request for something."""
