"""Reading manifests: strict JSON, the schema, and what a schema cannot say.

Source: schemas/capsule-manifest.schema.json.
"""

import functools
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

from reverify.crates.names import folded, path_fault
from reverify.crates.positions import Positions, escape
from reverify.errors import ManifestError
from reverify.model.capsule import FileRecord, Manifest

MANIFEST_BYTES = 64 << 20
_DEPTH = 64
_SHOWN = 20
_MOST_FAULTS = 1000
RESERVED = frozenset(
    {"ro-crate-metadata.json", "ro-crate-metadata.jsonld", "ro-crate-preview.html"}
)
"""Names that a crate has for itself."""
Json = dict[str, Any]


class _FaultError(ValueError):
    """What makes a text no JSON, as the end of a sentence."""


def read_manifest(data: bytes, name: str = "manifest") -> Manifest:
    """Read a manifest and see that it fits its schema.

    Args:
        data: the bytes of a JSON document in UTF-8.
        name: the file, or whatever else it came from, for errors.

    Raises:
        ManifestError: it does not; each fault names its place and what to do.
    """
    document = _parse(data, name)
    faults = _first(_schema_faults(document)) or _first(_path_faults(document))
    if faults:
        positions = Positions(data.decode("utf-8-sig"))
        shown = [_placed(positions, *fault) for fault in faults[:_SHOWN]]
        if len(faults) > _SHOWN:
            more = len(faults) - _SHOWN
            least = "at least " if len(faults) == _MOST_FAULTS else ""
            shown.append(f"and {least}{more} more faults")
        pointers = [pointer for pointer, _ in faults[:_SHOWN]]
        raise ManifestError(name, shown, pointers)
    return Manifest(data=data, document=document)


def _first(faults: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Faults in order, each once; of a great many those that are found first."""
    return sorted(itertools.islice(_once(faults), _MOST_FAULTS))


def _once(faults: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each fault once: the schema names all missing keys for each of them."""
    seen = set()
    for fault in faults:
        if fault not in seen:
            seen.add(fault)
            yield fault


def manifest_of(document: Mapping[str, Any], name: str = "manifest") -> Manifest:
    """Make a manifest of a JSON object.

    Raises:
        ManifestError: it does not fit the schema, or is no JSON.
    """
    try:
        data = write_manifest(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise ManifestError(name, [f"is no JSON: {error}"]) from error
    return read_manifest(data, name)


def write_manifest(document: Mapping[str, Any]) -> bytes:
    """Write a manifest, always in the same way."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


# -- bytes to values -------------------------------------------------------------------


def _parse(data: bytes, name: str) -> Json:
    try:
        document = _strict(data)
    except json.JSONDecodeError as error:
        reason = f"is no JSON, line {error.lineno}, column {error.colno}: {error.msg}"
        raise ManifestError(name, [reason]) from error
    except _FaultError as error:
        raise ManifestError(name, [str(error)]) from error
    except RecursionError as error:
        raise ManifestError(name, ["is nested too deeply"]) from error
    if not isinstance(document, dict):
        raise ManifestError(name, ["a manifest is a JSON object"])
    return document


def _strict(data: bytes) -> object:
    if len(data) > MANIFEST_BYTES:
        raise _FaultError(f"is larger than {MANIFEST_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _FaultError(f"is not UTF-8 text from byte {error.start} on") from error
    document = json.loads(
        text,
        object_pairs_hook=_object,
        parse_constant=_constant,
        parse_float=_number,
        parse_int=_integer,
    )
    _walk(document)
    return document


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _FaultError(f"has the key {twice!r} twice in one object")
    return found


def _constant(name: str) -> object:
    raise _FaultError(f"holds {name}, which is no JSON")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _FaultError(f"holds the number {text}, which is too large to be kept")
    return number


def _integer(text: str) -> int:
    if len(text) > 1000:  # noqa: PLR2004 - far more than anybody needs
        raise _FaultError(f"holds a number of {len(text):,} digits")
    return int(text)


def _walk(document: object) -> None:
    """Look for what is JSON, yet cannot be kept everywhere."""
    level: list[object] = [document]
    for _ in range(_DEPTH):
        texts: list[str] = []
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                texts += value
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str):
                texts.append(value)
        for text in texts:
            if not text.isascii() and re.search("[\ud800-\udfff]", text):
                raise _FaultError(f"holds half of a surrogate pair, in {text!r}")
        if not inner:
            return
        level = inner
    raise _FaultError(f"is nested more than {_DEPTH} deep")


# -- the schema ------------------------------------------------------------------------


def schema() -> Json:
    """The schema of manifests, as it is shipped."""
    shipped = resources.files("reverify") / "schemas"
    folder = shipped if shipped.is_dir() else Path(__file__).parents[2] / "schemas"
    found: Json = json.loads(
        folder.joinpath("capsule-manifest.schema.json").read_bytes()
    )
    return found


@functools.cache
def _validator() -> Any:  # noqa: ANN401 - imported where it is used
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415
    from jsonschema.validators import extend  # noqa: PLC0415

    def pattern(
        _: object, expression: str, instance: object, __: object
    ) -> Iterator[ValidationError]:
        # Python lets `$` match before a line end, JSON Schema does not.
        ours = re.sub(r"\$(?=\)*\Z)", r"\\Z", expression)
        if isinstance(instance, str) and not re.search(ours, instance):
            yield ValidationError(f"{instance!r} does not match {expression!r}")

    formats = FormatChecker(formats=())

    @formats.checks("date-time", raises=ValueError)
    def date_time(value: object) -> bool:
        return not isinstance(value, str) or bool(datetime.fromisoformat(value))

    @formats.checks("regex", raises=(re.error, OverflowError, RecursionError))
    def regex(value: object) -> bool:
        return not isinstance(value, str) or bool(re.compile(value))

    strict: Any = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]
    return strict(schema(), format_checker=formats)


def _schema_faults(document: Json) -> Iterator[tuple[str, str]]:
    """Pairs of JSON pointer and sentence."""
    leaves = itertools.chain.from_iterable(
        map(_leaves, _validator().iter_errors(document))
    )
    for leaf in leaves:
        if leaf.validator == "not" and not isinstance(leaf.instance, str):
            continue  # that it is no text is said already
        if leaf.validator == "format" and not _fits_pattern(leaf):
            continue  # the pattern is what tells how to write it
        pointer = "".join(f"/{escape(str(part))}" for part in leaf.absolute_path)
        yield pointer, _sentence(leaf)
    license = document.get("license")
    if isinstance(license, str) and not _is_spdx(license):
        reason = f"{license!r} is no SPDX licence; write CC-BY-4.0 or MIT, for example"
        yield "/license", reason


def _leaves(error: Any) -> Iterator[Any]:  # noqa: ANN401 - imported where it is used
    """The errors that tell most: of `null or a digest`, that it is no digest."""
    inner = [e for e in error.context or () if e.schema != {"type": "null"}]
    branches = {e.relative_schema_path[0] for e in inner}
    if error.validator != "oneOf" or len(branches) != 1:
        yield error
        return
    for one in inner:
        yield from _leaves(one)


def _fits_pattern(error: Any) -> bool:  # noqa: ANN401 - imported where it is used
    pattern = error.schema.get("pattern")
    return pattern is None or re.search(pattern, error.instance) is not None


_ADVICE = {
    r"^[0-9a-f]{64}$": "write 64 lower-case hexadecimal digits",
    r"^([0-9a-f]{40}|[0-9a-f]{64})$": "write the whole id in lower case, 40 digits",
    r"^https?://[^\s/?#]+[^\s]*$": "write an http or https URL",
    r"^[^@\s]+@[^@\s]+$": "write an e-mail address",
}


def _sentence(error: Any) -> str:  # noqa: ANN401, PLR0911 - one each
    shown = repr(error.instance)
    shown = shown if len(shown) < 100 else f"{shown[:100]}..."  # noqa: PLR2004
    match error.validator:
        case "required":
            missing = [
                key for key in error.validator_value if key not in error.instance
            ]
            return f"{', '.join(missing)} must be there"
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = [key for key in error.instance if key not in known]
            return f"{unknown[0]!r} is no key here; {_nearest(unknown[0], known)}"
        case "anyOf" if error.validator_value == [
            {"required": ["path"]},
            {"required": ["url"]},
        ]:
            return "a path or a url must be there"
        case "pattern":
            advice = _ADVICE.get(error.validator_value)
            how = advice or error.schema.get("description") or "see the schema"
            return f"{shown} has not the form it needs; {how}"
        case "format":
            return f"{shown} is no {error.validator_value}"
        case "not":
            what = path_fault(error.instance) or "it ends in a slash"
            return f"{shown} may not be used as a path: {what}; write it relative"
        case "enum":
            words = ", ".join(json.dumps(word) for word in error.validator_value)
            return f"{shown} is none of {words}"
        case "const":
            return f"{shown} must be {error.validator_value!r}"
        case "type":
            types = error.validator_value
            wanted = types if isinstance(types, str) else " or ".join(types)
            return f"{shown} must be of type {wanted}"
    return str(error.message)


def _nearest(word: str, known: list[str]) -> str:
    import difflib  # noqa: PLC0415 - only for those in trouble

    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"


def _is_spdx(expression: str) -> bool:
    from packaging.licenses import (  # noqa: PLC0415 - a large table
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    try:
        canonicalize_license_expression(expression)
    except InvalidLicenseExpression:
        return False
    return True


# -- what a schema cannot say ----------------------------------------------------------


def _path_faults(document: Json) -> Iterator[tuple[str, str]]:
    """What would keep the files of a capsule from lying side by side."""
    if UUID(document["id"]).int == 0:
        yield "/id", "the nil UUID names no capsule"
    stated: dict[str, FileRecord] = {}
    for file in Manifest(data=b"", document=document).files():
        if file.path is None:
            continue
        if fault := path_fault(file.path):
            yield f"{file.pointer}/path", f"{file.path!r}: {fault}"
        if folded(file.path) in RESERVED:
            reason = f"{file.path!r} is a name that the crate itself needs; rename it"
            yield f"{file.pointer}/path", reason
        yield from _contradictions(file, stated.setdefault(file.path, file))
    for path, file in stated.items():
        for folder in PurePosixPath(path).parents:
            if str(folder) in stated:
                reason = f"{str(folder)!r} is a file and a folder at once"
                yield f"{file.pointer}/path", reason


def _contradictions(file: FileRecord, first: FileRecord) -> Iterator[tuple[str, str]]:
    """What two records say differently of one path."""
    for key in ("sha256", "size"):
        ours, theirs = file.record.get(key), first.record.get(key)
        if ours is not None and theirs is not None and ours != theirs:
            reason = (
                f"{file.path!r} is said to have {key} {ours} here and {theirs} at"
                f" {first.pointer}; keep a file that the run changed in place under"
                " another name as it was before"
            )
            yield f"{file.pointer}/{key}", reason


def _placed(positions: Positions, pointer: str, sentence: str) -> str:
    spot = positions(pointer)
    line = f" (line {spot[0]})" if spot else ""
    return f"{pointer or '/'}{line}: {sentence}"
