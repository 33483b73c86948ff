"""Two files byte by byte, in pieces."""

from itertools import zip_longest

from reverify.compare.files import blocks
from reverify.compare.interface import Job
from reverify.compare.tally import Tally
from reverify.model.comparison import Comparison, Method


def first_difference(job: Job) -> int | None:
    """How many bytes are the same from the start on; None if all of them are."""
    at = 0
    with job.expected.open() as expected, job.actual.open() as actual:
        for one, other in zip_longest(blocks(expected), blocks(actual), fillvalue=b""):
            if one != other:
                return at + _first(one, other)
            at += len(one)
            job.tick()
    return None


def compare_bytes(job: Job) -> Comparison:
    """Count the bytes that differ, place by place.

    Bytes behind the end of the shorter side differ, each of them.
    """
    tally = Tally(job.rule, job.bounds.shown)
    sizes = [0, 0]
    with job.expected.open() as expected, job.actual.open() as actual:
        for one, other in zip_longest(blocks(expected), blocks(actual), fillvalue=b""):
            if one != other:
                at = max(sizes) + _first(one, other)
                near = at - max(sizes)
                tally.differ(
                    f"byte {at:,}",
                    _hex(one, near),
                    _hex(other, near),
                    _count(one, other),
                )
            sizes[0] += len(one)
            sizes[1] += len(other)
            job.tick()
    tally.compared = max(sizes)
    if sizes[0] != sizes[1]:
        tally.reason = f"{sizes[0]:,} bytes expected, {sizes[1]:,} found"
    return tally.finish(job.name, Method.BYTES, "bytes")


def _first(one: bytes, other: bytes) -> int:
    """The place of the first difference; halving lets memcmp do the work."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] != other[low:middle]:
            high = middle
        else:
            low = middle
    return low


def _count(one: bytes, other: bytes) -> int:
    """How many bytes differ; as one long number each, they are told apart at once."""
    size = min(len(one), len(other))
    mixed = int.from_bytes(one[:size], "big") ^ int.from_bytes(other[:size], "big")
    return (
        size - mixed.to_bytes(size, "big").count(0) + max(len(one), len(other)) - size
    )


def _hex(data: bytes, at: int) -> str | None:
    """Up to eight bytes from a place on; None behind the end."""
    return f"0x{data[at : at + 8].hex()}" if at < len(data) else None
