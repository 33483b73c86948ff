"""One crate of one run, as tables and records of single crates have it."""

from collections.abc import Mapping
from typing import NamedTuple

from reverify.model.audit import Check, Noted, by_kind


class Row(NamedTuple):
    """What became of one crate, and what is wrong with it.

    Attributes:
        check: what became of it in the run.
        findings: errors and warnings that do not hold, or cannot be told.
        read_at: when it was last read in full, RFC 3339 in UTC; None if it never was.
        object: the path of the OCFL object that it is, or lies in; None if it is none.
    """

    check: Check
    findings: tuple[Noted, ...] = ()
    read_at: str | None = None
    object: str | None = None

    @property
    def kinds(self) -> Mapping[str, str]:
        """The outcome of each kind, as far as known."""
        return by_kind(self.check.kinds)
