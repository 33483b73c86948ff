import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.compare.tolerance import Number, apart, is_close, number_in
from reverify.model.comparison import Rule

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
TOLERANCES = st.floats(0, 1e6)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("-0", 0),
        ("+12", 12),
        (" 1.5\t", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
    ],
)
def test_a_number_is_read_from_text(text: str, number: Number) -> None:
    found = number_in(text)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "1_000",
        "0x10",
        "007",
        "00.5",
        "1,5",
        "\u0661",
        "1e999",
        "--1",
        "9" * 5000,
    ],
)
def test_what_is_no_number_stays_text(text: str) -> None:
    assert number_in(text) is None


def test_not_a_number_is_read_as_such() -> None:
    found = number_in("NaN")
    assert isinstance(found, float)
    assert math.isnan(found)


@given(FLOATS, FLOATS, TOLERANCES, TOLERANCES)
def test_tolerance_is_as_numpy_has_it(
    expected: float, actual: float, rtol: float, atol: float
) -> None:
    np = pytest.importorskip("numpy")
    if expected == actual or math.isinf(expected - actual):
        return
    with np.errstate(all="ignore"):
        wanted = bool(np.isclose(actual, expected, rtol=rtol, atol=atol))
    assert is_close(expected, actual, Rule(rtol=rtol, atol=atol)) == wanted


@given(st.integers(), st.integers(), TOLERANCES)
def test_whole_numbers_are_compared_exactly(one: int, other: int, atol: float) -> None:
    rule = Rule(atol=atol)
    assert is_close(one, other, rule) == (abs(one - other) <= atol)


def test_long_whole_numbers_do_not_overflow() -> None:
    one = 10**1000
    assert not is_close(one, one + 1, Rule(atol=0.5))
    assert is_close(one, one + 1, Rule(atol=1))
    assert is_close(one, one + 10**990, Rule(rtol=1e-9))
    assert is_close(1.0, one, Rule(rtol=1e308)) is False
    assert apart(one, 2 * one) == (math.inf, 1.0)


@pytest.mark.parametrize("other", [0.0, 1e308, -math.inf, math.nan])
def test_infinity_is_near_nothing(other: float) -> None:
    rule = Rule(rtol=1e6, atol=1e6)
    assert not is_close(math.inf, other, rule)
    assert not is_close(other, math.inf, rule)


@given(st.floats(allow_nan=False, allow_infinity=False), FLOATS, TOLERANCES, TOLERANCES)
def test_a_larger_tolerance_allows_no_less(
    expected: float, actual: float, rtol: float, more: float
) -> None:
    if is_close(expected, actual, Rule(rtol=rtol, atol=rtol)):
        assert is_close(expected, actual, Rule(rtol=rtol + more, atol=rtol))
        assert is_close(expected, actual, Rule(rtol=rtol, atol=rtol + more))


def test_errors_are_absolute_and_relative_to_what_was_expected() -> None:
    assert apart(2.0, 3.0) == (1.0, 0.5)
    assert apart(4, 5) == (1.0, 0.25)
    absolute, relative = apart(0.0, 0.25)
    assert absolute == 0.25
    assert math.isnan(relative)
