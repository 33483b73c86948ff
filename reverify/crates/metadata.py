"""The metadata document: bytes to entities, with everything odd in it noted.

What comes out is safe to walk: a list of entities, each an object with a text @id.
Whatever is not so is left out and told as a fault.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from reverify.crates.contexts import Context, read_context
from reverify.crates.entity import Entity
from reverify.crates.limits import Limits
from reverify.crates.payload import Fault
from reverify.crates.positions import Positions, escape
from reverify.model.claim import Place

DESCRIPTORS = ("ro-crate-metadata.json", "ro-crate-metadata.jsonld")
SPEC_PREFIX = "https://w3id.org/ro/crate/"
INTEGER_DIGITS = 4000
_SHOWN_FAULTS = 100


class _OddNumber(Exception):  # noqa: N818 - a signal between two functions
    """A constant or number that JSON does not have."""


class Metadata:
    """A metadata document, read.

    Attributes:
        file: its path from the opened location.
        name: its file name, by which findings speak of it in any packaging.
        faults: what is wrong with it as JSON and as a flat list of entities.
        entities: its entities, in the order of the document.
        context: what its @context says.
        root: the root data entity, if the descriptor leads to one.
        descriptor: the entity that describes the document itself.
    """

    def __init__(self, file: str, data: bytes, limits: Limits) -> None:
        self.file = file
        self.name = file.rpartition("/")[2]
        self.faults: list[Fault] = []
        self.entities: list[Entity] = []
        self.text = ""
        self._limits = limits
        self._positions: Positions | None = None
        self._has_duplicate_keys = False
        document = self._parse(data)
        self.readable = isinstance(document, dict)
        self.document: dict[str, Any] = document if isinstance(document, dict) else {}
        if self.readable:
            self._read_graph()
        self.context: Context = read_context(self.document.get("@context"))
        self.by_id: dict[str, Entity] = {}
        for entity in self.entities:
            first = self.by_id.setdefault(entity.id, entity)
            if first is not entity:
                self._note(
                    "conformance/duplicate-id",
                    entity.id,
                    f"{entity.id!r} is described twice, by entities {first.index} and"
                    f" {entity.index} of the graph",
                    entity.pointer,
                )
        self.descriptor = self._find_descriptor()
        self.root = self._find_root()

    def place(self, pointer: str = "") -> Place:
        """A place in this document."""
        return Place(self.file, pointer, None, self.position if self.text else None)

    def position(self, pointer: str) -> tuple[int, int] | None:
        """Line and column of a JSON pointer, counted from 1."""
        if self._positions is None:
            self._positions = Positions(self.text)
        return self._positions(pointer)

    def references(self, entity: Entity, key: str) -> Iterator[str]:
        """The ids that a property of an entity refers to."""
        for value in entity.values(key):
            if isinstance(value, dict) and isinstance(value.get("@id"), str):
                yield value["@id"]

    def spec_uris(self) -> list[tuple[str, str]]:
        """The RO-Crate specifications that the descriptor claims to follow.

        Returns:
            pairs of URI and JSON pointer.
        """
        return [
            (uri, pointer)
            for uri, pointer in self.conforms_to(self.descriptor)
            if uri.startswith(SPEC_PREFIX) and _version(uri)
        ]

    def profile_uris(self) -> list[tuple[str, str]]:
        """The profiles that root and descriptor claim to follow.

        Returns:
            pairs of URI and JSON pointer, each URI once.
        """
        stated = self.conforms_to(self.root) + self.conforms_to(self.descriptor)
        specs = {uri for uri, _ in self.spec_uris()} | {SPEC_PREFIX.rstrip("/")}
        found: dict[str, str] = {}
        for uri, pointer in stated:
            if uri not in specs:
                found.setdefault(uri, pointer)
        return list(found.items())

    @property
    def version(self) -> str | None:
        """The version of RO-Crate that the descriptor names, `1.2` say."""
        for uri, _ in self.spec_uris():
            return _version(uri)
        return None

    def conforms_to(self, entity: Entity | None) -> list[tuple[str, str]]:
        """What an entity says it conforms to, references and plain text alike."""
        if entity is None:
            return []
        found = []
        for value, pointer in entity.values_with_pointers("conformsTo"):
            uri = value.get("@id") if isinstance(value, dict) else value
            if isinstance(uri, str) and uri:
                found.append((uri, pointer))
        return found

    def _note(self, rule: str, subject: str, reason: str, pointer: str = "") -> None:
        self.faults.append(Fault(rule, subject, reason, pointer, file=self.file))

    def _note_broken(self, rule: str, reason: str, line: int | None = None) -> None:
        self.faults.append(Fault(rule, self.name, reason, "", line, self.file))

    # -- bytes to values ---------------------------------------------------------

    def _parse(self, data: bytes) -> object:  # noqa: PLR0911 - one for each fault
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            reason = f"{self.name}: is not UTF-8 text from byte {error.start} on"
            self._note_broken("conformance/json-invalid", reason, line)
            return None
        if text.count("{") + text.count("[") > self._limits.values:
            # Each takes a hundred bytes of memory, and two in the document.
            reason = f"{self.file}: has more than {self._limits.values:,} values"
            self._note_broken("conformance/limit-reached", reason)
            return None
        try:
            document = json.loads(
                text,
                object_pairs_hook=self._object,
                parse_constant=_refuse_constant,
                parse_int=_read_integer,
                parse_float=_read_float,
            )
        except json.JSONDecodeError as error:
            reason = f"{self.name}: is no JSON, line {error.lineno}: {error.msg}"
            self._note_broken("conformance/json-invalid", reason, error.lineno)
            return None
        except _OddNumber as error:
            reason = f"{self.name}: is no JSON: {error}"
            self._note_broken("conformance/json-invalid", reason)
            return None
        except RecursionError:
            self._note_broken(
                "conformance/json-invalid",
                f"{self.name}: arrays and objects are nested too deeply to be read",
            )
            return None
        if too_deep := _deeper_than(document, self._limits.value_depth + 2):
            self._note_broken(
                "conformance/json-invalid",
                f"{self.name}: arrays and objects are nested more than"
                f" {self._limits.value_depth} deep{too_deep}",
            )
            return None
        self.text = text
        if self._has_duplicate_keys:
            self._note_duplicate_keys()
        if not isinstance(document, dict):
            what = type(document).__name__
            self._note_broken(
                "conformance/not-a-graph",
                f"{self.name}: a JSON object is needed here, this is {_kind(what)}",
            )
        return document

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            self._has_duplicate_keys = True
        return result

    def _note_duplicate_keys(self) -> None:
        if self._positions is None:
            self._positions = Positions(self.text)
        for pointer, key in self._positions.duplicate_keys(_SHOWN_FAULTS):
            self._note(
                "conformance/duplicate-key",
                self.name,
                f"{self.name}: {key!r} stands twice in one object; readers disagree on"
                " which of the two counts",
                f"{pointer}/{escape(key)}",
            )

    # -- values to entities ------------------------------------------------------

    def _read_graph(self) -> None:
        graph = self.document.get("@graph")
        if not isinstance(graph, list):
            self._note(
                "conformance/not-a-graph",
                self.name,
                f"{self.name}: @graph must be an array of entities, it is"
                f" {_kind(type(graph).__name__)}",
                "/@graph" if "@graph" in self.document else "",
            )
            return
        if len(graph) > self._limits.entities:
            self._note(
                "conformance/limit-reached",
                self.name,
                f"{self.name}: {len(graph):,} entities, of which the first"
                f" {self._limits.entities:,} were read",
                "/@graph",
            )
        for index, value in enumerate(graph[: self._limits.entities]):
            if reason := _entity_fault(value):
                self._note(
                    "conformance/not-an-entity",
                    self.name,
                    f"{self.name}: entity {index} of the graph {reason}",
                    f"/@graph/{index}",
                )
            else:
                self.entities.append(Entity(value, index))

    def _find_descriptor(self) -> Entity | None:
        for id in DESCRIPTORS:
            for spelling in (id, f"./{id}"):
                if spelling in self.by_id:
                    return self.by_id[spelling]
        for entity in self.entities:
            if entity.id.endswith(DESCRIPTORS) and any(
                uri.startswith(SPEC_PREFIX) for uri, _ in self.conforms_to(entity)
            ):
                return entity
        return None

    def _find_root(self) -> Entity | None:
        if self.descriptor:
            for id in self.references(self.descriptor, "about"):
                if id in self.by_id:
                    return self.by_id[id]
        for id in ("./", "."):
            entity = self.by_id.get(id)
            if entity and "Dataset" in entity.types:
                return entity
        return None


def _version(uri: str) -> str | None:
    """Read `1.2` out of the URI of a specification; None if it names none."""
    rest = uri.removeprefix(SPEC_PREFIX).rstrip("/")
    digits = rest.removesuffix("-DRAFT").replace(".", "")
    return rest if digits.isdigit() and digits.isascii() and "." in rest else None


def _entity_fault(value: object) -> str | None:
    if not isinstance(value, dict):
        return f"is {_kind(type(value).__name__)}, not an object"
    id = value.get("@id")
    if not isinstance(id, str):
        return "has no @id" if id is None else "has an @id that is no text"
    if any("\ud800" <= char <= "\udfff" for char in id):
        return "has an @id with half of a surrogate pair in it"
    return None


def _kind(type_name: str) -> str:
    return {
        "NoneType": "missing or null",
        "str": "text",
        "list": "an array",
        "dict": "an object",
        "bool": "true or false",
        "int": "a number",
        "float": "a number",
    }.get(type_name, type_name)


def _refuse_constant(name: str) -> object:
    raise _OddNumber(f"{name} is no JSON number")


def _read_integer(text: str) -> int:
    if len(text) > INTEGER_DIGITS:
        raise _OddNumber(f"a number of {len(text):,} digits")
    return int(text)


def _read_float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _deeper_than(value: object, limit: int) -> str:
    """Look for values nested too deep, without recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (
                outer.values()
                if isinstance(outer, dict)
                else outer
                if isinstance(outer, list)
                else ()
            )
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return ""
    return " "
