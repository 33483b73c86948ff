"""Two Jupyter notebooks: their cells, and what each cell gave.

Execution counts and metadata are not compared. Texts follow the rules of text, images
are compared pixel by pixel, JSON value by value.

Source: nbformat 4, "The Jupyter Notebook format".
"""

import base64
import binascii
import io
from collections.abc import Iterator
from typing import Any

from reverify.compare.alignment import Alignment
from reverify.compare.document import Json, read_json
from reverify.compare.image import compare_pixels
from reverify.compare.interface import Job, MalformedError
from reverify.compare.json import Values
from reverify.compare.tally import Tally
from reverify.compare.text import LineRule
from reverify.model.comparison import Comparison, Method

FORMAT = 4
IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"}
Object = dict[str, Json]


def compare_notebook(job: Job) -> Comparison:
    """Compare two notebooks cell by cell."""
    tally = Tally(job.rule, job.bounds.shown)
    expected = _cells(read_json(job.expected, job.bounds))
    actual = _cells(read_json(job.actual, job.bounds))
    _Notebooks(job, tally).compare(expected, actual)
    return tally.finish(job.name, Method.NOTEBOOK, "cells and outputs")


class _Notebooks:
    def __init__(self, job: Job, tally: Tally) -> None:
        self._job = job
        self._tally = tally
        self._rule = LineRule(job.rule)

    def compare(self, expected: list[Object], actual: list[Object]) -> None:
        self._tally.compared = max(len(expected), len(actual))
        for index in range(self._tally.compared):
            self._job.tick()
            where = f"cell {index + 1}"
            if index >= len(expected) or index >= len(actual):
                one = "a cell" if index < len(expected) else None
                self._tally.differ(where, one, None if one else "a cell")
                continue
            one_cell, other_cell = expected[index], actual[index]
            kinds = one_cell.get("cell_type"), other_cell.get("cell_type")
            if kinds[0] != kinds[1]:
                self._tally.differ(f"{where}, its type", str(kinds[0]), str(kinds[1]))
                continue
            self._text(
                f"{where}, its source",
                _joined(one_cell.get("source")),
                _joined(other_cell.get("source")),
            )
            self._outputs(where, _outputs(one_cell), _outputs(other_cell))

    def _outputs(self, where: str, ones: list[Object], others: list[Object]) -> None:
        self._tally.compared += max(len(ones), len(others))
        for index in range(max(len(ones), len(others))):
            place = f"{where}, output {index + 1}"
            if index >= len(ones):
                self._tally.differ(place, None, _kind(others[index]))
            elif index >= len(others):
                self._tally.differ(place, _kind(ones[index]), None)
            else:
                self._output(place, ones[index], others[index])

    def _output(self, where: str, one: Object, other: Object) -> None:
        kind = _kind(one)
        if kind != _kind(other):
            self._tally.differ(where, kind, _kind(other))
        elif kind.startswith("stream"):
            self._text(where, _joined(one.get("text")), _joined(other.get("text")))
        elif kind == "error":
            for key in ("ename", "evalue", "traceback"):
                texts = [_joined(output.get(key), "\n") for output in (one, other)]
                self._text(f"{where}, {key}", texts[0], texts[1])
        else:
            self._bundle(where, _dict(one.get("data")), _dict(other.get("data")))

    def _bundle(self, where: str, one: Object, other: Object) -> None:
        """Compare what a cell showed, in each form that it has."""
        for media_type in sorted({*one, *other}):
            place = f"{where}, {media_type}"
            if media_type not in one or media_type not in other:
                told = "shown" if media_type in one else None
                self._tally.differ(place, told, None if told else "shown")
                continue
            left, right = one[media_type], other[media_type]
            if media_type in IMAGES:
                self._image(place, _joined(left), _joined(right))
            elif media_type.endswith("json"):
                compared = self._tally.compared
                values = Values(self._job, self._tally, prefix=f"{place} ")
                values.compare("", left, right)
                self._tally.compared = compared
            else:
                self._text(place, _joined(left), _joined(right))

    def _image(self, where: str, one: str, other: str) -> None:
        if one.split() == other.split():
            return
        try:
            images = [base64.b64decode(text, validate=False) for text in (one, other)]
        except (binascii.Error, ValueError):
            self._tally.differ(where, one, other)
            return
        compared, seen = self._tally.compared, Tally(self._job.rule, 1)
        try:
            left, right = map(io.BytesIO, images)
            compare_pixels(self._job, seen, left, right, f"{where}, ")
        except MalformedError as error:
            self._tally.differ(where, "an image", f"another that differs ({error})")
            return
        self._tally.take(seen)
        self._tally.compared = compared

    def _text(self, where: str, one: str, other: str) -> None:
        if one == other:
            return
        walk = Alignment(_lines(one), _lines(other), self._rule.same, len)
        for at, left, other_at, right in walk.differing():
            if left is not None and right is not None and self._rule.same(left, right):
                continue
            line = at if left is not None else other_at
            self._tally.differ(f"{where}, line {line}", _told(left), _told(right))


def _told(line: bytes | None) -> str | None:
    return None if line is None else repr(line.decode("utf-8", "replace"))


def _cells(document: Json) -> list[Object]:
    if not isinstance(document, dict) or document.get("nbformat") != FORMAT:
        raise MalformedError(f"it is no Jupyter notebook of format {FORMAT}")
    cells = document.get("cells")
    if not isinstance(cells, list) or not all(isinstance(c, dict) for c in cells):
        raise MalformedError("the notebook has no list of cells")
    return cells


def _outputs(cell: Object) -> list[Object]:
    """The outputs of a cell; what was written to one stream in pieces is one."""
    merged: list[Object] = []
    found = cell.get("outputs")
    for output in found if isinstance(found, list) else ():
        if not isinstance(output, dict):
            raise MalformedError("an output of the notebook is no object")
        last = merged[-1] if merged else {}
        if _kind(output).startswith("stream") and _kind(last) == _kind(output):
            text = _joined(last.get("text")) + _joined(output.get("text"))
            merged[-1] = {**last, "text": text}
        else:
            merged.append(output)
    return merged


def _kind(output: Object) -> str:
    kind = str(output.get("output_type"))
    return f"stream {output.get('name')}" if kind == "stream" else kind


def _joined(value: Any, by: str = "") -> str:  # noqa: ANN401 - whatever stands there
    """A text that may be kept as a list of lines."""
    if isinstance(value, list):
        return by.join(map(str, value))
    return "" if value is None else str(value)


def _dict(value: Json) -> Object:
    return value if isinstance(value, dict) else {}


def _lines(text: str) -> Iterator[bytes]:
    for line in io.StringIO(text, newline="\n"):
        yield line.encode("utf-8", "surrogatepass")
