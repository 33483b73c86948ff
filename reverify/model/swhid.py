"""SWHIDs: reading them.

Source: SWHID specification v1.2 (ISO/IEC 18670:2025), clauses 4 to 6.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

TYPES = {
    "cnt": "content",
    "dir": "directory",
    "rev": "revision",
    "rel": "release",
    "snp": "snapshot",
}
QUALIFIERS = ("origin", "visit", "anchor", "path", "lines", "bytes")
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
