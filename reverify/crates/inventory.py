"""An OCFL inventory: which files an object has, and which versions. Nothing is tested.

Source: Oxford Common File Layout 1.1, section 3.5, "Inventory".
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

from reverify.crates.digests import algorithm
from reverify.crates.limits import Budget
from reverify.crates.names import path_fault
from reverify.crates.payload import Fault
from reverify.crates.positions import Positions, escape
from reverify.errors import CrateError, LimitError
from reverify.model.claim import Place

INVENTORY = "inventory.json"
INVALID = "completeness/ocfl-inventory-invalid"
UNSAFE = "completeness/path-unsafe"

_VERSION = re.compile(r"v0*([1-9][0-9]{0,8})")
_SHOWN_FAULTS = 100
_SHOWN_LETTERS = 200


class Block(NamedTuple):
    """The files of one digest.

    Attributes:
        written: the digest as the inventory spells it.
        paths: of content in a manifest, logical ones in a state.
    """

    written: str
    paths: tuple[str, ...]


Blocks = dict[str, Block]
"""Blocks by the digest in lower case."""


class Stated(NamedTuple):
    """A digest that an inventory states of one file.

    Attributes:
        path: of the file: a content path from the object's root, or a logical one.
        expected: the digest as canonical text, `sha512:HEX`, in lower case.
        place: where it is stated.
        known: whether we have the algorithm.
    """

    path: str
    expected: str
    place: Place
    known: bool


class Inventory:
    """What one inventory says, as far as it can be used.

    Args:
        file: its path from the root of the object.
        data: its bytes.
        budget: what may be read.
        base: the root of the object in the opened location, with a slash behind.

    Attributes:
        document: the whole of it.
        id: of the object; empty if it has none.
        digest_name: the algorithm of manifest and states, as written.
        content_directory: the folder of a version that holds its content.
        manifest: content paths by digest.
        versions: the names of the versions, the oldest first.
        head: the name of the newest.
        sha256: of the bytes.

    Raises:
        CrateError: it does not tell which files the newest version has.
        LimitError: it is more than we read.
    """

    def __init__(self, file: str, data: bytes, budget: Budget, base: str = "") -> None:
        self.file = file
        self.budget = budget
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._place_file = base + file
        self._faults: list[Fault] = []
        self._noted: Counter[str] = Counter()
        self._repeats = False
        self._text = ""
        self._read: dict[tuple[str, ...], Blocks] = {}
        self.head = ""
        self.document = self._parse(data)
        if self._repeats:
            self._note_repeated_keys()
        self.id = self._word("id")
        self.digest_name = self._word("digestAlgorithm")
        self.content_directory = self._word("contentDirectory", "content")
        if not isinstance(self.document.get("manifest"), dict):
            self._useless("has no manifest that is an object")
        self.manifest = self.blocks("manifest", noted=True)
        self.versions = self._version_names()
        self.head = self._head()

    @property
    def faults(self) -> list[Fault]:
        """What is wrong with it: of each rule the first hundred, and how many more."""
        more = [
            Fault(
                rule,
                self.file,
                f"{self.file}: {count - _SHOWN_FAULTS:,} further faults of this kind",
                file=self._place_file,
            )
            for rule, count in self._noted.items()
            if count > _SHOWN_FAULTS
        ]
        return self._faults + more

    def note(self, what: str, *parts: str, rule: str = INVALID) -> None:
        """Note that something is wrong with it.

        Args:
            what: the rest of a sentence that begins with the file.
            parts: where, as the parts of a JSON pointer.
            rule: which rule that breaks.
        """
        self._noted[rule] += 1
        if self._noted[rule] <= _SHOWN_FAULTS:
            reason = f"{self.file}: {what}"
            file = self._place_file
            self._faults.append(
                Fault(rule, self.file, reason, pointer(*parts), file=file)
            )

    def blocks(self, *parts: str, noted: bool = False) -> Blocks:
        """Read an object of arrays of paths; what cannot be used is left out.

        Args:
            parts: where it lies, as the parts of a JSON pointer.
            noted: whether what is wrong becomes a fault, which it should do once.
        """
        if parts in self._read and not noted:
            return self._read[parts]
        value: object = self.document
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        most = self.budget.limits.files
        found: Blocks = {}
        count = 0
        for written, listed in value.items() if isinstance(value, dict) else ():
            self.budget.tick(self.file)
            if not isinstance(listed, list):
                if noted:
                    self.note(
                        f"{shown(written)} has no array of paths", *parts, written
                    )
                continue
            count += len(listed)
            if count > most:
                where = pointer(*parts)
                raise LimitError(f"{self.file}: {where} has more than {most:,} paths")
            paths = tuple(self._paths(listed, (*parts, written), noted=noted))
            before = found.get(written.lower())
            if before is not None:
                paths = before.paths + paths
                if noted:
                    self.note(f"{shown(written)} is there in another case", *parts)
            found[written.lower()] = Block(written, paths)
        if parts in {("manifest",), ("versions", self.head, "state")}:
            self._read[parts] = found  # the two that are asked for again and again
        return found

    def _paths(
        self, listed: list[Any], parts: tuple[str, ...], *, noted: bool
    ) -> Iterator[str]:
        for index, path in enumerate(listed):
            if not isinstance(path, str):
                if noted:
                    self.note("a path is no text", *parts, str(index))
            elif fault := path_fault(path):
                if noted:
                    what = f"{shown(path)} may not be used as a path: {fault}"
                    self.note(what, *parts, str(index), rule=UNSAFE)
            else:
                yield path

    # -- what it says ------------------------------------------------------------

    def logical(self, version: str) -> dict[str, str]:
        """The digest in lower case of each file of a version, by logical path.

        Of a path that is listed twice the first digest counts.
        """
        found: dict[str, str] = {}
        for digest, block in self.blocks("versions", version, "state").items():
            for path in block.paths:
                found.setdefault(path, digest)
        return found

    @cached_property
    def content(self) -> frozenset[str]:
        """The paths of all content files, of all versions."""
        blocks = self.manifest.values()
        return frozenset(path for block in blocks for path in block.paths)

    def content_of(self, digest: str) -> frozenset[str]:
        """The content files that have a digest in lower case, by the manifest."""
        block = self.manifest.get(digest)
        return frozenset(block.paths if block else ())

    def stated_of_files(self) -> Iterator[Stated]:
        """The digests that are stated of the files of the newest version."""
        return self._stated(self.digest_name, "versions", self.head, "state")

    def stated_of_content(self) -> Iterator[Stated]:
        """The digests that the manifest states of content files."""
        return self._stated(self.digest_name, "manifest")

    def stated_in_fixity(self) -> Iterator[Stated]:
        """The digests that the fixity block states of content files, besides."""
        fixity = self.document.get("fixity")
        for name in fixity if isinstance(fixity, dict) else ():
            for stated in self._stated(name, "fixity", name):
                if stated.path in self.content:
                    yield stated

    def _stated(self, name: str, *parts: str) -> Iterator[Stated]:
        known = algorithm(name)
        seen: set[str] = set()
        above = pointer(*parts)
        for digest, block in self.blocks(*parts).items():
            place = self.place_of(f"{above}/{escape(block.written)}")
            expected = f"{known or name}:{digest}"
            for path in block.paths:
                if path not in seen:
                    seen.add(path)
                    yield Stated(path, expected, place, known is not None)

    def place(self, *parts: str) -> Place:
        """A place in this inventory, by the parts of its JSON pointer."""
        return self.place_of(pointer(*parts))

    def place_of(self, pointer: str) -> Place:
        """A place in this inventory, by its JSON pointer."""
        return Place(self._place_file, pointer, None, self._position)

    def state(self, version: str) -> object:
        """The state of a version as it stands there."""
        block = self.document["versions"].get(version)
        return block.get("state") if isinstance(block, dict) else None

    # -- bytes to values ---------------------------------------------------------

    def _parse(self, data: bytes) -> dict[str, Any]:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            self._useless(f"is not UTF-8 text from byte {error.start} on")
        most = self.budget.limits.values
        if text.count('"') // 2 + text.count("{") + text.count("[") > most:
            # Each takes some sixty bytes of memory.
            raise LimitError(f"{self.file}: has more than {most:,} values")
        try:
            document = json.loads(
                text,
                object_pairs_hook=self._object,
                parse_constant=_refuse,
                parse_int=float,  # none is looked at, however long it is
            )
        except json.JSONDecodeError as error:
            self._useless(f"is no JSON, line {error.lineno}: {error.msg}")
        except ValueError as error:
            self._useless(f"is no JSON: {error}")
        except RecursionError:
            self._useless("is nested too deeply to be read")
        self._text = text
        if not isinstance(document, dict):
            self._useless("is no JSON object")
        return document

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        self._repeats |= len(result) != len(pairs)
        return result

    def _note_repeated_keys(self) -> None:
        for where, key in self._positions.duplicate_keys(_SHOWN_FAULTS):
            what = f"{shown(key)} stands twice in one object; readers disagree on which"
            parts = map(_plain, where.split("/")[1:])
            self.note(f"{what} of the two counts", *parts, key)

    @cached_property
    def _positions(self) -> Positions:
        return Positions(self._text)

    def _position(self, where: str) -> tuple[int, int] | None:
        return self._positions(where)

    def _useless(self, what: str) -> NoReturn:
        raise CrateError(f"{self.file}: {what}", rule=INVALID, subject=self.file)

    def _word(self, key: str, default: str = "") -> str:
        value = self.document.get(key, default)
        return value if isinstance(value, str) else ""

    def _version_names(self) -> tuple[str, ...]:
        versions = self.document.get("versions")
        if not isinstance(versions, dict) or not versions:
            self._useless("has no versions")
        numbers: dict[int, str] = {}
        for name in versions:
            match = _VERSION.fullmatch(name)
            if match is None or int(match[1]) in numbers:
                what = "another name of a version" if match else "no name of a version"
                self.note(f"{shown(name)} is {what}", "versions", name)
            else:
                numbers[int(match[1])] = name
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            self.note("its versions are not numbered from 1 on", "versions")
        return tuple(numbers[number] for number in sorted(numbers))

    def _head(self) -> str:
        head = self._word("head")
        if head not in self.versions:
            self._useless(f"its head, {shown(head)}, is none of its versions")
        if not isinstance(self.state(head), dict):
            self._useless(f"its newest version, {head}, has no state")
        if head != self.versions[-1]:
            self.note(f"its head is {head}, and there is {self.versions[-1]}", "head")
        return head


def pointer(*parts: str) -> str:
    """Write a JSON pointer."""
    return "".join(f"/{escape(part)}" for part in parts)


def shown(value: object) -> str:
    """A value of a stranger, short enough for a sentence."""
    if not isinstance(value, str):
        return "which is no text"
    return repr(value[:_SHOWN_LETTERS]) + ("..." if len(value) > _SHOWN_LETTERS else "")


def _plain(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
