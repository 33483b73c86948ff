"""Archival: does the archive hold it?"""

from collections.abc import Iterator, Sequence

from reverify.checks.interface import Tools, finding
from reverify.crates.crate import Crate
from reverify.model.claim import Claim
from reverify.model.finding import Finding
from reverify.model.outcome import Severity
from reverify.model.swhid import InvalidSwhid, Swhid, read_swhid

_MOST_REMARKS = 10


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Read every SWHID, and say what testing it would take."""
    del crate, tools
    for claim in claims:
        swhid = read_swhid(claim.expected)
        if isinstance(swhid, InvalidSwhid):
            reason = f"{claim.subject}: {claim.expected!r} is no SWHID: {swhid.reason}"
            yield finding(claim, "archival/swhid-invalid", reason)
        else:
            reason = f"{claim.subject}: {swhid.core} was not looked up in the archive"
            yield finding(claim, "archival/not-tested", reason)
            yield from _remarks(claim, swhid)


def _remarks(claim: Claim, swhid: Swhid) -> Iterator[Finding]:
    """Say what is odd about an identifier that names its object all the same."""
    if swhid.remarks:
        said = "; ".join(swhid.remarks[:_MOST_REMARKS])
        more = len(swhid.remarks) - _MOST_REMARKS
        rest = f"; and {more} more" if more > 0 else ""
        about = claim._replace(topic="qualifiers", severity=Severity.WARNING)
        reason = f"{claim.subject}: {claim.expected!r}: {said}{rest}"
        yield finding(about, "archival/qualifier-ignored", reason, observed=str(swhid))
