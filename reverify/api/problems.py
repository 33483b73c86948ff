"""What went wrong, as problem details; the only place where errors become a status.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from reverify.errors import (
    CapsuleError,
    DamagedError,
    ManifestError,
    StoreError,
)
from reverify.formats.escape import printable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:reverify:problem:"


class Kind(NamedTuple):
    """A kind of problem.

    Attributes:
        status: of the answer.
        title: the same each time.
    """

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    "host-malformed": Kind(400, "The request does not say well which host it is for"),
    "manifest-unreadable": Kind(400, "The body is no JSON object in UTF-8"),
    "unauthorized": Kind(401, "The token is missing or wrong"),
    "writes-refused": Kind(403, "This server takes no writes"),
    "exports-refused": Kind(403, "This server writes no files"),
    "not-found": Kind(404, "There is no such resource"),
    "method-not-allowed": Kind(405, "The resource does not know this method"),
    "not-acceptable": Kind(406, "The resource has no form that the client accepts"),
    "body-late": Kind(408, "The body did not arrive in time"),
    "files-missing": Kind(409, "Files of the capsule are not at hand"),
    "capsule-unfit": Kind(409, "The capsule cannot be kept or exported as it is"),
    "body-too-large": Kind(413, "The body is too large"),
    "media-type-unsupported": Kind(415, "The body is not of a type that is read"),
    "host-refused": Kind(421, "The server is not known by this name"),
    "manifest-invalid": Kind(422, "The manifest does not fit its schema"),
    "parameters-invalid": Kind(422, "A parameter is not what it must be"),
    "internal": Kind(500, "The server failed"),
    "registry-damaged": Kind(500, "The registry is not what was put there"),
    "busy": Kind(503, "Too much is asked at once"),
    "registry-unavailable": Kind(503, "The registry cannot be reached"),
}
"""All kinds of problem, by the end of their type."""


class AsciiJson(JSONResponse):
    """JSON in ASCII alone, so that no control character of a capsule gets through."""

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - as JSONResponse
        """The bytes of the body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class ProblemJson(AsciiJson):
    """A body of problem details."""

    media_type = MEDIA_TYPE


class Problem(Exception):  # noqa: N818 - it is called so where it comes from
    """Ends a request with an answer that says why.

    Args:
        kind: a key of KINDS.
        detail: one or more sentences on this occurrence, and what to do.
        errors: places in what was sent, each with `pointer` and `detail`.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers

    def response(self, id: str | None = None) -> Response:
        """The answer.

        Args:
            id: of the request, if somebody must look for it in the log.
        """
        status, title = KINDS[self.kind]
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": title,
            "status": status,
            "detail": self.detail,
        }
        if id is not None:
            body["instance"] = f"urn:uuid:{id}"
        if self.errors:
            body["errors"] = [dict(error) for error in self.errors]
        return ProblemJson(body, status, self.headers)


def add_handlers(app: FastAPI) -> None:
    """Have every error of an app answered with a problem."""
    app.add_exception_handler(Problem, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(CapsuleError, _capsule)
    app.add_exception_handler(StoreError, _store)
    app.add_exception_handler(Exception, _internal)


def manifest_problem(error: ManifestError) -> Problem:
    """What is wrong with a manifest, fault by fault."""
    errors = [
        {"pointer": pointer, "detail": fault}
        for fault, pointer in zip_longest(error.faults, error.pointers, fillvalue="")
    ]
    if not error.pointers:
        detail = "; ".join(error.faults)
        return Problem("manifest-unreadable", detail, errors=errors)
    return Problem(
        "manifest-invalid",
        "the manifest was not kept; `errors` tells what is wrong with it and where",
        errors=errors,
    )


def request_id(request: Request) -> str:
    """The id under which the log knows a request."""
    return str(request.scope.get("reverify.id", ""))


async def _known(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return error.response()


async def _http(request: Request, error: Exception) -> Response:
    """What the framework itself has to say: 404 and 405."""
    status = getattr(error, "status_code", 500)
    if status == 404:  # noqa: PLR2004
        return Problem("not-found", "there is nothing under this path").response()
    if status == 405:  # noqa: PLR2004
        allow = {"Allow": ", ".join(methods_at(request))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        detail = f"use {allow['Allow']}"
        return Problem("method-not-allowed", detail, headers=allow).response()
    return await _internal(request, error)


def methods_at(request: Request) -> list[str]:
    """The methods that the resource of a request knows, all of its routes together."""
    found = {"OPTIONS"}
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


async def _parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    errors = [
        {"parameter": str(fault["loc"][-1]), "detail": str(fault["msg"])}
        for fault in error.errors()
    ]
    detail = "; ".join(f"{fault['parameter']}: {fault['detail']}" for fault in errors)
    return Problem("parameters-invalid", detail, errors=errors).response()


async def _capsule(_: Request, error: Exception) -> Response:
    assert isinstance(error, CapsuleError)  # noqa: S101 - registered for it
    errors = [{"detail": reason} for reason in error.reasons]
    return Problem("capsule-unfit", str(error), errors=errors).response()


async def _store(request: Request, error: Exception) -> Response:
    """Where the database is and what it says is for the log alone."""
    id = request_id(request)
    log.error("%s %s", id, printable(str(error)))
    if isinstance(error, DamagedError):
        detail = "what the registry holds was changed or damaged, and is not served"
        return Problem("registry-damaged", detail).response(id)
    detail = "the database of the registry cannot be used now; the log says why"
    headers = {"Retry-After": "30"}
    return Problem("registry-unavailable", detail, headers=headers).response(id)


async def _internal(request: Request, _: Exception) -> Response:
    """The traceback goes to the log: whoever stands before the app writes it there."""
    detail = (
        "this is a fault of reverify; the log tells more under the id in `instance`"
    )
    return Problem("internal", detail).response(request_id(request))
