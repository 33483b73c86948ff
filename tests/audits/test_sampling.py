"""Samples: no crate twice in a round, and all of them in the end."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.audits.sampling import Candidate, Sample, draw, read_sample

NAMES = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=40)


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("5%", Sample("5%", share=0.05)),
        ("0.5 %", Sample("0.5 %", share=0.005)),
        ("1000", Sample("1000", crates=1000)),
        ("200GB", Sample("200GB", bytes=200_000_000_000)),
    ],
)
def test_a_sample_is_read(text: str, sample: Sample) -> None:
    assert read_sample(text) == sample


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-5%", "many", "5%%", "0GB"])
def test_what_is_no_sample_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 5%, 1000"):
        read_sample(text)


@given(NAMES, st.integers(1, 10))
def test_a_round_has_every_crate_once(names: list[str], size: int) -> None:
    left = [Candidate(name, 1) for name in names]
    drawn: list[str] = []
    while left:
        chosen = draw(Sample("", crates=size), "c", 1, left, len(names))
        assert len(chosen) == min(size, len(left))
        drawn += chosen
        left = [each for each in left if each.location not in chosen]
    assert sorted(drawn) == sorted(names)


@given(NAMES, st.randoms())
def test_the_order_in_which_crates_are_found_does_not_matter(
    names: list[str], chance: Random
) -> None:
    crates = [Candidate(name, 1) for name in names]
    sample = Sample("30%", share=0.3)
    first = draw(sample, "c", 1, crates, len(crates))
    chance.shuffle(crates)
    assert draw(sample, "c", 1, crates, len(crates)) == first


def test_another_round_has_another_order() -> None:
    crates = [Candidate(str(number), 1) for number in range(1000)]
    sample = Sample("", crates=100)
    first, second = (set(draw(sample, "c", r, crates, 1000)) for r in (1, 2))
    assert 0 < len(first & second) < 30


def test_bytes_bound_a_sample_and_the_first_crate_is_always_in() -> None:
    crates = [Candidate(str(number), 10) for number in range(100)]
    assert len(draw(Sample("", bytes=95), "c", 1, crates, 100)) == 9
    assert len(draw(Sample("", bytes=5), "c", 1, crates, 100)) == 1


def test_a_share_is_rounded_up() -> None:
    crates = [Candidate(str(number), 1) for number in range(11)]
    assert len(draw(read_sample("10%"), "c", 1, crates, 11)) == 2
