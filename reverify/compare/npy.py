"""Two arrays in NumPy's own format, a block at a time; nothing is ever unpickled.

Source: NumPy, "The .npy format", versions 1 to 3 (NEP 1).
"""

import ast
import math
from typing import Any, BinaryIO, Literal, NamedTuple

from reverify.compare.blocks import Array, compare_blocks, place, slices
from reverify.compare.interface import Job, MalformedError, NotComparableError
from reverify.compare.tally import Tally

MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
HEADER_BYTES = 64 * 1024
DIMENSIONS = 64


class Npy(NamedTuple):
    """An array that has not been read yet.

    Attributes:
        dtype: a numpy.dtype.
        shape: of the array.
        fortran: whether the first index runs fastest.
        offset: where its elements begin, in bytes.
        stream: the file.
    """

    dtype: Any
    shape: tuple[int, ...]
    fortran: bool
    offset: int
    stream: BinaryIO

    def mapped(self) -> Array:
        """The array, read as it is used."""
        import numpy as np  # noqa: PLC0415

        order: Literal["F", "C"] = "F" if self.fortran else "C"
        file: Any = self.stream
        return np.memmap(file, self.dtype, "r", self.offset, self.shape, order)

    def read(self, count: int) -> Array:
        """The next elements in the order of the file."""
        import numpy as np  # noqa: PLC0415

        data = self.stream.read(count * self.dtype.itemsize)
        return np.frombuffer(data, self.dtype)


def read_npy(stream: BinaryIO, size: int) -> Npy:
    """Read the header of an array.

    Args:
        stream: the file, seekable, at its start.
        size: of the file, in bytes.

    Raises:
        MalformedError: it is no such file, or not a whole one.
        NotComparableError: it holds pickled objects, which are not read.
    """
    import numpy as np  # noqa: PLC0415

    start = stream.read(8)
    if not start.startswith(MAGIC) or start[6] not in _LENGTH_BYTES:
        raise MalformedError("it is no array of NumPy")
    wide = _LENGTH_BYTES[start[6]]
    length = int.from_bytes(stream.read(wide), "little")
    if length > HEADER_BYTES:
        raise MalformedError("the header of the array is too long")
    text = stream.read(length)
    try:
        header = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1"))  # noqa: PLR2004
        dtype = np.lib.format.descr_to_dtype(header["descr"])
        shape, fortran = header["shape"], header["fortran_order"]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError) as error:
        raise MalformedError("the header of the array cannot be read") from error
    sound = isinstance(shape, tuple) and len(shape) <= DIMENSIONS
    if not sound or not all(type(n) is int and n >= 0 for n in shape):
        raise MalformedError("the header of the array has no shape")
    if dtype.hasobject:
        raise NotComparableError(
            "it holds Python objects, which only unpickling could read; that would run"
            " what a stranger wrote"
        )
    offset = len(start) + wide + length
    if offset + math.prod(shape) * dtype.itemsize > size:
        raise MalformedError("the array is cut short")
    return Npy(dtype, shape, bool(fortran), offset, stream)


def compare_npy(
    job: Job, tally: Tally, streams: tuple[BinaryIO, BinaryIO], sizes: tuple[int, int]
) -> None:
    """Compare two arrays, type and shape first."""
    one, other = read_npy(streams[0], sizes[0]), read_npy(streams[1], sizes[1])
    same_type(tally, "the type", one.dtype, other.dtype)
    if one.shape != other.shape:
        tally.differ("the shape", str(one.shape), str(other.shape))
        return
    if one.fortran == other.fortran or len(one.shape) < 2:  # noqa: PLR2004
        _in_file_order(job, tally, one, other)
        return
    ones, others = one.mapped(), other.mapped()
    at = 0
    for block in slices(one.shape, one.dtype.itemsize):
        job.tick()
        left, right = ones[block].reshape(-1), others[block].reshape(-1)
        compare_blocks(tally, left, right, place("", at, one.shape))
        at += left.size


def _in_file_order(job: Job, tally: Tally, one: Npy, other: Npy) -> None:
    left, at = math.prod(one.shape), 0
    shape = one.shape[::-1] if one.fortran else one.shape
    step = max(1, (4 << 20) // max(1, one.dtype.itemsize))
    while left > 0:
        job.tick()
        count = min(step, left)
        where = place("", at, shape)
        if one.fortran:
            where = _backwards(where)
        compare_blocks(tally, one.read(count), other.read(count), where)
        left -= count
        at += count


def _backwards(where: Any) -> Any:  # noqa: ANN401 - both map a place to words
    def words(at: int) -> str:
        index = where(at)[1:-1].split(", ")
        return f"[{', '.join(reversed(index))}]"

    return words


def same_type(tally: Tally, where: str, one: Any, other: Any) -> None:  # noqa: ANN401
    """Note types that differ; the order of bytes within a number does not count."""
    if one.kind == other.kind and one.kind in "SU":
        return  # how long texts may be is a matter of storage
    if one.newbyteorder("=") != other.newbyteorder("="):
        tally.differ(where, str(one), str(other))
