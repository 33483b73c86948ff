"""For code scanning: SARIF 2.1.0, valid by the schema and shown by GitHub."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from reverify.formats.escape import printable, sarif, short, uri
from reverify.formats.interface import Format
from reverify.formats.json import dumps
from reverify.model.finding import Finding, identified, timestamp
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report
from reverify.model.rules import RULES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
_MOST_TEXT = 1024
_WEB = re.compile(r"https?://[!-;=?-\[\]_a-z~]+")
_IN_PLACE = {"directory", "bag"}


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
                    "semanticVersion": _version(reports),
                    "rules": list(rules.values()),
                }
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [
                {
                    "executionSuccessful": True,
                    "startTimeUtc": timestamp(min(r.started for r in reports)),
                    "endTimeUtc": timestamp(max(r.finished for r in reports)),
                    "toolExecutionNotifications": notifications,
                }
            ],
            "results": [
                _result(report, id, finding, index[finding.rule])
                for report, id, finding in chosen
            ],
        }
        return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _version(reports: Sequence[Report]) -> str:
    return printable(reports[0].tool.get("version") or "0", 100)


def _gravity(finding: Finding) -> tuple[int, int]:
    return finding.severity.rank, int(finding.outcome is Outcome.UNDETERMINED)


def _rule(finding: Finding) -> dict[str, Any]:
    known = RULES.get(finding.rule)
    title = known.title if known else _title(finding.rule)
    about = (known.about if known else _about(finding.rule)) or title
    fix = known.fix if known else finding.fix
    advice = f"`reverify explain {finding.rule}` says more."
    rule = {
        "id": _id(finding.rule),
        "shortDescription": {"text": short(title, _MOST_TEXT)},
        "fullDescription": {"text": short(about, _MOST_TEXT)},
        "help": {"text": short(f"{fix} {advice}".strip(), _MOST_TEXT)},
        "defaultConfiguration": {"level": finding.severity.value},
        "properties": {
            "tags": [finding.claim.kind.value, finding.severity.keyword],
            "problem": {"severity": _problem(finding.severity)},
        },
    }
    if len(finding.clause) <= _MOST_TEXT and _WEB.fullmatch(finding.clause):
        rule["helpUri"] = finding.clause
    return rule


def _id(rule: str) -> str:
    return short(rule, 255)


def _title(rule: str) -> str:
    words = rule.rpartition("/")[2].replace("-", " ")
    return f"{words[:1].upper()}{words[1:]}." if words else "A rule without a name."


def _about(rule: str) -> str:
    """What can be said of a rule of a profile from its id alone."""
    profile = rule.split("/")[1:-1]
    return f"A rule of the profile {profile[0]}." if profile else ""


def _problem(severity: Severity) -> str:
    return {"note": "recommendation"}.get(severity.value, severity.value)


def _result(report: Report, id: str, finding: Finding, index: int) -> dict[str, Any]:
    refuted = finding.outcome is Outcome.REFUTED
    claim = finding.claim
    line, column = claim.stated_in.position or (1, 1)
    artifact = _artifact(report, claim.stated_in.file)
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": artifact},
            "region": {"startLine": line, "startColumn": column},
        },
        "logicalLocations": [
            {"fullyQualifiedName": printable(claim.subject, 400), "kind": "object"}
        ],
    }
    suppressions = []
    if finding.tolerated is not None:
        why = printable(finding.tolerated.reason, _MOST_TEXT)
        suppressions = [{"kind": "external", "justification": why}]
    mark = hashlib.sha256(f"{artifact}\0{id}".encode()).hexdigest()[:16]
    return {
        "ruleId": _id(finding.rule),
        "ruleIndex": index,
        "kind": "fail" if refuted else "open",
        "level": finding.severity.value if refuted else "none",
        "message": {"text": sarif(finding.reason) or "no reason given"},
        "locations": [place],
        "partialFingerprints": {"primaryLocationLineHash": f"{mark}:1"},
        **({"suppressions": suppressions} if suppressions else {}),
    }


def _artifact(report: Report, file: str) -> str:
    """The file to point at: in an archive, the archive is all that others see.

    Locations outside the working folder are told by their last part alone.
    """
    policy = report.verdict.policy
    if policy is not None and file == policy.file:
        return uri(_below(file))
    location = report.subject.location
    outer, nested, inside = location.rpartition("#")
    if nested and file.startswith(f"{inside}/"):
        location = outer
    if report.subject.format not in _IN_PLACE or file == location:
        return uri(_below(location))
    if location.endswith(("ro-crate-metadata.json", "ro-crate-metadata.jsonld")):
        location = location.rpartition("/")[0]
    return uri(f"{_below(location)}/{file}")


def _below(location: str) -> str:
    text = location.rstrip("/")
    if text.startswith("/") or ".." in text.split("/") or "://" in text:
        text = text.rpartition("/")[2]
    return text
