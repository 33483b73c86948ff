"""The nouns of comparing two files: the rule, each difference, and the answer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, NamedTuple

from reverify.errors import UsageError


class Method(StrEnum):
    """What a file is compared as; those that a capsule may name come first."""

    BYTES = "bytes"
    TEXT = "text"
    JSON = "json"
    TABLE = "table"
    ARRAY = "array"
    IMAGE = "image"
    NOTEBOOK = "notebook"
    IGNORE = "ignore"
    ARCHIVE = "archive"
    DIRECTORY = "directory"


DECLARED = tuple(Method)[:8]
"""The methods that the schema of a capsule knows."""


class Answer(StrEnum):
    """Are they the same, and in what sense?"""

    IDENTICAL = "identical"  # byte for byte
    EQUAL = "equal"  # not byte for byte, but by the rule
    DIFFERENT = "different"
    MISSING = "missing"  # expected, and not there
    EXTRA = "extra"  # there, and not expected
    NOT_COMPARABLE = "not-comparable"  # it could not be told
    IGNORED = "ignored"  # the rule says that it need not be the same

    @property
    def is_same(self) -> bool | None:
        """Whether the rule holds; None where it could not be told, or does not ask."""
        if self in {Answer.NOT_COMPARABLE, Answer.IGNORED}:
            return None
        return self in {Answer.IDENTICAL, Answer.EQUAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How two files are to be compared. What it does not allow is not allowed.

    Attributes:
        method: what they are compared as; None to choose by type.
        rtol: two numbers are equal if |expected - actual| <= atol + rtol * |expected|.
        atol: see there; of pixels, on a scale from 0 to 255.
        equal_nan: whether not-a-number equals itself. None, where nothing is said,
            takes it as a value like others, so that it does.
        key_columns: the columns by which the rows of a table are matched.
        ignore_columns: columns of a table that are not compared.
        ignore_order: whether the order of rows, or of items of JSON lists, matters not.
        ignore_patterns: regular expressions; what they match in text is not compared.
        ignore_whitespace: whether blanks at line ends, and the form of line ends,
            matter not.
    """

    method: Method | None = None
    rtol: float = 0.0
    atol: float = 0.0
    equal_nan: bool | None = None
    key_columns: tuple[str, ...] = ()
    ignore_columns: tuple[str, ...] = ()
    ignore_order: bool = False
    ignore_patterns: tuple[str, ...] = ()
    ignore_whitespace: bool = False

    def __post_init__(self) -> None:
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(
                    f"{name}: {value!r} is no tolerance; a number from 0 on is"
                )

    @property
    def tolerant(self) -> bool:
        """Whether numbers may differ."""
        return bool(self.rtol or self.atol)

    @property
    def nan_is_equal(self) -> bool:
        """Whether not-a-number equals itself."""
        return self.equal_nan is not False

    def allows(self) -> str:
        """What is allowed to differ, `rtol 1e-09, order`; empty if nothing is."""
        parts = [
            f"{name} {value!r}"
            for name, value in (("rtol", self.rtol), ("atol", self.atol))
            if value
        ]
        if self.key_columns:
            parts.append(f"order, by {', '.join(map(repr, self.key_columns))}")
        else:
            parts += ["order"] * self.ignore_order
        parts += ["blanks at line ends"] * self.ignore_whitespace
        if self.ignore_columns:
            parts.append(f"columns {', '.join(map(repr, self.ignore_columns))}")
        if self.ignore_patterns:
            parts.append(f"patterns {', '.join(map(repr, self.ignore_patterns))}")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """What it says, as a capsule's `compare` has it; defaults are left out."""
        said: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                said[field.name] = list(value) if isinstance(value, tuple) else value
        return said

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Rule":
        """Read a capsule's `compare` object, or what `to_dict` wrote.

        Raises:
            UsageError: it says something that no rule has.
        """
        known = {field.name: field for field in fields(cls)}
        said: dict[str, Any] = {}
        for name, value in data.items():
            if name not in known:
                raise UsageError(
                    f"compare: {name!r} is unknown; {', '.join(known)} are"
                )
            said[name] = _checked(name, value)
        return cls(**said)


def _checked(name: str, value: object) -> object:
    if name == "method":
        if value is not None and value not in tuple(Method):
            raise UsageError(
                f"compare/method: {value!r} is unknown; {', '.join(DECLARED)} are"
            )
        return None if value is None else Method(str(value))
    if name in {"rtol", "atol"}:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                pass
        raise UsageError(f"compare/{name}: {value!r} is no number")
    if name in {"key_columns", "ignore_columns", "ignore_patterns"}:
        if isinstance(value, (list, tuple)) and all(isinstance(i, str) for i in value):
            return tuple(value)
        raise UsageError(f"compare/{name}: a list of texts is wanted")
    if isinstance(value, bool) or (name == "equal_nan" and value is None):
        return value
    raise UsageError(f"compare/{name}: true or false is wanted")


class Difference(NamedTuple):
    """One place where the two sides differ.

    Attributes:
        where: line, row and column, JSON pointer, index, pixel, byte or member.
        expected: what was expected there, cut if it is long; None if nothing was.
        actual: what is there; None if nothing is.
    """

    where: str
    expected: str | None
    actual: str | None

    def describe(self) -> str:
        """Say it to a person: both values and the place."""
        if self.expected is None:
            return f"{self.where}: {self.actual}, where nothing was expected"
        if self.actual is None:
            return f"{self.where}: {self.expected} expected, and nothing is there"
        return f"{self.where}: {self.expected} expected, {self.actual} found"

    def to_dict(self) -> dict[str, str | None]:
        """Place and both values."""
        return self._asdict()


class Deviation(NamedTuple):
    """How far numbers are from each other at most, and where.

    Attributes:
        value: the error; of a relative one, divided by what was expected.
        where: the place of it.
    """

    value: float
    where: str

    def to_dict(self) -> dict[str, Any]:
        """Value and place; JSON knows no infinity, so that it is a text."""
        finite = math.isfinite(self.value)
        return {"value": self.value if finite else str(self.value), "where": self.where}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of comparing two files.

    Attributes:
        name: the name of the file, as whoever asked calls it.
        answer: the word for it.
        method: what they were compared as.
        rule: what was allowed.
        unit: what was counted: bytes, lines, values, cells, numbers, pixels, members.
        compared: how many were compared; of bytes, up to where it was decided.
        within: how many differ, but not by more than is allowed.
        differing: how many differ by more than that.
        differences: the first of those.
        absolute: the largest absolute error of a number.
        relative: the largest relative error of a number.
        reason: why it is not comparable, or what differs where that is not counted.
        remarks: what else a reader should know.
        parts: members that are not byte for byte the same, of an archive or directory;
            the first of them if there are many.
    """

    name: str
    answer: Answer
    method: Method | None = None
    rule: Rule = Rule()
    unit: str = "bytes"
    compared: int = 0
    within: int = 0
    differing: int = 0
    differences: tuple[Difference, ...] = ()
    absolute: Deviation | None = None
    relative: Deviation | None = None
    reason: str = ""
    remarks: tuple[str, ...] = ()
    parts: tuple["Comparison", ...] = ()

    def describe(self) -> str:
        """Say it to a person in one sentence; the text is not yet escaped."""
        return f"{self.name}: {self._sentence()}"

    def lines(self) -> list[str]:
        """The sentence, then the differences, remarks and parts, indented."""
        told = [self.describe()]
        told += [f"  {item.describe()}" for item in self.differences]
        told += [f"  note: {remark}" for remark in self.remarks]
        for part in self.parts:
            told += [f"  {line}" for line in part.lines()]
        return told

    def _sentence(self) -> str:  # noqa: PLR0911 - one for each answer
        match self.answer:
            case Answer.MISSING:
                return "missing: it was expected, and is not there"
            case Answer.EXTRA:
                return "extra: it is there, and was not expected"
            case Answer.NOT_COMPARABLE:
                return f"not comparable: {self.reason}"
            case Answer.IGNORED:
                return "not compared, as its rule asks"
            case Answer.IDENTICAL:
                counted = f", {self.compared:,} {self.unit}" if self.compared else ""
                return f"identical{counted}"
            case Answer.EQUAL:
                return self._equal()
            case _:
                return self._different()

    def _equal(self) -> str:
        allows = self.rule.allows()
        if not self.within:
            said = f"equal as {self.method}, though not byte for byte"
            return f"{said} (may differ: {allows})" if allows else said
        said = f"equal within {allows}" if allows else f"equal as {self.method}"
        return f"{said}: {self._count(self.within)}{self._worst()}"

    def _different(self) -> str:
        said = f"different as {self.method}"
        if allows := self.rule.allows():
            said += f" (may differ: {allows})"
        told = [self.reason] if self.reason else []
        if self.differing:
            told.append(self._count(self.differing) + self._worst())
        if self.differences:
            told.append(f"first at {self.differences[0].describe()}")
        return f"{said}: {'; '.join(told)}" if told else said

    def _count(self, number: int) -> str:
        verb = "differs" if number == 1 else "differ"
        return f"{number:,} of {self.compared:,} {self.unit} {verb}"

    def _worst(self) -> str:
        if self.relative is not None:
            at = self.relative
            return f", at most {at.value:.2g} relative, at {at.where}"
        if self.absolute is not None:
            at = self.absolute
            return f", at most {at.value:.2g} absolute, at {at.where}"
        return ""

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        return {
            "name": self.name,
            "answer": self.answer.value,
            "method": self.method.value if self.method else None,
            "rule": self.rule.to_dict(),
            "unit": self.unit,
            "compared": self.compared,
            "within": self.within,
            "differing": self.differing,
            "differences": [item.to_dict() for item in self.differences],
            "absolute": self.absolute.to_dict() if self.absolute else None,
            "relative": self.relative.to_dict() if self.relative else None,
            "reason": self.reason,
            "remarks": list(self.remarks),
            "parts": [part.to_dict() for part in self.parts],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Comparison":
        """Read back what `to_dict` wrote."""
        method = data["method"]
        return cls(
            name=data["name"],
            answer=Answer(data["answer"]),
            method=Method(method) if method else None,
            rule=Rule.from_dict(data["rule"]),
            unit=data["unit"],
            compared=data["compared"],
            within=data["within"],
            differing=data["differing"],
            differences=tuple(Difference(**item) for item in data["differences"]),
            absolute=_deviation(data["absolute"]),
            relative=_deviation(data["relative"]),
            reason=data["reason"],
            remarks=tuple(data["remarks"]),
            parts=tuple(map(cls.from_dict, data["parts"])),
        )


def _deviation(data: Mapping[str, Any] | None) -> Deviation | None:
    return None if data is None else Deviation(float(data["value"]), data["where"])
