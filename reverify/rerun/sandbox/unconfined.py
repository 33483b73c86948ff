"""Runs a command with limits, watched, but with nothing that confines it.

For those who trust it. It can read, write and send whatever its user can.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from reverify.errors import SandboxError
from reverify.rerun.interface import Job, Ran, Watcher
from reverify.rerun.sandbox import flags
from reverify.rerun.sandbox.dropping import found
from reverify.rerun.sandbox.results import Odd, result_folder, take_over
from reverify.rerun.sandbox.starting import uninterrupted
from reverify.rerun.sandbox.streams import Streams
from reverify.rerun.sandbox.watchdog import (
    SPARE,
    Taken,
    Watchdog,
    is_alive,
    running_processes,
)

MEASURE_SECONDS = 1.0
"""How often the work area is measured."""
END_SECONDS = 5.0
_MARK = "REVERIFY_RUN"


class Unconfined:
    """No sandbox: the same work area, limits and watchdog, and no walls.

    Args:
        spare: bytes of memory that this machine must have left during a run.
    """

    def __init__(self, spare: int = SPARE) -> None:
        self._spare = spare

    def missing(self) -> str:
        """What keeps it from working on this machine; "" if nothing does."""
        lacking = [name for name in ("prlimit", "tar") if not found(name)]
        return f"{' and '.join(lacking)} must be installed" if lacking else ""

    def run(self, job: Job, written: Path, watcher: Watcher | None = None) -> Ran:
        """Run a command; what it leaves in its work area is put into `written`.

        Raises:
            SandboxError: it could not be started.
        """
        if self.missing():
            raise SandboxError(self.missing())
        with (
            result_folder(written),
            tempfile.TemporaryDirectory(
                prefix="reverify-", ignore_cleanup_errors=True
            ) as folder,
        ):
            return self._run(job, Path(folder), written, watcher)

    def _run(
        self, job: Job, folder: Path, written: Path, watcher: Watcher | None
    ) -> Ran:
        work = folder / "work"
        try:
            shutil.copytree(job.stage, work, symlinks=True)
            first = flags.measured(folder)
        except (OSError, shutil.Error) as error:
            raise SandboxError(f"{job.stage} could not be copied: {error}") from error
        mark = secrets.token_hex(16)
        with _started(job, folder, mark) as (process, streams):
            watchdog = Watchdog(
                job.bounds,
                lambda: _marked(process, mark),
                _growth(folder, first),
                self._spare,
            )
            if watcher is not None:
                watcher.started(job.command)
            stopped = streams.watch(
                lambda: process.poll() is not None, watchdog, watcher
            )
            seconds = watchdog.seconds
            _end(process, mark)
            streams.drain(END_SECONDS)
            return Ran(
                status=None if stopped else process.returncode,
                stopped=stopped,
                seconds=seconds,
                memory=watchdog.peak,
                output=streams.output.value(),
                errors=streams.errors.value(),
                written=written,
                odd=() if stopped else _left(job, work, written, first),
            )


def _growth(folder: Path, first: Taken) -> Callable[[], Taken]:
    """Measure from time to time how much a folder has grown."""
    last, due = Taken(0, 0), 0.0

    def grown() -> Taken:
        nonlocal last, due
        if time.monotonic() >= due:
            with contextlib.suppress(OSError):  # files come and go
                now = flags.measured(folder)
                last = Taken(now.size - first.size, now.files - first.files)
            due = time.monotonic() + MEASURE_SECONDS
        return last

    return grown


@contextlib.contextmanager
def _started(
    job: Job, folder: Path, mark: str
) -> Iterator[tuple[subprocess.Popen[bytes], Streams]]:
    output, their_output = os.pipe()
    errors, their_errors = os.pipe()
    variables = dict(
        variable.split("=", 1) for variable in flags.variables(job, str(folder))
    )
    command = [*flags.limits(job.bounds, apart=False), *flags.looked_up(job.command)]
    with (
        Streams(output, errors, job.bounds) as streams,
        contextlib.ExitStack() as stack,
    ):
        try:
            with uninterrupted():
                process = subprocess.Popen(  # noqa: S603 - this is what it is all about
                    [found("prlimit"), *command[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=their_output,
                    stderr=their_errors,
                    env={"TMPDIR": str(folder), **variables, _MARK: mark},
                    cwd=folder / "work" / flags.start_folder(job),
                    umask=0o022,
                    start_new_session=True,
                )
                stack.callback(_end, process, mark)
        except (OSError, ValueError) as error:
            raise SandboxError(f"it could not be started: {error}") from error
        finally:
            os.close(their_output)
            os.close(their_errors)
        yield process, streams


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End the command and all that it started."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        left = list(_marked(process, mark))
        for number in left:
            with contextlib.suppress(OSError):
                os.kill(number, signal.SIGKILL)
        process.poll()
        if not left:
            break
        time.sleep(0.005)
    process.kill()
    process.wait()


def _marked(process: subprocess.Popen[bytes], mark: str) -> Iterator[int]:
    """All processes that it started, unless they hid: by environment, or session."""
    sign = f"{_MARK}={mark}".encode()
    for number in running_processes():
        with contextlib.suppress(OSError):
            environment = Path(f"/proc/{number}/environ").read_bytes()
            is_in = sign in environment or os.getsid(number) == process.pid
            if is_in and is_alive(number):
                yield number


def _left(job: Job, work: Path, written: Path, first: Taken) -> Odd:
    most = Taken(first.size + job.bounds.disk, first.files + job.bounds.files)
    with subprocess.Popen(  # noqa: S603 - tar
        flags.packing(work),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    ) as tar:
        try:
            return take_over(cast("BinaryIO", tar.stdout), written, most)
        finally:
            tar.kill()
