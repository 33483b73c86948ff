"""Commands and values, out of what a record says of them."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

_SHELL = set("|&;<>()")


def parsed(text: str) -> Any:  # noqa: ANN401 - JSON
    """Read JSON that a crate holds as text.

    Raises:
        ValueError: it is none, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def words_of(line: str) -> list[str]:
    """The words of a line as a shell has them; none if a quote is left open."""
    try:
        return shlex.split(line)
    except ValueError:
        return []


def read_command(value: object) -> tuple[tuple[str, ...], bool]:
    """Read a list of arguments, or a line for a shell.

    Returns:
        the arguments, none if it is no command; and whether a shell runs them.
    """
    if isinstance(value, str):
        try:
            listed = parsed(value)
        except ValueError:
            listed = None
        if not isinstance(listed, list):
            return _read_line(value)
        value = listed
    if isinstance(value, list) and value and all(isinstance(w, str) for w in value):
        if any("\0" in word for word in value):
            return (), False
        return tuple(value), False
    return (), False


def _read_line(line: str) -> tuple[tuple[str, ...], bool]:
    if "\0" in line or not words_of(line):
        return (), False
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    is_shell = any(set(token) <= _SHELL for token in lexer)
    if is_shell or "$" in line or "`" in line or "\n" in line:
        return ("sh", "-c", line), True
    return tuple(words_of(line)), False


def typed(value: Any, kind: str) -> object:  # noqa: ANN401 - JSON
    """A value in the type of its formal parameter; most writers make texts of all."""
    if not isinstance(value, str):
        return value
    readers: Mapping[str, Any] = {
        "Integer": int,
        "Number": float,
        "Float": float,
        "Boolean": lambda text: {"true": True, "false": False}[text.lower()],
        "json": parsed,
    }
    try:
        return readers[kind.rpartition("/")[2]](value)
    except (KeyError, ValueError):
        return value
