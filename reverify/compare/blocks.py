"""Compare stretches of NumPy arrays element by element, a block at a time."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from reverify.compare.tally import Tally

Array = Any
"""A numpy.ndarray; NumPy is there only where the extra is installed."""
BLOCK_BYTES = 4 << 20
_NUMBERS, _TIMES = "iufc", "mM"


def slices(
    shape: Sequence[int], item_bytes: int, chunks: Sequence[int] | None = None
) -> Iterator[tuple[slice, ...]]:
    """Cut an array into blocks of some megabytes, in C order.

    Args:
        shape: of the array.
        item_bytes: of one element.
        chunks: the shape of what is stored in one piece; blocks are made of whole
            ones along the axis that is cut.
    """
    if 0 in shape:
        return
    axis = len(shape)
    room = max(1, BLOCK_BYTES // max(1, item_bytes))
    inner = 1
    while axis and inner * shape[axis - 1] <= room:
        axis -= 1
        inner *= shape[axis]
    if not axis:
        yield tuple(slice(0, size) for size in shape)
        return
    cut = axis - 1
    step = max(1, room // inner)
    if chunks and step > chunks[cut]:
        step -= step % chunks[cut]
    rest = tuple(slice(0, size) for size in shape[axis:])
    for outer in _indices(shape[:cut]):
        front = tuple(slice(at, at + 1) for at in outer)
        for start in range(0, shape[cut], step):
            yield (*front, slice(start, min(start + step, shape[cut])), *rest)


def _indices(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    at = [0] * len(shape)
    while True:
        yield tuple(at)
        for axis in reversed(range(len(shape))):
            at[axis] += 1
            if at[axis] < shape[axis]:
                break
            at[axis] = 0
        else:
            return


def place(name: str, start: int, shape: Sequence[int]) -> Callable[[int], str]:
    """Words a place: the index of an element of a flat block within its array.

    Args:
        name: goes before.
        start: the flat index at which the block begins, in C order.
        shape: of the array.
    """
    if not shape:
        return lambda _: name or "the value"

    def where(at: int) -> str:
        flat, index = start + at, []
        for size in reversed(shape):
            flat, remainder = divmod(flat, size)
            index.append(remainder)
        return f"{name}[{', '.join(map(str, reversed(index)))}]"

    return where


def compare_blocks(
    tally: Tally, expected: Array, actual: Array, where: Callable[[int], str]
) -> None:
    """Compare two flat blocks of the same length.

    Numbers are compared within the tolerances, whole numbers and all that is no number
    exactly; fields of structured types one by one.
    """
    if not expected.size:
        return
    tally.compared += expected.size
    names = expected.dtype.names
    if names is None:
        _compare(tally, expected, actual, where)
        return
    for name in names:
        if name in (actual.dtype.names or ()):
            fields = expected[name], actual[name]
            if fields[0].ndim == 1 and fields[1].ndim == 1:
                _field(tally, *fields, where, name)
            elif fields[0].shape == fields[1].shape:
                wide = fields[0][0].size or 1
                _field(
                    tally,
                    fields[0].reshape(-1),
                    fields[1].reshape(-1),
                    lambda at, wide=wide: where(at // wide),  # type: ignore[misc]
                    name,
                )


def _field(
    tally: Tally, one: Array, other: Array, where: Callable[[int], str], name: str
) -> None:
    def within(at: int) -> str:
        return f"{where(at)} {name!r}"

    if one.dtype.names is None:
        _compare(tally, one, other, within)
    else:
        compared = tally.compared
        compare_blocks(tally, one, other, within)
        tally.compared = compared


def _compare(
    tally: Tally, one: Array, other: Array, where: Callable[[int], str]
) -> None:
    import numpy as np  # noqa: PLC0415

    kind, other_kind = one.dtype.kind, other.dtype.kind
    numeric = kind in _NUMBERS and other_kind in _NUMBERS
    if not numeric and kind != other_kind:
        tally.differ(where(0), _written(one[0]), _written(other[0]), times=one.size)
        return
    apart = one != other
    if tally.rule.nan_is_equal and (numeric or kind in _TIMES):
        missing = np.isnat if kind in _TIMES else np.isnan
        apart &= ~(missing(one) & missing(other))
    at = np.flatnonzero(apart)
    if not at.size:
        return
    if numeric:
        at = at[~_close(tally, one[at], other[at], lambda i: where(int(at[i])))]
    first = at[: tally.room]
    for index in first:
        tally.differ(where(int(index)), _written(one[index]), _written(other[index]))
    tally.differing += int(at.size - first.size)


def _close(
    tally: Tally, one: Array, other: Array, where: Callable[[int], str]
) -> Array:
    """Which of some numbers that differ are equal within the tolerances."""
    import numpy as np  # noqa: PLC0415

    rule = tally.rule
    with np.errstate(all="ignore"):
        error = _error(one, other)
        size = np.abs(one.astype(_wide(one.dtype)))
        finite = np.isfinite(error) & np.isfinite(size)
        relative = np.where(size > 0, error / size, 0)
        worst = int(np.argmax(np.where(finite, error, 0)))
        if finite[worst]:
            tally.deviate(float(error[worst]), math.nan, where(worst))
        worst = int(np.argmax(np.where(finite, relative, 0)))
        if finite[worst]:
            tally.deviate(math.nan, float(relative[worst]), where(worst))
        if not rule.tolerant:
            return np.zeros(one.shape, bool)
        close = finite & (error <= rule.atol + rule.rtol * size)
    tally.within += int(np.count_nonzero(close))
    return close


def _error(one: Array, other: Array) -> Array:
    """The absolute error; of whole numbers of one type without rounding."""
    import numpy as np  # noqa: PLC0415

    if one.dtype.kind in "iu" and one.dtype == other.dtype:
        unsigned = one.astype("u8"), other.astype("u8")
        # Modulo 2**64, so that it is right for signed numbers too.
        forth, back = unsigned[0] - unsigned[1], unsigned[1] - unsigned[0]
        return np.where(one > other, forth, back).astype("f8")
    return np.abs(one.astype(_wide(one.dtype)) - other.astype(_wide(other.dtype)))


def _wide(dtype: Any) -> Any:  # noqa: ANN401 - a numpy.dtype
    """A floating type that loses nothing that matters."""
    import numpy as np  # noqa: PLC0415

    return np.promote_types(dtype, "f8")


def _written(value: Any) -> str:  # noqa: ANN401 - a scalar of NumPy, or bytes
    item = getattr(value, "item", None)
    try:
        return repr(item() if item else value)
    except (ValueError, OverflowError):
        return str(value)
