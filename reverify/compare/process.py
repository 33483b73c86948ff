"""Have foreign formats read in a process of their own.

Libraries that read them are written in C: a stranger's file may crash them, or make
them take all memory there is. Then the answer is "not comparable", and nothing else is
harmed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from typing import Any

from reverify.compare.files import on_disk
from reverify.compare.interface import Job, MalformedError, NotComparableError
from reverify.model.comparison import Comparison

ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "HDF5_PLUGIN_PRELOAD": "::",  # no plug-ins
    "PYTHONWARNINGS": "ignore",
}
GRACE = 2.0
"""Seconds that a process has beyond its time to say so by itself."""


def compare_apart(job: Job, way: str) -> Comparison:
    """Compare in a process of its own.

    Args:
        job: what to compare.
        way: the word for it in `worker.WAYS`.

    Raises:
        MalformedError: as the process says.
        NotComparableError: as the process says, or it ended too early.
    """
    with (
        on_disk(job.expected, job.bounds) as expected,
        on_disk(job.actual, job.bounds) as actual,
        tempfile.TemporaryDirectory(prefix="reverify-") as folder,
    ):
        fds = expected.fileno(), actual.fileno()
        request = {
            "way": way,
            "name": job.name,
            "media_type": job.media_type,
            "files": [[fd, os.fstat(fd).st_size] for fd in fds],
            "rule": job.rule.to_dict(),
            "bounds": {
                field.name: getattr(job.bounds, field.name)
                for field in fields(job.bounds)
                if field.name != "archive"
            },
            "seconds": max(1.0, job.deadline - time.monotonic()),
            "inside": job.inside,
        }
        answer = _asked(request, fds, folder, job)
    if "malformed" in answer:
        raise MalformedError(answer["malformed"])
    if "not_comparable" in answer:
        raise NotComparableError(answer["not_comparable"])
    return Comparison.from_dict(answer["comparison"])


def _asked(
    request: dict[str, Any], fds: tuple[int, int], folder: str, job: Job
) -> dict[str, Any]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "reverify.compare.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=fds,
        env={**ENVIRONMENT, "TMPDIR": folder},
        cwd="/",
    )
    try:
        output, _ = process.communicate(
            json.dumps(request).encode(), timeout=request["seconds"] + GRACE
        )
    except subprocess.TimeoutExpired as error:
        raise NotComparableError(
            f"the {job.bounds.seconds:g} seconds for comparing are over"
        ) from error
    finally:
        process.kill()
        process.communicate()
    with contextlib.suppress(ValueError):
        found = json.loads(output)
        if isinstance(found, dict):
            return found
    end, memory = _end(process.returncode), job.bounds.memory
    raise NotComparableError(
        f"the process that reads such files ended too early ({end}); it may use"
        f" {memory:,} bytes of memory"
    )


def _end(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
