"""How is a report written? One class for each format; the table is the register."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverify.formats.interface import Format

FORMATS: Mapping[str, str] = {
    "text": "text:Text",
    "json": "json:Json",
    "jsonl": "json:JsonLines",
    "markdown": "markdown:Markdown",
    "junit": "junit:JUnit",
    "sarif": "sarif:Sarif",
}
"""Module and class by name; a format is loaded when it is used."""


def format_named(name: str) -> "Format":
    """Make the format of a name that stands in the table."""
    module, _, cls = FORMATS[name].partition(":")
    made: Format = getattr(import_module(f"reverify.formats.{module}"), cls)()
    return made
