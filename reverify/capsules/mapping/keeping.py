"""What an earlier crate said beside its manifest, said again in a new one."""

from typing import Any

from reverify.capsules.mapping.graph import Graph, unpacked
from reverify.capsules.mapping.interface import Json
from reverify.errors import CapsuleError
from reverify.model.capsule import Manifest

KEPT = "reverify:ro-crate"
"""The key of `extra` under which a manifest keeps what its crate said beside it."""


def kept_of(manifest: Manifest) -> Json | None:
    """What an earlier crate of a capsule said beside its manifest; None if nothing."""
    kept = manifest.part("extra").get(KEPT)
    try:
        check_kept(kept)
    except CapsuleError:
        return None  # data of somebody else's, under the same key
    return kept


def check_kept(kept: Any) -> None:  # noqa: ANN401 - it may come from a manifest
    """See that what is kept has the form that `foreign` gives.

    Raises:
        CapsuleError: it has not.
    """
    if kept is None:
        return
    found = kept if isinstance(kept, dict) else {}
    ids, set, add = (found.get(key) for key in ("ids", "set", "add"))
    entities, context = found.get("entities"), found.get("context")
    is_sound = (
        isinstance(ids, dict)
        and all(isinstance(id, str) for id in ids.values())
        and isinstance(entities, list)
        and all(
            isinstance(each, dict) and isinstance(each.get("@id"), str)
            for each in entities
        )
        and isinstance(set, dict)
        and all(isinstance(each, dict) for each in set.values())
        and isinstance(add, dict)
        and all(
            isinstance(each, dict) and all(isinstance(v, list) for v in each.values())
            for each in add.values()
        )
        and isinstance(context, list)
        and all(isinstance(part, (dict, str)) for part in context)
    )
    if not is_sound:
        raise CapsuleError(
            "what is kept of an earlier crate has not the form that it was kept in;"
            " import that crate again"
        )


def kept_ids(kept: Json | None) -> tuple[dict[str, str], list[str]]:
    """The @ids that things had, and those that foreign entities have."""
    if not kept:
        return {}, []
    return dict(kept["ids"]), [entity["@id"] for entity in kept["entities"]]


def kept_context(ours: list[str | Json], kept: Json | None) -> list[str | Json]:
    """Put what foreign entities need of a context between ours and our terms."""
    if not kept or not kept["context"]:
        return ours
    url, *terms = ours
    merged: Json = {}
    parts: list[str | Json] = []
    for part in kept["context"]:
        if isinstance(part, dict):
            merged |= part
        elif part != url:
            parts.append(part)
    for own in terms:
        merged |= own if isinstance(own, dict) else {}
    return [url, *parts, *([merged] if merged else [])]


def add_entities(graph: Graph, kept: Json | None) -> None:
    """Write the entities of others again."""
    for entity in kept["entities"] if kept else ():
        known = graph.entities.setdefault(entity["@id"], dict(entity))
        for key, value in entity.items():
            known.setdefault(key, value)


def add_properties(graph: Graph, kept: Json | None) -> None:
    """Write what others said of what is ours; said twice, it is there once.

    Where a value of ours only stands in for what the manifest does not say, theirs
    takes its place.
    """
    for id, properties in kept["set"].items() if kept else ():
        for key, value in properties.items():
            _set(graph, id, key, value)
    for id, properties in kept["add"].items() if kept else ():
        for key, values in properties.items():
            if id in graph.entities:
                graph.append(id, key, values)


def _set(graph: Graph, id: str, key: str, value: Any) -> None:  # noqa: ANN401 - JSON
    entity = graph.entities.get(id)
    if entity is None:
        return
    if key not in entity or (id, key) in graph.derived:
        entity[key] = unpacked(value)
    else:
        graph.append(id, key, _listed(value))


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else [value]
