"""Patterns of what is not compared in text: dates, temporary paths, times taken.

They come from a capsule, which may be a stranger's. So they run on RE2, whose time is
linear in the text, whatever the pattern.
"""

from collections.abc import Callable

from reverify.compare.interface import NotComparableError, missing_library
from reverify.model.comparison import Rule

Pieces = tuple[bytes, ...]
LONGEST = 4096
MOST = 100
MEMORY = 8 << 20


class Masks:
    """What a rule's patterns leave of a text.

    Args:
        rule: the rule.

    Raises:
        NotComparableError: a pattern is none of RE2, or RE2 is not installed.
    """

    def __init__(self, rule: Rule) -> None:
        self._find = _compiled(rule.ignore_patterns) if rule.ignore_patterns else None

    def same(self, one: bytes, other: bytes) -> bool:
        """Whether two texts are the same but for what is masked."""
        if one == other:
            return True
        return self._find is not None and self._find(one) == self._find(other)

    def same_text(self, one: str, other: str) -> bool:
        """Whether two texts are the same but for what is masked."""
        if one == other:
            return True
        return self._find is not None and self.same(_encoded(one), _encoded(other))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _compiled(patterns: tuple[str, ...]) -> Callable[[bytes], Pieces]:
    """From a text to the pieces of it between the matches.

    No mark is put in the place of a match: a file could hold the mark itself.
    """
    try:
        import re2  # noqa: PLC0415
    except ImportError as error:
        raise missing_library("google-re2") from error
    if len(patterns) > MOST or max(map(len, patterns)) > LONGEST:
        raise NotComparableError(
            f"ignore_patterns: more than {MOST} patterns, or one of more than"
            f" {LONGEST:,} characters"
        )
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MEMORY
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(re2.compile(pattern, options))
        except (re2.error, UnicodeError) as error:
            reason = error.args[0] if error.args else error
            said = reason.decode() if isinstance(reason, bytes) else reason
            raise NotComparableError(
                f"ignore_patterns: {pattern!r} cannot be used ({said}); it must be a"
                " regular expression of RE2, without look-around or back references"
            ) from error

    def pieces(text: bytes) -> Pieces:
        found = [text]
        for pattern in compiled:
            found = [piece for part in found for piece in _between(pattern, part)]
        return tuple(found)

    return pieces


def _between(pattern: object, text: bytes) -> list[bytes]:
    at, between = 0, []
    for match in pattern.finditer(text):  # type: ignore[attr-defined]
        start, end = match.span()
        if end > start:  # nothing is no match
            between.append(text[at:start])
            at = end
    between.append(text[at:])
    return between
