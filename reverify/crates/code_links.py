"""Links to code, taken apart: repository, commit or branch, and path.

Only texts are read here. A link pins exact content if it holds a whole commit id, in
the place where the forge has it; a branch, a tag or an abbreviation is but a hint.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from reverify.model.origins import SCP

LONGEST = 4096
_PIN = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_ABBREVIATED = range(7, 40)
_SHA1, _SHA256 = 40, 64
_VIEWS = "tree|blob|raw|commits?|archive|src|get|log"
_VIEW = re.compile(rf"(?:{_VIEWS})")
_RUN_TOGETHER = re.compile(r"(?P<name>.+?)(?P<view>tree|blob|raw|commit|archive)")
_PAGES = frozenset({
    "actions", "blame", "branches", "compare", "discussions", "find", "forks", "graphs",
    "issues", "labels", "merge_requests", "milestones", "network", "packages",
    "pipelines", "pulls", "pull", "releases", "security", "stargazers", "tags",
    "wiki", "wikis", "edit", "projects", "pulse", "watchers", "downloads",
})  # fmt: skip
_TWO_LEVELS = frozenset({
    "github.com", "www.github.com", "bitbucket.org", "codeberg.org", "git.sr.ht",
    "gitea.com",
})  # fmt: skip
_DEEPER = frozenset({"gitlab.com", "gitlab.org", "framagit.org", "git.overleaf.com"})
_FORGE_NAMES = re.compile(r"(?:git|gitlab|gitea|forgejo|forge|code)\..+")
_RAW_HOSTS = frozenset({"raw.githubusercontent.com", "raw.github.com"})
_ARCHIVE = re.compile(r"(.+?)(?:\.tar(?:\.gz|\.bz2|\.xz)?|\.tgz|\.zip)")
_PIP = re.compile(r"git\+(?:https?|ssh|git)://", re.IGNORECASE)
_PURL = re.compile(
    r"pkg:(?P<type>[A-Za-z][A-Za-z0-9.+-]*)/(?P<name>[^@?#\s]+)"
    r"(?:@(?P<version>[^?#\s]*))?(?:\?(?P<qualifiers>[^#\s]*))?(?:#(?P<path>\S*))?"
)
_PURL_HOSTS = {
    "github": "github.com/",
    "gitlab": "gitlab.com/",
    "bitbucket": "bitbucket.org/",
    "git": "",
}
_SCHEMES = frozenset({"http", "https", "git", "ssh", "git+ssh", "ssh+git"})


class Link(NamedTuple):
    """A link to code.

    Attributes:
        origin: the address of the repository.
        ref: a whole commit id, lower case; a branch, tag or abbreviation; or "".
        path: in the repository, POSIX, decoded; "" if it leads to all of it.
        odd: what is odd about how it is written, as the end of a sentence.
        is_file: whether the path is said to be that of a file.
    """

    origin: str
    ref: str = ""
    path: str = ""
    odd: str = ""
    is_file: bool = False

    @property
    def is_pin(self) -> bool:
        """Whether it fixes exact content."""
        return is_pin(self.ref)


class Malformed(NamedTuple):
    """A text that means to lead to code, and does not.

    Attributes:
        reason: the end of a sentence.
        meant: what was meant, where that can be known, or "".
    """

    reason: str
    meant: str = ""


def is_pin(text: str) -> bool:
    """Whether a text is a whole commit id, and nothing else."""
    return _PIN.fullmatch(text) is not None


def is_abbreviated(text: str) -> bool:
    """Whether a text may be the beginning of a commit id."""
    return len(text) in _ABBREVIATED and _HEX.fullmatch(text) is not None


def digits_fault(text: str) -> str:
    """What is wrong with digits that should be a commit id; "" if nothing is."""
    if is_pin(text) or is_abbreviated(text):
        return ""
    if not _HEX.fullmatch(text):
        return f"{_short(text)} is not hexadecimal"
    if len(text) in {_SHA1, _SHA256}:
        return "its digits should be in lower case"
    return f"it has {len(text)} digits; a commit id has 40, or 64 by SHA-256"


def read_link(text: str) -> Link | Malformed | None:  # noqa: PLR0911 - by shape
    """Read a link to code.

    Returns:
        the link; or what is wrong with it; None if it leads to no code that can be
        told from the text.
    """
    text = text.strip()
    if len(text) > LONGEST or not text:
        return None
    if match := _PURL.fullmatch(text):
        return _package(match)
    if _PIP.match(text):
        return _pip(text)
    if scp := SCP.fullmatch(text):
        return Link(text) if scp["path"].endswith(".git") else None
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or not host:
        return None
    base = f"{parts.scheme}://{parts.netloc}"
    segments = [part for part in parts.path.split("/") if part]
    if host in _RAW_HOSTS:
        return _raw(segments)
    if host == "codeload.github.com":
        return _codeload(segments)
    return _forge(base, host, segments)


def read_repository(text: str) -> Link | Malformed:
    """Read what should be the address of a repository, a link into it included."""
    found = read_link(text)
    if found is not None:
        return found
    text = text.strip()
    try:
        parts = urlsplit(text)
        good = bool(parts.hostname) and parts.scheme in _SCHEMES
    except ValueError:
        good = False
    if SCP.fullmatch(text):
        return Link(text)
    if good and not re.search(r"\s", text):
        path = parts.path.rstrip("/")
        return Link(f"{parts.scheme}://{parts.netloc}{path}")
    return Malformed(f"{_short(text)} is no address of a repository")


# -- forges ----------------------------------------------------------------------------


def _forge(base: str, host: str, segments: list[str]) -> Link | Malformed | None:
    """Read a page of a forge: GitHub, GitLab, Bitbucket, Gitea, Forgejo, SourceHut."""
    known = host in _TWO_LEVELS
    forge = known or host in _DEEPER or bool(_FORGE_NAMES.fullmatch(host))
    if wrong := _run_together(base, segments, known=known):
        return wrong
    dashed = "-" in segments[2:-1]
    if dashed:
        at = segments.index("-", 2)
        name, rest = segments[:at], segments[at + 1 :]
    else:
        at = _view_at(segments, known=known)
        name, rest = segments[:at], segments[at:]
    origin = f"{base}/{'/'.join(name)}"
    if not rest:
        is_repository = (known and len(name) == 2) or (  # noqa: PLR2004
            len(name) > 1 and (host in _DEEPER or name[-1].endswith(".git"))
        )
        return Link(origin) if is_repository else None
    origin = origin.removesuffix(".git") if origin.endswith(".git") else origin
    return _view(origin, rest, trusted=forge or dashed)


def _view_at(segments: list[str], *, known: bool) -> int:
    """Where the name of the repository ends."""
    for at, segment in enumerate(segments):
        if at >= 2 and (known or _VIEW.fullmatch(segment)):  # noqa: PLR2004
            return at
    return len(segments)


def _view(origin: str, rest: list[str], *, trusted: bool) -> Link | None:
    view, *rest = rest
    if view == "releases" and rest[:1] in (["tag"], ["download"]) and len(rest) > 1:
        return Link(origin, unquote(rest[1])) if trusted else None
    if not _VIEW.fullmatch(view) or not rest:
        return None
    if rest[0] in {"commit", "branch", "tag"} and len(rest) > 1:  # Gitea, Forgejo
        rest = rest[1:]
    if view in {"archive", "get"}:
        return _archive(origin, rest, trusted=trusted)
    ref, odd = _spelled(unquote(rest[0]))
    path = rest[1:]
    if not is_pin(ref):
        if not trusted:
            return None
        if rest[:2] in (["refs", "heads"], ["refs", "tags"]):
            ref, path = unquote("/".join(rest[2:3])), rest[3:]
    if path[:1] == ["item"] and "git.sr.ht" in origin:
        path = path[1:]
    is_file = view in {"blob", "raw", "src"}
    return Link(origin, ref, _path(path), odd, is_file and bool(path))


def _archive(origin: str, rest: list[str], *, trusted: bool) -> Link | None:
    """A snapshot of all of it, packed: `REF.zip`, or `REF/NAME-REF.tar.gz` (GitLab)."""
    parts = rest[2:] if rest[:1] == ["refs"] and len(rest) > 2 else rest  # noqa: PLR2004
    match = _ARCHIVE.fullmatch(parts[0])
    ref, odd = _spelled(unquote(match[1] if match else parts[0]))
    return Link(origin, ref, odd=odd) if trusted or is_pin(ref) else None


def _run_together(base: str, segments: list[str], *, known: bool) -> Malformed | None:
    """Tell of the name of a repository and `tree/` that have grown together."""
    if len(segments) < 3:  # noqa: PLR2004
        return None
    owner, name, ref, *rest = segments
    match = _RUN_TOGETHER.fullmatch(name)
    follows = _VIEW.fullmatch(ref) or ref in _PAGES or ref == "-"
    if match is None or follows or not (known or is_pin(ref)):
        return None
    repository = match["name"].removesuffix(".git")
    meant = "/".join((base, owner, repository, match["view"], ref, *rest))
    return Malformed(
        f"{_short(name)} runs the name of the repository and"
        f" {match['view'] + '/'!r} together",
        meant,
    )


def _raw(segments: list[str]) -> Link | None:
    if len(segments) < 4:  # noqa: PLR2004 - owner, repository, ref, path
        return None
    origin = "https://github.com/" + "/".join(segments[:2])
    rest = segments[2:]
    if rest[0] == "refs" and len(rest) > 3:  # noqa: PLR2004
        rest = rest[2:]
    ref, odd = _spelled(unquote(rest[0]))
    return Link(origin, ref, _path(rest[1:]), odd, is_file=True)


def _codeload(segments: list[str]) -> Link | None:
    if len(segments) < 4:  # noqa: PLR2004 - owner, repository, kind, ref
        return None
    ref, odd = _spelled(unquote(segments[-1]))
    return Link("https://github.com/" + "/".join(segments[:2]), ref, odd=odd)


# -- other ways of writing it ----------------------------------------------------------


def _pip(text: str) -> Link | Malformed:
    """Read `git+https://HOST/PATH@REF`, with a path behind it or in the fragment.

    Source: pip, "VCS support"; SPDX 2.3, clause 7.7.
    """
    address, _, fragment = text[4:].partition("#")
    scheme, _, rest = address.partition("://")
    host, _, path = rest.partition("/")
    name, _, behind = path.partition("@")
    origin = f"{scheme}://{host}/{name}"
    if not host or not name:
        return Malformed(f"{_short(text)} names no repository")
    first, _, inner = behind.partition("/")
    ref, odd = _spelled(unquote(first))
    if not is_pin(ref):  # names of branches may hold slashes
        ref, inner = unquote(behind), ""
    parts = [part for part in fragment.split("&") if part]
    options = dict(part.partition("=")[::2] for part in parts if "=" in part)
    plain = next((part for part in parts if "=" not in part), "")
    said = inner or options.get("subdirectory", "") or plain
    return Link(origin, ref, _path(said.split("/")), odd)


def _package(match: re.Match[str]) -> Link | Malformed | None:
    """Read a package URL.

    Source: ECMA-427, Package-URL, types github, gitlab, bitbucket; `vcs_url`.
    """
    for qualifier in (match["qualifiers"] or "").split("&"):
        name, _, value = qualifier.partition("=")
        if name == "vcs_url":
            return read_link(unquote(value))
    host = _PURL_HOSTS.get(match["type"].lower())
    if host is None:
        return None
    ref, odd = _spelled(unquote(match["version"] or ""))
    path = _path((match["path"] or "").split("/"))
    return Link(f"https://{host}{unquote(match['name'])}", ref, path, odd)


def _spelled(ref: str) -> tuple[str, str]:
    """A commit id in lower case, and what is odd about how it is written."""
    if not is_pin(ref) and is_pin(ref.lower()):
        return ref.lower(), digits_fault(ref)
    return ref, ""


def _path(segments: list[str]) -> str:
    """A path in a repository; "" where the text is none."""
    parts = [unquote(part) for part in segments if part]
    if any(part in {".", ".."} or "/" in part or "\0" in part for part in parts):
        return ""
    return "/".join(parts)


def _short(text: str) -> str:
    shown = text if len(text) <= 200 else f"{text[:200]}..."  # noqa: PLR2004
    return repr(shown)
