"""Commits that a task record names: which repository still has them, and by what.

A record is a JSON object with the lists `completion_shas` and
`completion_shas_missing`. Everything else in it is left as it is, byte for byte.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from reverify.errors import ServiceError, UsageError
from reverify.model.finding import timestamp

FOUND = "completion_shas"
MISSING = "completion_shas_missing"
CHECKED = "completion_shas_checked_at"
_FULL = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_ABBREVIATED = re.compile("[0-9a-f]{4,63}")
_ARCHIVED = 40
"""Digits of the ids that the archive knows; it has no SHA-256 ones."""
_SPACE = re.compile(r"[ \t\n\r]*")


class Place(StrEnum):
    """Where a commit is."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    ARCHIVED = "archived"
    GONE = "gone"
    UNKNOWN = "unknown"
    UNDETERMINED = "undetermined"
    ABBREVIATED = "abbreviated"
    MALFORMED = "malformed"

    @property
    def is_found(self) -> bool:
        """Whether the commit can still be had."""
        return self in {Place.REACHABLE, Place.UNREACHABLE, Place.ARCHIVED}

    @property
    def is_unclear(self) -> bool:
        """Whether it could not be told."""
        return self in {Place.UNKNOWN, Place.UNDETERMINED, Place.ABBREVIATED}


class Archive(StrEnum):
    """What the archive says of a commit."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNTESTED = "untested"


class Source(Protocol):
    """A repository, as far as commits are looked for in it."""

    @property
    def is_shallow(self) -> bool:
        """Whether it lacks the commits before some of its own."""

    @property
    def is_partial(self) -> bool:
        """Whether it leaves objects at a server."""

    def tree_of(self, commit: str) -> str | None:
        """The tree of a commit; None if there is no such commit."""

    def reached_from(self, commit: str) -> tuple[str, ...]:
        """The references from which a commit is reached."""

    def with_prefix(self, prefix: str) -> Sequence[str]:
        """The commits whose ids begin so."""


Ask = Callable[[Sequence[str]], Mapping[str, bool]]
"""Asks the archive for commits: whether it holds each; what it cannot tell is left out.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What was found out about one commit.

    Attributes:
        id: as the record has it.
        place: where it is.
        source: the name of the repository that has it, if one has.
        references: what it is reached from there, full names.
        archive: what the archive says of it.
        candidates: the commits that an abbreviated id may mean.
        reason: one sentence.
    """

    id: str
    place: Place
    reason: str
    source: str | None = None
    references: tuple[str, ...] = ()
    archive: Archive = Archive.UNTESTED
    candidates: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "id": self.id,
            "place": self.place,
            "source": self.source,
            "references": list(self.references),
            "archive": self.archive,
            "candidates": list(self.candidates),
            "reason": self.reason,
        }


# -- looking ---------------------------------------------------------------------------


def look_up(
    ids: Sequence[str], sources: Mapping[str, Source], ask: Ask | None = None
) -> list[Whereabouts]:
    """Say of each commit where it is.

    Args:
        ids: the ids of commits, as a record has them.
        sources: repositories by name; the first that reaches a commit is named.
        ask: asks the archive, all that no repository has at once; None if it may not
            be asked.
    """
    found = [_look_up_one(id, sources) for id in dict.fromkeys(ids)]
    lost = [
        answer.id
        for answer in found
        if answer.place in {Place.UNKNOWN, Place.UNDETERMINED}
        and len(answer.id) == _ARCHIVED
    ]
    if ask is None or not lost:
        return found
    held = ask(lost)
    return [
        _with_archive(answer, held) if answer.id in lost else answer for answer in found
    ]


def _look_up_one(id: str, sources: Mapping[str, Source]) -> Whereabouts:
    if not _FULL.fullmatch(id):
        return _look_up_prefix(id, sources)
    holder: str | None = None
    unclear = []
    for name, source in sources.items():
        try:
            if source.tree_of(id) is None:
                if source.is_shallow or source.is_partial:
                    unclear.append(f"{name} is a shallow or partial clone")
                continue
            holder = holder or name
            references = source.reached_from(id)
        except ServiceError as error:
            unclear.append(f"{name}: {error}")
            continue
        if references:
            more = f" and {len(references) - 1} more" if len(references) > 1 else ""
            return Whereabouts(
                id=id,
                place=Place.REACHABLE,
                source=name,
                references=references,
                reason=f"in {name}, reached from {references[0]}{more}",
            )
    if unclear:
        reason = "; ".join(unclear)
        place = Place.UNDETERMINED
    elif holder:
        place = Place.UNREACHABLE
        reason = (
            f"in {holder}, yet no branch or tag reaches it: git will remove it in time;"
            f" `git branch NAME {id}` keeps it"
        )
    else:
        place = Place.UNKNOWN
        reason = "in none of the repositories; the archive was not asked"
        if len(id) != _ARCHIVED:
            reason = (
                "in none of the repositories; the archive cannot be asked about SHA-256"
            )
    return Whereabouts(id=id, place=place, source=holder, reason=reason)


def _look_up_prefix(id: str, sources: Mapping[str, Source]) -> Whereabouts:
    if not _ABBREVIATED.fullmatch(id):
        reason = "no id of a commit: it needs 40 or 64 digits of 0-9 and a-f"
        return Whereabouts(id=id, place=Place.MALFORMED, reason=reason)
    found = {
        commit: None for source in sources.values() for commit in source.with_prefix(id)
    }
    if not found:
        reason = f"{len(id)} digits of an id that no commit of the repositories has"
    elif len(found) == 1:
        reason = f"{len(id)} digits of {next(iter(found))}, probably; write all of it"
    else:
        reason = f"{len(id)} digits that {len(found)} commits begin with"
    return Whereabouts(
        id=id, place=Place.ABBREVIATED, candidates=tuple(found), reason=reason
    )


def _with_archive(answer: Whereabouts, held: Mapping[str, bool]) -> Whereabouts:
    if answer.id not in held:
        if answer.place is not Place.UNKNOWN:
            return answer
        reason = "in none of the repositories; the archive could not tell"
        return replace(answer, place=Place.UNDETERMINED, reason=reason)
    if held[answer.id]:
        return replace(
            answer,
            place=Place.ARCHIVED,
            archive=Archive.KNOWN,
            reason=f"held by the archive alone: swh:1:rev:{answer.id}",
        )
    if answer.place is not Place.UNKNOWN:
        return replace(answer, archive=Archive.UNKNOWN)
    reason = "in none of the repositories, nor in the archive"
    return replace(answer, place=Place.GONE, archive=Archive.UNKNOWN, reason=reason)


# -- the record ------------------------------------------------------------------------


class Field(NamedTuple):
    """A key of the record and its value.

    Attributes:
        value: what it says.
        start: where the value begins in the text.
        end: where it ends.
    """

    value: Any
    start: int
    end: int


class Record:
    """A task record, that is read and written without touching the rest of it.

    Args:
        data: the bytes of a JSON object in UTF-8.
        name: the file that it is from, for errors.

    Raises:
        UsageError: it is no JSON object, or its lists are no lists of text.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        try:
            self._text = data.decode("utf-8")
            json.loads(self._text.removeprefix("\ufeff"))
            self._fields = dict(self._read_fields())
        except UnicodeDecodeError as error:
            raise UsageError(f"{name}: is not UTF-8 text") from error
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise UsageError(f"{name}: is no JSON, {where}: {error.msg}") from error
        except RecursionError as error:
            raise UsageError(f"{name}: is nested too deeply") from error
        self.found = self._list(FOUND)
        self.missing = self._list(MISSING)
        if not {FOUND, MISSING} & self._fields.keys():
            raise UsageError(f"{name}: has no {FOUND}, so it names no commits")

    @property
    def ids(self) -> list[str]:
        """All the commits that it names, found and missing ones, each once."""
        return list(dict.fromkeys((*self.found, *self.missing)))

    def _list(self, key: str) -> list[str]:
        value = self._fields[key].value if key in self._fields else None
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(i, str) for i in value):
            raise UsageError(f"{self._name}: {key} must be a list of ids")
        return value

    def _read_fields(self) -> Iterator[tuple[str, Field]]:
        """Find each key of the object and where its value stands."""
        text, decoder = self._text, json.JSONDecoder()
        at = self._skip(1 if text.startswith("\ufeff") else 0)
        if text[at : at + 1] != "{":
            raise UsageError(f"{self._name}: a task record is a JSON object")
        self._opened = at + 1
        at = self._skip(self._opened)
        seen = set()
        while text[at] != "}":
            key, at = decoder.raw_decode(text, at)
            if key in seen:
                raise UsageError(f"{self._name}: has the key {key!r} twice")
            seen.add(key)
            start = self._skip(self._skip(at) + 1)
            value, end = decoder.raw_decode(text, start)
            yield key, Field(value, start, end)
            self._last = end
            at = self._skip(end)
            if text[at] == ",":
                at = self._skip(at + 1)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def rewritten(self, answers: Sequence[Whereabouts], now: datetime) -> bytes:
        """The record, saying what was found.

        An id of which it could not be told where it is stays in the list it was in.

        Args:
            answers: what was found out about all of its commits.
            now: when.
        """
        places = {answer.id: answer.place for answer in answers}

        def belongs(id: str, *, known: bool) -> bool:
            place = places[id]
            return place.is_found or (place.is_unclear and known)

        found = [id for id in self.ids if belongs(id, known=id in self.found)]
        values = {
            FOUND: found,
            MISSING: [id for id in self.ids if id not in found],
            CHECKED: timestamp(now.replace(microsecond=0)),
        }
        changes = [
            (self._fields[key].start, self._fields[key].end, self._write(value))
            for key, value in values.items()
            if key in self._fields
        ]
        new = [
            f'"{key}"{self._colon}{self._write(value)}'
            for key, value in values.items()
            if key not in self._fields
        ]
        if new:
            added = "".join(f",{self._gap}{item}" for item in new)
            changes.append((self._last, self._last, added))
        text = self._text
        for start, end, written in sorted(changes, reverse=True):
            text = text[:start] + written + text[end:]
        return text.encode()

    @property
    def _gap(self) -> str:
        """What stands before a key: a line end and blanks, if each has a line."""
        return self._text[self._opened : self._skip(self._opened)]

    @property
    def _colon(self) -> str:
        first = min(field.start for field in self._fields.values())
        return ": " if self._text[first - 1] == " " else ":"

    def _write(self, value: object) -> str:
        """A value, broken into lines as the rest of the record is."""
        if "\n" not in self._gap or not isinstance(value, list) or not value:
            return json.dumps(value, ensure_ascii=False)
        indent = self._gap.rpartition("\n")[2]
        end = "\r\n" if "\r" in self._gap else "\n"
        items = ",".join(
            f"{end}{indent}{indent}{json.dumps(item, ensure_ascii=False)}"
            for item in value
        )
        return f"[{items}{end}{indent}]"
