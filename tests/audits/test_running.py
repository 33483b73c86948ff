"""Runs over time: quick looks between full readings, windows, samples, rounds."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reverify.audits.drift import drift
from reverify.audits.executing import Serial
from reverify.audits.running import Audit, Order
from reverify.audits.sampling import read_sample
from reverify.errors import StoreError
from reverify.model.audit import Result, Run
from reverify.model.report import Report
from reverify.store.history import History

from tests.audits.places import Place, place

__all__ = ["place"]


def readings(place: Place, run: Run) -> list[str]:
    return [check.reading for check in place.checks(run).values()]


def same_times(path: Path, data: bytes) -> None:
    was = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_what_looks_as_it_did_is_only_looked_at_and_stands_as_it_stood(
    place: Place,
) -> None:
    place.audit()
    place.asked.clear()
    run = place.audit()
    assert place.asked == []
    check = place.checks(run)["crate-0"]
    assert (check.reading, check.why, check.read) == ("quick", "unchanged", 1)
    assert (check.outcome, check.digest) == ("confirmed", None)


def test_what_changed_is_read_and_the_rest_is_not(place: Place) -> None:
    place.audit()
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    place.asked.clear()
    run = place.audit()
    assert [Path(location).name for location in place.asked] == ["crate-1"]
    assert place.checks(run)["crate-1"].why == "changed"


def test_what_failed_is_read_again_each_time(place: Place) -> None:
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    place.audit()
    run = place.audit()
    assert place.checks(run)["crate-1"].why == "failed"
    assert readings(place, run) == ["quick", "full", "quick"]


def test_a_flipped_bit_is_found_when_the_crate_is_read_in_full_again(
    place: Place,
) -> None:
    place.audit()
    same_times(place.folder / "crate-2" / "a.csv", b"2\n")
    assert not any(drift(place.history, run=place.audit().number))
    place.clock.now_is += 8 * 86400
    run = place.audit(full_every=7 * 86400)
    assert place.checks(run)["crate-2"].why == "due"
    (change,) = drift(place.history).broke
    assert change.finding.rule == "fixity/digest-mismatch"
    assert change.last_confirmed is not None
    assert change.last_confirmed[0] == 1  # not 2, which did not read it


def test_all_are_read_when_that_is_asked(place: Place) -> None:
    place.audit()
    run = place.audit(is_full=True)
    assert readings(place, run) == ["full"] * 3
    assert {check.why for check in place.checks(run).values()} == {"all"}


def test_another_policy_has_all_read_again(place: Place) -> None:
    place.audit(terms="a")
    assert readings(place, place.audit(terms="b")) == ["full"] * 3
    assert readings(place, place.audit(terms="b")) == ["quick"] * 3


def test_a_closed_window_leaves_the_rest_to_the_next_run(place: Place) -> None:
    size = sum(path.stat().st_size for path in (place.folder / "crate-0").iterdir())
    first = place.audit(bytes=2 * size)
    assert first.state == "stopped"
    assert first.summary is not None
    assert first.summary.left == {"new": 1}
    assert first.summary.crates == {"confirmed": 2, "untested": 1}
    place.asked.clear()
    second = place.audit(bytes=2 * size)
    assert second.state == "finished"
    assert [Path(location).name for location in place.asked] == ["crate-2"]
    assert not any(drift(place.history))


def test_no_time_is_no_time_for_any_crate(place: Place) -> None:
    run = place.audit(seconds=0.0)
    assert place.asked == []
    assert run.summary is not None
    assert run.summary.crates == {"untested": 3}


def test_the_first_crate_is_read_however_small_the_window(place: Place) -> None:
    place.audit(bytes=1)
    assert len(place.asked) == 1


def test_what_changed_and_was_not_read_stands_as_nothing(place: Place) -> None:
    place.audit()
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    run = place.audit(seconds=0.0)
    check = place.checks(run)["crate-1"]
    assert (check.outcome, check.reading, check.why) == ("untested", "none", "changed")
    assert not any(drift(place.history))  # nobody has seen yet what is wrong
    place.audit()
    (change,) = drift(place.history).broke
    assert change.finding.rule == "fixity/digest-mismatch"


def test_samples_have_every_crate_once_before_one_comes_again(place: Place) -> None:
    for number in range(3, 10):
        place.crate(f"crate-{number}")
    place.audit(sample=read_sample("4"))
    place.audit(sample=read_sample("4"))
    run = place.audit(sample=read_sample("4"))
    assert sorted(Path(p).name for p in place.asked) == [
        f"crate-{n}" for n in range(10)
    ]
    assert run.summary is not None
    assert (run.summary.sampled, run.summary.round_left) == (2, 0)
    assert run.options["round"] == 1
    again = place.audit(sample=read_sample("4"))
    assert again.options["round"] == 2
    assert again.summary is not None
    assert again.summary.sampled == 4


def test_damage_in_a_sample_is_counted(place: Place) -> None:
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    run = place.audit(sample=read_sample("100%"))
    assert run.summary is not None
    assert (run.summary.sampled, run.summary.sample_bad) == (3, 1)


def test_an_interrupted_sample_goes_on_as_the_same_sample(place: Place) -> None:
    for number in range(3, 10):
        place.crate(f"crate-{number}")
    begun = place.verify

    def interrupted(location: str) -> Iterator[Report]:
        if len(place.asked) == 2:
            raise KeyboardInterrupt
        return begun(location)

    place.verify = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        place.audit(sample=read_sample("4"))
    place.verify = begun  # type: ignore[method-assign]
    run = place.audit(sample=read_sample("4"))
    assert run.number == 1
    assert len(place.asked) == 4
    assert len(set(place.asked)) == 4


def test_an_interrupted_run_that_asked_otherwise_is_ended(place: Place) -> None:
    def interrupted(location: str) -> Iterator[Report]:
        raise KeyboardInterrupt(location)

    begun = place.verify
    place.verify = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        place.audit(terms="a")
    place.verify = begun  # type: ignore[method-assign]
    run = place.audit(terms="b")
    assert run.number == 2
    assert [each.state for each in place.history.runs()] == ["stopped", "finished"]
    assert readings(place, run) == ["full"] * 3


def test_what_a_run_that_is_ended_did_not_reach_stands_as_it_stood(
    place: Place,
) -> None:
    first = place.audit(terms="a")

    def interrupted(location: str) -> Iterator[Report]:
        raise KeyboardInterrupt(location)

    begun = place.verify
    place.verify = interrupted  # type: ignore[method-assign]
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    with pytest.raises(KeyboardInterrupt):
        place.audit(terms="a")
    place.verify = begun  # type: ignore[method-assign]
    shutil.rmtree(place.folder / "crate-0")
    run = place.audit(terms="b")
    found = place.checks(run)
    assert (found["crate-0"].why, found["crate-0"].outcome) == ("gone", "refuted")
    assert found["crate-0"].last_full == first.number
    assert found["crate-1"].why == "changed"
    broke = {change.finding.rule for change in drift(place.history).broke}
    assert broke == {"completeness/crate-gone", "fixity/digest-mismatch"}


def test_the_quick_row_costs_little(place: Place) -> None:
    """How many bytes: `make bench` measures the file; here, that nothing is stored."""
    place.audit()
    run = place.audit()
    check = place.checks(run)["crate-0"]
    assert (check.files, check.bytes, check.seconds, check.digest) == (None,) * 4


def test_a_crate_behind_a_folder_that_cannot_be_listed_is_not_called_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.audit()
    listed = os.scandir

    def scandir(path: Any) -> Any:  # noqa: ANN401
        if str(path) == str(place.folder):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    run = place.audit()
    check = place.checks(run)["crate-0"]
    assert (check.outcome, check.why) == ("undetermined", "failed")
    (noted,) = place.history.findings(check.findings)
    assert "cannot be listed (Permission denied)" in noted.reason
    monkeypatch.undo()
    again = place.audit()
    assert place.checks(again)["crate-0"].outcome == "confirmed"
    assert len(drift(place.history).healed) == 3


def test_a_root_that_is_not_there_judges_nothing(place: Place) -> None:
    place.audit()
    shutil.move(place.folder, place.folder.with_name("elsewhere"))
    with pytest.raises(Exception, match="there is nothing"):
        place.audit()
    assert len(place.history.runs()) == 1


def test_a_database_that_is_out_of_reach_for_a_while_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    added, failures = place.history.add, iter([True, True])
    pauses: list[float] = []

    def add(run: int, result: Result, **more: Any) -> None:  # noqa: ANN401
        if next(failures, False):
            raise StoreError("the server is gone")
        added(run, result, **more)

    monkeypatch.setattr(place.history, "add", add)
    monkeypatch.setattr(History, "is_file", False)
    executor = Serial(place.verify, place.clock)
    audit = Audit(place.history, executor, place.clock, pause=pauses.append)
    run = audit.run(Order(roots=(str(place.folder),)))
    assert [check.outcome for check in place.checks(run).values()] == ["confirmed"] * 3
    assert pauses == [1.0, 5.0]


def test_a_database_that_stays_away_ends_the_run_which_goes_on_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(*_: object, **__: object) -> None:
        raise StoreError("the server is gone")

    monkeypatch.setattr(place.history, "add", add)
    executor = Serial(place.verify, place.clock)
    audit = Audit(place.history, executor, place.clock, pause=lambda _: None)
    with pytest.raises(StoreError, match="the server is gone"):
        audit.run(Order(roots=(str(place.folder),)))
    monkeypatch.undo()
    run = place.audit()
    assert run.number == 1
    assert list(place.history.faults()) == []


def test_what_the_archive_says_is_kept_once_until_it_says_otherwise(
    place: Place,
) -> None:
    said = iter(["not-held", "not-held", "held"])
    begun = place.history.add

    def add(run: int, result: Result, **more: Any) -> None:  # noqa: ANN401
        at = f"2026-01-0{run}T00:00:00Z"
        answers = (("swh:1:rev:" + "a" * 40, next(said, "held"), at),)
        begun(run, result._replace(answers=answers), **more)

    place.history.add = add  # type: ignore[method-assign]
    for name in ("crate-1", "crate-2"):
        shutil.rmtree(place.folder / name)
    for _ in range(3):
        place.audit(is_full=True)
    kept = list(place.history.answers("swh:1:rev:" + "a" * 40))
    assert [(run, answer) for run, answer, _ in kept] == [(1, "not-held"), (3, "held")]
    assert list(place.history.faults()) == []
