"""The one door to the web: public addresses only, bounded in time and size."""

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import urljoin, urlsplit

from reverify.errors import LimitError, ServiceError, UsageError

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
REDIRECTS = 5
BLOCK = 1 << 20
NOT_FOUND, GONE = 404, 410
OK_FROM, OK_TO = 200, 300

_REFUSED_4 = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "
        "192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 "
        "198.51.100.0/24 203.0.113.0/24 224.0.0.0/3"
    ).split()
)
_GLOBAL_6 = ipaddress.ip_network("2000::/3")
_REFUSED_6 = tuple(
    ipaddress.ip_network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet.

    `ipaddress.is_global` is not enough: it differs between Python versions and takes
    addresses that lead back inside through a tunnel for public ones.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return ip in _GLOBAL_6 and not any(ip in net for net in _REFUSED_6)
        ip = ip.ipv4_mapped
    return not any(ip in net for net in _REFUSED_4)


class Answer(NamedTuple):
    """What a server said about a URL.

    Attributes:
        status: the HTTP status.
        url: where the last redirect led.
        size: Content-Length in bytes, if given.
        media_type: Content-Type without parameters, in lower case.
        links: target by relation, of the Link header.
    """

    status: int
    url: str
    size: int | None
    media_type: str
    links: dict[str, list[dict[str, str]]]

    @property
    def found(self) -> bool:
        """Whether it is there."""
        return OK_FROM <= self.status < OK_TO

    @property
    def missing(self) -> bool:
        """Whether the server knows that it is not there."""
        return self.status in {NOT_FOUND, GONE}


class Http:
    """A session that resolves each name once and connects to that address only.

    Args:
        allow_private: whether private and loopback addresses may be contacted.
        agent: how we introduce ourselves.
    """

    def __init__(self, *, allow_private: bool = False, agent: str = "reverify") -> None:
        self._allow_private = allow_private
        self._agent = agent
        self._local = threading.local()

    def head(self, url: str) -> Answer:
        """Ask whether a URL is there, without its body.

        Raises:
            ServiceError: no answer that tells.
        """
        response = self._request("HEAD", url)
        response.close()
        not_allowed = {403, 405, 501}
        if response.status_code in not_allowed:  # some servers only know GET
            response = self._request("GET", url)
            response.close()
        return _answer(response)

    def get(self, url: str, limit: int, accept: str = "*/*") -> tuple[Answer, bytes]:
        """Fetch a small body.

        Raises:
            ServiceError: no answer.
            LimitError: it is larger than `limit` bytes.
        """
        response = self._request("GET", url, accept)
        with response:
            body = b"".join(self._body(response, url, limit, 120.0))
        return _answer(response), body

    def download(
        self, url: str, target: BinaryIO, limit: int, seconds: float
    ) -> Answer:
        """Fetch a body into an open file.

        Raises:
            ServiceError: no answer, or not the whole body.
            LimitError: it is larger than `limit` bytes, or takes too long.
        """
        response = self._request("GET", url)
        answer = _answer(response)
        with response:
            if answer.found:
                target.writelines(self._body(response, url, limit, seconds))
        return answer

    def _body(
        self, response: "requests.Response", url: str, limit: int, seconds: float
    ) -> Iterator[bytes]:
        import requests  # noqa: PLC0415
        import urllib3  # noqa: PLC0415

        deadline = time.monotonic() + seconds
        left = limit
        try:
            for block in response.iter_content(BLOCK):
                left -= len(block)
                if left < 0:
                    raise LimitError(f"{url}: is larger than {limit:,} bytes")
                if time.monotonic() > deadline:
                    raise LimitError(f"{url}: took longer than {seconds:g} seconds")
                yield block
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise ServiceError(f"{url}: the answer broke off ({error})") from error

    def _request(
        self, method: str, url: str, accept: str = "*/*"
    ) -> "requests.Response":
        import requests  # noqa: PLC0415

        session = self._session()
        here = url
        for _ in range(REDIRECTS + 1):
            _refuse_odd(here)
            try:
                response = session.request(
                    method,
                    here,
                    stream=True,
                    allow_redirects=False,
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    headers={"Accept": accept},
                )
            except (requests.RequestException, ValueError, UnicodeError) as error:
                raise ServiceError(f"{url}: no answer ({_root(error)})") from error
            if not response.is_redirect:
                return response
            response.close()
            here = urljoin(here, response.headers["Location"])
        raise ServiceError(f"{url}: more than {REDIRECTS} redirects")

    def _session(self) -> "requests.Session":
        """One session a thread, since requests promises nothing else."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _new_session(
                self._agent, allow_private=self._allow_private
            )
        return session


def _answer(response: "requests.Response") -> Answer:
    import requests.utils  # noqa: PLC0415

    length = response.headers.get("Content-Length", "")
    links: dict[str, list[dict[str, str]]] = {}
    for link in requests.utils.parse_header_links(response.headers.get("Link", "")):
        for relation in link.get("rel", "").split():
            links.setdefault(relation, []).append(link)
    return Answer(
        response.status_code,
        response.url,
        int(length) if length.isascii() and length.isdigit() else None,
        response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        links,
    )


def _refuse_odd(url: str) -> None:
    """Refuse what only an attacker writes, before any library reads it."""
    try:
        parts = urlsplit(url)
        odd = parts.port is not None and parts.port == 0
    except ValueError as error:
        raise ServiceError(f"{url!r}: is no URL ({error})") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or odd:
        raise ServiceError(f"{url!r}: only http and https are asked")
    if parts.username is not None or any(ord(char) <= 0x20 for char in url):  # noqa: PLR2004
        raise ServiceError(f"{url!r}: a name, password or blank in a URL is refused")


def _root(error: BaseException) -> str:
    """The innermost reason of an exception, which is the one that tells."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _new_session(agent: str, *, allow_private: bool) -> "requests.Session":
    import requests  # noqa: PLC0415
    import requests.adapters  # noqa: PLC0415
    import urllib3  # noqa: PLC0415
    from urllib3 import connection, connectionpool  # noqa: PLC0415

    def connect(self: Any) -> socket.socket:  # noqa: ANN401 - two classes of urllib3
        """Resolve once, look at every address, connect to the first of them."""
        try:
            found = socket.getaddrinfo(
                self._dns_host, self.port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            raise urllib3.exceptions.NameResolutionError(
                self.host, self, socket.gaierror(str(error))
            ) from error
        addresses = [str(item[4][0]) for item in found]
        if not allow_private and not all(map(is_public, addresses)):
            raise urllib3.exceptions.NewConnectionError(
                self,
                f"{self.host} is at {', '.join(addresses)}, which is not a public"
                " address; --allow-private lets it through",
            )
        last: OSError | None = None
        for family, kind, protocol, _, address in found:
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

    class GuardedHTTP(connection.HTTPConnection):
        _new_conn = connect

    class GuardedHTTPS(connection.HTTPSConnection):
        _new_conn = connect

    class PoolHTTP(connectionpool.HTTPConnectionPool):
        ConnectionCls = GuardedHTTP

    class PoolHTTPS(connectionpool.HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPS

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {
                "http": PoolHTTP,
                "https": PoolHTTPS,
            }

    session = requests.Session()
    session.trust_env = False
    retry = urllib3.Retry(
        total=2,
        redirect=0,
        backoff_factor=0.3,
        status_forcelist=(502, 503, 504),
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(max_retries=retry))
    session.headers["User-Agent"] = agent
    session.headers["Accept-Encoding"] = "identity"
    return session


def check_url(url: str) -> None:
    """Look at a URL that a user typed.

    Raises:
        UsageError: it is none that can be asked.
    """
    try:
        _refuse_odd(url)
    except ServiceError as error:
        raise UsageError(str(error)) from error
