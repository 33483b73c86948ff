"""What the archive is asked about: the code that a location names."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from reverify.model.origins import SCP, normalised
from reverify.model.swhid import Swhid
from reverify.services.addresses import is_public

_OTHER_SCHEMES = ("ssh://", "git://", "git+ssh://", "git+https://", "git+http://")
_INSIDE = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".corp")
_SHA1_DIGITS = 40


class SubjectKind(StrEnum):
    """What is at a location."""

    CRATE = "crate"
    CAPSULE = "capsule"
    REPOSITORY = "repository"
    ORIGIN = "origin"


class Named(NamedTuple):
    """An object that a location names.

    Attributes:
        swhid: the core identifier.
        what: commit, tree, tag, file, or identifier where it is only written so.
        of: whose it is: the @id of an entity, or a path.
    """

    swhid: str
    what: str
    of: str = ""


class Code(NamedTuple):
    """A state of code, as far as it is named.

    Attributes:
        origin: the address of its repository, as the archive would know it, or "".
        commit: its id, 40 digits, or "".
        tree: the same of its root tree.
        objects: the core identifiers of all that is named of it.
    """

    origin: str = ""
    commit: str = ""
    tree: str = ""
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A location, read.

    Attributes:
        location: as the user wrote it.
        kind: what is there.
        named: the objects that it names, each once.
        codes: the same, put together by what belongs together.
        remarks: what a reader should know of it, one sentence each.
        unasked: what of it cannot be asked, and why, one sentence each.
    """

    location: str
    kind: SubjectKind
    named: tuple[Named, ...] = ()
    codes: tuple[Code, ...] = ()
    remarks: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()

    @property
    def origins(self) -> tuple[str, ...]:
        """The addresses of repositories, each once."""
        return tuple(dict.fromkeys(code.origin for code in self.codes if code.origin))


class Collected:
    """Puts together what a location names, and remarks on what cannot be asked."""

    def __init__(self) -> None:
        self._named: dict[str, Named] = {}
        self._codes: list[Code] = []
        self._remarks: dict[str, None] = {}
        self._unasked: dict[str, None] = {}

    def remark(self, text: str) -> None:
        """Say what a reader should know."""
        self._remarks[text] = None

    def leave_out(self, text: str) -> None:
        """Say what cannot be asked, so that it cannot be told."""
        self._unasked[text] = None

    def name(self, swhid: str, what: str, of: str = "") -> str:
        """Name an object; the first word for it counts."""
        self._named.setdefault(swhid, Named(swhid, what, of))
        return swhid

    def name_git(self, kind: str, what: str, id: str, of: str = "") -> str:
        """Name an object of git by its digits; gives its core identifier, or ""."""
        if len(id) != _SHA1_DIGITS:
            self.leave_out(
                f"{what} {id} is of a SHA-256 repository, which SWHID version 1 has no"
                " way to name"
            )
            return ""
        return self.name(Swhid(kind, id).core, what, of)

    def add_code(
        self,
        *,
        origin: str = "",
        commit: str = "",
        tree: str = "",
        objects: Iterable[str] = (),
        of: str = "",
    ) -> None:
        """Take in a state of code."""
        found = [self.name_git("rev", "commit", commit, of)] if commit else []
        found += [self.name_git("dir", "tree", tree, of)] if tree else []
        found += objects
        self._codes.append(
            Code(
                origin=self._origin(origin),
                commit=commit if len(commit) == _SHA1_DIGITS else "",
                tree=tree if len(tree) == _SHA1_DIGITS else "",
                objects=tuple(dict.fromkeys(filter(None, found))),
            )
        )

    def _origin(self, address: str) -> str:
        if not address:
            return ""
        url = web_address(address)
        if url is None:
            self.remark(f"{address} is no address that the archive could visit")
            return ""
        return url

    def subject(self, location: str, kind: SubjectKind) -> Subject:
        """All of it."""
        return Subject(
            location=location,
            kind=kind,
            named=tuple(self._named.values()),
            codes=_merged(self._codes),
            remarks=tuple(self._remarks),
            unasked=tuple(self._unasked),
        )


def _merged(codes: Iterable[Code]) -> tuple[Code, ...]:
    """Each state of code once, with all that is named of it."""
    found: dict[tuple[str, str], Code] = {}
    for code in codes:
        if not (code.origin or code.objects):
            continue
        key = normalised(code.origin), code.commit
        first = found.setdefault(key, code)
        if first is not code:
            objects = dict.fromkeys((*first.objects, *code.objects))
            tree = first.tree or code.tree
            found[key] = first._replace(tree=tree, objects=tuple(objects))
    located = {code.commit: key for key, code in found.items() if code.origin}
    for key, code in list(found.items()):
        place = located.get(code.commit)
        if code.commit and not code.origin and place is not None:
            # Somebody else says where this commit is from.
            first = found[place]
            objects = dict.fromkeys((*first.objects, *code.objects))
            tree = first.tree or code.tree
            found[place] = first._replace(tree=tree, objects=tuple(objects))
            del found[key]
    return tuple(found.values())


def web_address(address: str) -> str | None:
    """The address under which an archive would know a repository; None if none can.

    Archives visit the web: an address of ssh, or as scp takes it, becomes https.
    """
    text = address.strip()
    if scp := SCP.fullmatch(text):
        text = f"https://{scp['host']}/{scp['path']}"
    for scheme in _OTHER_SCHEMES:
        if text.lower().startswith(scheme):
            rest = text[len(scheme) :]
            plain = scheme == "git+http://"
            text = f"{'http' if plain else 'https'}://{rest.removeprefix('git@')}"
    try:
        parts = urlsplit(text)
        found = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    if not found or "@" in parts.netloc or not text.isprintable() or " " in text:
        return None
    return text


def why_not_told(origin: str, archive: str) -> str:
    """Why an archive is not told of an address; empty if it may be told.

    What only a private network knows is nobody else's business; an archive of that
    network may know it.

    Args:
        origin: the address of a repository.
        archive: the base of the archive's API.
    """
    reason = _why_private(origin)
    if not reason or _why_private(archive):
        return ""
    return f"{reason}, which a public archive is not told of"


def _why_private(address: str) -> str:
    host = (urlsplit(address).hostname or "").rstrip(".").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if "." in host and not host.endswith(_INSIDE):
            return ""
        return f"{host} is a name of a private network"
    return "" if is_public(host) else f"{host} is an address of a private network"


def is_origin(location: str) -> bool:
    """Whether a location is the address of a repository, and not of a crate.

    A crate's ends as crates do: in `.zip`, `.json` and so on.
    """
    if SCP.fullmatch(location) or location.lower().startswith(_OTHER_SCHEMES):
        return True
    if not re.match("https?://", location, re.IGNORECASE):
        return False
    try:
        parts = urlsplit(location)
    except ValueError:
        return False
    path = parts.path.lower().rstrip("/")
    if (parts.hostname or "") in {"doi.org", "dx.doi.org"}:
        return False
    return not path.endswith(
        (".zip", ".eln", ".json", ".jsonld", ".tar", ".tgz", ".gz", ".bz2", ".xz")
    )
