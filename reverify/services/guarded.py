"""Connections that look at an address before they call it; a session made of them.

Since the look is taken where the connection is made, redirects and names that are bound
anew between two questions are covered. Loaded when something is first asked, since the
libraries below are slow to load.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import requests
import requests.adapters
import urllib3
from urllib3 import connection, connectionpool

from reverify.errors import ServiceError
from reverify.services.addresses import addresses_of

HEADER_SECONDS = 60.0


@contextlib.contextmanager
def alarm(seconds: float, stop: Callable[[], object]) -> Iterator[threading.Event]:
    """Break off from another thread what a slow server could draw out for ever.

    A timeout of a socket starts anew with every byte.

    Yields:
        what is set once the time is up.
    """
    rung = threading.Event()

    def ring() -> None:
        rung.set()
        with contextlib.suppress(OSError, ValueError, RuntimeError, AttributeError):
            stop()

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield rung
    finally:
        timer.cancel()


class _Guarded(connection.HTTPConnection):
    """Resolves once, looks at every address, connects to the first that answers."""

    allow_private = False

    def _new_conn(self) -> socket.socket:
        try:
            found = addresses_of(  # what it refuses, urllib3 does not try again
                self._dns_host, self.port or 0, allow_private=self.allow_private
            )
        except (OSError, UnicodeError) as error:
            raise urllib3.exceptions.NameResolutionError(
                self.host, self, socket.gaierror(str(error))
            ) from error
        last: OSError | None = None
        for family, kind, protocol, address in found:
            sock = socket.socket(family, kind, protocol)
            try:
                if isinstance(self.timeout, (int, float)):
                    sock.settimeout(self.timeout)
                sock.connect(address)
            except OSError as error:
                sock.close()
                last = error
            else:
                return sock
        raise urllib3.exceptions.NewConnectionError(self, str(last))

    def getresponse(self) -> Any:  # noqa: ANN401 - urllib3 and http.client disagree
        """Hang up on a server that takes too long over its headers."""
        with alarm(HEADER_SECONDS, lambda: self.sock.shutdown(socket.SHUT_RDWR)) as up:
            response = super().getresponse()
        if up.is_set():
            raise ServiceError(f"no answer within {HEADER_SECONDS:g} seconds")
        return response


class _GuardedHTTPS(_Guarded, connection.HTTPSConnection):
    """The same, and then TLS."""


def _pools(
    *, allow_private: bool
) -> dict[str, type[connectionpool.HTTPConnectionPool]]:
    guard = {"allow_private": allow_private}
    plain = type("GuardedHTTP", (_Guarded,), guard)
    secure = type("GuardedHTTPS", (_GuardedHTTPS,), guard)
    http, https = connectionpool.HTTPConnectionPool, connectionpool.HTTPSConnectionPool
    return {
        "http": type("PoolHTTP", (http,), {"ConnectionCls": plain}),
        "https": type("PoolHTTPS", (https,), {"ConnectionCls": secure}),
    }


class _Adapter(requests.adapters.HTTPAdapter):
    """Makes its connections from the classes above."""

    def __init__(self, *, allow_private: bool, **rest: Any) -> None:  # noqa: ANN401
        self._pools = _pools(allow_private=allow_private)
        super().__init__(**rest)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Called by the base while it is being made."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools


def new_session(agent: str, *, allow_private: bool, tries: int = 3) -> requests.Session:
    """A session that takes nothing from the environment, and asks for plain bodies.

    Args:
        agent: how we introduce ourselves.
        allow_private: whether private and loopback addresses may be contacted.
        tries: how often it asks before it gives up.
    """
    session = requests.Session()
    session.trust_env = False
    retry = urllib3.Retry(
        total=tries - 1,
        redirect=0,
        backoff_factor=0.3,
        status_forcelist=(502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,  # it may name any time
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(allow_private=allow_private, max_retries=retry))
    session.headers["User-Agent"] = agent
    session.headers["Accept-Encoding"] = "identity"
    return session
