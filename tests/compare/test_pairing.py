from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from reverify.compare.pairing import pairs

EDGES = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)))


@given(EDGES)
def test_there_are_as_many_pairs_as_there_can_be(edges: set[tuple[int, int]]) -> None:
    partners = pairs(5, 5, lambda a, b: (a, b) in edges)
    found = [(a, b) for a, b in enumerate(partners) if b >= 0]
    assert set(found) <= edges
    assert len({b for _, b in found}) == len(found)
    most = max(
        sum((a, b) in edges for a, b in enumerate(order))
        for order in permutations(range(5))
    )
    assert len(found) == most


def test_sides_need_not_be_of_the_same_size() -> None:
    assert sorted(pairs(3, 1, lambda _a, _b: True)) == [-1, -1, 0]
    assert pairs(0, 3, lambda _a, _b: True) == []
    assert pairs(1, 0, lambda _a, _b: True) == [-1]
