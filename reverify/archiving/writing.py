"""Writing into a manifest where the archive has its code; all else in it stays.

Only two keys of `code` are written, and only if the archive was seen to have visited
that origin and to have found the commit there: `swh_origin_url`, `swh_snapshot_id`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from reverify.archiving.looking import CodeFound
from reverify.capsules.manifest import read_manifest
from reverify.errors import CapsuleError
from reverify.model.capsule import Manifest

ORIGIN, SNAPSHOT = "swh_origin_url", "swh_snapshot_id"
_SPACE = re.compile(r"[ \t\n\r]*")


class _Value(NamedTuple):
    start: int
    end: int


def archived_in(found: CodeFound) -> dict[str, str]:
    """What can be written down of a state of code; nothing unless it was seen."""
    if found.seen is None or found.origin is None:
        return {}
    snapshot = f"swh:1:snp:{found.seen.visit.snapshot}"
    return {ORIGIN: found.origin.url, SNAPSHOT: snapshot}


def with_archive(manifest: Manifest, values: Mapping[str, str]) -> Manifest:
    """The same manifest with other values of some keys of `code`.

    Bytes that need not change do not.

    Args:
        manifest: its `code` is an object.
        values: by key.

    Raises:
        CapsuleError: it cannot be done without changing something else.
    """
    data = manifest.data
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    text = data[len(mark) :].decode("utf-8")
    code = dict(_members(text, 0)).get("code")
    if code is None or text[code.start] != "{":
        raise CapsuleError("/code: is not there, so nothing can be written into it")
    members = dict(_members(text, code.start))
    for key, value in sorted(
        values.items(), key=lambda item: -members.get(item[0], code).start
    ):
        if key in members:
            start, end = members[key]
            text = text[:start] + json.dumps(value) + text[end:]
    # What was replaced stands behind the brace; so does what comes now.
    new = [(key, value) for key, value in values.items() if key not in members]
    if new:
        text = _insert(text, code.start, new)
    made = read_manifest(mark + text.encode(), "manifest")
    wanted = dict(manifest.document)
    wanted["code"] = {**wanted["code"], **values}
    if made.document != wanted:  # pragma: no cover - a fault of ours is not written
        raise CapsuleError("/code: could not be written without changing the rest")
    return made


def _insert(text: str, start: int, new: list[tuple[str, str]]) -> str:
    """Put members behind the last one of the object that begins at a place."""
    members = list(_members(text, start))
    first = _skip(text, start + 1)
    gap = text[start + 1 : first] if members else ""
    colon = ": "
    if members:
        colon = ": " if text[members[0][1].start - 1] == " " else ":"
    items = [f"{json.dumps(key)}{colon}{json.dumps(value)}" for key, value in new]
    if not members:
        return f"{text[: start + 1]}{', '.join(items)}{text[first:]}"
    last = members[-1][1].end
    separator = f",{gap or ' '}" if colon == ": " else f",{gap}"
    added = "".join(separator + item for item in items)
    return f"{text[:last]}{added}{text[last:]}"


def _members(text: str, start: int) -> Iterator[tuple[str, _Value]]:
    """The keys of an object, and where their values stand.

    Args:
        text: well-formed JSON.
        start: where the object begins, or blanks before it.
    """
    decoder = json.JSONDecoder()
    at = _skip(text, _skip(text, start) + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        _, end = decoder.raw_decode(text, begin)
        yield key, _Value(begin, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
