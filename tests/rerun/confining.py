"""Runs a job in the sandbox; where there is none, in a folder."""

import functools
import os
import shutil
import subprocess
import time
from pathlib import Path

from reverify.rerun.interface import Job, Ran
from reverify.rerun.sandbox import Bubblewrap


@functools.cache
def sandbox() -> Bubblewrap | None:
    """The sandbox, where it works."""
    found = Bubblewrap()
    return None if found.missing() else found


def run_job(job: Job, written: Path) -> Ran:
    """Run a job; what it leaves lies in `written`.

    Engines and environments can be tried without a sandbox too: its own tests say where
    it does not work.
    """
    confined = sandbox()
    return confined.run(job, written) if confined else _run_here(job, written)


def _run_here(job: Job, written: Path) -> Ran:
    shutil.copytree(job.stage, written)
    started = time.monotonic()
    done = subprocess.run(
        job.command,
        cwd=written / job.directory,
        env={
            "PATH": os.pathsep.join((*job.path, "/usr/bin", "/bin")),
            "HOME": str(written.parent),
            "LANG": "C.UTF-8",
            **job.environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Ran(
        status=done.returncode,
        stopped="",
        seconds=time.monotonic() - started,
        memory=0,
        output=done.stdout,
        errors=done.stderr,
        written=written,
    )
