"""For programs: all of it, as `schemas/audit-report.schema.json` describes it."""

from typing import Any

from reverify.audits.reporting.confidence import (
    CONFIDENCE,
    population,
    upper_bound,
)
from reverify.formats.json import dumps
from reverify.model.audit import (
    OUTCOMES,
    BadCrate,
    Coverage,
    Noted,
    Overview,
    Reading,
    Run,
    Summary,
    Trouble,
)

SCHEMA_VERSION = "1.0"
Json = dict[str, Any]


def json(overview: Overview) -> bytes:
    """Write one document, in ASCII, so that no terminal or log is fooled."""
    return dumps(document(overview))


def document(overview: Overview) -> Json:
    """All that an overview holds, as JSON has it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": _run(overview.run),
        "runs": [_run(each) for each in overview.runs],
        "due": overview.due,
        "overdue": overview.overdue,
        "never": overview.never,
        "coverage": [_coverage(each) for each in overview.coverage],
        "trouble": [_trouble(each) for each in overview.trouble],
        "bad": [_bad(each) for each in overview.bad],
        "drift": overview.drift.to_dict(),
    }


def _run(run: Run) -> Json:
    summary = _summary(run.summary) if run.summary else None
    kept = {"tool": run.tool, "seal": run.seal, "before": run.before}
    return {**run.to_dict(), **kept, "options": dict(run.options), "summary": summary}


def _summary(summary: Summary) -> Json:
    crates = {name: summary.crates.get(name, 0) for name in OUTCOMES}
    return {
        "stopped": summary.stopped,
        "crates": {"total": summary.total, **crates},
        "levels": {name or "none": many for name, many in summary.levels.items()},
        "kinds": {kind: dict(counts) for kind, counts in summary.kinds.items()},
        "readings": {each.value: summary.readings.get(each, 0) for each in Reading},
        "reasons": dict(summary.reasons),
        "left": dict(summary.left),
        "read_bytes": summary.read_bytes,
        "seconds": summary.seconds,
        "sample": _sample(summary),
    }


def _sample(summary: Summary) -> Json | None:
    if summary.sampled is None:
        return None
    most = upper_bound(summary.sampled, summary.sample_bad, population(summary))
    return {
        "crates": summary.sampled,
        "damaged": summary.sample_bad,
        "round_left": summary.round_left,
        "at_most": most,
        "confidence": CONFIDENCE,
    }


def _coverage(span: Coverage) -> Json:
    return {"days": span.days, "crates": span.crates, "bytes": span.bytes}


def _trouble(trouble: Trouble) -> Json:
    return trouble._asdict()


def _bad(bad: BadCrate) -> Json:
    run, at = bad.since
    return {
        "crate": bad.check.crate,
        "since": {"run": run, "at": at},
        **bad.check.to_dict(),
        "files": bad.check.files,
        "bytes": bad.check.bytes,
        "findings": [_finding(each) for each in bad.findings],
    }


def _finding(finding: Noted) -> Json:
    return finding._asdict()
