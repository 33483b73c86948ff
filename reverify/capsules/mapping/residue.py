"""What the graph cannot say of a manifest, kept as a patch of the manifest.

Source: RFC 6902, JavaScript Object Notation (JSON) Patch.
"""

import json
from typing import Any

from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.terms import own

KIND = "residue"
NAME = "what the graph does not say of the capsule manifest"
_DESCRIPTION = (
    "A JSON Patch (RFC 6902). Applied to the manifest that is read from this graph, it"
    " gives the manifest as it was, where null, missing and empty differ, for example."
)
_OPERATIONS = frozenset({"add", "remove", "replace", "move"})
"""What a patch of ours holds. `copy` would let a small patch grow without bounds."""


def residue(read: Json, wanted: Json) -> str:
    """What is missing of a manifest that was read; empty if nothing is.

    Returns:
        the text of a patch.
    """
    import jsonpatch  # noqa: PLC0415 - seldom wanted

    if same(read, wanted):
        return ""
    patch = list(jsonpatch.make_patch(read, wanted))
    text = json.dumps(patch, ensure_ascii=False)
    mended, _ = patched(read, text)
    if mended is None or not same(mended, wanted):
        # 1, 1.0 and true are equal to the library in places.
        whole = [{"op": "replace", "path": "", "value": wanted}]
        text = json.dumps(whole, ensure_ascii=False)
    return text


def patched(read: Json, text: object) -> tuple[Json | None, str]:
    """Apply a patch to what was read.

    Returns:
        the manifest, or None and why the patch cannot be applied.
    """
    import jsonpatch  # noqa: PLC0415
    import jsonpointer  # noqa: PLC0415

    try:
        patch = json.loads(text) if isinstance(text, str) else None
        if not isinstance(patch, list) or not all(map(_is_ours, patch)):
            return None, "it is no patch of the kind that is written"
        found = jsonpatch.apply_patch(read, patch)
    except (
        ValueError,
        TypeError,
        KeyError,
        RecursionError,
        jsonpatch.JsonPatchException,
        jsonpointer.JsonPointerException,
    ) as error:
        return None, str(error)[:200]
    return (found, "") if isinstance(found, dict) else (None, "it leaves no object")


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether two JSON values are the same, 1 and true kept apart."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def properties(text: str) -> Json:
    """The PropertyValue that holds a patch."""
    return {
        "name": NAME,
        "description": _DESCRIPTION,
        "propertyID": own(KIND),
        "value": text,
    }


def _is_ours(operation: object) -> bool:
    return isinstance(operation, dict) and operation.get("op") in _OPERATIONS
