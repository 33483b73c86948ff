"""The page: valid, complete in itself, deaf to what crates say, and honest."""

import base64
import hashlib
import re
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reverify.audits.reporting.html import SHOWN_CRATES, html
from reverify.audits.reporting.plots import MOST_RUNS
from reverify.model.audit import Change, Drift, Overview

from tests.audits.overviews import (
    HOSTILE,
    OVERVIEWS,
    at,
    bad_crate,
    check,
    damaged,
    noted,
    run,
    two_runs,
)


def parse(data: bytes) -> Element:
    """Parse HTML, and fail at the first thing that HTML 5 does not allow."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found: Element = parser.parse(data.decode("utf-8"))
    return found


@cache
def page(name: str) -> bytes:
    return html(OVERVIEWS[name]())


def tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def all_of(root: Element, name: str) -> list[Element]:
    return [each for each in root.iter() if tag(each) == name]


def text_of(data: bytes) -> str:
    return " ".join(" ".join(parse(data).itertext()).split())


@pytest.mark.parametrize("name", OVERVIEWS)
def test_the_page_is_valid_html_5(name: str) -> None:
    root = parse(page(name))
    assert root.find("head/meta").attrib == {"charset": "utf-8"}  # type: ignore[union-attr]
    assert len(all_of(root, "h1")) == 1


@pytest.mark.parametrize("name", OVERVIEWS)
def test_ids_are_unique_and_labels_point_at_them(name: str) -> None:
    root = parse(page(name))
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    for each in root.iter():
        assert set(each.attrib.get("aria-labelledby", "").split()) <= set(ids)


@pytest.mark.parametrize(
    "expected",
    [
        "100 of 10,000 crates are broken",
        "The first of them since run".lower(),
        "of all crates were read in full within 90 days",
        "3 of 372 crates drawn at random and read in full are damaged: at most 2 %",
        "broke 3 held in the run before",
        "vanished 1 was made before",
        "last seen well by run 19, 2025-07-06",
        "no run has seen it well",
        "120 crates below /srv/archive/crates/ , the broken ones first",
        "project-03/deposit-00003 3.6 GB, read in full by run 20 refuted run 11",
        "39 more",
        "and 30 more",
        "quick look, no fixity: 8,967 (90 %)",
        "never read in full: 200 (2 %)",
        "it is no fixity check",
        "finished 2025-07-14 03:12 UTC",
        "Sealed: 9f86d081884c7d65",
    ],
)
def test_the_page_shows(expected: str) -> None:
    assert expected in text_of(page("damaged"))


def test_of_many_crates_some_are_shown_and_all_are_counted() -> None:
    root = parse(page("many-runs"))
    rows = [
        row
        for table in all_of(root, "table")
        if table.attrib.get("class") == "crates"
        for row in table.findall("tbody/tr")
    ]
    assert len(rows) == SHOWN_CRATES
    assert "660 are not shown here: reverify audit report --format csv" in text_of(
        page("many-runs")
    )


def test_of_many_changes_some_are_shown_and_all_are_counted() -> None:
    change = Change("/srv/x", noted(), (1, at(1)))
    many = two_runs()._replace(drift=Drift(broke=(change,) * 5000))
    shown = text_of(html(many))
    assert "broke 5,000" in shown
    assert "and 4,950 more" in shown


def test_what_was_never_read_is_not_shown_as_read() -> None:
    never = check(2, last_full=None, outcome="untested", reading="none", kinds=None)
    bad = (bad_crate(1, 2)._replace(check=never, findings=()),)
    shown = text_of(html(two_runs()._replace(bad=bad)))
    assert "never read in full untested" in shown


def test_a_crate_that_had_a_quick_look_says_so() -> None:
    quick = check(2, last_full=1, outcome="refuted", reading="quick")
    bad = (bad_crate(1, 2)._replace(check=quick),)
    shown = text_of(html(two_runs()._replace(bad=bad)))
    assert "read in full by run 1; quick look in this run" in shown


def test_a_run_whose_window_closed_says_so() -> None:
    stopped = run(1, {"confirmed": 3}, stopped=True, left={"due": 2})
    shown = text_of(html(two_runs()._replace(run=stopped)))
    assert "stopped 2025-03-03 03:12 UTC" in shown
    assert "the run ended before 2 crates that it should have read" in shown


@pytest.mark.parametrize("name", ["damaged", "many-runs", "two-runs", "all-fine"])
def test_each_plot_has_words_and_numbers(name: str) -> None:
    root = parse(page(name))
    figures = all_of(root, "figure")
    assert len(figures) >= 4
    for figure in figures:
        (drawing,) = [
            each for each in all_of(figure, "svg") if each.attrib.get("role") == "img"
        ]
        assert [tag(each) for each in drawing[:2]] == ["title", "desc"]
        assert all(each.text for each in drawing[:2])
        (table,) = all_of(figure, "table")
        head = table.findall("thead/tr/th")
        for row in table.findall("tbody/tr"):
            assert len(row) == len(head)


def test_colours_never_stand_alone() -> None:
    root = parse(page("damaged"))
    patterns = {each.attrib["id"] for each in all_of(root, "pattern")}
    assert patterns == {
        "refuted", "undetermined", "untested", "old", "quick", "bytes"
    }  # fmt: skip
    for figure in all_of(root, "figure"):
        classes = {
            name
            for each in [*all_of(figure, "rect"), *all_of(figure, "g")]
            for name in each.attrib.get("class", "").split()
        }
        keys = {
            each.attrib["class"]
            for item in all_of(figure, "li")
            for each in all_of(item, "rect")
        }
        assert classes - {"hover", "column"} <= keys


def columns(name: str) -> dict[str, int]:
    """How many rectangles there are for each outcome in the plot over time."""
    found: dict[str, int] = {}
    for group in all_of(parse(page(name)), "g"):
        outcome = group.attrib["class"].removeprefix("column ")
        found[outcome] = found.get(outcome, 0) + len(group)
    return found


def test_each_run_has_its_column() -> None:
    assert columns("all-fine") == {"confirmed": 1}
    assert columns("damaged")["confirmed"] == 20
    assert columns("many-runs")["confirmed"] == 200


def test_of_very_many_runs_the_last_ones_are_drawn() -> None:
    data = html(damaged(MOST_RUNS + 60, 1000, 10))
    root = parse(data)
    hover = [r for r in all_of(root, "rect") if r.attrib.get("class") == "hover"]
    assert len(hover) == MOST_RUNS
    assert len(data) < 400_000


def numbers(element: Element, names: str) -> list[float]:
    return [float(element.attrib[n].rstrip("%")) for n in names.split()]


@pytest.mark.parametrize("name", OVERVIEWS)
def test_nothing_is_drawn_outside_of_its_plot(name: str) -> None:
    for figure in all_of(parse(page(name)), "figure"):
        (drawing,) = [
            each for each in all_of(figure, "svg") if each.attrib.get("role") == "img"
        ]
        height = float(drawing.attrib["height"])
        for each in all_of(drawing, "rect"):
            x, y, across, down = numbers(each, "x y width height")
            assert x >= 0
            assert x + across <= 100.01
            assert y >= 0
            assert y + down <= height
        for each in all_of(drawing, "text"):
            assert 0 < float(each.attrib["y"]) <= height


def test_parts_of_a_whole_fill_it() -> None:
    for figure in all_of(parse(page("damaged")), "figure"):
        (drawing,) = [
            each for each in all_of(figure, "svg") if each.attrib.get("role") == "img"
        ]
        if drawing.attrib["aria-labelledby"].startswith(("coverage", "this-run")):
            widths = [numbers(each, "width")[0] for each in all_of(drawing, "rect")]
            assert sum(widths) == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize("name", OVERVIEWS)
def test_the_page_needs_nothing_from_anywhere(name: str) -> None:
    root = parse(page(name))
    names = {tag(element) for element in root.iter()}
    assert not names & {
        "script", "img", "image", "link", "iframe", "object", "embed", "base", "form",
        "use", "a", "foreignObject", "animate", "set",
    }  # fmt: skip
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not [key for key in attributes if key.startswith("on") or "href" in key]
    style = root.find("head/style")
    assert style is not None
    assert not re.search(r"url\((?!#[a-z]+\))|@import|expression\(", style.text or "")


def test_the_policy_lets_only_its_own_style_through() -> None:
    root = parse(page("damaged"))
    style = root.find("head/style")
    assert style is not None
    digest = hashlib.sha256((style.text or "").encode()).digest()
    (policy,) = (
        meta.attrib["content"]
        for meta in root.iter("meta")
        if meta.attrib.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(digest).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not any("style" in element.attrib for element in root.iter())


def test_hostile_text_is_inert_wherever_it_stands() -> None:
    data = page("hostile")
    root = parse(data)
    known = {tag(element) for element in parse(page("damaged")).iter()}
    assert {tag(element) for element in root.iter()} <= known
    shown = data.decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufffe]", shown)
    assert "x" * 301 not in shown
    assert "more characters" in shown
    assert HOSTILE[:30] in "".join(root.itertext())


def test_the_page_is_the_same_each_time() -> None:
    assert html(two_runs()) == html(two_runs())


TEXT = st.text(min_size=1)


@settings(max_examples=40, deadline=None)
@given(crate=TEXT, rule=TEXT, reason=TEXT, root=TEXT, tool=TEXT)
def test_any_text_makes_a_valid_page(
    crate: str, rule: str, reason: str, root: str, tool: str
) -> None:
    finding = noted(rule, reason=reason)
    bad = bad_crate(1, 2)._replace(check=check(2, crate=crate), findings=(finding,) * 3)
    last = two_runs().run._replace(roots=(root,), tool=tool)
    changes: Any = (Change(crate, finding),)
    overview: Overview = two_runs()._replace(
        run=last, bad=(bad,), drift=Drift(changes, changes, changes, changes)
    )
    parse(html(overview))
