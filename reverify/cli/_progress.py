"""How far the reading is, on standard error, for people who wait."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)


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
