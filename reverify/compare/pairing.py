"""Pair the items of two collections whose order does not matter."""

from collections.abc import Callable, Sequence


def pairs(expected: int, actual: int, fits: Callable[[int, int], bool]) -> list[int]:
    """Find as many pairs as there can be.

    Being the most, they do not become fewer where more items fit each other.

    Args:
        expected: how many items one side has.
        actual: how many the other has.
        fits: whether two of them, by their places, may be a pair.

    Returns:
        for each item of the first side the place of its partner, -1 if it has none.

    Source: H. W. Kuhn, augmenting paths in bipartite graphs.
    """
    edges = [[b for b in range(actual) if fits(a, b)] for a in range(expected)]
    owner = [-1] * actual
    for start in range(expected):
        _augment(start, edges, owner)
    partner = [-1] * expected
    for b, a in enumerate(owner):
        if a >= 0:
            partner[a] = b
    return partner


def _augment(start: int, edges: Sequence[Sequence[int]], owner: list[int]) -> None:
    """Give `start` a partner, if need be by giving others another one."""
    came_from: dict[int, int] = {}
    waiting = [start]
    for a in waiting:  # grows while it is walked
        for b in edges[a]:
            if b in came_from:
                continue
            came_from[b] = a
            if owner[b] < 0:
                _hand_over(b, start, came_from, owner)
                return
            waiting.append(owner[b])


def _hand_over(b: int, start: int, came_from: dict[int, int], owner: list[int]) -> None:
    while True:
        a = came_from[b]
        before = next((x for x, who in enumerate(owner) if who == a), -1)
        owner[b] = a
        if a == start:
            return
        b = before
