"""SWHIDs: reading them, and making them of what git knows.

Source: SWHID specification v1.2 (ISO/IEC 18670:2025), clauses 4 to 6.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from reverify.model.qualifiers import (
    check_range,
    escape_origin,
    escape_path,
    read_qualifiers,
    unescape,
)

TYPES = {
    "cnt": "content",
    "dir": "directory",
    "rev": "revision",
    "rel": "release",
    "snp": "snapshot",
}
GIT_TYPES = {"blob": "cnt", "tree": "dir", "commit": "rev", "tag": "rel"}
"""What git calls an object, and what a SWHID calls it."""
_MEANT_TYPES = {word: type for type, word in TYPES.items()} | GIT_TYPES
"""Words that stand where the type should."""
_INTERNAL = {"ori", "emd"}
_SHA256_DIGITS = 64
_CORE = re.compile(r"swh:1:(cnt|dir|rev|rel|snp):([0-9a-f]{40})")
_RESOLVERS = re.compile(
    r"https?://(?:archive\.softwareheritage\.org/(?:browse/)?|identifiers\.org/"
    r"|n2t\.net/|www\.swhid\.org/)(?=swh:)",
    re.IGNORECASE,
)
_LOOKS_LIKE = re.compile(r"swh:[0-9A-Za-z]", re.IGNORECASE)


class InvalidSwhid(NamedTuple):
    """Why a text that means to be a SWHID is none.

    Attributes:
        reason: the end of a sentence.
        meant: the core identifier that was meant, where that can be known, or "". It
            is for a person to confirm, and never used in its place.
    """

    reason: str
    meant: str = ""


@dataclass(frozen=True, slots=True)
class Swhid:
    """An identifier of the Software Heritage archive.

    Two are equal if they name the same object in the same context.

    Attributes:
        type: cnt, dir, rev, rel or snp.
        hex: 40 lower-case hexadecimal digits.
        qualifiers: pairs of name and value, escaped, in the canonical order.
        remarks: what was odd about the text it was read from, one sentence each:
            qualifiers that were ignored, above all.
    """

    type: str
    hex: str
    qualifiers: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = field(default=(), compare=False)

    @property
    def core(self) -> str:
        """The identifier without its qualifiers."""
        return f"swh:1:{self.type}:{self.hex}"

    def qualifier(self, name: str) -> str | None:
        """The value of a qualifier, its escapes undone; None if it has none.

        Bytes of a path that are no UTF-8 are half surrogate pairs.
        """
        value = dict(self.qualifiers).get(name)
        return None if value is None else unescape(value)

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
    import hashlib  # noqa: PLC0415 - `reverify --help` does without

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
    lines: str | None = None,
    bytes: str | None = None,
) -> Swhid:
    """Add to an identifier where its object was seen, in the canonical order.

    Args:
        swhid: a core identifier.
        origin: the address of the repository.
        visit: the snapshot in which it was seen; needs an origin.
        anchor: the revision, release, directory or snapshot that the path starts from.
        path: the path from there, with or without a leading slash; needs an anchor.
        lines: of a content, `n` or `n-m`, counted from 1.
        bytes: of a content, `n` or `n-m`, counted from 0; not together with lines.

    Raises:
        ValueError: a qualifier lacks the one that it needs, or cannot be written.

    Source: SWHID specification v1.2, clause 6.
    """
    if visit is not None and origin is None:
        raise ValueError("a visit says something of an origin only")
    if visit is not None and visit.type != "snp":
        raise ValueError(f"a visit is a snapshot, swh:1:snp:..., not {visit.core}")
    if (path is None) != (anchor is None):
        raise ValueError("an anchor and a path need each other")
    if anchor is not None and anchor.type == "cnt":
        raise ValueError(f"no path starts from a content, {anchor.core}")
    pairs = []
    if origin is not None:
        pairs.append(("origin", escape_origin(origin)))
    if visit is not None:
        pairs.append(("visit", visit.core))
    if path is not None and anchor is not None:
        pairs.append(("anchor", anchor.core))
        pairs.append(("path", escape_path(path.encode("utf-8", "surrogateescape"))))
    pairs += _ranges(swhid, lines, bytes)
    return Swhid(swhid.type, swhid.hex, tuple(pairs))


def _ranges(
    swhid: Swhid, lines: str | None, bytes: str | None
) -> Iterator[tuple[str, str]]:
    if lines is not None and bytes is not None:
        raise ValueError("give lines or bytes, not both")
    for name, value, first in (("lines", lines, 1), ("bytes", bytes, 0)):
        if value is not None:
            if swhid.type != "cnt":
                raise ValueError(f"only a content has {name}")
            try:
                yield name, check_range(value, first)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error


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
        the identifier, with remarks on what is odd about it, or why the text is none.
    """
    core, *rest = without_resolver(text).split(";")
    match = _CORE.fullmatch(core.rstrip())
    if match is None:
        return _what_is_wrong(core.rstrip())
    read = read_qualifiers(match[1], rest)
    beside = text != text.strip() or core != core.rstrip()
    remarks = ("white space beside the identifier is passed over",) if beside else ()
    return Swhid(match[1], match[2], read.pairs, remarks + read.remarks)


def _what_is_wrong(core: str) -> InvalidSwhid:
    meant = _meant(core)
    reason = _reason(core, meant)
    return InvalidSwhid(
        f"{reason}; perhaps {meant} is meant" if meant else reason, meant
    )


def _meant(core: str) -> str:
    """The identifier that was meant, if letters, blanks or words alone are wrong."""
    parts = "".join(core.split()).lower().split(":")
    if len(parts) == 3 and parts[1] != "1":  # noqa: PLR2004 - the version is left out
        parts.insert(1, "1")
    if len(parts) == 4:  # noqa: PLR2004
        parts[2] = _MEANT_TYPES.get(parts[2], parts[2])
    text = ":".join(parts)
    return text if _CORE.fullmatch(text) else ""


def _reason(core: str, meant: str) -> str:  # noqa: PLR0911 - one for each fault
    parts = core.split(":")
    if re.search(r"\s", core):
        return "it holds white space"
    if len(parts) != 4:  # noqa: PLR2004
        return f"it does not have the four parts swh:1:TYPE:HEX{_advice(core, meant)}"
    scheme, version, type, digits = parts
    if scheme != "swh" or version != "1":
        return f"it starts with {scheme}:{version}, where swh:1 is needed"
    if type in _INTERNAL:
        return f"the type {type!r} is the archive's own, and no type of a SWHID"
    if type not in TYPES:
        known = ", ".join(TYPES)
        return f"there is no type {type!r}; the types are {known}{_advice(core, meant)}"
    if not re.fullmatch("[0-9a-fA-F]*", digits):
        return f"{digits!r} is not hexadecimal"
    if len(digits) == _SHA256_DIGITS:
        return (
            "it has 64 digits, as git's SHA-256 has; 40 are needed, and SWHID version 1"
            " has no way to name objects of SHA-256 repositories"
        )
    if len(digits) != 40:  # noqa: PLR2004
        return f"it has {len(digits)} digits, where 40 are needed"
    return "its digits must be in lower case"


def _advice(core: str, meant: str) -> str:
    """Which type is right for what, where digits are there but no type."""
    if meant or not re.search("(?:^|:)[0-9a-fA-F]{40}$", core):
        return ""
    return (
        ": rev for a commit, dir for a tree, cnt for a file, rel for an annotated tag"
    )
