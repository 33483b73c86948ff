"""What a crate says beside its manifest: entities and properties of others."""

import json
from collections.abc import Mapping
from typing import Any

from reverify.capsules.mapping.document import write_graph
from reverify.capsules.mapping.graph import Graph
from reverify.capsules.mapping.interface import CodeFacts, Json
from reverify.capsules.mapping.reader import Reader, is_own
from reverify.capsules.mapping.reading import read_graph
from reverify.capsules.mapping.residue import KIND
from reverify.capsules.mapping.terms import DESCRIPTOR, MANIFEST_SCHEMA
from reverify.crates.entity import Entity
from reverify.crates.metadata import SPEC_PREFIX, Metadata


def foreign(metadata: Metadata) -> Json:
    """Gather what a crate says that its manifest does not hold.

    It can be kept as JSON, and handed to `crate_document` as `kept`.

    Returns:
        `ids`, the @id of each thing that the manifest holds, by its key; `entities` of
        others; `set` and `add`, properties by @id, to be written as they are and to be
        said beside ours; `context`, what these need.

    Raises:
        CapsuleError: no manifest can be made of it.
    """
    reader = Reader(metadata)
    document, root = read_graph(reader)
    version = metadata.version or ""
    version = version if version in {"1.1", "1.2", "1.3"} else "1.2"
    names = {old: new for old, new in _renamed(metadata, root).items() if old != new}
    ids = {thing: names.get(id, id) for thing, id in reader.ids.items()}
    graph = write_graph(
        document,
        {},
        ro_crate=version,
        facts=CodeFacts(),
        kept={"ids": ids, "entities": [], "set": {}, "add": {}, "context": []},
    )
    dropped = {e.id for e in metadata.entities if _is_ours_alone(metadata, e, reader)}
    found: Json = {"ids": ids, "entities": [], "set": {}, "add": {}, "context": []}
    for entity in metadata.entities:
        if entity.id in dropped:
            continue
        id = names.get(entity.id, entity.id)
        if id in graph.entities:
            _differences(reader, entity, id, graph, found, names, dropped)
        else:
            found["entities"].append(_rename(entity.properties, names))
    found["context"] = _context(metadata)
    return found


def _renamed(metadata: Metadata, root: Entity) -> dict[str, str]:
    """Descriptor and root get the names that 1.1 and later want."""
    names = {root.id: root.id if "://" in root.id else "./"}
    if metadata.descriptor is not None:
        names[metadata.descriptor.id] = DESCRIPTOR
    return names


def _is_ours_alone(metadata: Metadata, entity: Entity, reader: Reader) -> bool:
    """Whether it is written anew with each crate: residue, manifest, generated files."""
    if is_own(entity, KIND) or entity.id == MANIFEST_SCHEMA:
        return True
    if (
        "capsule" not in reader.ids
        or metadata.root is None
        or "File" not in entity.types
    ):
        return False
    about = metadata.root.id in metadata.references(entity, "about")
    return about and entity.id not in reader.ids.values()


def _differences(
    reader: Reader,
    entity: Entity,
    id: str,
    graph: Graph,
    found: Json,
    names: Mapping[str, str],
    dropped: set[str],
) -> None:
    written = graph.entities[id]
    for key in entity.properties:
        if key == "@id" or (id == DESCRIPTOR and key == "conformsTo"):
            continue
        said = _listed(written.get(key))
        left = [
            renamed
            for value in _listed(entity.properties[key])
            if not (isinstance(value, dict) and value.get("@id") in dropped)
            and not reader.is_used(entity.id, key, value)
            and (renamed := _rename(value, names)) not in said
        ]
        if not left:
            continue
        if key not in written or (id, key) in graph.derived:
            value = left if isinstance(entity.properties[key], list) else left[0]
            found["set"].setdefault(id, {})[key] = value
        else:
            found["add"].setdefault(id, {})[key] = left


def _rename(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """References in a value, with the names that their targets have now."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item)
            if key == "@id" and isinstance(item, str)
            else _rename(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_rename(item, names) for item in value]
    return value


def _context(metadata: Metadata) -> list[Any]:
    """The parts of the @context that are not a version of RO-Crate."""
    parts = json.loads(json.dumps(_listed(metadata.document.get("@context"))))
    return [
        part
        for part in parts
        if isinstance(part, dict)
        or (isinstance(part, str) and not part.startswith(SPEC_PREFIX))
    ]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
