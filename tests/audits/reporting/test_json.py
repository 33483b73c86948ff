"""All of an overview, for programs; that it fits its schema is in test_schemas."""

import json
from typing import Any

from reverify.audits.reporting.json import json as write

from tests.audits.overviews import OVERVIEWS, all_fine, damaged, run, two_runs


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write(OVERVIEWS[name]()))
    return found


def test_every_bad_crate_is_told_with_all_of_its_findings() -> None:
    told, overview = read("damaged"), damaged()
    assert len(told["bad"]) == len(overview.bad) == 120
    assert [len(each["findings"]) for each in told["bad"]] == [
        len(each.findings) for each in overview.bad
    ]


def test_the_sample_is_told_with_its_bound() -> None:
    sample = read("damaged")["run"]["summary"]["sample"]
    assert sample == {
        "crates": 372,
        "damaged": 3,
        "round_left": 0,
        "at_most": 204,
        "confidence": 0.95,
    }
    assert read("all-fine")["run"]["summary"]["sample"] is None


def test_a_sample_that_is_larger_than_what_is_left_is_told_all_the_same() -> None:
    odd = run(1, {"confirmed": 3}, sampled=5)
    told = json.loads(write(all_fine()._replace(run=odd)))
    assert told["run"]["summary"]["sample"]["at_most"] == 0


def test_readings_are_told_apart() -> None:
    readings = read("damaged")["run"]["summary"]["readings"]
    assert readings == {"full": 833, "part": 0, "quick": 8967, "none": 200}


def test_all_runs_are_told_the_first_one_first() -> None:
    assert [each["id"] for each in read("two-runs")["runs"]] == [1, 2]
    assert len(two_runs().runs) == 2


def test_hostile_text_is_ascii_and_one_document() -> None:
    data = write(OVERVIEWS["hostile"]())
    assert data.isascii()
    assert b"\x1b" not in data
    assert json.loads(data)["bad"][0]["crate"].startswith("</title>")
