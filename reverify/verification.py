"""verify(), the one call: open a crate, test every claim it makes, judge the findings.

location -> Crate -> Claim -> Finding (+ Evidence) -> Verdict -> Report
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC

from reverify.checks import CHECKS
from reverify.checks.interface import Tools
from reverify.claims import EXTRACTORS
from reverify.crates.crate import Crate
from reverify.crates.limits import Limits
from reverify.crates.opening import open_crate
from reverify.errors import CrateError, ServiceError
from reverify.model.claim import Claim, Place
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Outcome
from reverify.model.report import Report, Subject
from reverify.model.rules import RULES
from reverify.policy import Policy
from reverify.version import __version__

TOOL = {"name": "reverify", "version": __version__}


def verify(
    location: str,
    *,
    policy: Policy,
    tools: Tools,
    limits: Limits,
    inside: str = "",
) -> Report:
    """Open a crate, test every claim it makes, and judge what was found.

    Args:
        location: a path, URL or DOI.
        policy: what the crate is asked for.
        tools: what the checks work with.
        limits: how much may be read.
        inside: the folder of a nested crate to check instead.

    Raises:
        UsageError: there is nothing at the location.
    """
    started = tools.services.clock.now()
    try:
        with open_crate(
            location,
            http=tools.services.http,
            limits=limits,
            inside=inside,
            read_ahead=ClaimKind.FIXITY in policy.kinds,
        ) as crate:
            findings = _test_all(crate, policy, tools)
            subject = _subject(crate, inside)
    except CrateError as error:
        subject = Subject(location=location, format="unknown")
        findings = (_unopened(error.rule, error.reason),)
        policy = _counting(policy, findings)
    except ServiceError as error:
        subject = Subject(location=location, format="unknown")
        rule = "completeness/location-unreachable"
        findings = (_unopened(rule, str(error)),)
        policy = _counting(policy, findings)
    findings = policy.ruled(findings, started.astimezone(UTC).date())
    return Report(
        subject=subject,
        verdict=policy.judge(findings),
        findings=findings,
        tool=TOOL,
        started=started,
        finished=tools.services.clock.now(),
    )


def _counting(policy: Policy, findings: tuple[Finding, ...]) -> Policy:
    """What cannot be opened holds nothing, whatever kinds were asked for."""
    kinds = policy.kinds | {finding.claim.kind for finding in findings}
    return replace(policy, kinds=kinds)


ELSEWHERE = frozenset({ClaimKind.CONFORMANCE, ClaimKind.FIXITY})
"""Kinds whose work is done by other processes; meanwhile we see to the rest."""


def _test_all(crate: Crate, policy: Policy, tools: Tools) -> tuple[Finding, ...]:
    """Test the claims of all kinds that are asked for, in the order of the kinds."""
    wanted = [kind for kind in ClaimKind if kind in policy.kinds]
    if ClaimKind.CONFORMANCE in wanted and crate.metadata is not None:
        tools.engine.start()
    with ThreadPoolExecutor(len(ELSEWHERE)) as pool:
        waiting = {
            kind: pool.submit(_test, kind, crate, tools)
            for kind in wanted
            if kind in ELSEWHERE
        }
        found = {
            kind: _test(kind, crate, tools) for kind in wanted if kind not in ELSEWHERE
        }
        found |= {kind: task.result() for kind, task in waiting.items()}
    return tuple(finding for kind in wanted for finding in found[kind])


def _test(kind: ClaimKind, crate: Crate, tools: Tools) -> list[Finding]:
    """Test the claims of one kind; here alone a silent service becomes an outcome."""
    claims = tuple(EXTRACTORS[kind](crate))
    findings: list[Finding] = []
    try:
        findings.extend(CHECKS[kind](claims, crate, tools))
    except ServiceError as error:
        done = {id(finding.claim) for finding in findings}
        findings += [
            Finding(
                claim=claim,
                outcome=Outcome.UNDETERMINED,
                rule=f"{kind}/not-tested",
                reason=str(error),
            )
            for claim in claims
            if id(claim) not in done
        ]
    return findings


def _subject(crate: Crate, inside: str) -> Subject:
    metadata = crate.metadata
    root = metadata.root if metadata else None
    entries = crate.payload.entries
    files = crate.payload.files
    return Subject(
        location=f"{crate.location}#{inside}" if inside else crate.location,
        format=crate.format,
        id=root.id if root else None,
        name=root.text("name") if root else None,
        ro_crate_version=metadata.version if metadata else None,
        profiles=tuple(uri for uri, _ in metadata.profile_uris()) if metadata else (),
        digest=crate.identity,
        files=len(files),
        bytes=sum(entries[path].size for path in files),
        nested=tuple(crate.nested),
    )


def _unopened(rule: str, reason: str) -> Finding:
    """The one finding of a location that could not be opened at all."""
    known = RULES[rule]
    return Finding(
        claim=Claim(
            kind=known.kind,
            topic=known.slug,
            subject="./",
            expected="an RO-Crate",
            stated_in=Place("./"),
            severity=known.severity,
        ),
        outcome=known.outcome,
        rule=rule,
        reason=reason,
        fix=known.fix,
        clause=known.source,
    )
