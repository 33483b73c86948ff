"""What a report says in words: it counts right, and claims no more than is known."""

import pytest
from reverify.audits.reporting import facts
from reverify.model.audit import Coverage, Overview

from tests.audits.overviews import (
    all_fine,
    bad_crate,
    damaged,
    empty,
    noted,
    run,
    two_runs,
)


def standing(**crates: int) -> Overview:
    only = run(1, crates)
    return all_fine()._replace(run=only, runs=(only,))


@pytest.mark.parametrize(
    ("crates", "expected"),
    [
        ({}, "No crates were found"),
        ({"confirmed": 3}, "None of 3 crates is known to be broken"),
        ({"refuted": 1, "confirmed": 1}, "1 of 2 crates is broken"),
        ({"refuted": 2}, "2 of 2 crates are broken"),
        (
            {"confirmed": 1, "undetermined": 1},
            "None of 2 crates is known to be broken, 1 could not be told",
        ),
        (
            {"confirmed": 1, "untested": 9},
            "None of 10 crates is known to be broken, 9 were never read",
        ),
    ],
)
def test_the_headline_says_what_is_broken(
    crates: dict[str, int], expected: str
) -> None:
    assert facts.headline(standing(**crates)) == expected


def test_one_crate_is_spoken_of_as_one() -> None:
    told = list(facts.broken_now(standing(refuted=1, untested=1, undetermined=1)))
    assert told == [
        "1 crate (33 %) says something that is not so",
        "1 crate (33 %) could not be told",
        "1 crate (33 %) was never read",
    ]


def test_since_when_names_the_first_run_and_the_fresh_ones() -> None:
    told = list(facts.since_when(two_runs()))
    assert told[0] == "the first of them since run 1, 2025-03-02"
    assert told[1] == "3 of them since the last run"
    assert "3 broke" in told[2]


def test_a_first_run_has_nothing_to_compare_with() -> None:
    (line,) = facts.since_when(all_fine())
    assert "first run" in line


def test_quick_looks_are_named_and_are_no_fixity() -> None:
    told = [line for line in facts.how_sure(damaged()) if "quick look" in line]
    assert len(told) == 1
    assert told[0].startswith("8,967 crates only had a quick look in this run")
    assert told[0].endswith("no fixity")


def test_what_was_never_read_is_said() -> None:
    assert "200 crates were never read in full" in list(facts.how_sure(damaged()))


def test_what_the_run_left_is_said() -> None:
    only = run(1, {"confirmed": 9}, left={"due": 3, "new": 1}, stopped=True)
    told = list(facts.how_sure(all_fine()._replace(run=only)))
    assert "the run ended before 4 crates that it should have read" in told


def test_of_nothing_nothing_is_sure() -> None:
    assert list(facts.how_sure(empty())) == []


def test_the_period_splits_full_readings_and_never_counts_what_was_not_read() -> None:
    cover = (Coverage(30, 5, 0), Coverage(100, 3, 0), Coverage(None, 2, 0))
    found = facts.standing_of(damaged()._replace(coverage=cover))
    assert found == facts.Standing(period=90, within=5, longer=3, never=2)


@pytest.mark.parametrize("options", [{}, {"full_every": None}, {"full_every": 0}])
def test_without_a_period_the_oldest_reading_is_told(
    options: dict[str, object],
) -> None:
    only = run(1)._replace(options=options)
    overview = damaged()._replace(run=only)
    assert facts.standing_of(overview) is None
    told = list(facts.how_sure(overview))
    assert told[0] == "the oldest of the full readings is at most 180 days old"


def test_ages_have_words() -> None:
    labels = [each.label for each in facts.spans(damaged())]
    assert labels[:3] == ["up to 1 day", "2 to 7 days", "8 to 30 days"]
    assert labels[-1] == "never read in full"


def test_a_crate_counts_once_for_each_kind_and_as_its_worst() -> None:
    findings = (
        noted("fixity/a", outcome="undetermined"),
        noted("fixity/b", outcome="refuted"),
        noted("archival/c", outcome="undetermined"),
    )
    one = bad_crate(0, 2)._replace(findings=findings)
    assert facts.by_kind([one, one]) == [
        facts.KindTrouble("fixity", 2, 0, 1_800_000_000),
        facts.KindTrouble("archival", 0, 2, 1_800_000_000),
    ]


@pytest.mark.parametrize(
    ("many", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_940_000, "9.9 MB"),
        (9_960_000, "10 MB"),
        (999_600, "1.0 MB"),
        (10**18, "1,000 PB"),
    ],
)
def test_bytes_are_said_as_people_do(many: int, expected: str) -> None:
    assert facts.volume(many) == expected
