"""Audits from end to end, in both databases: run, go on, drift, seal."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from reverify.audits.checking import check
from reverify.audits.drift import drift
from reverify.errors import BusyError, DamagedError, MissingError, UsageError
from reverify.model.report import Report
from reverify.runtime import Runtime
from reverify.services import SystemClock
from reverify.settings import load_settings
from reverify.store.database import Database
from reverify.store.history import History

from tests.audits.places import Place, place
from tests.builders import METADATA, document, encode
from tests.databases import Backdoor

__all__ = ["place"]


def test_each_crate_is_checked_once_and_kept(place: Place) -> None:
    run = place.audit()
    checks = list(place.history.checks(run=run.number))
    assert [Path(check.crate).name for check in checks] == [
        "crate-0",
        "crate-1",
        "crate-2",
    ]
    assert {check.outcome for check in checks} == {"confirmed"}
    assert run.state == "finished"
    assert run.seal is not None


def test_what_is_unchanged_is_kept_once(place: Place) -> None:
    numbers = [place.audit().number for _ in range(3)]
    kept = [[c.findings for c in place.history.checks(run=n)] for n in numbers]
    assert kept[0] == kept[1] == kept[2]
    assert not any(drift(place.history))


def test_what_broke_and_healed_is_told_with_the_run_that_saw_it_well(
    place: Place,
) -> None:
    first = place.audit()
    broken = place.folder / "crate-1" / "a.csv"
    broken.write_bytes(b"2\n")
    place.audit()
    found = drift(place.history)
    (change,) = found.broke
    assert change.crate == str(place.folder / "crate-1")
    assert change.finding.rule == "fixity/digest-mismatch"
    assert change.last_confirmed is not None
    assert change.last_confirmed[0] == first.number
    assert not found.healed
    place.audit()
    assert not any(drift(place.history))
    assert len(drift(place.history, since=str(first.number)).broke) == 1
    broken.write_bytes(b"1\n")
    place.audit()
    found = drift(place.history)
    assert [each.finding.rule for each in found.healed] == ["fixity/digest-match"]
    assert not found.broke


def test_a_claim_that_is_no_more_has_vanished_and_one_that_is_bad_is_new(
    place: Place,
) -> None:
    place.audit()
    (place.folder / "crate-0" / METADATA).write_bytes(encode(document({})))
    place.audit()
    found = drift(place.history)
    assert "a.csv" in {each.finding.subject for each in found.vanished}
    assert {each.crate for each in found.new} <= {str(place.folder / "crate-0")}


def test_what_is_not_asked_for_any_more_has_not_vanished(place: Place) -> None:
    place.audit(terms="all")
    settings = load_settings({"offline": True, "only": ["completeness"]})
    with Runtime(settings) as runtime:
        place.runtime = runtime
        run = place.audit(terms="some", kinds=("completeness",))
    assert place.checks(run)["crate-0"].why == "asked"
    assert not any(drift(place.history))


def test_a_run_that_is_interrupted_is_gone_on_with(place: Place) -> None:
    begun = place.verify

    def interrupted(location: str) -> Iterator[Report]:
        if location.endswith("crate-2"):
            raise KeyboardInterrupt
        return begun(location)

    place.verify = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        place.audit()
    (run,) = place.history.runs()
    assert run.state == "unfinished"
    assert len(list(place.history.checks(run=run.number))) == 2
    place.verify = begun  # type: ignore[method-assign]
    place.asked.clear()
    again = place.audit()
    assert again.number == run.number
    assert [Path(location).name for location in place.asked] == ["crate-2"]
    assert list(place.history.faults()) == []


def test_the_second_audit_of_a_collection_declines(place: Place) -> None:
    begun, waiting, go_on = place.verify, threading.Event(), threading.Event()

    def slow(location: str) -> Iterator[Report]:
        waiting.set()
        go_on.wait(10)
        return begun(location)

    place.verify = slow  # type: ignore[method-assign]
    thread = threading.Thread(target=place.audit)
    thread.start()
    waiting.wait(10)
    with pytest.raises(BusyError):
        place.audit()
    go_on.set()
    thread.join()
    assert len(place.history.runs()) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE reverify_audit_checks SET outcome = 'confirmed' WHERE run = 2",
        "UPDATE reverify_audit_checks SET at = '2020-01-01T00:00:00Z' WHERE run = 1",
        "DELETE FROM reverify_audit_checks WHERE run = 1 AND crate = 1",
        (
            "INSERT INTO reverify_audit_checks (run, crate, findings, at, outcome)"
            " SELECT 1, 4, findings, at, outcome FROM reverify_audit_checks"
            " WHERE run = 2 AND crate = 1"
        ),
        (
            "UPDATE reverify_audit_runs SET started = '2020-01-01T00:00:00Z'"
            " WHERE number = 1"
        ),
        "UPDATE reverify_audit_findings SET data = 'x' WHERE id = 1",
        "UPDATE reverify_audit_checks SET reading = 'full' WHERE run = 2 AND crate = 1",
        "UPDATE reverify_audit_checks SET last_full = 2 WHERE run = 2 AND crate = 1",
        "UPDATE reverify_audit_runs SET options = '{}' WHERE number = 2",
        "UPDATE reverify_audit_runs SET summary = NULL WHERE number = 1",
    ],
)
def test_a_row_that_is_changed_removed_or_put_in_is_told(
    place: Place, backdoor: Backdoor, change: str
) -> None:
    place.audit()
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    place.crate("crate-3")
    place.audit()
    assert list(place.history.faults()) == []
    backdoor(change)
    assert list(place.history.faults()) != []


def test_a_run_that_is_taken_out_of_the_middle_is_told(
    place: Place, backdoor: Backdoor
) -> None:
    for _ in range(3):
        place.audit()
    backdoor(
        "DELETE FROM reverify_audit_checks WHERE run = 2",
        "DELETE FROM reverify_audit_runs WHERE number = 2",
    )
    assert list(place.history.faults()) == [
        "run 3: the run before it is not the one it names",
        "the end of the history: 2 of 3 sealed runs are there",
    ]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE reverify_audit_crates SET location = 'x' WHERE id = 1",
        "UPDATE reverify_audit_head SET runs = 2",
        "DELETE FROM reverify_audit_head",
    ],
)
def test_a_place_or_the_end_that_is_changed_is_told(
    place: Place, backdoor: Backdoor, change: str
) -> None:
    place.audit()
    backdoor(change)
    assert len(list(place.history.faults())) == 1


def test_a_last_run_that_is_taken_out_is_told(place: Place, backdoor: Backdoor) -> None:
    place.audit()
    place.audit()
    backdoor(
        "DELETE FROM reverify_audit_checks WHERE run = 2",
        "DELETE FROM reverify_audit_runs WHERE number = 2",
    )
    assert list(place.history.faults()) == [
        "the end of the history: 1 of 2 sealed runs are there"
    ]


def test_a_clock_that_goes_back_is_no_fault_of_the_history(place: Place) -> None:
    place.audit()
    place.clock.now_is -= 3600
    place.audit()
    place.clock.now_is += 7200
    place.audit()
    assert list(place.history.faults()) == []


def test_damaged_findings_are_not_served(place: Place, backdoor: Backdoor) -> None:
    place.audit()
    backdoor("UPDATE reverify_audit_findings SET data = 'x'")
    with pytest.raises(DamagedError, match="findings"):
        place.history.findings(1)


def test_a_crate_that_is_gone_broke_and_one_that_is_back_healed(place: Place) -> None:
    first = place.audit()
    shutil.move(place.folder / "crate-0", place.folder.parent / "elsewhere")
    run = place.audit()
    gone = next(place.history.checks(run=run.number))
    assert (Path(gone.crate).name, gone.outcome) == ("crate-0", "refuted")
    found = drift(place.history)
    (change,) = found.broke
    assert change.finding.rule == "completeness/crate-gone"
    assert change.crate == str(place.folder / "crate-0")
    assert change.last_confirmed is not None
    assert change.last_confirmed[0] == first.number
    assert not found.new
    assert not found.vanished
    place.audit()
    assert not any(drift(place.history))
    shutil.move(place.folder.parent / "elsewhere", place.folder / "crate-0")
    place.audit()
    (change,) = drift(place.history).healed
    assert change.finding.rule == "completeness/crate-gone"


def test_a_crate_that_was_taken_out_is_no_more_of_the_collection(place: Place) -> None:
    place.audit()
    for name in ("crate-0", "crate-1"):
        shutil.rmtree(place.folder / name)
    run = place.audit(let_go=(str(place.folder / "crate-0"),))
    assert {name: c.outcome for name, c in place.checks(run).items()} == {
        "crate-1": "refuted",
        "crate-2": "confirmed",
    }
    again = place.audit()
    assert "crate-0" not in place.checks(again)


def test_a_check_that_fails_leaves_the_others_alone(place: Place) -> None:
    begun = place.verify

    def failing(location: str) -> Iterator[Report]:
        if location.endswith("crate-1"):
            raise RuntimeError("a fault")
        return begun(location)

    place.verify = failing  # type: ignore[method-assign]
    run = place.audit()
    outcomes = [check.outcome for check in place.history.checks(run=run.number)]
    assert outcomes == ["confirmed", "undetermined", "confirmed"]


def test_who_only_cannot_be_looked_at_is_not_called_gone() -> None:
    def refuse(location: str) -> Iterator[Report]:
        raise UsageError(f"{location}: cannot be looked at")

    def miss(location: str) -> Iterator[Report]:
        raise MissingError(f"{location}: no such file or directory")

    assert check(refuse, "/a", SystemClock()).outcome == "undetermined"
    assert check(miss, "/a", SystemClock()).outcome == "refuted"


def test_a_run_may_be_named_by_a_time(place: Place) -> None:
    place.audit()
    (place.folder / "crate-1" / "a.csv").write_bytes(b"2\n")
    place.clock.now_is += 10 * 86_400
    place.audit()
    place.audit()
    day = place.history.runs()[0].started[:10]
    for since in (day, f"{day}T23:59:59Z", f"{day} 23:59:59", "1"):
        assert len(drift(place.history, since=since).broke) == 1, since
    assert drift(place.history, since="2100-01-01") == drift(place.history)


@pytest.mark.parametrize("since", ["yesterday", "31.01.2027", "99"])
def test_what_is_neither_a_run_nor_a_time_is_refused(place: Place, since: str) -> None:
    place.audit()
    place.audit()
    with pytest.raises(UsageError, match="--since"):
        drift(place.history, since=since)


def test_what_was_wrong_and_is_mended_with_its_claim_healed(place: Place) -> None:
    (place.folder / "crate-1" / "a.csv").unlink()
    place.audit()
    (place.folder / "crate-1" / METADATA).write_bytes(encode(document({})))
    place.audit()
    found = drift(place.history)
    assert "completeness/file-missing" in {each.finding.rule for each in found.healed}
    assert not found.vanished


def test_no_row_is_added_to_a_run_that_is_sealed(place: Place) -> None:
    run = place.audit()
    result = check(place.verify, str(place.folder / "crate-0"), SystemClock())
    with pytest.raises(BusyError, match="finished by somebody else"):
        place.history.add(run.number, result)
    assert list(place.history.faults()) == []


def test_a_lock_that_was_lost_is_taken_again_unless_others_have_it(
    place: Place, backdoor: Backdoor, database: str
) -> None:
    if backdoor.engine.name == "sqlite":
        pytest.skip("a lock of a file is lost with its process alone")
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname ="
        " current_database())"
    )
    other = History(Database(database))
    with place.history.alone("c", wait=False) as kept:
        kept()
        backdoor(end)
        kept()
        with pytest.raises(BusyError), other.alone("c", wait=False):
            raise AssertionError
        backdoor(end)
        with other.alone("c", wait=False), pytest.raises(BusyError):
            kept()
    other.close()
