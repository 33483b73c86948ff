"""Looks at a running command ten times a second, and says when it takes too much.

Limits of single processes leave open what all take together: memory, anonymous files,
tmpfs inodes. So somebody must look from outside.

Source: proc_pid_statm(5), proc_pid_smaps(5) for smaps_rollup, proc_meminfo(5).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from reverify.rerun.interface import Bounds

EVERY = 0.1
"""Seconds between two looks."""
SPARE = 256 << 20
"""Bytes of memory that this machine must have left."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Taken(NamedTuple):
    """What a command has on disk.

    Attributes:
        size: bytes.
        files: how many files and folders.
    """

    size: int
    files: int


class Watchdog:
    """Compares what a command takes with its bounds.

    Args:
        bounds: how much it may take.
        processes: lists its processes, by their numbers on this machine.
        taken: measures what it has on disk.
        spare: bytes of memory that the machine must have left.

    Attributes:
        memory: bytes that its processes held at the last look.
        peak: the most that they held at any look.
        seconds: since the watchdog was made.
    """

    def __init__(
        self,
        bounds: Bounds,
        processes: Callable[[], Iterable[int]],
        taken: Callable[[], Taken],
        spare: int = SPARE,
    ) -> None:
        self._bounds = bounds
        self._processes = processes
        self._taken = taken
        self._spare = spare
        self._from = time.monotonic()
        self.memory = 0
        self.peak = 0

    @property
    def seconds(self) -> float:
        """How long it runs, of wall-clock time."""
        return time.monotonic() - self._from

    def excess(self) -> str:
        """Look once, and say what it took too much of as a sentence's end, or ""."""
        return self._time() or self._memory() or self.written() or self._machine()

    def written(self) -> str:
        """Say whether it wrote too much."""
        taken = self._taken()
        if taken.size > self._bounds.disk:
            return f"it wrote more than {size_text(self._bounds.disk)}"
        if taken.files > self._bounds.files:
            return f"it made more than {self._bounds.files:,} files"
        return ""

    def _time(self) -> str:
        if self.seconds <= self._bounds.seconds:
            return ""
        return f"it took more than {self._bounds.seconds:g} s"

    def _memory(self) -> str:
        processes = list(self._processes())
        held = sum(map(resident, processes))
        if held > self._bounds.memory:
            # Pages that forked processes share count once for each of them so far.
            held = sum(map(own_part, processes))
        self.memory, self.peak = held, max(held, self.peak)
        if held <= self._bounds.memory:
            return ""
        return f"it held more than {size_text(self._bounds.memory)} of memory"

    def _machine(self) -> str:
        left = available_memory()
        if left is None or left >= self._spare:
            return ""
        return (
            f"this machine had less than {size_text(self._spare)} of memory left; run"
            " it where there is more"
        )


def resident(process: int) -> int:
    """Bytes of memory that a process has, those that it shares included."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/statm").read_bytes().split()[1]) * _PAGE
    return 0


def own_part(process: int) -> int:
    """Bytes of memory of a process, each shared page divided among its sharers."""
    size = _named_size(Path(f"/proc/{process}/smaps_rollup"), b"Pss:")
    return resident(process) if size is None else size


def available_memory() -> int | None:
    """Bytes that this machine could still give; None if it does not say."""
    return _named_size(Path("/proc/meminfo"), b"MemAvailable:")


def _named_size(path: Path, name: bytes) -> int | None:
    """Read a line `NAME 12 kB`."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in path.read_bytes().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def running_processes() -> list[int]:
    """The numbers of all processes of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def state(process: int) -> str:
    """The letter for what a process does: `T` stopped, `Z` gone; "" if unknown."""
    return _stat(process, 0)


def parent(process: int) -> int:
    """The number of the process that started it, or 0."""
    return int(_stat(process, 1) or 0)


def _stat(process: int, field: int) -> str:
    """A field behind the name, which may hold blanks and brackets."""
    with contextlib.suppress(OSError, IndexError):
        stat = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
        return stat.rpartition(")")[2].split()[field]
    return ""


def is_alive(process: int) -> bool:
    """Whether a process is there, and more than a name that nobody asked for yet."""
    return state(process) not in {"", "Z"}


def size_text(size: int) -> str:
    """Bytes as people say them, exactly: `64 MiB`, `1,000 bytes`."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size and size % unit == 0:
            return f"{size // unit:,} {name}"
    return f"{size:,} bytes"
