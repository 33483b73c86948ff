"""Runs over time: quick looks between full readings, windows, samples, rounds."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reverify.audits.drift import drift
from reverify.audits.executing import Serial
from reverify.audits.running import Audit, Order
from reverify.audits.sampling import read_sample
from reverify.crates import hashing
from reverify.errors import StoreError
from reverify.model.audit import Result, Run
from reverify.model.report import Report
from reverify.store.history import History
from reverify.store.packing import pack, unpack

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
    assert run.summary.round == 1
    again = place.audit(sample=read_sample("4"))
    assert again.summary is not None
    assert again.summary.round == 2
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
    closed = str(place.folder)

    def refusing(what: Callable[..., Any]) -> Callable[..., Any]:
        def act(path: Any, **more: Any) -> Any:  # noqa: ANN401
            if str(path).startswith(closed) and (what is listed or path != closed):
                raise PermissionError(13, "Permission denied")
            return what(path, **more)

        return act

    listed = os.scandir
    monkeypatch.setattr(os, "scandir", refusing(os.scandir))
    monkeypatch.setattr(os, "lstat", refusing(os.lstat))
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


# -- what is not so must not be said ---------------------------------------------------


def test_a_crate_that_is_taken_off_a_list_is_not_called_gone(
    place: Place, tmp_path: Path
) -> None:
    listed = tmp_path / "crates.txt"
    names = [str(place.folder / f"crate-{n}") for n in range(3)]
    notes: list[str] = []

    def audit() -> Run:
        executor = Serial(place.verify, place.clock)
        order = Order(roots=(f"list:{listed}",))
        return Audit(place.history, executor, place.clock).run(order, note=notes.append)

    listed.write_text("\n".join(names))
    audit()
    listed.write_text("\n".join(names[:2]))
    assert sorted(place.checks(audit())) == ["crate-0", "crate-1"]
    assert notes == ["1 crates of the last run are not listed any more"]


def test_a_listed_crate_that_is_not_there_is_gone(place: Place, tmp_path: Path) -> None:
    listed = tmp_path / "crates.txt"
    listed.write_text(f"{place.folder}/crate-0\n{place.folder}/crate-1")
    executor = Serial(place.verify, place.clock)
    audit = Audit(place.history, executor, place.clock)
    order = Order(roots=(f"list:{listed}",))
    audit.run(order)
    shutil.rmtree(place.folder / "crate-1")
    found = place.checks(audit.run(order))
    assert found["crate-0"].outcome == "confirmed"
    assert found["crate-1"].outcome == "refuted"


def test_a_crate_that_came_to_lie_inside_another_is_read_all_the_same(
    place: Place,
) -> None:
    place.audit()
    (place.folder / "ro-crate-metadata.json").write_text("{}")
    found = place.checks(place.audit())
    assert found.pop("crates").outcome != "confirmed"
    assert {name: check.outcome for name, check in found.items()} == {
        f"crate-{number}": "confirmed" for number in range(3)
    }


def test_a_crate_without_its_metadata_document_is_no_crate_and_not_gone(
    place: Place,
) -> None:
    place.audit()
    (place.folder / "crate-1" / "ro-crate-metadata.json").unlink()
    check = place.checks(place.audit())["crate-1"]
    rules = {each.rule for each in place.history.findings(check.findings)}
    assert "completeness/crate-gone" not in rules
    assert (check.why, check.outcome) == ("changed", "undetermined")


def test_a_root_that_is_empty_now_is_told_and_its_crates_are_undetermined(
    place: Place,
) -> None:
    """As a mount point is whose disk is not there."""
    place.audit()
    for number in range(3):
        shutil.move(place.folder / f"crate-{number}", place.folder.parent)
    faults: dict[str, str] = {}
    executor = Serial(place.verify, place.clock)
    audit = Audit(place.history, executor, place.clock)
    run = audit.run(Order(roots=(str(place.folder),)), fault=faults.__setitem__)
    assert "see that it is mounted" in faults[str(place.folder)]
    assert {c.outcome for c in place.checks(run).values()} == {"undetermined"}


def test_a_crate_that_is_back_and_was_not_read_stands_as_nothing(place: Place) -> None:
    place.audit()
    away = place.folder.parent / "away"
    shutil.move(place.folder / "crate-1", away)
    place.audit()
    shutil.move(away, place.folder / "crate-1")
    check = place.checks(place.audit(seconds=0.0))["crate-1"]
    assert (check.outcome, check.reading) == ("untested", "none")
    assert place.checks(place.audit())["crate-1"].outcome == "confirmed"


def test_what_was_judged_otherwise_and_not_read_stands_as_nothing(place: Place) -> None:
    place.audit(terms="a")
    found = place.checks(place.audit(terms="b", seconds=0.0))
    assert {check.outcome for check in found.values()} == {"untested"}


def test_a_crate_of_which_not_all_was_read_was_not_read_in_full(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = hashing.hash_file

    def unreadable(folder: Any, path: str, *more: Any) -> Any:  # noqa: ANN401
        found = opened(folder, path, *more)
        return (0, {}, "Input/output error") if path == "a.csv" else found

    monkeypatch.setattr(hashing, "hash_file", unreadable)
    check = place.checks(place.audit())["crate-0"]
    assert check.reading != "full"
    assert check.last_full is None


def test_a_claim_that_could_not_be_told_and_is_refuted_now_broke(place: Place) -> None:
    added = place.history.add

    def unclear(run: int, result: Result, **more: Any) -> None:  # noqa: ANN401
        noted = [
            each._replace(outcome="undetermined")
            if each.rule == "fixity/digest-match"
            else each
            for each in unpack(result.findings, result.sha256)
        ]
        data, sha256 = pack(noted)
        changed = {"findings": data, "sha256": sha256, "outcome": "undetermined"}
        added(run, result._replace(**changed), **more)  # type: ignore[arg-type]

    place.history.add = unclear  # type: ignore[method-assign]
    place.audit()
    place.history.add = added  # type: ignore[method-assign]
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    place.audit()
    found = drift(place.history)
    assert [each.finding.outcome for each in found.broke] == ["refuted"]
    assert len(found.healed) == 2


def test_a_window_too_small_for_one_crate_lets_the_others_in(place: Place) -> None:
    place.crate("crate-3", b"x" * 50_000)
    place.audit()
    place.clock.now_is += 400 * 86_400
    place.asked.clear()
    run = place.audit(bytes=30_000)
    assert len(place.asked) == 3
    assert run.state == "stopped"
    place.asked.clear()
    place.audit(bytes=30_000)  # it comes first now, however large
    assert [Path(location).name for location in place.asked] == ["crate-3"]


def test_crates_that_fail_each_time_do_not_keep_the_others_out(place: Place) -> None:
    (place.folder / "crate-0" / "a.csv").write_bytes(b"9\n")
    place.audit()
    place.clock.now_is += 400 * 86_400
    place.asked.clear()
    place.audit(bytes=1)
    assert "crate-1" in {Path(location).name for location in place.asked}


def test_a_crate_that_is_gone_does_not_end_the_drawing_of_samples(place: Place) -> None:
    place.audit(sample=read_sample("100%"))
    shutil.rmtree(place.folder / "crate-1")
    place.audit(sample=read_sample("1"))
    run = place.audit(sample=read_sample("1"))
    assert run.summary is not None
    assert run.summary.sampled == 1


def test_what_was_drawn_and_kept_out_by_the_window_is_drawn_again(place: Place) -> None:
    first = place.audit(sample=read_sample("3"), seconds=0.0)
    assert first.summary is not None
    assert first.summary.left == {"sample": 3}
    second = place.audit(sample=read_sample("3"))
    assert second.summary is not None
    assert (second.summary.sampled, second.summary.round) == (3, 1)


def test_a_reading_in_the_future_is_due(place: Place) -> None:
    place.audit()
    place.clock.now_is -= 1000 * 86_400
    assert {c.why for c in place.checks(place.audit()).values()} == {"due"}


def test_what_an_ended_run_found_is_told_by_the_next(place: Place) -> None:
    place.audit(terms="a")
    (place.folder / "crate-0" / "a.csv").write_bytes(b"9\n")
    begun = place.verify
    checked: list[str] = []

    def once(location: str) -> Iterator[Report]:
        if checked:
            raise KeyboardInterrupt
        checked.append(location)
        return begun(location)

    (place.folder / "crate-1" / "a.csv").write_bytes(b"9\n")
    place.verify = once  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        place.audit(terms="a")
    place.verify = begun  # type: ignore[method-assign]
    place.audit(terms="b")
    broke = {Path(change.crate).name for change in drift(place.history).broke}
    assert broke == {"crate-0", "crate-1"}


def test_a_run_that_was_interrupted_and_is_to_read_all_reads_all(place: Place) -> None:
    place.audit()

    def interrupted(location: str) -> Iterator[Report]:
        raise KeyboardInterrupt(location)

    begun = place.verify
    place.verify = interrupted  # type: ignore[method-assign]
    (place.folder / "crate-1" / "a.csv").write_bytes(b"9\n")
    with pytest.raises(KeyboardInterrupt):
        place.audit()
    place.verify = begun  # type: ignore[method-assign]
    assert readings(place, place.audit(is_full=True)) == ["full"] * 3
