"""Digests: which algorithms there are, how a stated one reads, streams digested."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO, NamedTuple

BLOCK = 1 << 20

_KNOWN = (
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "blake2b",
    "blake2s",
    "sha512_224",
    "sha512_256",
    "ripemd160",
    "sm3",
)
FOREIGN = frozenset(
    {"blake3", "crc32", "crc32c", "xxh3", "xxh64", "xxh128", "md4", "multihash", "cid"}
)
"""Algorithms that real crates name and that hashlib does not have."""

_HEX = re.compile(r"[0-9a-fA-F]+")
_LENGTH_NAMES = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384"}
_LENGTH_NAMES[128] = "sha512"


def _spelling(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "").replace("/", "")


def _lengths() -> dict[str, int]:
    lengths = {}
    for name in _KNOWN:
        try:
            digest = hashlib.new(name, usedforsecurity=False)
        except ValueError:  # left out of this build of OpenSSL
            continue
        lengths[name] = 2 * digest.digest_size
    return lengths


HEX_LENGTH = _lengths()
"""How many hexadecimal digits a digest has, by hashlib's name for its algorithm."""

_NAMES = {_spelling(name): name for name in HEX_LENGTH}
_NAMES |= {"blake2b512": "blake2b", "blake2s256": "blake2s", "sha": "sha1"}


def algorithm(name: str) -> str | None:
    """Find hashlib's name for what somebody calls an algorithm, `SHA-256` say."""
    return _NAMES.get(_spelling(name))


def is_foreign(name: str) -> bool:
    """Whether it is an algorithm that we know of and cannot compute."""
    return _spelling(name) in FOREIGN


def length_fits(length: int) -> str | None:
    """The commonest algorithm whose digests have so many hexadecimal digits."""
    return _LENGTH_NAMES.get(length)


def truncated(name: str) -> int | None:
    """How many bits of a sha256 an RFC 6920 name like `sha-256-128` keeps."""
    match = re.fullmatch(r"sha-?256-([0-9]{2,3})", name)
    return int(match[1]) if match else None


class Malformed(NamedTuple):
    """Why a text is no digest of its algorithm, as the end of a sentence."""

    reason: str


def read_digest(name: str, text: object) -> str | Malformed:
    """Read a stated digest.

    Args:
        name: hashlib's name of the algorithm.
        text: what the crate states: hexadecimal digits of either case, perhaps with
            the name of the algorithm and a colon in front.

    Returns:
        the digits in lower case, or why it has none.
    """
    if not isinstance(text, str):
        return Malformed(f"it is {type(text).__name__}, not text")
    prefix, colon, rest = text.strip().rpartition(":")
    if colon and algorithm(prefix) != name:
        return Malformed(f"{prefix!r} stands in front of a {name} value")
    if not _HEX.fullmatch(rest):
        return Malformed("it is not hexadecimal")
    if len(rest) != HEX_LENGTH[name]:
        fits = _LENGTH_NAMES.get(len(rest))
        advice = f", which is the length of {fits}" if fits else ""
        return Malformed(
            f"it has {len(rest)} digits{advice}; {name} has {HEX_LENGTH[name]}"
        )
    return rest.lower()


class Fingerprint(NamedTuple):
    """What one reading of a file gave.

    Attributes:
        size: bytes read.
        digests: lower-case hex by hashlib's name of the algorithm.
        problem: why there are no digests, as the end of a sentence; else empty.
        limit: whether the problem is that a budget was spent.
    """

    size: int
    digests: dict[str, str]
    problem: str = ""
    limit: bool = False


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream in blocks of at most 1 MiB."""
    while block := stream.read(BLOCK):
        yield block


def _go_on() -> None:
    """Nothing stands in the way of the next block."""


def fingerprint_stream(
    stream: BinaryIO,
    algorithms: Collection[str],
    tick: Callable[[], None] = _go_on,
) -> Fingerprint:
    """Read a stream to its end, once, and feed all digests.

    Args:
        stream: what to read.
        algorithms: hashlib's names of the algorithms.
        tick: called at each block; raises where the time is up.
    """
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    size = 0
    for block in blocks(stream):
        tick()
        size += len(block)
        for item in hashes.values():
            item.update(block)
    return Fingerprint(size, {name: item.hexdigest() for name, item in hashes.items()})
