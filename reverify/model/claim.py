"""A claim: one testable thing that a crate says about itself."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from reverify.model.outcome import ClaimKind, Severity

Positions = Callable[[str], tuple[int, int] | None]
"""From a JSON pointer to its line and column, both counted from 1."""


class Place(NamedTuple):
    """Where a crate says something: a file of it, and a spot in the file.

    The line of a JSON pointer is worked out only when somebody reads it: `locate`
    knows how, and is no part of what the place *is*.
    """

    file: str
    pointer: str = ""
    line: int | None = None
    locate: Positions | None = None

    @property
    def position(self) -> tuple[int, int] | None:
        """Line and column, counted from 1, where they are known."""
        if self.line is not None:
            return self.line, 1
        return self.locate(self.pointer) if self.locate else None

    def to_dict(self) -> dict[str, Any]:
        """The place as the report has it."""
        line, column = self.position or (None, None)
        return {
            "file": self.file,
            "pointer": self.pointer,
            "line": line,
            "column": column,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Place":
        """Read a place back from a report."""
        line, column = data.get("line"), data.get("column")
        spot = (line, column) if line and column else None
        return cls(data["file"], data.get("pointer", ""), None, lambda _: spot)


class Topic(StrEnum):
    """What of a subject a claim speaks of."""

    CRATE = "crate"
    DOCUMENT = "document"
    CONTEXT = "context"
    GRAPH = "graph"
    SPECIFICATION = "specification"
    PROFILE = "profile"
    PRESENCE = "presence"
    WEB = "web"
    ELSEWHERE = "elsewhere"
    BAG_FILE = "bag-file"
    BAG_LISTING = "bag-listing"
    BAG_OXUM = "bag-oxum"
    OCFL_FILE = "ocfl-file"
    OCFL_LISTING = "ocfl-listing"
    OCFL_VERSION = "ocfl-version"
    OCFL_DIGEST = "ocfl-digest"
    DIGEST = "digest"
    DIGEST_IN_NAME = "digest-in-name"
    DIGEST_FOREIGN = "digest-foreign"
    SIZE = "size"
    COVERAGE = "coverage"
    COMMIT = "commit"
    COMMITS = "commits"
    TREE = "tree"
    TREES = "trees"
    TAG = "tag"
    BLOB = "blob"
    ORIGINS = "origins"
    SOURCE_FILE = "source-file"
    REACHED = "reached"
    CONTENTS = "contents"
    PIN = "pin"
    FORM = "form"
    SPELLING = "spelling"
    READING = "reading"
    SWHID = "swhid"
    SWHID_TREE = "swhid-tree"
    SWHID_ORIGIN = "swhid-origin"
    SWHID_VISIT = "swhid-visit"
    SWHID_PATH = "swhid-path"
    RUN = "run"
    RESULT = "result"
    EXTRA = "extra"
    SURROUNDINGS = "surroundings"


class Claim(NamedTuple):
    """One testable thing that a crate says about itself.

    A named tuple rather than a frozen class: it is made three times as fast, and a
    large bag makes hundreds of thousands.

    Attributes:
        kind: which of the six kinds.
        topic: what of the subject is spoken of: a `Topic`, or the slug of a rule.
        subject: the @id of the entity, as written; for a bag's file its path.
        expected: the claimed value as canonical text, `sha256:9f86d081...`.
        stated_in: where the crate says so.
        path: the decoded path from the crate's root, where the subject is a file.
        severity: how much it matters if it is not so.
        fault: why the subject's name cannot be used as a path, if it cannot.
    """

    kind: ClaimKind
    topic: str
    subject: str
    expected: str
    stated_in: Place
    path: str | None = None
    severity: Severity = Severity.ERROR
    fault: str | None = None
