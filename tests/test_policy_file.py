"""Policy files: what they may say, and what is wrong with those that cannot be used."""

from datetime import date
from pathlib import Path

import pytest
from reverify.errors import PolicyError
from reverify.model.outcome import ClaimKind, Level
from reverify.model.rules import RULES
from reverify.policy_file import read_policy, schema
from reverify.ruling import STRENGTH
from reverify.runtime import settled

ALL = """\
name = "Archive"
require = "intact"
kinds = ["fixity", "completeness"]
profiles = ["process-run-crate-0.5", "https://w3id.org/ro/crate/1.2"]
strict = true
minimum-digest = "sha256"
archive-age = "90d"

[[tolerate]]
rule = "fixity/uncovered"
reason = "for now"
until = 2027-04-30

[[tolerate]]
rule = "completeness/file-missing"
reason = "known"
until = "2027-05-01"
"""
EXCEPTION = '[[tolerate]]\nrule = "fixity/uncovered"\nreason = "x"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "p.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    """What is wrong, without the file's name."""
    path = write(folder, text)
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert all(each.startswith(f"{path}:") for each in caught.value.reasons)
    return [each.removeprefix(f"{path}:") for each in caught.value.reasons]


def test_everything_that_a_policy_says_is_read(tmp_path: Path) -> None:
    found = read_policy(write(tmp_path, ALL))
    assert found.settings["require"] == "intact"
    ruling = found.ruling
    assert ruling.name.name == "Archive"
    assert ruling.minimum_digest == "sha256"
    assert ruling.archive_age == 90 * 86400
    assert [(each.rule, each.until) for each in ruling.tolerated] == [
        ("fixity/uncovered", date(2027, 4, 30)),
        ("completeness/file-missing", date(2027, 5, 1)),
    ]


def test_an_empty_policy_asks_for_nothing(tmp_path: Path) -> None:
    found = read_policy(write(tmp_path, ""))
    assert found.settings == {}
    assert found.ruling.tolerated == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('requir = "intact"', "1: requir: there is no such key; did you mean require?"),
        ('\nrequire = "intakt"', "2: require: 'intakt' is unknown; did you mean"),
        ('kinds = ["fixty"]', "1: kinds[1]: 'fixty' is unknown; did you mean fixity?"),
        ("kinds = []", "1: kinds: is empty"),
        ('kinds = ["fixity", "fixity"]', "1: kinds: the same is named twice"),
        ('strict = "yes"', "1: strict: 'yes' is of a wrong type; write true or false"),
        ('minimum-digest = "md5"', "1: minimum-digest: 'md5' is unknown; there are"),
        ('archive-age = "old"', "1: archive-age: 'old' will not do; write 90d"),
        ('profiles = ["proces-run-crate-0.5"]', "1: profiles[1]: there is no profile"),
        (EXCEPTION, "1: tolerate[1].until: is missing; add until = YEAR-MONTH-DAY"),
        (f"{EXCEPTION}until = 1", "4: tolerate[1].until: 1 is of a wrong type"),
        (f'{EXCEPTION}until = "x"', "4: tolerate[1].until: 'x' will not do; write"),
        (
            f'{EXCEPTION}until = "2027-02-30"',
            "4: tolerate[1].until: '2027-02-30' will not do; write a day",
        ),
        (f"{EXCEPTION}until = 2027-01-01\nfor = 1", "5: tolerate[1].for: there is no"),
        (
            EXCEPTION.replace("uncovered", "uncoverd") + "until = 2027-01-01",
            "2: tolerate[1].rule: there is no rule 'fixity/uncoverd'; did you mean",
        ),
        (
            EXCEPTION.replace("uncovered", "exception-expired") + "until = 2027-01-01",
            "2: tolerate[1].rule: fixity/exception-expired cannot be tolerated",
        ),
        (
            f"{EXCEPTION}until = 2027-01-01\n{EXCEPTION}until = 2027-01-01",
            "6: tolerate[2].rule: fixity/uncovered has an exception already",
        ),
        (EXCEPTION.replace('"x"', '" "') + "until = 2027-01-01", "3: tolerate[1]."),
        ("tolerate = 1", "1: tolerate: 1 is of a wrong type; write a list"),
        ("x = [", " is no TOML: "),
        ("until = 2027-02-30", " is no TOML: "),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_to_do(
    tmp_path: Path, text: str, fault: str
) -> None:
    assert faults(tmp_path, text)[0].startswith(fault)


def test_all_faults_are_told_at_once_in_their_order(tmp_path: Path) -> None:
    found = faults(tmp_path, 'a = 1\nrequire = "x"\nkinds = ["y"]\n')
    assert [each.partition(":")[0] for each in found] == ["1", "2", "3"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        read_policy(tmp_path / "none.toml")


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(PolicyError, match="is not UTF-8"):
        read_policy(path)


def test_flags_win_over_the_policy_and_the_policy_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_REQUIRE", "described")
    monkeypatch.setenv("REVERIFY_SKIP", "fixity")
    path = write(tmp_path, 'require = "intact"\nstrict = true\nkinds = ["fixity"]\n')
    settings, _ = settled({"require": None, "strict": None}, path)
    assert (settings.require, settings.strict) == (Level.INTACT, True)
    assert settings.kinds == {ClaimKind.FIXITY}
    assert settings.origins["require"] == f"policy {path}"
    settings, _ = settled({"require": "sourced", "strict": None}, path)
    assert (settings.require, settings.strict) == (Level.SOURCED, True)


def test_the_schema_knows_the_words_that_the_code_knows() -> None:
    known = schema()["properties"]
    assert known["require"]["enum"] == list(Level)
    assert known["kinds"]["items"]["enum"] == list(ClaimKind)
    assert set(known["minimum-digest"]["enum"]) <= set(STRENGTH)


def test_each_kind_has_a_rule_for_exceptions_that_are_over() -> None:
    assert all(f"{kind}/exception-expired" in RULES for kind in ClaimKind)
