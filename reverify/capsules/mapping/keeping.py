"""What an earlier crate said beside its manifest, said again in a new one.

The rule: a stranger's crate that is written again says exactly what it said, in the
stranger's own words, as long as the manifest still says what was read from it. Where
the manifest was changed since, the manifest counts.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from reverify.capsules.manifest import RESERVED
from reverify.capsules.mapping.graph import Graph, canonical, listed, unpacked
from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.terms import DESCRIPTOR
from reverify.crates.names import folded, path_fault
from reverify.errors import CapsuleError
from reverify.model.capsule import Manifest

KEPT = "reverify:ro-crate"
"""The key of `extra` under which a manifest keeps what its crate said beside it."""
_DEPTH = 64
Spot = tuple[str, str]


def nothing_kept() -> Json:
    """What is kept of a crate that says nothing beside its manifest.

    Returns:
        an object with these keys:
        `is_stranger`: whether the crate was no capsule's before;
        `ids`: the @id of a thing that the manifest holds, by its key, where it is not
        the one that we would give it;
        `entities`: entities of others;
        `others`: what else stood in the graph: second descriptions, things unnamed;
        `set`: by @id and key, what stands there where we would only derive something;
        `forms`: by @id and key, a digest of our values, and theirs that say the same;
        `add`: by @id and key, values to be said beside ours;
        `unsaid`: by @id and key, values of ours that they do not say;
        `undescribed`: @ids of ours that they do not describe;
        `context`: what all this needs of a context;
        `document`: what stood beside context and graph;
        `folders`: paths of folders that hold no file.
    """
    return {
        "is_stranger": False,
        "ids": {},
        "entities": [],
        "others": [],
        "set": {},
        "forms": {},
        "add": {},
        "unsaid": {},
        "undescribed": [],
        "context": [],
        "document": {},
        "folders": [],
    }


def kept_of(manifest: Manifest) -> Json | None:
    """What an earlier crate of a capsule said beside its manifest; None if nothing."""
    kept = manifest.part("extra").get(KEPT)
    try:
        check_kept(kept)
    except CapsuleError:
        return None  # data of somebody else's, under the same key
    return kept


def kept_folders(manifest: Manifest) -> list[str]:
    """The folders without files that an earlier crate of a capsule had."""
    kept = kept_of(manifest) or nothing_kept()
    files = {folded(file.path) for file in manifest.files() if file.path}
    return [
        path
        for path in kept["folders"]
        if not path_fault(path)
        and path.count("/") < _DEPTH
        and files.isdisjoint(_itself_and_above(folded(path)))
        and folded(path.partition("/")[0]) not in RESERVED
    ]


def kept_names(manifest: Manifest) -> list[str]:
    """The names that an earlier crate of a capsule gave to what are no files of it."""
    kept = kept_of(manifest) or nothing_kept()
    ids = (entity["@id"].removeprefix("./") for entity in kept["entities"])
    return [*kept_folders(manifest), *ids]


def _itself_and_above(path: str) -> Iterator[str]:
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def with_kept(document: Mapping[str, Any], kept: Json) -> Json:
    """A manifest that keeps what its crate said beside it, if that is anything."""
    if kept == nothing_kept():
        return dict(document)
    extra = dict(document.get("extra") or {})
    return {**document, "extra": {**extra, KEPT: kept}}


def without_kept(document: Mapping[str, Any]) -> Json:
    """A manifest as its graph tells it: what is kept there is the graph itself."""
    extra = document.get("extra")
    if not isinstance(extra, dict) or KEPT not in extra:
        return dict(document)
    rest = {key: value for key, value in extra.items() if key != KEPT}
    told = {key: value for key, value in document.items() if key != "extra"}
    return {**told, "extra": rest} if rest else told


# -- the form --------------------------------------------------------------------------


def check_kept(kept: Any) -> None:  # noqa: ANN401 - it may come from a manifest
    """See that what is kept has the form that `foreign` gives.

    Raises:
        CapsuleError: it has not.
    """
    if kept is None:
        return
    found = kept if isinstance(kept, dict) else {}
    is_sound = (
        set(found) == set(nothing_kept())
        and isinstance(found["is_stranger"], bool)
        and isinstance(found["ids"], dict)
        and all(isinstance(id, str) for id in found["ids"].values())
        and isinstance(found["entities"], list)
        and all(
            isinstance(each, dict) and isinstance(each.get("@id"), str)
            for each in found["entities"]
        )
        and isinstance(found["others"], list)
        and all(_is_listing(found[key]) for key in ("set", "add", "unsaid"))
        and _is_listing(found["forms"])
        and all(
            len(form) == 2  # noqa: PLR2004 - ours and theirs
            and isinstance(form[0], str)
            and isinstance(form[1], list)
            for properties in found["forms"].values()
            for form in properties.values()
        )
        and isinstance(found["undescribed"], list)
        and all(isinstance(id, str) for id in found["undescribed"])
        and isinstance(found["context"], list)
        and all(isinstance(part, (dict, str)) for part in found["context"])
        and isinstance(found["document"], dict)
        and isinstance(found["folders"], list)
        and all(isinstance(path, str) for path in found["folders"])
    )
    if not is_sound:
        raise CapsuleError(
            "what is kept of an earlier crate has not the form that it was kept in;"
            " import that crate again"
        )


def _is_listing(value: object) -> bool:
    """Whether something is lists by @id and key."""
    return isinstance(value, dict) and all(
        isinstance(properties, dict)
        and all(isinstance(values, list) for values in properties.values())
        for properties in value.values()
    )


# -- saying it again -------------------------------------------------------------------


def new_graph(kept: Json | None) -> Graph:
    """An empty graph, in which things get the @ids that they had."""
    if not kept:
        return Graph()
    taken = [entity["@id"] for entity in kept["entities"]]
    return Graph(kept["ids"], taken, is_stranger=kept["is_stranger"])


def digest_of(value: Any) -> str:  # noqa: ANN401 - JSON
    """A digest by which the values under a key are known, in their order."""
    text = json.dumps(listed(value), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def say_as_kept(graph: Graph, kept: Json | None) -> None:
    """Say what we wrote as the earlier crate said it, and not what it did not say."""
    if not kept:
        return
    ours = list(_references(graph))
    theirs = _say_theirs(graph, kept)
    unsaid = _leave_unsaid(graph, kept["unsaid"])
    references = [
        (id, target)
        for id, key, target in ours
        if (id, key) not in theirs and (id, key, target) not in unsaid
    ]
    _leave_out(graph, set(kept["undescribed"]), references)


def _say_theirs(graph: Graph, kept: Json) -> set[Spot]:
    """Put their words in the place of ours, where both say the same.

    Returns:
        the pairs of @id and key where that was done.
    """
    theirs: set[Spot] = set()
    for id, properties in kept["forms"].items():
        for key, (digest, values) in properties.items():
            written = graph.entities.get(id, {})
            if key in written and digest_of(written[key]) == digest:
                theirs |= _put(graph, id, key, values)
    for id, properties in kept["set"].items():
        for key, values in properties.items():
            if (id, key) in graph.derived:
                theirs |= _put(graph, id, key, values)
    return theirs


def _leave_unsaid(graph: Graph, kept: Json) -> set[tuple[str, str, str]]:
    """Take out what they do not say.

    Returns:
        the references that are gone: from where, under which key, to what.
    """
    unsaid: set[tuple[str, str, str]] = set()
    for id, properties in kept.items():
        for key, values in properties.items():
            gone = {canonical(value) for value in values}
            written = listed(graph.entities.get(id, {}).get(key))
            left = [value for value in written if canonical(value) not in gone]
            if len(left) < len(written):
                _put(graph, id, key, left)
                unsaid |= {
                    (id, key, value["@id"])
                    for value in values
                    if isinstance(value, dict) and isinstance(value.get("@id"), str)
                }
    return unsaid


def _put(graph: Graph, id: str, key: str, values: list[Any]) -> set[Spot]:
    if key == "@id" or id == DESCRIPTOR:
        return set()
    entity = graph.entities[id]
    if values:
        entity[key] = unpacked(list(values))
    else:
        entity.pop(key, None)
    return {(id, key)}


def _references(graph: Graph) -> Iterator[tuple[str, str, str]]:
    for id, entity in graph.entities.items():
        for key, value in entity.items():
            for each in listed(value):
                if isinstance(each, dict) and isinstance(each.get("@id"), str):
                    yield id, key, each["@id"]


def _leave_out(
    graph: Graph, undescribed: set[str], references: list[tuple[str, str]]
) -> None:
    """Drop what they do not describe, unless something of ours still needs it."""
    undescribed &= graph.entities.keys() - {graph.root, DESCRIPTOR}
    leads: dict[str, list[str]] = {}
    for id, target in references:
        leads.setdefault(id, []).append(target)
    waiting = [id for id in graph.entities if id not in undescribed]
    needed = set(waiting)
    while waiting:
        for target in leads.get(waiting.pop(), ()):
            if target not in needed:
                needed.add(target)
                waiting.append(target)
    for id in undescribed - needed:
        del graph.entities[id]


def add_entities(graph: Graph, kept: Json | None) -> None:
    """Write the entities of others again."""
    for entity in kept["entities"] if kept else ():
        id = entity["@id"]
        if id not in graph.entities:
            graph.entities[id] = dict(entity)
            continue
        for key, value in entity.items():  # it has become a part of the capsule
            if (id, key) in graph.derived:
                graph.entities[id][key] = value
            elif key != "@id":
                graph.append(id, key, listed(value))


def add_properties(graph: Graph, kept: Json | None) -> None:
    """Write what others said of what is ours, beside it; what is there stays once."""
    for id, properties in kept["add"].items() if kept else ():
        for key, values in properties.items():
            if id in graph.entities and key != "@id":
                graph.append(id, key, values)


def kept_context(ours: list[str | Json], kept: Json | None) -> list[str | Json]:
    """Put what is kept of a context behind that of the version.

    Their terms count before ours: it was by theirs that they spoke.
    """
    if not kept or not kept["context"]:
        return ours
    url, *own = ours
    merged: Json = {}
    parts: list[str | Json] = []
    for part in (*own, *kept["context"]):
        if isinstance(part, dict):
            merged |= part
        elif part != url:
            parts.append(part)
    return [url, *parts, *([merged] if merged else [])]
