"""One sandbox: how it is started, filled, watched, emptied and ended."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from reverify.errors import SandboxError
from reverify.rerun.interface import Job
from reverify.rerun.sandbox import dropping, flags
from reverify.rerun.sandbox.results import Odd, take_over
from reverify.rerun.sandbox.seccomp import deny_list
from reverify.rerun.sandbox.starting import uninterrupted
from reverify.rerun.sandbox.streams import CHUNK, Streams
from reverify.rerun.sandbox.watchdog import (
    Taken,
    Watchdog,
    available_memory,
    is_alive,
    parent,
    running_processes,
    state,
)

START_SECONDS = 300.0
"""How long putting the stage into the work area may take."""
STALL_SECONDS = 60.0
"""How long we wait for the next bytes of what is left."""
END_SECONDS = 5.0
"""How long we wait for what was killed to be gone."""
_LAST_SIGNAL = 31


class _Ends(NamedTuple):
    """Our ends of what leads into a sandbox.

    Attributes:
        process: bwrap, or what becomes it.
        feeder: the tar that puts the stage into it.
        control: of the socket on its standard input.
        status: of a file in memory to which bwrap tells of itself. Not of a pipe: if
            we were killed, it would end bwrap, but not yet its child.
    """

    process: subprocess.Popen[bytes]
    feeder: subprocess.Popen[bytes]
    control: socket.socket
    status: int


class Box:
    """A sandbox that was started, seen from outside.

    Args:
        ends: our ends of what leads into it.
        job: what runs in it.
        stage: how much is put into its work area.
        spare: bytes of memory that this machine must have left.
        streams: what the command says.

    Attributes:
        watchdog: looks at it, once it goes.
    """

    def __init__(
        self, ends: _Ends, job: Job, stage: Taken, spare: int, streams: Streams
    ) -> None:
        self._process, self._feeder, self._control, self._status = ends
        self._job = job
        self._stage = stage
        self._spare = spare
        self._said = bytearray()
        self._ended = False
        self._child = self._namespace = self._shell = 0
        self._areas: list[int] = []
        self.streams = streams
        self.watchdog = Watchdog(job.bounds, lambda: (), lambda: Taken(0, 0))
        streams.listen(ends.control.fileno(), self._hear)

    def _hear(self, data: bytes) -> None:
        self._said += data
        self._ended = not data

    def told(self) -> bool:
        """Whether the shell in it has said something, or is gone."""
        return b"\n" in self._said or self._ended

    def _line(self) -> bytes:
        line, newline, rest = self._said.partition(b"\n")
        if not newline:
            return b""
        self._said = rest
        return bytes(line)

    def prepare(self) -> None:
        """Wait until its work area is filled, and its shell waits for us.

        Raises:
            SandboxError: it did not come so far.
        """
        deadline = time.monotonic() + START_SECONDS
        fed = False
        while not self.told():
            if not fed and self._feeder.poll() is not None:
                fed = True
                with contextlib.suppress(OSError):
                    self._control.shutdown(socket.SHUT_WR)
            if time.monotonic() > deadline:
                raise SandboxError(f"it did not start within {START_SECONDS:g} s")
            self.streams.wait(0.005)
        if self._line() != b"ready":
            self.streams.drain(1)
            lines = self.streams.errors.value().decode("utf-8", "replace").split("\n")
            said = [line for line in lines if line.strip()]
            raise SandboxError(said[-1][:300] if said else "it ended without a word")
        if self._feeder.returncode:
            raise SandboxError(f"{self._job.stage} could not be read to the end")
        try:
            self._look_inside(deadline)
        except (OSError, ValueError, LookupError) as error:
            raise SandboxError(f"it cannot be looked into: {error}") from error

    def _look_inside(self, deadline: float) -> None:
        about = json.loads(os.pread(self._status, CHUNK, 0).split(b"\n")[0])
        self._child, self._namespace = about["child-pid"], about["pid-namespace"]
        for name in (flags.WORK, "/tmp"):  # noqa: S108 - inside
            # Only to measure: names below would be looked up on this machine.
            area = os.open(f"/proc/{self._child}/root{name}", os.O_PATH | os.O_CLOEXEC)
            self._areas.append(area)
        while not self._shell:
            stopped = (each for each in self._inside() if state(each) == "T")
            self._shell = next(stopped, 0)
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise SandboxError("its shell did not wait")
            time.sleep(0.001)

    def go(self) -> None:
        """Let the command begin, with a watchdog on it."""
        first = self._on_disk()

        def taken() -> Taken:
            now = self._on_disk()
            return Taken(now.size - first.size, now.files - first.files)

        self.watchdog = Watchdog(self._job.bounds, self._inside, taken, self._spare)
        os.kill(self._shell, signal.SIGCONT)

    def _on_disk(self) -> Taken:
        all = [os.fstatvfs(area) for area in self._areas]
        return Taken(
            sum((area.f_blocks - area.f_bfree) * area.f_frsize for area in all),
            sum(area.f_files - area.f_ffree for area in all),
        )

    def _inside(self) -> Iterator[int]:
        """All processes in its namespace, wherever they hide in the tree."""
        if self._namespace:
            for process in running_processes():
                if _namespace(process) == self._namespace and is_alive(process):
                    yield process

    def status(self) -> int | None:
        """How the command ended, as its shell tells; None if that is gone."""
        word, _, number = self._line().partition(b" ")
        if word != b"status":
            return None
        status = int(number)
        # As shells say that a signal ended it.
        by = status - 128
        return -by if 0 < by <= _LAST_SIGNAL else status

    def left(self, written: Path) -> Odd:
        """Take over what lies in the work area."""
        self.streams.unlisten(self._control.fileno())
        self._control.settimeout(STALL_SECONDS)
        bounds = self._job.bounds
        most = Taken(
            self._stage.size + bounds.disk, self._stage.files + bounds.files + 1
        )
        stream = cast("BinaryIO", _Left(bytes(self._said), self._control))
        return take_over(stream, written, most)

    def end(self) -> None:
        """End all that runs in it, and wait until it is gone."""
        _end(self._feeder)
        # Once its first process is gone, so is all in it, and bwrap ends by itself.
        if self._namespace and _namespace(self._child) == self._namespace:
            with contextlib.suppress(OSError):
                os.kill(self._child, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        _end_with_children(self._process)
        while self._areas:  # may come here twice, if it is interrupted
            os.close(self._areas.pop())
        self.streams.drain(END_SECONDS)
        deadline = time.monotonic() + END_SECONDS
        while any(self._inside()) and time.monotonic() < deadline:
            time.sleep(0.005)


def _namespace(process: int) -> int:
    """Number of the PID namespace of a process; 0 if it is gone or not ours to ask."""
    with contextlib.suppress(OSError):
        # Asked for every process of this machine ten times a second: no Path.
        return os.stat(f"/proc/{process}/ns/pid").st_ino  # noqa: PTH116
    return 0


class _Left(io.RawIOBase):
    """The stream of what is left: some bytes that came already, then a socket."""

    def __init__(self, first: bytes, control: socket.socket) -> None:
        self._first = first
        self._control = control

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        return self._control.recv(min(size, 1 << 18) if size > 0 else 1 << 18)


@contextlib.contextmanager
def started(program: str, job: Job, spare: int) -> Iterator[Box]:
    """Start a sandbox; at the end it is gone.

    Args:
        program: bwrap.
        job: what is to run in it.
        spare: bytes of memory that this machine must have left.

    Raises:
        SandboxError: the job is none that can be started.
    """
    root = os.geteuid() == 0
    binds: Sequence[flags.Bind] = flags.shared(job)
    front: list[str] = []
    if root:
        front, binds = dropping.as_nobody(binds)
    command = flags.command(job)
    with contextlib.ExitStack() as stack, contextlib.ExitStack() as theirs:
        try:
            stage = flags.measured(job.stage)
        except OSError as error:
            raise SandboxError(f"{job.stage}: {error.strerror}") from error
        left = available_memory()
        if left is not None and stage.size + spare > left:
            raise SandboxError(
                f"the {stage.size:,} bytes that it works on do not fit in the memory of"
                f" this machine, of which {left:,} bytes are free; run it where there"
                " is more"
            )
        control, their_control = socket.socketpair()
        stack.callback(control.close)
        theirs.callback(their_control.close)
        output, their_output = _pipe(theirs, root=root)
        errors, their_errors = _pipe(theirs, root=root)
        streams = stack.enter_context(Streams(output, errors, job.bounds))
        status = _memory(b"", stack)
        given = {"status": status, "passwd": _memory(flags.PASSWD, theirs)}
        listed = deny_list()
        if listed:
            given["seccomp"] = _memory(listed, theirs)
        arguments = "\0".join(flags.confinement(job, binds, stage, given))
        given["args"] = _memory(os.fsencode(arguments), theirs)
        try:
            with uninterrupted():
                feeder = subprocess.Popen(  # noqa: S603 - tar
                    flags.packing(job.stage),
                    stdin=subprocess.DEVNULL,
                    stdout=control.fileno(),
                    stderr=subprocess.DEVNULL,
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
                stack.callback(_end, feeder)
                process = subprocess.Popen(  # noqa: S603 - this is what it is all about
                    [*front, program, "--args", str(given["args"]), "--", *command],
                    stdin=their_control.fileno(),
                    stdout=their_output,
                    stderr=their_errors,
                    pass_fds=tuple(given.values()),
                    env={},
                    cwd="/",
                    umask=0o022,
                    start_new_session=True,
                )
                stack.callback(_end_with_children, process)
        except (OSError, ValueError) as error:
            raise SandboxError(f"it could not be started: {error}") from error
        theirs.close()
        box = Box(_Ends(process, feeder, control, status), job, stage, spare, streams)
        stack.callback(box.end)
        yield box


def _end_with_children(process: subprocess.Popen[bytes]) -> None:
    """End bwrap, or what is to become it.

    While it is set up its child does not yet die with it. So it is stopped first: then
    there is nobody who could make further children.
    """
    if process.poll() is None:
        os.kill(process.pid, signal.SIGSTOP)
        deadline = time.monotonic() + END_SECONDS
        while state(process.pid) not in {"T", "Z", ""} and time.monotonic() < deadline:
            time.sleep(0.001)
        for each in running_processes():
            if parent(each) == process.pid:
                with contextlib.suppress(OSError):
                    os.kill(each, signal.SIGKILL)
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _pipe(stack: contextlib.ExitStack, *, root: bool) -> tuple[int, int]:
    """Make a pipe, our end and theirs; as root theirs is given to nobody."""
    ours, their = os.pipe()
    stack.callback(os.close, their)
    if root:
        # Else nobody could not open it anew as /dev/stdout.
        os.fchown(their, flags.NOBODY, flags.NOBODY)
    return ours, their


def _memory(data: bytes, stack: contextlib.ExitStack) -> int:
    """Put bytes where a descriptor reads them, without a file."""
    descriptor = os.memfd_create("reverify")
    stack.callback(os.close, descriptor)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
