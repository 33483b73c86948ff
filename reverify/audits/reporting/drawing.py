"""What plots are drawn of: bars, words, and the numbers that go with them.

Across, places are shares of the width, so that text keeps its size on any screen; down,
they are pixels. Colours and patterns are the style's business, by class.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reverify.audits.reporting.confidence import share
from reverify.audits.reporting.facts import crates, volume

_WIDEST = 62.0
"""How wide a bar may be, in per cent: the number stands behind it."""
ROW = 54
"""The height of a row of bars, in pixels."""


class Mark(NamedTuple):
    """One element of a drawing."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""
    marks: "tuple[Mark, ...]" = ()


class Plot(NamedTuple):
    """A drawing, what it says in words, and its numbers.

    Attributes:
        id: unique on the page.
        title: what it shows.
        description: what one sees in it, for those who do not.
        height: in pixels.
        marks: what is drawn.
        legend: class and label of each kind of mark.
        head: the names of the columns of numbers.
        rows: the numbers.
        scaled: whether numbers stand to the left of it.
    """

    id: str
    title: str
    description: str
    height: int
    marks: tuple[Mark, ...]
    legend: tuple[tuple[str, str], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    scaled: bool = False


def strip(id: str, title: str, parts: Sequence[tuple[str, str, int]]) -> Plot | None:
    """A bar that is a whole, in parts that have a class, a name and a number."""
    total = sum(many for _, _, many in parts)
    if not total:
        return None
    marks, start = [], 0.0
    for name, label, many in parts:
        width = 100 * many / total
        if many:
            said = Mark("title", {}, f"{label}: {crates(many)}, {share(many, total)}")
            marks.append(rect(name, (start, width), (1, 28), (said,)))
        start += width
    told = [f"{label}: {many:,}, {share(many, total)}" for _, label, many in parts]
    return Plot(
        id=id,
        title=title,
        description=f"Of {crates(total)}: {'; '.join(told)}.",
        height=30,
        marks=tuple(marks),
        legend=tuple(
            (name, f"{label}: {many:,} ({share(many, total)})")
            for name, label, many in parts
        ),
        head=("", "crates", "share"),
        rows=tuple(
            (label, f"{many:,}", share(many, total)) for _, label, many in parts
        ),
    )


class Bars(NamedTuple):
    """A row: a label, a bar of crates in parts, and one of bytes."""

    label: str
    parts: tuple[tuple[str, int], ...]
    bytes: int
    said: str


def bars(rows: Sequence[Bars]) -> Iterator[Mark]:
    """Rows below one another, each on the same scales."""
    most = max(sum(many for _, many in row.parts) for row in rows) or 1
    largest = max(row.bytes for row in rows) or 1
    for number, row in enumerate(rows):
        y, start = number * ROW, 0.0
        yield text("row", "0%", y + 12, row.label)
        for name, many in row.parts:
            if many:
                width = max(_WIDEST * many / most, 0.4)
                yield rect(name, (start, width), (y + 19, 13))
                start += width
        yield text("value", f"{start:.4g}%", y + 30, row.said)
        width = _WIDEST * row.bytes / largest
        if row.bytes:
            yield rect("bytes", (0, max(width, 0.4)), (y + 34, 7))
            yield text("value small", f"{width:.4g}%", y + 43, volume(row.bytes))


def rect(
    name: str,
    across: tuple[float, float],
    down: tuple[float, float],
    marks: Iterable[Mark] = (),
) -> Mark:
    """A rectangle: where it begins and its size, across in per cent, down in pixels."""
    place = {"x": f"{across[0]:.5g}%", "y": f"{down[0]:.4g}"}
    size = {"width": f"{across[1]:.5g}%", "height": f"{down[1]:.4g}"}
    kind = {"class": name} if name else {}
    return Mark("rect", kind | place | size, marks=tuple(marks))


def text(name: str, x: str, y: float, said: str) -> Mark:
    """Words at a place."""
    return Mark("text", {"class": name, "x": x, "y": f"{y:g}"}, said)
