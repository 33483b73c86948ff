"""What a policy file adds to findings, and what becomes of the verdict."""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from reverify.cli import _run
from reverify.crates.limits import Limits
from reverify.formats import format_named
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Level, Outcome
from reverify.model.report import Report
from reverify.model.ruling import PolicyName, Tolerated
from reverify.policy import Policy
from reverify.ruling import Ruling
from reverify.verification import verify

from tests.fakes import FixedClock, file, tools, write_crate
from tests.test_schemas import faults

TODAY = FixedClock().now().date()
NAME = PolicyName(file="p.toml", name="P", sha256="0" * 64)
KINDS = frozenset({ClaimKind.COMPLETENESS, ClaimKind.FIXITY})


def exception(rule: str, days: int = 1) -> Tolerated:
    return Tolerated(rule, "we know", TODAY + timedelta(days=days))


def checked(
    crate: Path,
    *tolerated: Tolerated,
    minimum: str = "",
    required: Level | None = None,
    strict: bool = False,
    kinds: frozenset[ClaimKind] = KINDS,
    age: float | None = None,
) -> Report:
    ruling = Ruling(
        name=NAME, tolerated=tolerated, minimum_digest=minimum, archive_age=age
    )
    policy = Policy(kinds=kinds, ruling=ruling, required=required, strict=strict)
    return verify(str(crate), policy=policy, tools=tools(), limits=Limits(jobs=1))


def under(report: Report, rule: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule == rule]


@pytest.fixture(name="damaged")
def _damaged(tmp_path: Path) -> Path:
    """A file with a wrong sha256, and one that holds."""
    right = hashlib.sha256(b"b").hexdigest()
    return write_crate(
        tmp_path,
        file("a.txt", sha256="00" * 32),
        file("b.txt", sha256=right),
        files={"a.txt": b"a", "b.txt": b"b"},
    )


def test_without_an_exception_it_refutes(damaged: Path) -> None:
    assert checked(damaged).verdict.outcome is Outcome.REFUTED


def test_a_tolerated_finding_is_shown_and_does_not_refute(damaged: Path) -> None:
    report = checked(damaged, exception("fixity/digest-mismatch"))
    assert report.verdict.outcome is Outcome.CONFIRMED
    [found] = under(report, "fixity/digest-mismatch")
    assert found.outcome is Outcome.REFUTED
    assert found.tolerated is not None
    assert not found.hurts
    tally = report.verdict.kinds[ClaimKind.FIXITY]
    assert (tally.refuted, tally.tolerated) == (0, 1)


def test_it_keeps_the_id_that_it_has_without_a_policy(damaged: Path) -> None:
    plain, tolerated = (
        {each["id"] for each in report.to_dict()["findings"]}
        for report in (
            checked(damaged),
            checked(damaged, exception("fixity/digest-mismatch")),
        )
    )
    assert plain == tolerated


def test_an_exception_holds_on_its_last_day(damaged: Path) -> None:
    report = checked(damaged, exception("fixity/digest-mismatch", 0))
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_an_exception_that_is_over_is_a_finding_and_tolerates_nothing(
    damaged: Path,
) -> None:
    report = checked(damaged, exception("fixity/digest-mismatch", -1))
    assert report.verdict.outcome is Outcome.REFUTED
    [over] = under(report, "fixity/exception-expired")
    assert "we know" in over.reason
    assert under(report, "fixity/digest-mismatch")[0].tolerated is None


def test_an_exception_that_is_over_refutes_a_strict_check_alone(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"a").hexdigest()
    crate = write_crate(tmp_path, file("a.txt", sha256=digest), files={"a.txt": b"a"})
    over = exception("fixity/digest-mismatch", -1)
    assert checked(crate, over).verdict.outcome is Outcome.CONFIRMED
    assert checked(crate, over, strict=True).verdict.outcome is Outcome.REFUTED


def test_an_exception_of_a_kind_that_is_not_tested_is_not_looked_at(
    damaged: Path,
) -> None:
    over = exception("source/file-not-in-commit", -1)
    assert under(checked(damaged, over), "source/exception-expired") == []


def test_what_is_confirmed_needs_no_tolerance(damaged: Path) -> None:
    report = checked(damaged, exception("fixity/digest-match"))
    assert under(report, "fixity/digest-match")[0].tolerated is None


def test_a_tolerated_finding_is_no_obstacle_and_gives_no_level(
    tmp_path: Path,
) -> None:
    crate = write_crate(
        tmp_path,
        file("a.txt", sha256="00" * 32),
        files={"a.txt": b"a"},
    )
    kinds = frozenset(ClaimKind)
    known = exception("fixity/digest-mismatch")
    report = checked(crate, known, required=Level.INTACT, kinds=kinds)
    assert report.verdict.level is Level.DESCRIBED
    assert report.verdict.outcome is Outcome.CONFIRMED
    text = format_named("text").render([report]).decode()
    assert "level described, intact required, reached but for what is tol" in text


def test_findings_stay_in_the_order_of_the_kinds(damaged: Path) -> None:
    report = checked(
        damaged, exception("completeness/file-missing", -1), minimum="sha512"
    )
    kinds = [finding.claim.kind for finding in report.findings]
    assert kinds == sorted(kinds, key=list(ClaimKind).index)
    assert under(report, "completeness/exception-expired")


@pytest.mark.parametrize(
    ("stated", "minimum", "weak"),
    [
        (["md5"], "sha256", True),
        (["sha1"], "sha256", True),
        (["sha256"], "sha256", False),
        (["sha512"], "sha256", False),
        (["sha256"], "sha512", True),
        (["md5", "sha256"], "sha256", False),
        (["md5", "sha1"], "sha1", False),
        (["md5"], "", False),
        ([], "sha256", False),
    ],
)
def test_a_file_with_weak_digests_alone_is_a_finding(
    tmp_path: Path, stated: list[str], minimum: str, weak: bool
) -> None:
    digests = {name: hashlib.new(name, b"a").hexdigest() for name in stated}
    crate = write_crate(tmp_path, file("a.txt", **digests), files={"a.txt": b"a"})
    report = checked(crate, minimum=minimum)
    assert len(under(report, "fixity/digest-weak")) == int(weak)
    expected = Outcome.REFUTED if weak else Outcome.CONFIRMED
    assert report.verdict.outcome is expected


def test_offline_what_is_not_known_of_late_is_undetermined(tmp_path: Path) -> None:
    swhid = "swh:1:rev:309cf2674ee7a0749978cf8265ab91a60aea0f7d"
    crate = write_crate(
        tmp_path, file("a.txt", identifier=swhid), files={"a.txt": b"a"}
    )
    kinds = frozenset({ClaimKind.ARCHIVAL})
    assert under(checked(crate, kinds=kinds), "archival/not-tested")
    [found] = under(checked(crate, kinds=kinds, age=60.0), "archival/answer-too-old")
    assert found.outcome is Outcome.UNDETERMINED


def test_the_report_says_which_policy_judged_and_fits_the_schema(
    damaged: Path,
) -> None:
    report = checked(damaged, exception("fixity/digest-mismatch"), minimum="sha512")
    document = json.loads(format_named("json").render([report]))
    assert faults(document, part="report") == []
    assert document["verdict"]["policy"]["file"] == "p.toml"
    assert document["verdict"]["kinds"]["fixity"]["tolerated"] == 1
    again = Report.from_dict(document)
    assert json.loads(format_named("json").render([again])) == document


def test_without_a_policy_the_report_has_none_of_its_keys(damaged: Path) -> None:
    report = verify(
        str(damaged), policy=Policy(kinds=KINDS), tools=tools(), limits=Limits(jobs=1)
    )
    text = format_named("json").render([report]).decode()
    assert '"policy"' not in text
    assert '"tolerated"' not in text


@pytest.mark.parametrize("name", ["text", "markdown", "junit", "sarif"])
def test_each_format_tells_a_tolerated_finding_as_such(
    damaged: Path, name: str
) -> None:
    report = checked(damaged, exception("fixity/digest-mismatch"))
    text = format_named(name).render([report]).decode()
    assert {"sarif": '"suppressions"'}.get(name, "tolerated") in text
    assert "<failure" not in text


def test_sarif_points_at_the_policy_for_an_exception_that_is_over(
    damaged: Path,
) -> None:
    report = checked(damaged, exception("fixity/size-mismatch", -1))
    log = json.loads(format_named("sarif").render([report]))
    places = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]
        for result in log["runs"][0]["results"]
    }
    over = places["fixity/exception-expired"]
    assert over["artifactLocation"]["uri"] == "p.toml"


# -- at a terminal -----------------------------------------------------------------


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def policy(day: date) -> str:
    return (
        'kinds = ["completeness", "fixity"]\n[[tolerate]]\n'
        f'rule = "fixity/digest-mismatch"\nreason = "known"\nuntil = {day}\n'
    )


@pytest.mark.parametrize(("day", "code"), [("9999-12-31", 0), ("2020-01-01", 1)])
def test_check_exits_as_the_policy_has_it(
    here: Path, damaged: Path, capfd: pytest.CaptureFixture[str], day: str, code: int
) -> None:
    (here / "p.toml").write_text(policy(date.fromisoformat(day)), encoding="utf-8")
    assert _run(["check", "--offline", "--policy", "p.toml", str(damaged)]) == code
    assert "by the policy p.toml" in capfd.readouterr().out


@pytest.mark.usefixtures("here")
def test_a_policy_in_the_folder_of_a_crate_is_not_read(
    damaged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = policy(date(9999, 12, 31))
    (damaged / "policy.toml").write_text(text, encoding="utf-8")
    found = _run(["check", "--offline", "--only", "fixity", str(damaged)])
    assert found == 1
    assert "by the policy" not in capfd.readouterr().out


def test_a_policy_that_cannot_be_used_exits_2_and_judges_nothing(
    here: Path, damaged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (here / "p.toml").write_text("strikt = true\n", encoding="utf-8")
    for command in (
        ["check", "--offline", "--policy", "p.toml", str(damaged)],
        ["reproduce", "--policy", "p.toml", str(damaged)],
        ["config", "policy", "--check", "p.toml"],
    ):
        assert _run(command) == 2
        shown = capfd.readouterr()
        assert shown.out == ""
        assert "p.toml:1: strikt: there is no such key; did you mean st" in shown.err


def test_a_policy_is_shown_with_what_is_over(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (here / "p.toml").write_text(policy(date(2020, 1, 1)), encoding="utf-8")
    assert _run(["config", "policy", "--check", "p.toml"]) == 0
    shown = capfd.readouterr().out
    assert "fixity/digest-mismatch, EXPIRED on 2020-01-01" in shown
