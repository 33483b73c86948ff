"""A container of the recorded image, by its digest, as environment and as sandbox.

What runs in it has no network, no privileges and a work area of limited size; only
standard input and output lead in and out.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from reverify.errors import LackError, SandboxError
from reverify.model.rerun import Surroundings
from reverify.rerun.environments.container_programs import KINDS, NOBODY, Kind
from reverify.rerun.interface import Environment, Job, Ran, Tell, Watcher
from reverify.rerun.programs import find_for_user
from reverify.rerun.sandbox.results import Odd, result_folder, take_over
from reverify.rerun.sandbox.watchdog import Taken

_BY_DIGEST = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._:/-]*?)(:[\w.-]+)?@(?P<digest>sha256:[0-9a-f]{64})"
)
_SECONDS = 1800
_GRACE = 30.0
_TOLD = 500
_EVERY = 0.2

# The stage comes in on standard input; all that is left goes out on standard output.
_SCRIPT = """\
mkdir -p "$0/said" "$0/work" || exit 125
tar -xf - -C "$0/work" || exit 125
cd "$0/work/$1" || exit 125
shift
"$@" </dev/null >"$0/said/output" 2>"$0/said/errors"
echo "$?" >"$0/said/status"
cd "$0" || exit 125
tar -cf - said work
"""
_SAID = "said"
_BY_SIGNAL = 128


class Container:
    """Runs jobs in containers of one image; a sandbox like the other.

    Args:
        image: the image as it is recorded, `registry/name:tag@sha256:HEX`.
        environ: the user's environment.
    """

    def __init__(self, image: str, environ: Mapping[str, str]) -> None:
        self._said = image
        self._environ = dict(environ)
        match = _BY_DIGEST.fullmatch(image)
        self.image = f"{match['name']}@{match['digest']}" if match else ""
        self._kind: Kind | None = None
        self._program = Path()
        self._missing: str | None = None

    def missing(self) -> str:
        """What keeps it from working on this machine; "" if nothing does."""
        if not self._said:
            return "no image of a container is recorded"
        if not self.image:
            return f"{self._said} names no image by digest, and tags move"
        if self._missing is None:
            self._missing = self._found()
        return self._missing

    def fetch(self, *, offline: bool, tell: Tell = lambda _: None) -> None:
        """See to it that the image is here.

        Raises:
            LackError: containers cannot be run, or the image is not to be had.
        """
        fix = "Run it again with another environment."
        if lack := self.missing():
            raise LackError(lack, fix)
        kind = self._known()
        asked = kind.has(self.image)
        if asked and self._do(asked).returncode == 0:
            return
        if offline:
            what = f"the image {self.image} may not be fetched while offline"
            raise LackError(what, f"Fetch it: {kind.name} pull {self.image}")
        tell(f"Fetching the image {self.image}")
        answer = self._do(kind.pull(self.image))
        if answer.returncode:
            said = _last(answer.stderr)
            raise LackError(f"the image {self.image} cannot be had: {said}", fix)

    def run(self, job: Job, written: Path, watcher: Watcher | None = None) -> Ran:
        """Run a command; what it leaves in its work area is put into `written`.

        The highest use of memory is not measured: 0 is told.

        Raises:
            SandboxError: the container could not be started, or told nothing.
        """
        if lack := self.missing():
            raise SandboxError(f"containers cannot be run here: {lack}")
        kind, name = self._known(), f"reverify-{uuid.uuid4()}"
        command = [str(self._program), *kind.run(self.image, name, job)]
        command += ["-c", _SCRIPT, kind.work, job.directory, *job.command]
        with contextlib.ExitStack() as stack:
            stack.enter_context(result_folder(written))
            left = stack.enter_context(tempfile.TemporaryFile(prefix="reverify-"))
            if watcher is not None:
                watcher.started(job.command)
            started = time.monotonic()
            try:
                stopped, said = self._watch(command, job, left, watcher)
            finally:
                if words := kind.end(name):
                    self._do(words)
            seconds = time.monotonic() - started
            if stopped:
                return self._ran(job, written, seconds, stopped=stopped)
            left.seek(0)
            odd = _take_over(left, written, job)
            status = _status(written)
            if status is None:
                raise SandboxError(f"the container told nothing: {_last(said)}")
            return self._ran(job, written, seconds, status=status, odd=odd)

    # -- inside ------------------------------------------------------------------------

    def _found(self) -> str:
        told = []
        for kind in KINDS:
            program = find_for_user(kind.name, self._environ)
            if program is None:
                continue
            self._program = program
            answer = self._do(kind.works())
            if answer.returncode == 0:
                self._kind = kind
                return ""
            told.append(f"{kind.name} does not work here ({_last(answer.stderr)})")
        return "; ".join(told) or "podman, docker and apptainer are not on this machine"

    def _known(self) -> Kind:
        if self._kind is None:
            raise SandboxError("containers cannot be run here")
        return self._kind

    def _do(self, words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._program), *words]
        try:
            return subprocess.run(  # noqa: S603 - a program of the user's own
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return subprocess.CompletedProcess(command, 1, b"", str(error).encode())

    def _watch(
        self, command: list[str], job: Job, left: BinaryIO, watcher: Watcher | None
    ) -> tuple[str, bytes]:
        """Run it until it ends, or has taken too long; say why it was stopped."""
        with (
            tempfile.TemporaryFile(prefix="reverify-") as said,
            _stage(job.stage) as stage,
        ):
            process = subprocess.Popen(  # noqa: S603 - a program of the user's own
                command, stdin=stage, stdout=left, stderr=said, env=self._environ
            )
            started = time.monotonic()
            most = job.bounds.disk + 2 * job.bounds.output + _measure(job.stage)
            stopped = ""
            try:
                while process.poll() is None and not stopped:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_EVERY)
                    seconds = time.monotonic() - started
                    if seconds > job.bounds.seconds:
                        stopped = f"it took more than {job.bounds.seconds:g} s"
                    elif os.fstat(left.fileno()).st_size > 2 * most:
                        stopped = f"it wrote more than {job.bounds.disk:,} bytes"
                    if watcher is not None:
                        watcher.running(seconds, 0, b"")
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            return stopped, said.read(_TOLD * 10)

    def _ran(
        self,
        job: Job,
        written: Path,
        seconds: float,
        *,
        status: int | None = None,
        stopped: str = "",
        odd: Odd = (),
    ) -> Ran:
        texts = []
        for name in ("output", "errors"):
            path = written / _SAID / name
            texts.append(_capped(path, job.bounds.output) if path.is_file() else b"")
        _lift(written)
        return Ran(
            status=status,
            stopped=stopped,
            seconds=seconds,
            memory=0,
            output=texts[0],
            errors=texts[1],
            written=written,
            odd=odd,
            sandbox=f"{self._known().name}, {self.image}",
        )


def in_container(
    container: Container,
    recorded: Surroundings,
    *,
    offline: bool = False,
    tell: Tell = lambda _: None,
) -> Environment:
    """The environment in the containers of an image; the image is fetched if need be.

    Its jobs run in `container`, in place of the other sandbox.

    Raises:
        LackError: containers cannot be run here, the image is recorded without its
            digest, or is not to be had.
    """
    container.fetch(offline=offline, tell=tell)
    # The image is the recorded one, and so is what is in it; the rest is not asked.
    return Environment(
        name="container",
        surroundings=Surroundings(container=recorded.container),
    )


# -- what comes back -------------------------------------------------------------------


@contextlib.contextmanager
def _stage(folder: Path) -> Iterator[BinaryIO]:
    """The stage as a stream of tar, owned by whoever unpacks it."""
    with tempfile.TemporaryFile(prefix="reverify-") as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(folder, ".", filter=_anybody)
        stream.seek(0)
        yield stream


def _anybody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = int(NOBODY)
    member.uname = member.gname = ""
    member.mode |= 0o700 if member.isdir() or member.mode & 0o100 else 0o600
    return member


def _measure(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _take_over(left: BinaryIO, written: Path, job: Job) -> Odd:
    size = job.bounds.disk + 2 * job.bounds.output + _measure(job.stage)
    files = job.bounds.files + sum(1 for _ in job.stage.rglob("*")) + 8
    odd = take_over(left, written, Taken(size, files))
    return tuple((name.removeprefix("work/"), reason) for name, reason in odd)


def _status(written: Path) -> int | None:
    """How the command ended, as the shell around it tells; None if it does not."""
    try:
        status = int(_capped(written / _SAID / "status", 16))
    except (OSError, ValueError):
        return None
    # As shells say that a signal ended it.
    return _BY_SIGNAL - status if status > _BY_SIGNAL else status


def _capped(path: Path, most: int) -> bytes:
    """A file; its first and its last if it is long."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= most:
            return stream.read()
        first = stream.read(most // 2)
        stream.seek(size - most // 2)
        told = f"\n[... {size - 2 * (most // 2):,} bytes are left out here ...]\n"
        return first + told.encode() + stream.read(most // 2)


def _lift(written: Path) -> None:
    """Put what lies in `work` to where the work area is expected."""
    with tempfile.TemporaryDirectory(dir=written.parent, prefix=".reverify-") as aside:
        work = Path(aside) / "work"
        if (written / "work").is_dir():
            (written / "work").rename(work)
        shutil.rmtree(written / _SAID, ignore_errors=True)
        for path in work.iterdir() if work.is_dir() else ():
            path.rename(written / path.name)


def _last(said: bytes) -> str:
    """The last line that a program said."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line]
    return lines[-1].strip()[:_TOLD] if lines else "it said nothing"
