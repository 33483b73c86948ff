"""Numbers: how they are read from text, and when two of them are equal.

|expected - actual| <= atol + rtol * |expected|, as in numpy's `isclose`. Infinities are
equal to themselves alone; 0.0 and -0.0 are equal; whole numbers are subtracted exactly,
however long they are.
"""

import math
import re
from fractions import Fraction

from reverify.model.comparison import Rule

Number = int | float

_NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"
    r"|[+-]?inf(?:inity)?|[+-]?nan",
    re.IGNORECASE | re.ASCII,
)
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_EXACT = 1 << 53
DIGITS = 4000
"""Python turns no longer text into a whole number."""


def number_in(text: str) -> Number | None:
    """Read a number from a cell of text.

    Returns:
        an int if it is written as a whole number; a float; None if it is no number.
        So is what has leading zeros, as identifiers do, and what no float can hold.
    """
    text = text.strip(" \t")
    if len(text) > DIGITS or not _NUMBER.fullmatch(text):
        return None
    if "." not in text and _WHOLE.fullmatch(text):
        return int(text)
    value = float(text)
    if math.isinf(value) and text.lstrip("+-")[0] not in "iI":
        return None
    return value


def is_close(expected: Number, actual: Number, rule: Rule) -> bool:
    """Whether two numbers that are not the same are equal within the tolerances."""
    if type(expected) is float and type(actual) is float:
        error = abs(expected - actual)
        if error < math.inf:
            return error <= rule.atol + rule.rtol * abs(expected)
    if not (_is_finite(expected) and _is_finite(actual)):
        return False
    whole = isinstance(expected, int) and isinstance(actual, int)
    if not whole or max(abs(expected), abs(actual)) < _EXACT:
        try:
            error = abs(expected - actual)
            if not math.isinf(error):
                return error <= rule.atol + rule.rtol * abs(expected)
        except OverflowError:  # a whole number that no float can hold
            pass
    exactly, other = Fraction(expected), Fraction(actual)
    room = Fraction(rule.atol) + Fraction(rule.rtol) * abs(exactly)
    return abs(exactly - other) <= room


def apart(expected: Number, actual: Number) -> tuple[float, float]:
    """How far two numbers are apart, absolute and relative to what was expected.

    Returns:
        infinity for what is infinitely far; NaN where a part of it makes no sense.
    """
    if type(expected) is float and type(actual) is float:
        absolute = abs(expected - actual)
        if absolute < math.inf:
            return absolute, absolute / abs(expected) if expected else math.nan
    if not (_is_finite(expected) and _is_finite(actual)):
        return math.nan, math.nan
    try:
        absolute = float(abs(expected - actual))
    except OverflowError:
        return math.inf, _ratio(expected, actual)
    if not expected:
        return absolute, math.nan
    try:
        return absolute, absolute / abs(expected)
    except OverflowError:
        return absolute, _ratio(expected, actual)


def is_nan(value: Number) -> bool:
    """Whether it is not-a-number."""
    return isinstance(value, float) and math.isnan(value)


def _is_finite(value: Number) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _ratio(expected: Number, actual: Number) -> float:
    exactly, other = Fraction(expected), Fraction(actual)
    if not exactly:
        return math.nan
    try:
        return float(abs(exactly - other) / abs(exactly))
    except OverflowError:
        return math.inf
