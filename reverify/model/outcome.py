"""The words for what was found, how much it matters, and what it adds up to."""

from enum import StrEnum


class Outcome(StrEnum):
    """Five words, for findings and verdicts alike; each has its W3C EARL twin."""

    CONFIRMED = "confirmed"  # earl:passed: tested, and so
    REFUTED = "refuted"  # earl:failed: tested, and not so
    UNDETERMINED = "undetermined"  # earl:cantTell: tried, could not tell
    UNTESTED = "untested"  # earl:untested: nobody asked, or asked not to
    NOT_APPLICABLE = "not-applicable"  # earl:inapplicable


class Severity(StrEnum):
    """How much a rule matters: the key word of the specification behind it.

    Source: RFC 2119; MUST is an error, SHOULD a warning, MAY a note.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def keyword(self) -> str:
        """The RFC 2119 key word: MUST, SHOULD or MAY."""
        return {"error": "MUST", "warning": "SHOULD", "note": "MAY"}[self.value]

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return tuple(Severity).index(self)


class ClaimKind(StrEnum):
    """The six kinds of claim, in the order in which they are always shown."""

    CONFORMANCE = "conformance"
    COMPLETENESS = "completeness"
    FIXITY = "fixity"
    SOURCE = "source"
    ARCHIVAL = "archival"
    EXECUTION = "execution"


class Level(StrEnum):
    """The ladder: a level is reached when it and all below it are."""

    DESCRIBED = "described"
    INTACT = "intact"
    SOURCED = "sourced"
    ARCHIVED = "archived"
    REPRODUCED = "reproduced"

    @property
    def rank(self) -> int:
        """0 for the lowest rung."""
        return tuple(Level).index(self)
