"""Asking the archive: within an allowance, at its pace, and again after a failure."""

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, NamedTuple

from reverify.errors import LimitError, RefusedError, ServiceError
from reverify.services.clock import Clock
from reverify.services.http import Http, Reply
from reverify.services.software_heritage.answers import Asked, CouldNotTell

log = logging.getLogger(__name__)

JSON_BYTES = 64 << 20
REQUEST_SECONDS = 60.0
LONGEST_PAUSE = 30.0
REST_SECONDS = 30.0
"""How long an archive that is down is left alone, once all tries have failed."""
UNTOLD_SECONDS = 60.0
"""How long to wait after a 429 that does not say."""
MOST_SECONDS = 86_400.0
TOO_MANY, SERVER_ERROR = 429, 500
SHOWN = 300
_PLAIN = re.compile("[0-9]{1,12}")
_AVAILABLE_IN = re.compile(r"available in ([0-9]{1,9}) second")


class Patience(NamedTuple):
    """How much one call may cost.

    Attributes:
        requests: requests sent, tries again among them.
        seconds: time that passes, waiting among it.
        tries: how often a request that fails is sent.
    """

    requests: int = 500
    seconds: float = 300.0
    tries: int = 4


class Allowance:
    """What is left of somebody's patience; one may be shared by many calls.

    Args:
        patience: where it starts from.
        clock: what time it is.
    """

    def __init__(self, patience: Patience, clock: Clock) -> None:
        self.patience = patience
        self.requests_left = patience.requests
        self._clock = clock
        self._end = clock.now() + timedelta(seconds=patience.seconds)

    @property
    def seconds_left(self) -> float:
        """The time that is left, in seconds; never negative."""
        return max(0.0, (self._end - self._clock.now()).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the archive said, read as JSON where JSON was asked for.

    Attributes:
        status: the HTTP status.
        document: the JSON value; None where the answer is bytes.
        body: the bytes, unless they went into a file.
        headers: by their names in lower case.
        asked: the evidence.
    """

    status: int
    document: Any
    body: bytes
    headers: dict[str, str]
    asked: Asked


class _Failure(NamedTuple):
    """Why a request is to be sent again.

    Attributes:
        reason: the end of a sentence.
        down: whether nobody is there, rather than that one question fails.
    """

    reason: str
    down: bool


class _Rest(NamedTuple):
    until: datetime
    reason: str


class Asker:
    """Sends requests to one archive.

    Args:
        http: the one way to the web.
        base: the base of the API, with a slash at its end.
        token: a bearer token, or an empty text.
        clock: what time it is.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        http: Http,
        *,
        base: str,
        token: str = "",
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base = base
        self.clock = clock
        self.sleep = sleep
        self._http = http
        self._secret = f"Bearer {token}" if token else ""
        self._rests: dict[str, _Rest] = {}

    def ask(
        self,
        what: str,
        path: str,
        *,
        allowance: Allowance,
        scope: str = "api",
        method: str = "GET",
        given: Any = None,  # noqa: ANN401 - any JSON
        target: BinaryIO | None = None,
        raw: bool = False,
        limit: int = JSON_BYTES,
        seconds: float = REQUEST_SECONDS,
    ) -> Said | CouldNotTell:
        """Ask until there is an answer or no allowance.

        Args:
            what: what is asked for, as others will name it.
            path: behind the base, encoded, with the slash at its end.
            allowance: what this may cost.
            scope: which of the archive's rate limits counts the request.
            method: GET or POST.
            given: what to send, as JSON.
            target: takes the bytes of an answer that is no JSON.
            raw: whether the answer is bytes.
            limit: how many bytes the answer may have.
            seconds: how long one try may take.
        """
        url = self.base + path
        failures = 0
        while True:
            refusal = self._wait(what, url, scope, allowance)
            if refusal is not None:
                return refusal
            allowance.requests_left -= 1
            found = self._once(
                url,
                method,
                given,
                target=target,
                raw=raw,
                limit=limit,
                seconds=min(seconds, allowance.seconds_left),
            )
            asked = self._asked(url, found if isinstance(found, Reply) else None)
            if isinstance(found, Reply):
                self._heed(scope, found)
                if found.status == TOO_MANY:
                    continue  # and wait as long as it says
                said = self._read(found, asked, raw=raw)
                if isinstance(said, Said):
                    return said
                found = said
            if isinstance(found, str):
                return CouldNotTell(what=what, reason=found, asked=asked)
            failures += 1
            log.info("%s: %s", url, found.reason)
            pause = min(2.0 ** (failures - 1), LONGEST_PAUSE)
            tired = failures >= allowance.patience.tries
            if tired or pause > allowance.seconds_left:
                return self._give_up(what, found, asked, failures)
            self.sleep(pause)

    def _asked(self, url: str, reply: Reply | None) -> Asked:
        status = reply.status if reply else None
        return Asked(url=url, at=self.clock.now(), status=status)

    def _give_up(
        self, what: str, failure: _Failure, asked: Asked, failures: int
    ) -> CouldNotTell:
        times = "once" if failures == 1 else f"{failures} times"
        reason = f"asked {times}: {failure.reason}"
        later = None
        if failure.down:
            later = asked.at + timedelta(seconds=REST_SECONDS)
            self._rests["down"] = _Rest(later, reason)
        return CouldNotTell(what=what, reason=reason, retry_at=later, asked=asked)

    # -- pace --------------------------------------------------------------------------

    def _wait(
        self, what: str, url: str, scope: str, allowance: Allowance
    ) -> CouldNotTell | None:
        """Wait until a request may be sent, or say why it will not be."""
        down = self._rests.get("down")
        if down is not None and down.until > self.clock.now():
            reason = f"the archive is left alone for a while; {down.reason}"
            return CouldNotTell(what=what, reason=reason, retry_at=down.until)
        rest = self._rests.get(scope)
        now = self.clock.now()
        if rest is not None and rest.until > now:
            seconds = (rest.until - now).total_seconds()
            if seconds > allowance.seconds_left:
                reason = (
                    f"{rest.reason}; it would take {seconds:.0f} seconds, and"
                    f" {allowance.seconds_left:.0f} are left"
                )
                return CouldNotTell(what=what, reason=reason, retry_at=rest.until)
            log.info("%s: waiting for %.0f seconds, %s", url, seconds, rest.reason)
            self.sleep(seconds)
        patience = allowance.patience
        if allowance.requests_left <= 0:
            reason = f"the {patience.requests:,} requests for this are spent"
            return CouldNotTell(what=what, reason=reason)
        if allowance.seconds_left <= 0:
            reason = f"the {patience.seconds:g} seconds for this are over"
            return CouldNotTell(what=what, reason=reason)
        return None

    def _heed(self, scope: str, reply: Reply) -> None:
        """Take note of how many requests are left, and until when there are none."""
        spent = reply.headers.get("x-ratelimit-remaining") == "0"
        if reply.status != TOO_MANY and not spent:
            self._rests.pop(scope, None)
            return
        now = self.clock.now()
        seconds = _until_reset(reply, now)
        if seconds is None and reply.status == TOO_MANY:
            seconds = _told_seconds(reply)
        if seconds is None:
            return
        if reply.status == TOO_MANY:
            seconds = max(seconds, 1.0)
        until = now + timedelta(seconds=min(seconds, MOST_SECONDS))
        self._rests[scope] = _Rest(until, "the archive's rate limit is used up")

    # -- one request -------------------------------------------------------------------

    def _once(
        self,
        url: str,
        method: str,
        given: Any,  # noqa: ANN401
        *,
        target: BinaryIO | None,
        raw: bool,
        limit: int,
        seconds: float,
    ) -> Reply | _Failure | str:
        """Send one request; a text says why sending it again is of no use."""
        headers = {
            "Accept": "application/json, */*;q=0.1" if raw else "application/json"
        }
        body = None
        if given is not None:
            body = json.dumps(given).encode()
            headers["Content-Type"] = "application/json"
        if target is not None:
            target.seek(0)
            target.truncate()
        try:
            return self._http.ask(
                method,
                url,
                limit=limit,
                seconds=seconds,
                headers=headers,
                secret=self._secret,
                body=body,
                target=target,
            )
        except (LimitError, RefusedError) as error:
            return str(error)
        except ServiceError as error:
            return _Failure(str(error), down=True)

    def _read(self, reply: Reply, asked: Asked, *, raw: bool) -> Said | _Failure:
        kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        good = reply.status < 300  # noqa: PLR2004 - redirects were followed
        document = None
        if reply.status >= SERVER_ERROR:
            reason = f"it answered with status {reply.status}{_words(reply.body)}"
            return _Failure(reason, down=reply.status != SERVER_ERROR)
        if not (raw and good):
            if kind != "application/json":
                reason = f"it answered with {kind or 'no media type'}, status"
                return _Failure(f"{reason} {reply.status}: not the API", down=True)
            try:
                document = _read_json(reply.body)
            except (ValueError, RecursionError) as error:
                return _Failure(f"its JSON does not read: {error}", down=False)
        elif kind == "text/html":
            return _Failure("it answered with a page of HTML", down=True)
        return Said(
            status=reply.status,
            document=document,
            body=reply.body,
            headers=dict(reply.headers),
            asked=asked,
        )


def _read_json(body: bytes) -> Any:  # noqa: ANN401 - JSON enters here
    def refuse(text: str) -> None:
        raise ValueError(f"{text} is no JSON")

    return json.loads(body.decode("utf-8"), parse_constant=refuse)


def words_of(document: object) -> str:
    """The archive's own words in an error, cut short; untrusted text."""
    if not isinstance(document, dict):
        return ""
    reason = document.get("reason", "")
    text = reason if isinstance(reason, str) else json.dumps(reason)
    return text[:SHOWN]


def _words(body: bytes) -> str:
    try:
        text = words_of(_read_json(body))
    except (ValueError, RecursionError):
        return ""
    return f" ({text})" if text else ""


def _until_reset(reply: Reply, now: datetime) -> float | None:
    """Seconds until `X-RateLimit-Reset`, by the archive's clock where it shows."""
    text = reply.headers.get("x-ratelimit-reset", "")
    if not _PLAIN.fullmatch(text):
        return None
    theirs = now
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        pass
    return int(text) - theirs.timestamp() + 1  # whole seconds, so one more


def _told_seconds(reply: Reply) -> float:
    """Seconds to wait, as a proxy or the body of a 429 says."""
    text = reply.headers.get("retry-after", "")
    if _PLAIN.fullmatch(text):
        return float(text)
    match = _AVAILABLE_IN.search(reply.body[:4096].decode("utf-8", "replace"))
    return float(match[1]) + 1 if match else UNTOLD_SECONDS
