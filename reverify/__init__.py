"""Tell whether a research object is still what it says it is.

    from reverify import verify
    report = verify("crate.zip")
    print(report.verdict.outcome, report.verdict.level)

What stands in `__all__` is the promise; it is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reverify.version import __version__

if TYPE_CHECKING:
    from reverify.errors import CrateError, ReverifyError, ServiceError, UsageError
    from reverify.model.claim import Claim
    from reverify.model.finding import Evidence, Finding
    from reverify.model.outcome import ClaimKind, Level, Outcome, Severity
    from reverify.model.report import Report
    from reverify.model.verdict import Verdict
    from reverify.runtime import verify

_HOMES = {
    "Claim": "reverify.model.claim",
    "ClaimKind": "reverify.model.outcome",
    "CrateError": "reverify.errors",
    "Evidence": "reverify.model.finding",
    "Finding": "reverify.model.finding",
    "Level": "reverify.model.outcome",
    "Outcome": "reverify.model.outcome",
    "Report": "reverify.model.report",
    "ReverifyError": "reverify.errors",
    "ServiceError": "reverify.errors",
    "Severity": "reverify.model.outcome",
    "UsageError": "reverify.errors",
    "Verdict": "reverify.model.verdict",
    "verify": "reverify.runtime",
}

__all__ = [
    "Claim",
    "ClaimKind",
    "CrateError",
    "Evidence",
    "Finding",
    "Level",
    "Outcome",
    "Report",
    "ReverifyError",
    "ServiceError",
    "Severity",
    "UsageError",
    "Verdict",
    "__version__",
    "verify",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Load a promised name from where it lives."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """The promised names, loaded or not."""
    return __all__
