"""Source: my code is this commit of this origin."""

import re
from collections.abc import Iterator

from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.model.claim import Claim, Topic
from reverify.model.code import CodeReference
from reverify.model.outcome import ClaimKind

_HEX = re.compile(r"[0-9a-f]{40}")
_HEX_WITHIN = re.compile(r"(?<![0-9a-fA-F])[0-9a-f]{40}(?![0-9a-fA-F])")
_FORGE = re.compile(
    r"(?P<origin>https?://[^\s/]+/[^\s/]+/[^\s/]+?)(?:\.git)?/(?:-/)?"
    r"(?:tree|blob|raw|commit|src/commit|archive)/(?P<commit>[0-9a-f]{40})"
    r"(?:\.zip|\.tar\.gz)?(?:/(?P<path>[^?#]*))?(?:[?#].*)?"
)
_RAW = re.compile(
    r"https://raw\.githubusercontent\.com/(?P<repository>[^/]+/[^/]+)"
    r"/(?P<commit>[0-9a-f]{40})/(?P<path>[^?#]*)"
)
_PIP = re.compile(
    r"git\+(?P<origin>https?://[^@#\s]+)@(?P<commit>[0-9a-f]{40})"
    r"(?:/(?P<path>[^#?]*))?(?:#.*)?"
)
_LINK_KEYS = ("@id", "url", "contentUrl", "isBasedOn", "codeRepository", "identifier")


def claims(crate: Crate) -> Iterator[Claim]:
    """Every commit that pins the code of an entity."""
    if crate.metadata is None:
        return
    for entity in crate.metadata.entities:
        seen = set()
        for reference, pointer in references(entity):
            if reference.commit in seen:
                continue
            seen.add(reference.commit)
            yield Claim(
                kind=ClaimKind.SOURCE,
                topic=Topic.COMMIT,
                subject=entity.id,
                expected=f"commit:{reference.commit}",
                stated_in=crate.metadata.place(pointer),
                path=crate.locate(entity.id).path,
            )


def references(entity: Entity) -> Iterator[tuple[CodeReference, str]]:
    """The pinned code references of one entity, each with its JSON pointer."""
    origin = next(
        (uri for value in entity.values("codeRepository") if (uri := _uri(value))), ""
    )
    for key in ("version", "softwareVersion"):
        for value, pointer in entity.values_with_pointers(key):
            text = value if isinstance(value, str) else ""
            match = _HEX.fullmatch(text.strip()) or (
                _HEX_WITHIN.search(text) if origin else None
            )
            if match:
                yield CodeReference(commit=match.group(), origin=origin), pointer
    for key in _LINK_KEYS:
        for value, pointer in entity.values_with_pointers(key):
            uri = _uri(value)
            match = (
                _PIP.fullmatch(uri) or _RAW.fullmatch(uri) or _FORGE.fullmatch(uri)
                if uri
                else None
            )
            if match:
                parts = match.groupdict()
                where = parts.get("origin") or f"https://github.com/{match[1]}"
                yield (
                    CodeReference(
                        commit=parts["commit"] or "",
                        origin=where,
                        path=parts.get("path") or "",
                    ),
                    pointer,
                )


def _uri(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("@id")
    return value[:4096] if isinstance(value, str) else ""
