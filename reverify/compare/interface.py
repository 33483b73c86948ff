"""The shape of every way to compare two files, and what it is handed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Protocol

from reverify.crates.limits import Budget, Limits
from reverify.errors import ReverifyError
from reverify.model.comparison import Comparison, Rule

MIB = 1 << 20


class Openable(Protocol):
    """A file that can be read from its start, as often as somebody asks."""

    @property
    def size(self) -> int | None:
        """Its size in bytes; None where only reading it would tell."""

    def open(self) -> BinaryIO:
        """Open it at its start; the stream need not be seekable.

        Raises:
            OSError, EOFError, ValueError, CrateError: it cannot be read.
        """


class NotComparableError(ReverifyError):
    """It cannot be told: something is missing here, or a limit was reached."""


class MalformedError(ReverifyError):
    """A file is not of the type that it should be compared as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much work two strangers' files may make; honest ones stay far below.

    Attributes:
        shown: differences, and members of an archive, that are kept; all are counted.
        line_bytes: the longest line of a text or table.
        document_bytes: the largest JSON document or notebook.
        values: values in such a document.
        depth: lists and objects within each other.
        nested: archives within archives.
        pixels: of all frames of one image.
        disk_bytes: what may be written to the temporary folder.
        memory: of the process in which foreign formats are read, in bytes.
        seconds: wall time of it all.
        archive: limits of the readers of archives and directories.
    """

    shown: int = 10
    line_bytes: int = 4 * MIB
    document_bytes: int = 64 * MIB
    values: int = 2_000_000
    depth: int = 200
    nested: int = 3
    pixels: int = 40_000_000
    disk_bytes: int = 16_384 * MIB
    memory: int = 1024 * MIB
    seconds: float = 3600
    archive: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Two files that are known to differ in their bytes, and how to compare them.

    Attributes:
        name: what whoever asked calls the file.
        media_type: its media type, where it is known.
        expected: the side that tolerances are relative to.
        actual: the other side.
        rule: what is allowed.
        bounds: how much work it may make.
        budget: what is left of the limits, shared with all that is inside.
        deadline: when to give up, by time.monotonic.
        inside: how many archives it lies in.
        compare: compares what is inside.
    """

    name: str
    media_type: str
    expected: Openable
    actual: Openable
    rule: Rule
    bounds: Bounds
    budget: Budget
    deadline: float
    inside: int
    compare: Callable[["Job"], Comparison]

    def tick(self) -> None:
        """Look at the clock.

        Raises:
            NotComparableError: the time is up.
        """
        if time.monotonic() > self.deadline:
            raise NotComparableError(
                f"the {self.bounds.seconds:g} seconds for comparing are over"
            )

    def within(self, name: str, expected: Openable, actual: Openable) -> "Job":
        """The same question about something inside of both."""
        return replace(
            self,
            name=name,
            media_type="",
            expected=expected,
            actual=actual,
            inside=self.inside + 1,
        )


Comparator = Callable[[Job], Comparison]
"""Compares two files that differ in their bytes.

Raises:
    NotComparableError: it cannot be told.
    MalformedError: a side is not of its type; then bytes are what is left.
    OSError, EOFError, ValueError, CrateError: a side cannot be read.
"""


def missing_library(library: str) -> NotComparableError:
    """Say which library is missing, and how it comes."""
    return NotComparableError(
        f"{library} is needed for that and not installed;"
        " pip install 'reverify[rerun]' brings it"
    )
