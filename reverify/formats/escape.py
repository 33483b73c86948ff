"""Untrusted text, made safe for the place it is written to: once, at output."""

import re
from collections.abc import Callable
from functools import cache, partial
from urllib.parse import quote

_MOST = 2000
_MOST_URI = 1000
_INVISIBLE = partial(
    re.compile,
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]",
)
"""Controls, formatting characters, fillers, line ends, halves of surrogate pairs."""
_COMMAND = partial(re.compile, r"\A(\s*):(?=:)|(#)#(?=\w*\[)")
"""What a CI server may take for a command to itself.

GitHub: `::` after any space at the start of a line, `##[` anywhere in it. Azure:
`##vso[` anywhere. TeamCity: `##teamcity[`.
"""
_NOT_XML = partial(re.compile, "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = partial(re.compile, r"[\\`*_\[\]<>|&~$]")
_LINKED = partial(re.compile, r"[@#]|://|www\.|\bGH-\d|\A:\w+:", re.IGNORECASE)
"""What GitHub makes a link, a mention or a picture of, escaped or not."""
_BLOCK = partial(re.compile, r"\A(?:(\d+)([.)])(?=\s|\Z)|([-+=]))")
"""What would begin a list, a rule or a heading at the start of a line."""
_WORD = partial(re.compile, r"(.*?)([,.;)]*)")


@cache
def _compiled(make: Callable[[], re.Pattern[str]]) -> re.Pattern[str]:
    """A pattern, compiled when it is first needed: `reverify --help` needs none."""
    return make()


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _disarm(match: re.Match[str]) -> str:
    return "#\\x23" if match[2] else f"{match[1]}\\x3a"


def printable(text: str, most: int = _MOST) -> str:
    r"""Make text safe for a terminal and for one line of a log.

    Control characters, bidirectional and invisible ones, line ends and halves of
    surrogate pairs become `\x1b`-style text; what is too long is cut, and says so.
    What a CI server would take for a command is written so that it is none.
    """
    if len(text) > most:
        text = f"{text[:most]}... ({len(text) - most:,} more characters)"
    if not (text.isascii() and text.isprintable()):
        text = _compiled(_INVISIBLE).sub(_escape, text)
    if "::" in text or "##" in text:
        text = _compiled(_COMMAND).sub(_disarm, text)
    return text


def short(text: str, most: int) -> str:
    """Make text printable, and no longer than a limit that somebody else sets."""
    shown = printable(text, most)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def markdown(text: str, most: int = _MOST) -> str:
    """Make text safe within a line of GitHub-flavoured Markdown.

    A backslash does not keep GitHub from turning `@name`, `#1` or an address into a
    link; a code span does. So words with such things in them become code.
    """
    shown = " ".join(map(_word, printable(text, most).strip(" ").split(" ")))
    return _compiled(_BLOCK).sub(lambda m: f"{m[1] or ''}\\{m[2] or m[3]}", shown)


def _word(word: str) -> str:
    match = _compiled(_LINKED).search(word) and _compiled(_WORD).fullmatch(word)
    return (
        code(match[1]) + match[2]
        if match
        else _compiled(_MARKDOWN).sub(r"\\\g<0>", word)
    )


def code(text: str, most: int = _MOST) -> str:
    """Make text a code span of Markdown, whatever backticks it holds."""
    shown = printable(text, most)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    edges = shown[:1] + shown[-1:]
    pad = " " if not shown or "`" in edges or edges == "  " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, most: int = _MOST) -> str:
    """Make text a code span within a table, where a bar ends the cell."""
    return code(text, most).replace("|", "\\|")


def xml(text: str, most: int = _MOST) -> str:
    """Replace what XML 1.0 forbids; quoting is the XML library's business."""
    return _compiled(_NOT_XML).sub("\ufffd", printable(text, most))


def sarif(text: str) -> str:
    """Make text a SARIF message without links and placeholders."""
    shown = re.sub(r"([\[\]\\])", r"\\\1", printable(text))
    return shown.replace("{", "{{").replace("}", "}}")


def uri(path: str) -> str:
    """Make a path a relative URI that stays below where it starts."""
    text = path[:_MOST_URI].replace("\\", "/")
    parts = [part for part in text.split("/") if part not in {"", ".", ".."}]
    return quote("/".join(parts).encode("utf-8", "surrogatepass"), safe="/") or "."
