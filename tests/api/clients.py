"""Ways to ask the API: without a socket, and over one."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from reverify.api.app import create_app
from reverify.api.interface import Serving
from reverify.api.security import Guard
from reverify.capsules.registry import Registry, open_registry
from reverify.settings import Settings, load_settings

TOKEN = "a-token-of-the-tests-0123456789"
URL = "http://127.0.0.1"
JSON = {"content-type": "application/json"}
WRITE = {"authorization": f"Bearer {TOKEN}", **JSON}
ID = "6f1c2a8e-3b1d-4c55-9a51-0f6f8f3f7c21"
"""Of the capsule that `capsule_folder` makes."""


class Client:
    """Asks an app in this process, one request after the other."""

    def __init__(self, app: Guard) -> None:
        self._app = app

    def ask(
        self,
        method: str,
        path: str,
        content: Any = None,  # noqa: ANN401 - of httpx
        headers: Any = None,  # noqa: ANN401
    ) -> httpx.Response:
        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
                return await client.request(
                    method, path, content=content, headers=headers
                )

        return asyncio.run(answer())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """`accept_encoding` stands for Accept-Encoding."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, headers=named)

    def post(self, path: str, content: Any = b"", **headers: str) -> httpx.Response:  # noqa: ANN401
        """With token and content type, unless they are given otherwise."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {key: value for key, value in (WRITE | given).items() if value}
        return self.ask("POST", path, content=content, headers=named)

    def register(self, document: dict[str, Any]) -> httpx.Response:
        return self.post("/api/capsules", json.dumps(document).encode())


def settings_in(folder: Path, **flags: object) -> Settings:
    values = {"db": f"sqlite:///{folder}/registry.sqlite", "store": folder / "store"}
    return load_settings(values | flags, environ={}, folder=folder, user_folder=folder)


class Api:
    """An app with a registry in a folder, and a client of it."""

    def __init__(
        self,
        folder: Path,
        db: str | None = None,
        **serving: Any,  # noqa: ANN401
    ) -> None:
        self.folder = folder
        self.settings = settings_in(folder, **({"db": db} if db else {}))
        self.serving = Serving(**({"token": TOKEN} | serving))
        self.app = create_app(self.settings, self.serving)
        self.client = Client(self.app)

    def registry(self) -> Registry:
        return open_registry(self.settings)


@contextlib.contextmanager
def served(app: Guard) -> Iterator[str]:
    """A real server on the loopback address; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, http="h11", ws="none", lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    try:
        yield f"{URL}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem that an answer tells, which must be of this kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:reverify:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body
