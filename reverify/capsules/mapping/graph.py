"""A graph that is being written."""

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.terms import encoded, own


class Graph:
    """Entities by their @id, each value said once.

    Attributes:
        root: the @id of the root.
        entities: what was written.
        derived: the pairs of @id and key whose value is not the manifest's, but what a
            reader of the crate needs in its place.
        ids: the @id of each thing that was written, by its key.
        is_stranger: whether it comes from a crate that was no capsule's.
    """

    def __init__(
        self,
        kept: Mapping[str, str] | None = None,
        taken: Collection[str] = (),
        *,
        is_stranger: bool = False,
    ) -> None:
        self.entities: dict[str, Json] = {}
        self.derived: set[tuple[str, str]] = set()
        self.ids: dict[str, str] = {}
        self._kept = kept or {}
        self._taken = frozenset(taken) - frozenset(self._kept.values())
        self.root = self._kept.get("root") or "./"
        self.is_stranger = is_stranger

    def name(self, thing: str, wanted: str | None, local: str) -> str:
        """Find the @id of a thing that has not been written yet.

        Args:
            thing: its key; if it is known from an earlier crate, its @id is kept.
            wanted: the @id that it should have.
            local: the `#local` name that it gets otherwise; a number is added if that
                is taken too.
        """
        candidates = [self._kept.get(thing), wanted, f"#{encoded(local, '#')}"]
        free = self._free(candidates, local)
        return self.ids.setdefault(thing, free)

    def _free(self, candidates: list[str | None], local: str) -> str:
        for id in candidates:
            if id and id not in self.entities and id not in self._taken:
                return id
        for number in itertools.count(2):
            numbered = f"#{encoded(local, '#')}-{number}"
            if numbered not in self.entities and numbered not in self._taken:
                return numbered
        raise AssertionError("numbers do not end")

    def add(
        self,
        id: str,
        types: str | list[str],
        properties: Mapping[str, Any],
        derived: Collection[str] = (),
    ) -> Json:
        """Write an entity, or say more of one: what was said first stays.

        Returns:
            a reference to it.
        """
        entity = self.entities.setdefault(id, {"@id": id})
        known = listed(entity.get("@type"))
        wanted = [types] if isinstance(types, str) else types
        entity["@type"] = unpacked(known + [t for t in wanted if t not in known])
        for key, value in properties.items():
            plain = unpacked(value)
            if plain is None:
                continue
            spot = (id, key)
            if key not in entity or (spot in self.derived and key not in derived):
                entity[key] = plain
                self.derived.discard(spot)
                if key in derived:
                    self.derived.add(spot)
        return {"@id": id}

    def append(self, id: str, key: str, values: list[Any]) -> None:
        """Say more under a key of an entity."""
        entity = self.entities[id]
        before = listed(entity.get(key))
        known = {canonical(value) for value in before}
        more = [value for value in values if canonical(value) not in known]
        if more:
            entity[key] = unpacked(before + more)

    def value(
        self, kind: str, name: str, value: object, *, local: str = "", thing: str = ""
    ) -> Json:
        """Write a value under a name that says what it is.

        Args:
            kind: what it is to a capsule.
            name: for people.
            value: text or a number.
            local: its local @id; its kind, if that is enough.
            thing: its key; the same.
        """
        id = self.name(thing or local or kind, None, local or kind)
        properties = {"name": name, "propertyID": own(kind), "value": value}
        return self.add(id, "PropertyValue", properties)

    def terms(self) -> Iterator[str]:
        """Every key and type that was used."""
        return terms_in(self.entities.values())


def terms_in(items: Iterable[Any]) -> Iterator[str]:
    """Every key and type of the objects among some items of a graph."""
    for item in items:
        if isinstance(item, dict):
            yield from item
            types = listed(item.get("@type"))
            yield from (type for type in types if isinstance(type, str))


def key_of(kind: str, record: object) -> str:
    """The key of a thing that is known by what is said of it."""
    return f"{kind}:{json.dumps(record, sort_keys=True)}"


def stated(record: Any) -> Any:  # noqa: ANN401 - JSON
    """A record without what it says to be null."""
    if isinstance(record, Mapping):
        return {k: stated(v) for k, v in record.items() if v is not None}
    if isinstance(record, list):
        return [stated(item) for item in record]
    return record


def unpacked(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A list of one as its item, an empty one as nothing; lists in lists stay."""
    if isinstance(value, list) and len(value) < 2:  # noqa: PLR2004 - one
        only = value[0] if value else None
        return value if value and (only is None or isinstance(only, list)) else only
    return value


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """The values under a key; null counts as none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def canonical(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value as text; 1, 1.0 and true differ, the order of keys does not."""
    return json.dumps(value, sort_keys=True)
