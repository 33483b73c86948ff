"""Who may ask what, and what no answer gives away."""

import hmac
import json
import logging
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.api import security
from reverify.api.interface import LOOPBACK
from reverify.api.security import TOKEN as TOKEN_FORM

from tests.api.clients import ID, JSON, TOKEN, URL, Api, problem
from tests.capsules.builders import LEAST

BODY = json.dumps(LEAST).encode()
WRITES = ["/api/capsules", f"/api/capsules/{ID}/export-files"]


# -- host --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8000"],
)
def test_loopback_names_are_served(api: Api, host: str) -> None:
    assert api.client.get("/healthz", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.2",
        "localhost.",
        "0.0.0.0",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/api/capsules", "/nowhere"])
def test_another_name_is_refused_wherever_it_leads(
    api: Api, host: str, path: str
) -> None:
    body = problem(api.client.get(path, host=host), 421, "host-refused")
    assert "--allow-host" in body["detail"]


@pytest.mark.parametrize(
    "host", ["", "a/b", "127.0.0.1:8000/x", "user@127.0.0.1", "127.0.0.1 evil", "[::1"]
)
def test_a_host_that_is_none_is_a_bad_request(api: Api, host: str) -> None:
    problem(api.client.get("/healthz", host=host), 400, "host-malformed")


def test_two_hosts_are_a_bad_request(api: Api) -> None:
    twice = [("Host", "127.0.0.1"), ("Host", "evil.example")]
    answer = api.client.ask("GET", "/healthz", headers=twice)
    problem(answer, 400, "host-malformed")


def test_what_proxies_are_said_to_say_of_the_host_is_not_believed(api: Api) -> None:
    answer = api.client.get(
        "/healthz", host="evil.example", x_forwarded_host="127.0.0.1"
    )
    problem(answer, 421, "host-refused")


def test_a_further_name_can_be_allowed(tmp_path: Path) -> None:
    hosts = LOOPBACK | {"capsules.example.org"}
    api = Api(tmp_path, hosts=frozenset(hosts))
    answer = api.client.get("/healthz", host="Capsules.example.org:8000")
    assert answer.status_code == 200


def test_no_write_gets_past_another_name(registered: Api) -> None:
    for path in WRITES:
        answer = registered.client.post(path, BODY, host="evil.example")
        problem(answer, 421, "host-refused")


# -- token -------------------------------------------------------------------------


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer {TOKEN}, Bearer x",
        f"Bearer{TOKEN}",
    ],
)
def test_a_write_needs_a_token(registered: Api, path: str, given: str) -> None:
    answer = registered.client.post(path, BODY, authorization=given)
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="reverify"'


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "token", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x", "0" * 5000]
)
def test_a_write_needs_the_right_token(registered: Api, path: str, token: str) -> None:
    answer = registered.client.post(path, BODY, authorization=f"Bearer {token}")
    problem(answer, 401, "unauthorized")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert TOKEN not in answer.text + str(answer.headers)


def test_a_token_that_is_no_ascii_is_no_token(api: Api) -> None:
    headers = [(b"Authorization", "Bearer \xe9\xe9".encode("latin-1")), *JSON.items()]
    answer = api.client.ask("POST", "/api/capsules", BODY, headers)
    problem(answer, 401, "unauthorized")


def test_two_tokens_are_none(api: Api) -> None:
    one = ("Authorization", f"Bearer {TOKEN}")
    answer = api.client.ask("POST", "/api/capsules", BODY, [one, one, *JSON.items()])
    problem(answer, 401, "unauthorized")


def test_a_token_in_the_address_is_none(api: Api) -> None:
    for name in ("token", "access_token"):
        answer = api.client.post(
            f"/api/capsules?{name}={TOKEN}", BODY, authorization=""
        )
        problem(answer, 401, "unauthorized")


def test_the_scheme_is_written_in_any_case(api: Api) -> None:
    answer = api.client.post("/api/capsules", BODY, authorization=f"bEARER  {TOKEN}")
    assert answer.status_code == 201


def test_tokens_are_compared_in_constant_time(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    answer = api.client.post("/api/capsules", BODY)
    problem(answer, 401, "unauthorized")
    assert compared == [(TOKEN.encode(), TOKEN.encode())]


@pytest.mark.parametrize("path", WRITES)
def test_without_a_token_configured_nobody_writes(tmp_path: Path, path: str) -> None:
    api = Api(tmp_path, token=None)
    for shown in ("", "Bearer ", f"Bearer {TOKEN}", "Bearer None"):
        answer = api.client.post(path, BODY, authorization=shown)
        body = problem(answer, 403, "writes-refused")
        assert "REVERIFY_TOKEN" in body["detail"]
        assert "--token-file" in body["detail"]
    assert api.client.get("/api/capsules").json()["capsules"] == []


def test_the_token_is_asked_for_before_anything_else(api: Api) -> None:
    """Whoever has none learns neither what is there, nor what a body must be."""
    for path in ("/api/capsules", f"/api/capsules/{ID}/export-files"):
        for content_type in ("text/plain", ""):
            answer = api.client.post(
                path,
                b"x" * (api.serving.body_bytes + 1),
                authorization="",
                content_type=content_type,
            )
            problem(answer, 401, "unauthorized")
    bad = api.client.post("/api/capsules/x/export-files", authorization="")
    problem(bad, 401, "unauthorized")


@given(st.text(min_size=1))
def test_a_token_that_may_be_configured_can_be_sent(text: str) -> None:
    if TOKEN_FORM.fullmatch(text):
        httpx.Headers({"Authorization": f"Bearer {text}"}).raw  # noqa: B018
        assert security._BEARER.fullmatch(b"Bearer " + text.encode())


def test_the_token_shows_in_no_representation(api: Api) -> None:
    assert TOKEN not in repr(api.serving)


# -- a browser ---------------------------------------------------------------------


def answers(api: Api) -> list[httpx.Response]:
    client = api.client
    return [
        client.get("/healthz"),
        client.get("/api/capsules"),
        client.get(f"/api/capsules/{ID}"),
        client.get(f"/api/capsules/{ID}/crate.zip"),
        client.ask("HEAD", f"/api/capsules/{ID}/crate.zip"),
        client.ask("OPTIONS", "/api/capsules"),
        client.get("/nowhere"),
        client.ask("PUT", "/api/capsules"),
        client.get("/api/capsules/x"),
        client.get("/healthz", host="evil.example"),
        client.get("/healthz", host="/"),
        client.get("/healthz", accept="text/html"),
        client.post("/api/capsules", b"{"),
        client.post("/api/capsules", b"{", authorization=""),
        client.post("/api/capsules", b"{", content_type="text/plain"),
        client.post(f"/api/capsules/{ID}/export-files"),
    ]


def test_every_answer_has_its_security_headers(registered: Api) -> None:
    found = answers(registered)
    assert len({answer.status_code for answer in found}) >= 10
    for answer in found:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] in {"no-store", "no-cache"}
        assert "server" not in answer.headers


def test_no_other_origin_is_let_in(registered: Api) -> None:
    asking = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    for method, path in (
        ("OPTIONS", "/api/capsules"),
        ("GET", "/api/capsules"),
        ("POST", "/api/capsules"),
        ("GET", f"/api/capsules/{ID}/crate.zip"),
    ):
        answer = registered.client.ask(method, path, headers=asking)
        assert not [name for name in answer.headers if "access-control" in name]


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/problem+json",
        "text/plain; application/json",
    ],
)
def test_a_write_needs_a_body_of_json(
    registered: Api, path: str, content_type: str
) -> None:
    answer = registered.client.post(path, BODY, content_type=content_type)
    problem(answer, 415, "media-type-unsupported")
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'],
)
def test_json_may_say_its_encoding(api: Api, content_type: str) -> None:
    answer = api.client.post("/api/capsules", BODY, content_type=content_type)
    assert answer.status_code == 201


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_a_packed_body_is_not_read(api: Api, coding: str) -> None:
    answer = api.client.post("/api/capsules", BODY, content_encoding=coding)
    problem(answer, 415, "media-type-unsupported")
    assert answer.headers["accept-encoding"] == "identity"


# -- what fails, and what the log says ---------------------------------------------


def test_a_failure_tells_its_id_and_nothing_else(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret of the server")

    monkeypatch.setattr("reverify.capsules.registry.Registry.list", fail)
    with caplog.at_level(logging.INFO, "reverify"):
        answer = api.client.get("/api/capsules")
    body = problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "ZeroDivision" not in answer.text
    id = body["instance"].removeprefix("urn:uuid:")
    told = [record for record in caplog.records if id in record.getMessage()]
    assert any(record.exc_info for record in told)
    assert "secret of the server" in caplog.text


def test_each_request_is_one_line_of_log(
    registered: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "reverify.api"):
        registered.client.get(f"/api/capsules/{ID}?version=1")
        registered.client.post("/api/capsules", b"{")
        registered.client.get("/healthz", host="evil.example")
    lines = [record.getMessage().split(" ", 1)[1] for record in caplog.records]
    assert len(lines) == 3
    assert f" GET /api/capsules/{ID} 200 " in lines[0]
    assert " POST /api/capsules 400 " in lines[1]
    assert " GET /healthz 421 " in lines[2]
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "sent", ["%1b[31mred", "a%0a2026-01-31 forged", "%e2%80%ae", "%0d%0a::error::x"]
)
def test_what_is_asked_never_reaches_the_log_as_it_is(
    api: Api, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "reverify"):
        api.client.get(f"/{sent}")
        api.client.get(f"/api/capsules/{sent}")
    assert len(caplog.records) == 2
    for record in caplog.records:
        assert record.getMessage().isprintable()
        assert "\\x" in record.getMessage() or "\\u" in record.getMessage()


def test_a_long_path_is_a_short_line(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "reverify"):
        api.client.get("/" + "x" * 20_000)
    assert len(caplog.records[0].getMessage()) < 1000


def test_what_the_client_sent_is_not_in_the_address_of_the_next_page(
    api: Api,
) -> None:
    """Nothing is made of the Host header: its name may be of anybody's choice."""
    for number in range(2):
        api.client.register(LEAST | {"id": f"{number + 1:08}{ID[8:]}"})
    answer = api.client.get("/api/capsules?limit=1", host="localhost:1")
    assert answer.headers["link"].startswith("</api/capsules?")
    assert URL not in answer.text
