"""Of what a command says the first and the last is kept."""

import os
import re

from hypothesis import given
from hypothesis import strategies as st
from reverify.rerun.sandbox.streams import Kept, Streams

from tests.rerun.sandbox.conftest import small


@given(st.lists(st.binary(max_size=40)), st.integers(0, 60))
def test_a_stream_is_kept_whole_or_loses_its_middle(
    parts: list[bytes], most: int
) -> None:
    kept = Kept(most)
    for part in parts:
        kept.add(part)

    said = b"".join(parts)
    assert kept.total == len(said)
    if len(said) <= most:
        assert kept.value() == said
        return
    left = len(said) - most
    mark = f"\n[... {left:,} bytes are left out here ...]\n".encode()
    head = most - most // 2
    assert kept.value() == said[:head] + mark + said[len(said) - most // 2 :]


def test_little_is_held_of_much() -> None:
    kept = Kept(1000)
    for _ in range(10_000):
        kept.add(b"x" * 999)
    assert kept._tail_size < 3000
    assert re.search(rb"9,989,000 bytes are left out", kept.value())


def test_the_end_of_both_streams_ends_the_waiting() -> None:
    output, there = os.pipe()
    errors, also_there = os.pipe()
    with Streams(output, errors, small()) as streams:
        os.write(there, b"a")
        os.write(also_there, b"b")
        os.close(there)
        os.close(also_there)
        streams.drain(5)
        assert (streams.output.value(), streams.errors.value()) == (b"a", b"b")
        assert sorted(streams.tail) == [97, 98]
