"""Runs the whole program on hostile input, and watches everything it does.

Every run is held to the same promises: an exit code that judges, no traceback, no raw
control characters, bounded time and memory, nothing written and nothing left over.
"""

import ctypes
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

SECONDS = 20.0
RSS = 150 << 20
SECRET = "marker-7f3b1c"
_RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LAUNCHER = """
import json, resource, subprocess, sys, time
started = time.monotonic()
with open(sys.argv[2], "wb") as out, open(sys.argv[3], "wb") as err:
    try:
        code = subprocess.run(
            sys.argv[5:], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            timeout=float(sys.argv[4]),
        ).returncode
    except subprocess.TimeoutExpired:
        code = "timeout"
rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
with open(sys.argv[1], "w") as answer:
    json.dump([code, time.monotonic() - started, rss], answer)
"""


@dataclass(frozen=True)
class Run:
    """What became of one run."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    rss: int

    @cached_property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.report["findings"]
        return found

    def rules(self, *outcomes: str) -> set[str]:
        """The rules of all findings, or of those with some outcomes."""
        return {
            finding["rule"]
            for finding in self.findings
            if not outcomes or finding["outcome"] in outcomes
        }

    @property
    def troubles(self) -> set[str]:
        return self.rules("refuted", "undetermined") - {
            "fixity/uncovered",
            "completeness/unlisted-file",
        }


class Room:
    """A place to run the program in: home, temporary folder and working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "tmp", "cwd", "out"):
            (folder / name).mkdir()
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "LC_ALL": "C.UTF-8",
            "REVERIFY_TEST_SECRET": SECRET,
            "XDG_CONFIG_HOME": str(folder / "home" / "config"),
        }

    def check(
        self,
        location: str | Path,
        *options: str,
        conformance: bool = False,
        json: bool = True,
        seconds: float = SECONDS,
        rss: int = RSS,
    ) -> Run:
        """Check one location; hold the program to its promises."""
        arguments = ["check", "--offline"]
        arguments += ["--json"] if json else []
        arguments += [] if conformance else ["--skip", "conformance"]
        before = listing(self.folder / "home"), listing(self.folder / "cwd")
        run = self._run([*arguments, *options, "--", str(location)], seconds)
        after = listing(self.folder / "home"), listing(self.folder / "cwd")
        assert run.code in {0, 1, 3}, (run.code, run.stderr, run.stdout[-2000:])
        assert "Traceback" not in run.stdout + run.stderr
        assert not _RAW.search(run.stdout + run.stderr)
        assert SECRET not in run.stdout + run.stderr
        assert before == after
        assert listing(self.folder / "tmp") == {}
        assert run.seconds < seconds
        assert conformance or run.rss < rss, f"{run.rss / 2**20:.0f} MiB"
        return run

    def _run(self, arguments: list[str], seconds: float) -> Run:
        out = self.folder / "out"
        answer, stdout, stderr = (out / name for name in ("answer", "stdout", "stderr"))
        subprocess.run(  # a small process starts it, whose own memory does not count
            [
                *(sys.executable, "-I", "-S", "-c", _LAUNCHER),
                *(answer, stdout, stderr, str(seconds)),
                *(sys.executable, "-m", "reverify", *arguments),
            ],
            env=self.environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=self.folder / "cwd",
            check=True,
        )
        code, took, rss = json.loads(answer.read_bytes())
        return Run(
            code,
            stdout.read_bytes().decode(),
            stderr.read_bytes().decode(),
            took,
            rss,
        )


def listing(root: Path) -> dict[str, tuple[int, ...]]:
    """Everything about a tree that reading it must not change; links not followed."""
    found: dict[str, tuple[int, ...]] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            info = path.lstat()
            about = info.st_mode, info.st_size, info.st_mtime_ns, info.st_ino
            found[str(path)] = about
    return found


class Canary:
    """Notices every attempt to open some files, by inotify."""

    _OPEN, _ACCESS = 0x20, 0x1

    def __init__(self, *paths: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:  # pragma: no cover - a kernel without inotify
            raise OSError(ctypes.get_errno(), "inotify")
        for path in paths:
            mask = self._OPEN | self._ACCESS
            if self._libc.inotify_add_watch(self._fd, os.fsencode(path), mask) < 0:
                raise OSError(ctypes.get_errno(), "inotify", str(path))

    def sang(self) -> int:
        """How many times one of them was opened or read."""
        count = 0
        while True:
            try:
                events = os.read(self._fd, 65536)
            except BlockingIOError:
                return count
            at = 0
            while at < len(events):
                _, _, _, size = struct.unpack_from("iIII", events, at)
                at += 16 + size
                count += 1

    def close(self) -> None:
        os.close(self._fd)


@contextmanager
def canary(*paths: Path) -> Iterator[Canary]:
    bird = Canary(*paths)
    try:
        yield bird
    finally:
        bird.close()


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """Listen on loopback; every connection is noted."""
    server = socket.create_server(("127.0.0.1", 0))
    heard: list[str] = []

    def serve() -> None:
        while True:
            try:
                connection, peer = server.accept()
            except OSError:
                return
            heard.append(str(peer))
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
