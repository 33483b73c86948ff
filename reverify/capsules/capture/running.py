"""Running the command: its output is the user's, and so is Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from reverify.errors import CapsuleError
from reverify.services.clock import Clock

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Streams(NamedTuple):
    """Where the output of the command goes: a descriptor, or None for where ours does.

    Attributes:
        out: its standard output.
        err: its standard error.
    """

    out: int | None = None
    err: int | None = None


class Run(NamedTuple):
    """How a run went.

    Attributes:
        started: when it began.
        ended: when it was over.
        status: what it ended with; minus the signal that ended it.
    """

    started: datetime
    ended: datetime
    status: int


def run(
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    streams: Streams,
    clock: Clock,
) -> Run:
    """Run a command to its end.

    Raises:
        CapsuleError: it cannot be started.
        KeyboardInterrupt: it was ended by a signal that was meant for us too.
    """
    with _passed_on() as signals:
        started = clock.now()
        try:
            process = subprocess.Popen(  # noqa: S603 - what the user asked for
                command,
                cwd=folder,
                env=dict(environ),
                stdout=streams.out,
                stderr=streams.err,
            )
        except (OSError, ValueError) as error:
            reason = f"{command[0]}: cannot be started ({error})"
            raise CapsuleError(reason) from error
        signals.pass_to(process)
        status = process.wait()
    if signals.received and (status < 0 or status == 128 + signals.received[0]):
        raise KeyboardInterrupt
    return Run(started, max(started, clock.now()), status)


class _Signals:
    """The signals that came while a command ran; they are for it."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    def receive(self, number: int, _: FrameType | None) -> None:
        """Pass on a signal, or remember it until there is a command."""
        self.received.append(number)
        if self._process is not None:
            self._send(self._process, number)

    def pass_to(self, process: "subprocess.Popen[bytes]") -> None:
        """Say what the command is."""
        self._process = process
        for number in list(self.received):
            self._send(process, number)

    def _send(self, process: "subprocess.Popen[bytes]", number: int) -> None:
        # A terminal sends Ctrl-C to the command as well; nobody else does.
        if number != signal.SIGINT or not os.isatty(0):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)


@contextlib.contextmanager
def _passed_on() -> Iterator[_Signals]:
    """While a command runs, signals that would end us are for it."""
    signals = _Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals.receive) for number in _STOPPING}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
