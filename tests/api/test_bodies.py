"""Bodies within limits, forms that are accepted, methods that are known."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.api.bodies import accepts

from tests.api.clients import ID, URL, WRITE, Api, problem
from tests.capsules.builders import LEAST


@pytest.fixture
def small(tmp_path: Path) -> Api:
    return Api(tmp_path, body_bytes=1000, body_seconds=0.2, exports=tmp_path)


WRITES = ["/api/capsules", f"/api/capsules/{ID}/export-files"]


@pytest.mark.parametrize("path", WRITES)
def test_a_body_that_says_it_is_too_large_is_not_read(small: Api, path: str) -> None:
    asked = post_in_pieces(small, path, 1 << 20, {"Content-Length": str(1 << 40)})
    body = problem(asked.answer, 413, "body-too-large")
    assert "1,000 bytes" in body["detail"]
    assert asked.sent == 0


@pytest.mark.parametrize("path", WRITES)
def test_the_bytes_of_a_body_are_counted_while_they_come(small: Api, path: str) -> None:
    asked = post_in_pieces(small, path, 1 << 20, {})
    problem(asked.answer, 413, "body-too-large")
    assert asked.sent <= 1200


def test_a_body_of_just_the_limit_is_read(small: Api) -> None:
    asked = post_in_pieces(small, "/api/capsules", 1000, {})
    problem(asked.answer, 400, "manifest-unreadable")


@pytest.mark.parametrize("path", WRITES)
def test_a_body_that_does_not_come_is_not_waited_for(small: Api, path: str) -> None:
    asked = post_in_pieces(small, path, 500, {}, pause=5)
    problem(asked.answer, 408, "body-late")
    assert asked.answer.headers["connection"] == "close"


class Asked:
    def __init__(self) -> None:
        self.sent = 0
        self.answer = httpx.Response(0)


def post_in_pieces(
    api: Api, path: str, size: int, headers: dict[str, str], pause: float = 0
) -> Asked:
    """Send a body in pieces of 100 bytes, and count those that were taken."""
    asked = Asked()

    async def pieces() -> AsyncIterator[bytes]:
        while asked.sent < size:
            asked.sent += 100
            yield b" " * 100
            await asyncio.sleep(pause)

    async def ask() -> None:
        transport = httpx.ASGITransport(api.app)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            asked.answer = await client.post(
                path, content=pieces(), headers=WRITE | headers
            )

    asyncio.run(ask())
    return asked


# -- forms -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "application/*", "application/json", "text/html, */*;q=0.1"],
)
def test_json_is_for_those_who_accept_it(registered: Api, accept: str) -> None:
    for path in ("/api/capsules", f"/api/capsules/{ID}", "/healthz", "/readyz"):
        answer = registered.client.get(path, accept=accept)
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/zip",
        "application/json;q=0",
        "*/*, application/json;q=0.0",
        "nonsense",
    ],
)
def test_others_are_told_that_there_is_nothing_for_them(
    registered: Api, accept: str
) -> None:
    for path in ("/api/capsules", f"/api/capsules/{ID}/export", "/healthz"):
        problem(registered.client.get(path, accept=accept), 406, "not-acceptable")
    for path in WRITES:
        answer = registered.client.post(path, b"{}", accept=accept)
        problem(answer, 406, "not-acceptable")


def test_a_crate_is_a_zip_and_nothing_else(registered: Api) -> None:
    path = f"/api/capsules/{ID}/crate.zip"
    for accept in ("application/zip", "*/*", "application/*;q=0.5"):
        assert registered.client.get(path, accept=accept).status_code == 200
    answer = registered.client.get(path, accept="application/json")
    body = problem(answer, 406, "not-acceptable")
    assert "application/zip" in body["detail"]


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("application/json", True),
        ("APPLICATION/JSON", True),
        ("application/json; charset=utf-8", True),
        ("application/json;q=0", False),
        ("application/json ; Q = 0.000", False),
        ("application/json;q=0.001", True),
        ("application/*;q=0, application/json", True),
        ("application/json;q=0, */*", False),
        ("*/*;q=0, application/*", True),
        ("text/*", False),
        (", ,", False),
        ("json", False),
        ("application/jsonp", False),
    ],
)
def test_the_most_specific_range_decides(header: str, accepted: bool) -> None:
    assert accepts(header, "application/json") is accepted


@given(st.text())
def test_no_accept_header_breaks_anything(header: str) -> None:
    assert accepts(header, "application/json") in {True, False}


# -- methods -----------------------------------------------------------------------

ALLOWED = {
    "/api/capsules": "GET, HEAD, OPTIONS, POST",
    f"/api/capsules/{ID}": "GET, HEAD, OPTIONS",
    f"/api/capsules/{ID}/export": "GET, HEAD, OPTIONS",
    f"/api/capsules/{ID}/export-files": "OPTIONS, POST",
    f"/api/capsules/{ID}/crate.zip": "GET, HEAD, OPTIONS",
    "/healthz": "GET, HEAD, OPTIONS",
    "/readyz": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize("path", ALLOWED)
def test_other_methods_are_told_what_there_is(registered: Api, path: str) -> None:
    known = ALLOWED[path].split(", ")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "X"):
        if method not in known:
            answer = registered.client.ask(method, path)
            problem(answer, 405, "method-not-allowed")
            assert answer.headers["allow"] == ALLOWED[path]


@pytest.mark.parametrize("path", ALLOWED)
def test_options_are_told(registered: Api, path: str) -> None:
    answer = registered.client.ask("OPTIONS", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == ALLOWED[path]


def test_there_are_no_options_where_there_is_nothing(api: Api) -> None:
    problem(api.client.ask("OPTIONS", "/nowhere"), 404, "not-found")


@pytest.mark.parametrize("path", [path for path in ALLOWED if "HEAD" in ALLOWED[path]])
def test_head_is_get_without_its_body(registered: Api, path: str) -> None:
    get, head = registered.client.get(path), registered.client.ask("HEAD", path)
    assert head.status_code == get.status_code == 200
    assert head.headers == get.headers


def test_a_manifest_of_many_megabytes_is_not_read_by_default(api: Api) -> None:
    document = LEAST | {"notes": "x" * api.serving.body_bytes}
    problem(api.client.register(document), 413, "body-too-large")
