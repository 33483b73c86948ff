"""Fixity: this file has this digest, this size.

Digests are read by key and by IRI alike, so that a crate whose context forgot `sha256`
is still tested.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from reverify.claims import ocfl
from reverify.crates.crate import Crate, Located
from reverify.crates.digest_keys import digest_keys
from reverify.crates.digest_names import read_name
from reverify.crates.digests import (
    HEX_LENGTH,
    Malformed,
    algorithm,
    read_digest,
)
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.crates.names import Fragment
from reverify.model.claim import Claim, Place, Topic
from reverify.model.outcome import ClaimKind, Severity

_CID = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}|[bB][A-Za-z2-7]{40,}|z[1-9A-Za-z]{40,}")
_SIZE_KEYS = {
    "contentSize",
    "schema:contentSize",
    "http://schema.org/contentSize",
    "https://schema.org/contentSize",
}
_FILE_KEYS = {"identifier", "additionalProperty", *_SIZE_KEYS}


def claims(crate: Crate) -> Iterator[Claim]:
    """Every digest and size that entities, bag manifests and inventories state."""
    if crate.metadata is not None:
        keys = digest_keys(crate.metadata)
        for entity in crate.metadata.entities:
            yield from _entity_claims(crate, crate.metadata, entity, keys)
    if crate.bags:
        kind = ClaimKind.FIXITY
        ids = crate.entity_ids()
        for bag in crate.bags:
            for manifest in bag.manifests:
                topic = Topic.DIGEST if manifest.algorithm else Topic.DIGEST_FOREIGN
                for path, digest, where in manifest.listed:
                    about = ids.get(path) or path
                    yield Claim(kind, topic, about, digest, where, path)
    if crate.ocfl:
        yield from ocfl.fixity_claims(crate.ocfl, crate.entity_ids().get)
    if not crate.is_document:
        yield Claim(
            kind=ClaimKind.FIXITY,
            topic=Topic.COVERAGE,
            subject="./",
            expected="every local file has a digest",
            stated_in=crate.metadata.place() if crate.metadata else Place("./"),
            severity=Severity.NOTE,
        )


def _entity_claims(
    crate: Crate, metadata: Metadata, entity: Entity, keys: dict[str, str]
) -> Iterator[Claim]:
    named = read_name(entity.id)
    about = _Speaker(metadata, entity, crate.locate(entity.id))
    speaks_of_file = about.owns_bytes and entity is not metadata.root
    for key in entity.properties:
        if key in keys:
            yield from _stated(about, key, keys[key])
        elif _is_checksum(key):
            for value, pointer in entity.values_with_pointers(key):
                yield from _spdx(about, value, pointer)
        elif speaks_of_file and key in _FILE_KEYS:
            for value, pointer in entity.values_with_pointers(key):
                if key in _SIZE_KEYS:
                    yield about.claim(Topic.SIZE, _size(value), pointer)
                else:
                    yield from _property_value(about, value, pointer)
    if named:
        pointer = f"{entity.pointer}/@id"
        yield about.claim(Topic.DIGEST_IN_NAME, ":".join(named), pointer)


class _Speaker(NamedTuple):
    """An entity that states digests and sizes, and the file it speaks of."""

    metadata: Metadata
    entity: Entity
    located: Located

    @property
    def owns_bytes(self) -> bool:
        """Whether it speaks of a file or folder, and not of something else."""
        return self.entity.is_data() or self.located.entry is not None

    def claim(self, topic: Topic, expected: str, pointer: str) -> Claim:
        located = self.located
        own = self.owns_bytes and not isinstance(located.target, Fragment)
        path = located.path if own else None
        is_folder = "Dataset" in self.entity.types and "File" not in self.entity.types
        severity = Severity.ERROR
        if topic is Topic.DIGEST_FOREIGN:
            severity = Severity.WARNING
        elif (path is None and located.fault is None) or is_folder:
            severity = Severity.NOTE
        elif topic is Topic.SIZE and not re.fullmatch("size:[0-9]+", expected):
            severity = Severity.WARNING
        return Claim(
            kind=ClaimKind.FIXITY,
            topic=topic,
            subject=self.entity.id,
            expected=expected,
            stated_in=self.metadata.place(pointer),
            path=path,
            severity=severity,
            fault=located.fault,
        )


def _stated(about: _Speaker, key: str, name: str) -> Iterator[Claim]:
    topic = Topic.DIGEST if name in HEX_LENGTH else Topic.DIGEST_FOREIGN
    for value, pointer in about.entity.values_with_pointers(key):
        if name.lower() != "cid" or _CID.fullmatch(str(value)):
            yield about.claim(topic, canonical(name, value), pointer)


def canonical(name: str, value: object) -> str:
    """Write a stated digest as `sha256:HEX`, or as it stands if it is malformed."""
    if name not in HEX_LENGTH:
        return f"{name}:{value}"
    digest = read_digest(name, value)
    return f"{name}:{value if isinstance(digest, Malformed) else digest}"


def _size(value: object) -> str:
    """Write a stated size as `size:1234`, or as it stands if it is no number."""
    if isinstance(value, float) and value.is_integer():  # JSON has but one kind
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"size:{value}"
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,19})(?:\s*(?:B|bytes?))?\s*", value)
        if match:
            return f"size:{int(match[1])}"
    return f"size:{value}"


def _is_checksum(key: str) -> bool:
    return re.split("[:#/]", key)[-1].lower() == "checksum"


def _spdx(about: _Speaker, value: object, pointer: str) -> Iterator[Claim]:
    """An SPDX checksum: a node with an algorithm and a value."""
    if not isinstance(value, dict):
        return
    node = value
    if set(value) == {"@id"} and isinstance(value["@id"], str):
        entity = about.metadata.by_id.get(value["@id"])
        if entity is None:
            return
        node, pointer = entity.properties, entity.pointer
    name = digest = ""
    for key, content in node.items():
        last = re.split("[:#/]", key)[-1]
        text = _text(content)
        if last == "algorithm":
            name = re.split("[:#/]", text)[-1].removeprefix("checksumAlgorithm_")
        elif last == "checksumValue":
            digest = text
    if digest and name:
        known = algorithm(name)
        topic = Topic.DIGEST if known else Topic.DIGEST_FOREIGN
        yield about.claim(topic, canonical(known or name, digest), pointer)


def _text(value: object) -> str:
    """The text of a value: as it is, of a typed value, or of a reference."""
    if isinstance(value, dict):
        value = value.get("@value", value.get("@id"))
    return value if isinstance(value, str) else ""


def _property_value(about: _Speaker, value: object, pointer: str) -> Iterator[Claim]:
    """A digest given as an identifier, or as a PropertyValue that names its kind."""
    if isinstance(value, str):
        named = read_name(value)
        prefix, colon, rest = value.partition(":")
        known = algorithm(prefix) if colon and prefix.lower() != "sha" else None
        if named:
            whole = named[0] in HEX_LENGTH
            topic = Topic.DIGEST if whole else Topic.DIGEST_IN_NAME
            yield about.claim(topic, ":".join(named), pointer)
        elif known:
            yield about.claim(Topic.DIGEST, canonical(known, rest), pointer)
        return
    if not isinstance(value, dict):
        return
    id = value.get("@id")
    node = about.metadata.by_id.get(id) if isinstance(id, str) else None
    if node is None:  # against the rules, yet seen: the node itself
        node = Entity({**value, "@id": ""}, about.entity.index)
    if "PropertyValue" not in node.types:
        return
    for key in ("propertyID", "name"):
        known = algorithm(node.text(key) or "")
        if known:
            for content, inner in node.values_with_pointers("value"):
                where = inner if node.id else pointer
                yield about.claim(Topic.DIGEST, canonical(known, content), where)
            return
