"""What whoever exports hands to the mapping."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = dict[str, Any]
VERSIONS = ("1.1", "1.2", "1.3")
"""The versions of RO-Crate that are written."""


class Measured(NamedTuple):
    """What was found of a file while it was copied.

    Attributes:
        size: bytes.
        sha256: 64 lower-case hexadecimal digits.
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """What was looked up of the code in git, as against what the manifest says.

    Attributes:
        commit: 40 or 64 lower-case hexadecimal digits; None if it was not looked up.
        tree: the tree of that commit, likewise.
        swhids: identifiers that were computed, bare or qualified, beyond those of
            commit and tree, which the mapping makes itself.
    """

    commit: str | None = None
    tree: str | None = None
    swhids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedFile:
    """A file that the exporter adds: CITATION.cff, codemeta.json.

    Attributes:
        path: POSIX path from the root of the crate.
        name: what to call it.
        description: what it holds.
        media_type: `application/json` say.
        measured: its size and digest.
    """

    path: str
    name: str
    description: str
    media_type: str
    measured: Measured


Files = Mapping[str, Measured]
"""What was found of the files of a capsule, by their path."""
