"""The bound that a sample sets: as brute force finds it, and fast."""

import time
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.audits.reporting.confidence import share, statement, upper_bound

from tests.audits.overviews import summary


def brute_force(n: int, bad: int, total: int, limit: Fraction) -> int:
    """Try every number of bad ones, in whole numbers."""
    fits = [
        many
        for many in range(bad, total - (n - bad) + 1)
        if sum(comb(many, i) * comb(total - many, n - i) for i in range(bad + 1))
        > limit * comb(total, n)
    ]
    return max(fits)


@given(st.data())
def test_it_is_what_brute_force_finds(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 60))
    n = data.draw(st.integers(0, total))
    bad = data.draw(st.integers(0, n))
    assert upper_bound(n, bad, total) == brute_force(n, bad, total, Fraction(1, 20))


@given(st.data())
def test_it_is_what_brute_force_finds_at_other_confidence(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 40))
    n = data.draw(st.integers(0, total))
    bad = data.draw(st.integers(0, n))
    found = upper_bound(n, bad, total, confidence=0.99)
    assert found == brute_force(n, bad, total, Fraction(1, 100))


def test_a_likelihood_of_just_the_limit_does_not_count() -> None:
    # One bad of twenty is missed by nineteen draws in one of twenty samples.
    assert upper_bound(19, 0, 20) == 0


@given(st.integers(1, 3000), st.integers(0, 40))
def test_more_found_bad_is_never_a_lower_bound(n: int, bad: int) -> None:
    bad = min(bad, n)
    assert upper_bound(n, bad, 10_000) >= bad
    assert bad == 0 or upper_bound(n, bad - 1, 10_000) <= upper_bound(n, bad, 10_000)


def test_nothing_drawn_says_nothing() -> None:
    assert upper_bound(0, 0, 1000) == 1000


def test_all_drawn_says_all() -> None:
    assert upper_bound(1000, 7, 1000) == 7


def test_none_of_372_is_at_most_0_8_per_cent() -> None:
    assert share(upper_bound(372, 0, 10_000_000), 10_000_000) == "0.8 %"


@pytest.mark.parametrize(
    ("n", "bad"), [(372, 0), (100_000, 0), (1_000_000, 50_000), (9_999_999, 3)]
)
def test_ten_million_crates_take_no_time(n: int, bad: int) -> None:
    started = time.monotonic()
    assert bad <= upper_bound(n, bad, 10_000_000) <= 10_000_000
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("n", "bad", "total", "confidence"),
    [(5, 6, 10, 0.95), (11, 0, 10, 0.95), (5, -1, 10, 0.95), (5, 0, 10, 1.0)],
)
def test_numbers_without_sense_are_refused(
    n: int, bad: int, total: int, confidence: float
) -> None:
    with pytest.raises(ValueError, match="drawn"):
        upper_bound(n, bad, total, confidence)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 10, "0 %"),
        (0, 0, "0 %"),
        (1, 3, "33 %"),
        (1, 1, "100 %"),
        (9_999, 10_000, "99.99 %"),
        (999_999, 1_000_000, "almost 100 %"),
        (5, 1000, "0.5 %"),
        (1, 1_000_000, "0.0001 %"),
        (123, 100_000, "0.12 %"),
        (998, 10_000, "10 %"),
        (73, 1000, "7.3 %"),
    ],
)
def test_shares_have_two_digits_that_count(
    part: int, whole: int, expected: str
) -> None:
    assert share(part, whole) == expected


def test_the_statement_says_what_was_drawn_and_what_follows() -> None:
    told = statement(summary({"confirmed": 100_000}, sampled=372))
    assert told == (
        "0 of 372 crates drawn at random and read in full are damaged: at most 0.8 %"
        " of the collection is, 800 of 100,000 crates, at 95 % confidence."
    )


def test_a_sample_of_everything_needs_no_bound() -> None:
    told = statement(summary({"confirmed": 9, "refuted": 1}, sampled=10, sample_bad=1))
    assert told.startswith("The sample was the whole collection: 1 of 10 crates")


@pytest.mark.parametrize("sampled", [None, 0])
def test_without_a_sample_nothing_is_said(sampled: int | None) -> None:
    assert statement(summary({"confirmed": 10}, sampled=sampled)) == ""
