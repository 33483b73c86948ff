"""Who speaks of code in a crate, and which included files the code consists of."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reverify.crates.citations import Document, documents_of
from reverify.crates.code import (
    CODE_TYPES,
    PINS,
    Text,
    local_name,
    read_texts,
    said_of_code,
    texts_of,
)
from reverify.crates.code_links import Link, read_link
from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.crates.payload import EntryKind
from reverify.model.claim import Place, Topic
from reverify.model.claim import Positions as Locate
from reverify.model.code import Aspect, Said

CODE_PATH = "urn:reverify:capsule:code-path"
_LINKS = ("url", "contentUrl", "downloadUrl", "sameAs")
_MOST_PARTS = 100_000


class Speaker(NamedTuple):
    """An entity, or a file about code, and what it says.

    Attributes:
        subject: the @id of the entity; the path of the file.
        said: what it says of code.
        entity: None for a file.
        file: the path of the file; "" for an entity.
        unread: why the file could not be read, or "".
        locate: line and column of a pointer into the file.
    """

    subject: str
    said: tuple[Said, ...]
    entity: Entity | None = None
    file: str = ""
    unread: str = ""
    locate: Locate | None = None

    def place(self, crate: Crate, pointer: str) -> Place:
        """Where it says so."""
        if self.file or crate.metadata is None:
            return Place(self.file, pointer, None, self.locate)
        return crate.metadata.place(pointer)

    @property
    def origins(self) -> tuple[str, ...]:
        """The addresses of its own code that it names, each once."""
        named = (
            said.origin
            for said in self.said
            if said.own and said.origin and said.aspect is not Aspect.BRANCH
        )
        return tuple(dict.fromkeys(named))

    @property
    def base(self) -> Said | None:
        """What fixes all of its own code: a commit, else a tag, else a tree."""
        for aspect in (Aspect.COMMIT, Aspect.TAG, Aspect.TREE):
            for said in self.said:
                whole = aspect is not Aspect.TREE or not (said.under or said.path)
                if said.own and said.aspect is aspect and whole:
                    return said
        return None


class SourceFile(NamedTuple):
    """An included file of the code.

    Attributes:
        subject: its @id.
        path: from the opened location.
        base: what holds it: `commit:HEX`, `tag:HEX`, `tree:HEX`.
        stated: the path in `base` that the crate says outright, or "".
        hints: paths at which it may lie, the best first.
        origins: the addresses of the repository that are named.
        pointer: the JSON pointer of where that is said.
        owner: the @id of the entity whose code it is.
    """

    subject: str
    path: str
    base: str
    stated: str
    hints: tuple[str, ...]
    origins: tuple[str, ...]
    pointer: str
    owner: str

    @property
    def expected(self) -> str:
        """What is claimed: `commit:HEX:PATH`, as git has it, or `in:commit:HEX`."""
        return f"{self.base}:{self.stated}" if self.stated else f"in:{self.base}"


def speakers_of(crate: Crate) -> list[Speaker]:
    """All that speaks of code, in the order of the document, files about code last."""
    found = []
    if crate.metadata is not None:
        for entity in crate.metadata.entities:
            said = said_of_code(entity, crate.metadata)
            if said:
                found.append(Speaker(entity.id, tuple(said), entity))
    for document in documents_of(crate):
        said = read_texts(document.texts)
        if said or document.unread:
            path = document.path
            subject = crate.entity_ids().get(path) or path
            about = path, document.unread, document.locate
            found.append(Speaker(subject, tuple(said), None, *about))
    return found


def identifier_texts(
    crate: Crate,
) -> Iterator[tuple[str, Document | None, Text]]:
    """All texts under which a SWHID may stand.

    Yields:
        subject, the file about code or None, and the text.
    """
    if crate.metadata is not None:
        for entity in crate.metadata.entities:
            for text in texts_of(entity, None):
                yield entity.id, None, text
            for key in entity.properties:
                if local_name(key) == "value":
                    for value, pointer in entity.values_with_pointers(key):
                        if isinstance(value, str):
                            yield entity.id, None, Text("value", value, pointer)
    for document in documents_of(crate):
        subject = crate.entity_ids().get(document.path) or document.path
        for text in document.texts:
            yield subject, document, text


def agreements(speaker: Speaker) -> dict[Topic, list[Said]]:
    """What one speaker says of its own code more than once, and must be the same.

    Returns:
        by topic, at least two statements each.
    """
    own = [
        said for said in speaker.said if said.own and said.aspect is not Aspect.BRANCH
    ]
    found = {
        Topic.COMMITS: [said for said in own if said.aspect is Aspect.COMMIT],
        Topic.TREES: [
            said for said in own if said.aspect is Aspect.TREE and not said.path
        ],
        Topic.ORIGINS: _origins(own),
    }
    return {topic: stated for topic, stated in found.items() if len(stated) > 1}


def _origins(own: list[Said]) -> list[Said]:
    """One statement for each place that names an origin, repositories first."""
    named = [said for said in own if said.aspect is Aspect.ORIGIN]
    places = {said.pointer for said in named}
    addresses = {said.origin for said in named}
    for said in own:
        # What stands beside a version is the origin of codeRepository again.
        borrowed = said.origin in addresses and said.key not in _SPEAK_OF_ORIGINS
        if said.origin and said.pointer not in places and not borrowed:
            places.add(said.pointer)
            named.append(said)
    return named


_SPEAK_OF_ORIGINS = frozenset({
    "@id", "url", "contentUrl", "downloadUrl", "sameAs", "archivedAt", "identifier",
})  # fmt: skip


def source_files(crate: Crate, speakers: Sequence[Speaker]) -> Iterator[SourceFile]:
    """The included files that are said to be of a commit, tag or tree.

    They are: a file whose link names a path at a commit; a file of code that names a
    commit itself; all parts of code that names one; and of folders that name one, the
    files of code.
    """
    metadata = crate.metadata
    if metadata is None:
        return
    by_id = {speaker.subject: speaker for speaker in speakers if speaker.entity}
    taken: set[tuple[str, str]] = set()
    for speaker in by_id.values():
        for found in _stated(crate, speaker):
            if (found.subject, found.base) not in taken:
                taken.add((found.subject, found.base))
                yield found
    sources = _source_links(metadata)
    silent = [metadata.by_id[id] for id in sources if id in metadata.by_id]
    owners = [Speaker(entity.id, (), entity) for entity in silent]
    for speaker in {**{owner.subject: owner for owner in owners}, **by_id}.values():
        base = speaker.base or _base_of_source(speaker, by_id, sources)
        if base is None or speaker.entity is None:
            continue
        text = base.text
        for entity in _parts(metadata, speaker.entity, sources, by_id):
            path = _local(crate, entity)
            if path and (entity.id, text) not in taken:
                taken.add((entity.id, text))
                yield SourceFile(
                    subject=entity.id,
                    path=path,
                    base=text,
                    stated="",
                    hints=_hints(crate, metadata, entity, speaker.entity, path),
                    origins=speaker.origins,
                    pointer=f"{entity.pointer}/@id",
                    owner=speaker.subject,
                )


def _stated(crate: Crate, speaker: Speaker) -> Iterator[SourceFile]:
    """The file of an entity, if it is said which path at which commit it is."""
    if speaker.entity is None or "File" not in speaker.entity.types:
        return
    path = _local(crate, speaker.entity)
    for said in speaker.said:
        base = said.text if said.aspect is Aspect.COMMIT else said.under
        is_file = said.aspect is not Aspect.TREE
        if path and base and said.same and said.path and is_file:
            yield SourceFile(
                subject=speaker.subject,
                path=path,
                base=base,
                stated=said.path,
                hints=(),
                origins=speaker.origins,
                pointer=said.pointer,
                owner=speaker.subject,
            )


def _source_links(metadata: Metadata) -> dict[str, list[str]]:
    """From code to what is its source: hasSourceCode, and isSourceCodeOf turned."""
    found: dict[str, list[str]] = defaultdict(list)
    for entity in metadata.entities:
        for key in entity.properties:
            name = local_name(key)
            if name == "hasSourceCode":
                found[entity.id] += metadata.references(entity, key)
            elif name == "isSourceCodeOf":
                for id in metadata.references(entity, key):
                    found[id].append(entity.id)
    return found


def _base_of_source(
    speaker: Speaker, by_id: dict[str, Speaker], sources: dict[str, list[str]]
) -> Said | None:
    for id in sources.get(speaker.subject, ()):
        if id in by_id and (base := by_id[id].base):
            return base
    return None


def _parts(
    metadata: Metadata,
    owner: Entity,
    sources: dict[str, list[str]],
    by_id: dict[str, Speaker],
) -> Iterator[Entity]:
    """The entities whose files are of the code of an entity.

    What names a commit of its own is of that one.
    """
    all_parts = bool(CODE_TYPES.intersection(owner.types))
    waiting, seen = [owner], {owner.id}
    while waiting and len(seen) < _MOST_PARTS:
        entity = waiting.pop()
        if "File" in entity.types and (all_parts or CODE_TYPES & set(entity.types)):
            yield entity
        ids = list(metadata.references(entity, "hasPart"))
        ids += sources.get(entity.id, ())
        for id in reversed(ids):
            part = metadata.by_id.get(id)
            if part is None or id in seen:
                continue
            seen.add(id)
            other = by_id.get(id)
            if other is None or not any(s.own and s.aspect in PINS for s in other.said):
                waiting.append(part)


def _local(crate: Crate, entity: Entity) -> str | None:
    located = crate.locate(entity.id)
    entry = located.entry
    return located.path if entry and entry.kind is EntryKind.FILE else None


def _hints(
    crate: Crate, metadata: Metadata, entity: Entity, owner: Entity, path: str
) -> tuple[str, ...]:
    """Where in the repository a file may lie, by the crate's own words."""
    inside = path.removeprefix(crate.prefix)
    name = inside.rpartition("/")[2]
    hints = [
        value.strip("/")
        for key in ("alternateName", "path")
        for value in entity.values(key)
        if isinstance(value, str) and value.rpartition("/")[2] == name
    ]
    for id in metadata.references(owner, "additionalProperty"):
        node = metadata.by_id.get(id)
        if node is not None and node.text("propertyID") == CODE_PATH:
            stated = node.text("value") or ""
            hints += [stated] if stated.rpartition("/")[2] == name else []
    hints += _linked(entity)
    hints.append(inside)
    folder = crate.locate(owner.id).path if "Dataset" in owner.types else None
    if folder and folder.rstrip("/") != crate.prefix.rstrip("/"):
        hints.append(path.removeprefix(f"{folder.rstrip('/')}/"))
    return tuple(dict.fromkeys(hint.removeprefix("./") for hint in hints))


def _linked(entity: Entity) -> Iterator[str]:
    """The paths that an entity's links lead to, at a branch say: they may be it."""
    for key in _LINKS:
        for value in entity.values(key):
            text = value.get("@id") if isinstance(value, dict) else value
            link = read_link(text) if isinstance(text, str) else None
            if isinstance(link, Link) and link.path:
                yield link.path
