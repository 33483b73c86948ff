"""Samples: a part of a collection drawn by chance, and no crate twice in a round.

The order of a round is that of the digests of its number and the places of the crates.
It is as good as chance, the same on every machine, and anybody can draw it again.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from reverify.settings import read_size


class Sample(NamedTuple):
    """How much is to be drawn.

    Attributes:
        text: as it was written.
        share: of the crates, 0 to 1; 0 if something else is said.
        crates: so many; 0 if something else is said.
        bytes: crates of so many bytes together; 0 if something else is said.
    """

    text: str
    share: float = 0.0
    crates: int = 0
    bytes: int = 0

    def size(self, total: int) -> int | None:
        """How many crates of so many are drawn; None if bytes decide."""
        if self.bytes:
            return None
        return self.crates or math.ceil(self.share * total)


class Candidate(NamedTuple):
    """A crate that may be drawn.

    Attributes:
        location: where it is.
        bytes: how large it looks.
    """

    location: str
    bytes: int


def read_sample(text: str) -> Sample:
    """Read how much is to be drawn: `5%`, `1000` crates, or crates of `200GB`.

    Raises:
        ValueError: it is nothing of the kind.
    """
    told = text.strip()
    advice = f"{text!r} is no sample; write 5%, 1000 (crates) or 200GB"
    if match := re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%", told):
        share = float(match[1]) / 100
        if not 0 < share <= 1:
            raise ValueError(advice)
        return Sample(told, share=share)
    if re.fullmatch(r"[0-9]{1,12}", told) and int(told):
        return Sample(told, crates=int(told))
    try:
        size = read_size(told)
    except ValueError as error:
        raise ValueError(advice) from error
    if not size or told.isdigit():
        raise ValueError(advice)
    return Sample(told, bytes=size)


def draw(
    sample: Sample, collection: str, round_: int, left: Sequence[Candidate], total: int
) -> list[str]:
    """Draw a sample.

    Args:
        sample: how much.
        collection: which.
        round_: which time round.
        left: the crates that were not drawn in this round yet.
        total: how many crates the collection has.

    Returns:
        the places of those that are drawn, in the order in which they were.
    """
    seed = f"{collection}\0{round_}\0".encode()

    def chance(candidate: Candidate) -> bytes:
        place = candidate.location.encode("utf-8", "surrogateescape")
        return hashlib.sha256(seed + place).digest()

    order = sorted(left, key=chance)
    most = sample.size(total)
    if most is not None:
        return [each.location for each in order[:most]]
    drawn: list[str] = []
    room = sample.bytes
    for each in order:
        if each.bytes > room and drawn:
            break
        drawn.append(each.location)
        room -= each.bytes
    return drawn
