"""Walk through two sequences; where items come in or fall out, find the way again."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 200
AHEAD_BYTES = 1 << 20


class _Ahead(Generic[T]):
    """Items of one side that may be looked at before they are taken.

    Attributes:
        at: the number of the next item, counted from 1.
    """

    def __init__(self, source: Iterator[T], size: Callable[[T], int]) -> None:
        self._source = source
        self._size = size
        self._held: deque[T] = deque()
        self.at = 1

    def next(self) -> T | None:
        """Take the next item."""
        found = self._held.popleft() if self._held else next(self._source, None)
        self.at += found is not None
        return found

    def look(self) -> list[T]:
        """The next items, as many as fit a bound; they stay."""
        size = sum(map(self._size, self._held))
        while len(self._held) < AHEAD and size < AHEAD_BYTES:
            item = next(self._source, None)
            if item is None:
                break
            size += self._size(item)
            self._held.append(item)
        return list(islice(self._held, AHEAD))

    def put_back(self, item: T | None) -> None:
        """Have an item that was taken come again."""
        if item is not None:
            self.at -= 1
            self._held.appendleft(item)


class Alignment(Generic[T]):
    """Two sequences, side by side.

    Args:
        expected: one of them.
        actual: the other.
        same: whether two items may pass for the same.
        size: roughly the bytes of an item.
        all: whether items that equal each other are given too.

    Attributes:
        length: how many items the longer one has; known at the end.
    """

    def __init__(
        self,
        expected: Iterator[T],
        actual: Iterator[T],
        same: Callable[[T, T], bool],
        size: Callable[[T], int],
        *,
        all: bool = False,
    ) -> None:
        self._left = _Ahead(expected, size)
        self._right = _Ahead(actual, size)
        self._same = same
        self._all = all
        self.length = 0

    def differing(self) -> Iterator[tuple[int, T | None, int, T | None]]:
        """Go through both sides, and give what is not the very same.

        Yields:
            number and item of both sides; None where a side has no such item.
        """
        left, right = self._left, self._right
        while True:
            one, other = left.next(), right.next()
            if one is None and other is None:
                break
            if one == other and not self._all:
                continue
            if one is not None and other is not None and self._same(one, other):
                yield left.at - 1, one, right.at - 1, other
            else:
                left.put_back(one)
                right.put_back(other)
                yield from self._apart()
        self.length = max(left.at, right.at) - 1

    def _apart(self) -> Iterator[tuple[int, T | None, int, T | None]]:
        """Give the items up to where both sides meet again."""
        left, right = self._left, self._right
        pass_left, pass_right = self._meeting(left.look(), right.look())
        for index in range(max(pass_left, pass_right)):
            at, other_at = left.at, right.at
            one = left.next() if index < pass_left else None
            other = right.next() if index < pass_right else None
            yield at, one, other_at, other

    def _meeting(self, ones: list[T], others: list[T]) -> tuple[int, int]:
        """How many items to pass over on each side until the next two are the same.

        Of several ways, one that passes over few is taken; an item that was changed
        counts as one.
        """
        first_at: dict[Hashable, int] = {}
        for at, other in enumerate(others):
            first_at.setdefault(_key(other), at)
        best = (len(ones), len(others))
        for at, one in enumerate(ones):
            if at >= max(best):
                break
            if at < len(others) and self._same(one, others[at]):
                found: int | None = at
            else:
                found = first_at.get(_key(one))
                if self._all and found is not None and not self._same(one, one):
                    found = None  # what does not equal itself meets nothing
            if found is not None and max(at, found) < max(best):
                best = (at, found)
        return best


def _key(item: Hashable) -> Hashable:
    """The item, or a text of it where lists lie in it."""
    try:
        hash(item)
    except TypeError:
        return repr(item)
    return item
