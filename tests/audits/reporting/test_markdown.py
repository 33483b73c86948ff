"""The report for an issue: it answers, it stays short, and nothing in it acts."""

import re

import pytest
from markdown_it import MarkdownIt
from reverify.audits.reporting.markdown import MOST_BYTES, markdown_report

from tests.audits.overviews import (
    HOSTILE,
    OVERVIEWS,
    bad_crate,
    damaged,
    empty,
    hostile,
    noted,
    two_runs,
)


def lines(name: str) -> list[str]:
    return markdown_report(OVERVIEWS[name]()).decode().splitlines()


def test_the_first_line_says_what_is_broken() -> None:
    assert lines("damaged")[0] == "## 100 of 10,000 crates are broken"
    assert lines("all-fine")[0] == "## None of 48 crates is known to be broken"
    assert lines("empty")[0] == "## No crates were found"


@pytest.mark.parametrize(
    "expected",
    [
        "- the first of them since run 1, 2025-03-02",
        "- 93 % of all crates were read in full within 90 days",
        "### Broke in the last run: 3",
        "### Not confirmed: 7 crates",
        "| never read in full | 6 | not known |",
        "In this run: read in full: 25; quick look, no fixity: 269; not read: 6.",
        "| 2 | 2025-03-09 | 300 | 287 | 6 | 1 | 6 |",
    ],
)
def test_it_shows(expected: str) -> None:
    assert expected in lines("two-runs")


def test_of_many_crates_some_are_shown_and_all_are_counted() -> None:
    told = lines("many-runs")
    assert "### Not confirmed: 960 crates" in told
    assert "... and 910 more; `--format csv` has all" in told


def test_it_is_never_longer_than_an_issue_may_be() -> None:
    long = noted(reason="ü" * 5000, rule="fixity/" + "x" * 5000)
    many = [bad_crate(n, 2)._replace(findings=(long,)) for n in range(5000)]
    overview = damaged()._replace(bad=tuple(many), trouble=hostile().trouble * 5000)
    overview = overview._replace(drift=hostile().drift)
    assert len(markdown_report(overview)) < MOST_BYTES + 200
    roots = two_runs().run._replace(roots=("/" + "x" * 5000,) * 500)
    data = markdown_report(two_runs()._replace(run=roots))
    assert len(data) < MOST_BYTES + 200
    assert b"and 495 more" in data


def test_nothing_in_hostile_text_acts() -> None:
    text = markdown_report(hostile()).decode()
    page = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    assert not re.search(r"<(script|img|a|style)\b", page)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL):
        assert len(re.findall(r"<t[dh]\b", row)) in {3, 4, 5, 7}
    assert "</title>" in HOSTILE


def test_without_crates_there_is_no_table_of_them() -> None:
    assert b"Not confirmed" not in markdown_report(empty())
