"""For programs: the report as `schemas/report.schema.json` describes it."""

import json
from collections import Counter
from collections.abc import Sequence

from reverify.formats.interface import Format, gravest
from reverify.model.report import SCHEMA_VERSION, Report


class Json(Format):
    """One JSON document; several reports are wrapped in one object."""

    name = "json"
    media_type = "application/json"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write one document, in ASCII, so that no terminal or log is fooled."""
        if len(reports) == 1:
            return _dumps(reports[0].to_dict(), indent=2)
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
        return _dumps(document, indent=2)


class JsonLines(Format):
    """One report a line."""

    name = "jsonl"
    media_type = "application/jsonl"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write a line for each report."""
        return b"".join(_dumps(report.to_dict(), indent=None) for report in reports)


def _dumps(document: object, indent: int | None) -> bytes:
    return json.dumps(document, indent=indent, ensure_ascii=True).encode() + b"\n"
