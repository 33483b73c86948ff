"""A finding: what became of one claim, and the evidence for it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from reverify.model.claim import Claim, Place
from reverify.model.outcome import ClaimKind, Outcome, Severity
from reverify.model.reading import (
    count,
    moment,
    rows,
    table,
    text,
    text_or_none,
)
from reverify.model.ruling import Tolerated


def timestamp(moment: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC, `2026-01-31T12:00:00Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00").rstrip("0").removesuffix(".") + "Z"


class Evidence(NamedTuple):
    """One observed fact.

    Attributes:
        method: how it was observed, `sha256 of 1234 bytes`.
        observed: what was seen.
        at: when, aware.
        source: what was looked at: a path, a URL, a program and its version.
    """

    method: str
    observed: str
    at: datetime
    source: str = ""

    def to_dict(self) -> dict[str, str]:
        """The evidence as the report has it."""
        return {
            "method": self.method,
            "observed": self.observed,
            "at": timestamp(self.at),
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Evidence":
        """Read evidence back from a report."""
        return cls(
            text(data, "method"),
            text(data, "observed"),
            moment(data, "at"),
            text(data, "source", ""),
        )


class Finding(NamedTuple):
    """What became of one claim.

    A named tuple, as claims are: there may be hundreds of thousands.

    Attributes:
        claim: the claim that was tested.
        outcome: one of the five words.
        rule: the permanent id of the rule, `fixity/digest-mismatch`.
        reason: one sentence, with both values in it where there are two.
        observed: what was found, as canonical text.
        fix: what the author of the crate can do about it.
        clause: the address of the clause of the specification behind the rule.
        evidence: the facts on which the outcome rests.
        tolerated: the exception under which a policy does not count it, if any.
    """

    claim: Claim
    outcome: Outcome
    rule: str
    reason: str
    observed: str | None = None
    fix: str = ""
    clause: str = ""
    evidence: tuple[Evidence, ...] = ()
    tolerated: Tolerated | None = None

    @property
    def severity(self) -> Severity:
        """How much it matters: the level of the rule behind the claim."""
        return self.claim.severity

    @property
    def hurts(self) -> bool:
        """Whether it refutes something that must be so, and is not tolerated."""
        refuted = self.outcome is Outcome.REFUTED and self.tolerated is None
        return refuted and self.severity is Severity.ERROR

    def key(self) -> str:
        """What makes the claim this claim and no other, wherever it is packed."""
        about = self.claim
        topic = about.topic
        if about.kind is ClaimKind.CONFORMANCE:  # profiles ask a rule at two levels
            topic = f"{topic}\0{about.severity}"
        return f"{about.kind}\0{topic}\0{about.subject}\0{about.expected}"

    def to_dict(self, id: str) -> dict[str, Any]:
        """The finding as the report has it, under the id that the report gives it."""
        claim = self.claim
        tolerated = self.tolerated
        return {
            "id": id,
            "kind": claim.kind.value,
            "topic": claim.topic,
            "rule": self.rule,
            "outcome": self.outcome.value,
            "level": claim.severity.value,
            "subject": claim.subject,
            "path": claim.path,
            "expected": claim.expected,
            "observed": self.observed,
            "reason": self.reason,
            "fix": self.fix,
            "clause": self.clause,
            "stated_in": claim.stated_in.to_dict(),
            "evidence": [item.to_dict() for item in self.evidence],
            **({"tolerated": tolerated.to_dict()} if tolerated else {}),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Finding":
        """Read a finding back from a report."""
        claim = Claim(
            kind=ClaimKind(data["kind"]),
            topic=text(data, "topic"),
            subject=text(data, "subject"),
            expected=text(data, "expected"),
            stated_in=_place(table(data, "stated_in")),
            path=text_or_none(data, "path"),
            severity=Severity(data["level"]),
        )
        rule = text(data, "rule")
        return cls(
            claim=claim,
            outcome=Outcome(data["outcome"]),
            rule=rule,
            reason=text(data, "reason"),
            observed=text_or_none(data, "observed"),
            fix=text(data, "fix", ""),
            clause=text(data, "clause", ""),
            evidence=tuple(Evidence.from_dict(item) for item in rows(data, "evidence")),
            tolerated=Tolerated.from_dict(rule, table(data, "tolerated"))
            if "tolerated" in data
            else None,
        )


def _place(data: dict[str, Any]) -> Place:
    text(data, "file")
    text(data, "pointer", "")
    for key in ("line", "column"):
        if data.get(key) is not None:
            count(data, key)
    return Place.from_dict(data)


def identified(findings: Iterable[Finding]) -> Iterator[tuple[str, Finding]]:
    """Give each finding its id: the same on every run, machine and packaging.

    The id is made of the claim alone, so that two reports compare claim by claim. A
    claim that is made more than once is numbered in the order of the report.

    Yields:
        pairs of 16 lower-case hexadecimal digits and the finding.
    """
    import hashlib  # noqa: PLC0415 - `reverify --help` does without

    seen: Counter[str] = Counter()
    for finding in findings:
        key = finding.key()
        seen[key] += 1
        text = f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass")
        yield hashlib.sha256(text).hexdigest()[:16], finding
