"""Addresses of repositories, compared as texts."""

import re
from urllib.parse import unquote, urlsplit

SCP = re.compile(r"(?:[A-Za-z0-9._-]+@)(?P<host>[A-Za-z0-9.-]+):(?P<path>[^/\s]\S*)")
"""An address as `scp` takes it: `git@example.org:rain/sums.git`."""


_USER = re.compile(r"(?<=//)[^/@\s'\"]+@")


def without_user(text: str) -> str:
    """A text whose addresses show no name and no password."""
    return _USER.sub("***@", text) if "@" in text else text


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses name one repository, as far as their texts tell.

    Scheme, user, `.git`, a slash at the end and the case of the host do not count.
    """
    return normalised(one) == normalised(other)


def normalised(address: str) -> str:
    """What counts of the address of a repository: `host/path`."""
    text = re.sub(r"^git\+", "", address.strip(), flags=re.IGNORECASE)
    if scp := SCP.fullmatch(text):
        text = f"ssh://{scp['host']}/{scp['path']}"
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return text
    usual = {"http": 80, "https": 443, "ssh": 22, "git": 9418}.get(parts.scheme)
    host = host.removeprefix("www.")
    host = host if port in {None, usual} else f"{host}:{port}"
    path = re.sub("/{2,}", "/", unquote(parts.path)).rstrip("/")
    return f"{host}{path.removesuffix('.git').rstrip('/')}"
