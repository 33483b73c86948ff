"""For programs: the report as `schemas/report.schema.json` describes it."""

import json
import re
from collections import Counter
from collections.abc import Sequence

from reverify.formats.interface import Format, Writing, gravest
from reverify.model.report import SCHEMA_VERSION, Report

_PAIRS = re.compile(
    r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\(ud[89a-f][0-9a-f]{2})"
)
_COMMAND = re.compile(r"##(?=\w*\[)")


class Json(Format):
    """One JSON document; several reports are wrapped in one object."""

    name = "json"
    media_type = "application/json"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write one document, in ASCII, so that no terminal or log is fooled."""
        if len(reports) == 1:
            return dumps(reports[0].to_dict())
        counts = Counter(report.verdict.outcome.value for report in reports)
        crates = {"total": len(reports)} | {
            outcome: counts[outcome]
            for outcome in ("confirmed", "refuted", "undetermined")
        }
        document = {
            "schema_version": SCHEMA_VERSION,
            "reports": [report.to_dict() for report in reports],
            "verdict": {"outcome": gravest(reports).value, "crates": crates},
        }
        return dumps(document)


class JsonLines(Format):
    """One report a line."""

    name = "jsonl"
    media_type = "application/jsonl"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write a line for each report."""
        return b"".join(dumps(report.to_dict(), indent=None) for report in reports)

    def start(self) -> Writing:
        """Begin; no report waits for another."""
        return _Lines(self)


class _Lines(Writing):
    def add(self, report: Report) -> bytes:
        return self._format.render([report])


def dumps(document: object, *, indent: int | None = 2) -> bytes:
    r"""Write JSON that every reader can read, and that is safe in any log.

    It is ASCII. Half a surrogate pair, which many readers refuse, is written as the
    text `\udc80`. A number sign that would begin a command of a CI server is written
    as its escape, which reads back as the same.
    """
    text = json.dumps(document, indent=indent, ensure_ascii=True, allow_nan=False)
    if "\\ud" in text:
        text = _PAIRS.sub(lambda m: m[0] if not m[1] else f"\\{m[0]}", text)
    if "##" in text:
        text = _COMMAND.sub(r"#\\u0023", text)
    return text.encode() + b"\n"
