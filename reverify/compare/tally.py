"""Count what differs, and keep the first places and the largest errors."""

import math
from collections.abc import Callable

from reverify.compare.tolerance import Number, apart, is_close, is_nan
from reverify.model.comparison import (
    Answer,
    Comparison,
    Deviation,
    Difference,
    Method,
    Rule,
)

SHOWN_CHARACTERS = 80
Where = str | Callable[[], str]
"""A place, or what words it once somebody needs it."""


def shown(text: str) -> str:
    """Cut a value that is too long to be shown."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}... ({len(text):,} characters)"


class Tally:
    """What has been found so far.

    Args:
        rule: what is allowed.
        most: how many differences to keep.
    """

    def __init__(self, rule: Rule, most: int) -> None:
        self.rule = rule
        self.compared = 0
        self.within = 0
        self.differing = 0
        self.differences: list[Difference] = []
        self.reason = ""
        self.remarks: list[str] = []
        self.parts: list[Comparison] = []
        self.absolute: Deviation | None = None
        self.relative: Deviation | None = None
        self._most = most

    @property
    def room(self) -> int:
        """How many more differences will be kept."""
        return max(0, self._most - len(self.differences))

    def differ(
        self, where: Where, expected: str | None, actual: str | None, times: int = 1
    ) -> None:
        """Note a difference that is not allowed; `compared` is the caller's."""
        self.differing += times
        if len(self.differences) < self._most:
            place = where if isinstance(where, str) else where()
            self.differences.append(
                Difference(
                    shown(place),
                    None if expected is None else shown(expected),
                    None if actual is None else shown(actual),
                )
            )

    def numbers(
        self,
        where: Where,
        expected: Number,
        actual: Number,
        written: Callable[[], tuple[str, str]] | None = None,
    ) -> bool:
        """Note two numbers that are not the same; whether that is allowed.

        Args:
            where: the place.
            expected: what the tolerance is relative to.
            actual: the other one.
            written: gives both as they are written, where that is not their `repr`.
        """
        if expected == actual:
            return True
        if is_nan(expected) and is_nan(actual):
            if self.rule.nan_is_equal:
                return True
        else:
            self.deviate(*apart(expected, actual), where)
        if self.rule.tolerant and is_close(expected, actual, self.rule):
            self.within += 1
            return True
        told = written() if written else (repr(expected), repr(actual))
        self.differ(where, *told)
        return False

    def deviate(self, absolute: float, relative: float, where: Where) -> None:
        """Note how far two numbers are apart; NaN where that makes no sense."""
        most = self.absolute.value if self.absolute else 0.0
        if absolute > most:
            self.absolute = Deviation(absolute, _place(where))
        most = self.relative.value if self.relative else 0.0
        if relative > most:
            self.relative = Deviation(relative, _place(where))

    def take(self, other: "Tally") -> None:
        """Add what was found in a part; `compared` is the caller's."""
        self.within += other.within
        self.differing += other.differing
        self.differences += other.differences[: self.room]
        if other.absolute:
            self.deviate(other.absolute.value, math.nan, other.absolute.where)
        if other.relative:
            self.deviate(math.nan, other.relative.value, other.relative.where)

    def finish(self, name: str, method: Method, unit: str) -> Comparison:
        """Put it together."""
        differs = self.differing or self.reason
        return Comparison(
            name=name,
            answer=Answer.DIFFERENT if differs else Answer.EQUAL,
            method=method,
            rule=self.rule,
            unit=unit,
            compared=self.compared,
            within=self.within,
            differing=self.differing,
            differences=tuple(self.differences),
            absolute=self.absolute,
            relative=self.relative,
            reason=self.reason,
            remarks=tuple(self.remarks),
            parts=tuple(self.parts),
        )


def _place(where: Where) -> str:
    return where if isinstance(where, str) else where()
