"""How far the reading is, on standard error, for people who wait."""

import shlex
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.status import Status

from reverify.formats.escape import printable


class Bar:
    """A bar that is only there while there is something to wait for."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def start(self, what: str, files: int, size: int) -> None:
        """Show a bar for so many files of so many bytes together."""
        self.stop()
        self._bar = Progress(
            TextColumn(f"{what} {files:,} files"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(what, total=size)
        self._bar.start()

    def advance(self, size: int) -> None:
        """One more file, of so many bytes, has been read."""
        if self._bar is not None:
            self._bar.advance(self._task, size)

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class RunTold:
    """Tells how a run goes, on standard error.

    Args:
        live: whether a line may be written over.
        tail: whether what the run said last is wanted.
    """

    def __init__(self, *, live: bool, tail: bool) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._live = live
        self._tail = tail
        self._status: Status | None = None

    def tell(self, what: str) -> None:
        """Say what takes its time before the run."""
        self._console.print(printable(what), soft_wrap=True)

    def started(self, command: tuple[str, ...]) -> None:
        """Show the command before it runs."""
        self.stop()
        self._console.print(f"running {printable(shlex.join(command))}", soft_wrap=True)
        if self._live:
            self._status = self._console.status("started")
            self._status.start()

    def running(self, seconds: float, memory: int, tail: bytes) -> None:
        """Show for how long it has run, what it holds, and what it said last."""
        if self._status is None:
            return
        said = f"running for {seconds:,.0f} s, {memory / 1e6:,.0f} MB"
        lines = tail.decode("utf-8", "replace").strip().splitlines()
        if self._tail and lines:
            said += f": {printable(lines[-1])[:160]}"
        self._status.update(escape(said))

    def stop(self) -> None:
        """Take the line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None


class Counted:
    """A line that counts what is done, for long work of many parts.

    Args:
        what: is counted.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._status = Console(stderr=True, highlight=False).status("looking for them")
        self._counts: Counter[str] = Counter()
        self._bytes = 0

    def start(self) -> None:
        """Show the line."""
        self._status.start()

    def count(self, outcome: str, size: int) -> None:
        """One more is done."""
        self._counts[outcome] += 1
        self._bytes += size
        told = ", ".join(f"{many:,} {name}" for name, many in self._counts.items())
        total = self._counts.total()
        self._status.update(
            f"{total:,} {self._what}, {self._bytes / 1e6:,.0f} MB: {told}"
        )

    def stop(self) -> None:
        """Take the line away."""
        self._status.stop()
