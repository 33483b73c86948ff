"""Waiting for git: not for ever, not for any amount, and with no one left behind."""

import contextlib
import os
import signal
import subprocess
import threading
from io import BufferedReader
from typing import IO, NamedTuple, cast

_BLOCK = 1 << 16
_MOST_SAID = 1 << 16


class Ran(NamedTuple):
    """What came of a run of git.

    Attributes:
        output: what it wrote.
        said: what it said of errors.
        late: whether it took too long.
        over: whether it wrote too much.
    """

    output: bytes
    said: str
    late: bool
    over: bool


def finish(
    process: "subprocess.Popen[bytes]", given: bytes, seconds: float, most: int
) -> Ran:
    """Wait for git, and end it with all that it started."""
    late = threading.Event()
    said = bytearray()

    def stop() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(seconds, stop)
    speakers = [
        threading.Thread(target=_give, args=(process.stdin, given), daemon=True),
        threading.Thread(target=_hear, args=(process.stderr, said), daemon=True),
    ]
    for thread in (timer, *speakers):
        thread.start()
    output = bytearray()
    try:
        while block := cast("BufferedReader", process.stdout).read1(_BLOCK):
            output += block
            if len(output) > most:
                _kill(process)
                break
        process.wait()
    finally:
        timer.cancel()
        _kill(process)
        for thread in speakers:
            thread.join()
        for stream in (process.stdout, process.stderr):
            cast("IO[bytes]", stream).close()
    text = said.decode("utf-8", "replace")
    return Ran(bytes(output), text, late.is_set(), len(output) > most)


def _give(stream: "IO[bytes]", data: bytes) -> None:
    with contextlib.suppress(OSError), stream:
        stream.write(data)


def _hear(stream: BufferedReader, said: bytearray) -> None:
    while block := stream.read1(_BLOCK):
        said.extend(block[: max(0, _MOST_SAID - len(said))])


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process that began a group, and the group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
