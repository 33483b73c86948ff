"""Read a JSON document so that nothing of it is lost, and nothing of it runs away."""

import json
import math
from typing import Any

from reverify.compare.files import whole
from reverify.compare.interface import (
    Bounds,
    MalformedError,
    NotComparableError,
    Openable,
)
from reverify.compare.tolerance import DIGITS

Json = Any


class Literal(str):
    """A number that neither int nor float of Python can hold, as it is written."""

    __slots__ = ()


def read_json(source: Openable, bounds: Bounds) -> Json:
    """Read a document.

    Raises:
        MalformedError: it is no JSON in UTF-8, or says a key twice.
        NotComparableError: it is too large or too deep.
    """
    return parse(whole(source, bounds), bounds)


def parse(data: bytes, bounds: Bounds) -> Json:
    """Read a document from its bytes; see `read_json`."""
    if sum(map(data.count, (b",", b"[", b"{"))) > bounds.values:
        raise NotComparableError(
            f"it has more than the {bounds.values:,} values that are read"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedError(f"it is not in UTF-8, byte {error.start:,}") from error
    try:
        found = json.loads(
            text, object_pairs_hook=_object, parse_int=_whole, parse_float=_float
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedError(f"it is no JSON: {error.msg}, {place}") from error
    except RecursionError as error:
        raise _too_deep(bounds) from error
    _see_depth(found, bounds)
    return found


def _see_depth(value: Json, bounds: Bounds) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(bounds.depth):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise _too_deep(bounds)


def _too_deep(bounds: Bounds) -> NotComparableError:
    return NotComparableError(
        f"more than {bounds.depth} lists and objects lie within each other"
    )


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedError(
            f"an object has the key {twice!r} twice; readers disagree on which counts"
        )
    return found


def _whole(text: str) -> int | Literal:
    return int(text) if len(text) <= DIGITS else Literal(text)


def _float(text: str) -> float | Literal:
    value = float(text)
    return Literal(text) if math.isinf(value) else value
