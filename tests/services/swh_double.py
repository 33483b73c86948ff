"""A working archive in memory, filled from git repositories.

It answers as Software Heritage's API does: statuses, bodies, headers, quirks. It stands
behind `responses` (`double.at_the_wire()`), or is a real server on the loopback address
(`double.serving()`, the fixture `swh_double`, or at a terminal:

    python -m tests.services.swh_double PATH=ORIGIN... [--port N]

with `REVERIFY_SWH_URL` and `--allow-private` on the other side).
"""

import contextlib
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from tests.services import swh_serving
from tests.services.swh_endpoints import (
    BYTES,
    FAULTS,
    HTML,
    ROUTES,
    Answer,
    RefusalError,
    Request,
    as_json,
    no_route,
)
from tests.services.swh_objects import WORDS, Json, Objects

PUBLIC = "https://archive.softwareheritage.org/api/1/"
LIMITS = {
    "swh_api": [(120, 3600)],
    "swh_api_origin_visit_latest": [(700, 60)],
    "swh_api_origin_search": [(10, 60)],
    "swh_vault_cooking POST": [(120, 3600)],
    "swh_vault_cooking GET": [(60, 60)],
    "swh_save_origin GET": [(120, 3600)],
    "swh_save_origin POST": [(10, 3600)],
    "swh_raw_object": [],
}


class Asked(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class SwhDouble:
    """An archive.

    Args:
        base: where the API is said to be.
        now: seconds since 1970; the rate limits go by it.
    """

    def __init__(
        self, base: str = PUBLIC, now: Callable[[], float] = time.time
    ) -> None:
        self.base = base
        self.now = now
        self.objects = Objects()
        self.origins: dict[str, list[Json]] = {}
        self.remotes: dict[str, Path] = {}
        """What is found where an origin is when a save request is carried out."""
        self.asked: list[Asked] = []
        self.limits = {scope: list(rates) for scope, rates in LIMITS.items()}
        self.tokens: set[str] = set()
        self.masked: dict[str, str] = {}
        self.unserved: set[str] = set()
        """Known, they say, but not found when they are looked up."""
        self.directories: dict[str, str] = {}
        """Which directory a revision is said to have, by the revision's id."""
        self.known_lies: dict[str, bool] = {}
        self.blocked: set[str] = set()
        self.single_saves = False
        """Whether asking for requests to save gives the last one, and no array."""
        self.external: dict[tuple[str, int, str], str] = {}
        self.cooking = ["new", "pending", "done"]
        """The states of a bundle, one for each time that somebody looks."""
        self.cooking_fails: str | None = None
        self.packed = True
        self.storage = ""
        """Where bundles really are; the vault redirects there."""
        self.bundles: dict[tuple[str, str], bytes] = {}
        self.page_of_visits = 100
        self.cooked: dict[tuple[str, str], list[str]] = {}
        self.saved: list[Json] = []
        self._spent: dict[str, deque[float]] = {}
        self._faults: deque[str] = deque()
        self._always = ""
        self.slow_seconds = 5.0

    # -- filling it --------------------------------------------------------------------

    def load(
        self,
        repository: Path,
        origin: str = "",
        *,
        date: str = "2025-06-01T12:00:00+00:00",
        status: str = "full",
        type: str = "git",
    ) -> str:
        """Archive a repository; gives the id of its snapshot."""
        snapshot = self.objects.load(repository)
        if origin:
            self.visit(origin, snapshot, date=date, status=status, type=type)
        return snapshot

    def visit(
        self,
        origin: str,
        snapshot: str | None,
        *,
        date: str = "2025-06-01T12:00:00+00:00",
        status: str = "full",
        type: str = "git",
    ) -> None:
        visits = self.origins.setdefault(origin, [])
        row = {"origin": origin, "visit": len(visits) + 1, "date": date}
        row |= {"status": status, "snapshot": snapshot, "type": type, "metadata": {}}
        visits.append(row)

    def mask(self, swhid: str, status: str = "restricted") -> None:
        self.masked[swhid] = status

    # -- trouble -----------------------------------------------------------------------

    def fail(self, fault: str, times: int | None = None) -> None:
        """Give no good answer, some times or always.

        Faults: 500, 502, 503, html (a page with status 200), shape, json, none; and for
        the server only: reset, truncated, slow, drip.
        """
        if times is None:
            self._always = "" if fault == "none" else fault
        else:
            self._faults.extend([fault] * times)

    # -- counting ----------------------------------------------------------------------

    def count(self, part: str, method: str = "") -> int:
        """How many requests had a path with this part."""
        return sum(
            part in asked.path and asked.method.startswith(method)
            for asked in self.asked
        )

    # -- answering ---------------------------------------------------------------------

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Answer a request; `target` is path and query as they were sent."""
        found = {name.lower(): value for name, value in headers.items()}
        self.asked.append(Asked(method, target, found, body))
        fault = self._faults.popleft() if self._faults else self._always
        if fault in FAULTS:
            return FAULTS[fault]
        answer = self._answer(method, target, found, body)
        if fault == "shape":
            return answer._replace(body=b'{"surprise": []}')
        return answer._replace(fault=fault)

    def _answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        parts = urlsplit(target)
        root = urlsplit(self.base).path
        if not parts.path.endswith("/"):
            place = f"{parts.path}/" + (f"?{parts.query}" if parts.query else "")
            return Answer(301, {"Location": place}, b"")
        if parts.path.startswith("/storage/"):
            key = unquote(parts.path[9:-1]).split(" ")
            return Answer(200, BYTES, self.bundles[key[0], key[1]])
        path = unquote(parts.path).removeprefix(root)
        if not unquote(parts.path).startswith(root):
            return no_route(parts.path)
        for pattern, methods, scope, action in ROUTES:
            match = re.fullmatch(pattern, path, re.DOTALL)
            if match is not None:
                request = Request(method, path, parts.query, headers, body)
                return self._guarded(request, match, methods, scope, action)
        return no_route(parts.path)

    def _guarded(  # noqa: PLR0911 - a way out for each kind of refusal
        self,
        request: "Request",
        match: "re.Match[str]",
        methods: str,
        scope: str,
        action: "Callable[[SwhDouble, Request, re.Match[str]], object]",
    ) -> Answer:
        secret = request.headers.get("authorization", "")
        if secret and secret.removeprefix("Bearer ") not in self.tokens:
            reason = "Invalid or expired user token."
            document = {"exception": "AuthenticationFailed", "reason": reason}
            return as_json(403, document)
        rates, late = self._throttle(scope, request.method, bool(secret))
        if late is not None:
            reason = f"Request was throttled. Expected available in {late} seconds."
            return as_json(429, {"exception": "Throttled", "reason": reason}, rates)
        accept = request.headers.get("accept", "*/*")
        if accept.startswith("text/html"):
            return Answer(200, {"Content-Type": "text/html", **rates}, HTML)
        if not re.search(r"application/(json|yaml|\*)|\*/\*", accept):
            reason = "Could not satisfy the request Accept header."
            return as_json(406, {"exception": "NotAcceptable", "reason": reason}, rates)
        if request.method not in methods.split():
            reason = f'Method "{request.method}" not allowed.'
            document = {"exception": "MethodNotAllowed", "reason": reason}
            return as_json(405, document, rates)
        try:
            found = action(self, request, match)
        except RefusalError as refusal:
            return as_json(refusal.status, refusal.document, rates)
        if isinstance(found, Answer):
            return found._replace(headers={**rates, **found.headers})
        return as_json(200, found, rates)

    def _throttle(
        self,
        scope: str,
        method: str,
        known: bool,
    ) -> tuple[dict[str, str], int | None]:
        """The headers of the limit, and how long to wait if it is used up."""
        name = scope if scope in self.limits else f"{scope} {method}"
        for rate, seconds in self.limits.get(name, []):
            most = rate * (10 if known else 1)
            now = self.now()
            spent = self._spent.setdefault(f"{name} {known}", deque())
            while spent and spent[0] <= now - seconds:
                spent.popleft()
            late = len(spent) >= most
            if not late:
                spent.append(now)
            reset = spent[0] + seconds if spent else now + seconds
            headers = {
                "X-RateLimit-Limit": str(most),
                "X-RateLimit-Remaining": str(max(0, most - len(spent))),
                "X-RateLimit-Reset": str(int(reset)),
            }
            return headers, int(reset - now) if late else None
        return {}, None

    # -- what is there -----------------------------------------------------------------

    def find(self, type: str, id: str) -> bytes:
        swhid = f"swh:1:{type}:{id}"
        if swhid in self.masked:
            requests = [
                {"request": str(uuid.UUID(int=7)), "status": self.masked[swhid]}
            ]
            reason = "The requested object has been masked."
            masked = {swhid: requests}
            raise RefusalError(403, "MaskedObjectException", reason, masked=masked)
        found = self.objects.get(type, id)
        if found is None or swhid in self.unserved:
            word = WORDS[type].capitalize()
            raise RefusalError(
                404, "NotFoundExc", f"{word} with sha1_git {id} not found!"
            )
        return found

    def visits(self, origin: str) -> tuple[str, list[Json]]:
        for url in (origin, origin.rstrip("/"), f"{origin}/"):
            if url in self.origins:
                return url, self.origins[url]
        reason = f"Origin with url {origin} not found!"
        raise RefusalError(404, "NotFoundExc", reason)

    # -- two ways to use it ------------------------------------------------------------

    @contextlib.contextmanager
    def at_the_wire(self) -> Iterator[None]:
        """Stand behind `responses`, at the address of the public service."""
        with swh_serving.at_the_wire(self.base, self.answer):
            yield

    @contextlib.contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Be a server on the loopback address; gives the base of the API."""
        with swh_serving.serving(self, port) as address:
            self.base = f"{address}/api/1/"
            yield self.base

    # -- later -------------------------------------------------------------------------

    def carry_out_saves(self, date: str = "2026-02-01T00:00:00+00:00") -> None:
        """Visit all origins whose request was accepted and waits."""
        for row in self.saved:
            if row["save_request_status"] != "accepted" or row["visit_status"]:
                continue
            remote = self.remotes.get(row["origin_url"])
            row["visit_date"] = date
            if remote is None:
                row |= {"save_task_status": "failed", "visit_status": "not_found"}
                self.visit(row["origin_url"], None, date=date, status="not_found")
                continue
            snapshot = self.load(remote, row["origin_url"], date=date)
            row |= {"save_task_status": "succeeded", "visit_status": "full"}
            row["snapshot_swhid"] = f"swh:1:snp:{snapshot}"
            row["snapshot_url"] = f"{self.base}snapshot/{snapshot}/"


@pytest.fixture
def swh_double() -> Iterator[SwhDouble]:
    """An empty archive on the loopback address; `base` is where its API is."""
    double = SwhDouble()
    with double.serving():
        yield double


def main() -> None:
    """Serve repositories until interrupted."""
    import argparse  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", nargs="*", metavar="PATH=ORIGIN")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    double = SwhDouble()
    for text in given.repositories:
        path, _, origin = text.partition("=")
        double.load(Path(path), origin)
    with double.serving(given.port) as base, contextlib.suppress(KeyboardInterrupt):
        print(base, flush=True)  # noqa: T201 - it is what a script waits for
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
