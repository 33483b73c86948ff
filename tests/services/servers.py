"""Real servers on the loopback address, which answer as they are told."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers by the path of the request."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        self.server.headers.append(dict(self.headers.items()))
        length = int(self.headers.get("Content-Length", 0))
        self.server.bodies.append(self.rfile.read(length))
        answer = self.server.answers.get(self.path.partition("?")[0])
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client has gone
            if answer is None:
                self.say(404)
            else:
                answer(self)

    do_GET = do_HEAD = do_POST = _answer  # noqa: N815 - http.server calls them so

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; `content_type` stands for Content-Type."""
        self.send_response(status)
        headers.setdefault("content_length", str(len(body)))
        headers.setdefault("connection", "close")  # as it does: no request is lost
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Remembers what it was asked."""

    daemon_threads = True

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def port(self) -> int:
        return self.server_address[1]


@contextlib.contextmanager
def serving(answers: dict[str, Answer] | None = None) -> Iterator[Server]:
    server = Server(answers or {})
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def body(data: bytes, **headers: str) -> Answer:
    return lambda handler: handler.say(200, data, **headers)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.say(code, b"", **headers)


def redirect(to: str, code: int = 302) -> Answer:
    return status(code, location=to)
