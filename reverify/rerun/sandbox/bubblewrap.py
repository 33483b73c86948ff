"""Runs a command confined by bubblewrap, watched from outside.

Source: bwrap(1).
"""

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from reverify.errors import SandboxError
from reverify.rerun.interface import Bounds, Job, Ran, Watcher
from reverify.rerun.sandbox import dropping
from reverify.rerun.sandbox.box import started
from reverify.rerun.sandbox.results import Odd, result_folder
from reverify.rerun.sandbox.seccomp import deny_list
from reverify.rerun.sandbox.watchdog import SPARE

OLDEST = (0, 8)
"""The first version that has --disable-userns."""
_SETTINGS = (
    ("/proc/sys/user/max_user_namespaces", "0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
)
"""Where kernels say that a plain user may make no user namespaces."""


class Bubblewrap:
    """A sandbox made by bubblewrap, of namespaces, limits and a list of system calls.

    One run is started, watched and ended by the thread that calls: bubblewrap ends
    what it runs when that thread does.

    Args:
        program: bwrap, a name or a path.
        spare: bytes of memory that this machine must have left during a run.
    """

    def __init__(self, program: str = "bwrap", spare: int = SPARE) -> None:
        self._name = program
        self._program = shutil.which(program) or ""
        self._spare = spare
        self._missing: str | None = None

    def missing(self) -> str:
        """What keeps it from working on this machine; "" if nothing does.

        Found by running /bin/true once, in just the same way as anything else.
        """
        if self._missing is None:
            self._missing = self._lacking() or self._tried()
        return self._missing

    def run(self, job: Job, written: Path, watcher: Watcher | None = None) -> Ran:
        """Run a command; what it leaves in its work area is put into `written`.

        After an error or an interrupt nothing of it is left: no process, no mount, no
        file.

        Args:
            job: what to run.
            written: a folder that is empty, or is made.
            watcher: is told how it goes.

        Raises:
            SandboxError: the sandbox itself failed, and says nothing of the command.
        """
        if self.missing():
            raise SandboxError(f"the sandbox does not work here: {self.missing()}")
        return self._run(job, written, watcher)

    def _lacking(self) -> str:
        if not sys.platform.startswith("linux"):
            return "bubblewrap needs Linux"
        if not self._program:
            return f"bubblewrap is not installed (no {self._name} on the PATH)"
        version = self._version
        if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST:
            return f"bubblewrap {version} is too old, 0.8 or later is needed"
        programs = ["tar", *(dropping.PROGRAMS if os.geteuid() == 0 else ())]
        for program in programs:
            if not dropping.found(program):
                return f"{program} is not installed"
        return ""

    @functools.cached_property
    def _version(self) -> str:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            said = subprocess.run(  # noqa: S603 - bwrap
                [self._program, "--version"],
                capture_output=True,
                check=False,
                env={},
                timeout=10,
            ).stdout
            words = said.decode("ascii", "replace").split()
            if words[:1] == ["bubblewrap"]:
                return words[-1]
        return "of unknown version"

    def _tried(self) -> str:
        with tempfile.TemporaryDirectory(prefix="reverify-") as folder:
            stage = Path(folder, "stage")
            stage.mkdir()
            bounds = Bounds(seconds=10, memory=1 << 28, disk=1 << 20, files=10)
            job = Job(command=("/bin/true",), stage=stage, bounds=bounds)
            try:
                ran = self._run(job, Path(folder, "written"), None)
            except SandboxError as error:
                return next(filter(None, map(_forbidden, _SETTINGS)), str(error))
        return "" if ran.status == 0 else f"/bin/true fails in it ({ran.stopped})"

    def _run(self, job: Job, written: Path, watcher: Watcher | None) -> Ran:
        with contextlib.ExitStack() as stack:
            stack.enter_context(result_folder(written))
            box = stack.enter_context(started(self._program, job, self._spare))
            box.prepare()
            if watcher is not None:
                watcher.started(job.command)
            box.go()
            stopped = box.streams.watch(box.told, box.watchdog, watcher)
            seconds = box.watchdog.seconds
            status = None if stopped else box.status()
            if status is None and not stopped:
                stopped = "it ended the shell that started it, and all with it"
            odd: Odd = ()
            if not stopped:
                odd = box.left(written)
            box.end()
            return Ran(
                status=status,
                stopped=stopped,
                seconds=seconds,
                memory=box.watchdog.peak,
                output=box.streams.output.value(),
                errors=box.streams.errors.value(),
                written=written,
                odd=odd,
                sandbox=self._described(),
            )

    def _described(self) -> str:
        list = ", seccomp" if deny_list() else ""
        return f"bubblewrap {self._version}{list}"


def _forbidden(setting: tuple[str, str]) -> str:
    path, value = setting
    with contextlib.suppress(OSError):
        if Path(path).read_text().strip() == value:
            return f"user namespaces are off for plain users ({path} is {value})"
    return ""
