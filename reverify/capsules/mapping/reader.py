"""A graph that is being read, and what is noticed on the way."""

import json
import re
from collections.abc import Iterator
from typing import Any

from reverify.capsules.mapping.terms import own
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata


class Reader:
    """Reads entities, remembers what was used and under which @id things are known.

    Attributes:
        metadata: the document.
        remarks: what was left out or derived, one sentence each.
        ids: the @id of each thing that was read, by its key.
        is_stranger: whether the crate was no capsule's before it was taken in.
    """

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self.remarks: list[str] = []
        self.ids: dict[str, str] = {}
        self.is_stranger = True
        self._used: set[tuple[str, str, str]] = set()

    def remark(self, sentence: str) -> None:
        """Say what was left out or derived."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def use(self, entity: Entity, key: str, value: object) -> None:
        """Remember that a value went into the manifest."""
        self._used.add((entity.id, key, json.dumps(value, sort_keys=True)))

    def is_used(self, id: str, key: str, value: object) -> bool:
        """Whether a value went into the manifest."""
        return (id, key, json.dumps(value, sort_keys=True)) in self._used

    def text(self, entity: Entity, *keys: str, form: str = "") -> str | None:
        """The first text under some keys, in that order.

        Args:
            entity: who says it.
            keys: where it may stand.
            form: what the whole text must look like.
        """
        for key in keys:
            for value in entity.values(key):
                if isinstance(value, str) and (
                    not form or re.fullmatch(form, value, re.DOTALL)
                ):
                    self.use(entity, key, value)
                    return value
        return None

    def links(self, entity: Entity, key: str) -> Iterator[tuple[str, Any]]:
        """Texts and the ids of references under a key, each with its value."""
        for value in entity.values(key):
            text = value.get("@id") if isinstance(value, dict) else value
            if isinstance(text, str):
                yield text, value

    def entities(self, entity: Entity, key: str) -> Iterator[Entity]:
        """The described entities that a key refers to, each reference once."""
        for id in self.metadata.references(entity, key):
            found = self.metadata.by_id.get(id)
            if found is not None:
                yield found

    def own_value(self, entity: Entity, key: str, kind: str) -> Any:  # noqa: ANN401
        """The value of a PropertyValue that only a capsule writes; None if absent."""
        for target in self.entities(entity, key):
            if is_own(target, kind):
                value = next(iter(target.values("value")), None)
                if value is not None:
                    self.ids.setdefault(kind, target.id)
                return value
        return None


def is_own(entity: Entity, kind: str) -> bool:
    """Whether an entity is a value that a capsule writes."""
    return "PropertyValue" in entity.types and own(kind) in entity.values("propertyID")
