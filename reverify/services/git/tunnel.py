"""The way by which git reaches the web: one host, public addresses, so many bytes.

Git resolves names by itself, and cannot be told to look at what it gets. So it speaks
through a proxy of ours on the loopback address, which resolves each time, looks at all
addresses, connects to one that it has looked at, and counts what comes back. TLS is
between git and the host; the proxy sees none of what is said.
"""

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

from reverify.errors import RefusedError
from reverify.services.addresses import addresses_of
from reverify.services.git.origins import Origin

_HEAD_BYTES = 32 << 10
_BLOCK = 1 << 16
_CONNECT_SECONDS = 10.0
_QUIET_SECONDS = 60.0
_CONNECTIONS = 16


class Tunnel:
    """A proxy for one run of git; close it when done.

    Args:
        origin: whom git may speak with.
        allow_private: whether private and loopback addresses may be contacted.
        most: how many bytes may come back.

    Attributes:
        received: how many bytes came back.
        refused: why an address was not contacted; empty if none was refused.
        failed: why no connection was made; empty if one was.
        over: whether more came than may.
    """

    def __init__(self, origin: Origin, *, allow_private: bool, most: int) -> None:
        self._host = origin.host
        self._port = origin.port
        self._allow_private = allow_private
        self._most = most
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        self.received = 0
        self.refused = ""
        self.failed = ""
        self.over = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_CONNECTIONS)
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """What git is told as its proxy."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Take no more, and hang up on whoever still speaks."""
        with self._lock:
            self._closed = True
            left = list(self._open)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in left:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    # -- one connection ----------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            if not self._keep(near):
                near.close()
                return
            threading.Thread(target=self._handle, args=(near,), daemon=True).start()

    def _keep(self, sock: socket.socket) -> bool:
        with self._lock:
            if not self._closed:
                self._open.add(sock)
            return not self._closed

    def _drop(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)
        sock.close()

    def _handle(self, near: socket.socket) -> None:
        far: socket.socket | None = None
        try:
            near.settimeout(_CONNECT_SECONDS)
            head, rest = _read_head(near)
            onward = self._onward(head)
            if onward is None:
                near.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            far = self._connect()
            if far is None or not self._keep(far):
                near.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            if onward:
                far.sendall(onward + rest)
            else:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                far.sendall(rest)
            self._relay(near, far)
        except OSError:
            pass  # one of them has gone; git says so
        finally:
            for sock in (near, far):
                if sock is not None:
                    self._drop(sock)

    def _onward(self, head: bytes) -> bytes | None:
        """What is sent on; None if it is for another host, nothing for a tunnel."""
        lines = head.split(b"\r\n")
        words = lines[0].split(b" ")
        if len(words) != 3:  # noqa: PLR2004 - method, target, version
            return None
        method, target, version = words
        there = f"{self._host}:{self._port}".encode()
        if method == b"CONNECT":
            return b"" if target.lower() == there else None
        scheme, _, rest = target.partition(b"://")
        host, slash, path = rest.partition(b"/")
        host = host if host.rpartition(b":")[2].isdigit() else host + b":80"
        if scheme.lower() != b"http" or host.lower() != there:
            return None
        dropped = (b"proxy-", b"connection:")
        kept = [line for line in lines[1:] if not line.lower().startswith(dropped)]
        first = b" ".join((method, slash + path or b"/", version))
        return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])

    def _connect(self) -> socket.socket | None:
        name = self._host.strip("[]")
        try:
            found = addresses_of(name, self._port, allow_private=self._allow_private)
        except RefusedError as error:
            self.refused = str(error)
            return None
        except (OSError, UnicodeError) as error:
            self.failed = f"{name} cannot be resolved ({error})"
            return None
        for family, kind, protocol, address in found:
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(_CONNECT_SECONDS)
            try:
                sock.connect(address)
            except OSError as error:
                sock.close()
                self.failed = f"{name} cannot be reached ({error})"
            else:
                self.failed = ""
                return sock
        return None

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        """Pass on what either says, until both are done or too much has come."""
        others = {near: far, far: near}
        near.settimeout(_QUIET_SECONDS)
        far.settimeout(_QUIET_SECONDS)
        with selectors.DefaultSelector() as waiting:
            for sock in others:
                waiting.register(sock, selectors.EVENT_READ)
            while waiting.get_map():
                ready = waiting.select(_QUIET_SECONDS)
                if not ready:
                    return
                for sock in [near, far]:
                    if not any(key.fileobj is sock for key, _ in ready):
                        continue
                    data = sock.recv(_BLOCK)
                    if not data:
                        waiting.unregister(sock)
                        with contextlib.suppress(OSError):
                            others[sock].shutdown(socket.SHUT_WR)
                    elif sock is far and not self._count(len(data)):
                        return
                    else:
                        others[sock].sendall(data)

    def _count(self, size: int) -> bool:
        """Count what came; tell whether more may come."""
        with self._lock:
            self.received += size
            self.over = self.over or self.received > self._most
            return not self.over


def _read_head(sock: socket.socket) -> tuple[bytes, bytes]:
    """The lines of a request, and what came after them.

    Raises:
        OSError: there are none.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        block = sock.recv(_BLOCK)
        data += block
        if not block or len(data) > _HEAD_BYTES:
            raise OSError("no request")
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest
