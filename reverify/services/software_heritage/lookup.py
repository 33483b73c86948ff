"""From a question to an answer: what is kept, else what the archive says, judged."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from reverify.services.software_heritage.answers import (
    Answer,
    Asked,
    CouldNotTell,
    NotHeld,
    Served,
    Withheld,
)
from reverify.services.software_heritage.asking import Allowance, Asker, Said, words_of
from reverify.services.software_heritage.cache import Cache, Kept
from reverify.services.software_heritage.reading import HEX, ShapeError

T = TypeVar("T")
OK, OK_TO, NOT_FOUND, FORBIDDEN = 200, 300, 404, 403
LONGEST = 4000
_SHA256_DIGITS = 64
_ODD = re.compile("[\\x00-\\x20\\x7f\ud800-\udfff]")


class Keeping(NamedTuple):
    """How long answers are kept, in seconds; None is for ever, 0 not at all.

    Attributes:
        immutable: objects, which their ids fix, and that one is held.
        changing: origins and visits.
        absent: that something is not held.
    """

    immutable: float | None = None
    changing: float = 600.0
    absent: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[T]):
    """Something to be looked up.

    Attributes:
        what: what is asked for, as others will name it.
        path: behind the base, encoded, with the slash at its end.
        read: makes a value of the JSON; raises `ShapeError` where it cannot.
        immutable: whether the answer will be the same for ever; None: it is not kept.
        scope: which of the archive's rate limits counts the request.
        method: GET or POST.
        frame: makes one JSON value of all that was said.
        fresh: whether a kept answer does not do.
    """

    what: str
    path: str
    read: Callable[[Any], T]
    immutable: bool | None = True
    scope: str = "api"
    method: str = "GET"
    frame: Callable[[Said], Any] = lambda said: said.document
    fresh: bool = False


class Desk:
    """Where questions are put.

    Args:
        asker: asks the archive.
        cache: what is kept; None keeps nothing.
        keeping: how long.
    """

    def __init__(
        self, asker: Asker, cache: Cache | None, keeping: Keeping | None = None
    ) -> None:
        self.asker = asker
        self.cache = cache
        self.keeping = keeping or Keeping()

    def look_up(self, question: Question[T], allowance: Allowance) -> Answer[T]:
        """Answer a question."""
        kept = self._kept(question)
        if kept is not None:
            return kept
        said = self.asker.ask(
            question.what,
            question.path,
            allowance=allowance,
            scope=question.scope,
            method=question.method,
        )
        if isinstance(said, CouldNotTell):
            return said
        document = question.frame(said) if said.status < OK_TO else said.document
        answer = judge(question.what, said.status, document, said.asked, question.read)
        self._keep(question, answer, said, document)
        return answer

    def _kept(self, question: Question[T]) -> Answer[T] | None:
        if self.cache is None or question.immutable is None or question.fresh:
            return None
        base = self.asker.base
        kept = self.cache.find(base, [question.path]).get(question.path)
        if kept is None:
            return None
        url = base + question.path
        asked = Asked(url=url, at=kept.at, status=kept.status, kept=True)
        document = json.loads(kept.body)
        answer = judge(question.what, kept.status, document, asked, question.read)
        return None if isinstance(answer, CouldNotTell) else answer

    def _keep(
        self, question: Question[T], answer: Answer[T], said: Said, document: object
    ) -> None:
        if self.cache is None or question.immutable is None:
            return
        if isinstance(answer, Served):
            keeping = self.keeping
            seconds = keeping.immutable if question.immutable else keeping.changing
        elif isinstance(answer, NotHeld):
            seconds = self.keeping.absent
        else:
            return
        if seconds == 0:
            return
        body = json.dumps(document)
        kept = Kept(question.path, said.status, body, said.asked.at)
        self.cache.keep(self.asker.base, [kept], seconds)


def judge(
    what: str, status: int, document: object, asked: Asked, read: Callable[[Any], T]
) -> Answer[T]:
    """Tell what an answer means.

    There are two kinds of 404: only one of them says that an object is not held.
    """
    if OK <= status < OK_TO:
        try:
            return Served(value=read(document), asked=asked)
        except ShapeError as error:
            reason = f"the archive's answer has an unexpected shape: {error}"
            return CouldNotTell(what=what, reason=reason, asked=asked)
    found = document if isinstance(document, dict) else {}
    words = words_of(found)
    name = found.get("exception")
    if status == NOT_FOUND and name == "NotFoundExc":
        return NotHeld(what=what, reason=words, asked=asked)
    masked = found.get("masked")
    if status == FORBIDDEN and isinstance(masked, dict):
        return Withheld(what=what, objects=_masked(masked), asked=asked)
    if name == "AuthenticationFailed":
        reason = "the archive refuses the token; make a new one, or set none"
    elif status == NOT_FOUND:
        reason = "there is no such place in the API: is REVERIFY_SWH_URL its base?"
    else:
        reason = f"the archive answered with status {status}"
    reason = f"{reason} ({words})" if words else reason
    return CouldNotTell(what=what, reason=reason, asked=asked)


def _masked(found: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    rows = []
    for swhid, requests in found.items():
        first = requests[0] if isinstance(requests, list) and requests else {}
        status = first.get("status") if isinstance(first, dict) else None
        rows.append((swhid, status if isinstance(status, str) else "restricted"))
    return tuple(rows)


def cannot_ask(what: str, reason: str) -> CouldNotTell:
    """An answer to what cannot even be asked."""
    return CouldNotTell(what=what, reason=reason)


def id_fault(id: str) -> str | None:
    """Why a text is no id of the archive, as a sentence; None if it is one."""
    if HEX.fullmatch(id):
        return None
    if len(id) == _SHA256_DIGITS and HEX.fullmatch(id[:40]):
        return f"{id} is an id of a SHA-256 repository, which SWHID 1 cannot express"
    return f"{id!r} is no id of 40 lower-case hexadecimal digits"


def path_fault(text: str) -> str | None:
    """Why a path or an address cannot stand in a URL of the API; None if it can.

    A `..` in it would lead the request to another place of the API.
    """
    if not text or len(text) > LONGEST:
        return f"it has {len(text):,} characters"
    if _ODD.search(text):
        return f"{text!r} holds a blank, a control character or half a character"
    if {".", ".."} & set(text.split("/")):
        return f"{text!r} holds a part '.' or '..'"
    return None


def in_path(text: str) -> str:
    """An address as a part of a path, its slashes and colons kept."""
    return quote(text, safe="/:")
