"""Archival: does the archive hold it?"""

from collections.abc import Iterator, Sequence

from reverify.checks.interface import Tools, finding
from reverify.crates.crate import Crate
from reverify.model.claim import Claim
from reverify.model.finding import Finding
from reverify.model.swhid import InvalidSwhid, read_swhid


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
