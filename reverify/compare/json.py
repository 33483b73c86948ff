"""Two JSON documents, value by value.

Keys of objects have no order. Lists do, unless the rule says otherwise. 1, 1.0, true
and "1" are four values; where a tolerance is stated, 1 and 1.0 are numbers both.
"""

import json
from collections import Counter
from typing import Any

from reverify.compare.document import Json, Literal, read_json
from reverify.compare.interface import Job, NotComparableError
from reverify.compare.masks import Masks
from reverify.compare.pairing import pairs
from reverify.compare.tally import Tally
from reverify.compare.tolerance import is_nan
from reverify.crates.positions import escape
from reverify.model.comparison import Comparison, Method

PAIRED = 300
"""Items of an unordered list that differ, up to which the best pairs are sought."""
STEPS = 20_000_000
"""Values that are looked at before it is enough."""


def compare_json(job: Job) -> Comparison:
    """Compare two documents of JSON."""
    tally = Tally(job.rule, job.bounds.shown)
    expected = read_json(job.expected, job.bounds)
    actual = read_json(job.actual, job.bounds)
    Values(job, tally).compare("", expected, actual)
    return tally.finish(job.name, Method.JSON, "values")


class Values:
    """Compares values, and notes in a tally what differs.

    Args:
        job: whose rule, bounds and time it uses.
        tally: where to note.
        prefix: goes before the JSON pointers.
        budget: counts the values that were looked at, over all tries.
    """

    def __init__(
        self, job: Job, tally: Tally, prefix: str = "", budget: list[int] | None = None
    ) -> None:
        self._job = job
        self._rule = job.rule
        self._tally = tally
        self._prefix = prefix
        self._masks = Masks(job.rule)
        self._steps = [0] if budget is None else budget

    def compare(self, pointer: str, one: Json, other: Json) -> None:
        """Compare two values and all that is in them."""
        self._step()
        if isinstance(one, dict) and isinstance(other, dict):
            self._objects(pointer, one, other)
        elif isinstance(one, list) and isinstance(other, list):
            if self._rule.ignore_order:
                self._unordered(pointer, one, other)
            else:
                self._ordered(pointer, one, other)
        else:
            self._tally.compared += 1
            self._scalars(pointer, one, other)

    def _step(self) -> None:
        self._steps[0] += 1
        if not self._steps[0] % 4096:
            self._job.tick()
        if self._steps[0] > STEPS:
            raise NotComparableError("too many ways to pair the items of its lists")

    def _where(self, pointer: str) -> str:
        return self._prefix + (pointer or "/")

    def _missing(self, pointer: str, one: Json, other: Json, *, extra: bool) -> None:
        self._tally.compared += 1
        self._tally.differ(
            self._where(pointer),
            None if extra else written(one),
            written(other) if extra else None,
        )

    def _objects(self, pointer: str, one: Json, other: Json) -> None:
        for key, value in one.items():
            at = f"{pointer}/{escape(key)}"
            if key in other:
                self.compare(at, value, other[key])
            else:
                self._missing(at, value, None, extra=False)
        for key, value in other.items():
            if key not in one:
                self._missing(f"{pointer}/{escape(key)}", None, value, extra=True)

    def _ordered(self, pointer: str, one: list[Json], other: list[Json]) -> None:
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            self.compare(f"{pointer}/{index}", left, right)
        for index in range(len(other), len(one)):
            self._missing(f"{pointer}/{index}", one[index], None, extra=False)
        for index in range(len(one), len(other)):
            self._missing(f"{pointer}/{index}", None, other[index], extra=True)

    def _unordered(self, pointer: str, one: list[Json], other: list[Json]) -> None:
        """Pair what is the same, then what is equal within the rule, then the rest."""
        lefts, rights = self._unmatched(one, other)
        self._tally.compared += len(one) - len(lefts)
        if len(lefts) <= PAIRED and len(rights) <= PAIRED:

            def fits(a: int, b: int) -> bool:
                return self._fits(one[lefts[a]], other[rights[b]])

            partners = pairs(len(lefts), len(rights), fits)
            taken = set(partners)
            for a, b in enumerate(partners):
                if b >= 0:
                    at = f"{pointer}/{lefts[a]}"
                    self.compare(at, one[lefts[a]], other[rights[b]])
            lefts = [at for a, at in enumerate(lefts) if partners[a] < 0]
            rights = [at for b, at in enumerate(rights) if b not in taken]
        for left, right in zip(lefts, rights, strict=False):
            self.compare(f"{pointer}/{left}", one[left], other[right])
        for left in lefts[len(rights) :]:
            self._missing(f"{pointer}/{left}", one[left], None, extra=False)
        for right in rights[len(lefts) :]:
            self._missing(f"{pointer}/{right}", None, other[right], extra=True)

    def _unmatched(
        self, one: list[Json], other: list[Json]
    ) -> tuple[list[int], list[int]]:
        """The places of items that differ between both sides, sorted by content."""
        left = [(self._canonical(item), at) for at, item in enumerate(one)]
        right = [(self._canonical(item), at) for at, item in enumerate(other)]
        common = Counter(text for text, _ in left) & Counter(text for text, _ in right)
        return _without(left, common), _without(right, common)

    def _canonical(self, value: Json) -> tuple[Any, ...]:  # noqa: PLR0911 - by type
        """The same for what is the same in any order; it sorts."""
        self._step()
        if isinstance(value, dict):
            items = sorted((k, self._canonical(v)) for k, v in value.items())
            return (6, tuple(items))
        if isinstance(value, list):
            return (5, tuple(sorted(map(self._canonical, value))))
        if isinstance(value, Literal):
            return (4, str(value))
        if isinstance(value, str):
            return (3, value)
        if isinstance(value, bool) or value is None:
            return (0, repr(value))
        if is_nan(value):
            return (2, "nan") if self._rule.nan_is_equal else (2, str(self._steps[0]))
        return (1, value, isinstance(value, float) and not self._rule.tolerant)

    def _fits(self, one: Json, other: Json) -> bool:
        tally = Tally(self._rule, 0)
        Values(self._job, tally, budget=self._steps).compare("", one, other)
        return not tally.differing

    def _scalars(self, pointer: str, one: Json, other: Json) -> None:
        if is_number(one) and is_number(other):
            alike = type(one) is type(other) or self._rule.tolerant
            if alike:
                self._tally.numbers(lambda: self._where(pointer), one, other)
                return
        elif type(one) is type(other) and (
            one == other or (type(one) is str and self._masks.same_text(one, other))
        ):
            return
        self._tally.differ(self._where(pointer), written(one), written(other))


def is_number(value: Json) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def written(value: Json) -> str:
    """A value as JSON writes it; only the number of items of lists and objects."""
    if isinstance(value, dict):
        return f"an object of {len(value):,} keys"
    if isinstance(value, list):
        return f"a list of {len(value):,} items"
    if isinstance(value, Literal):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _without(items: list[tuple[Any, int]], common: Counter[Any]) -> list[int]:
    left, kept = Counter(common), []
    for text, at in sorted(items):
        if left[text]:
            left[text] -= 1
        else:
            kept.append(at)
    return kept
