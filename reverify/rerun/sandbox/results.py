"""Takes over what a confined command left, out of the tar stream that comes back.

The stream is a stranger's. Its members are read by the rules for archives of strangers,
and we write the files: new ones, in a folder that is only ours, never through a link.
"""

import contextlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reverify.crates.limits import Budget, Limits
from reverify.crates.names import member_path
from reverify.crates.tar import CountedStream, stream_members
from reverify.errors import CrateError, LimitError, SandboxError
from reverify.rerun.sandbox.watchdog import Taken

Odd = tuple[tuple[str, str], ...]
DEPTH = 256
KEPT_ODD = 1000
"""Of more odd things, only the number is told."""
SECONDS, PACE = 600.0, 10 << 20
"""How long it may take: a time, and as many bytes each second."""
_TOO_MUCH = "more than may be written"
_KINDS = {
    tarfile.FIFOTYPE: "a FIFO",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@contextlib.contextmanager
def result_folder(written: Path) -> Iterator[None]:
    """Make the folder that results are put in, or take an empty one.

    After an error, an interrupt too, it is as it was.

    Raises:
        SandboxError: it cannot be made, or is not empty.
    """
    was_there = written.is_dir()
    if was_there and any(written.iterdir()):
        raise SandboxError(f"{written} is not empty; name another folder")
    try:
        try:
            written.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SandboxError(f"{written}: {error.strerror}; name another") from error
        yield
    except BaseException:
        shutil.rmtree(written, ignore_errors=True)
        if was_there:
            written.mkdir(mode=0o700)
        raise


def take_over(stream: BinaryIO, written: Path, most: Taken) -> Odd:
    """Write the files and folders of a tar stream into an empty folder of ours.

    Args:
        stream: of tar, not packed.
        written: the folder.
        most: bytes and files that are taken.

    Returns:
        what was not taken over: its path, and what it is.
    """
    odd: list[tuple[str, str]] = []
    limits = Limits(total_bytes=most.size, seconds=SECONDS + most.size / PACE)
    # Headers and padding come on top: two blocks for each, and the longest names.
    total = most.size + 4096 * (most.files + 16)
    counted = CountedStream(stream, total, Budget(limits))
    room = [most.size, most.files]
    try:
        for member, data in stream_members(counted):
            reason = _taken(member, data, written, room)
            if reason:
                odd.append((member.name, reason))
    except LimitError:
        odd.append(("./", f"{_TOO_MUCH}; what came after that is left out"))
    except (CrateError, tarfile.TarError) as error:
        odd.append(("./", f"could not be read to the end: {error}"))
    return _shortened(odd)


def _shortened(odd: list[tuple[str, str]]) -> Odd:
    kept = odd[:KEPT_ODD]
    if len(odd) > KEPT_ODD:
        kept.append(("./", f"{len(odd) - KEPT_ODD:,} further things like these"))
    return tuple((name.removeprefix("./") or "./", reason) for name, reason in kept)


def _taken(
    member: tarfile.TarInfo, data: BinaryIO | None, written: Path, room: list[int]
) -> str:
    """Write one member, or say why not."""
    try:
        path = member_path(member.name)
    except CrateError as error:
        return error.reason
    reason = _odd(member, path, is_file=data is not None)
    if reason or not path:
        return reason
    if room[1] <= 0 or member.size > room[0]:
        return _TOO_MUCH
    room[0] -= member.size
    room[1] -= 1
    target = written / path
    folder = target if data is None else target.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if data is not None:
            _write(data, target)
    except OSError as error:
        return f"could not be written: {error.strerror or error}"
    return ""


def _odd(member: tarfile.TarInfo, path: str, *, is_file: bool) -> str:
    if path.count("/") >= DEPTH:
        return f"it lies more than {DEPTH} folders deep"
    if member.issym() or member.islnk():
        return f"a link to {member.linkname}"
    if not member.isdir() and not is_file:
        return _KINDS.get(member.type, "neither file nor folder")
    return ""


def _write(data: BinaryIO, target: Path) -> None:
    """Copy to a file that must not exist yet."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(target, flags, 0o600), "wb") as file:
        try:
            shutil.copyfileobj(data, file, 1 << 18)
        except BaseException:
            target.unlink()
            raise
