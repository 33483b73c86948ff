"""What a crate says beside its manifest, and how it says what its manifest holds."""

import re
from collections.abc import Mapping
from typing import Any

from reverify.capsules.mapping.document import write_graph
from reverify.capsules.mapping.files import is_written_anew
from reverify.capsules.mapping.graph import Graph, canonical, listed
from reverify.capsules.mapping.interface import VERSIONS, CodeFacts, Json
from reverify.capsules.mapping.keeping import digest_of, nothing_kept
from reverify.capsules.mapping.reader import Reader, is_own
from reverify.capsules.mapping.reading import read_whole
from reverify.capsules.mapping.residue import KIND
from reverify.capsules.mapping.terms import (
    DESCRIPTOR,
    MANIFEST_SCHEMA,
    our_definition,
)
from reverify.crates.contexts import read_context, terms_of
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
_COLLECTIONS = frozenset(
    {"hasPart", "mentions", "conformsTo", "identifier", "additionalProperty"}
)
"""Keys of the root under which a crate gathers things, in no order."""
_KEPT_KEYWORDS = frozenset({"@language", "@vocab", "@version"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


def foreign(metadata: Metadata) -> Json:
    """Gather what a crate says that its manifest does not hold, and how it says it.

    It can be kept as JSON, and handed to `crate_document` as `kept`.

    Returns:
        an object as `nothing_kept` describes it.

    Raises:
        CapsuleError: no manifest can be made of it.
    """
    reader = Reader(metadata)
    document, read = read_whole(reader)
    return _Comparison(reader, document, read, renamed(metadata)).kept


def renamed(metadata: Metadata) -> dict[str, str]:
    """Things that get another @id, as RO-Crate 1.1 and later want it.

    The metadata document gets its name, and a root that is named by a path `./`.
    """
    names = {}
    root, descriptor = metadata.root, metadata.descriptor
    if root and not _ABSOLUTE.match(root.id) and "./" not in metadata.by_id:
        names[root.id] = "./"
    if descriptor and DESCRIPTOR not in metadata.by_id:
        names[descriptor.id] = DESCRIPTOR
    return names


def with_names(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """A value, its references with the names that their targets have now."""
    if not names:
        return value
    if isinstance(value, dict):
        return {
            key: names.get(item, item)
            if key == "@id" and isinstance(item, str)
            else with_names(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [with_names(item, names) for item in value]
    return value


class _Comparison:
    """A crate beside what we would write of its manifest."""

    def __init__(
        self, reader: Reader, document: Json, read: Json, names: Mapping[str, str]
    ) -> None:
        self._reader = reader
        self._metadata = reader.metadata
        self._document = document
        self._names = names
        self._dropped = {e.id for e in self._metadata.entities if is_ours_alone(e)}
        self._specs = {uri for uri, _ in self._metadata.spec_uris()}
        self.kept = nothing_kept()
        self.kept["is_stranger"] = reader.is_stranger
        ids = {thing: self._new(id) for thing, id in reader.ids.items()}
        # What is not known by its @id must not take that of something else.
        self.kept["entities"] = [{"@id": self._new(id)} for id in self._metadata.by_id]
        self._graph = self._written(ids)
        # What an export measures or looks up is in the graph and not in the manifest.
        self._as_read = self._written(ids, document=read).entities
        # A stranger's crate may be written as 1.1, where an address has another key.
        self._in_1_1 = self._written(ids, "1.1").entities if reader.is_stranger else {}
        self.kept["entities"] = []
        first = [
            entity
            for entity in self._metadata.entities
            if entity is self._metadata.by_id.get(entity.id)
        ]
        self._sort_entities(first)
        self.kept["ids"] = self._odd_ids(ids)
        self._keep_the_rest()
        self.kept["context"] = _context(self._metadata)

    def _new(self, id: str) -> str:
        return self._names.get(id, id)

    def _written(
        self, ids: Json, version: str = "", document: Json | None = None
    ) -> Graph:
        """What we would write of the manifest."""
        stated = self._metadata.version or ""
        is_ours = not self._reader.is_stranger and stated in VERSIONS
        return write_graph(
            document or self._document,
            {},
            ro_crate=version or (stated if is_ours else "1.2"),
            facts=self._looked_up(ids) if is_ours else CodeFacts(),
            kept={**self.kept, "ids": ids},
        )

    def _looked_up(self, ids: Json) -> CodeFacts:
        """What an export of ours may have looked up of the code."""
        old = {new: id for id, new in self._names.items()}
        id = str(ids.get("code", ""))
        entity = self._metadata.by_id.get(old.get(id, id))
        texts = entity.values("identifier") if entity else ()
        swhids = [text for text in texts if isinstance(text, str)]
        objects = {text[6:9]: text[10:50] for text in reversed(swhids)}
        return CodeFacts(
            commit=objects.get("rev"), tree=objects.get("dir"), swhids=tuple(swhids)
        )

    def _odd_ids(self, ids: Json) -> Json:
        """The @ids that things would not get anyway."""
        odd = {"root": ids["root"]} if ids["root"] != "./" else {}
        while True:
            found = self._written(odd).ids
            more = {
                thing: id
                for thing, id in ids.items()
                if thing in found and found[thing] != id and thing not in odd
            }
            if not more:
                return odd
            odd |= more

    # -- entities ----------------------------------------------------------------------

    def _sort_entities(self, first: list[Entity]) -> None:
        described = {self._new(entity.id) for entity in first} - self._dropped
        spared = {self._graph.root, DESCRIPTOR, self._graph.ids.get("capsule")}
        news = self._graph.entities.keys() - described - spared
        self.kept["undescribed"] = sorted(news)
        for entity in first:
            id = self._new(entity.id)
            if entity.id in self._dropped:
                for key, value in self._beyond(entity).items():
                    self._note("add", id, key, listed(value))
            elif id in self._graph.entities or id in self._as_read:
                ours = self._graph.entities.get(id, {})
                for key in dict.fromkeys([*entity.properties, *ours]):
                    if key != "@id":
                        self._compare(entity, id, key, listed(ours.get(key)), news)
                self._compare_link(entity, id, ours)
            else:
                entities = self.kept["entities"]
                entities.append(with_names(entity.properties, self._names))

    def _beyond(self, entity: Entity) -> Json:
        """What others said of something that is written anew each time."""
        kinds = (kind for kind in _ANEW if kind in entity.types)
        anew = _ANEW[next(kinds, "CreativeWork")]
        return {
            key: with_names(value, self._names)
            for key, value in entity.properties.items()
            if key not in anew
        }

    # -- values ------------------------------------------------------------------------

    def _compare(
        self, entity: Entity, id: str, key: str, ours: list[Any], news: set[str]
    ) -> None:
        """Keep what an entity says under a key, if we would say it otherwise."""
        stated = listed(entity.properties.get(key))
        if id == self._graph.root and key in _COLLECTIONS:
            stated = [value for value in stated if not self._is_gone(value)]
        theirs = [with_names(value, self._names) for value in stated]
        as_read = listed(self._as_read.get(id, {}).get(key))
        is_news = _leads_to(ours, news)
        if id == DESCRIPTOR:
            mine = [v for v in theirs if key != "conformsTo" or not self._is_spec(v)]
            self._note("add", id, key, _beside(mine, ours))
        elif (id, key) in self._graph.derived:
            if digest_of(theirs) != digest_of(ours):
                self._note("set", id, key, theirs, even_none=True)
        elif digest_of(theirs) == digest_of(as_read) and not is_news:
            pass  # it is as we would say it
        elif id == self._graph.root and key in _COLLECTIONS:
            self._keep_collected(key, theirs, ours, news)
        elif not ours:
            self._note("add", id, key, theirs)
        elif digest_of(theirs) != digest_of(ours) or is_news:
            self.kept["forms"].setdefault(id, {})[key] = [digest_of(ours), theirs]
            unused = [
                with_names(value, self._names)
                for value in stated
                if not self._reader.is_used(entity.id, key, value)
            ]
            self._note("add", id, key, _beside(unused, ours))

    def _keep_collected(
        self, key: str, theirs: list[Any], ours: list[Any], news: set[str]
    ) -> None:
        """Keep what the root gathers; what leads to things they lack is theirs too."""
        same = [value for value in theirs if _leads_to([value], news)]
        self._note("add", self._graph.root, key, _beside(theirs, ours) + same)
        if key != "identifier":
            unsaid = _beside(ours, theirs) + same
            self._note("unsaid", self._graph.root, key, unsaid)

    def _compare_link(self, entity: Entity, id: str, ours: Json) -> None:
        """Keep that they do not say under `url` what we would, in 1.1."""
        link = self._in_1_1.get(id, {}).get("url")
        if link is None or "url" in ours:
            return
        theirs = with_names(listed(entity.properties.get("url")), self._names)
        if digest_of(theirs) != digest_of(link):
            self.kept["forms"].setdefault(id, {})["url"] = [digest_of(link), theirs]

    def _is_gone(self, value: Any) -> bool:  # noqa: ANN401 - JSON
        """Whether a value leads to what each crate has anew."""
        return isinstance(value, dict) and value.get("@id") in self._dropped

    def _is_spec(self, value: Any) -> bool:  # noqa: ANN401 - JSON
        return value in [*self._specs, *({"@id": uri} for uri in self._specs)]

    def _note(
        self,
        where: str,
        id: str,
        key: str,
        values: list[Any],
        *,
        even_none: bool = False,
    ) -> None:
        if values or even_none:
            self.kept[where].setdefault(id, {})[key] = values

    # -- what is no entity -------------------------------------------------------------

    def _keep_the_rest(self) -> None:
        """Keep second descriptions, things without a name, and what is beside."""
        metadata = self._metadata
        first = {e.index for e in metadata.by_id.values()}
        graph = metadata.document.get("@graph")
        self.kept["others"] = [
            with_names(value, self._names)
            for index, value in enumerate(graph if isinstance(graph, list) else ())
            if index not in first
        ]
        self.kept["document"] = {
            key: value
            for key, value in metadata.document.items()
            if key not in {"@context", "@graph"}
        }


def _beside(values: list[Any], known: list[Any]) -> list[Any]:
    """The values that are not among others."""
    texts = {canonical(value) for value in known}
    return [value for value in values if canonical(value) not in texts]


def _leads_to(values: list[Any], ids: set[str]) -> bool:
    return any(isinstance(value, dict) and value.get("@id") in ids for value in values)


def is_ours_alone(entity: Entity) -> bool:
    """Whether each crate has it anew: residue, manifest, generated files."""
    is_named_so = is_own(entity, KIND) or entity.id == MANIFEST_SCHEMA
    return is_named_so or is_written_anew(entity)


# -- the context -----------------------------------------------------------------------


def _context(metadata: Metadata) -> list[Any]:
    """What the graph needs beside the context of a version of RO-Crate.

    Left out are terms that we define ourselves where we need them, and what would
    change the names of our own entities, `@base` say. Added are terms that mean
    something else in another version.
    """
    parts: list[str] = []
    terms: Json = _changed_terms(metadata)
    for part in listed(metadata.document.get("@context")):
        if isinstance(part, dict):
            terms |= {
                key: value
                for key, value in part.items()
                if (key[:1] != "@" or key in _KEPT_KEYWORDS)
                and our_definition(key) != value
            }
        elif isinstance(part, str) and not part.startswith(SPEC_PREFIX):
            parts.append(part)
    return [*parts, *([terms] if terms else [])]


def _changed_terms(metadata: Metadata) -> dict[str, str]:
    """Terms in use that a version that we write defines otherwise."""
    stated = listed(metadata.document.get("@context"))
    versions = [p for p in stated if isinstance(p, str) and p.startswith(SPEC_PREFIX)]
    if not stated:
        # It speaks in the terms of some version; that of its descriptor, if of any.
        version = metadata.version if metadata.version in VERSIONS else "1.2"
        versions = [f"{SPEC_PREFIX}{version}/context"]
    terms = read_context(versions).terms
    used = {
        term
        for entity in metadata.entities
        for term in (*entity.properties, *entity.types)
        if term in terms and our_definition(term) is None
    }
    known = [terms_of(version) for version in VERSIONS]
    return {
        term: iri
        for term in sorted(used)
        if (iri := terms[term]) and any(each.get(term) != iri for each in known)
    }
