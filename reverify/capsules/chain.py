"""The digests that hold the registry together.

Each version has a digest over all that is kept of it, over the digest of the version
before, and over that of the registration before, of whatever capsule. So a row that
was changed, removed, put in or put elsewhere shows, unless every digest after it was
made anew too. docs/reference/registry.md says the same, byte by byte.
"""

import hashlib
import json
from collections.abc import Sequence

from reverify.errors import DamagedError
from reverify.model.registry import KeptFile, Version

_VERSION_TAG = "reverify capsule version 1"


def files_digest(files: Sequence[KeptFile]) -> str:
    """SHA-256 over one line for each file, lower-case hexadecimal."""
    lines = (
        _line([position, f.role, f.path, f.sha256, f.size, f.place, f.base])
        for position, f in enumerate(files)
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()


def version_digest(version: Version) -> str:
    """SHA-256 over one line with all that is kept of a version but its digest."""
    values = [
        _VERSION_TAG,
        version.sequence,
        version.capsule,
        version.number,
        version.created,
        version.title,
        version.status,
        version.manifest_sha256,
        version.files_sha256,
        version.previous,
        version.before,
    ]
    return hashlib.sha256(_line(values)).hexdigest()


def checked(version: Version) -> Version:
    """The version, if it is what was registered.

    Raises:
        DamagedError: it is not.
    """
    try:
        holds = version_digest(version) == version.digest
    except (TypeError, ValueError):
        holds = False
    if not holds:
        raise DamagedError(
            f"registration {version.sequence} ({version.name}) is not what was"
            " registered: its digest does not hold",
            "`reverify capsule verify-db` tells what is wrong; restore a copy of the"
            " database",
        )
    return version


def _line(values: list[object]) -> bytes:
    """A JSON array in ASCII without blanks, and a line feed."""
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
