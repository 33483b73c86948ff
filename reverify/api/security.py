"""Who may ask what: the guard before the app, and what a write must show.

The guard stands outside of everything else, so that no answer leaves without its
headers, and none tells how the server is made.
"""

import hmac
import logging
import re
import time
import uuid
from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reverify.api.interface import Serving
from reverify.api.problems import Problem
from reverify.formats.escape import printable

log = logging.getLogger("reverify.api")

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors"
        " 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer says to a browser."""
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/=-]+) *", re.IGNORECASE)
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,512}=*")
"""A token that can be sent: b64token of RFC 6750, and long enough not to be guessed."""


class Guard:
    """An ASGI app before another: host, headers, one line of log, nothing let out.

    Args:
        app: what answers.
        hosts: the names and addresses that a request may be for, in lower case.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        id = scope["reverify.id"] = str(uuid.uuid4())
        began = time.monotonic()
        try:
            await self._answer(scope, receive, answer)
        except Exception:
            # To return with the answer unfinished makes the server break it off.
            log.exception("%s failed", id)
        finally:
            log.info(
                "%s %s %s %s %s %d bytes%s %.3f s",
                id,
                (scope.get("client") or ("-",))[0],
                printable(scope["method"], 20),
                printable(scope["path"], 300),
                answer.status or "-",
                answer.bytes,
                "" if answer.is_whole else " unfinished",
                time.monotonic() - began,
            )

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            self._look_at_host(scope)
        except Problem as problem:
            await problem.response()(scope, receive, answer)
        else:
            await self._app(scope, receive, answer)

    def _look_at_host(self, scope: Scope) -> None:
        """See that the request is for us: a rebound name of DNS is not.

        Raises:
            Problem: it is not.
        """
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        match = len(hosts) == 1 and _HOST.fullmatch(hosts[0].decode("latin-1"))
        if not match:
            detail = "send one Host header, NAME or NAME:PORT"
            raise Problem("host-malformed", detail)
        if match[1].strip("[]").lower() not in self._hosts:
            raise Problem(
                "host-refused",
                "if the server may be called so, it is started with --allow-host NAME",
            )


class _Answer:
    """Sends an answer, its security headers added, and remembers what was sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.bytes = 0
        self.is_whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
            self.is_whole = not message.get("more_body", False)
        await self._send(message)


class Writes:
    """What a request must show that wants to change something.

    Args:
        serving: has the token, if there is one.
    """

    def __init__(self, serving: Serving) -> None:
        self._token = serving.token and serving.token.encode()

    def __call__(self, request: Request) -> None:
        """See that it has the token and a body of JSON.

        Raises:
            Problem: it has not.

        Source: RFC 6750, section 2.1.
        """
        if not self._token:
            raise Problem(
                "writes-refused",
                "no token is configured; whoever runs the server sets REVERIFY_TOKEN,"
                " or starts it with --token-file FILE",
            )
        given = [
            value for name, value in request.headers.raw if name == b"authorization"
        ]
        match = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
        if match is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="reverify"'}
            detail = "send one header `Authorization: Bearer TOKEN`"
            raise Problem("unauthorized", detail, headers=challenge)
        if not hmac.compare_digest(match[1], self._token):
            challenge = {
                "WWW-Authenticate": 'Bearer realm="reverify", error="invalid_token"'
            }
            detail = "this is not the token of the server"
            raise Problem("unauthorized", detail, headers=challenge)
        _expect_json(request)


def _expect_json(request: Request) -> None:
    """See that the body is JSON, by its own account.

    Raises:
        Problem: it is not.
    """
    type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace('"', "").strip().lower()
    encoding = request.headers.get("content-encoding", "identity").lower()
    if type.strip().lower() != "application/json" or charset not in {
        "",
        "charset=utf-8",
    }:
        raise Problem(
            "media-type-unsupported",
            "send `Content-Type: application/json`",
            headers={"Accept": "application/json"},
        )
    if encoding != "identity":
        raise Problem(
            "media-type-unsupported",
            "send the body as it is, without Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )
