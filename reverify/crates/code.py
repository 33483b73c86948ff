"""What the entities of a crate say of their code: commits, trees, origins, and hints.

Read from the keys, whatever the context makes of them, as digests are. What is no claim
about code is not looked at: programming languages, home pages, issue trackers, tags of
containers, publications.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from reverify.crates.code_links import (
    LONGEST,
    Link,
    Malformed,
    digits_fault,
    is_abbreviated,
    is_pin,
    read_link,
    read_repository,
)
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.model.code import Aspect, CodeReference, Said
from reverify.model.origins import normalised
from reverify.model.swhid import InvalidSwhid, Swhid, looks_like_swhid, read_swhid

PINS = frozenset({Aspect.COMMIT, Aspect.TREE, Aspect.TAG, Aspect.BLOB})
CODE_TYPES = frozenset({
    "SoftwareSourceCode", "SoftwareApplication", "ComputationalWorkflow",
})  # fmt: skip
_HEX_WITHIN = re.compile(r"(?<![0-9a-fA-F])[0-9a-f]{40}(?![0-9a-fA-F])")
_VERSION_KEYS = frozenset({"version", "softwareVersion"})
_COMMIT_KEYS = re.compile(
    r"(?:git_?)?commit(?:_?(?:hash|sha|id))?|git_?(?:hash|sha)", re.IGNORECASE
)
_TREE_KEYS = re.compile(r"(?:git_?)?tree_?(?:hash|sha|id)|git_?tree", re.IGNORECASE)
_BASIS = "isBasedOn"
_REPOSITORY = "codeRepository"
_LINK_KEYS = frozenset({
    "@id", "url", "contentUrl", "downloadUrl", "sameAs", "archivedAt", "identifier",
    _BASIS, _REPOSITORY,
})  # fmt: skip
_SAME_KEYS = frozenset({
    "@id", "url", "contentUrl", "downloadUrl", "sameAs", "archivedAt", "identifier",
})  # fmt: skip
_REGISTRY = re.compile(
    r"trs://\S+|doi:10\.\S+|https?://(?:dx\.)?doi\.org/10\.\S+"
    r"|https?://(?:dev\.)?workflowhub\.eu/workflows/\d\S*",
    re.IGNORECASE,
)
"""What names a publication of code, and no content."""
_RELEVANT = re.compile(
    "swh:|pkg:|trs:|doi:|doi\\.org/|workflowhub|git|forge|code|bitbucket|[0-9a-f]{40}"
    r"|/(?:tree|blob|raw|commits?|archive|src|get|log|releases|-)/",
    re.IGNORECASE,
)
"""What at least stands in a link to code; most texts are none, and soon seen."""
_NAMING_KEYS = frozenset({"@id", "identifier"})
_PREFIXES = ("schema:", "codemeta:")
_IRIS = (
    "http://schema.org/",
    "https://schema.org/",
    "https://codemeta.github.io/terms/",
    "https://w3id.org/codemeta/",
)
_SHOWN = 200
_UNDER = {"rev": Aspect.COMMIT, "rel": Aspect.TAG, "dir": Aspect.TREE}
_OBJECTS = {**_UNDER, "cnt": Aspect.BLOB}


class Text(NamedTuple):
    """A text that may speak of code, and where it stands.

    Attributes:
        key: the property, without its prefix.
        text: at most 4096 characters.
        pointer: JSON pointer.
    """

    key: str
    text: str
    pointer: str


@lru_cache(maxsize=1024)
def local_name(key: str) -> str:
    """A key without the prefix or IRI that says whose word it is."""
    for start in (*_PREFIXES, *_IRIS):
        if key.startswith(start):
            return key[len(start) :]
    return key


def texts_of(entity: Entity, metadata: Metadata | None) -> Iterator[Text]:
    """What an entity says, as texts: plain, references, values of PropertyValues."""
    for key in entity.properties:
        name = speaking_name(key)
        if not name:
            continue
        for value, pointer in entity.values_with_pointers(key):
            text = value.get("@id") if isinstance(value, dict) else value
            if not isinstance(text, str):
                continue
            if name not in _LINK_KEYS or name == _REPOSITORY or _RELEVANT.search(text):
                yield Text(name, text[:LONGEST], pointer)
            if text is not value and metadata and name == "identifier":
                yield from _property_value(metadata, text)


@lru_cache(maxsize=1024)
def speaking_name(key: str) -> str:
    """A key without its prefix, if it may speak of code; else an empty text."""
    name = local_name(key)
    speaks = (
        name in _LINK_KEYS
        or name in _VERSION_KEYS
        or _COMMIT_KEYS.fullmatch(name) is not None
        or _TREE_KEYS.fullmatch(name) is not None
    )
    return name if speaks else ""


def _property_value(metadata: Metadata, id: str) -> Iterator[Text]:
    node = metadata.by_id.get(id)
    if node is not None and "PropertyValue" in node.types:
        for value, pointer in node.values_with_pointers("value"):
            if isinstance(value, str):
                yield Text("identifier", value[:LONGEST], pointer)


def said_of_code(entity: Entity, metadata: Metadata | None = None) -> list[Said]:
    """What an entity says of its code, in the order of its keys."""
    links_count = bool(CODE_TYPES.intersection(entity.types))
    return read_texts(texts_of(entity, metadata), links_are_hints=links_count)


def read_texts(texts: Iterable[Text], *, links_are_hints: bool = True) -> list[Said]:
    """Read what is said of code.

    Args:
        texts: what an entity or a file about code says.
        links_are_hints: whether a link to a branch speaks of the entity's code.
    """
    texts = list(texts)
    if not texts:
        return []
    origins = [text for text in texts if text.key == _REPOSITORY]
    origin = next(iter(_origins(origins)), "")
    found: list[Said] = []
    for text in texts:
        if text.key in _NAMING_KEYS and _REGISTRY.fullmatch(text.text.strip()):
            found += [_published(text)] if links_are_hints else []
        else:
            found += _read(text, origin, links_are_hints=links_are_hints)
    pinned = any(said.own and said.aspect in PINS for said in found)
    if pinned:
        return list(_without_hints(found))
    hints = {normalised(said.origin) for said in found if said.aspect is Aspect.HINT}
    version = next((text for text in texts if text.key in _VERSION_KEYS), None)
    for said in list(found):
        if said.aspect is Aspect.ORIGIN and normalised(said.origin) not in hints:
            hints.add(normalised(said.origin))
            found.append(_unpinned(said, version))
    return found


def _without_hints(found: Iterable[Said]) -> Iterator[Said]:
    """Beside what fixes the code a branch is no hint; it says where that was."""
    for said in found:
        if not (said.own and said.aspect is Aspect.HINT):
            yield said
        elif said.value and said.origin and not is_abbreviated(said.value):
            yield replace(said, aspect=Aspect.BRANCH)


def _origins(texts: Iterable[Text]) -> Iterator[str]:
    for text in texts:
        link = None if looks_like_swhid(text.text) else read_repository(text.text)
        if isinstance(link, Link):
            yield link.origin


def _unpinned(said: Said, version: Text | None) -> Said:
    value, reason = "", f"names {_shown(said.origin)} and no commit of it"
    if version is not None and version.text.strip():
        value = version.text.strip()
        reason += f"; a version, {_shown(value)!r}, may be given anew"
        described = re.fullmatch(r".*-[0-9]+-g([0-9a-f]{7,39})(?:-dirty)?", value)
        if is_abbreviated(value) or described:
            first = f"of {_shown(said.origin)}, and its first digits alone"
            reason = f"names a commit, {_shown(value)!r}, {first}"
    return Said(
        aspect=Aspect.HINT,
        value=value,
        origin=said.origin,
        key=said.key,
        pointer=said.pointer,
        own=said.own,
        reason=reason,
    )


def _read(text: Text, origin: str, *, links_are_hints: bool) -> Iterator[Said]:
    key, value = text.key, text.text.strip()
    if not value:
        return
    if looks_like_swhid(value):
        if key in _LINK_KEYS:
            yield from _of_swhid(text)
    elif _COMMIT_KEYS.fullmatch(key):
        yield from _of_digits(text, Aspect.COMMIT, origin)
    elif _TREE_KEYS.fullmatch(key):
        yield from _of_digits(text, Aspect.TREE, origin)
    elif key in _VERSION_KEYS:
        match = _HEX_WITHIN.search(value)
        whole = origin and is_pin(value)
        if match or whole:
            commit = value if whole or match is None else match.group()
            yield _said(text, Aspect.COMMIT, commit, origin)
        elif origin and is_pin(value.lower()):
            yield _odd(text, value)
            yield _said(text, Aspect.COMMIT, value.lower(), origin)
    elif key in _LINK_KEYS:
        yield from _of_link(text, links_are_hints=links_are_hints)


def _of_digits(text: Text, aspect: Aspect, origin: str) -> Iterator[Said]:
    value = text.text.strip()
    link = read_link(value)
    if isinstance(link, Link) and link.is_pin and aspect is Aspect.COMMIT:
        yield _said(text, aspect, link.ref, link.origin)
        return
    if is_pin(value):
        yield _said(text, aspect, value, origin)
    elif is_abbreviated(value):
        yield Said(
            aspect=Aspect.HINT,
            value=value,
            origin=origin,
            key=text.key,
            pointer=text.pointer,
            reason=f"names a {aspect} by its first digits alone, {value!r}",
        )
    elif is_pin(value.lower()):
        yield _odd(text, value)
        yield _said(text, aspect, value.lower(), origin)
    else:
        yield _malformed(text, Malformed(digits_fault(value)))


def _of_link(text: Text, *, links_are_hints: bool) -> Iterator[Said]:
    key = text.key
    is_repository = key == _REPOSITORY
    link = read_repository(text.text) if is_repository else read_link(text.text)
    if is_repository and text.text.startswith("#"):
        return  # an entity of the crate
    if isinstance(link, Malformed):
        yield _malformed(text, link)
        return
    if link is None:
        return
    own = key != _BASIS
    if link.odd:
        yield _odd(text, link.ref)
    if is_repository or (not link.ref and not own):
        yield _said(text, Aspect.ORIGIN, "", link.origin)
    if link.is_pin:
        yield _said(text, Aspect.COMMIT, link.ref, link.origin, link)
    elif link.ref and re.fullmatch("[0-9a-fA-F]{40,}", link.ref):
        yield _malformed(text, Malformed(digits_fault(link.ref)))
    elif link.ref and (is_repository or not own or links_are_hints):
        what = "a branch or tag, which may move"
        if is_abbreviated(link.ref):
            what = "the first digits of a commit"
        yield Said(
            aspect=Aspect.HINT,
            value=link.ref,
            origin=link.origin,
            path=link.path,
            key=key,
            pointer=text.pointer,
            own=own,
            reason=f"names {_shown(link.ref)!r} of {_shown(link.origin)}, {what}",
        )


def _of_swhid(text: Text) -> Iterator[Said]:
    swhid = read_swhid(text.text)
    if isinstance(swhid, InvalidSwhid) or swhid.type not in _OBJECTS:
        return  # told under archival; a snapshot names branches, and no code
    origin = swhid.qualifier("origin") or ""
    path = (swhid.qualifier("path") or "").strip("/")
    anchor = read_swhid(swhid.qualifier("anchor") or "")
    under = ""
    if isinstance(anchor, Swhid) and anchor.type in _UNDER:
        aspect = _UNDER[anchor.type]
        under = f"{aspect}:{anchor.hex}"
        if aspect is not Aspect.TREE:
            yield _said(text, aspect, anchor.hex, origin)
    yield Said(
        aspect=_OBJECTS[swhid.type],
        value=swhid.hex,
        origin=origin,
        path=path,
        under=under,
        key=text.key,
        pointer=text.pointer,
        own=text.key != _BASIS,
        same=swhid.type in {"cnt", "dir"} and text.key in _SAME_KEYS,
    )


def _published(text: Text) -> Said:
    value = text.text.strip()
    return Said(
        aspect=Aspect.HINT,
        value=value,
        key=text.key,
        pointer=text.pointer,
        reason=f"names {_shown(value)!r}, as it is published somewhere",
    )


def _said(
    text: Text, aspect: Aspect, value: str, origin: str, link: Link | None = None
) -> Said:
    return Said(
        aspect=aspect,
        value=value,
        origin=origin,
        path=link.path if link else "",
        key=text.key,
        pointer=text.pointer,
        own=text.key != _BASIS,
        same=bool(link and link.path) and text.key in _SAME_KEYS,
    )


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _odd(text: Text, value: str) -> Said:
    return Said(
        aspect=Aspect.ODD,
        value=text.text.strip(),
        key=text.key,
        pointer=text.pointer,
        reason=f"its digits should be in lower case; it is read as {value.lower()}",
    )


def _malformed(text: Text, wrong: Malformed) -> Said:
    meant = f"; perhaps {wrong.meant} is meant" if wrong.meant else ""
    return Said(
        aspect=Aspect.MALFORMED,
        value=text.text.strip(),
        key=text.key,
        pointer=text.pointer,
        reason=f"{wrong.reason}{meant}",
    )


def references(entity: Entity) -> Iterator[tuple[CodeReference, str]]:
    """The commits that an entity names, each with its JSON pointer."""
    for said in said_of_code(entity):
        if said.aspect is Aspect.COMMIT and not said.under:
            reference = CodeReference(
                commit=said.value, origin=said.origin, path=said.path
            )
            yield reference, said.pointer
