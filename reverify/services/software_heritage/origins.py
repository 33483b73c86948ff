"""Origins, the visits to them, and requests to save them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from reverify.services.software_heritage.answers import (
    Answer,
    CouldNotTell,
    NotHeld,
    Served,
)
from reverify.services.software_heritage.asking import Allowance, Said
from reverify.services.software_heritage.lookup import (
    Desk,
    Question,
    cannot_ask,
    in_path,
    path_fault,
)
from reverify.services.software_heritage.reading import (
    ShapeError,
    hex_of,
    items,
    mapping,
    maybe,
    take,
)

PAGE = 100
SAVED_TYPES = ("bzr", "cvs", "git", "hg", "svn", "tarball")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A repository, or another place that the archive has heard of.

    Attributes:
        url: as the archive spells it; URLs match letter by letter.
        visit_types: git, svn and others.
    """

    url: str
    visit_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A time when the archive looked at an origin.

    Attributes:
        origin: its URL.
        number: from 1, in the order of time.
        date: ISO 8601.
        status: created, ongoing, full, partial, not_found or failed.
        snapshot: the id of what was seen; None if nothing was.
        type: git, svn and others.
    """

    origin: str
    number: int
    date: str
    status: str
    snapshot: str | None
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Visits to an origin, the newest first.

    Attributes:
        visits: those that were asked for.
        complete: whether there are no others.
    """

    visits: tuple[Visit, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRequest:
    """What has become of a request to save an origin.

    Attributes:
        id: its number.
        origin: the URL.
        visit_type: bzr, cvs, git, hg, svn or tarball.
        date: ISO 8601, when it was made.
        status: accepted, rejected or pending (a person will look at it).
        task: not created, pending, scheduled, running, succeeded or failed.
        visit_status: of the visit that it led to, or None; a task may succeed with a
            visit that is partial.
        visit_date: ISO 8601, or None.
        snapshot: the core SWHID of what was seen, or None.
        note: what the archive adds, or None; untrusted text.
    """

    id: int
    origin: str
    visit_type: str
    date: str
    status: str
    task: str
    visit_status: str | None
    visit_date: str | None
    snapshot: str | None
    note: str | None

    @property
    def over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.status == "rejected" or self.task in {"succeeded", "failed"}


class Origins:
    """What the archive knows of origins.

    Args:
        desk: where questions are put.
        allowance: makes something to spend for a call that was given nothing.
    """

    def __init__(self, desk: Desk, allowance: Callable[[], Allowance]) -> None:
        self._desk = desk
        self._allowance = allowance

    def find(
        self, url: str, *, fresh: bool = False, allowance: Allowance | None = None
    ) -> Answer[Origin]:
        """Look up an origin, by its URL and then with or without `.git`.

        Its `url` says which one matched.

        Args:
            url: as somebody wrote it.
            fresh: whether kept answers do not do.
            allowance: what this may cost.
        """
        spend = allowance or self._allowance()
        answer = self.exact(url, fresh=fresh, allowance=spend)
        if not isinstance(answer, NotHeld):
            return answer
        bare = url.rstrip("/")
        other = bare.removesuffix(".git") if bare.endswith(".git") else f"{bare}.git"
        second = self.exact(other, fresh=fresh, allowance=spend)
        return answer if isinstance(second, NotHeld) else second

    def exact(
        self, url: str, *, fresh: bool = False, allowance: Allowance | None = None
    ) -> Answer[Origin]:
        """Look up an origin by this very URL."""
        if fault := path_fault(url):
            return cannot_ask(url, fault)
        return self._look_up(
            Question(
                what=url,
                path=f"origin/{in_path(url)}/get/",
                read=_read_origin,
                immutable=False,
                fresh=fresh,
            ),
            allowance,
        )

    def visits(
        self,
        url: str,
        *,
        snapshot: str = "",
        most: int = 10_000,
        fresh: bool = False,
        allowance: Allowance | None = None,
    ) -> Answer[Visits]:
        """List the visits to an origin, a hundred with each request.

        Args:
            url: the origin, as the archive spells it.
            snapshot: an id; no more is asked once a visit that saw it is found.
            most: how many visits are listed.
            fresh: whether kept answers do not do.
            allowance: what this may cost.
        """
        if fault := path_fault(url):
            return cannot_ask(url, fault)
        spend = allowance or self._allowance()
        found: list[Visit] = []
        before: int | None = None
        while True:
            query = {"per_page": str(PAGE)}
            query |= {} if before is None else {"last_visit": str(before)}
            answer = self._desk.look_up(
                Question(
                    what=url,
                    path=f"origin/{in_path(url)}/visits/?{urlencode(query)}",
                    read=_read_page,
                    immutable=False,
                    frame=_page,
                    fresh=fresh,
                ),
                spend,
            )
            if not isinstance(answer, Served):
                return answer
            page, more = answer.value
            found += page
            last = min((visit.number for visit in page), default=0)
            if page and before is not None and last >= before:
                reason = "the list of its visits goes round in circles"
                return CouldNotTell(what=url, reason=reason, asked=answer.asked)
            before = last
            seen = any(visit.snapshot == snapshot for visit in page if snapshot)
            if not more or not page or seen or len(found) >= most:
                complete = not page or not more
                value = Visits(visits=tuple(found), complete=complete)
                return Served(value=value, asked=answer.asked)

    def latest_visit(
        self,
        url: str,
        *,
        visit_type: str = "",
        require_snapshot: bool = True,
        fresh: bool = False,
        allowance: Allowance | None = None,
    ) -> Answer[Visit]:
        """Look up the latest visit to an origin.

        Args:
            url: the origin, as the archive spells it.
            visit_type: git, svn and others; any, if it does not say.
            require_snapshot: whether visits that saw nothing are left out.
            fresh: whether a kept answer does not do.
            allowance: what this may cost.
        """
        if fault := path_fault(url):
            return cannot_ask(url, fault)
        query = {"require_snapshot": "true"} if require_snapshot else {}
        query |= {"visit_type": visit_type} if visit_type else {}
        tail = f"?{urlencode(query)}" if query else ""
        return self._look_up(
            Question(
                what=url,
                path=f"origin/{in_path(url)}/visit/latest/{tail}",
                read=_read_visit,
                immutable=False,
                scope="visit latest",
                fresh=fresh,
            ),
            allowance,
        )

    # -- saving ------------------------------------------------------------------------

    def save(
        self, url: str, visit_type: str = "git", *, allowance: Allowance | None = None
    ) -> Answer[SaveRequest]:
        """Ask the archive to save an origin: a write to a public archive.

        Asking again while a request waits gives that request.
        """
        fault = _save_fault(url, visit_type)
        if fault:
            return cannot_ask(url, fault)
        return self._look_up(
            Question(
                what=url,
                path=_save_path(url, visit_type),
                read=lambda found: _read_requests(found)[0],
                immutable=None,
                scope="save POST",
                method="POST",
            ),
            allowance,
        )

    def save_requests(
        self, url: str, visit_type: str = "git", *, allowance: Allowance | None = None
    ) -> Answer[tuple[SaveRequest, ...]]:
        """List the requests to save an origin, the newest first."""
        fault = _save_fault(url, visit_type)
        if fault:
            return cannot_ask(url, fault)
        return self._look_up(
            Question(
                what=url,
                path=_save_path(url, visit_type),
                read=_read_requests,
                immutable=None,
                scope="save GET",
            ),
            allowance,
        )

    def save_request(
        self, id: int, *, allowance: Allowance | None = None
    ) -> Answer[SaveRequest]:
        """Look up one request by its number."""
        return self._look_up(
            Question(
                what=f"request {id}",
                path=f"origin/save/{int(id)}/",
                read=lambda found: _read_requests(found)[0],
                immutable=None,
                scope="save GET",
            ),
            allowance,
        )

    def _look_up(
        self, question: "Question[Any]", allowance: Allowance | None
    ) -> "Answer[Any]":
        return self._desk.look_up(question, allowance or self._allowance())


def _save_fault(url: str, visit_type: str) -> str | None:
    if visit_type not in SAVED_TYPES:
        return f"there is no visit of type {visit_type!r}"
    return path_fault(url)


def _save_path(url: str, visit_type: str) -> str:
    if set("?#%") & set(url):
        query = urlencode({"visit_type": visit_type, "origin_url": url})
        return f"origin/save/?{query}"
    return f"origin/save/{visit_type}/url/{in_path(url)}/"


def _read_origin(value: object) -> Origin:
    found = mapping(value)
    types = tuple(map(str, maybe(found, "visit_types", list) or ()))
    return Origin(url=take(found, "url", str), visit_types=types)


def _read_visit(value: object) -> Visit:
    found = mapping(value)
    return Visit(
        origin=take(found, "origin", str),
        number=take(found, "visit", int),
        date=take(found, "date", str),
        status=take(found, "status", str),
        snapshot=_snapshot(found),
        type=take(found, "type", str),
    )


def _snapshot(found: Mapping[str, Any]) -> str | None:
    return None if found.get("snapshot") is None else hex_of(found, "snapshot")


def _page(said: Said) -> object:
    """The visits, and whether there are more: the header says, or a full page."""
    document = said.document
    full = isinstance(document, list) and len(document) >= PAGE
    more = full or 'rel="next"' in said.headers.get("link", "")
    return {"visits": document, "more": more}


def _read_page(value: object) -> tuple[list[Visit], bool]:
    found = mapping(value)
    visits = [_read_visit(item) for item in take(found, "visits", list)]
    return visits, take(found, "more", bool)


def _read_requests(value: object) -> tuple[SaveRequest, ...]:
    """Read one request or a list of them; the API gives either."""
    rows = [value] if isinstance(value, dict) else items(value)
    if not rows:
        raise ShapeError("there is no request in the list")
    return tuple(_read_request(mapping(row)) for row in rows)


def _read_request(found: Mapping[str, Any]) -> SaveRequest:
    return SaveRequest(
        id=take(found, "id", int),
        origin=take(found, "origin_url", str),
        visit_type=take(found, "visit_type", str),
        date=take(found, "save_request_date", str),
        status=take(found, "save_request_status", str),
        task=take(found, "save_task_status", str),
        visit_status=maybe(found, "visit_status", str),
        visit_date=maybe(found, "visit_date", str),
        snapshot=maybe(found, "snapshot_swhid", str),
        note=maybe(found, "note", str),
    )
