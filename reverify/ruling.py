"""What a policy file adds to findings: exceptions, and digests that are too weak."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from reverify.model.claim import Claim, Place, Topic
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.rules import RULES
from reverify.model.ruling import PolicyName, Tolerated

_STRENGTHS = (
    ("md5",),
    ("sha1", "ripemd160"),
    ("sha224", "sha3_224", "sha512_224"),
    ("sha256", "sha3_256", "blake2s", "sha512_256", "sm3"),
    ("sha384", "sha3_384"),
    ("sha512", "sha3_512", "blake2b"),
)
STRENGTH = {name: rank for rank, names in enumerate(_STRENGTHS) for name in names}
"""How hard it is to make two files of one digest, by hashlib's names; 0 is easy."""
_OF_BYTES = {"fixity/digest-match", "fixity/digest-mismatch", "fixity/lfs-pointer"}
_TOLERABLE = {Outcome.REFUTED, Outcome.UNDETERMINED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a policy file says of findings.

    Attributes:
        name: which file.
        tolerated: its exceptions, each for a rule of its own.
        minimum_digest: the weakest algorithm that will do, by hashlib's name; empty
            if any will.
        archive_age: how old an answer of the archive may be, in seconds; None if as
            old as it likes.
    """

    name: PolicyName
    tolerated: tuple[Tolerated, ...] = ()
    minimum_digest: str = ""
    archive_age: float | None = None


def rule_on(
    findings: Iterable[Finding], ruling: Ruling, kinds: frozenset[ClaimKind], day: date
) -> tuple[Finding, ...]:
    """Add what the policy file finds, and mark what it tolerates.

    Args:
        findings: what was found, in the order of the kinds.
        ruling: what the file says.
        kinds: the kinds of claim that are tested.
        day: today, in UTC.

    Returns:
        the findings in the order of the kinds.
    """
    found = list(findings)
    if ruling.minimum_digest:
        found += _weak(found, ruling.minimum_digest)
    if ruling.archive_age is not None:
        found = [_too_old(finding) for finding in found]
    found += _expired(ruling, kinds, day)
    in_force = {each.rule: each for each in ruling.tolerated if day <= each.until}
    marked = [
        finding._replace(tolerated=in_force[finding.rule])
        if finding.rule in in_force and finding.outcome in _TOLERABLE
        else finding
        for finding in found
    ]
    order = {kind: rank for rank, kind in enumerate(ClaimKind)}
    return tuple(sorted(marked, key=lambda finding: order[finding.claim.kind]))


def _weak(findings: Iterable[Finding], minimum: str) -> Iterator[Finding]:
    """Files that have digests, none of which is strong enough."""
    best: dict[str, tuple[int, str, Claim]] = {}
    named: set[str] = set()
    for finding in findings:
        claim = finding.claim
        name = claim.expected.partition(":")[0]
        if claim.topic == Topic.DIGEST and finding.rule in _OF_BYTES and claim.path:
            strength = STRENGTH.get(name, -1)
            if claim.path not in best or strength > best[claim.path][0]:
                best[claim.path] = strength, name, claim
        elif claim.topic == Topic.DIGEST_IN_NAME and name == "sha256":
            named.update(each.source for each in finding.evidence)
    rule = RULES["fixity/digest-weak"]
    for path, (strength, name, claim) in best.items():
        known = max(strength, STRENGTH["sha256"]) if path in named else strength
        if known >= STRENGTH[minimum]:
            continue
        about = claim._replace(
            topic=rule.slug, expected=f"at-least:{minimum}", severity=rule.severity
        )
        yield Finding(
            claim=about,
            outcome=rule.outcome,
            rule=rule.id,
            reason=(
                f"{claim.subject}: its strongest digest is {name}, the policy asks for"
                f" {minimum} at least"
            ),
            observed=name,
            fix=rule.fix,
        )


def _too_old(finding: Finding) -> Finding:
    """What was not asked, and of which no answer is kept that is young enough."""
    if finding.rule != "archival/not-tested" or finding.outcome is not Outcome.UNTESTED:
        return finding
    rule = RULES["archival/answer-too-old"]
    more = "; the policy takes no older answer than it says"
    return finding._replace(
        outcome=rule.outcome,
        rule=rule.id,
        reason=finding.reason + more,
        fix=rule.fix,
    )


def _expired(
    ruling: Ruling, kinds: frozenset[ClaimKind], day: date
) -> Iterator[Finding]:
    for each in ruling.tolerated:
        kind = ClaimKind(each.rule.partition("/")[0])
        if day <= each.until or kind not in kinds:
            continue
        rule = RULES[f"{kind}/exception-expired"]
        yield Finding(
            claim=Claim(
                kind=kind,
                topic=rule.slug,
                subject=each.rule,
                expected=f"until:{each.until}",
                stated_in=Place(ruling.name.file),
                severity=rule.severity,
            ),
            outcome=rule.outcome,
            rule=rule.id,
            reason=(
                f"{each.rule}: was tolerated until {each.until}, and is no longer"
                f" ({each.reason})"
            ),
            observed=f"day:{day}",
            fix=rule.fix,
        )
