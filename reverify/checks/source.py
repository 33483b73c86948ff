"""Source: is the code the one that is named?"""

from collections.abc import Iterator, Sequence

from reverify.checks.interface import Tools, finding
from reverify.crates.crate import Crate
from reverify.model.claim import Claim
from reverify.model.finding import Finding


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Say of each named commit what testing it would take."""
    del crate, tools
    for claim in claims:
        commit = claim.expected.partition(":")[2]
        reason = (
            f"{claim.subject}: names commit {commit}; testing that takes a clone of"
            " its repository, or the network"
        )
        yield finding(claim, "source/not-tested", reason)
