"""Keys that state digests: by their name and by both known IRIs alike."""

from collections.abc import Mapping

from reverify.crates.digests import (
    HEX_LENGTH,
    Malformed,
    algorithm,
    is_foreign,
    read_digest,
)
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata

_DIGEST_IRIS = (
    "http://schema.org/",
    "https://schema.org/",
    "https://w3id.org/ro/terms/workflow-run#",
)


def digest_keys(metadata: Metadata) -> dict[str, str]:
    """Which keys of the document state a digest, and of which algorithm.

    Algorithms have hashlib's name, where hashlib has them.
    """
    keys: dict[str, str] = {}
    for key in {key for entity in metadata.entities for key in entity.properties}:
        name = key.rpartition(":")[2] if key.startswith("schema:") else key
        for prefix in _DIGEST_IRIS:
            name = name.removeprefix(prefix)
        if not (algorithm(name) or is_foreign(name)):
            iri = metadata.context.iri(key) or ""
            name = next(
                (iri.removeprefix(p) for p in _DIGEST_IRIS if iri.startswith(p)), ""
            )
        known = algorithm(name)
        if known and name.lower() != "sha":  # alone it may be anything
            keys[key] = known
        elif is_foreign(name):
            keys[key] = name
    return keys


def stated_digests(
    entity: Entity, keys: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """The digests that an entity states and that can be computed.

    Args:
        entity: what states them.
        keys: the keys of its document, as `digest_keys` has them.

    Returns:
        algorithm and lower-case hexadecimal digits; malformed ones are left out.
    """
    found = []
    for key in entity.properties:
        name = keys.get(key)
        if name is None or name not in HEX_LENGTH:
            continue
        for value in entity.values(key):
            digest = read_digest(name, value)
            if not isinstance(digest, Malformed):
                found.append((name, digest))
    return tuple(found)
