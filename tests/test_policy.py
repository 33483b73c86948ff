"""All findings, judged into one verdict."""

from collections.abc import Sequence

import pytest
from reverify.cli._common import EXIT
from reverify.model.claim import Claim, Place
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Level, Outcome, Severity
from reverify.model.verdict import Verdict
from reverify.policy import Policy

KINDS = {kind.value[:4]: kind for kind in ClaimKind}
OUTCOMES = {
    "yes": Outcome.CONFIRMED,
    "no": Outcome.REFUTED,
    "unclear": Outcome.UNDETERMINED,
    "untested": Outcome.UNTESTED,
    "moot": Outcome.NOT_APPLICABLE,
}
DESCRIBED = "conf yes"
INTACT = f"{DESCRIBED}, comp yes, fixi yes, covered"
SOURCED = f"{INTACT}, sour yes"
ARCHIVED = f"{SOURCED}, arch yes"
REPRODUCED = f"{ARCHIVED}, exec yes"


def finding(text: str) -> Finding:
    """A finding from words: `fixi no warning`; `covered` and `uncovered` alone."""
    kind, outcome, severity, rule = ClaimKind.FIXITY, text, "note", f"fixity/{text}"
    if text in {"covered", "uncovered"}:
        outcome = "yes" if text == "covered" else "no"
    else:
        word, outcome, *rest = text.split()
        kind = KINDS[word]
        severity = rest[0] if rest else "error"
        rule = f"{kind}/x"
    return Finding(
        claim=Claim(
            kind=kind,
            topic="x",
            subject="x",
            expected="x",
            stated_in=Place("x"),
            severity=Severity(severity),
        ),
        outcome=OUTCOMES[outcome],
        rule=rule,
        reason=f"this is {text}",
    )


def judged(text: str, policy: Policy | None = None) -> Verdict:
    findings = [finding(item.strip()) for item in text.split(",") if item.strip()]
    return (policy or Policy()).judge(findings)


# -- the outcome -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ("", "undetermined"),
        ("conf yes", "confirmed"),
        ("conf no", "refuted"),
        ("comp no", "refuted"),
        ("fixi no", "refuted"),
        ("sour no", "refuted"),
        ("arch no", "refuted"),
        ("exec no", "refuted"),
        ("conf yes, fixi no", "refuted"),
        ("conf no warning", "confirmed"),
        ("conf no note", "undetermined"),
        ("conf yes, comp no note", "confirmed"),
        ("conf unclear", "undetermined"),
        ("comp unclear warning", "undetermined"),
        ("fixi unclear note", "undetermined"),
        ("comp yes, fixi unclear note", "confirmed"),
        ("conf no, fixi unclear", "refuted"),
        ("conf unclear, conf no", "refuted"),
        ("conf untested", "undetermined"),
        ("exec untested note", "undetermined"),
        ("conf yes, exec untested", "confirmed"),
        ("conf moot", "undetermined"),
        ("uncovered", "undetermined"),
        ("comp yes, uncovered", "confirmed"),
        (REPRODUCED, "confirmed"),
    ],
)
def test_only_refuted_errors_refute_and_what_was_tried_must_be_told(
    findings: str, outcome: str
) -> None:
    assert judged(findings).outcome == outcome


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ("conf no warning", "refuted"),
        ("comp no warning", "refuted"),
        ("comp yes, conf no note", "confirmed"),
        ("comp yes, uncovered", "confirmed"),
        ("conf unclear warning", "undetermined"),
    ],
)
def test_a_strict_policy_counts_warnings_too(findings: str, outcome: str) -> None:
    assert judged(findings, Policy(strict=True)).outcome == outcome


@pytest.mark.parametrize(
    ("findings", "code"),
    [("conf yes", 0), ("conf no", 1), ("conf unclear", 3), ("conf no warning", 0)],
)
def test_every_verdict_has_an_exit_code(findings: str, code: int) -> None:
    assert EXIT[judged(findings).outcome] == code


def test_nothing_tested_is_nothing_confirmed() -> None:
    policy = Policy(kinds=frozenset({ClaimKind.SOURCE}))
    assert judged("conf yes, sour untested", policy).outcome is Outcome.UNDETERMINED


# -- the ladder --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("findings", "level"),
    [
        ("", None),
        (DESCRIBED, "described"),
        ("conf no", None),
        ("conf unclear", None),
        ("conf untested", None),
        ("conf yes, conf no warning", "described"),
        ("conf yes, conf moot", "described"),
        ("comp yes, fixi yes, covered", None),
        (INTACT, "intact"),
        (f"{DESCRIBED}, comp yes, fixi yes, uncovered", "described"),
        (f"{DESCRIBED}, comp no, fixi yes, covered", "described"),
        (f"{DESCRIBED}, comp unclear, fixi yes, covered", "described"),
        (f"{DESCRIBED}, comp untested, fixi yes, covered", "described"),
        (f"{DESCRIBED}, comp yes, fixi no, covered", "described"),
        (f"{DESCRIBED}, comp yes, fixi unclear, covered", "described"),
        (f"{DESCRIBED}, comp no warning, fixi yes, covered", "intact"),
        (f"{DESCRIBED}, comp untested warning, fixi untested note, covered", "intact"),
        (f"{DESCRIBED}, covered", "intact"),
        (SOURCED, "sourced"),
        (f"{INTACT}, sour no", "intact"),
        (f"{INTACT}, sour untested", "intact"),
        (f"{INTACT}, sour yes, sour untested", "intact"),
        (f"{INTACT}, arch yes", "intact"),
        (ARCHIVED, "archived"),
        (f"{SOURCED}, arch unclear", "sourced"),
        (f"{SOURCED}, exec yes", "sourced"),
        (REPRODUCED, "reproduced"),
        (f"{ARCHIVED}, exec untested note", "archived"),
        (f"{ARCHIVED}, exec no", "archived"),
    ],
)
def test_a_level_is_reached_when_it_and_all_below_are(
    findings: str, level: str | None
) -> None:
    assert judged(findings).level == level


@pytest.mark.parametrize(
    ("findings", "reason"),
    [
        ("", "described: nothing was tested"),
        ("conf no", "described: 1 claim refuted"),
        ("conf no, conf no", "described: 2 claims refuted"),
        (f"{DESCRIBED}, comp yes, uncovered", "intact: this is uncovered"),
        (INTACT, "sourced: the crate makes no claim of source that was tested"),
        (REPRODUCED, ""),
    ],
)
def test_why_the_next_level_was_not_reached_is_said(findings: str, reason: str) -> None:
    assert judged(findings).next_level == reason


# -- a level that is asked for -----------------------------------------------------


@pytest.mark.parametrize(
    ("findings", "required", "outcome"),
    [
        (DESCRIBED, "described", "confirmed"),
        (INTACT, "described", "confirmed"),
        (DESCRIBED, "intact", "undetermined"),
        (f"{DESCRIBED}, uncovered", "intact", "undetermined"),
        (f"{DESCRIBED}, comp no", "intact", "refuted"),
        (f"{INTACT}, sour untested", "sourced", "undetermined"),
        (INTACT, "sourced", "undetermined"),
        ("", "described", "undetermined"),
        (REPRODUCED, "reproduced", "confirmed"),
    ],
)
def test_a_required_level_that_is_not_reached_leaves_the_verdict_open(
    findings: str, required: str, outcome: str
) -> None:
    verdict = judged(findings, Policy(required=Level(required)))
    assert verdict.outcome == outcome
    assert verdict.required == required


# -- kinds that are asked for ------------------------------------------------------


def without(*kinds: ClaimKind) -> Policy:
    return Policy(kinds=frozenset(ClaimKind) - set(kinds))


def test_a_kind_that_is_left_out_is_not_counted() -> None:
    verdict = judged("conf no, fixi yes", without(ClaimKind.CONFORMANCE))
    assert verdict.outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    "skipped", [ClaimKind.CONFORMANCE, ClaimKind.COMPLETENESS, ClaimKind.FIXITY]
)
def test_a_kind_that_is_left_out_stops_the_climb_and_that_is_said(
    skipped: ClaimKind,
) -> None:
    verdict = judged(REPRODUCED, without(skipped))
    level = None if skipped is ClaimKind.CONFORMANCE else Level.DESCRIBED
    assert verdict.level is level
    assert f"{skipped} was not asked for" in verdict.next_level


def test_a_level_that_needs_a_kind_that_is_left_out_cannot_be_told() -> None:
    policy = Policy(required=Level.INTACT, kinds=frozenset({ClaimKind.FIXITY}))
    assert judged(INTACT, policy).outcome is Outcome.UNDETERMINED


# -- the kinds, each by itself -----------------------------------------------------


def outcomes(text: str, policy: Policy | None = None) -> Sequence[str]:
    kinds = judged(text, policy).kinds
    assert list(kinds) == list(ClaimKind)
    return [tally.outcome.value for tally in kinds.values()]


def test_no_kind_is_folded_into_another() -> None:
    assert outcomes("conf no, fixi yes, sour unclear, exec untested") == [
        "refuted",
        "not-applicable",
        "confirmed",
        "undetermined",
        "not-applicable",
        "untested",
    ]


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ("fixi yes, fixi untested", "confirmed"),
        ("fixi yes, fixi unclear", "undetermined"),
        ("fixi yes, fixi no", "refuted"),
        ("fixi yes, fixi no warning", "confirmed"),
        ("fixi untested, fixi moot", "untested"),
        ("fixi moot", "not-applicable"),
        ("uncovered", "not-applicable"),
        ("covered", "confirmed"),
        ("uncovered, fixi untested note", "untested"),
    ],
)
def test_a_kind_has_the_gravest_outcome_of_its_findings(
    findings: str, outcome: str
) -> None:
    assert judged(findings).kinds[ClaimKind.FIXITY].outcome == outcome


def test_findings_are_counted_by_outcome_and_level() -> None:
    text = "fixi yes, fixi yes note, fixi no, fixi no warning, fixi no note"
    tally = judged(f"{text}, fixi unclear, fixi untested warning, fixi moot").kinds[
        ClaimKind.FIXITY
    ]
    assert tally.to_dict() == {
        "outcome": "refuted",
        "confirmed": 2,
        "refuted": 1,
        "warnings": 1,
        "notes": 1,
        "undetermined": 1,
        "untested": 1,
        "not-applicable": 1,
    }


def test_the_order_of_findings_does_not_matter() -> None:
    items = "conf no, fixi unclear, comp yes, uncovered, conf yes".split(", ")
    there, back = judged(", ".join(items)), judged(", ".join(reversed(items)))
    assert there.to_dict() == back.to_dict()


def test_a_verdict_survives_being_written_and_read() -> None:
    verdict = judged(INTACT, Policy(required=Level.SOURCED))
    assert Verdict.from_dict(verdict.to_dict()) == verdict


# -- what confirms nothing by itself ---------------------------------------------------


def test_a_note_confirms_nothing_where_something_was_not_tested() -> None:
    verdict = judged("sour yes note, sour untested", Policy(kinds=frozenset(ClaimKind)))
    assert verdict.kinds[ClaimKind.SOURCE].outcome is Outcome.UNTESTED
    only = Policy(kinds=frozenset({ClaimKind.SOURCE}))
    assert judged("sour yes note, sour untested", only).outcome is Outcome.UNDETERMINED


@pytest.mark.parametrize(
    ("rule", "kind", "severity", "level"),
    [
        ("source/file-not-in-commit", "sour", "note", Level.INTACT),
        ("archival/identifier-not-held", "arch", "warning", Level.SOURCED),
    ],
)
def test_what_a_level_asks_for_keeps_from_it_and_refutes_nothing(
    rule: str, kind: str, severity: str, level: Level
) -> None:
    words = ARCHIVED.split(", ")
    findings = [finding(item) for item in words]
    findings.append(finding(f"{kind} no {severity}")._replace(rule=rule))
    verdict = Policy().judge(findings)
    assert verdict.outcome is Outcome.CONFIRMED
    assert verdict.level is level


@pytest.mark.parametrize("rule", ["source/blob-match", "source/folder-match"])
def test_a_file_that_has_its_own_id_is_not_sourced_by_that(rule: str) -> None:
    findings = [finding(item) for item in SOURCED.split(", ")]
    findings[-1] = findings[-1]._replace(rule=rule)
    verdict = Policy().judge(findings)
    assert (verdict.outcome, verdict.level) == (Outcome.CONFIRMED, Level.INTACT)
    assert verdict.next_level == (
        "sourced: no commit, tag or tree of any repository is named"
    )
