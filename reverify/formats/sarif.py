"""For code scanning: SARIF 2.1.0, valid by the schema and shown by GitHub."""

import json
from collections.abc import Sequence
from typing import Any

from reverify.formats.escape import printable, sarif, uri
from reverify.formats.interface import Format
from reverify.model.finding import Finding, identified
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report
from reverify.model.rules import RULES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
_TEXT = 1000


class Sarif(Format):
    """One run; a result for each claim that is refuted or could not be told."""

    name = "sarif"
    media_type = "application/sarif+json"

    def render(self, reports: Sequence[Report]) -> bytes:
        """Write one log, the gravest results first."""
        chosen = [
            (report, id, finding)
            for report in reports
            for id, finding in identified(report.findings)
            if finding.outcome in {Outcome.REFUTED, Outcome.UNDETERMINED}
        ]
        chosen.sort(key=lambda item: _gravity(item[2]))
        left_out = len(chosen) - MOST_RESULTS
        chosen = chosen[:MOST_RESULTS]
        rules: dict[str, dict[str, Any]] = {}
        for _, _, finding in chosen:
            rules.setdefault(finding.rule, _rule(finding))
        index = {id: number for number, id in enumerate(rules)}
        notifications = []
        if left_out > 0:
            text = f"{left_out:,} further results were left out"
            notifications.append({"level": "note", "message": {"text": text}})
        run = {
            "tool": {
                "driver": {
                    "name": "reverify",
                    "semanticVersion": reports[0].tool["version"],
                    "rules": list(rules.values()),
                }
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [
                {
                    "executionSuccessful": True,
                    "toolExecutionNotifications": notifications,
                }
            ],
            "results": [
                _result(report, id, finding, index[finding.rule])
                for report, id, finding in chosen
            ],
        }
        log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
        return json.dumps(log, indent=2, ensure_ascii=True).encode() + b"\n"


def _gravity(finding: Finding) -> tuple[int, int]:
    return finding.severity.rank, int(finding.outcome is Outcome.UNDETERMINED)


def _rule(finding: Finding) -> dict[str, Any]:
    known = RULES.get(finding.rule)
    title = known.title if known else _title(finding.rule)
    about = (known.about if known else "") or title
    fix = (known.fix if known else finding.fix) or "See the rule's page."
    rule = {
        "id": finding.rule,
        "shortDescription": {"text": printable(title, _TEXT)},
        "fullDescription": {"text": printable(about, _TEXT)},
        "help": {"text": fix},
        "defaultConfiguration": {"level": finding.severity.value},
        "properties": {
            "tags": [finding.claim.kind.value, finding.severity.keyword],
            "problem": {"severity": _problem(finding.severity)},
        },
    }
    if finding.clause:
        rule["helpUri"] = finding.clause
    return rule


def _title(rule: str) -> str:
    return rule.rpartition("/")[2].replace("-", " ")


def _problem(severity: Severity) -> str:
    return {"note": "recommendation"}.get(severity.value, severity.value)


def _result(report: Report, id: str, finding: Finding, index: int) -> dict[str, Any]:
    refuted = finding.outcome is Outcome.REFUTED
    claim = finding.claim
    line, column = claim.stated_in.position or (1, 1)
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": _artifact(report, claim.stated_in.file)},
            "region": {"startLine": line, "startColumn": column},
        },
        "logicalLocations": [
            {"fullyQualifiedName": printable(claim.subject), "kind": "object"}
        ],
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": "fail" if refuted else "open",
        "level": finding.severity.value if refuted else "none",
        "message": {"text": sarif(finding.reason) or "no reason given"},
        "locations": [place],
        "partialFingerprints": {"primaryLocationLineHash": f"{id}:1"},
    }


def _artifact(report: Report, file: str) -> str:
    """The file to point at: in an archive, the archive is all that others see.

    Locations outside the working folder are told by their last part alone.
    """
    location = report.subject.location
    if report.subject.format not in {"directory", "bag"}:
        return _below(location)
    if location.endswith(("ro-crate-metadata.json", "ro-crate-metadata.jsonld")):
        location = location.rpartition("/")[0]
    if location in {"", "."}:
        return uri(file)
    return f"{_below(location)}/{uri(file)}"


def _below(location: str) -> str:
    text = location.rstrip("/")
    if text.startswith("/") or ".." in text.split("/") or "://" in text:
        text = text.rpartition("/")[2]
    return uri(text)
