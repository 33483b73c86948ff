"""What was found of a crate, packed: the same findings are the same bytes."""

import hashlib
import json
import zlib
from collections.abc import Sequence

from reverify.errors import DamagedError
from reverify.model.audit import Noted

RESTORE = "restore a copy of the database"
_MOST_FINDINGS = 256 << 20
"""Bytes of JSON that the findings of one crate may be."""


def pack(noted: Sequence[Noted]) -> tuple[bytes, str]:
    """Pack findings.

    Returns:
        the bytes to keep, and the sha256 of what is packed, lower-case hexadecimal.
    """
    text = json.dumps([list(each) for each in noted]).encode()
    return zlib.compress(text), hashlib.sha256(text).hexdigest()


def unpack(data: bytes, sha256: str) -> tuple[Noted, ...]:
    """Unpack findings.

    Raises:
        DamagedError: they are not what was packed.
    """
    packed = zlib.decompressobj()
    try:
        text = packed.decompress(data, _MOST_FINDINGS)
    except (zlib.error, TypeError) as error:
        raise DamagedError("cannot be unpacked", RESTORE) from error
    if not packed.eof:
        raise DamagedError("are cut short, or larger than any", RESTORE)
    if hashlib.sha256(text).hexdigest() != sha256:
        raise DamagedError("are not what was put there", RESTORE)
    return tuple(Noted(*item) for item in json.loads(text))
