"""Is it so? One check for each kind of claim, under the same six names."""

from collections.abc import Mapping

from reverify.checks import (
    archival,
    completeness,
    conformance,
    execution,
    fixity,
    source,
)
from reverify.checks.interface import Check
from reverify.model.outcome import ClaimKind

CHECKS: Mapping[ClaimKind, Check] = {
    ClaimKind.CONFORMANCE: conformance.check,
    ClaimKind.COMPLETENESS: completeness.check,
    ClaimKind.FIXITY: fixity.check,
    ClaimKind.SOURCE: source.check,
    ClaimKind.ARCHIVAL: archival.check,
    ClaimKind.EXECUTION: execution.check,
}
