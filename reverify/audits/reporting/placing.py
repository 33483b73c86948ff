"""Where the records of a crate go: a folder that can be laid over its storage root.

Source: OCFL 1.1, 3.1 Object Structure and 3.4 Logs Directory: what is in `logs` is no
part of the versioned content.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from reverify.audits.reporting.row import Row

_MOST_BYTES = 255
"""What file systems take for one name."""
_UNSAFE = re.compile("[\x00/]")
BESIDE = ".premis"


def record_path(row: Row, run: int, roots: Sequence[str]) -> str:
    """The relative path of the record of a crate and run; it never climbs out.

    Of an OCFL object it lies in its `logs`, of other crates in a folder beside the
    crate. Paths begin below the root if there is one, else below `/`, or the host.

    Args:
        row: the crate.
        run: the number of the run.
        roots: where crates were looked for.
    """
    crate, name = row.check.crate, f"run-{run:06}"
    if row.object is None:
        parts = _below(crate, roots)
        folder = [*parts[:-1], _safe(parts[-1] + BESIDE)]
        return "/".join([*folder, f"{name}.xml"])
    if PurePosixPath(crate) != PurePosixPath(row.object):  # one of several, perhaps
        name = f"{name}-{_digest(crate)}"
    inside = _below(row.object, roots, itself=True)
    return "/".join([*inside, "logs", f"reverify-fixity-{name}.xml"])


def _below(location: str, roots: Sequence[str], *, itself: bool = False) -> list[str]:
    """The parts of a path below the only root, or below the root of all."""
    parts = _parts(location)
    if len(roots) == 1:
        start = _parts(roots[0])
        if parts[: len(start)] == start:
            below = parts[len(start) :]
            return below if below or itself else parts[-1:] or ["crate"]
    return parts or ["crate"]


def _parts(location: str) -> list[str]:
    """The parts of a path or an address, none of which leads upwards."""
    if "://" in location:
        try:
            address = urlsplit(location)
            location = f"{address.scheme}/{address.netloc}/{address.path}"
            location += f"?{address.query}" if address.query else ""
        except ValueError:  # brackets that are no IPv6 address
            location = location.replace("://", "/", 1)
    return [_safe(part) for part in location.split("/") if part not in {"", "."}]


def _safe(part: str) -> str:
    """A part of a path as one name: as it is, if it can be one."""
    if part == "..":
        return "%2E%2E"
    name = _UNSAFE.sub(lambda match: f"%{ord(match.group()):02X}", part)
    try:
        written = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no bytes of a name can have become this
        name = name.encode("utf-8", "backslashreplace").decode()
        written = name.encode()
    if len(written) <= _MOST_BYTES:
        return name
    kept = written[: _MOST_BYTES - 17].decode("utf-8", "ignore")
    return f"{kept}-{_digest(part)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
