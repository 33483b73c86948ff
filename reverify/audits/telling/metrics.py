"""How a collection stands, for Prometheus: a file for node_exporter to read.

Source: Prometheus, "Exposition formats", text-based format 0.0.4; node_exporter,
"Textfile Collector", which takes no times of samples.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from reverify.audits.telling.notice import name_of
from reverify.formats.escape import printable
from reverify.model.audit import OUTCOMES, Overview, Reading, Run, Summary
from reverify.model.outcome import ClaimKind, Level, Outcome

_PREFIX = "reverify_audit_"
_NONE = "none"
_NEVER = "never"
_NAME = 500


class _Gauge(NamedTuple):
    """Numbers that go up and down.

    Attributes:
        name: what follows the prefix; it ends in the unit.
        help: one sentence.
        samples: each with its labels.
    """

    name: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


def metrics(overview: Overview, name: str = "") -> bytes:
    """Write how a collection stands.

    Each outcome, level, kind and word is there, with 0 if there is none: a series that
    comes and goes cannot be alerted on.

    Args:
        overview: of a collection whose last run is finished.
        name: of the collection, the label that all have; its roots if it is empty.

    Raises:
        ValueError: the last run is not finished.
    """
    run = overview.run
    if run.summary is None or run.finished is None:
        raise ValueError(f"run {run.number} is not finished")
    collection = printable(name or name_of(run), _NAME)
    gauges = [
        *_standing(run.summary),
        *_reading(overview, run.summary),
        *_last(run, run.summary),
        _drift(overview),
    ]
    lines = [line for gauge in gauges for line in _lines(gauge, collection)]
    return ("\n".join(lines) + "\n").encode()


def _standing(summary: Summary) -> Iterator[_Gauge]:
    """How the crates are."""
    yield _Gauge(
        "crates",
        "Crates by their verdict.",
        [({"outcome": each}, summary.crates.get(each, 0)) for each in OUTCOMES],
    )
    levels = {**{level.value: level.value for level in Level}, "": _NONE}
    yield _Gauge(
        "level_crates",
        "Crates by the level that they reach.",
        [({"level": levels[e]}, summary.levels.get(e, 0)) for e in levels],
    )
    yield _Gauge(
        "kind_crates",
        "Crates by what became of each kind of claim.",
        [
            (
                {"kind": kind.value, "outcome": outcome.value},
                summary.kinds.get(kind.value, {}).get(outcome.value, 0),
            )
            for kind in ClaimKind
            for outcome in Outcome
        ],
    )


def _reading(overview: Overview, summary: Summary) -> Iterator[_Gauge]:
    """When they were read, and when they should be."""
    waiting = {"due": overview.due, "overdue": overview.overdue}
    waiting |= {_NEVER: overview.never}
    yield _Gauge(
        "reading_due_crates",
        "Crates to be read in full soon, or that should have been, or never were.",
        [({"state": state}, count) for state, count in waiting.items()],
    )
    spans = [(_span(each.days), each) for each in overview.coverage]
    yield _Gauge(
        "reading_age_crates",
        "Crates last read in full at most so many days ago, and more than those of"
        " the label before.",
        [({"days": days}, each.crates) for days, each in spans],
    )
    yield _Gauge(
        "reading_age_bytes",
        "Bytes of these crates, as far as they are known.",
        [({"days": days}, each.bytes) for days, each in spans],
    )
    yield _Gauge(
        "last_run_crates",
        "Crates by how the last run read them.",
        [({"reading": each.value}, summary.readings.get(each, 0)) for each in Reading],
    )


def _span(days: int | None) -> str:
    return _NEVER if days is None else str(days)


def _last(run: Run, summary: Summary) -> Iterator[_Gauge]:
    """How the last run went."""
    started, finished = _time(run.started), _time(run.finished or "")
    for name, help, value in (
        ("last_run_number", "The number of the last run.", run.number),
        ("last_run_timestamp_seconds", "When the last run finished.", finished),
        ("last_run_duration_seconds", "How long it took.", finished - started),
        (
            "last_run_work_seconds",
            "How long it worked on crates, all processes together.",
            summary.seconds,
        ),
        (
            "last_run_read_bytes",
            "Bytes of the crates read in full.",
            summary.read_bytes,
        ),
        (
            "last_run_stopped",
            "1 if its time was over before it was done.",
            summary.stopped,
        ),
        (
            "last_run_left_crates",
            "Crates that it should have read in full and did not.",
            sum(summary.left.values()),
        ),
    ):
        yield _Gauge(name, help, [({}, value)])


def _drift(overview: Overview) -> _Gauge:
    return _Gauge(
        "last_run_changed_claims",
        "Claims that are not as they were before the last run.",
        [
            ({"change": word}, len(changes))
            for word, changes in overview.drift._asdict().items()
        ],
    )


def _time(at: str) -> float:
    """Seconds since 1970 at a time of RFC 3339."""
    return datetime.fromisoformat(at).timestamp()


def _lines(gauge: _Gauge, collection: str) -> Iterator[str]:
    name = f"{_PREFIX}{gauge.name}"
    yield f"# HELP {name} {gauge.help}"
    yield f"# TYPE {name} gauge"
    for labels, value in gauge.samples:
        all = {"collection": collection, **labels}
        shown = ",".join(f'{key}="{_label(said)}"' for key, said in all.items())
        yield f"{name}{{{shown}}} {_number(value)}"


def _label(text: str) -> str:
    """The value of a label: backslash, quote and line end are escaped."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("\n", "\\n")


def _number(value: float) -> str:
    """A number as Go reads it, without an exponent where it is whole."""
    if math.isfinite(value) and value == int(value):
        return str(int(value))
    return repr(float(value))
