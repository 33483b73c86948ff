"""`reverify serve` itself, driven over a socket."""

import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer.main
from reverify.cli import _run, app

from tests.api.clients import ID, JSON, TOKEN, wait_for
from tests.capsules.builders import LEAST, capsule_folder

PATH = f"/api/capsules/{ID}/crate.zip"


class Process:
    """A running `reverify serve`, and what it said on standard error."""

    def __init__(self, folder: Path, *arguments: str, token: str = TOKEN) -> None:
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("REVERIFY_")
        }
        environ |= {
            "REVERIFY_DB": f"sqlite:///{folder}/registry.sqlite",
            "REVERIFY_STORE": str(folder / "store"),
        }
        if token:
            environ["REVERIFY_TOKEN"] = token
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reverify", "serve", "--port=0", *arguments],
                cwd=folder,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        wait_for(lambda: "serving on" in self.said or self.process.poll() is not None)
        found = re.search(r"serving on (http://\S+)", self.said)
        assert found, self.said
        self.url = found[1]

    @property
    def said(self) -> str:
        return self._log.read_text()

    @property
    def lines(self) -> list[str]:
        return self.said.splitlines()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def connect(self) -> socket.socket:
        host, port = re.fullmatch(r"http://\[?(.*?)\]?:(\d+)", self.url).groups()  # type: ignore[union-attr]
        return socket.create_connection((host, int(port)), timeout=30)


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, token: str = TOKEN) -> Iterator[Process]:
    server = Process(folder, *arguments, token=token)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        if server.process.stdout:
            server.process.stdout.close()


def test_no_answer_waits_for_an_acknowledgement(tmp_path: Path) -> None:
    """On a connection that is kept, the second half of an answer goes out at once."""
    seconds = []
    with serving(tmp_path) as server, httpx.Client() as client:
        for _ in range(30):
            before = time.perf_counter()
            client.get(f"{server.url}/healthz")
            seconds.append(time.perf_counter() - before)
    assert min(seconds[1:]) < 0.03


def test_a_download_under_way_is_finished_when_the_server_is_told_to_stop(
    tmp_path: Path,
) -> None:
    data = os.urandom(12 << 20)
    files = capsule_folder(tmp_path / "files", inputs=[{"path": "large.bin"}])
    (files / "large.bin").write_bytes(data)
    with serving(tmp_path, "--files=files", "--exports=.") as server:
        headers = {"Authorization": f"Bearer {TOKEN}", **JSON}
        answer = httpx.post(
            f"{server.url}/api/capsules",
            content=(files / "capsule.json").read_bytes(),
            headers=headers,
        )
        assert answer.status_code == 201, answer.text
        where = httpx.post(
            f"{server.url}/api/capsules/{ID}/export-files", headers=headers
        ).json()["where"]
        assert (tmp_path / where / "large.bin").read_bytes() == data

        with httpx.stream("GET", server.url + PATH, timeout=30) as download:
            chunks = download.iter_raw(1 << 16)
            received = next(chunks)
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: refuses(server))
            assert server.process.poll() is None
            received += b"".join(chunks)
        assert server.process.wait(30) == 0
        with zipfile.ZipFile(io.BytesIO(received)) as crate:
            assert crate.read("large.bin") == data
        assert server.process.stdout
        assert server.process.stdout.read() == b""
        assert "Traceback" not in server.said
        assert f" GET {PATH} 200 {len(received)} bytes " in server.lines[-1]
        assert TOKEN not in server.said


def refuses(server: Process) -> bool:
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
)
def test_a_signal_stops_it_at_once_when_nothing_is_under_way(
    tmp_path: Path, number: int, code: int
) -> None:
    with serving(tmp_path) as server:
        with httpx.Client() as client:
            client.get(f"{server.url}/healthz")
            began = time.monotonic()
            # A connection that is kept open, and idle, holds nobody up.
            assert server.stop(number) == code
            assert time.monotonic() - began < 5
        assert "Traceback" not in server.said


def test_it_says_one_line_for_each_request_and_none_is_forged(tmp_path: Path) -> None:
    with serving(tmp_path, token="") as server:
        assert "writes are refused" in server.lines[1]
        before = len(server.lines)
        httpx.get(f"{server.url}/a%0a%1b[31mforged%e2%80%ae")
        with server.connect() as client:
            client.sendall(b"GET /\x1b[31m HTTP/9.9\r\n\r\n\x00\xff")
            answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"\x1b" not in answer
        assert server.stop() == 0
        lines = server.lines[before:]
        assert len(lines) == 2
        assert all(line.isprintable() for line in lines)
        assert r"GET /a\x0a\x1b[31mforged\u202e 404" in lines[0]
        assert "Invalid HTTP request" in lines[1]


@pytest.mark.slow
def test_a_failure_is_told_in_the_log_and_stays_printable(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_bytes(b"no database" * 1000)
    with serving(tmp_path) as server:
        answer = httpx.get(f"{server.url}/readyz")
        assert answer.status_code == 500
        id = answer.json()["instance"].removeprefix("urn:uuid:")
        assert server.stop() == 0
        told = [line for line in server.lines if id in line]
        assert any("registry.sqlite" in line for line in told)
        assert any(" GET /readyz 500 " in line for line in told)


@pytest.mark.slow
def test_it_listens_for_this_machine_alone_unless_told(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert len(server.lines) == 1
    with serving(tmp_path, "--host=0.0.0.0", "--allow-host=Capsules.example") as server:
        wait_for(lambda: "others on the network may read" in server.said)
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        for host, status in (("capsules.example", 200), ("other.example", 421)):
            answer = httpx.get(f"{url}/healthz", headers={"Host": host})
            assert answer.status_code == status


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
@pytest.mark.slow
def test_it_listens_at_an_address_of_ipv6(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6 here")
    with serving(tmp_path, "--host=::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.get(f"{server.url}/healthz").status_code == 200


@pytest.mark.slow
def test_it_describes_itself_only_if_asked(tmp_path: Path) -> None:
    with serving(tmp_path, "--docs") as server:
        page = httpx.get(f"{server.url}/docs")
        document = httpx.get(f"{server.url}/openapi.json").json()
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    for path in document["paths"]:
        assert path in page.text


# -- what is refused at the start --------------------------------------------------


@pytest.fixture
def _started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is served: whoever gets so far has passed."""
    monkeypatch.setattr("reverify.cli.serve._run", lambda *_: 0)
    monkeypatch.delenv("REVERIFY_TOKEN", raising=False)


Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *arguments: str) -> str:
    """What is said, in one line, when it cannot be started so."""
    assert _run(["serve", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("reverify: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_without_the_extra_it_says_what_to_install(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fastapi", "uvicorn"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            assert 'pip install "reverify[serve]"' in refused(capsys)


@pytest.mark.usefixtures("_started")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_token_that_others_can_read_is_refused(
    tmp_path: Path, capsys: Capture, mode: int
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(mode)
    said = refused(capsys, f"--token-file={file}")
    assert f"mode 0{mode:o}" in said
    assert "chmod 600" in said
    assert TOKEN not in said


@pytest.mark.usefixtures("_started")
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_token_that_is_ones_own_is_taken(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(mode)
    assert _run(["serve", f"--token-file={file}"]) == 0


@pytest.mark.usefixtures("_started")
@pytest.mark.parametrize(
    "token", ["short", "x" * 15, "x" * 513, "with blanks in it, many", "ü" * 20]
)
def test_a_token_that_cannot_be_sent_or_is_guessed_is_refused(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    file.chmod(0o600)
    assert "a token is 16 to 512" in refused(capsys, f"--token-file={file}")
    monkeypatch.setenv("REVERIFY_TOKEN", token)
    said = refused(capsys)
    assert "REVERIFY_TOKEN: a token is 16 to 512" in said
    assert token not in said


@pytest.mark.usefixtures("_started")
def test_a_token_file_that_is_none_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("missing", "folder", "pipe"):
        assert name in refused(capsys, f"--token-file={tmp_path}/{name}")


@pytest.mark.usefixtures("_started")
@pytest.mark.parametrize("option", ["--files", "--exports"])
def test_a_folder_that_is_none_is_refused(
    tmp_path: Path, capsys: Capture, option: str
) -> None:
    (tmp_path / "file").write_text("")
    for name in ("missing", "file"):
        said = refused(capsys, f"{option}={tmp_path}/{name}")
        assert f"{option}: " in said


@pytest.mark.usefixtures("_started")
@pytest.mark.parametrize("name", ["", "http://a.example", "a b", "*", "a,b", "me@a"])
def test_a_host_that_no_request_can_name_is_refused(capsys: Capture, name: str) -> None:
    assert "--allow-host" in refused(capsys, f"--allow-host={name}")


def test_a_port_that_is_taken_is_said_so(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_DB", f"sqlite:///{tmp_path}/registry.sqlite")
    monkeypatch.delenv("REVERIFY_TOKEN", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port}" in refused(capsys, f"--port={port}")
    assert "cannot listen at 192.0.2.1" in refused(capsys, "--host=192.0.2.1")


def test_a_database_that_is_none_is_said_so(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_DB", "mysql://x")
    assert "is no database" in refused(capsys, "--port=0")


def test_the_defaults_are_safe() -> None:
    commands = getattr(typer.main.get_command(app), "commands", {})
    defaults = {each.name: each.default for each in commands["serve"].params}
    assert defaults["host"] == "127.0.0.1"
    assert not any(
        defaults[name]
        for name in ("files", "exports", "token_file", "allow_host", "docs")
    )


def test_help_loads_no_server() -> None:
    script = (
        "import sys\n"
        "from reverify.cli import _run\n"
        "assert _run(['serve', '--help']) == 0\n"
        "heavy = {'fastapi', 'starlette', 'uvicorn', 'anyio', 'jinja2'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "--token-file" in answer.stdout


def test_there_is_no_option_for_the_token_itself() -> None:
    """What stands in a command line, everybody on the machine can read."""
    commands = getattr(typer.main.get_command(app), "commands", {})
    options = {word for each in commands["serve"].params for word in each.opts}
    assert "--token" not in options


@pytest.mark.slow
def test_the_capsule_is_the_one_that_was_posted(tmp_path: Path) -> None:
    """All the way: over a socket, into the registry, out at the command line."""
    with serving(tmp_path) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.post(f"{server.url}/api/capsules", json=LEAST, headers=headers)
        assert answer.status_code == 201, answer.text
        environ = os.environ | {"REVERIFY_DB": f"sqlite:///{tmp_path}/registry.sqlite"}
        shown = subprocess.run(
            [sys.executable, "-m", "reverify", "capsule", "show", ID],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
    assert LEAST["title"] in shown.stdout
