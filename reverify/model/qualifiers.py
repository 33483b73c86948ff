"""The qualifiers of a SWHID: which of them count, and what is odd about the others.

A qualifier that is unknown or wrong is ignored, and a remark says so; it does not make
the identifier wrong, since what is identified is said by the core alone.

Source: SWHID specification v1.2 (ISO/IEC 18670:2025), clause 6.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

QUALIFIERS = ("origin", "visit", "anchor", "path", "lines", "bytes")
"""All that there are, in the canonical order."""
_CORE = r"swh:1:(?:{types}):[0-9a-f]{{40}}"
_SNAPSHOT = re.compile(_CORE.format(types="snp"))
_ANCHOR = re.compile(_CORE.format(types="dir|rev|rel|snp"))
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f-\x9f]+")
_SPACE = re.compile(r"\s")
_IN_ORIGIN = re.compile(r"[%;\s\x00-\x1f\x7f-\x9f]")
_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_NEEDS = {"visit": "origin", "anchor": "path"}


class Read(NamedTuple):
    """What was read.

    Attributes:
        pairs: name and value of those that count, escaped, in the canonical order.
        remarks: what is odd, one sentence each.
    """

    pairs: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


def read_qualifiers(type: str, parts: list[str]) -> Read:
    """Read what follows a core identifier.

    Args:
        type: of the object that is identified: cnt, dir, rev, rel or snp.
        parts: what stands between the semicolons, `name=value` each.
    """
    remarks: list[str] = []
    said: dict[str, str] = {}
    unclear = set()
    for part in parts:
        text = part.strip()
        name, equals, value = text.partition("=")
        problem = _form(text, name, equals)
        if problem:
            remarks.append(problem)
            continue
        if text != part:
            remarks.append(f"white space beside the qualifier {name!r} is passed over")
        read = _VALUES[name](value)
        if isinstance(read, _Ignored):
            remarks.append(f"the qualifier {part!r} is ignored: {read.reason}")
        elif name in said and said[name] != read:
            unclear.add(name)
        else:
            if name in said:
                remarks.append(f"the qualifier {name!r} stands twice")
            elif _BARE_PERCENT.search(value):
                remarks.append(f"a % in {part!r} begins no escape; write it as %25")
            said[name] = read
    for name in sorted(unclear):
        del said[name]
        remarks.append(
            f"the qualifier {name!r} stands twice with different values; none of them"
            " counts"
        )
    remarks += _ignored_in_company(type, said)
    return Read(
        tuple((name, said[name]) for name in QUALIFIERS if name in said), tuple(remarks)
    )


def escape_origin(origin: str) -> str:
    """Write an address as the value of `origin`.

    Raises:
        ValueError: it is no address.
    """
    if not _ADDRESS.fullmatch(origin):
        raise ValueError(
            f"{origin!r} is no address of an origin; one begins with a scheme, as in"
            " https://example.org/rain/sums, and holds no white space"
        )
    return _in_origin(origin)


def escape_path(path: bytes) -> str:
    """Write a path as the value of `path`; it begins at the root, with or without /."""
    return f"/{quote(path.lstrip(b'/'), safe='/')}"


def unescape(value: str) -> str:
    """The text that a value stands for; bytes that are no UTF-8 are half surrogates."""
    return unquote_to_bytes(value).decode("utf-8", "surrogateescape")


def check_range(text: str, first: int) -> str:
    """Read the value of `lines` or `bytes`: `n`, or `n-m`.

    Args:
        text: the value.
        first: the number of the first line or byte.

    Raises:
        ValueError: it is none.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError("it must be a number, or two with a - between them")
    start, end = int(match[1]), int(match[2] or match[1])
    if start < first:
        raise ValueError(f"the first is {first}")
    if end < start:
        raise ValueError("it ends before it begins")
    return f"{start}-{end}" if match[2] else f"{start}"


class _Ignored(NamedTuple):
    reason: str


_Reader = Callable[[str], str | _Ignored]


def _form(text: str, name: str, equals: str) -> str | None:
    """What is wrong with the form of a qualifier, or None."""
    if not text:
        return "a semicolon without a qualifier is passed over"
    if not equals:
        return f"{text!r} is ignored: it is no qualifier, which has the form name=value"
    if name not in QUALIFIERS:
        known = ", ".join(QUALIFIERS)
        return f"the qualifier {name!r} is ignored: it is unknown; there are {known}"
    return None


def _origin(value: str) -> str | _Ignored:
    if _SPACE.search(value):
        return _Ignored("it holds white space, as text has that was broken into lines")
    origin = unescape(value)
    if not _ADDRESS.fullmatch(origin) or not _is_unicode(origin):
        if _ADDRESS.fullmatch(value):
            return _Ignored(
                "an escape of the address itself is written %25, as in %2520"
            )
        return _Ignored("it is no address, which begins with a scheme as in https:")
    return _in_origin(origin)


def _in_origin(origin: str) -> str:
    return _IN_ORIGIN.sub(lambda found: quote(found[0], safe=""), origin)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _core_of(pattern: re.Pattern[str], types: str) -> _Reader:
    def read(value: str) -> str | _Ignored:
        if pattern.fullmatch(value):
            return value
        return _Ignored(f"it must be a core SWHID of type {types}")

    return read


def _path(value: str) -> str | _Ignored:
    if _SPACE.search(value):
        return _Ignored("it holds white space; write a blank as %20")
    path = unquote_to_bytes(value)
    if not path.startswith(b"/"):
        return _Ignored("it must begin with /")
    if b"\0" in path or {b".", b".."} & set(path.split(b"/")):
        return _Ignored("no path below a root directory is so")
    return quote(path, safe="/")


def _range_from(first: int) -> _Reader:
    def read(value: str) -> str | _Ignored:
        try:
            return check_range(value, first)
        except ValueError as error:
            return _Ignored(str(error))

    return read


def _ignored_in_company(type: str, said: dict[str, str]) -> list[str]:
    """Take out those that count only beside another, and say so."""
    remarks = []
    for name, needed in _NEEDS.items():
        if name in said and needed not in said:
            del said[name]
            remarks.append(
                f"the qualifier {name!r} is ignored: it counts only beside {needed!r}"
            )
    for name in ("lines", "bytes"):
        if name in said and type != "cnt":
            del said[name]
            remarks.append(f"the qualifier {name!r} is ignored: only a cnt has {name}")
    if "lines" in said and "bytes" in said:
        del said["lines"]
        remarks.append("the qualifier 'lines' is ignored: 'bytes' goes before it")
    return remarks


_VALUES: Mapping[str, _Reader] = {
    "origin": _origin,
    "visit": _core_of(_SNAPSHOT, "snp"),
    "anchor": _core_of(_ANCHOR, "dir, rev, rel or snp"),
    "path": _path,
    "lines": _range_from(1),
    "bytes": _range_from(0),
}
