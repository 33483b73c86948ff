"""How bad may the rest be? What a random sample says of a whole collection.

Source: J. P. Buonaccorsi, A Note on Confidence Intervals for Proportions in Finite
Populations, The American Statistician 41 (1987): the bound of a hypergeometric sample.
"""

from collections.abc import Callable
from math import comb, exp, lgamma

from reverify.model.audit import Summary, Why

CONFIDENCE = 0.95
_CLOSE = 1e-6
"""So close to the limit, fractions of floating point do not decide."""
_MOST_EXACT = 5_000
"""Of larger samples whole numbers are too long; the bound is then on the safe side."""


def upper_bound(n: int, bad: int, total: int, confidence: float = CONFIDENCE) -> int:
    """How many of a collection may be bad, by what a random sample of it found.

    It is the largest number of bad ones under which a sample so good, or better, is
    still to be expected in more than `1 - confidence` of all samples.

    Args:
        n: how many were drawn, without putting any back.
        bad: how many of them are bad.
        total: how many there are.
        confidence: between 0 and 1.

    Raises:
        ValueError: the numbers make no sense.
    """
    if not (0 <= bad <= n <= total and 0 < confidence < 1):
        raise ValueError(f"{bad} bad of {n} drawn of {total}, {confidence}")
    limit = 1 - confidence
    return _last(
        lambda many: _is_likely(n, bad, total, many, limit), bad, total - (n - bad)
    )


def share(part: int, whole: int) -> str:
    """A share as a percentage of two digits that count: `0.8 %`, `0.0012 %`, `34 %`."""
    percent = 100 * part / whole if whole else 0.0
    if percent == 0 or percent >= 10:  # noqa: PLR2004 - two digits before the point
        text = f"{percent:.0f}"
        if text == "100" and part != whole:
            text = f"{percent:.2f}" if percent < 99.995 else "almost 100"  # noqa: PLR2004
        return f"{text} %"
    digits = max(0, 1 - _exponent(percent))
    text = f"{percent:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def population(summary: Summary) -> int:
    """Of how many crates a sample was drawn: of those that were there."""
    there = summary.total - summary.reasons.get(Why.GONE, 0)
    return max(there, summary.sampled or 0)


def statement(summary: Summary) -> str:
    """What the random sample of a run says of the whole; empty if none was drawn."""
    n, bad, total = summary.sampled, summary.sample_bad, population(summary)
    if not n:
        return ""
    drawn = f"{n:,} {'crate' if n == 1 else 'crates'} drawn at random"
    if n >= total:
        return f"The sample was the whole collection: {bad:,} of {drawn} are damaged."
    most = upper_bound(n, bad, total)
    return (
        f"{bad:,} of {drawn} and read in full {'is' if bad == 1 else 'are'} damaged:"
        f" at most {share(most, total)} of the collection is, {most:,} of"
        f" {total:,} crates, at {100 * CONFIDENCE:.0f} % confidence."
    )


def _exponent(value: float) -> int:
    return int(f"{value:.1e}".partition("e")[2])


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The last number for which it holds; it does for `low`, and then stops once."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _is_likely(n: int, bad: int, total: int, many: int, limit: float) -> bool:
    """Whether at most `bad` of `n` drawn are more likely than a limit to be bad."""
    found = _probability(n, bad, total, many)
    if abs(found - limit) > _CLOSE:
        return found > limit
    if n > _MOST_EXACT:
        return True
    ways = sum(comb(many, i) * comb(total - many, n - i) for i in range(bad + 1))
    part, whole = round(limit * 10**12), 10**12
    return ways * whole > part * comb(total, n)


def _probability(n: int, bad: int, total: int, many: int) -> float:
    """How likely it is to draw at most `bad` bad ones, of `many` in all."""
    good = total - many
    if bad >= min(n, many):
        return 1.0
    first = bad
    term = exp(_ways(many, first) + _ways(good, n - first) - _ways(total, n))
    found = term
    for i in range(first, max(0, n - good), -1):
        term *= i * (good - n + i) / ((many - i + 1) * (n - i + 1))
        found += term
        if term < found * 1e-17:
            break
    return min(found, 1.0)


def _ways(total: int, n: int) -> float:
    """The logarithm of the number of ways to draw `n` of `total`."""
    return lgamma(total + 1) - lgamma(n + 1) - lgamma(total - n + 1)
