"""How is an audit told? Finished nouns in, bytes out; nothing is looked up here."""

from collections.abc import Mapping
from importlib import import_module

from reverify.model.audit import Overview

FORMATS: Mapping[str, tuple[str, str]] = {
    "html": ("html:html", "text/html"),
    "markdown": ("markdown:markdown_report", "text/markdown"),
    "json": ("json:json", "application/json"),
}
"""Module and function, and media type, of what tells of the whole collection.

Of single crates tell `tables` (CSV, Parquet) and `premis`, from rows that flow.
"""


def report(overview: Overview, format: str) -> bytes:
    """Write how a collection stands, in one of `FORMATS`."""
    module, _, function = FORMATS[format][0].partition(":")
    written: bytes = getattr(import_module(f"{__name__}.{module}"), function)(overview)
    return written
