"""Untrusted text, made safe for the place it is written to: once, at output."""

import re
from urllib.parse import quote

_MOST = 2000
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>&~@$])")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def printable(text: str, most: int = _MOST) -> str:
    r"""Make text safe for a terminal and for one line of a log.

    Control characters, bidirectional and invisible ones, line ends and halves of
    surrogate pairs become `\x1b`-style text; what is too long is cut, and says so.
    """
    if len(text) > most:
        text = f"{text[:most]}... ({len(text) - most:,} more characters)"
    return (
        text if text.isascii() and text.isprintable() else _CONTROL.sub(_escape, text)
    )


def markdown(text: str) -> str:
    """Make text safe within a line of Markdown."""
    return _MARKDOWN.sub(r"\\\1", printable(text)).replace("://", "&#58;//")


def code(text: str) -> str:
    """Make text a code span of Markdown, whatever backticks it holds."""
    shown = printable(text)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


def xml(text: str) -> str:
    """Drop what XML 1.0 forbids; quoting is the XML library's business."""
    return _NOT_XML.sub("\ufffd", printable(text))


def sarif(text: str) -> str:
    """Make text a SARIF message without links and placeholders."""
    shown = re.sub(r"([\[\]\\])", r"\\\1", printable(text))
    return shown.replace("{", "{{").replace("}", "}}")


def uri(path: str) -> str:
    """Make a path a relative URI that stays below where it starts."""
    text = path.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in {"", ".", ".."}]
    return quote("/".join(parts).encode("utf-8", "surrogatepass"), safe="/") or "."
