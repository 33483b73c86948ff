"""What does the crate say? One extractor for each kind of claim."""

from collections.abc import Mapping

from reverify.claims import (
    archival,
    completeness,
    conformance,
    execution,
    fixity,
    source,
)
from reverify.claims.interface import Extractor
from reverify.model.outcome import ClaimKind

EXTRACTORS: Mapping[ClaimKind, Extractor] = {
    ClaimKind.CONFORMANCE: conformance.claims,
    ClaimKind.COMPLETENESS: completeness.claims,
    ClaimKind.FIXITY: fixity.claims,
    ClaimKind.SOURCE: source.claims,
    ClaimKind.ARCHIVAL: archival.claims,
    ClaimKind.EXECUTION: execution.claims,
}
