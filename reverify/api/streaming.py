"""A body that is made while it is sent, in a thread, a few blocks ahead of the client.

Memory holds those blocks and no more. Nothing is sent before the first of them is full
or the body ends, so that what fails early is answered with a problem. What fails later
breaks the answer off, and the client knows that it has not all.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reverify.api.interface import Serving
from reverify.api.problems import Problem

log = logging.getLogger(__name__)

BLOCK = 256 << 10
_AHEAD = 2
Make = Callable[["Sink"], object]
"""Writes a body, which is never empty, to a sink; runs in a thread."""


class Turns:
    """Lets some work at once, has some wait, and sends the others away.

    Args:
        serving: says how many.
    """

    def __init__(self, serving: Serving) -> None:
        self._free = asyncio.Semaphore(serving.exports_at_once)
        self._waiting = 0
        self._most_waiting = serving.exports_waiting
        self._seconds = serving.wait_seconds

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Have a turn.

        Raises:
            Problem: too many wait already, or it took too long.
        """
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise _busy()
        self._waiting += 1
        try:
            with anyio.fail_after(self._seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise _busy() from error
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


def _busy() -> Problem:
    return Problem(
        "busy",
        "as many crates are being made as the server makes at once; try again",
        headers={"Retry-After": "10"},
    )


class Streamed(Response):
    """An answer whose body is made while it is sent.

    Args:
        make: writes the body.
        turns: to be waited for.
        stall_seconds: how long a client may take no byte.
        media_type: of the body.
        headers: further headers.
    """

    def __init__(
        self,
        make: Make,
        *,
        turns: Turns,
        stall_seconds: float,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(None, 200, headers, media_type)
        del self.headers["content-length"]
        self._make = make
        self._turns = turns
        self._stall_seconds = stall_seconds
        self._failure: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the body and send it; without a body for HEAD."""
        if scope["method"] == "HEAD":
            await self._start(send)
            await send({"type": "http.response.body", "body": b""})
            return
        async with self._turns.taken():
            sender, receiver = anyio.create_memory_object_stream[bytes](_AHEAD)
            async with anyio.create_task_group() as group:
                group.start_soon(self._produce, sender)
                group.start_soon(self._listen, receive, group.cancel_scope)
                with receiver, contextlib.suppress(TimeoutError):
                    await self._deliver(receiver, send)
                group.cancel_scope.cancel()
        # What is raised in a group comes out wrapped, so it is raised here.
        if self._failure is not None:
            raise self._failure

    async def _produce(self, sender: MemoryObjectSendStream[bytes]) -> None:
        sink = Sink(sender)
        with sender:
            try:
                await anyio.to_thread.run_sync(self._work, sink)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the client has gone
            except Exception as error:  # noqa: BLE001 - raised again when all is over
                self._failure = error

    def _work(self, sink: "Sink") -> None:
        self._make(sink)
        sink.finish()

    async def _listen(self, receive: Receive, scope: anyio.CancelScope) -> None:
        """Stop when the client goes."""
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _deliver(
        self, receiver: MemoryObjectReceiveStream[bytes], send: Send
    ) -> None:
        first = True
        async for block in receiver:
            if first:
                await self._start(send)
                first = False
            await self._send(send, block, more=True)
        if self._failure is None and not first:
            await self._send(send, b"", more=False)

    async def _start(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )

    async def _send(self, send: Send, body: bytes, *, more: bool) -> None:
        with anyio.fail_after(self._stall_seconds):
            message = {"type": "http.response.body", "body": body, "more_body": more}
            await send(message)


class Sink:
    """What the thread writes to; waits while the client does not keep up."""

    def __init__(self, sender: MemoryObjectSendStream[bytes]) -> None:
        self._sender = sender
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        """Take all of the bytes."""
        self._held += data
        if len(self._held) >= BLOCK:
            self.finish()
        return len(data)

    def flush(self) -> None:
        """Nothing: blocks go out when they are full."""

    def finish(self) -> None:
        """Hand on what is held."""
        if self._held:
            anyio.from_thread.run(self._sender.send, bytes(self._held))
            self._held.clear()
