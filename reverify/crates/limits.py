"""Budgets: how much of a stranger's crate we are willing to read."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from reverify.errors import LimitError

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The budgets of one check; honest crates stay far below the defaults.

    Attributes:
        total_bytes: payload bytes that may be read, after decompression.
        seconds: wall time for one crate.
        metadata_bytes: size of a metadata document or a tag file.
        entities: entities in a metadata document.
        values: arrays and objects in a metadata document.
        graph_entities: entities that the profile engine is asked to judge.
        members: members of an archive.
        files: files and folders in a directory.
        name_bytes: characters of all names in an archive together.
        ratio: how many times its packed size a member may unpack to.
        small: bytes that may come out whatever the ratio; zeros pack well.
        depth: folders within folders.
        value_depth: arrays and objects within each other in a metadata document.
        engine_seconds: wall time of the profile engine for one profile.
        engine_bytes: memory of the profile engine.
        jobs: how many processes or threads may read at once.
    """

    total_bytes: int = 1_000_000_000_000
    seconds: float = 3600
    metadata_bytes: int = 128 * MIB
    entities: int = 1_000_000
    values: int = 5_000_000
    graph_entities: int = 5_000
    members: int = 100_000
    files: int = 1_000_000
    name_bytes: int = 32 * MIB
    ratio: int = 2000
    small: int = 16 * MIB
    depth: int = 256
    value_depth: int = 64
    engine_seconds: float = 180
    engine_bytes: int = 4096 * MIB
    jobs: int = 2


class Budget:
    """What is left of the limits; one object is shared by all steps of a check.

    Args:
        limits: where it starts from.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._deadline = clock() + limits.seconds
        self._bytes_left = limits.total_bytes
        self._lock = threading.Lock()

    def spend(self, size: int, subject: str) -> None:
        """Take `size` bytes from the budget before they are read.

        Raises:
            LimitError: it does not hold that many, or the time is up.
        """
        with self._lock:
            if size > self._bytes_left:
                raise LimitError(
                    f"{subject}: reading {size:,} bytes would pass the budget of"
                    f" {self.limits.total_bytes:,} bytes; raise it with --max-bytes",
                    subject=subject,
                )
            self._bytes_left -= size
        self.tick(subject)

    @property
    def bytes_left(self) -> int:
        """Bytes that may still be read."""
        return self._bytes_left

    @property
    def seconds_left(self) -> float:
        """Wall time that is left, in seconds; never negative."""
        return max(0.0, self._deadline - self._clock())

    def tick(self, subject: str) -> None:
        """Look at the clock.

        Raises:
            LimitError: the time is up.
        """
        if self._clock() > self._deadline:
            raise LimitError(
                f"{subject}: not read, the {self.limits.seconds:g} seconds for this"
                " crate are over; give more with --max-time",
                subject=subject,
            )
