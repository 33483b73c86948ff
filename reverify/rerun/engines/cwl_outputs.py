"""What cwltool says of the outputs, once it has run."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

_DEPTH = 64


class Output(NamedTuple):
    """A file or folder that came out.

    Attributes:
        path: from the top of the work area.
        sha1: of a file, as cwltool says; "" if it does not.
        is_folder: whether it is a folder.
    """

    path: str
    sha1: str
    is_folder: bool


def read_outputs(said: bytes, written: Path) -> dict[str, list[Output]]:
    """Read the output object that cwltool prints: files and folders by output.

    Args:
        said: what it wrote to its standard output.
        written: what was taken over of the work area; only what lies in it counts.

    Source: Common Workflow Language 1.2, "Output object", "File", "Directory".
    """
    try:
        outputs = json.loads(said)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(outputs, dict):
        return {}
    return {
        name.rpartition("#")[2].rpartition("/")[2]: list(_read(value, written, 0))
        for name, value in outputs.items()
    }


def _read(value: Any, written: Path, depth: int) -> Iterator[Output]:  # noqa: ANN401 - JSON
    if isinstance(value, list) and depth < _DEPTH:
        for each in value:
            yield from _read(each, written, depth + 1)
    if not isinstance(value, dict) or value.get("class") not in {"File", "Directory"}:
        return
    place = value.get("location") or value.get("path")
    path = _inside(str(place), written)
    if path:
        checksum = str(value.get("checksum") or "")
        sha1 = checksum.removeprefix("sha1$") if checksum.startswith("sha1$") else ""
        yield Output(path, sha1, value["class"] == "Directory")
    if depth < _DEPTH:
        yield from _read(value.get("secondaryFiles"), written, depth + 1)


def _inside(place: str, written: Path) -> str:
    """The path of an output from the top of the work area; "" if it is not in it.

    Where that lay for cwltool is left open: it is what the longest end of the path that
    is there now begins at.
    """
    try:
        path = unquote(urlsplit(place).path) if "://" in place else place
    except ValueError:
        return ""
    parts = [part for part in PurePosixPath(path).parts if part != "/"]
    if ".." in parts or "\0" in path:
        return ""
    for start in range(len(parts)):
        rest = "/".join(parts[start:])
        if (written / rest).exists():
            return rest
    return ""
