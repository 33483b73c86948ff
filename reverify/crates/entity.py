"""One entity of the graph, read the way the specification asks readers to."""

from collections.abc import Iterator
from typing import Any

from reverify.crates.positions import escape

Value = Any  # whatever JSON has; this is where it enters


class Entity:
    """One entity: every property is zero, one or many values.

    Source: RO-Crate 1.2, RO-Crate JSON-LD.

    Attributes:
        id: its @id, as written.
        types: its @type, always as a tuple.
        properties: the object itself; not to be changed.
        index: where it stands in @graph, from 0.
    """

    __slots__ = ("id", "index", "properties", "types")

    def __init__(self, properties: dict[str, Value], index: int) -> None:
        self.properties = properties
        self.index = index
        self.id: str = properties["@id"]
        types = properties.get("@type")
        listed = types if isinstance(types, list) else [types]
        self.types: tuple[str, ...] = tuple(
            item for item in listed if isinstance(item, str)
        )

    @property
    def pointer(self) -> str:
        """The entity's JSON pointer."""
        return f"/@graph/{self.index}"

    def values(self, key: str) -> list[Value]:
        """All values of a property; null counts as none."""
        value = self.properties.get(key)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def values_with_pointers(self, key: str) -> Iterator[tuple[Value, str]]:
        """All values of a property, each with its JSON pointer."""
        value = self.properties.get(key)
        pointer = f"{self.pointer}/{escape(key)}"
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield item, f"{pointer}/{index}"
        elif value is not None:
            yield value, pointer

    def text(self, key: str) -> str | None:
        """The first value of a property that is text."""
        return next((v for v in self.values(key) if isinstance(v, str)), None)

    def is_data(self) -> bool:
        """Whether it is typed as a file or a folder."""
        return "File" in self.types or "Dataset" in self.types
