import re

import pytest
from reverify.formats.text import Text
from reverify.model.outcome import Level, Outcome, Severity
from reverify.model.report import Report
from reverify.policy import Policy

from tests.formats.reports import CONFORMS, finding, report

ALL = 2


def written(*reports: Report, verbosity: int = 0) -> str:
    return Text(verbosity=verbosity).render(reports).decode()


def headings(text: str) -> list[str]:
    return re.findall(r"^  ([a-z ]+) \([0-9,]+\)$", text, re.MULTILINE)


def test_the_verdict_and_the_level_stand_near_the_top() -> None:
    text = written(report(CONFORMS, finding()))
    assert "  REFUTED  level described" in text.splitlines()[:5]


def test_the_level_that_was_required_is_said() -> None:
    text = written(report(CONFORMS, finding(), policy=Policy(required=Level.SOURCED)))
    assert "level described, sourced required" in text


def test_why_the_next_level_was_not_reached_is_said() -> None:
    assert "  not intact: 1 claim refuted" in written(report(CONFORMS, finding()))


@pytest.mark.parametrize(
    "kind",
    ["conformance", "completeness", "fixity", "source", "archival", "execution"],
)
def test_each_kind_has_a_line(kind: str) -> None:
    lines = written(report(finding())).splitlines()
    assert sum(line.startswith(f"  {kind} ") for line in lines) == 1


def test_what_is_counted_once_is_not_in_the_plural() -> None:
    text = written(report(finding(severity=Severity.WARNING)))
    assert "1 warning\n" in text


def test_what_is_wrong_is_grouped_the_worst_first() -> None:
    made = report(
        finding("e", Outcome.UNTESTED),
        finding("d", severity=Severity.NOTE),
        finding("c", severity=Severity.WARNING),
        finding("b", Outcome.UNDETERMINED),
        finding("a"),
    )
    assert headings(written(made, verbosity=1)) == [
        "errors",
        "could not be told",
        "warnings",
        "notes",
        "not tested",
    ]


def test_of_what_could_not_be_told_the_gravest_comes_first() -> None:
    note = finding(
        "n", Outcome.UNDETERMINED, rule="fixity/a", severity=Severity.NOTE, topic="n"
    )
    error = finding("e", Outcome.UNDETERMINED, rule="fixity/b")
    text = written(report(note, error))
    assert text.index("fixity/b") < text.index("fixity/a")


def test_notes_are_counted_and_shown_with_v() -> None:
    made = report(finding(severity=Severity.NOTE), finding("b", Outcome.UNTESTED))
    assert "1 note and 1 not tested: -v shows them" in written(made)
    assert "-v shows them" not in written(made, verbosity=1)


def test_a_finding_names_its_place() -> None:
    assert "        ro-crate-metadata.json:41:1" in written(report(finding()))


def test_a_finding_without_a_line_names_no_place() -> None:
    assert "ro-crate-metadata.json" not in written(report(finding(line=None)))


def test_a_fix_is_given_once_for_each_group() -> None:
    made = report(*(finding(f"{n}.csv") for n in range(9)))
    assert written(made).count("fix: Restore the file.") == 1


def test_each_of_two_fixes_under_one_rule_is_given() -> None:
    text = written(report(finding(fix="Do this."), finding("b", fix="Do that.")))
    assert text.count("fix: ") == 2


def test_twenty_thousand_identical_findings_become_one_line_and_a_count() -> None:
    text = written(report(*(finding() for _ in range(20_000))))
    assert text.count("something is wrong") == 1
    assert "fixity/digest-mismatch (20,000)" in text
    assert len(text.splitlines()) < 25


def test_twenty_thousand_like_findings_become_a_few_lines_and_a_count() -> None:
    text = written(report(*(finding(f"{n}.csv") for n in range(20_000))))
    assert text.count("something is wrong") == 1
    assert "0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 19,995 more" in text
    assert len(text.splitlines()) < 25


def test_twenty_thousand_different_findings_become_a_few_lines_and_a_count() -> None:
    made = (finding(f"{n}.csv", reason=f"{n} is odd") for n in range(20_000))
    text = written(report(*made))
    assert "... and 19,995 more; -vv shows all" in text
    assert len(text.splitlines()) < 35


def test_vv_shows_every_one_of_them() -> None:
    made = report(*(finding(f"{n}.csv") for n in range(1000)))
    text = written(made, verbosity=ALL)
    assert all(f"        {n}.csv  ro-crate" in text for n in range(1000))


def test_no_colour_is_written_unasked() -> None:
    assert b"\x1b" not in Text().render([report(finding())])


def test_colours_are_written_when_asked() -> None:
    data = Text(colour=True).render([report(finding())]).decode()
    assert re.sub(r"\x1b\[[0-9;]+m", "", data) == written(report(finding()))


def test_several_reports_end_with_a_line_for_all() -> None:
    good = report(finding(outcome=Outcome.CONFIRMED))
    last = written(good, report(finding()), good).splitlines()[-1]
    assert last == "3 crates: REFUTED (2 confirmed, 1 refuted, 0 undetermined)"


def test_one_report_has_no_line_for_all() -> None:
    assert "crates:" not in written(report(finding()))


def test_a_long_name_does_not_hide_what_is_said_of_it() -> None:
    name = "https://archive.example.org/" + "x" * 380
    made = finding(name)._replace(reason=f"{name}: it is another")
    text = written(report(made))
    assert "xxx...: it is another" in text
    assert max(map(len, text.splitlines())) < 200
