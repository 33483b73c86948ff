"""Lines of a stream, none of them longer than a bound."""

from collections.abc import Iterator
from typing import BinaryIO

from reverify.compare.files import BLOCK
from reverify.compare.interface import Job, MalformedError

BLANKS = b" \t\r\n\f\v"


def line_groups(
    stream: BinaryIO, most: int, *, universal: bool = False, begun: bytes = b""
) -> Iterator[bytes]:
    r"""Read whole lines, many at a time, their ends with them.

    Args:
        stream: where from.
        most: the longest line, in bytes.
        universal: whether `\r\n` and `\r` become `\n`.
        begun: what was read of the stream before.

    Raises:
        MalformedError: a line is longer; then it is hardly text.
    """
    tail, held = begun, b""
    while data := stream.read(BLOCK):
        if universal:
            data = held + data
            held = b"\r" if data.endswith(b"\r") else b""
            data = data[: len(data) - len(held)]
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = data.rfind(b"\n") + 1
        if not cut:
            tail += data
            if len(tail) > most:
                raise MalformedError(f"it has a line of more than {most:,} bytes")
            continue
        yield tail + data[:cut]
        tail = data[cut:]
    tail += b"\n" if held else b""
    if tail:
        yield tail


def lines(job: Job, stream: BinaryIO, *, universal: bool = False) -> Iterator[bytes]:
    """The lines of a stream, one by one."""
    for group in line_groups(stream, job.bounds.line_bytes, universal=universal):
        job.tick()
        yield from group.splitlines(keepends=True) if universal else _split(group)


def _split(group: bytes) -> list[bytes]:
    """Split at line feeds only; `splitlines` takes a lone carriage return for one."""
    parts = [part + b"\n" for part in group.split(b"\n")]
    last = parts.pop()[:-1]
    return [*parts, last] if last else parts
