"""Conformance: does the crate follow the versions and profiles that it declares?"""

from collections.abc import Iterator, Sequence

from reverify.checks.interface import Tools, fault_finding, faults_of, finding
from reverify.crates.crate import Crate, is_crate_reference, what_is_there
from reverify.crates.metadata import Metadata
from reverify.model.claim import Claim, Topic
from reverify.model.finding import Evidence, Finding
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.rules import RULES
from reverify.profiles import beyond
from reverify.profiles.interface import Breach, Judgement


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Read the document, look at its graph, and have the engine judge its profiles."""
    faults = list(faults_of(ClaimKind.CONFORMANCE, crate))
    yield from faults
    metadata = crate.metadata
    for claim in claims:
        if claim.topic == Topic.CRATE:
            reason = f"there is no RO-Crate here: {what_is_there(crate.payload)}"
            yield finding(claim, "conformance/not-a-crate", reason, observed="none")
        elif claim.topic == Topic.DOCUMENT and not faults:
            reason = f"{claim.subject}: reads as JSON with a flat list of entities"
            yield finding(claim, "conformance/document-reads", reason)
        elif claim.topic == Topic.CONTEXT and metadata:
            yield from _context(claim, crate, metadata)
        elif claim.topic == Topic.GRAPH and metadata:
            yield from _graph(claim, crate, metadata)
    if metadata is not None:
        stated = [c for c in claims if c.topic in {Topic.SPECIFICATION, Topic.PROFILE}]
        stated += [_asked_for(uri, metadata) for uri in tools.profiles]
        yield from _profiles(stated, crate, tools)


def _asked_for(uri: str, metadata: Metadata) -> Claim:
    """What the user says of the crate: it should follow one more profile."""
    return Claim(
        kind=ClaimKind.CONFORMANCE,
        topic=Topic.PROFILE,
        subject=metadata.root.id if metadata.root else "./",
        expected=uri,
        stated_in=metadata.place(),
    )


def _context(claim: Claim, crate: Crate, metadata: Metadata) -> Iterator[Finding]:
    faults = metadata.context.faults
    for fault in faults:
        yield fault_finding(fault._replace(file=metadata.file), crate)
    if not faults and metadata.document.get("@context") is not None:
        reason = f"{metadata.name}: its @context can be told without fetching anything"
        yield finding(claim, "conformance/context-official", reason)


def _graph(claim: Claim, crate: Crate, metadata: Metadata) -> Iterator[Finding]:
    sound = True
    for look in beyond.LOOKS:
        for breach in look(crate, metadata):
            sound = False
            yield _breach(claim, breach, metadata)
    if sound:
        reason = f"{metadata.name}: the graph holds together"
        yield finding(claim, "conformance/graph-sound", reason)


def _breach(claim: Claim, breach: Breach, metadata: Metadata) -> Finding:
    """A finding for one breach, of our own rules or of a profile's."""
    rule = RULES.get(breach.rule)
    severity = breach.severity or (rule.severity if rule else claim.severity)
    about = claim._replace(
        topic=breach.rule.partition("/")[2],
        subject=breach.subject,
        expected=breach.expected or claim.expected,
        stated_in=metadata.place(breach.pointer),
        severity=severity,
    )
    return Finding(
        claim=about,
        outcome=Outcome.REFUTED,
        rule=breach.rule,
        reason=breach.reason,
        observed=breach.observed or None,
        fix=rule.fix if rule else "",
        clause=breach.clause or (rule.source if rule else ""),
    )


def _profiles(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    by_profile: dict[str, Claim] = {}
    for claim in claims:
        profile = tools.engine.profile_of(claim.expected) if claim.expected else None
        if profile is not None:
            by_profile.setdefault(profile, claim)
        elif not claim.expected:
            reason = (
                f"{claim.subject}: does not say which version of RO-Crate it follows"
            )
            yield finding(claim, "conformance/version-missing", reason)
        elif claim.topic == Topic.SPECIFICATION:
            reason = f"{claim.expected} is a version whose rules are not judged here"
            yield finding(claim, "conformance/version-unjudged", reason)
        elif not is_crate_reference(claim.expected):
            reason = f"{claim.expected} is a profile that is not known here"
            yield finding(claim, "conformance/profile-unknown", reason)
    if not by_profile:
        return
    evidence = (
        Evidence(
            "judged in a process of its own, offline",
            tools.engine.name,
            tools.services.clock.now(),
            tools.engine.name,
        ),
    )
    fallback = next(reversed(by_profile.values()))
    for judgement in tools.engine.judge(crate, list(by_profile)):
        claim = by_profile.get(judgement.profile, fallback)
        yield from _judgement(claim, judgement, crate, evidence)


def _judgement(
    claim: Claim,
    judgement: Judgement,
    crate: Crate,
    evidence: tuple[Evidence, ...],
) -> Iterator[Finding]:
    metadata = crate.metadata
    if metadata is None:
        return
    if judgement.obstacle:
        about = claim._replace(topic=judgement.profile)
        reason = f"{judgement.profile} was not judged: {judgement.obstacle}"
        yield finding(about, "conformance/engine-failed", reason)
        return
    for passed in judgement.passed:
        about = claim._replace(
            topic=passed.rule.partition("/")[2], severity=passed.severity
        )
        if passed.skipped:
            severity = RULES["conformance/check-skipped"].severity
            reason = f"{passed.name}: not looked at, {passed.skipped}"
            yield Finding(
                claim=about._replace(severity=severity),
                outcome=Outcome.NOT_APPLICABLE,
                rule=passed.rule,
                reason=reason,
                clause=passed.clause,
            )
        else:
            yield Finding(
                claim=about,
                outcome=Outcome.CONFIRMED,
                rule=passed.rule,
                reason=f"{passed.name}: holds",
                clause=passed.clause,
                evidence=evidence,
            )
    for breach in judgement.breaches:
        yield _breach(claim, breach, metadata)._replace(evidence=evidence)
