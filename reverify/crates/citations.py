"""What CITATION.cff and codemeta.json at the root of a crate say of code.

They are files of the code's own authors, and hostile until read: small ones only, and
nothing of YAML but plain text, lists and tables.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from reverify.crates.code import Text
from reverify.crates.crate import Crate
from reverify.crates.payload import EntryKind
from reverify.crates.positions import Positions, escape
from reverify.errors import CrateError
from reverify.model.claim import Positions as Locate

CITATION, CODEMETA = "CITATION.cff", "codemeta.json"
MOST_BYTES = 256 << 10
_DEEPEST = 40
_MOST_ALIASES = 100
_MOST_PLACES = 100_000
_MOST_IDENTIFIERS = 1000
_WHERE = ("value", "@id", "id")
_CODEMETA_KEYS = ("codeRepository", "version", "softwareVersion", "identifier")


class Document(NamedTuple):
    """A file about code.

    Attributes:
        path: from the opened location.
        name: CITATION.cff or codemeta.json.
        texts: what it says of code.
        unread: why it could not be read, as the end of a sentence; or "".
        locate: line and column of a pointer.
    """

    path: str
    name: str
    texts: tuple[Text, ...]
    unread: str = ""
    locate: Locate | None = None


class _UnreadError(Exception):
    """Why a file could not be read."""


def documents_of(crate: Crate) -> Iterator[Document]:
    """The files about code that a crate has at its root."""
    for name, read in _READERS.items():
        path = f"{crate.prefix}{name}"
        entry = crate.payload.entries.get(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            continue
        try:
            data = crate.payload.read(path, MOST_BYTES)
            text = data.decode("utf-8-sig", "replace")
            locate: Locate = Positions(text)
            if name == CITATION:
                locate = YamlPositions(text)
            yield Document(path, name, tuple(read(data)), locate=locate)
        except CrateError as error:
            yield Document(path, name, (), error.reason)
        except _UnreadError as error:
            yield Document(path, name, (), str(error))


# -- CITATION.cff ----------------------------------------------------------------------


def _citation(data: bytes) -> Iterator[Text]:
    """Read what CFF has for code.

    Source: Citation File Format 1.2.0: commit, repository-code, version, identifiers.
    """
    found = _yaml(data)
    for key, name in (
        ("repository-code", "codeRepository"),
        ("commit", "commit"),
        ("version", "version"),
    ):
        if isinstance(value := found.get(key), str):
            yield Text(name, value, f"/{key}")
    identifiers = found.get("identifiers")
    rows = identifiers if isinstance(identifiers, list) else []
    for index, row in enumerate(rows[:_MOST_IDENTIFIERS]):
        if isinstance(row, dict) and row.get("type") == "swh":
            value = row.get("value")
            if isinstance(value, str):
                yield Text("identifier", value, f"/identifiers/{index}/value")


def _yaml(data: bytes) -> dict[str, Any]:
    """Read YAML of which every scalar is text: a commit may look like a number."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - few crates have it

    try:
        text = data.decode("utf-8-sig")
        depth = aliases = 0
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            aliases += isinstance(event, yaml.AliasEvent)
            if depth > _DEEPEST or aliases > _MOST_ALIASES:
                raise _UnreadError("it is nested too deeply, or has too many aliases")
        # It makes nothing but text, lists and tables, and merges none.
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _UnreadError("it is no YAML") from error
    if not isinstance(found, dict):
        raise _UnreadError("it is no table of keys and values")
    return found


class YamlPositions:
    """Where things stand in a YAML document; it is read when first asked.

    Args:
        text: of a document that was read before, and so is neither deep nor endless.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, tuple[int, int]] | None = None

    def __call__(self, pointer: str) -> tuple[int, int] | None:
        """Line and column of a pointer, counted from 1; None if nothing is there."""
        if self._found is None:
            import yaml  # noqa: PLC0415 - few crates have it

            self._found = {}
            self._walk(yaml.compose(self._text, Loader=yaml.BaseLoader), "")
        return self._found.get(pointer)

    def _walk(self, node: Any, pointer: str) -> None:  # noqa: ANN401 - of PyYAML
        found = self._found
        if found is None or pointer in found or len(found) > _MOST_PLACES:
            return
        if pointer.count("/") > _DEEPEST:  # an alias may lead to what it stands in
            return
        found[pointer] = node.start_mark.line + 1, node.start_mark.column + 1
        if isinstance(node.value, str):
            return
        for index, item in enumerate(node.value):
            if isinstance(item, tuple):
                key, value = item
                name = key.value if isinstance(key.value, str) else ""
                self._walk(value, f"{pointer}/{escape(name)}")
                place = key.start_mark.line + 1, key.start_mark.column + 1
                found[f"{pointer}/{escape(name)}"] = place
            else:
                self._walk(item, f"{pointer}/{index}")


# -- codemeta.json ---------------------------------------------------------------------


def _codemeta(data: bytes) -> Iterator[Text]:
    """Read what CodeMeta has for code, of versions 1 to 3."""
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _UnreadError("it is no JSON") from error
    if not isinstance(found, dict):
        raise _UnreadError("it is no JSON object")
    for key in ("@id", "id"):
        if isinstance(found.get(key), str):
            yield Text("@id", found[key], f"/{key}")
    for key in _CODEMETA_KEYS:
        value = found.get(key)
        rows = value if isinstance(value, list) else [value]
        for index, row in enumerate(rows[:_MOST_IDENTIFIERS]):
            pointer = f"/{escape(key)}" + (f"/{index}" if row is not value else "")
            yield from _row(key, row, pointer)


def _row(key: str, row: object, pointer: str) -> Iterator[Text]:
    if isinstance(row, str):
        yield Text(key, row, pointer)
    elif isinstance(row, dict):
        inner = next((k for k in _WHERE if isinstance(row.get(k), str)), None)
        if inner:
            yield Text(key, row[inner], f"{pointer}/{escape(inner)}")


_READERS: dict[str, Callable[[bytes], Iterator[Text]]] = {
    CITATION: _citation,
    CODEMETA: _codemeta,
}
