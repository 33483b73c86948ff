"""The commands diff, explain, rules, profiles and config, as a user types them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reverify.cli import _run
from reverify.formats import format_named
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome
from reverify.model.report import Report
from reverify.profiles.catalogue import all_rules, profile_table
from reverify.settings import NAMES

from tests.formats.reports import HOSTILE, finding, report
from tests.formats.validators import unsafe


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - whatever JSON has
        return json.loads(self.out)


class Terminal:
    """Runs a command line within this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capture = capfd

    def __call__(self, *arguments: str | Path) -> Answer:
        code = _run([str(argument) for argument in arguments])
        return Answer(code, *self._capture.readouterr())


@pytest.fixture(name="run")
def _run_fixture(capfd: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capfd)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the folder where the tests run, nor of who runs them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write(name: str, *reports: Report, format: str = "json") -> Path:
    path = Path(name)
    path.write_bytes(format_named(format).render(reports))
    return path


def pair(before: Sequence[Finding], after: Sequence[Finding]) -> tuple[Path, Path]:
    return write("a.json", report(*before)), write("b.json", report(*after))


GOOD = finding(outcome=Outcome.CONFIRMED, reason="rain.csv: it is so")
BAD = finding(reason="rain.csv: it is not so")
UNKNOWN = finding(outcome=Outcome.UNDETERMINED, reason="rain.csv: who knows")


# -- diff --------------------------------------------------------------------------


def test_nothing_changed_is_said_and_is_0(run: Terminal) -> None:
    answer = run("diff", *pair([GOOD, BAD], [GOOD, BAD]))
    assert answer.code == 0
    assert answer.out.splitlines()[2:] == ["", "2 claims stand as before"]


def test_both_verdicts_stand_above(run: Terminal) -> None:
    first, second, *_ = run("diff", *pair([GOOD], [BAD])).out.splitlines()
    assert first.startswith("before: crate  CONFIRMED  no level reached  2026-01-31T")
    assert second.startswith("after:  crate  REFUTED  ")


@pytest.mark.parametrize(
    ("before", "after", "code", "heading", "change"),
    [
        ([GOOD], [BAD], 1, "broke: ", "confirmed -> refuted"),
        ([BAD], [GOOD], 0, "healed: ", "refuted -> confirmed"),
        ([GOOD], [UNKNOWN], 0, "changed: ", "confirmed -> undetermined"),
        ([], [BAD], 1, "new: ", "not claimed -> refuted"),
        ([], [GOOD], 0, "new: ", "not claimed -> confirmed"),
        ([BAD], [], 0, "vanished: ", "refuted -> not claimed"),
    ],
)
def test_a_change_is_told_with_both_outcomes(
    run: Terminal,
    before: list[Finding],
    after: list[Finding],
    code: int,
    heading: str,
    change: str,
) -> None:
    answer = run("diff", *pair(before, after))
    lines = answer.out.splitlines()[3:]
    assert answer.code == code
    assert lines[0].startswith(heading)
    assert lines[1] == f"  fixity/digest-mismatch: {change}"
    assert lines[2].startswith("    rain.csv: ")


def test_json_has_every_group(run: Terminal) -> None:
    document = run("diff", "--json", *pair([GOOD], [BAD])).document
    (change,) = document.pop("broke")
    assert document == {
        "schema_version": "1.0",
        "worse": True,
        "healed": [],
        "changed": [],
        "new": [],
        "vanished": [],
        "same": 0,
    }
    assert (change["before"], change["after"]) == ("confirmed", "refuted")
    assert change["reason"] == "rain.csv: it is not so"


def test_json_does_not_change_the_exit_code(run: Terminal) -> None:
    assert run("diff", "--json", *pair([GOOD], [BAD])).code == 1


def test_a_thousand_changes_are_cut_and_counted(run: Terminal) -> None:
    many = [finding(f"{n}.csv") for n in range(1000)]
    answer = run("diff", *pair([], many))
    assert "new: only in the second report (1,000)" in answer.out
    assert "... and 980 more; --json shows all" in answer.out
    assert len(answer.out.splitlines()) < 60


def test_a_line_of_jsonl_is_a_report(run: Terminal) -> None:
    first = write("a.jsonl", report(GOOD), format="jsonl")
    assert run("diff", first, first).code == 0


@pytest.mark.parametrize("what", [what for what in HOSTILE if "megabyte" not in what])
def test_hostile_text_in_a_report_is_harmless(run: Terminal, what: str) -> None:
    text = HOSTILE[what]
    made = report(finding(text, reason=text, topic=text), location=text)
    answer = run("diff", write("a.json", report()), write("b.json", made))
    assert answer.code == 1
    assert unsafe(answer.out) == []


def faulty(run: Terminal, data: bytes) -> str:
    """What is said of a file that is no report: one line, and exit code 2."""
    good = write("good.json", report(GOOD))
    bad = Path("bad.json")
    bad.write_bytes(data)
    first, second = run("diff", bad, good), run("diff", good, bad)
    assert (first.code, first.out, second.code) == (2, "", 2)
    assert first.err == second.err
    assert len(first.err.splitlines()) == 1
    assert "bad.json: " in first.err
    return first.err


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"findings": 5}',
        b"\xff\xfe\x00",
        b"\x00" * 10,
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"a": NaN}',
        b'{"schema_version": "1.0", "findings": [5]}',
    ],
    ids=lambda data: repr(data[:20]),
)
def test_a_file_that_is_no_report_is_told_in_one_line(
    run: Terminal, data: bytes
) -> None:
    assert "no report of one crate" in faulty(run, data)


def test_what_is_missing_in_a_report_is_named(run: Terminal) -> None:
    document = report(GOOD).to_dict()
    del document["verdict"]
    assert "'verdict' is missing" in faulty(run, json.dumps(document).encode())


def test_what_is_wrong_in_a_report_is_named(run: Terminal) -> None:
    document = report(GOOD).to_dict()
    document["findings"][0]["reason"] = 5
    assert "reason is no str" in faulty(run, json.dumps(document).encode())


def test_a_file_with_several_reports_is_told_what_to_do(run: Terminal) -> None:
    data = format_named("json").render([report(GOOD), report(BAD)])
    assert "holds the reports of 2 crates; give a report of one" in faulty(run, data)


def test_a_file_with_a_report_a_line_is_told_what_to_do(run: Terminal) -> None:
    data = format_named("jsonl").render([report(GOOD), report(BAD)])
    assert "several reports, one a line; give a report of one" in faulty(run, data)


def test_a_report_of_another_version_is_told(run: Terminal) -> None:
    document = {**report(GOOD).to_dict(), "schema_version": "2.0"}
    assert "is a report of version 2.0" in faulty(run, json.dumps(document).encode())


def test_a_later_version_of_the_same_kind_is_read(run: Terminal) -> None:
    document = {**report(GOOD).to_dict(), "schema_version": "1.7", "more": []}
    Path("a.json").write_text(json.dumps(document), encoding="utf-8")
    assert run("diff", "a.json", "a.json").code == 0


def test_a_file_that_is_not_there_is_told(run: Terminal) -> None:
    answer = run("diff", "none.json", "none.json")
    assert (answer.code, answer.out) == (2, "")
    assert "none.json: cannot be read (No such file or directory)" in answer.err


def test_a_folder_is_told(run: Terminal, tmp_path: Path) -> None:
    answer = run("diff", tmp_path, tmp_path)
    assert answer.code == 2
    assert "cannot be read (Is a directory)" in answer.err


def test_a_missing_argument_is_told(run: Terminal) -> None:
    answer = run("diff", write("a.json", report(GOOD)))
    assert answer.code == 2
    assert "Missing argument 'B'" in answer.err


# -- explain and rules -------------------------------------------------------------


def test_a_rule_is_explained(run: Terminal) -> None:
    answer = run("explain", "fixity/digest-mismatch")
    assert answer.code == 0
    assert answer.out.splitlines()[0] == "fixity/digest-mismatch"
    for line in ("level: error (MUST)", "outcome: refuted", "fix: Restore the file"):
        assert f"\n{line}" in answer.out


@pytest.mark.parametrize("rule", sorted({rule["id"] for rule in all_rules()})[::25])
def test_every_rule_can_be_explained(run: Terminal, rule: str) -> None:
    answer = run("explain", rule)
    assert answer.code == 0
    assert "\n\n\n" not in answer.out


def test_a_rule_of_two_levels_names_both(run: Terminal) -> None:
    rule = "conformance/ro-crate-1.1/root-data-entity-publisher-property"
    assert "level: error (MUST) or warning (SHOULD)" in run("explain", rule).out
    assert run("explain", "--json", rule).document["levels"] == ["error", "warning"]


def test_a_rule_is_explained_in_json(run: Terminal) -> None:
    document = run("explain", "--json", "fixity/digest-mismatch").document
    assert document["id"] == "fixity/digest-mismatch"
    assert document["outcome"] == "refuted"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("fixity/digest-mismach", "fixity/digest-mismatch"),
        ("digest-mismatch", "did you mean fixity/digest-mismatch?"),
        ("Fixity/Digest-Mismatch", "fixity/digest-mismatch"),
        ("swhid", "archival/swhid-invalid"),
        ("xyzzy", "`reverify rules` lists them"),
        ("", "`reverify rules` lists them"),
    ],
)
def test_a_rule_that_is_none_is_told_with_what_may_be_meant(
    run: Terminal, wrong: str, right: str
) -> None:
    answer = run("explain", wrong)
    assert (answer.code, answer.out) == (2, "")
    assert right in answer.err
    assert len(answer.err.splitlines()) == 1


def test_hostile_text_for_a_rule_is_harmless(run: Terminal) -> None:
    answer = run("explain", "\x1b[31m::error::")
    assert answer.code == 2
    assert unsafe(answer.err) == []


def test_all_rules_are_listed_with_their_level(run: Terminal) -> None:
    lines = run("rules").out.splitlines()
    assert len(lines) == len(all_rules())
    assert all(line.split()[1] in {"error", "warning", "note"} for line in lines)


def test_rules_are_chosen_by_how_they_begin(run: Terminal) -> None:
    lines = run("rules", "fixity/digest").out.splitlines()
    assert lines
    assert all(line.startswith("fixity/digest") for line in lines)


def test_rules_are_listed_in_json(run: Terminal) -> None:
    document = run("rules", "--json", "archival/").document
    assert "archival/swhid-invalid" in {rule["id"] for rule in document}


def test_a_beginning_that_no_rule_has_is_told(run: Terminal) -> None:
    answer = run("rules", "digest-mis")
    assert answer.code == 2
    assert "did you mean fixity/digest-mismatch?" in answer.err


# -- profiles and config -----------------------------------------------------------


def test_the_profiles_are_listed(run: Terminal) -> None:
    lines = run("profiles").out.splitlines()
    assert [line.split()[0] for line in lines] == [row["id"] for row in profile_table()]


def test_the_profiles_are_listed_in_json(run: Terminal) -> None:
    assert run("profiles", "--json").document == profile_table()


def test_the_settings_are_listed_with_where_they_come_from(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_OFFLINE", "1")
    Path("reverify.toml").write_text('max-bytes = "2GB"\n', encoding="utf-8")
    found = run("config", "--json").document
    assert set(found) == set(NAMES)
    assert found["offline"]["value"] is True
    assert "environment" in found["offline"]["origin"]
    assert found["max_bytes"]["value"] == 2_000_000_000
    assert found["max_bytes"]["origin"].endswith("reverify.toml")
    assert found["strict"] == {"value": False, "origin": "default"}


def test_each_setting_is_a_line_spelled_as_on_the_command_line(run: Terminal) -> None:
    lines = run("config").out.splitlines()
    assert [line.split()[0] for line in lines] == [n.replace("_", "-") for n in NAMES]


def test_a_setting_that_is_none_is_told_with_what_may_be_meant(run: Terminal) -> None:
    Path("reverify.toml").write_text("ofline = true\n", encoding="utf-8")
    answer = run("config")
    assert answer.code == 2
    assert "there is no setting 'ofline'; did you mean offline?" in answer.err


def test_hostile_text_in_a_setting_is_harmless(run: Terminal) -> None:
    text = "profile = ['\\u001b[31m', 'x']\n".replace("'", '"')
    Path("reverify.toml").write_text(text, encoding="utf-8")
    answer = run("config")
    assert answer.code == 0
    assert unsafe(answer.out) == []
