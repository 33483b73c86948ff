"""Git speaks with one host through us, and with no other."""

import socket
from collections.abc import Iterator

import pytest
from reverify.services.git.origins import Origin
from reverify.services.git.tunnel import Tunnel

from tests.services.servers import Server, body, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"/a": body(b"x" * 1000)}) as started:
        yield started


def _open(server: Server, *, private: bool = True, most: int = 10_000) -> Tunnel:
    origin = Origin("http", "127.0.0.1", server.port, "/a")
    return Tunnel(origin, allow_private=private, most=most)


def _say(tunnel: Tunnel, data: bytes) -> bytes:
    """What a program gets that speaks with the tunnel, until it hangs up."""
    port = int(tunnel.url.rpartition(":")[2])
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(data)
        sock.settimeout(5)
        try:
            while block := sock.recv(4096):
                answer += block
        except ConnectionError:
            pass
    return answer


def test_the_host_is_reached(server: Server) -> None:
    there = f"127.0.0.1:{server.port}"
    with _open(server) as tunnel:
        plain = _say(tunnel, f"GET http://{there}/a HTTP/1.1\r\n\r\n".encode())
        assert plain.endswith(b"x" * 1000)
        request = f"CONNECT {there} HTTP/1.1\r\n\r\nGET /a HTTP/1.0\r\n\r\n"
        assert _say(tunnel, request.encode()).endswith(b"x" * 1000)
        assert tunnel.received > 2000
    assert server.requests == ["GET /a", "GET /a"]


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT 127.0.0.1:1 HTTP/1.1",
        "CONNECT example.org:443 HTTP/1.1",
        "GET http://example.org/a HTTP/1.1",
        "GET http://127.0.0.1/a HTTP/1.1",
        "GET /a HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1",
        "nonsense",
    ],
)
def test_no_other_host_is_reached(server: Server, line: str) -> None:
    with _open(server) as tunnel:
        answer = _say(tunnel, f"{line}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert not server.requests


def test_a_private_address_is_not_reached(server: Server) -> None:
    with _open(server, private=False) as tunnel:
        request = f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n\r\n"
        assert _say(tunnel, request.encode()).startswith(b"HTTP/1.1 502 ")
        assert "not a public address" in tunnel.refused
    assert not server.requests


def test_it_hangs_up_when_too_much_comes(server: Server) -> None:
    with _open(server, most=500) as tunnel:
        request = f"GET http://127.0.0.1:{server.port}/a HTTP/1.1\r\n\r\n"
        assert len(_say(tunnel, request.encode())) <= 500
        assert tunnel.over


def test_a_request_without_an_end_is_not_waited_for(server: Server) -> None:
    with _open(server) as tunnel:
        assert _say(tunnel, b"GET " + b"a" * 100_000) == b""
    assert not server.requests


def test_once_closed_nobody_gets_in(server: Server) -> None:
    tunnel = _open(server)
    url = tunnel.url
    tunnel.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5)
