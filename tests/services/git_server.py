"""A real git server on the loopback address, which can be told to be difficult.

Each request runs `git http-backend`, as a forge would.
"""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_HTTP_EXPORT_ALL": "1",
}


@dataclass
class Manner:
    """How a server behaves.

    Attributes:
        old: speak version 0 of the protocol only.
        settings: of git on the server, `uploadpack.allowFilter=true` say.
        status: what every request is answered with, if not 200.
        redirects: where a path that begins so is sent to.
        password: what has to be given, `user:password` in base64.
        cut: how many bytes of a pack are sent before the connection breaks.
        pause: how many seconds pass before a pack is sent.
        endless: after a pack has begun, noughts follow for ever.
        headers: further headers of every answer.
    """

    old: bool = False
    settings: tuple[str, ...] = ("uploadpack.allowFilter=true",)
    status: int = 200
    redirects: dict[str, str] = field(default_factory=dict)
    password: str = ""
    cut: int | None = None
    pause: float = 0.0
    endless: bool = False
    headers: dict[str, str] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    """One request to `git http-backend`."""

    server: "GitServer"
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        server, manner = self.server, self.server.manner
        server.requests.append(f"{self.command} {self.path}")
        server.authorizations.append(self.headers.get("Authorization", ""))
        given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            given = self._chunks()
        for start, there in manner.redirects.items():
            if self.path.startswith(start):
                self._say(302, {"Location": there + self.path.removeprefix(start)})
                return
        if manner.status != 200:
            self._say(manner.status, manner.headers)
            return
        wanted = f"Basic {manner.password}"
        if manner.password and self.headers.get("Authorization") != wanted:
            self._say(401, {"WWW-Authenticate": 'Basic realm="here"'})
            return
        with contextlib.suppress(OSError):
            self._run(given)

    def _chunks(self) -> bytes:
        data = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        return data

    def _run(self, given: bytes) -> None:
        manner = self.server.manner
        parts = urlsplit(self.path)
        settings = [part for item in manner.settings for part in ("-c", item)]
        environment = {
            **ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(given)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if not manner.old:
            environment["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        answer = subprocess.run(
            ["git", *settings, "http-backend"],
            env=environment,
            input=given,
            capture_output=True,
            check=False,
        ).stdout
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(
            line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line
        )
        status = int(headers.pop("Status", "200").split()[0])
        is_pack = self.command == "POST" and b"PACK" in body
        self._say(status, headers)
        if is_pack and manner.pause:
            time.sleep(manner.pause)
        if is_pack and manner.cut is not None:
            body = body[: manner.cut]
        self.server.sent += len(body)
        self.wfile.write(body)
        while is_pack and manner.endless:
            self.wfile.write(b"fff0\x02" + bytes(0xFFF0 - 5))

    def _say(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class GitServer(ThreadingHTTPServer):
    """Serves all repositories in a folder, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, root: Path, manner: Manner) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.manner = manner
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def packs(self) -> int:
        """How often it was asked for objects, or which references there are."""
        return sum(request.startswith("POST") for request in self.requests)


@contextlib.contextmanager
def serving_git(root: Path, manner: Manner | None = None) -> Iterator[GitServer]:
    server = GitServer(root, manner or Manner())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
