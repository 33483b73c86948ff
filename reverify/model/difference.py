"""What differs between two reports, claim by claim."""

from dataclasses import dataclass
from typing import Any

from reverify.model.finding import Finding, identified
from reverify.model.outcome import Outcome
from reverify.model.report import SCHEMA_VERSION, Report

GROUPS = ("broke", "healed", "changed", "new", "vanished")
_BROKE = (Outcome.CONFIRMED, Outcome.REFUTED)
_HEALED = (Outcome.REFUTED, Outcome.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One claim that stands differently in two reports.

    Attributes:
        id: the claim's id.
        before: what the first report says of it, if anything.
        after: what the second says.
    """

    id: str
    before: Finding | None
    after: Finding | None

    @property
    def finding(self) -> Finding:
        """The newer of the two."""
        found = self.after or self.before
        if found is None:  # pragma: no cover - one of the two is always there
            raise ValueError(self.id)
        return found

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON."""
        return {
            "id": self.id,
            "before": self.before.outcome.value if self.before else None,
            "after": self.after.outcome.value if self.after else None,
            "rule": self.finding.rule,
            "subject": self.finding.claim.subject,
            "level": self.finding.severity.value,
            "reason": self.finding.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two reports.

    Attributes:
        broke: was confirmed, and is refuted.
        healed: was refuted, and is confirmed.
        changed: has another outcome, of which one at least is not known: what could
            not be looked at is neither broken nor healed.
        new: is claimed only now.
        vanished: was claimed only then.
        same: how many claims stand as they did.
    """

    broke: tuple[Change, ...]
    healed: tuple[Change, ...]
    changed: tuple[Change, ...]
    new: tuple[Change, ...]
    vanished: tuple[Change, ...]
    same: int

    @property
    def worse(self) -> bool:
        """Whether something that must be so is refuted now and was not before."""
        candidates = (*self.broke, *self.changed, *self.new)
        return any(
            change.after is not None and change.after.hurts for change in candidates
        )

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "worse": self.worse,
            **{n: [change.to_dict() for change in getattr(self, n)] for n in GROUPS},
            "same": self.same,
        }


def difference(before: Report, after: Report) -> Difference:
    """Compare two reports by the ids of their claims."""
    old = dict(identified(before.findings))
    new = dict(identified(after.findings))
    groups: dict[str, list[Change]] = {name: [] for name in GROUPS}
    same = 0
    for id in (*new, *(id for id in old if id not in new)):
        change = Change(id=id, before=old.get(id), after=new.get(id))
        name = _group(change)
        if name:
            groups[name].append(change)
        else:
            same += 1
    for changes in groups.values():
        changes.sort(key=_gravity)
    return Difference(**{n: tuple(c) for n, c in groups.items()}, same=same)


def _group(change: Change) -> str:
    """Under which name a change goes; empty if the claim stands as it did."""
    if change.before is None:
        return "new"
    if change.after is None:
        return "vanished"
    if change.before.outcome is change.after.outcome:
        return ""
    outcomes = (change.before.outcome, change.after.outcome)
    return {_BROKE: "broke", _HEALED: "healed"}.get(outcomes, "changed")


def _gravity(change: Change) -> tuple[int, int]:
    finding = change.finding
    bad = (Outcome.REFUTED, Outcome.UNDETERMINED)
    rank = bad.index(finding.outcome) if finding.outcome in bad else len(bad)
    return rank, finding.severity.rank
