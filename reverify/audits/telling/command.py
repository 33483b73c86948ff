"""Telling a program of the user's own, which may then tell whomever it likes."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from typing import BinaryIO

from reverify.audits.telling.means import Means
from reverify.audits.telling.notice import Notice
from reverify.audits.telling.targets import Command
from reverify.formats.escape import printable
from reverify.settings import SECRETS

SECONDS = 60.0
_TAIL = 500


def tell(notice: Notice, target: Command, means: Means) -> str:
    """Run it, with the JSON as its standard input; no shell has a part in it.

    What it writes to standard output is not looked at. Of standard error the end is
    told if it fails.

    Returns:
        why that failed; empty if it did not.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(  # noqa: S603 - a program of the user's own
                target.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=environment(notice, means.environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"cannot be run ({getattr(error, 'strerror', error)})"
        with process:
            return _waited_for(process, notice.to_json(), said)


def _waited_for(process: subprocess.Popen[bytes], data: bytes, said: BinaryIO) -> str:
    try:
        process.communicate(data, timeout=SECONDS)
    except BaseException as error:
        # It was not waited for, so that its number is still that of its group.
        os.killpg(process.pid, signal.SIGKILL)
        if isinstance(error, subprocess.TimeoutExpired):
            return f"took longer than {SECONDS:g} seconds, and was ended"
        raise
    code = process.returncode
    if code == 0:
        return ""
    ended = f"was ended by signal {-code}" if code < 0 else f"exit status {code}"
    said.seek(max(0, said.seek(0, os.SEEK_END) - _TAIL))
    tail = said.read(_TAIL).decode("utf-8", "replace").strip()
    return f"{ended}: {printable(tail)}" if tail else ended


def environment(notice: Notice, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the program: ours without our secrets, and what is told."""
    own = {name: value for name, value in environ.items() if name not in SECRETS}
    told = {
        "SUBJECT": notice.subject,
        "NOTICE": notice.id,
        "COLLECTION": printable(notice.name),
        "RUN": str(notice.run.number),
    }
    counts = {word: str(group.claims) for word, group in notice.groups.items()}
    told |= {word.upper(): count for word, count in counts.items()}
    return own | {f"REVERIFY_{name}": value for name, value in told.items()}
