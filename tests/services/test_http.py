"""The one door to the web: public addresses only, bounded in time and size."""

import gzip
import io
import socket
import time
from collections.abc import Callable, Iterator

import pytest
import requests
import responses
from reverify.errors import LimitError, RefusedError, ServiceError, UsageError
from reverify.services import addresses, guarded
from reverify.services import http as door
from reverify.services.addresses import is_public
from reverify.services.http import Http, check_url

from tests.services.servers import (
    Answer,
    Handler,
    Server,
    body,
    redirect,
    serving,
    status,
)

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1
127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8
192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378::1 2001:10::1 2001:20::1
2001:db8::1 2002:7f00:1:: 2002:a00:1:: 3fff::1 4000::1 fc00::1 fd00::1 fe80::1
fe80::1%lo fec0::1 ff02::1
""".split()
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255
128.0.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 192.169.0.1
198.17.255.255 198.20.0.1 223.255.255.255
2001:200::1 2001:4860:4860::8888 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8
""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_leads_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "1.1.1.1.1"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "[fd00::1]",
    ],
)
def test_a_host_that_leads_inside_is_refused(host: str) -> None:
    with serving() as server:
        with pytest.raises(ServiceError, match=r"public|resolve|known"):
            Http().head(f"http://{host}:{server.port}/")
        assert server.requests == []


def test_a_private_address_is_refused_before_tls_begins() -> None:
    with serving() as server, pytest.raises(ServiceError, match="not a public"):
        Http().head(f"https://127.0.0.1:{server.port}/")


def test_a_server_that_does_not_speak_tls_is_no_answer() -> None:
    with serving() as server, pytest.raises(ServiceError, match="no answer"):
        Http(allow_private=True).head(f"https://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://user@127.0.0.1/",
        "http://user:secret@example.org/",
        "http://exa mple.org/",
        "http://example.org/\r\nHost: inside",
        "file:///etc/passwd",
        "ftp://example.org/",
        "gopher://example.org/",
        "http://",
        "http:///path",
        "//example.org/",
        "http://[::1",
        "http://example.org:0/",
        "http://example.org:99999/",
    ],
)
def test_an_odd_url_is_refused_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _unasked)
    with pytest.raises(ServiceError):
        Http().head(url)
    with pytest.raises(UsageError):
        check_url(url)


def _unasked(*_: object, **__: object) -> None:
    raise AssertionError("somebody asked for an address")


# -- what the resolver says --------------------------------------------------------


def _resolving(*answers: list[str]) -> Callable[..., list[object]]:
    """A resolver that gives one list of addresses after the other, then the last."""
    left = list(answers)

    def getaddrinfo(host: object, port: int, **_: object) -> list[object]:
        del host
        found = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (item, port)) for item in found]

    return getaddrinfo


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"]])
def test_a_name_with_a_private_address_among_its_own_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    with serving({"/": body(b"inside")}) as server:
        monkeypatch.setattr(socket, "getaddrinfo", _resolving(addresses))
        with pytest.raises(ServiceError, match="not a public address"):
            Http().get(f"http://example.org:{server.port}/", 100)
        assert server.requests == []


def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[object] = []

    def connect(_: socket.socket, address: object) -> None:
        called.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(
        socket, "getaddrinfo", _resolving(["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"])
    )
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(ServiceError):
        Http().head("http://rebinding.example:80/")
    assert set(called) == {("8.8.8.8", 80)}


def test_a_name_that_is_bound_anew_between_redirects_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving({"/": redirect("/again"), "/again": body(b"inside")}) as server:
        monkeypatch.setattr(addresses, "is_public", lambda item: item == "127.0.0.1")
        monkeypatch.setattr(
            socket, "getaddrinfo", _resolving(["127.0.0.1"], ["10.0.0.1"])
        )
        with pytest.raises(ServiceError, match=r"10\.0\.0\.1"):
            Http().head(f"http://example.org:{server.port}/")
        assert server.requests == ["HEAD /"]


# -- redirects ---------------------------------------------------------------------


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that is taken for one on the public internet, alone of all."""
    with serving() as server:
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, **rest: int) -> list[object]:
            if host == "outside.example":
                kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
                return [(*kind, ("127.0.0.2", port))]
            return list(real(host, port, **rest))

        connect = socket.socket.connect

        def redirected(self: socket.socket, address: tuple[str, int]) -> None:
            if address[0] == "127.0.0.2":
                address = ("127.0.0.1", server.port)
            connect(self, address)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(socket.socket, "connect", redirected)
        public = is_public
        monkeypatch.setattr(
            addresses, "is_public", lambda item: item == "127.0.0.2" or public(item)
        )
        yield server


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_private_address_is_refused(outside: Server, code: int) -> None:
    outside.answers["/"] = redirect(f"{outside.url}/inside", code)
    outside.answers["/inside"] = body(b"secret")
    with pytest.raises(ServiceError, match="not a public address"):
        Http().get("http://outside.example/", 100)
    assert outside.requests == ["GET /"]


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user@outside.example/",
        "http://[::1",
        "http://outside.example:99999/",
        "data:text/plain,x",
    ],
)
def test_a_redirect_to_an_odd_url_is_refused(outside: Server, target: str) -> None:
    outside.answers["/"] = redirect(target)
    with pytest.raises(ServiceError):
        Http().get("http://outside.example/", 100)


def test_a_redirect_within_the_server_is_followed(outside: Server) -> None:
    outside.answers["/"] = redirect("there/")
    outside.answers["/there/"] = body(b"here")
    answer, data = Http().get("http://outside.example/", 100)
    assert (answer.url, data) == ("http://outside.example/there/", b"here")


def test_a_redirect_to_a_name_beyond_ascii_is_followed(outside: Server) -> None:
    outside.answers["/"] = redirect("/é".encode().decode("latin-1"))
    outside.answers["/%C3%A9"] = body(b"here")
    assert Http().get("http://outside.example/", 100)[1] == b"here"


def test_five_redirects_are_followed(outside: Server) -> None:
    for step in range(5):
        outside.answers[f"/{step}"] = redirect(f"/{step + 1}")
    outside.answers["/5"] = body(b"here")
    assert Http().get("http://outside.example/0", 100)[1] == b"here"


def test_six_redirects_are_too_many(outside: Server) -> None:
    outside.answers["/"] = redirect("/")
    with pytest.raises(ServiceError, match="more than 5 redirects"):
        Http().get("http://outside.example/", 100)
    assert len(outside.requests) == 6


# -- bounds ------------------------------------------------------------------------


def _inside() -> Http:
    return Http(allow_private=True)


def test_private_addresses_may_be_contacted_if_that_is_asked_for() -> None:
    with serving({"/": body(b"inside")}) as server:
        assert _inside().get(f"{server.url}/", 100)[1] == b"inside"


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_refused() -> None:
    with serving({"/": body(bytes(1000))}) as server:
        assert len(_inside().get(f"{server.url}/", 1000)[1]) == 1000
        with pytest.raises(LimitError, match="larger than 999 bytes"):
            _inside().get(f"{server.url}/", 999)


def test_a_gzip_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    with serving({"/": body(bomb, content_encoding="gzip")}) as server:
        target = io.BytesIO()
        with pytest.raises(LimitError):
            _inside().download(f"{server.url}/", target, 10 << 20, 60)
        assert target.tell() <= 10 << 20


def test_only_plain_bodies_are_asked_for() -> None:
    with serving({"/": body(b"x")}) as server:
        _inside().get(f"{server.url}/", 10)
        assert server.headers[0]["Accept-Encoding"] == "identity"


def _dripping(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "1000000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def _dripping_without_length(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("connection", "close")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def _dripping_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"1\r\nx\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "slow", [_dripping, _dripping_without_length, _dripping_chunks]
)
def test_a_body_that_drips_is_given_up_at_the_deadline(slow: Answer) -> None:
    with serving({"/": slow}) as server:
        began = time.monotonic()
        with pytest.raises(LimitError, match=r"longer than 0\.3 seconds"):
            _inside().download(f"{server.url}/", io.BytesIO(), 1 << 30, 0.3)
        assert time.monotonic() - began < 3


def _dripping_headers(handler: Handler) -> None:
    handler.send_response(200)
    handler.flush_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def test_headers_that_drip_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "HEADER_SECONDS", 0.3)
    with serving({"/": _dripping_headers}) as server:
        began = time.monotonic()
        with pytest.raises(ServiceError):
            _inside().head(f"{server.url}/")
        assert time.monotonic() - began < 5


def test_a_server_that_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "READ_SECONDS", 0.2)
    with (
        serving({"/": lambda _: time.sleep(2)}) as server,
        pytest.raises(ServiceError, match="no answer"),
    ):
        _inside().head(f"{server.url}/")


def test_a_body_that_breaks_off_is_no_body() -> None:
    with (
        serving({"/": body(b"half", content_length="8")}) as server,
        pytest.raises(ServiceError, match="broke off"),
    ):
        _inside().get(f"{server.url}/", 100)


def test_a_server_that_asks_to_be_asked_tomorrow_is_not_waited_for() -> None:
    with serving({"/": status(503, retry_after="86400")}) as server:
        began = time.monotonic()
        assert _inside().head(f"{server.url}/").status == 503
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "five", "²"])
def test_an_odd_content_length_is_none(length: str) -> None:
    def odd(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", length)
        handler.end_headers()

    with serving({"/": odd}) as server:
        assert _inside().head(f"{server.url}/").size is None


# -- asking with more than an address ----------------------------------------------


@responses.activate
def test_a_body_and_headers_are_sent_and_the_whole_answer_comes_back() -> None:
    responses.post("https://example.org/", body=b"said", headers={"X-Seen": "Yes"})
    reply = Http().ask(
        "POST",
        "https://example.org/",
        limit=100,
        seconds=5,
        headers={"X-Sent": "1"},
        secret="Bearer abc",
        body=b"given",
    )
    assert (reply.status, reply.body, reply.headers["x-seen"]) == (200, b"said", "Yes")
    sent = responses.calls[0].request
    assert (sent.body, sent.headers["X-Sent"]) == (b"given", "1")
    assert sent.headers["Authorization"] == "Bearer abc"


def test_a_secret_is_not_sent_on_after_a_redirect() -> None:
    with serving() as server:
        server.answers["/a"] = redirect("/b")
        server.answers["/b"] = redirect("/c")
        server.answers["/c"] = body(b"here")
        reply = _inside().ask(
            "GET", f"{server.url}/a", limit=100, seconds=5, secret="Bearer abc"
        )
        sent = ["Authorization" in headers for headers in server.headers]
    assert (reply.body, sent) == (b"here", [True, False, False])


@responses.activate
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_post_follows_no_redirect(code: int) -> None:
    there = {"Location": "https://example.org/there"}
    responses.post("https://example.org/", status=code, headers=there)
    with pytest.raises(ServiceError, match="redirects a POST"):
        Http().ask("POST", "https://example.org/", limit=9, seconds=5, body=b"x")


@pytest.mark.parametrize("code", [500, 502, 503])
def test_nothing_is_asked_twice_unless_it_is_said(code: int) -> None:
    with serving({"/": status(code)}) as server:
        reply = _inside().ask("GET", f"{server.url}/", limit=100, seconds=5)
        assert (reply.status, len(server.requests)) == (code, 1)


def test_a_file_takes_what_was_asked_for_and_no_complaint() -> None:
    answers = {"/a": body(b"here"), "/b": lambda h: h.say(404, b"no")}
    with serving(answers) as server:
        target = io.BytesIO()
        url = f"{server.url}/a"
        reply = _inside().ask("GET", url, limit=9, seconds=5, target=target)
        assert (reply.body, target.getvalue()) == (b"", b"here")
        url = f"{server.url}/b"
        reply = _inside().ask("GET", url, limit=9, seconds=5, target=target)
        assert (reply.body, target.getvalue()) == (b"no", b"here")


def test_a_complaint_without_end_is_not_held() -> None:
    answers = {"/": lambda h: h.say(404, bytes(3 << 20))}
    with serving(answers) as server, pytest.raises(LimitError):
        _inside().ask(
            "GET", f"{server.url}/", limit=1 << 30, seconds=5, target=io.BytesIO()
        )


def test_what_we_refuse_to_ask_is_told_from_what_does_not_answer() -> None:
    with pytest.raises(RefusedError):
        Http().ask("GET", "http://127.0.0.1/", limit=9, seconds=5)
    with pytest.raises(RefusedError):
        Http().ask("GET", "file:///etc/passwd", limit=9, seconds=5)
    with serving() as server:
        gone = server.url
    with pytest.raises(ServiceError) as caught:
        _inside().ask("GET", gone, limit=9, seconds=5)
    assert not isinstance(caught.value, RefusedError)


# -- what is taken from the surroundings -------------------------------------------


def test_no_proxy_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving({"/": body(b"direct")}) as server, serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert _inside().get(f"{server.url}/", 100)[1] == b"direct"
        assert proxy.requests == []


def test_no_password_is_taken_from_netrc(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving({"/": body(b"x")}) as server:
        _inside().get(f"{server.url}/", 100)
        assert "Authorization" not in server.headers[0]


# -- answers -----------------------------------------------------------------------


@pytest.mark.parametrize("code", [403, 405, 501])
def test_a_server_that_only_knows_get_is_asked_with_get(code: int) -> None:
    def answer(handler: Handler) -> None:
        handler.say(code if handler.command == "HEAD" else 200, b"x")

    with serving({"/": answer}) as server:
        assert _inside().head(f"{server.url}/").found
        assert server.requests == ["HEAD /", "GET /"]


@responses.activate
def test_an_answer_tells_size_type_and_links() -> None:
    responses.head(
        "https://example.org/crate",
        headers={
            "Content-Length": "12",
            "Content-Type": "Application/ZIP; charset=x",
            "Link": '<https://example.org/a.zip>; rel="item"; type="application/zip"',
        },
    )
    answer = Http().head("https://example.org/crate")
    assert (answer.size, answer.media_type) == (12, "application/zip")
    assert answer.links["item"][0]["url"] == "https://example.org/a.zip"


@responses.activate
@pytest.mark.parametrize(("code", "missing"), [(404, True), (410, True), (500, False)])
def test_a_server_that_knows_it_is_not_there_is_told_from_one_that_does_not(
    code: int, *, missing: bool
) -> None:
    responses.head("https://example.org/a", status=code)
    answer = Http().head("https://example.org/a")
    assert (answer.found, answer.missing) == (False, missing)


@responses.activate
def test_no_connection_is_no_answer() -> None:
    responses.head("https://example.org/a", body=requests.ConnectionError("refused"))
    with pytest.raises(ServiceError, match="no answer"):
        Http().head("https://example.org/a")
