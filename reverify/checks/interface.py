"""The shape of all checks, and what they are handed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reverify.crates.crate import Crate
from reverify.crates.payload import Fault
from reverify.model.claim import Claim, Place
from reverify.model.finding import Evidence, Finding
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.rerun import Plan, Reproduction
from reverify.model.rules import RULES
from reverify.profiles.interface import Engine
from reverify.services import Services


class Reproducer(Protocol):
    """Runs recorded actions again, since the user asked for it."""

    def reproduce(self, plan: Plan, crate: Crate) -> Reproduction:
        """Run a plan again, and compare its results."""

    def wants(self, action: str) -> bool:
        """Whether the user asked for this action, by its @id."""


class Progress(Protocol):
    """Somebody who would like to know how far the reading is."""

    def start(self, what: str, files: int, size: int) -> None:
        """So many files of so many bytes together are about to be read."""

    def advance(self, size: int) -> None:
        """One more file, of so many bytes, has been read."""


class NoProgress:
    """Nobody would like to know."""

    def start(self, what: str, files: int, size: int) -> None:
        """Say nothing."""

    def advance(self, size: int) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What checks work with.

    Attributes:
        services: what lies outside this process.
        engine: what judges profiles.
        progress: who is told how far the reading is.
        reproducer: runs recorded actions again; None if nothing is to be run.
        profiles: URIs or names of further profiles to judge by.
    """

    services: Services
    engine: Engine
    profiles: tuple[str, ...] = ()
    progress: Progress = field(default_factory=NoProgress)
    reproducer: Reproducer | None = None


Check = Callable[[Sequence[Claim], Crate, Tools], Iterator[Finding]]
"""Tests all claims of one kind. It gets them together, so that a file is read once and
a service asked once, whatever the number of claims."""


def finding(
    claim: Claim,
    rule: str,
    reason: str,
    *,
    observed: str | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> Finding:
    """Say what became of a claim, in the terms of one of our rules."""
    known = RULES[rule]
    return Finding(
        claim=claim,
        outcome=known.outcome,
        rule=rule,
        reason=reason,
        observed=observed,
        fix=known.fix if known.outcome is not Outcome.CONFIRMED else "",
        clause=known.source,
        evidence=evidence,
    )


def fault_finding(fault: Fault, crate: Crate) -> Finding:
    """Turn something odd that was met while reading into a finding."""
    rule = RULES[fault.rule]
    if fault.file is None or (crate.metadata and fault.file == crate.metadata.file):
        where = crate.metadata.place(fault.pointer) if crate.metadata else Place("./")
        if fault.line is not None:
            where = Place(where.file, fault.pointer, fault.line)
    elif crate.ocfl is not None and fault.pointer:
        where = crate.ocfl.object.inventory.place_of(fault.pointer)
    else:
        where = Place(fault.file, fault.pointer, fault.line)
    claim = Claim(
        kind=rule.kind,
        topic=rule.slug,
        subject=fault.subject,
        expected=rule.title,
        stated_in=where,
        severity=rule.severity,
    )
    return finding(claim, fault.rule, fault.reason)


def faults_of(kind: ClaimKind, crate: Crate) -> Iterator[Finding]:
    """The oddities met while reading that belong to one kind of claim."""
    faults = [*crate.payload.faults, *crate.faults]
    if crate.metadata is not None:
        faults += crate.metadata.faults
    for bag in crate.bags:
        faults += bag.faults
    prefix = f"{kind}/"
    for fault in faults:
        if fault.rule.startswith(prefix):
            yield fault_finding(fault, crate)
