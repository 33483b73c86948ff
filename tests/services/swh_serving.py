"""Two ways to have an archive answer: behind `responses`, or from a real server."""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import requests
import responses

Answerer = Callable[[str, str, Mapping[str, str], bytes], Any]


class Double(Protocol):
    """What is served."""

    slow_seconds: float
    now: Callable[[], float]

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Any: ...  # noqa: ANN401


@contextlib.contextmanager
def at_the_wire(base: str, answer: Answerer) -> Iterator[None]:
    """Answer every request to a host, without a socket."""
    host = re.match("https?://[^/]+", base)
    assert host is not None

    def reply(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        body = request.body or b""
        found = answer(
            str(request.method),
            request.path_url,
            dict(request.headers),
            body if isinstance(body, bytes) else str(body).encode(),
        )
        if found.fault in {"reset", "truncated"}:
            raise requests.ConnectionError("Connection reset by peer")
        return found.status, found.headers, found.body

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "HEAD"):
            pattern = re.compile(re.escape(host[0]) + "/.*")
            mock.add_callback(method, pattern, callback=reply)
        yield


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        double = self.server.double
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        found = double.answer(self.command, self.path, dict(self.headers), body)
        with contextlib.suppress(OSError):
            if found.fault == "reset":
                self._reset()
                return
            if found.fault == "slow":
                time.sleep(double.slow_seconds)
            self._send(found, double)

    def _reset(self) -> None:
        """Hang up the way a crashed server does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def _send(self, found: Any, double: Double) -> None:  # noqa: ANN401
        self.send_response_only(found.status)
        self.send_header("Date", formatdate(double.now(), usegmt=True))
        self.send_header("Content-Length", str(len(found.body)))
        for name, value in found.headers.items():
            self.send_header(name, value.encode("utf-8").decode("latin-1"))
        self.end_headers()
        if found.fault == "truncated":
            self.wfile.write(found.body[: len(found.body) // 2])
            self.close_connection = True
            return
        if found.fault == "drip":
            for byte in found.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.05)
            return
        self.wfile.write(found.body)

    do_GET = do_POST = _answer  # noqa: N815 - http.server calls them so

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, double: Double, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.double = double


@contextlib.contextmanager
def serving(double: Double, port: int = 0) -> Iterator[str]:
    """Serve on the loopback address; gives scheme, host and port."""
    server = _Server(double, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
