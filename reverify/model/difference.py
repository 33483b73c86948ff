"""What differs between two reports, claim by claim."""

from dataclasses import dataclass
from typing import Any

from reverify.model.finding import Finding, identified
from reverify.model.outcome import Outcome
from reverify.model.report import Report

GOOD = Outcome.CONFIRMED


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
        broke: was confirmed, and is no longer.
        healed: is confirmed, and was not before.
        changed: has another outcome, though neither is confirmed.
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
        names = ("broke", "healed", "changed", "new", "vanished")
        return {
            **{n: [change.to_dict() for change in getattr(self, n)] for n in names},
            "same": self.same,
        }


def difference(before: Report, after: Report) -> Difference:
    """Compare two reports by the ids of their claims."""
    old = dict(identified(before.findings))
    new = dict(identified(after.findings))
    groups: dict[str, list[Change]] = {
        name: [] for name in ("broke", "healed", "changed", "new", "vanished")
    }
    same = 0
    for id in (*new, *(id for id in old if id not in new)):
        change = Change(id=id, before=old.get(id), after=new.get(id))
        if change.before is None:
            groups["new"].append(change)
        elif change.after is None:
            groups["vanished"].append(change)
        elif change.before.outcome is change.after.outcome:
            same += 1
        elif change.before.outcome is GOOD:
            groups["broke"].append(change)
        elif change.after.outcome is GOOD:
            groups["healed"].append(change)
        else:
            groups["changed"].append(change)
    return Difference(**{n: tuple(c) for n, c in groups.items()}, same=same)
