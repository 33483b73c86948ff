"""Names that are made of a digest: `nih:`, `ni:` and `hash:` URIs.

Source: RFC 6920, sections 3 and 7; the hash URI scheme.
"""

import base64
import binascii
import re

from reverify.crates.digests import algorithm

_NIH = re.compile(r"nih:([A-Za-z0-9-]+);([0-9A-Fa-f-]+)(?:;([0-9A-Fa-f]))?")
_NI = re.compile(r"ni://[^/]*/([A-Za-z0-9-]+);([A-Za-z0-9_-]+)=*(?:\?.*)?")
_HASH = re.compile(r"hash://([A-Za-z0-9-]+)/([0-9A-Fa-f]+)")
_SUITES = {
    "1": "sha-256",
    "2": "sha-256-128",
    "3": "sha-256-120",
    "4": "sha-256-96",
    "5": "sha-256-64",
    "6": "sha-256-32",
}
"""Source: RFC 6920, section 9.4, "Named Information Hash Algorithm Registry"."""


def read_name(id: str) -> tuple[str, str] | None:
    """Read a name that is made of a digest.

    Returns:
        the algorithm, by hashlib's name where it has one, and the lower-case
        hexadecimal digits; a check digit that does not fit them stays behind them,
        after a semicolon. None if it is no such name.
    """
    if match := _NIH.fullmatch(id):
        name = _SUITES.get(match[1], match[1].lower())
        digest = match[2].replace("-", "").lower()
        if match[3] and match[3].lower() != check_digit(digest):
            digest += f";{match[3].lower()}"
    elif match := _HASH.fullmatch(id):
        name, digest = match[1].lower(), match[2].lower()
    elif match := _NI.fullmatch(id):
        name = match[1].lower()
        try:
            padded = match[2] + "=" * (-len(match[2]) % 4)
            digest = base64.urlsafe_b64decode(padded).hex()
        except (binascii.Error, ValueError):
            digest = match[2]
    else:
        return None
    return (algorithm(name) or name), digest


def check_digit(digits: str) -> str:
    """The digit behind a `nih:` name, which tells of a mistyped one.

    Args:
        digits: lower-case hexadecimal digits.

    Source: RFC 6920, section 7, "Luhn mod N algorithm", N being 16.
    """
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit, 16) * (1 if index % 2 else 2)
        total += value // 16 + value % 16
    return f"{-total % 16:x}"
