"""The names that both directions of the mapping share: URIs, ids, times."""

import functools
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from reverify.capsules.mapping.interface import VERSIONS, Json
from reverify.crates.contexts import WFRUN, terms_of

PROFILE = "urn:reverify:profile:capsule:1.0"
"""Our capsule profile. A URN, since we own no web address that we could promise to keep
answering for as long as crates are read; the profile itself is shipped with us."""
PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
MANIFEST_SCHEMA = "urn:reverify:schema:capsule-manifest:1.0"
DESCRIPTOR = "ro-crate-metadata.json"
SPDX = "https://spdx.org/licenses/"
ARCHIVE = "https://archive.softwareheritage.org/"
SWHID_RESOLVER = "https://identifiers.org/"

_TERMS = {
    **{
        name: f"{WFRUN}#{name}"
        for name in (
            "ContainerImage DockerImage SIFImage environment containerImage registry"
            " tag sha256"
        ).split()
    },
    "Profile": "http://www.w3.org/ns/dx/prof/Profile",
    "archivedAt": "http://schema.org/archivedAt",
    "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
}
"""Terms that we write and that not every version of RO-Crate defines."""
_NO_IRI = frozenset('<>"{}|\\^`')
_URL = re.compile(r"https?://[^\s/?#]+[^\s]*")


@functools.cache
def our_definition(term: str) -> str | None:
    """The IRI that we give a term where a version of RO-Crate has none.

    It is that of the versions that have one, if they agree.
    """
    iris = {terms_of(version).get(term) for version in VERSIONS}
    agreed = next(iter(iris - {None}), None) if len(iris - {None}) == 1 else None
    return _TERMS.get(term) or (agreed if None in iris else None)


def own(name: str) -> str:
    """The propertyID of what only a capsule says, `parameter` say."""
    return f"urn:reverify:capsule:{name}"


def context(version: str, used: Iterable[str]) -> list[str | Json]:
    """The @context: the version's own, then the terms used that it does not have.

    Args:
        version: of RO-Crate.
        used: keys and types of the graph. Those of others are among them.
    """
    known = terms_of(version)
    lacking = sorted(set(used) - known.keys())
    extra = {term: iri for term in lacking if (iri := our_definition(term))}
    url = f"https://w3id.org/ro/crate/{version}/context"
    return [url, extra] if extra else [url]


def path_id(path: str) -> str:
    """Write a path as an @id; `crates.names.reference` reads it back.

    Source: RO-Crate 1.2, Data entities, "Encoding file paths in @ids".
    """
    id = encoded(path, "%#?[]")
    return f"./{id}" if ":" in id.partition("/")[0] else id


def url_id(url: str) -> str:
    """Write a URL so that it can be an @id: what no IRI may hold is encoded."""
    return encoded(url, "")


def encoded(text: str, reserved: str) -> str:
    """Encode what is reserved, what no IRI may hold, and what cannot be seen."""
    return "".join(
        quote(char, safe="")
        if char in _NO_IRI or char in reserved or unicodedata.category(char)[0] in "CZ"
        else char
        for char in text
    )


def is_url(text: str) -> bool:
    """Whether a text is an http or https URL, as manifests want it."""
    return _URL.fullmatch(text) is not None


def basename(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def action_time(text: str) -> str:
    """Write a time of a manifest so that run profiles accept it.

    They want milliseconds or none, and an offset that is not negative.
    """
    try:
        moment = datetime.fromisoformat(text.upper())
        offset = moment.utcoffset()
        if offset is None or offset.days < 0:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    exact = "milliseconds" if moment.microsecond >= 1000 else "seconds"  # noqa: PLR2004
    written = moment.isoformat(timespec=exact)
    return written if re.fullmatch(r".*\+\d\d:\d\d", written) else text


def manifest_time(text: str) -> str | None:
    """Write a time of a crate as manifests have it; None if it has no zone."""
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if moment.tzinfo is None or not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text):
        return None
    return re.sub(r"[+-]00:?00$", "Z", text)
