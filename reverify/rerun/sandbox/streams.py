"""What a command says while it runs: read all the time, kept in part."""

import contextlib
import os
import selectors
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from reverify.rerun.interface import Bounds, Watcher
from reverify.rerun.sandbox.watchdog import EVERY, Watchdog, size_text

CHUNK = 1 << 16
TAIL = 4096
"""Bytes that a watcher is told of what was said last."""


class Kept:
    """The first and the last half of a stream.

    Args:
        most: bytes that are kept.

    Attributes:
        total: bytes that there were.
    """

    def __init__(self, most: int) -> None:
        self._first = most - most // 2
        self._last = most // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.total = 0

    def add(self, data: bytes) -> None:
        """Take what came next."""
        self.total += len(data)
        room = self._first - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail and self._tail_size - len(self._tail[0]) >= self._last:
            self._tail_size -= len(self._tail.popleft())

    def value(self) -> bytes:
        """All of it; where the middle is missing, a line says how much that is."""
        left = self.total - len(self._head)
        tail = b"".join(self._tail)[-self._last :] if self._last else b""
        if left <= len(tail):
            return bytes(self._head) + tail
        mark = f"\n[... {left - len(tail):,} bytes are left out here ...]\n"
        return bytes(self._head) + mark.encode() + tail


class Streams:
    """Reads standard output and standard error of a command as they come.

    Everything happens in the thread of the caller.

    Args:
        output: descriptor of a pipe that its standard output goes to.
        errors: likewise of its standard error. Both are closed at the end.
        bounds: how much is kept, and how much it may say.
    """

    def __init__(self, output: int, errors: int, bounds: Bounds) -> None:
        self._bounds = bounds
        self._selector = selectors.DefaultSelector()
        self._recent = bytearray()
        self._open = {output, errors}
        self.output = Kept(bounds.output)
        self.errors = Kept(bounds.output)
        for descriptor, kept in ((output, self.output), (errors, self.errors)):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, kept.add)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._selector.close()
        while self._open:
            os.close(self._open.pop())

    @property
    def tail(self) -> bytes:
        """What was said last, on either stream."""
        return bytes(self._recent)

    def listen(self, descriptor: int, add: Callable[[bytes], None]) -> None:
        """Read a further descriptor, which stays the caller's; b"" tells its end."""
        self._selector.register(descriptor, selectors.EVENT_READ, add)

    def unlisten(self, descriptor: int) -> None:
        """Leave it alone again."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)

    def wait(self, seconds: float) -> None:
        """Read what comes within so many seconds; once something came, return."""
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            descriptor = key.fd
            try:
                data = os.read(descriptor, CHUNK)
            except BlockingIOError:
                continue
            except ConnectionError:
                data = b""
            if not data:
                self._selector.unregister(descriptor)
            if descriptor not in self._open:
                key.data(data)
                continue
            if data:
                key.data(data)
                self._recent += data
                del self._recent[:-TAIL]
            else:
                self._open.discard(descriptor)
                os.close(descriptor)

    def drain(self, seconds: float) -> None:
        """Read until both streams end, or so many seconds are over."""
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            self.wait(EVERY)

    def said_too_much(self) -> str:
        """Say whether more was said than may be written to disk, or ""."""
        if max(self.output.total, self.errors.total) <= self._bounds.disk:
            return ""
        return f"it printed more than {size_text(self._bounds.disk)}"

    def watch(
        self,
        ended: Callable[[], bool],
        watchdog: Watchdog,
        watcher: Watcher | None,
    ) -> str:
        """Read and look until it ends.

        Returns:
            what it took too much of; "" if it ended.
        """
        next_look = next_word = 0.0
        while not ended():
            now = time.monotonic()
            if now >= next_look:
                excess = self.said_too_much() or watchdog.excess()
                if excess:
                    return excess
                # Short runs would have no memory if nobody looked early.
                next_look = now + (EVERY / 5 if watchdog.seconds < 1 else EVERY)
            if watcher is not None and now >= next_word:
                if next_word:
                    watcher.running(watchdog.seconds, watchdog.memory, self.tail)
                next_word = now + 1.0
            self.wait(max(0.001, next_look - time.monotonic()))
        return self.said_too_much() or watchdog.written()
