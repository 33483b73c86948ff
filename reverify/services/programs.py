"""Programs of the user: what they say of themselves when they are asked."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 60
_VERSION = re.compile(r"([0-9]+(?:\.[0-9A-Za-z_-]+)+)")


def ask(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Run a program of the user, and take what it says; "" if it cannot be run.

    It is asked from an empty folder, so that no file of another one acts on it.
    """
    with tempfile.TemporaryDirectory(prefix="reverify-") as empty:
        try:
            answer = subprocess.run(  # noqa: S603 - a program of the user's own
                list(command),
                cwd=empty,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
    return answer.stdout.decode("utf-8", "replace")


def ask_version(program: Path, environ: Mapping[str, str]) -> str:
    """The version that a program of the user tells; "" if it tells none."""
    match = _VERSION.search(ask([str(program), "--version"], environ))
    return match[1] if match else ""
