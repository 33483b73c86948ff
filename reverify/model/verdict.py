"""A verdict: what all findings add up to, under one policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reverify.model.outcome import ClaimKind, Level, Outcome
from reverify.model.reading import count, table, text, text_or_none
from reverify.model.ruling import PolicyName


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The findings of one kind, counted.

    `refuted` counts errors, `warnings` and `notes` count what is refuted at those
    levels; the other four count findings of any level. `tolerated` counts what a
    policy makes an exception for, which is counted nowhere else.
    """

    outcome: Outcome
    confirmed: int = 0
    refuted: int = 0
    warnings: int = 0
    notes: int = 0
    undetermined: int = 0
    untested: int = 0
    not_applicable: int = 0
    tolerated: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The tally as the report has it."""
        return {
            "outcome": self.outcome.value,
            "confirmed": self.confirmed,
            "refuted": self.refuted,
            "warnings": self.warnings,
            "notes": self.notes,
            "undetermined": self.undetermined,
            "untested": self.untested,
            "not-applicable": self.not_applicable,
            **({"tolerated": self.tolerated} if self.tolerated else {}),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Tally":
        """Read a tally back from a report; what we do not know in it is ignored."""
        return cls(
            outcome=Outcome(data["outcome"]),
            confirmed=count(data, "confirmed"),
            refuted=count(data, "refuted"),
            warnings=count(data, "warnings"),
            notes=count(data, "notes"),
            undetermined=count(data, "undetermined"),
            untested=count(data, "untested"),
            not_applicable=count(data, "not-applicable"),
            tolerated=count(data, "tolerated") if "tolerated" in data else 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all findings add up to.

    Attributes:
        outcome: refuted, undetermined or confirmed.
        level: the highest rung of the ladder that was reached, if any.
        required: the rung that was asked for, if any.
        kinds: one tally for each of the six kinds, in their order.
        next_level: why the next rung was not reached, one sentence.
        policy: the policy file that judged, if any.
    """

    outcome: Outcome
    level: Level | None
    required: Level | None
    kinds: Mapping[ClaimKind, Tally]
    next_level: str = ""
    policy: PolicyName | None = None

    def to_dict(self) -> dict[str, Any]:
        """The verdict as the report has it."""
        return {
            "outcome": self.outcome.value,
            "level": self.level.value if self.level else None,
            "required": self.required.value if self.required else None,
            "next_level": self.next_level,
            "kinds": {
                kind.value: tally.to_dict() for kind, tally in self.kinds.items()
            },
            **({"policy": self.policy.to_dict()} if self.policy else {}),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Verdict":
        """Read a verdict back from a report."""
        return cls(
            outcome=Outcome(data["outcome"]),
            level=_level(data, "level"),
            required=_level(data, "required"),
            next_level=text(data, "next_level", ""),
            kinds={
                ClaimKind(kind): Tally.from_dict(tally)
                for kind, tally in table(data, "kinds").items()
            },
            policy=PolicyName.from_dict(table(data, "policy"))
            if "policy" in data
            else None,
        )


def _level(data: dict[str, Any], key: str) -> Level | None:
    found = text_or_none(data, key)
    return None if found is None else Level(found)
