"""What the commands share: exit codes, complaints, writing to files."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reverify.errors import (
    CapsuleError,
    ManifestError,
    PolicyError,
    ReverifyError,
    UsageError,
)
from reverify.formats.escape import printable
from reverify.model.outcome import Outcome

log = logging.getLogger(__name__)

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


def complain_of(error: ReverifyError) -> None:
    """Say what is wrong, each fault on a line of its own."""
    match error:
        case ManifestError():
            lines = [f"{error.name}: {fault}" for fault in error.faults]
        case CapsuleError() | PolicyError():
            lines = list(error.reasons)
        case _:
            lines = [str(error)]
    for line in lines:
        complain(line)


def internal_error(error: Exception, *, verbose: bool) -> int:
    """Say that we failed, in one line, and with `-v` where."""
    if verbose:
        log.error("internal error", exc_info=error)
    complain(
        f"internal error: {type(error).__name__}: {error}; this is a fault of"
        " reverify: please report it with the output of -v"
    )
    return EXIT_INTERNAL


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file or none; an existing link is replaced, not followed.

    Pipes and devices are written to, of course, and never replaced.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        if path.absolute().parts[1] in {"dev", "proc"} or (
            path.exists() and not path.is_file()
        ):
            path.write_bytes(data)
            return
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
    """Write a report to standard output; nobody need read it to its end."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Do not fail again at exit; the verdict stands, read or not.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
