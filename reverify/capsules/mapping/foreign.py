"""What a crate says beside its manifest: entities and properties of others."""

from collections.abc import Iterator, Mapping
from typing import Any

from reverify.capsules.mapping.document import write_graph
from reverify.capsules.mapping.files import is_written_anew
from reverify.capsules.mapping.graph import Graph
from reverify.capsules.mapping.interface import CodeFacts, Json
from reverify.capsules.mapping.reader import Reader, is_own
from reverify.capsules.mapping.reading import read_graph
from reverify.capsules.mapping.residue import KIND
from reverify.capsules.mapping.run import run_id
from reverify.capsules.mapping.terms import DESCRIPTOR, MANIFEST_SCHEMA
from reverify.crates.entity import Entity
from reverify.crates.metadata import SPEC_PREFIX, Metadata

_SAID = frozenset({"@id", "@type", "name", "description"})
_ANEW = {
    "PropertyValue": _SAID | {"propertyID", "value"},
    "File": _SAID
    | {
        "encodingFormat",
        "contentSize",
        "sha256",
        "about",
        "additionalType",
        "conformsTo",
    },
    "CreativeWork": _SAID | {"version"},
}
"""What we say of the residue, of the manifest and generated files, of the schema."""


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
    names = {
        old: new for old, new in _renamed(reader, document, root).items() if old != new
    }
    ids = {thing: names.get(id, id) for thing, id in reader.ids.items()}
    graph = write_graph(
        document,
        {},
        ro_crate=version,
        facts=CodeFacts(),
        kept={"ids": ids, "entities": [], "set": {}, "add": {}, "context": []},
    )
    dropped = {e.id for e in metadata.entities if _is_ours_alone(e)}
    found: Json = {"ids": ids, "entities": [], "set": {}, "add": {}, "context": []}
    for entity in metadata.entities:
        if entity.id in dropped:
            properties = _beyond(entity, names)
            if properties:
                found["set"][entity.id] = properties
            continue
        id = names.get(entity.id, entity.id)
        if id in graph.entities:
            written = graph.entities[id]
            for key, left in _left(reader, entity, written, names, dropped):
                _sort(found, graph, id, key, left)
        else:
            found["entities"].append(_rename(entity.properties, names))
    found["context"] = _context(metadata)
    return found


def _renamed(reader: Reader, document: Json, root: Entity) -> dict[str, str]:
    """Things that get another @id.

    Descriptor and root are named as 1.1 and later want it, and the run so that it can
    be told from others.
    """
    names = {root.id: root.id if "://" in root.id else "./"}
    if reader.metadata.descriptor is not None:
        names[reader.metadata.descriptor.id] = DESCRIPTOR
    if "run" in reader.ids:
        names[reader.ids["run"]] = run_id(document)
    return names


def _is_ours_alone(entity: Entity) -> bool:
    """Whether each crate has it anew: residue, manifest, generated files."""
    is_named_so = is_own(entity, KIND) or entity.id == MANIFEST_SCHEMA
    return is_named_so or ("File" in entity.types and is_written_anew(entity))


def _beyond(entity: Entity, names: Mapping[str, str]) -> Json:
    """What others said of something that is written anew each time."""
    kinds = (kind for kind in _ANEW if kind in entity.types)
    anew = _ANEW[next(kinds, "CreativeWork")]
    return {
        key: _rename(value, names)
        for key, value in entity.properties.items()
        if key not in anew
    }


def _left(
    reader: Reader,
    entity: Entity,
    written: Json,
    names: Mapping[str, str],
    dropped: set[str],
) -> Iterator[tuple[str, list[Any]]]:
    """The values that neither went into the manifest nor are written by us, by key."""
    for key, value in entity.properties.items():
        said = _listed(written.get(key))
        left = [
            renamed
            for each in _listed(value)
            if not (isinstance(each, dict) and each.get("@id") in dropped)
            and not reader.is_used(entity.id, key, each)
            and (renamed := _rename(each, names)) not in said
        ]
        is_version = written["@id"] == DESCRIPTOR and key == "conformsTo"
        if left and key != "@id" and not is_version:
            yield key, left


def _sort(found: Json, graph: Graph, id: str, key: str, left: list[Any]) -> None:
    """Say whether something is to be written as it is, or beside what we say."""
    is_ours = key in graph.entities[id] and (id, key) not in graph.derived
    found["add" if is_ours else "set"].setdefault(id, {})[key] = left


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
    """The parts of the @context that are not a version of RO-Crate.

    What would change the names of our own entities, `@base` say, is left out.
    """
    found: list[Any] = []
    for part in _listed(metadata.document.get("@context")):
        if isinstance(part, dict):
            terms = {k: v for k, v in part.items() if k[:1] != "@" or k == "@vocab"}
            found += [terms] if terms else []
        elif isinstance(part, str) and not part.startswith(SPEC_PREFIX):
            found.append(part)
    return found


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
