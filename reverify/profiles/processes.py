"""Processes that have roc-validator loaded, kept between one crate and the next.

Each is used for one crate at a time, and forks a process for it that is thrown away;
see `forking.py`. If that one takes too long, or its parent dies, both are ended, and
another pair is started when it is needed.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_TRIES = 2
_BY_THE_USER = {-signal.SIGINT, -signal.SIGTERM}
"""How a process ends that somebody wants to end: no other is started then."""
_ANSWER_BYTES = 1024
_HOUSE = Path(__file__).parents[2]
_BEGIN = (
    "import sys; sys.path[-1:-1] = sys.argv[1:];"
    " from reverify.profiles.forking import main; main()"
)
"""Isolated from the user's environment, but with the same code as ours."""


class DiedError(Exception):
    """A process ended before it gave an answer."""


class Process:
    """One process that judges crates, one after the other."""

    def __init__(self) -> None:
        self._process = _start()

    def ask(self, request: Json, seconds: float) -> int:
        """Have one crate judged, and wait for it.

        Returns:
            the exit code of the process that did it, below zero for a signal.

        Raises:
            TimeoutError: it took longer than `seconds`.
            DiedError: there is nobody to do it.
        """
        process = self._process
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise DiedError from error
        text = b""
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        until = time.monotonic() + seconds
        while not text.endswith(b"\n"):
            if not poll.poll(max(until - time.monotonic(), 0) * 1000):
                raise TimeoutError
            more = os.read(process.stdout.fileno(), _ANSWER_BYTES)
            if not more:
                raise DiedError
            text += more
        ended: int = json.loads(text)["ended"]
        return ended

    def stop(self) -> int:
        """End it; the kernel ends what it forked.

        Returns:
            its exit code.
        """
        process = self._process
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return process.wait()


class Processes:
    """The processes of one engine; several threads may use it at once.

    As many are started as are used at the same time, and no more are kept than there
    are processors. Those of a process that forked are not used by the fork.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Process] = []
        self._owner = os.getpid()
        self._most = os.cpu_count() or 1
        weakref.finalize(self, _stop_all, self._idle, self._owner)

    def start(self) -> None:
        """Have a process ready by the time a crate is."""
        with self._lock:
            if not self._mine():
                self._idle.append(Process())

    def close(self) -> None:
        """Stop those that nobody uses."""
        with self._lock:
            _stop_all(self._mine(), self._owner)

    def judge(self, request: Json, seconds: float) -> str:
        """Have a crate judged.

        Args:
            request: see `Request` in `worker.py`.
            seconds: how long it may take.

        Returns:
            what went wrong; empty if the answers are there.

        Raises:
            TimeoutError: it took longer.
        """
        failure = ""
        until = time.monotonic() + seconds
        for _ in range(_TRIES):
            process = self._take()
            try:
                code = process.ask(request, until - time.monotonic())
            except DiedError:
                code = process.stop()
                failure = f"its process ended with {code}"
                if code in _BY_THE_USER:
                    break
            except BaseException:
                process.stop()
                raise
            else:
                self._give_back(process)
                return f"its process ended with {code}" if code else ""
        return failure

    def _take(self) -> Process:
        with self._lock:
            idle = self._mine()
            if idle:
                return idle.pop()
        return Process()

    def _give_back(self, process: Process) -> None:
        with self._lock:
            if len(self._mine()) < self._most:
                self._idle.append(process)
                return
        process.stop()

    def _mine(self) -> list[Process]:
        """The idle processes, but none of those that are another process's children."""
        if self._owner != os.getpid():
            self._idle, self._owner = [], os.getpid()
            weakref.finalize(self, _stop_all, self._idle, self._owner)
        return self._idle


def _stop_all(idle: list[Process], owner: int) -> None:
    while idle and owner == os.getpid():
        idle.pop().stop()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-I", "-c", _BEGIN, str(_HOUSE)],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
        cwd="/",
    )
