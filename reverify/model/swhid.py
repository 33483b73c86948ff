"""SWHIDs: reading them, and making them of what git knows.

Source: SWHID specification v1.2 (ISO/IEC 18670:2025), clauses 4 to 6.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

TYPES = {
    "cnt": "content",
    "dir": "directory",
    "rev": "revision",
    "rel": "release",
    "snp": "snapshot",
}
QUALIFIERS = ("origin", "visit", "anchor", "path", "lines", "bytes")
GIT_TYPES = {"blob": "cnt", "tree": "dir", "commit": "rev", "tag": "rel"}
"""What git calls an object, and what a SWHID calls it."""
_SHA256_DIGITS = 64
_CORE = re.compile(r"swh:1:(cnt|dir|rev|rel|snp):([0-9a-f]{40})")
_RESOLVERS = re.compile(
    r"https?://(?:archive\.softwareheritage\.org/(?:browse/)?|identifiers\.org/"
    r"|n2t\.net/|www\.swhid\.org/)(?=swh:)",
    re.IGNORECASE,
)
_LOOKS_LIKE = re.compile(r"swh:[0-9A-Za-z]", re.IGNORECASE)


class InvalidSwhid(NamedTuple):
    """Why a text that means to be a SWHID is none, as the end of a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Swhid:
    """An identifier of the Software Heritage archive.

    Attributes:
        type: cnt, dir, rev, rel or snp.
        hex: 40 lower-case hexadecimal digits.
        qualifiers: pairs of name and value, as written.
    """

    type: str
    hex: str
    qualifiers: tuple[tuple[str, str], ...] = ()

    @property
    def core(self) -> str:
        """The identifier without its qualifiers."""
        return f"swh:1:{self.type}:{self.hex}"

    def __str__(self) -> str:
        parts = [f"{name}={value}" for name, value in self.qualifiers]
        return ";".join([self.core, *parts])


def git_id(kind: str, body: bytes, algorithm: str = "sha1") -> str:
    """The id that git gives an object.

    Args:
        kind: blob, tree, commit or tag.
        body: its bytes.
        algorithm: sha1, or sha256 for the repositories that use it.

    Returns:
        lower-case hexadecimal digits.

    Source: SWHID specification v1.2, clause 5.
    """
    found = hashlib.new(algorithm, usedforsecurity=False)
    found.update(f"{kind} {len(body)}\0".encode())
    found.update(body)
    return found.hexdigest()


def swhid_of_git(kind: str, id: str) -> Swhid | None:
    """The SWHID of an object of a git repository.

    Args:
        kind: blob, tree, commit or tag.
        id: its whole id, lower-case hexadecimal.

    Returns:
        its core identifier; None for the 64 digits of a SHA-256 repository, which
        SWHID version 1 has no way to express.
    """
    if len(id) == _SHA256_DIGITS:
        return None
    return Swhid(GIT_TYPES[kind], id)


def qualified(
    swhid: Swhid,
    *,
    origin: str | None = None,
    visit: Swhid | None = None,
    anchor: Swhid | None = None,
    path: str | None = None,
) -> Swhid:
    """Add to an identifier where its object was seen, in the canonical order.

    Args:
        swhid: a core identifier.
        origin: the address of the repository.
        visit: the snapshot in which it was seen; needs an origin.
        anchor: the revision, release, directory or snapshot that the path starts from.
        path: the path from there, with or without a leading slash; needs an anchor.

    Raises:
        ValueError: a qualifier lacks the one that it needs, or cannot be written.

    Source: SWHID specification v1.2, clause 6.
    """
    if visit is not None and origin is None:
        raise ValueError("a visit says something of an origin only")
    if (path is None) != (anchor is None):
        raise ValueError("an anchor and a path need each other")
    pairs = []
    if origin is not None:
        if not origin.isprintable() or " " in origin:
            raise ValueError(f"{origin!r} is no address of an origin")
        pairs.append(("origin", origin.replace("%", "%25").replace(";", "%3B")))
    if visit is not None:
        pairs.append(("visit", visit.core))
    if path is not None and anchor is not None:
        pairs.append(("anchor", anchor.core))
        quoted = quote(path.lstrip("/").encode("utf-8", "surrogateescape"), safe="/")
        pairs.append(("path", f"/{quoted}"))
    return Swhid(swhid.type, swhid.hex, tuple(pairs))


def without_resolver(text: str) -> str:
    """Strip the address of a resolver from in front of a SWHID."""
    bare = _RESOLVERS.sub("", text.strip(), count=1)
    return bare if ";" in bare else bare.rstrip("/")  # a path may end in a slash


def looks_like_swhid(text: str) -> bool:
    """Whether a text means to be a SWHID, with or without a resolver's address."""
    return _LOOKS_LIKE.match(without_resolver(text)) is not None


def read_swhid(text: str) -> Swhid | InvalidSwhid:
    """Read a SWHID, bare, qualified, or behind a resolver's address.

    Returns:
        the identifier, or why the text is none.
    """
    core, *rest = without_resolver(text).split(";")
    match = _CORE.fullmatch(core)
    if match is None:
        return InvalidSwhid(_what_is_wrong(core))
    qualifiers: list[tuple[str, str]] = []
    for part in rest:
        name, equals, value = part.partition("=")
        if not equals or name not in QUALIFIERS:
            return InvalidSwhid(f"{part!r} is no qualifier")
        if name in dict(qualifiers):
            return InvalidSwhid(f"the qualifier {name!r} stands twice")
        qualifiers.append((name, value))
    return Swhid(match[1], match[2], tuple(qualifiers))


def _what_is_wrong(core: str) -> str:
    parts = core.split(":")
    if len(parts) != 4:  # noqa: PLR2004
        return "it does not have the four parts swh:1:TYPE:HEX"
    scheme, version, kind, digits = parts
    if scheme != "swh" or version != "1":
        return f"it starts with {scheme}:{version}, where swh:1 is needed"
    if kind not in TYPES:
        return f"there is no type {kind!r}; the types are {', '.join(TYPES)}"
    if not re.fullmatch("[0-9a-fA-F]*", digits):
        return f"{digits!r} is not hexadecimal"
    if len(digits) != 40:  # noqa: PLR2004
        return f"it has {len(digits)} digits, where 40 are needed"
    return "its digits must be in lower case"
