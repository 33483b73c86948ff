"""Unpacking: all bytes come out, none is held back, broken streams end."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable

import pytest
from reverify.crates.inflate import (
    BLOCK,
    DICTIONARY_BYTES,
    Inflated,
    Zlib,
    lzma_member,
    unpacked,
)
from reverify.errors import CrateError

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def unpack(packed: bytes) -> bytes:
    stream = unpacked(io.BytesIO(packed), packed[:6])
    assert stream is not None
    with stream:
        return b"".join(iter(lambda: stream.read(BLOCK), b""))


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_what_was_packed_comes_out(name: str, size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert unpack(PACKERS[name](data)) == data


@pytest.mark.parametrize("beyond", [1, 2, 3, 100, 257, 258, 259, 515, 516, 1000])
@pytest.mark.parametrize("pattern", [b"\0", b"ab", b"abcdefgh"])
def test_a_stream_that_ends_just_behind_a_block_is_whole(
    beyond: int, pattern: bytes
) -> None:
    """Zlib takes in the last packed byte while it still holds unpacked ones."""
    data = (pattern * BLOCK)[: BLOCK + beyond]
    packed = deflated(data)
    raw = Inflated(io.BytesIO(packed), lambda: Zlib(-15), packed_size=len(packed))
    stream = io.BufferedReader(raw, BLOCK)
    assert b"".join(iter(lambda: stream.read(BLOCK), b"")) == data


@pytest.mark.parametrize("name", PACKERS)
def test_streams_one_behind_the_other_are_one(name: str) -> None:
    pack = PACKERS[name]
    assert unpack(pack(b"one ") + pack(b"two")) == b"one two"


@pytest.mark.parametrize("name", PACKERS)
def test_zeros_behind_the_end_are_padding(name: str) -> None:
    assert unpack(PACKERS[name](b"one") + bytes(512)) == b"one"


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_stream_that_is_cut_short_says_so(name: str, kept: float) -> None:
    data = bytes(value * 7 % 251 for value in range(5000))
    packed = PACKERS[name](data)
    with pytest.raises(EOFError, match="cut short"):
        unpack(packed[: int(len(packed) * kept)])


@pytest.mark.parametrize("name", PACKERS)
def test_a_damaged_stream_is_a_value_error(name: str) -> None:
    packed = bytearray(PACKERS[name](bytes(range(256)) * 40))
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 1] ^= 0xFF
    with pytest.raises((ValueError, EOFError)):
        unpack(bytes(packed))


def test_an_unknown_magic_is_not_unpacked() -> None:
    assert unpacked(io.BytesIO(b"plain"), b"plain") is None


def test_nothing_asked_for_gives_nothing() -> None:
    packed = deflated(b"0" * 100)
    assert Inflated(io.BytesIO(packed), lambda: Zlib(-15)).readinto(bytearray()) == 0


def test_closing_closes_what_is_packed() -> None:
    source = io.BytesIO(gzip.compress(b"x"))
    stream = unpacked(source, b"\x1f\x8b")
    assert stream is not None
    stream.close()
    assert source.closed


def test_a_huge_lzma_dictionary_is_refused() -> None:
    size = (DICTIONARY_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(CrateError, match="dictionary") as caught:
        lzma_member(b"\x5d" + size)
    assert caught.value.rule == "completeness/limit-reached"


@pytest.mark.parametrize("first", [44, 224, 225, 255])
def test_lzma_properties_that_make_no_sense_are_refused(first: int) -> None:
    with pytest.raises((CrateError, ValueError)):
        lzma_member(bytes([first]) + (1 << 20).to_bytes(4, "little"))
