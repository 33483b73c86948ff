"""What the commands share: exit codes, complaints, writing to files."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reverify.errors import UsageError
from reverify.formats.escape import printable
from reverify.model.outcome import Outcome

EXIT_USAGE, EXIT_INTERNAL, EXIT_INTERRUPTED = 2, 4, 130
EXIT: Mapping[Outcome, int] = {
    Outcome.CONFIRMED: 0,
    Outcome.REFUTED: 1,
    Outcome.UNDETERMINED: 3,
}
"""Exit code by verdict."""

GRAVITY = (EXIT_INTERRUPTED, EXIT_INTERNAL, EXIT_USAGE, 1, 3, 0)
"""With several crates the gravest counts."""


def gravest(codes: list[int]) -> int:
    """The exit code that counts among several."""
    return next(code for code in GRAVITY if code in codes)


def complain(text: str) -> None:
    """Say one line on standard error."""
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"reverify: {printable(text)}\n")


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file or none; an existing link is replaced, not followed.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(fd, "wb") as stream:
                stream.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error


def write_stdout(data: bytes) -> None:
    """Write a report to standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
