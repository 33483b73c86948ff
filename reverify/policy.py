"""All findings, judged into one verdict. All counting of findings is done here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Level, Outcome, Severity
from reverify.model.verdict import Tally, Verdict
from reverify.ruling import Ruling, rule_on

COVERED, UNCOVERED = "fixity/covered", "fixity/uncovered"
_BARRIERS = frozenset(
    {UNCOVERED, "source/file-not-in-commit", "archival/identifier-not-held"}
)
"""Rules that refute no verdict, and keep a crate from a level."""

_OWN = frozenset({"source/blob-match", "source/folder-match"})
"""That a file has the id which the crate gives it does not tell where it is from."""

_LEVEL_KINDS: Mapping[Level, tuple[ClaimKind, ...]] = {
    Level.DESCRIBED: (ClaimKind.CONFORMANCE,),
    Level.INTACT: (ClaimKind.COMPLETENESS, ClaimKind.FIXITY),
    Level.SOURCED: (ClaimKind.SOURCE,),
    Level.ARCHIVED: (ClaimKind.ARCHIVAL,),
    Level.REPRODUCED: (ClaimKind.EXECUTION,),
}
_NEEDS_CLAIMS = {Level.SOURCED, Level.ARCHIVED, Level.REPRODUCED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a crate is asked for.

    Attributes:
        required: the level that must be reached, if any.
        strict: whether refuted warnings refute as well.
        kinds: the kinds of claim that are tested and counted.
        ruling: what a policy file says of findings, if one is given.
    """

    required: Level | None = None
    strict: bool = False
    kinds: frozenset[ClaimKind] = field(default_factory=lambda: frozenset(ClaimKind))
    ruling: Ruling | None = None

    def ruled(self, findings: tuple[Finding, ...], day: date) -> tuple[Finding, ...]:
        """Findings as the policy file sees them, to be judged then.

        Args:
            findings: what was found, in the order of the kinds.
            day: today, in UTC; exceptions have an end.
        """
        if self.ruling is None:
            return findings
        return rule_on(findings, self.ruling, self.kinds, day)

    def judge(self, findings: Iterable[Finding]) -> Verdict:
        """Add findings up.

        A verdict is refuted if something that must be so is refuted; else undetermined
        if something that was tested could not be told, if nothing was tested at all, or
        if the required level was not reached for want of evidence; else confirmed.
        """
        by_kind: dict[ClaimKind, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_kind[finding.claim.kind].append(finding)
        kinds = {
            kind: self._tally(by_kind[kind])
            if kind in self.kinds
            else Tally(outcome=Outcome.UNTESTED)
            for kind in ClaimKind
        }
        reached, obstacle = self._climb(by_kind)
        allowed = reached  # a tolerated finding is no less so, yet enough for us
        if self.ruling is not None:
            left = {kind: _counted(found) for kind, found in by_kind.items()}
            allowed = self._climb(defaultdict(list, left))[0]
        counted = [kinds[kind].outcome for kind in ClaimKind if kind in self.kinds]
        outcome = Outcome.CONFIRMED
        if Outcome.REFUTED in counted:
            outcome = Outcome.REFUTED
        elif (
            Outcome.UNDETERMINED in counted
            or not any(_looked_at(kinds[kind]) for kind in self.kinds)
            or not self._satisfied_by(allowed)
        ):
            outcome = Outcome.UNDETERMINED
        return Verdict(
            outcome=outcome,
            level=reached,
            required=self.required,
            kinds=kinds,
            next_level=obstacle,
            policy=self.ruling.name if self.ruling else None,
        )

    def _satisfied_by(self, level: Level | None) -> bool:
        if self.required is None:
            return True
        return level is not None and level.rank >= self.required.rank

    def _tally(self, findings: list[Finding]) -> Tally:
        counts: Counter[tuple[Outcome, Severity]] = Counter(
            (finding.outcome, finding.claim.severity)
            for finding in findings
            if finding.tolerated is None
        )

        def count(outcome: Outcome) -> int:
            return sum(counts[outcome, severity] for severity in Severity)

        refuted = counts[Outcome.REFUTED, Severity.ERROR]
        warnings = counts[Outcome.REFUTED, Severity.WARNING]
        unclear = count(Outcome.UNDETERMINED)
        outcome = Outcome.NOT_APPLICABLE
        if refuted or (self.strict and warnings):
            outcome = Outcome.REFUTED
        elif unclear > counts[Outcome.UNDETERMINED, Severity.NOTE]:
            outcome = Outcome.UNDETERMINED
        elif count(Outcome.CONFIRMED) > counts[Outcome.CONFIRMED, Severity.NOTE]:
            outcome = Outcome.CONFIRMED
        elif count(Outcome.UNTESTED):
            outcome = Outcome.UNTESTED
        elif count(Outcome.CONFIRMED) or warnings:
            outcome = Outcome.CONFIRMED
        return Tally(
            outcome=outcome,
            confirmed=count(Outcome.CONFIRMED),
            refuted=refuted,
            warnings=warnings,
            notes=counts[Outcome.REFUTED, Severity.NOTE],
            undetermined=unclear,
            untested=count(Outcome.UNTESTED),
            not_applicable=count(Outcome.NOT_APPLICABLE),
            tolerated=len(findings) - counts.total(),
        )

    def _climb(
        self, by_kind: Mapping[ClaimKind, list[Finding]]
    ) -> tuple[Level | None, str]:
        """Climb the ladder from its lowest rung.

        Returns:
            the highest level reached, and why the next one was not.
        """
        reached: Level | None = None
        for level, kinds in _LEVEL_KINDS.items():
            findings = [finding for kind in kinds for finding in by_kind[kind]]
            obstacle = self._obstacle(level, kinds, findings)
            if obstacle:
                return reached, f"{level}: {obstacle}"
            reached = level
        return reached, ""

    def _obstacle(
        self, level: Level, kinds: tuple[ClaimKind, ...], findings: list[Finding]
    ) -> str:
        """Why a level is not reached; empty if it is.

        What only SHOULD or MAY be so keeps nobody from a level, but for what
        the level itself asks for.
        """
        skipped = [kind.value for kind in kinds if kind not in self.kinds]
        if skipped:
            return f"{' and '.join(skipped)} was not asked for"
        for finding in findings:
            if finding.rule in _BARRIERS:
                return finding.reason
        decisive = [
            finding
            for finding in findings
            if finding.severity is Severity.ERROR
            and finding.outcome is not Outcome.NOT_APPLICABLE
        ]
        for outcome in (Outcome.REFUTED, Outcome.UNDETERMINED, Outcome.UNTESTED):
            bad = [finding for finding in decisive if finding.outcome is outcome]
            if bad:
                count = f"{len(bad):,} claims" if len(bad) > 1 else "1 claim"
                return f"{count} {outcome}"
        if not decisive and level in _NEEDS_CLAIMS:
            return f"the crate makes no claim of {kinds[0]} that was tested"
        if decisive and all(finding.rule in _OWN for finding in decisive):
            return "no commit, tag or tree of any repository is named"
        return "" if findings else "nothing was tested"


def _counted(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.tolerated is None]


def _looked_at(tally: Tally) -> bool:
    """Whether anything of a kind that matters was tested with an answer."""
    answered = tally.confirmed or tally.refuted or tally.warnings
    return bool(answered) and tally.outcome is not Outcome.UNTESTED
