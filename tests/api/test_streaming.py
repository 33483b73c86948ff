"""Crates that are made while they are sent, over real sockets."""

import asyncio
import io
import os
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from reverify.api import exports
from reverify.api.exports import Found
from reverify.api.problems import Problem
from reverify.api.streaming import BLOCK, Sink, Turns
from reverify.capsules.export import Exported
from reverify.capsules.registry import Registry
from reverify.errors import CapsuleError

from tests.api.clients import ID, Api, problem, served, wait_for
from tests.capsules.builders import LEAST

PATH = f"/api/capsules/{ID}/crate.zip"


class Gate:
    """Stands in for the writing of a zip: begins, waits to be let on, ends."""

    def __init__(self, before: int = 0, after: int = 0) -> None:
        self.before, self.after = before, after
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.running = self.most = self.begun = 0
        self.ended: list[BaseException | None] = []

    def __call__(self, registry: Registry, found: Found, stream: Sink) -> Exported:
        del registry, found
        with self.lock:
            self.begun += 1
            self.running += 1
            self.most = max(self.most, self.running)
        failure: BaseException | None = None
        try:
            for _ in range(self.before):
                stream.write(b"x" * BLOCK)
            assert self.open.wait(20)
            for _ in range(self.after):
                stream.write(b"x" * BLOCK)
            stream.write(b"end")
        except BaseException as error:
            failure = error
            raise
        finally:
            with self.lock:
                self.running -= 1
                self.ended.append(failure)
        return None  # type: ignore[return-value]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    stands = Gate()
    monkeypatch.setattr(exports, "write_zip", stands)
    yield stands
    stands.open.set()


def with_capsule(folder: Path, **serving: Any) -> Api:  # noqa: ANN401
    api = Api(folder, **serving)
    assert api.client.register(LEAST).status_code == 201
    return api


# -- how much at once --------------------------------------------------------------


def test_so_many_crates_are_made_at_once_and_so_many_wait(
    tmp_path: Path, gate: Gate
) -> None:
    api = with_capsule(tmp_path, exports_at_once=2, exports_waiting=3)
    with served(api.app) as url, ThreadPoolExecutor(9) as pool:
        asked = [pool.submit(httpx.get, url + PATH, timeout=20) for _ in range(9)]
        wait_for(lambda: sum(each.done() for each in asked) == 4)
        refused = [each.result() for each in asked if each.done()]
        gate.open.set()
        answered = [each.result() for each in asked]
    for answer in refused:
        problem(answer, 503, "busy")
        assert int(answer.headers["retry-after"]) > 0
    assert sorted(answer.status_code for answer in answered) == [200] * 5 + [503] * 4
    assert gate.begun == 5
    assert gate.most == 2


def test_nobody_waits_for_ever(tmp_path: Path, gate: Gate) -> None:
    api = with_capsule(tmp_path, exports_at_once=1, wait_seconds=0.2)
    with served(api.app) as url, ThreadPoolExecutor(1) as pool:
        first = pool.submit(httpx.get, url + PATH, timeout=20)
        wait_for(lambda: gate.running)
        problem(httpx.get(url + PATH, timeout=20), 503, "busy")
        gate.open.set()
        assert first.result().status_code == 200
        assert httpx.get(url + PATH, timeout=20).status_code == 200


def test_other_exports_wait_for_their_turn_too(tmp_path: Path, gate: Gate) -> None:
    out = tmp_path / "out"
    out.mkdir()
    api = with_capsule(tmp_path, exports=out, exports_at_once=1, exports_waiting=0)
    with served(api.app) as url, ThreadPoolExecutor(1) as pool:
        first = pool.submit(httpx.get, url + PATH, timeout=20)
        wait_for(lambda: gate.running)
        problem(httpx.get(f"{url}/api/capsules/{ID}/export"), 503, "busy")
        headers = {
            "Authorization": f"Bearer {api.serving.token}",
            "Content-Type": "application/json",
        }
        answer = httpx.post(f"{url}/api/capsules/{ID}/export-files", headers=headers)
        problem(answer, 503, "busy")
        # Whatever is no export is answered all the same.
        assert httpx.get(f"{url}/api/capsules/{ID}").status_code == 200
        assert httpx.get(f"{url}/healthz").status_code == 200
        gate.open.set()
        assert first.result().status_code == 200
    assert list(out.iterdir()) == []


# -- clients that go, or sleep -----------------------------------------------------


def connected(url: str, path: str = PATH) -> socket.socket:
    """A client that has asked, and reads nothing."""
    port = int(url.rpartition(":")[2])
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


def test_work_for_a_client_that_is_gone_is_stopped(tmp_path: Path, gate: Gate) -> None:
    gate.before = 10_000
    api = with_capsule(tmp_path, exports_at_once=1, exports_waiting=0)
    with served(api.app) as url:
        client = connected(url)
        wait_for(lambda: gate.running)
        client.close()
        wait_for(lambda: gate.ended)
        assert gate.ended[0] is not None
        # And its turn is free again.
        gate.before = 1
        gate.open.set()
        assert httpx.get(url + PATH, timeout=20).status_code == 200


def test_a_client_that_reads_nothing_is_not_waited_for(
    tmp_path: Path, gate: Gate
) -> None:
    gate.before = 10_000
    api = with_capsule(
        tmp_path, exports_at_once=1, exports_waiting=0, stall_seconds=0.3
    )
    with served(api.app) as url:
        client = connected(url)
        wait_for(lambda: gate.ended)
        assert gate.ended[0] is not None
        gate.before = 1
        gate.open.set()
        assert httpx.get(url + PATH, timeout=20).status_code == 200
        client.close()


def test_the_crate_is_made_no_faster_than_the_client_reads(
    tmp_path: Path, gate: Gate
) -> None:
    """A few blocks ahead, and what the sockets hold: not all of it."""
    written = []
    gate.before = 0
    gate.open.set()

    def write(_: Registry, __: Found, stream: Sink) -> None:
        for number in range(400):  # 100 MiB
            stream.write(os.urandom(1 << 10) * (BLOCK >> 10))
            written.append(number)

    api = with_capsule(tmp_path)
    with pytest.MonkeyPatch.context() as patch, served(api.app) as url:
        patch.setattr(exports, "write_zip", write)
        client = connected(url)
        wait_for(lambda: len(written) > 2)
        time.sleep(0.5)
        assert len(written) < 100
        client.close()


# -- what fails --------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    told: dict[str, Any] = {"blocks": 0, "error": CapsuleError("b.csv: changed")}

    def write(_: Registry, __: Found, stream: Sink) -> None:
        for _number in range(told["blocks"]):
            stream.write(b"x" * BLOCK)
        stream.write(b"x")
        raise told["error"]

    monkeypatch.setattr(exports, "write_zip", write)
    return told  # type: ignore[return-value]


def test_what_fails_before_the_first_block_is_a_problem(
    tmp_path: Path, failing: dict[str, Any]
) -> None:
    api = with_capsule(tmp_path)
    with served(api.app) as url:
        body = problem(httpx.get(url + PATH), 409, "capsule-unfit")
        assert body["detail"] == "b.csv: changed"
        failing["error"] = ZeroDivisionError("secret")
        answer = httpx.get(url + PATH)
        problem(answer, 500, "internal")
        assert "secret" not in answer.text


@pytest.mark.parametrize("error", [CapsuleError("x"), ZeroDivisionError("x")])
def test_what_fails_later_breaks_the_answer_off(
    tmp_path: Path, failing: dict[str, Any], error: Exception
) -> None:
    failing |= {"blocks": 8, "error": error}
    api = with_capsule(tmp_path)
    with served(api.app) as url:
        with httpx.stream("GET", url + PATH) as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_file_that_changes_under_the_download_breaks_it_off(tmp_path: Path) -> None:
    size = 8 << 20
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("a.bin", "b.bin"):
        (folder / name).write_bytes(os.urandom(size))
    api = Api(tmp_path, files=folder)
    inputs = [{"path": name} for name in ("a.bin", "b.bin")]
    assert api.client.register(LEAST | {"inputs": inputs}).status_code == 201
    with served(api.app) as url:
        client = connected(url)
        first = client.recv(4096)
        assert first.startswith(b"HTTP/1.1 200 OK")
        with (folder / "b.bin").open("r+b") as stream:
            stream.write(b"changed")
        received = first + b"".join(iter(lambda: client.recv(1 << 16), b""))
        client.close()
    assert len(received) < 2 * size
    assert not received.endswith(b"0\r\n\r\n")  # the end of a chunked body
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(received.partition(b"\r\n\r\n")[2]))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_crate(tmp_path: Path) -> None:
    size = 96 << 20
    folder = tmp_path / "files"
    folder.mkdir()
    with (folder / "large.bin").open("wb") as stream:
        for _ in range(size >> 20):
            stream.write(os.urandom(1 << 20))
    api = Api(tmp_path, files=folder)
    document = LEAST | {"inputs": [{"path": "large.bin"}]}
    assert api.client.register(document).status_code == 201
    with served(api.app) as url:
        httpx.get(f"{url}/api/capsules/{ID}/export", timeout=60)
        before, most, received = resident(), 0, 0
        with httpx.stream("GET", url + PATH, timeout=60) as answer:
            for chunk in answer.iter_raw(1 << 20):
                received += len(chunk)
                most = max(most, resident())
    assert received > size
    assert most - before < 24 << 20


def resident() -> int:
    """The memory that this process has now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_turns_are_given_back_whatever_happens(tmp_path: Path) -> None:
    api = Api(tmp_path, exports_at_once=1, exports_waiting=0)
    turns = Turns(api.serving)

    async def play() -> None:
        async with turns.taken():
            with pytest.raises(Problem):
                async with turns.taken():
                    pass
        with pytest.raises(ZeroDivisionError):
            async with turns.taken():
                raise ZeroDivisionError
        async with turns.taken():
            pass

    asyncio.run(play())
