"""Digests: names of algorithms, how a stated one reads, streams digested."""

import hashlib
import io

import pytest
from reverify.crates.digests import (
    Malformed,
    algorithm,
    fingerprint_stream,
    is_foreign,
    read_digest,
    truncated,
)
from reverify.errors import LimitError

from tests.builders import budget

SHA256 = hashlib.sha256(b"x").hexdigest()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("sha256", "sha256"),
        ("SHA-256", "sha256"),
        (" Sha_256 ", "sha256"),
        ("SHA-512/256", "sha512_256"),
        ("SHA3-256", "sha3_256"),
        ("MD5", "md5"),
        ("sha", "sha1"),
        ("blake3", None),
        ("", None),
        ("shake_128", None),
    ],
)
def test_an_algorithm_is_known_by_many_names(written: str, name: str | None) -> None:
    assert algorithm(written) == name


@pytest.mark.parametrize("name", ["blake3", "CRC32", "xxh-64", "multihash"])
def test_an_algorithm_we_lack_is_known_as_such(name: str) -> None:
    assert is_foreign(name)


@pytest.mark.parametrize(
    "written", [SHA256, SHA256.upper(), f" {SHA256}\n", f"sha256:{SHA256}"]
)
def test_a_digest_is_read(written: str) -> None:
    assert read_digest("sha256", written) == SHA256


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (7, "int"),
        (None, "NoneType"),
        (["x"], "list"),
        ("", "hexadecimal"),
        ("z" * 64, "hexadecimal"),
        (SHA256[:-1], "63 digits"),
        (SHA256[:32], "md5"),
        (f"md5:{SHA256}", "in front"),
        ("\u0661" * 64, "hexadecimal"),
        (SHA256 + "\n" + SHA256, "hexadecimal"),
    ],
)
def test_a_malformed_digest_says_why(written: object, words: str) -> None:
    found = read_digest("sha256", written)
    assert isinstance(found, Malformed)
    assert words in found.reason


@pytest.mark.parametrize(
    ("name", "bits"),
    [("sha-256-128", 128), ("sha256-32", 32), ("sha-256", None), ("md5-64", None)],
)
def test_a_truncated_name_tells_its_bits(name: str, bits: int | None) -> None:
    assert truncated(name) == bits


def test_a_stream_is_read_once_for_all_algorithms() -> None:
    found = fingerprint_stream(io.BytesIO(b"x"), ["sha256", "sha1"])
    assert found.size == 1
    assert found.digests["sha256"] == SHA256
    assert found.digests["sha1"] == hashlib.sha1(b"x").hexdigest()


def test_a_stream_without_end_ends_with_the_time() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(max(size, 1))

    late = budget(seconds=0.05)
    with pytest.raises(LimitError):
        fingerprint_stream(Endless(), ["md5"], lambda: late.tick("x"))  # type: ignore[arg-type]
