"""Where in a JSON text a value stands: from JSON pointer to line and column.

The text is scanned only as far as somebody asks: a container is taken apart when a
pointer leads through it, and what it holds is skipped over by brackets.

Source: RFC 6901.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}:,]', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
CACHED_CONTAINERS = 10_000


def escape(key: str) -> str:
    """Write a key as one part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


class _Open:
    """A container that is being read.

    Attributes:
        pointer: its own JSON pointer.
        at: how many values stand before the present one.
    """

    def __init__(self, pointer: str, *, is_object: bool) -> None:
        self.pointer = pointer
        self.at = 0
        self._keys: set[str] | None = set() if is_object else None
        self._key = ""

    @property
    def child(self) -> str:
        """The JSON pointer of the present value."""
        key = str(self.at) if self._keys is None else escape(self._key)
        return f"{self.pointer}/{key}"

    def sees(self, key: str) -> bool:
        """Go on to a key; whether it was there before."""
        self._key = key
        if self._keys is None or key in self._keys:
            return True
        self._keys.add(key)
        return False


class Positions:
    """Line and column of every value of one JSON text.

    Args:
        text: a JSON text that has already been parsed once without an error.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[int] | None = None
        self._children: dict[int, dict[str, tuple[int, int]]] = {}

    def __call__(self, pointer: str) -> tuple[int, int] | None:
        """Give line and column of a value, or of its key if it has one.

        Args:
            pointer: a JSON pointer, `/@graph/3/sha256`.

        Returns:
            both counted from 1, in characters; of the nearest container that exists
            where the pointer leads nowhere.
        """
        offset = shown = self._skip(0)
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            child = self._container(offset).get(key)
            if child is None:
                break
            shown, offset = child
        return self.line_and_column(shown)

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Turn a character offset into line and column, both counted from 1."""
        if self._lines is None:
            self._lines = [0]
            self._lines.extend(m.end() for m in re.finditer("\n", self._text))
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def duplicate_keys(self, most: int) -> list[tuple[str, str]]:
        """List the keys that an object holds more than once.

        Args:
            most: how many to find before it is enough.

        Returns:
            pairs of the object's JSON pointer and the key.
        """
        found: list[tuple[str, str]] = []
        open_: list[_Open] = []
        last = ""
        for token in _TOKEN.finditer(self._text):
            text = token.group()
            if text in {"{", "["}:
                pointer = open_[-1].child if open_ else ""
                open_.append(_Open(pointer, is_object=text == "{"))
            elif text in {"}", "]"}:
                open_.pop()
            elif text == ",":
                open_[-1].at += 1
            elif text == ":":
                key = json.loads(last, strict=False)
                if open_[-1].sees(key):
                    found.append((open_[-1].pointer, key))
                    if len(found) >= most:
                        break
            last = text
        return found

    def _skip(self, offset: int) -> int:
        match = _SPACE.match(self._text, offset)
        return match.end() if match else offset

    def _container(self, offset: int) -> dict[str, tuple[int, int]]:
        known = self._children.get(offset)
        if known is None:
            if len(self._children) >= CACHED_CONTAINERS:
                self._children.clear()
            known = self._children[offset] = self._scan(offset)
        return known

    def _scan(self, start: int) -> dict[str, tuple[int, int]]:
        """Find the offsets of key and value of each child of a container."""
        opening = self._text[start : start + 1]
        if opening == "{":
            return self._scan_object(start)
        return self._scan_array(start) if opening == "[" else {}

    def _scan_object(self, start: int) -> dict[str, tuple[int, int]]:
        children: dict[str, tuple[int, int]] = {}
        last: re.Match[str] | None = None
        for token in self._top_tokens(start):
            if token.group() == ":" and last is not None:
                key = json.loads(last.group(), strict=False)
                children[key] = last.start(), self._skip(token.end())
            last = token
        return children

    def _scan_array(self, start: int) -> dict[str, tuple[int, int]]:
        first = self._skip(start + 1)
        if self._text[first : first + 1] == "]":
            return {}
        offsets = [first]
        offsets += [
            self._skip(token.end())
            for token in self._top_tokens(start)
            if token.group() == ","
        ]
        return {str(index): (at, at) for index, at in enumerate(offsets)}

    def _top_tokens(self, start: int) -> Iterator[re.Match[str]]:
        """The tokens of a container that are not within one of its children."""
        depth = 0
        for token in _TOKEN.finditer(self._text, start):
            text = token.group()
            if text in {"{", "["}:
                depth += 1
            elif text in {"}", "]"}:
                depth -= 1
                if depth == 0:
                    return
            elif depth == 1:
                yield token
