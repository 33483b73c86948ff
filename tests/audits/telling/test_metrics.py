"""Metrics, as the library of Prometheus itself reads them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from reverify.audits.telling.metrics import metrics
from reverify.model.audit import Coverage, Drift, Overview, Run
from reverify.model.outcome import ClaimKind, Level, Outcome

from tests.audits.telling.changes import EVIL, change, run, summary

Labels = frozenset[tuple[str, str]]


def overview(run: Run) -> Overview:
    return Overview(
        run=run,
        runs=(run,),
        due=3,
        overdue=2,
        never=1,
        coverage=(Coverage(30, 8, 4000), Coverage(90, 4, 500), Coverage(None, 1, 0)),
        trouble=(),
        bad=(),
        drift=Drift(broke=(change(), change()), new=(change(),)),
    )


def read(data: bytes) -> dict[str, dict[Labels, float]]:
    """Each metric with its samples, less the label that all have."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(data.decode()):
        assert family.type == "gauge"
        assert family.documentation
        assert family.name not in found
        samples = found[family.name] = {}
        for sample in family.samples:
            assert sample.name == family.name
            labels = frozenset(sample.labels.items())
            key = frozenset(each for each in labels if each[0] != "collection")
            assert key not in samples
            samples[key] = sample.value
    return found


def value(name: str, **labels: str) -> float:
    return read(metrics(overview(run())))[f"reverify_audit_{name}"][
        frozenset(labels.items())
    ]


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("crates", {"outcome": "confirmed"}, 10),
        ("crates", {"outcome": "untested"}, 0),
        ("level_crates", {"level": "intact"}, 10),
        ("level_crates", {"level": "none"}, 3),
        ("level_crates", {"level": "reproduced"}, 0),
        ("kind_crates", {"kind": "fixity", "outcome": "refuted"}, 1),
        ("kind_crates", {"kind": "source", "outcome": "refuted"}, 0),
        ("reading_due_crates", {"state": "due"}, 3),
        ("reading_due_crates", {"state": "overdue"}, 2),
        ("reading_due_crates", {"state": "never"}, 1),
        ("reading_age_crates", {"days": "90"}, 4),
        ("reading_age_crates", {"days": "never"}, 1),
        ("reading_age_bytes", {"days": "30"}, 4000),
        ("last_run_crates", {"reading": "full"}, 4),
        ("last_run_crates", {"reading": "none"}, 0),
        ("last_run_number", {}, 7),
        ("last_run_timestamp_seconds", {}, 1769830230),
        ("last_run_duration_seconds", {}, 1830),
        ("last_run_work_seconds", {}, 70.5),
        ("last_run_read_bytes", {}, 123_456_789),
        ("last_run_stopped", {}, 0),
        ("last_run_left_crates", {}, 0),
        ("last_run_changed_claims", {"change": "broke"}, 2),
        ("last_run_changed_claims", {"change": "healed"}, 0),
    ],
)
def test_each_number_is_there(
    name: str, labels: dict[str, str], expected: float
) -> None:
    assert value(name, **labels) == expected


def test_a_run_that_stopped_is_told() -> None:
    stopped = run(summary=summary(stopped=True, left={"due": 30, "new": 2}))
    found = read(metrics(overview(stopped)))
    assert found["reverify_audit_last_run_stopped"][frozenset()] == 1
    assert found["reverify_audit_last_run_left_crates"][frozenset()] == 32


def test_what_is_not_there_is_zero_and_not_absent() -> None:
    found = read(metrics(overview(run())))
    assert len(found["reverify_audit_kind_crates"]) == len(ClaimKind) * len(Outcome)
    assert len(found["reverify_audit_level_crates"]) == len(Level) + 1


@pytest.mark.parametrize("text", [EVIL, 'a"} 1\nevil{x="y', "back\\slash\\n", "Ü/é"])
@pytest.mark.parametrize("named", [False, True])
def test_the_name_of_a_collection_makes_no_series(text: str, *, named: bool) -> None:
    there = overview(run(roots=(text,)))
    data = metrics(overview(run()), text) if named else metrics(there)
    assert set(read(data)) == set(read(metrics(overview(run()))))
    names = {
        sample.labels["collection"]
        for family in text_string_to_metric_families(data.decode())
        for sample in family.samples
    }
    assert len(names) == 1
    [name] = names
    assert name.isprintable()
    if text.isprintable():
        assert name == text


def test_every_name_ends_in_its_unit_and_every_line_in_a_line_end() -> None:
    data = metrics(overview(run()))
    assert data.endswith(b"\n")
    units = ("crates", "bytes", "seconds", "claims", "number", "stopped")
    assert all(name.endswith(units) for name in read(data))


def test_large_numbers_are_written_whole() -> None:
    large = run(summary=summary(read_bytes=2**60))
    assert f" {2**60}\n".encode() in metrics(overview(large))


def test_a_run_that_is_not_finished_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="not finished"):
        metrics(overview(run(finished=None, summary=None)))
