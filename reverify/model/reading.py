"""Reading back what was written as JSON, where anything may stand in place of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


def table(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An object.

    Raises:
        KeyError: it is not there.
        ValueError: it is something else.
    """
    return _of_type(data[key], key, dict)


def rows(data: Mapping[str, Any], key: str) -> list[Any]:
    """An array."""
    return _of_type(data[key], key, list)


def text(data: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """A text, which must be there unless there is a default."""
    found = data[key] if default is None else data.get(key, default)
    return _of_type(found, key, str)


def text_or_none(data: Mapping[str, Any], key: str) -> str | None:
    """A text, or null, or nothing at all."""
    found = data.get(key)
    return None if found is None else _of_type(found, key, str)


def texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """An array of texts; none is as good as an empty one."""
    found = rows(data, key) if key in data else []
    return tuple(_of_type(item, key, str) for item in found)


def table_of_texts(data: Mapping[str, Any], key: str) -> dict[str, str]:
    """An object whose values are texts."""
    found = table(data, key)
    return {name: text(found, name) for name in found}


def count(data: Mapping[str, Any], key: str) -> int:
    """A number from 0 on; none is as good as 0."""
    found = data.get(key, 0)
    if isinstance(found, bool) or _of_type(found, key, int) < 0:
        raise ValueError(f"{key} is no number from 0 on")
    return int(found)


def moment(data: Mapping[str, Any], key: str) -> datetime:
    """A time that says how far from UTC it is."""
    found = datetime.fromisoformat(text(data, key))
    if found.tzinfo is None:
        raise ValueError(f"{key} has no time zone")
    return found


def _of_type(found: object, key: str, wanted: type[T]) -> T:
    if not isinstance(found, wanted):
        raise ValueError(f"{key} is no {wanted.__name__}")  # noqa: TRY004 - bad data
    return found
