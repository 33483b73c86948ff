import pytest
from reverify.formats.markdown import MOST_BYTES, SHOWN, Markdown
from reverify.model.outcome import Level, Outcome, Severity
from reverify.model.report import Report
from reverify.policy import Policy

from tests.formats.reports import finding, report
from tests.formats.validators import markdown_tokens


def written(*reports: Report) -> str:
    return Markdown().render(reports).decode()


def rows(text: str) -> int:
    """How many rows the tables have, without their heads."""
    return [token.type for token in markdown_tokens(text)].count("tr_open")


def test_the_verdict_is_the_heading() -> None:
    assert written(report(finding())).startswith("## `crate`: refuted\n")


def test_the_level_that_was_required_is_said() -> None:
    text = written(report(finding(), policy=Policy(required=Level.SOURCED)))
    assert "- required: **sourced**" in text


def test_the_kinds_stand_in_a_table() -> None:
    assert rows(written(report(finding()))) == 1 + 6


def test_several_crates_have_a_table_of_their_verdicts_first() -> None:
    good = report(finding(outcome=Outcome.CONFIRMED), location="a|b")
    text = written(good, report(finding()))
    assert text.startswith("## 2 crates: refuted\n")
    assert rows(text) == 1 + 2 + 2 * (1 + 6)


def test_what_is_wrong_is_grouped_the_worst_first() -> None:
    made = report(
        finding("c", severity=Severity.WARNING),
        finding("b", Outcome.UNDETERMINED),
        finding("a"),
    )
    heads = [line for line in written(made).splitlines() if line.startswith("### ")]
    assert heads == ["### errors (1)", "### could not be told (1)", "### warnings (1)"]


def test_like_findings_become_one_item_and_a_count() -> None:
    text = written(report(*(finding(f"{n}.csv") for n in range(20_000))))
    assert text.count("something is wrong") == 1
    assert f"and {20_000 - SHOWN:,} more (first: `ro-crate-metadata.json:41:1`)" in text


def test_a_fix_is_given_once_for_each_group() -> None:
    text = written(report(*(finding(f"{n}.csv") for n in range(9))))
    assert text.count("- fix: Restore the file.") == 1


def test_a_long_document_is_cut_and_says_so() -> None:
    many = [report(finding(), location=f"{n:0200}") for n in range(2000)]
    text = written(*many)
    assert len(text.encode()) < MOST_BYTES + 200
    assert "left out to keep this readable" in text.splitlines()[-1]


@pytest.mark.parametrize("word", ["@octocat", "#17", "https://evil.example"])
def test_nobody_is_called_and_nothing_is_linked(word: str) -> None:
    text = written(report(finding(word, reason=f"{word}: see {word}")))
    tokens = markdown_tokens(text)
    assert not any(word in t.content for t in tokens if t.type == "text")
