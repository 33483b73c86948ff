"""What a client sends, within limits, and which forms it takes back."""

import re
from collections.abc import Callable

import anyio
from fastapi import Request

from reverify.api.interface import Serving
from reverify.api.problems import Problem

JSON, ZIP = "application/json", "application/zip"
_RANGE = re.compile(r"\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)\s*(;.*)?", re.ASCII)
_WEIGHT = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", re.IGNORECASE)


async def read_body(request: Request, serving: Serving) -> bytes:
    """Read the body of a request, its bytes counted while they arrive.

    Raises:
        Problem: it is too large, or takes too long.
    """
    most = serving.body_bytes
    stated = request.headers.get("content-length", "0")
    if not stated.isdigit() or int(stated[:20]) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        with anyio.fail_after(serving.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise _too_large(most)
    except TimeoutError as error:
        raise Problem(
            "body-late",
            f"it was not there after {serving.body_seconds:g} seconds",
            headers={"Connection": "close"},
        ) from error
    return bytes(body)


def _too_large(most: int) -> Problem:
    return Problem("body-too-large", f"at most {most:,} bytes are read")


def answers_with(media_type: str) -> Callable[[Request], None]:
    """A dependency: the client must accept this type, or nothing is done for it."""

    def look(request: Request) -> None:
        if not accepts(", ".join(request.headers.getlist("accept")), media_type):
            raise Problem("not-acceptable", f"there is {media_type} alone")

    return look


def accepts(header: str, media_type: str) -> bool:
    """Whether a client takes a media type, by all of its Accept headers.

    Source: RFC 9110, section 12.5.1: the most specific range decides; q=0 refuses.
    """
    if not header.strip():
        return True
    type, _, subtype = media_type.partition("/")
    best, accepted = 0, False
    for item in header.lower().split(","):
        match = _RANGE.fullmatch(item)
        if match is None:
            continue
        specificity = {(type, subtype): 3, (type, "*"): 2, ("*", "*"): 1}.get(
            (match[1], match[2]), 0
        )
        if specificity > best:
            weight = _WEIGHT.search(match[3] or "")
            best, accepted = specificity, weight is None or float(weight[1]) > 0
    return accepted
