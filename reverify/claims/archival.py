"""Archival: this SWHID is held by the Software Heritage archive."""

from collections.abc import Iterator

from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.model.claim import Claim, Topic
from reverify.model.outcome import ClaimKind
from reverify.model.swhid import looks_like_swhid, without_resolver

_KEYS = (
    "@id",
    "identifier",
    "url",
    "sameAs",
    "archivedAt",
    "schema:archivedAt",
    "http://schema.org/archivedAt",
    "https://schema.org/archivedAt",
    "contentUrl",
    "isBasedOn",
    "codeRepository",
    "value",
)


def claims(crate: Crate) -> Iterator[Claim]:
    """Every SWHID that an entity carries, each once an entity."""
    if crate.metadata is None:
        return
    for entity in crate.metadata.entities:
        seen = set()
        for text, pointer in _texts(entity):
            swhid = without_resolver(text)
            if swhid not in seen:
                seen.add(swhid)
                yield Claim(
                    kind=ClaimKind.ARCHIVAL,
                    topic=Topic.SWHID,
                    subject=entity.id,
                    expected=swhid,
                    stated_in=crate.metadata.place(pointer),
                )


def _texts(entity: Entity) -> Iterator[tuple[str, str]]:
    for key in _KEYS:
        for value, pointer in entity.values_with_pointers(key):
            text = value.get("@id") if isinstance(value, dict) else value
            if isinstance(text, str) and looks_like_swhid(text):
                yield text, pointer
