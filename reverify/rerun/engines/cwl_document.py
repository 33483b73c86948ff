"""What a CWL document declares: inputs, images, whether it computes in JavaScript.

Read for what to hand over and what would be missing; cwltool alone interprets it.
"""

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reverify.rerun.engines.common import staged

_BYTES = 16_000_000
_FILES = 500
_DEPTH = 64


class Document(NamedTuple):
    """What a document declares, with all that it refers to.

    Attributes:
        inputs: the type of each input by name, `File`, `File[]`, `int?` say.
        images: images of containers that are required, not only hinted at.
        computes: whether it computes in JavaScript.
    """

    inputs: Mapping[str, str] = {}
    images: tuple[str, ...] = ()
    computes: bool = False


def read_document(stage: Path, main: str) -> Document:
    """Read a document and those that it runs; what cannot be read declares nothing."""
    wanted, seen = [posixpath.normpath(main)], set[str]()
    inputs: Mapping[str, str] = {}
    images: list[str] = []
    computes = False
    while wanted and len(seen) < _FILES:
        path = wanted.pop()
        if path in seen or path.startswith(("../", "/")):
            continue
        seen.add(path)
        value = _load(staged(stage, path))
        if len(seen) == 1:
            inputs = _inputs(_main_process(value))
        for process in _objects(value):
            runs = process.get("run")
            if isinstance(runs, str) and not runs.startswith("#"):
                there = posixpath.join(posixpath.dirname(path), runs.partition("#")[0])
                wanted.append(posixpath.normpath(there))
            required = dict(_requirements(process.get("requirements")))
            if "DockerRequirement" in required:
                images.append(_image(required["DockerRequirement"]))
            hinted = dict(_requirements(process.get("hints")))
            computes |= "InlineJavascriptRequirement" in {**required, **hinted}
    return Document(inputs, tuple(dict.fromkeys(images)), computes)


def _load(path: Path | None) -> Any:  # noqa: ANN401 - YAML
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - takes its time

    try:
        if path is None or path.stat().st_size > _BYTES:
            return None
        return yaml.safe_load(path.read_bytes())
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None


def _main_process(value: Any) -> Any:  # noqa: ANN401 - YAML
    """The process that is run: the document, or `#main` of a packed one."""
    if isinstance(value, dict) and isinstance(value.get("$graph"), list):
        processes = [each for each in value["$graph"] if isinstance(each, dict)]
        mains = [each for each in processes if _short(each.get("id")) == "main"]
        return next(iter(mains or processes), None)
    return value


def _inputs(process: Any) -> dict[str, str]:  # noqa: ANN401 - YAML
    declared = process.get("inputs") if isinstance(process, dict) else None
    if isinstance(declared, dict):
        return {str(name): _type(value) for name, value in declared.items()}
    if isinstance(declared, list):
        return {
            _short(each.get("id")): _type(each)
            for each in declared
            if isinstance(each, dict)
        }
    return {}


def _type(value: Any, depth: int = 0) -> str:  # noqa: ANN401 - YAML
    """A type in the short form: `File[]` for an array of files, `int?` for a maybe."""
    if depth > _DEPTH:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        kind = next((each for each in value if each != "null"), None)
        return _type(kind, depth + 1) + "?" * ("null" in value)
    if isinstance(value, dict):
        if value.get("type") == "array":
            return f"{_type(value.get('items'), depth + 1)}[]"
        return _type(value.get("type"), depth + 1)
    return ""


def _short(id: object) -> str:
    return str(id or "").rpartition("#")[2].rpartition("/")[2]


def _objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - YAML
    """All objects of a document; those that are referred to twice come once."""
    waiting, seen = [value], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen or not isinstance(each, dict | list):
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        else:
            waiting += each


def _requirements(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        yield from ((str(name), each) for name, each in value.items())
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                yield str(each.get("class")), each


def _image(value: Any) -> str:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        for key in ("dockerPull", "dockerImageId", "dockerLoad", "dockerImport"):
            if isinstance(value.get(key), str):
                return str(value[key])
    return "an image of its own"
