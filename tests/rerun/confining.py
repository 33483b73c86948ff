"""Runs a job in a folder, by the rules of a sandbox for its environment."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from reverify.rerun.interface import Job, Ran


def run_job(job: Job, written: Path) -> Ran:
    """Run a job; what it leaves lies in `written`."""
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
