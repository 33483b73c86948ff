"""Two HDF5 files: the same groups, datasets and attributes, block by block.

Links to other files, and datasets whose bytes lie in other files, are not followed: a
stranger could name any file of this machine.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from reverify.compare.blocks import compare_blocks, place, slices
from reverify.compare.interface import (
    Job,
    MalformedError,
    NotComparableError,
    missing_library,
)
from reverify.compare.npy import same_type
from reverify.compare.tally import Tally

MAGIC = b"\x89HDF\r\n\x1a\n"
OBJECTS = 100_000
_HOLDING = {"a group", "a dataset"}
Node = Any
"""A group or dataset of h5py."""


def compare_hdf5(job: Job, tally: Tally, streams: tuple[BinaryIO, BinaryIO]) -> None:
    """Compare two files, object by object.

    Raises:
        NotComparableError: h5py is missing, or an object cannot be compared.
        MalformedError: it is no HDF5 file, or a damaged one.
    """
    try:
        import h5py  # noqa: PLC0415
    except ImportError as error:
        raise missing_library("h5py") from error
    try:
        with h5py.File(streams[0], "r") as one, h5py.File(streams[1], "r") as other:
            _compare_files(job, tally, one, other)
    except (OSError, RuntimeError, KeyError) as error:
        raise MalformedError(f"it cannot be read as HDF5: {error}") from error


def _compare_files(job: Job, tally: Tally, one: Node, other: Node) -> None:
    left, right = dict(_objects(job, one)), dict(_objects(job, other))
    for name, kind in left.items():
        if name not in right:
            tally.differ(name, kind, None)
        elif right[name] != kind:
            tally.differ(name, kind, right[name])
        elif kind in _HOLDING:
            _attributes(tally, name, one[name], other[name])
            if kind == "a dataset":
                _dataset(job, tally, name, one[name], other[name])
    for name, kind in right.items():
        if name not in left:
            tally.differ(name, None, kind)


def _objects(job: Job, file: Node) -> Iterator[tuple[str, str]]:
    """All paths in a file and what they are, without following a link.

    Links within the file are told by where they point to; what they lead to is seen
    under its own name.
    """
    import h5py  # noqa: PLC0415

    yield "/", "a group"
    waiting, found, seen = ["/"], 0, set()
    while waiting:
        path = waiting.pop()
        group = file[path]
        for name in sorted(group):
            job.tick()
            found += 1
            if found > OBJECTS:
                raise NotComparableError(f"it holds more than {OBJECTS:,} objects")
            full = f"{path.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise NotComparableError(
                    f"{full} is a link to another file, which is not followed"
                )
            if isinstance(link, h5py.SoftLink):
                yield full, f"a link to {link.path}"
                continue
            kind = group.get(name, getclass=True)
            if kind is h5py.Group:
                where = h5py.h5o.get_info(group.id, name.encode()).addr
                yield full, "a group"
                if where not in seen:  # a hard link may lead back
                    seen.add(where)
                    waiting.append(full)
            else:
                yield full, "a dataset" if kind is h5py.Dataset else "a named type"


def _attributes(tally: Tally, name: str, one: Node, other: Node) -> None:
    for key in sorted({*one.attrs, *other.attrs}):
        where = f"{name} attribute {key!r}"
        if key not in other.attrs or key not in one.attrs:
            here = "an attribute"
            tally.differ(
                where,
                here if key in one.attrs else None,
                here if key in other.attrs else None,
            )
            continue
        _values(tally, where, one.attrs[key], other.attrs[key])


def _values(tally: Tally, where: str, one: Any, other: Any) -> None:  # noqa: ANN401
    """Compare two values of attributes: scalars, texts or small arrays."""
    import numpy as np  # noqa: PLC0415

    left, right = np.asarray(one), np.asarray(other)
    if left.dtype.hasobject or right.dtype.hasobject:
        tally.compared += 1
        if left.shape != right.shape or left.tolist() != right.tolist():
            tally.differ(where, str(one), str(other))
        return
    same_type(tally, f"{where}, its type", left.dtype, right.dtype)
    if left.shape != right.shape:
        tally.differ(f"{where}, its shape", str(left.shape), str(right.shape))
        return
    compare_blocks(
        tally, left.reshape(-1), right.reshape(-1), place(where, 0, left.shape)
    )


def _dataset(job: Job, tally: Tally, name: str, one: Node, other: Node) -> None:
    for node in (one, other):
        if node.is_virtual or node.external:
            raise NotComparableError(
                f"the values of {name} lie in other files, which are not opened"
            )
    if one.shape != other.shape:
        tally.differ(f"{name}, its shape", str(one.shape), str(other.shape))
        return
    texts = _is_text(one), _is_text(other)
    if any(node.dtype.hasobject for node in (one, other)) and not all(texts):
        if texts[0] != texts[1]:
            tally.differ(f"{name}, its type", str(one.dtype), str(other.dtype))
            return
        raise NotComparableError(
            f"{name} holds references or lists, which are not read"
        )
    if not all(texts):
        same_type(tally, f"{name}, its type", one.dtype, other.dtype)
    if one.shape is None:  # empty, by its type
        return
    item_bytes = 256 if all(texts) else max(one.dtype.itemsize, other.dtype.itemsize)
    at = 0
    for block in slices(one.shape, item_bytes, one.chunks):
        job.tick()
        left, right = one[block].reshape(-1), other[block].reshape(-1)
        compare_blocks(tally, left, right, place(name, at, one.shape))
        at += left.size


def _is_text(node: Node) -> bool:
    import h5py  # noqa: PLC0415

    info = h5py.check_string_dtype(node.dtype)
    return info is not None and info.length is None
