"""For people: one page that answers what is broken, since when, and how sure we are.

The page is complete in itself: no script, nothing is fetched. What comes from a crate
is escaped, cut where it is too long, and written out where it is invisible.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from reverify.audits.reporting import facts, plots
from reverify.audits.reporting.drawing import Plot
from reverify.formats.page import as_it_is, shown, style, template
from reverify.model.audit import Change, Overview

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN_CRATES = 300
OPEN_CRATES = 25
"""Crates that are seen at once; the others are folded."""
SHOWN_CHANGES = 50
SHOWN_FINDINGS = 10
SHOWN_RULES = 50
_MOST = 300
"""Characters of a name, a path or a reason."""
_KEPT = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?|[\d.]+ %")
_PACKAGE = "reverify.audits.reporting"


class _Change(NamedTuple):
    """What became of claims in the last run, in one word."""

    name: str
    meaning: str
    many: int
    shown: tuple[Change, ...]


def html(overview: Overview) -> bytes:
    """Write the page; the same each time for the same overview.

    Args:
        overview: how the collection stands.

    Returns:
        UTF-8. At most some hundred crates are shown; all are counted.
    """
    sheet = style(_PACKAGE, "report.css")
    page = _template().render(
        style=sheet.text,
        style_source=sheet.source,
        run=overview.run,
        root=_only_root(overview),
        headline=facts.headline(overview),
        is_bad=bool(overview.bad),
        broken=list(facts.broken_now(overview)),
        since=list(facts.since_when(overview)),
        sure=list(facts.how_sure(overview)),
        changes=_changes(overview),
        is_first=len(overview.runs) < 2,  # noqa: PLR2004 - nothing to compare with
        bad=overview.bad[:SHOWN_CRATES],
        bad_count=facts.bad_count(overview),
        trouble=overview.trouble[:SHOWN_RULES],
        trouble_count=len(overview.trouble),
        drawn=_plots(overview),
        most_open=OPEN_CRATES,
        most_findings=SHOWN_FINDINGS,
    )
    return page.encode()


@cache
def _template() -> "Template":
    filters: dict[str, Callable[..., object]] = {
        "shown": partial(shown, most=_MOST),
        "day": facts.day,
        "moment": facts.moment,
        "together": _together,
        "volume": facts.volume,
        "crates": facts.crates,
    }
    return template(_PACKAGE, "report.html.j2", filters)


def _together(text: str) -> str:
    """Text of ours, escaped; no line ends within a day, a time, or before `%`."""
    from markupsafe import escape  # noqa: PLC0415 - comes with jinja2

    kept = _KEPT.sub(r'<span class="together">\g<0></span>', str(escape(text)))
    return as_it_is(kept)


def _only_root(overview: Overview) -> str:
    """What stands before all places, and need not be read each time."""
    roots = overview.run.roots
    return f"{roots[0].rstrip('/')}/" if len(roots) == 1 else ""


def _changes(overview: Overview) -> list[_Change]:
    return [
        _Change(name, facts.CHANGES[name], len(found), found[:SHOWN_CHANGES])
        for name, found in facts.changes(overview.drift)
    ]


def _plots(overview: Overview) -> dict[str, Plot | None]:
    return {
        "over_time": plots.over_time(overview.runs),
        "coverage": plots.coverage(overview),
        "this_run": plots.this_run(overview),
        "age": plots.age(overview),
        "trouble": plots.trouble(overview),
    }
