"""References and settings of a repository, read from its files."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from reverify.errors import ServiceError
from reverify.services.git.objects import FULL_ID

_MOST = 64 << 20
_NAME = re.compile(r"refs/[^\x00-\x20\x7f~^:?*\[\\]+")
_SCHEMES = {"http", "https", "ssh", "git", "git+ssh", "ssh+git"}
_SCP = re.compile(r"(?:([^@/:\s]+)@)?([A-Za-z0-9][A-Za-z0-9.-]+):(?!:|//)([^\s@]+)")


def read_small(path: Path) -> bytes:
    """Read a file of a repository: a regular one, or nothing.

    Raises:
        ServiceError: it cannot be read, or is too large to be what it should.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as stream:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
            data = stream.read(_MOST + 1) if regular else b""
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""
    except OSError as error:
        raise ServiceError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > _MOST:
        raise ServiceError(f"{path}: is larger than {_MOST >> 20} MiB")
    return data


def is_reference_name(name: str) -> bool:
    """Whether git would take it for the name of a branch, tag or the like."""
    parts = name.split("/")
    bad = any(
        part == "" or part.startswith(".") or part.endswith(".lock") for part in parts
    )
    return bool(_NAME.fullmatch(name)) and not bad and ".." not in name


def packed_references(common: Path) -> Iterator[tuple[str, str]]:
    """Pairs of name and id that lie in one file."""
    for line in (
        read_small(common / "packed-refs")
        .decode("utf-8", "surrogateescape")
        .split("\n")
    ):
        id, _, name = line.partition(" ")
        if FULL_ID.fullmatch(id) and is_reference_name(name):
            yield name, id


def loose_references(common: Path) -> Iterator[tuple[str, str]]:
    """Pairs of name and id, or `ref: NAME`, that lie in a file each."""
    top = common / "refs"
    for folder, folders, files in os.walk(top):
        folders.sort()
        for file in sorted(files):
            name = f"refs/{(Path(folder) / file).relative_to(top).as_posix()}"
            if is_reference_name(name):
                yield name, one_reference(Path(folder) / file)


def one_reference(path: Path) -> str:
    """What a file with one reference says: an id, or `ref: NAME`; "" if naught."""
    text = read_small(path)[:4096].decode("utf-8", "surrogateescape").strip()
    if text.startswith("ref:"):
        return f"ref: {text.removeprefix('ref:').strip()}"
    return text if FULL_ID.fullmatch(text) else ""


def public_address(address: str) -> str | None:
    """An address of a repository that may be shown to others, or None.

    Who is asked for, and with what secret, is left out; the user `git` of ssh, whom
    everybody is there, stays. A path of this machine is no address.
    """
    address = address.strip()
    if not address.isprintable() or " " in address:
        return None
    return _of_url(address) if "://" in address else _of_scp(address)


def _of_scp(address: str) -> str | None:
    """An address as `scp` takes it, `git@example.org:rain/sums.git` say."""
    match = _SCP.fullmatch(address)
    if match is None:
        return None
    user = "git@" if match[1] == "git" else ""
    return f"{user}{match[2]}:{match[3]}"


def _of_url(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        return None
    if "@" in parts.path:
        return None  # a slash in a password makes a path of the rest of it
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = "git@" if "ssh" in parts.scheme and parts.username == "git" else ""
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "", ""))
