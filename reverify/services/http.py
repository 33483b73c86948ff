"""The one door to the web: public addresses only, bounded in time and size."""

import contextlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import urljoin, urlsplit

from reverify.errors import LimitError, RefusedError, ServiceError, UsageError

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
REDIRECTS = 5
BLOCK = 1 << 20
NOT_FOUND, GONE = 404, 410
OK_FROM, OK_TO = 200, 300


class Answer(NamedTuple):
    """What a server said about a URL.

    Attributes:
        status: the HTTP status.
        url: where the last redirect led.
        size: Content-Length in bytes, if given.
        media_type: Content-Type without parameters, in lower case.
        links: by relation, of the Link header; `url` of each is absolute.
    """

    status: int
    url: str
    size: int | None
    media_type: str
    links: dict[str, list[dict[str, str]]]

    @property
    def found(self) -> bool:
        """Whether it is there."""
        return OK_FROM <= self.status < OK_TO

    @property
    def missing(self) -> bool:
        """Whether the server knows that it is not there."""
        return self.status in {NOT_FOUND, GONE}


class Reply(NamedTuple):
    """All that a server said, whatever its status.

    Attributes:
        status: the HTTP status.
        url: where the last redirect led.
        headers: by their names in lower case.
        body: the body; empty if it went into a file.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


class Http:
    """A session that resolves each name once and connects to that address only.

    Args:
        allow_private: whether private and loopback addresses may be contacted.
        agent: how we introduce ourselves.
    """

    def __init__(self, *, allow_private: bool = False, agent: str = "reverify") -> None:
        self._allow_private = allow_private
        self._agent = agent
        self._local = threading.local()

    def head(self, url: str) -> Answer:
        """Ask whether a URL is there, without its body.

        Raises:
            ServiceError: no answer that tells.
        """
        response = self._request("HEAD", url)
        response.close()
        not_allowed = {403, 405, 501}
        if response.status_code in not_allowed:  # some servers only know GET
            response = self._request("GET", url)
            response.close()
        return _answer(response)

    def get(self, url: str, limit: int, accept: str = "*/*") -> tuple[Answer, bytes]:
        """Fetch a small body.

        Raises:
            ServiceError: no answer.
            LimitError: it is larger than `limit` bytes.
        """
        response = self._request("GET", url, accept)
        with response:
            body = b"".join(self._body(response, url, limit, 120.0))
        return _answer(response), body

    def download(
        self, url: str, target: BinaryIO, limit: int, seconds: float
    ) -> Answer:
        """Fetch a body into an open file.

        Raises:
            ServiceError: no answer, or not the whole body.
            LimitError: it is larger than `limit` bytes, or takes too long.
        """
        response = self._request("GET", url)
        answer = _answer(response)
        with response:
            if answer.found:
                target.writelines(self._body(response, url, limit, seconds))
        return answer

    def ask(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        secret: str = "",
        body: bytes | None = None,
        target: BinaryIO | None = None,
    ) -> Reply:
        """Ask once, and take what comes; nothing is tried again.

        Args:
            method: GET or POST; a POST follows no redirect.
            url: whom to ask.
            limit: how many bytes the answer may have.
            seconds: how long connecting, each pause and the body may take.
            headers: what to send besides.
            secret: the value of Authorization; it is never sent on after a redirect.
            body: what to send.
            target: takes the body of an answer with status 2xx.

        Raises:
            RefusedError: it is no public address, or redirects a POST.
            ServiceError: no answer, or not the whole of it.
            LimitError: it is larger than `limit` bytes, or takes too long.
        """
        response = self._request(
            method, url, headers=headers, secret=secret, body=body, seconds=seconds
        )
        data = b""
        with response:
            if target is None:
                data = b"".join(self._body(response, url, limit, seconds))
            elif OK_FROM <= response.status_code < OK_TO:
                target.writelines(self._body(response, url, limit, seconds))
            else:  # a complaint, which is held in memory
                complaint = self._body(response, url, min(limit, BLOCK), seconds)
                data = b"".join(complaint)
        found = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, response.url, found, data)

    def _body(
        self, response: "requests.Response", url: str, limit: int, seconds: float
    ) -> Iterator[bytes]:
        import requests  # noqa: PLC0415
        import urllib3  # noqa: PLC0415

        from reverify.services.guarded import alarm  # noqa: PLC0415

        late = LimitError(f"{url}: took longer than {seconds:g} seconds")
        left = limit
        with alarm(seconds, response.raw.shutdown) as over:
            try:
                for block in response.iter_content(BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise LimitError(f"{url}: is larger than {limit:,} bytes")
                    if over.is_set():
                        raise late
                    yield block
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                if over.is_set():
                    raise late from error
                reason = f"{url}: the answer broke off ({error})"
                raise ServiceError(reason) from error
            if over.is_set():  # a body of unknown length just seems to end
                raise late

    def _request(
        self,
        method: str,
        url: str,
        accept: str = "*/*",
        *,
        headers: Mapping[str, str] | None = None,
        secret: str = "",
        body: bytes | None = None,
        seconds: float | None = None,
    ) -> "requests.Response":
        """Ask, and follow redirects; again after a failure, unless `seconds` is set."""
        import requests  # noqa: PLC0415

        session = self._session(again=seconds is None)
        most = READ_SECONDS if seconds is None else max(seconds, 0.001)
        sent = {"Accept": accept, **(headers or {})}
        if secret:
            sent["Authorization"] = secret
        here = url
        for _ in range(REDIRECTS + 1):
            _refuse_odd(here)
            try:
                response = session.request(
                    method,
                    here,
                    stream=True,
                    allow_redirects=False,
                    timeout=(min(CONNECT_SECONDS, most), min(READ_SECONDS, most)),
                    headers=sent,
                    data=body,
                )
            except ServiceError as error:
                raise type(error)(f"{url}: {error}") from error
            except (requests.RequestException, ValueError, UnicodeError) as error:
                raise ServiceError(f"{url}: no answer ({_root(error)})") from error
            if not response.is_redirect:
                return response
            response.close()
            here = _further(here, response.headers["Location"])
            if method not in {"GET", "HEAD"}:
                raise RefusedError(f"{url}: redirects a {method} to {here!r}")
            sent.pop("Authorization", None)
        raise ServiceError(f"{url}: more than {REDIRECTS} redirects")

    def _session(self, *, again: bool) -> "requests.Session":
        """One session a thread, since requests promises nothing else.

        Args:
            again: whether it asks again by itself after a failure.
        """
        name = "patient" if again else "once"
        session: requests.Session | None = getattr(self._local, name, None)
        if session is None:
            from reverify.services.guarded import new_session  # noqa: PLC0415

            session = new_session(
                self._agent,
                allow_private=self._allow_private,
                tries=3 if again else 1,
            )
            setattr(self._local, name, session)
        return session


def _answer(response: "requests.Response") -> Answer:
    import requests.utils  # noqa: PLC0415

    length = response.headers.get("Content-Length", "")
    links: dict[str, list[dict[str, str]]] = {}
    for link in requests.utils.parse_header_links(response.headers.get("Link", "")):
        with contextlib.suppress(ValueError):
            link["url"] = urljoin(response.url, link["url"])
        for relation in link.get("rel", "").split():
            links.setdefault(relation, []).append(link)
    return Answer(
        response.status_code,
        response.url,
        int(length) if re.fullmatch("[0-9]{1,18}", length) else None,
        response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        links,
    )


def _further(here: str, location: str) -> str:
    """Where a redirect leads.

    Raises:
        ServiceError: nowhere.
    """
    with contextlib.suppress(UnicodeError):  # sent as UTF-8, read as Latin-1
        location = location.encode("latin-1").decode()
    try:
        return urljoin(here, location)
    except ValueError as error:
        raise ServiceError(f"{here}: redirects to {location!r}, no URL") from error


def _refuse_odd(url: str) -> None:
    """Refuse what only an attacker writes, before any library reads it."""
    try:
        parts = urlsplit(url)
        odd = parts.port is not None and parts.port == 0
    except ValueError as error:
        raise RefusedError(f"{url!r}: is no URL ({error})") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or odd:
        raise RefusedError(f"{url!r}: only http and https are asked")
    if parts.username is not None or any(ord(char) <= 0x20 for char in url):  # noqa: PLR2004
        raise RefusedError(f"{url!r}: a name, password or blank in a URL is refused")


def _root(error: BaseException) -> str:
    """The innermost reason of an exception, which is the one that tells."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def check_url(url: str) -> None:
    """Look at a URL that a user typed.

    Raises:
        UsageError: it is none that can be asked.
    """
    try:
        _refuse_odd(url)
    except ServiceError as error:
        raise UsageError(str(error)) from error
