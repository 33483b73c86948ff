"""Source: my code is this commit of this origin."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.model.claim import Claim, Topic
from reverify.model.code import CodeReference
from reverify.model.outcome import ClaimKind

_HEX = re.compile(r"[0-9a-f]{40}")
_HEX_WITHIN = re.compile(r"(?<![0-9a-fA-F])[0-9a-f]{40}(?![0-9a-fA-F])")
_FORGE = re.compile(
    r"(?P<origin>https?://[^\s/]+(?:/[^\s/]+){2,}?)(?:\.git)?/(?:-/)?"
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
_PURL = re.compile(
    r"pkg:(?P<type>[a-z]+)/(?P<name>[^@?#\s]+)(?:@(?P<version>[^?#\s]*))?"
    r"(?:\?(?P<qualifiers>[^#\s]*))?(?:#(?P<path>\S*))?"
)
_HOSTS = {
    "github": "github.com/",
    "gitlab": "gitlab.com/",
    "bitbucket": "bitbucket.org/",
}
_COMMIT_KEYS = re.compile(
    r"(?:git_?)?commit(?:_?(?:hash|sha|id))?|git_?(?:hash|sha)", re.IGNORECASE
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
    for key in entity.properties:
        whole = _COMMIT_KEYS.fullmatch(key)
        if whole or key in {"version", "softwareVersion"}:
            for value, pointer in entity.values_with_pointers(key):
                text = value.strip()[:4096] if isinstance(value, str) else ""
                match = _HEX.fullmatch(text) if whole else _HEX_WITHIN.search(text)
                if match:
                    yield CodeReference(commit=match.group(), origin=origin), pointer
    for key in _LINK_KEYS:
        for value, pointer in entity.values_with_pointers(key):
            reference = _link(_uri(value))
            if reference is not None:
                yield reference, pointer


def _link(uri: str) -> CodeReference | None:
    """The commit that a link leads to, if it pins one."""
    if match := _PURL.fullmatch(uri):
        return _package(match)
    match = _PIP.fullmatch(uri) or _RAW.fullmatch(uri) or _FORGE.fullmatch(uri)
    if match is None:
        return None
    parts = match.groupdict()
    return CodeReference(
        commit=match["commit"],
        origin=parts.get("origin") or f"https://github.com/{match['repository']}",
        path=match["path"] or "",
    )


def _package(match: re.Match[str]) -> CodeReference | None:
    """The commit behind a package URL.

    Source: ECMA-427, Package-URL, types github, gitlab, bitbucket; `vcs_url`.
    """
    for qualifier in (match["qualifiers"] or "").split("&"):
        name, _, value = qualifier.partition("=")
        if name == "vcs_url":
            return _link(unquote(value))
    host = _HOSTS.get(match["type"], "" if match["type"] == "git" else None)
    commit = match["version"] or ""
    if host is None or not _HEX.fullmatch(commit):
        return None
    origin = f"https://{host}{unquote(match['name'])}"
    return CodeReference(
        commit=commit, origin=origin, path=unquote(match["path"] or "")
    )


def _uri(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("@id")
    return value[:4096] if isinstance(value, str) else ""
