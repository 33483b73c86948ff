"""Which addresses belong to the public internet, and which lead back inside."""

import ipaddress
import socket
from typing import Any, NamedTuple

from reverify.errors import RefusedError

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


class Found(NamedTuple):
    """Where a host is, one of its addresses.

    Attributes:
        family: of the socket.
        kind: of the socket.
        protocol: of the socket.
        address: what the socket connects to.
    """

    family: int
    kind: int
    protocol: int
    address: Any


def addresses_of(host: str, port: int, *, allow_private: bool) -> list[Found]:
    """Resolve a name once, and look at every address.

    Raises:
        RefusedError: one of them is not public, and that is not allowed.
        OSError: it has none.
        UnicodeError: it is no name.
    """
    found = [
        Found(family, kind, protocol, address)
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
    ]
    addresses = [str(item.address[0]) for item in found]
    if not allow_private and not all(map(is_public, addresses)):
        raise RefusedError(
            f"{host} is at {', '.join(addresses)}, which is not a public address;"
            " --allow-private lets it through"
        )
    return found
