"""Archival: is it held, and was it seen where the crate says?

That the archive could not be asked says nothing; that it knows an object does not say
that the object can be had, nor whose it is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from reverify.checks.archive_paths import directory_of, follow
from reverify.checks.archive_says import Desk, Trouble, evidence_of, trouble_of
from reverify.checks.interface import Tools, finding
from reverify.crates.code_files import speakers_of
from reverify.crates.crate import Crate
from reverify.crates.identifiers import (
    Identifier,
    cores_of,
    identifiers,
    statements,
)
from reverify.model.claim import Claim, Topic
from reverify.model.code import Said
from reverify.model.finding import Finding
from reverify.model.outcome import Severity
from reverify.model.rules import RULES
from reverify.model.swhid import InvalidSwhid, Swhid, swhid_of_git
from reverify.services.software_heritage import (
    CouldNotTell,
    Held,
    NotHeld,
    Served,
)

_MOST_REMARKS = 10


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Ask the archive about every SWHID, all of them with one request if it can be."""
    if not claims:
        return
    found = identifiers(crate)
    by_claim = {
        (topic, each.subject, expected): each
        for topic, expected, each in statements(found)
    }
    meant = _Meant(crate)
    archive = tools.services.archive
    offline = tools.services.http is None
    desk = None
    if archive is not None and any(isinstance(each.swhid, Swhid) for each in found):
        desk = Desk(archive, cores_of(found))
    for claim in claims:
        identifier = by_claim.get((Topic(claim.topic), claim.subject, claim.expected))
        if identifier is None:
            reason = (
                f"{claim.subject}: {claim.expected} is of a SHA-256 repository, and"
                " SWHID version 1 has no way to name it"
            )
            yield finding(claim, "archival/not-expressible", reason)
        elif isinstance(identifier.swhid, InvalidSwhid):
            reason = (
                f"{claim.subject}: {claim.expected!r} is no SWHID:"
                f" {identifier.swhid.reason}{meant.of(identifier)}"
            )
            yield finding(claim, "archival/swhid-invalid", reason)
        else:
            answer = _test(claim, identifier, identifier.swhid, desk)
            if offline and answer.rule == "archival/unclear":
                answer = _test(claim, identifier, identifier.swhid, None)
            yield answer
            if claim.topic == Topic.SWHID:
                yield from _remarks(claim, identifier.swhid)
            if claim.topic == Topic.SWHID_VISIT and desk is not None:
                yield from _proposals(claim, identifier.swhid, desk)


class _Meant:
    """What malformed SWHIDs mean, where the same speaker says of what their digits are.

    The digits alone do not tell of what kind of object they are.
    """

    def __init__(self, crate: Crate) -> None:
        self._crate = crate

    @cached_property
    def _objects(self) -> dict[tuple[str, str, str], Said]:
        """What is said of objects: by subject, file about code, and digits."""
        return {
            (speaker.subject, speaker.file, said.value): said
            for speaker in speakers_of(self._crate)
            for said in speaker.said
            if said.is_object
        }

    def of(self, identifier: Identifier) -> str:
        """The end of a sentence, or nothing."""
        digits = re.search("[0-9a-f]{40}", identifier.text)
        if digits is None:
            return ""
        key = identifier.subject, identifier.path, digits.group()
        said = self._objects.get(key)
        swhid = swhid_of_git(said.aspect, said.value) if said else None
        if said is None or swhid is None:
            return ""
        return f"; perhaps {swhid} is meant, as {said.key} names that {said.aspect}"


def _test(
    claim: Claim, identifier: Identifier, swhid: Swhid, desk: Desk | None
) -> Finding:
    if desk is None:
        what = f"{swhid.core} was not looked up in the archive"
        if claim.topic != Topic.SWHID:
            what = f"the archive was not asked whether it has {claim.expected}"
        return finding(claim, "archival/not-tested", f"{claim.subject}: {what}")
    if claim.topic == Topic.SWHID:
        return _held(claim, identifier, swhid, desk)
    known = desk.known(swhid.core)
    if isinstance(known, NotHeld):
        reason = (
            f"{claim.subject}: {swhid.core} is not held, so {claim.expected} is moot"
        )
        return finding(claim, "archival/moot", reason)
    try:
        if isinstance(known, CouldNotTell):
            raise trouble_of(known, swhid.core)
        return _TESTS[Topic(claim.topic)](claim, swhid, desk)
    except Trouble as trouble:
        reason = f"{claim.subject}: {trouble.reason}"
        observed = "unknown" if trouble.rule == "archival/anchor-not-held" else None
        evidence = trouble.evidence
        return finding(
            claim, trouble.rule, reason, observed=observed, evidence=evidence
        )


def _held(claim: Claim, identifier: Identifier, swhid: Swhid, desk: Desk) -> Finding:
    core = swhid.core
    known = desk.known(core)
    match known:
        case Held():
            return finding(
                claim,
                "archival/held",
                f"{claim.subject}: the archive holds {core}",
                observed=core,
                evidence=(
                    evidence_of(known.asked, "asked whether it is known", "known"),
                ),
            )
        case NotHeld():
            rule = "archival/identifier-not-held"
            said = "the archive does not hold it now"
            if identifier.outright:
                rule = "archival/not-held"
                said = "is said to be in the archive, which does not hold it now"
            others = desk.other_types(swhid, ask=identifier.outright)
            said += f"; it holds {others[0]}: perhaps that is meant" if others else ""
            reason = f"{claim.subject}: {core}: {said}"
            about = claim._replace(severity=RULES[rule].severity)
            evidence = evidence_of(known.asked, "asked whether it is known", "unknown")
            return finding(
                about, rule, reason, observed="unknown", evidence=(evidence,)
            )
        case CouldNotTell():
            trouble = trouble_of(known, core)
            reason = f"{claim.subject}: {trouble.reason}"
            return finding(claim, trouble.rule, reason, evidence=trouble.evidence)


def _remarks(claim: Claim, swhid: Swhid) -> Iterator[Finding]:
    """Say what is odd about an identifier that names its object all the same."""
    if swhid.remarks:
        said = "; ".join(swhid.remarks[:_MOST_REMARKS])
        more = len(swhid.remarks) - _MOST_REMARKS
        rest = f"; and {more} more" if more > 0 else ""
        about = claim._replace(topic="qualifiers", severity=Severity.WARNING)
        reason = f"{claim.subject}: {claim.expected!r}: {said}{rest}"
        yield finding(about, "archival/qualifier-ignored", reason, observed=str(swhid))


# -- where it was seen -----------------------------------------------------------------


def _origin(claim: Claim, swhid: Swhid, desk: Desk) -> Finding:
    url = swhid.qualifier("origin") or ""
    answer = desk.origin(url)
    match answer:
        case Served():
            spelled = answer.value.url
            other = f", as {spelled}" if spelled != url else ""
            seen = evidence_of(answer.asked, "asked for the origin", spelled)
            return finding(
                claim,
                "archival/origin-known",
                f"{claim.subject}: the archive knows the origin {url}{other}",
                observed=f"origin:{spelled}",
                evidence=(seen,),
            )
        case NotHeld():
            seen = evidence_of(answer.asked, "asked for the origin", "unknown")
            return finding(
                claim,
                "archival/origin-unknown",
                f"{claim.subject}: {swhid.core} is said to be seen at {url}, an origin"
                " that the archive does not know",
                observed="unknown",
                evidence=(seen,),
            )
    raise trouble_of(answer, url)


def _visit(claim: Claim, swhid: Swhid, desk: Desk) -> Finding:
    """Whether a visit to the origin saw the snapshot that is named."""
    url = swhid.qualifier("origin") or ""
    visit = swhid.qualifier("visit") or ""
    snapshot = visit.rpartition(":")[2]
    origin = desk.origin(url)
    if isinstance(origin, NotHeld):
        reason = f"{claim.subject}: the archive knows no visit to {url}"
        seen = evidence_of(origin.asked, "asked for the origin", "unknown")
        return finding(
            claim, "archival/visit-unknown", reason, observed="none", evidence=(seen,)
        )
    if not isinstance(origin, Served):
        raise trouble_of(origin, url)
    answer = desk.visits(origin.value.url, snapshot)
    if not isinstance(answer, Served):
        if isinstance(answer, NotHeld):
            said = f"the archive knows the origin {url}, and no visits to it"
            raise Trouble("archival/contradictory", said)
        raise trouble_of(answer, url)
    for seen_then in answer.value.visits:
        if seen_then.snapshot == snapshot:
            date = seen_then.date
            tip = desk.tip(snapshot, swhid)
            reason = (
                f"{claim.subject}: {visit} is what the archive saw at {url} on {date}"
            )
            seen = evidence_of(answer.asked, f"visit {seen_then.number}", visit)
            return finding(
                claim,
                "archival/visit-seen",
                reason + tip.said,
                observed=visit,
                evidence=(seen, *tip.evidence),
            )
    if not answer.value.complete:
        count = len(answer.value.visits)
        said = f"{visit} is none of the last {count:,} visits to {url}; there are more"
        raise Trouble("archival/unclear", said)
    reason = f"{claim.subject}: no visit of the archive to {url} saw {visit}"
    latest = next((v.snapshot for v in answer.value.visits if v.snapshot), None)
    observed = f"swh:1:snp:{latest}" if latest else "none"
    reason += f"; the latest saw {observed}" if latest else ""
    seen = evidence_of(answer.asked, "all visits to the origin", observed)
    return finding(
        claim, "archival/visit-unknown", reason, observed=observed, evidence=(seen,)
    )


def _proposals(claim: Claim, swhid: Swhid, desk: Desk) -> Iterator[Finding]:
    """Say of a commit that only a proposal to the repository led to it."""
    visit = swhid.qualifier("visit") or ""
    tip = desk.tip(visit.rpartition(":")[2], swhid)
    if tip.proposal:
        about = claim._replace(topic="proposal", severity=Severity.WARNING)
        reason = (
            f"{claim.subject}: in {visit}, {tip.proposal} alone points to"
            f" {tip.what}: anybody can propose a commit to a repository"
        )
        observed = tip.proposal
        rule = "archival/proposal-only"
        yield finding(about, rule, reason, observed=observed, evidence=tip.evidence)


def _path(claim: Claim, swhid: Swhid, desk: Desk) -> Finding:
    """Whether the path leads from the anchor to the object."""
    anchor, path = swhid.qualifier("anchor") or "", swhid.qualifier("path") or "/"
    root = directory_of(anchor, desk)
    end = follow(root, path, desk)
    where = f"{path} of {anchor}"
    if end.core == swhid.core:
        reason = f"{claim.subject}: {where} is {swhid.core}, by the archive's listings"
        rule = "archival/path-match"
    else:
        desk.confirm_root(anchor, root, swhid if path.strip("/") == "" else None)
        reason = f"{claim.subject}: {where} is {end.core}, not {swhid.core} as is said"
        rule = "archival/path-mismatch"
    observed = end.core
    return finding(claim, rule, reason, observed=observed, evidence=end.evidence)


def _tree(claim: Claim, swhid: Swhid, desk: Desk) -> Finding:
    """Whether the directory of the revision beside it is the one that is named."""
    revision = claim.expected.rpartition(" of ")[2]
    root = directory_of(revision, desk)
    seen = f"swh:1:dir:{root.id}"
    if seen == swhid.core:
        reason = f"{claim.subject}: the directory of {revision} is {seen}"
        rule = "archival/tree-match"
    else:
        desk.confirm_root(revision, root, swhid)
        reason = (
            f"{claim.subject}: the directory of {revision} is {seen}, not {swhid.core}"
        )
        rule = "archival/tree-mismatch"
    return finding(claim, rule, reason, observed=seen, evidence=root.evidence)


_TESTS: Mapping[Topic, Callable[[Claim, Swhid, Desk], Finding]] = {
    Topic.SWHID_ORIGIN: _origin,
    Topic.SWHID_VISIT: _visit,
    Topic.SWHID_PATH: _path,
    Topic.SWHID_TREE: _tree,
}
