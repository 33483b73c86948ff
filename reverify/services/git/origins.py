"""Addresses of repositories: which are asked at all, and what stands in for them.

An address from a crate is hostile text. What is not plainly `https://HOST/PATH` never
reaches git.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from reverify.errors import RefusedError, UsageError

_MOST_CHARACTERS = 2000
_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(
    r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*\.?"
    r"|\[[0-9a-f:.]+\]"
)
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!'()*+,;=:%&-]*)*")
_TRANSPORT = re.compile(r"[A-Za-z0-9]+::")
_SCP = re.compile(r"(?:[^@/\s]+@)?[A-Za-z0-9.-]+:(?!//)\S+")


class Origin(NamedTuple):
    """Where a repository is on the web, in one way of writing it.

    Attributes:
        scheme: https, or http where that was allowed.
        host: in lower case; an IPv6 address in brackets.
        port: a number.
        path: begins with a slash and ends without one.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address as git is given it."""
        usual = self.port == _PORTS[self.scheme]
        port = "" if usual else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    @property
    def digest(self) -> str:
        """A name for a folder: the SHA-256 of the address."""
        return hashlib.sha256(self.url.encode()).hexdigest()

    def __str__(self) -> str:
        return self.url


def read_origin(text: str, *, plain_http: bool = False) -> Origin:
    """Read an address that a crate or a user gives.

    Args:
        text: as written.
        plain_http: whether http will do, too.

    Raises:
        RefusedError: it is not asked; says why, and what would be.
    """
    text = text.strip(" ")
    reason = _why_not(text, plain_http=plain_http)
    if reason:
        raise RefusedError(f"{_shown(text)}: {reason}")
    parts = urlsplit(text)
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    port = parts.port or _PORTS[parts.scheme]
    return Origin(parts.scheme, host, port, parts.path.rstrip("/"))


def _shown(text: str) -> str:
    """An address in quotes, without a password that may be in it."""
    short = text if len(text) <= 200 else f"{text[:200]}..."  # noqa: PLR2004
    return repr(without_password(short))


def without_password(text: str) -> str:
    """An address whose name and password, if it has any, are stars."""
    return re.sub(r"//.*@", "//***@", text)  # a password may hold a slash


def _why_not(text: str, *, plain_http: bool) -> str:
    """Why an address is not asked; empty if it is."""
    if not text or len(text) > _MOST_CHARACTERS:
        return f"an address has from 1 to {_MOST_CHARACTERS:,} characters"
    if any(not "!" <= char <= "~" for char in text):
        return "blanks, control characters and letters beyond ASCII are refused"
    if "://" not in text:
        return _why_no_url(text)
    if text.startswith("-") or _TRANSPORT.match(text):
        return "that would run a program; only https is asked"
    schemes = ("https", "http") if plain_http else ("https",)
    scheme = text.partition("://")[0]
    if scheme not in schemes:
        advice = "write https://HOST/PATH"
        return f"{scheme}:// is not asked; {advice}"
    return _why_no_address(text)


def _why_no_url(text: str) -> str:
    if text.startswith("-"):
        return "is an option, no address"
    if _TRANSPORT.match(text):
        return "that would run a program; only https is asked"
    if _SCP.fullmatch(text):
        host, _, path = text.rpartition("@")[2].partition(":")
        return f"ssh is not spoken; write https://{host}/{path.lstrip('/')}"
    return "is no address; write https://HOST/PATH"


def _why_no_address(text: str) -> str:  # noqa: PLR0911 - one for each fault
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.netloc.rpartition("@")[2].lower()
    except ValueError:  # it may quote a password
        return "is no address; write https://HOST/PATH"
    if "@" in parts.netloc:
        return "a name or password in an address is refused"
    bare = re.sub(r":[0-9]*$", "", host)
    if port == 0 or not _HOST.fullmatch(bare):
        return "names no host"
    if "?" in text or "#" in text:
        return "a query or fragment is refused; write the address of the repository"
    if not _PATH.fullmatch(parts.path):
        return "a path has letters, digits and -._~!'()*+,;=:%& alone"
    segments = unquote(parts.path).split("/")
    if {".", ".."} & set(segments) or "//" in parts.path.rstrip("/"):
        return "`.`, `..` and empty names in a path are refused"
    if any(not " " < char <= "~" for char in unquote(parts.path)):
        return "blanks and control characters are refused, escaped ones too"
    if not parts.path.strip("/"):
        return "names a host, and no repository on it"
    return ""


class Mirror(NamedTuple):
    """What stands in for all origins whose address begins alike.

    Attributes:
        prefix: how they begin, with a slash at the end, or a whole address.
        target: what is put in its place: the beginning of an address, or a folder.
    """

    prefix: str
    target: str | Path

    def of(self, origin: Origin) -> str | list[Path] | None:
        """Where an origin is to be had.

        Returns:
            an address; or folders, of which one may be there; or None, if this is not
            for that origin.
        """
        url = origin.url
        rest = url.removeprefix(self.prefix)
        whole = url == self.prefix.rstrip("/")
        if not whole and (rest == url or not self.prefix.endswith("/")):
            return None
        rest = "" if whole else rest
        if isinstance(self.target, str):
            return self.target + rest if rest else self.target.rstrip("/")
        path = self.target / unquote(rest)
        bare = path.with_name(path.name.removesuffix(".git"))
        return list(dict.fromkeys((path, bare, bare.with_name(f"{bare.name}.git"))))


def read_mirrors(items: Iterable[str]) -> tuple[Mirror, ...]:
    """Read rewritings, `https://host/=file:///srv/mirrors/` say.

    Raises:
        UsageError: one of them makes no sense; says how to write it.
    """
    return tuple(_mirror(item) for item in items)


def _mirror(item: str) -> Mirror:
    prefix, equals, target = item.strip().partition("=")
    wrong = f"mirror {item!r}"
    if not equals or not target:
        raise UsageError(f"{wrong}: write https://HOST/=file:///FOLDER/")
    try:
        named = urlsplit(prefix)
        host, port = named.netloc.lower(), named.port
    except ValueError as error:
        raise UsageError(f"{wrong}: {prefix!r} is no address") from error
    if named.scheme not in _PORTS or not host or "@" in host:
        raise UsageError(f"{wrong}: what is replaced begins with https://HOST/")
    host = host.removesuffix(f":{_PORTS[named.scheme]}") if port else host
    place = local_path(target)
    if place is None and not re.fullmatch(r"https?://[^@\s?#]+", target):
        raise UsageError(f"{wrong}: its place is a folder, or https://HOST/...")
    return Mirror(f"{named.scheme}://{host}{named.path or '/'}", place or target)


def local_path(text: str) -> Path | None:
    """The folder that a user names, by its path or as file://; None for a URL.

    Raises:
        UsageError: it is a folder of another machine.
    """
    if text.startswith("file://"):
        parts = urlsplit(text)
        if parts.netloc not in {"", "localhost"}:
            raise UsageError(f"{text}: is on another machine; write file:///FOLDER")
        return Path(unquote(parts.path))
    if "://" in text or "::" in text:
        return None
    return Path(text).expanduser()


def hosts_of(texts: Iterable[str | Path]) -> Iterator[tuple[str, int]]:
    """The hosts and ports of those that are addresses."""
    for text in texts:
        if isinstance(text, str) and "://" in text and not text.startswith("file:"):
            try:
                parts = urlsplit(text)
                port = parts.port or _PORTS.get(parts.scheme, 0)
            except ValueError:
                continue
            host = (parts.hostname or "").rstrip(".")
            yield (f"[{host}]" if ":" in host else host), port
