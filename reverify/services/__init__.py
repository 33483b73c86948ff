"""What lies outside this process, behind one door each."""

from dataclasses import dataclass, field

from reverify.services.clock import Clock, SystemClock
from reverify.services.http import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The bundle that checks are handed.

    Attributes:
        http: the one way to the web; None when offline, and then no socket is opened.
        clock: what time it is.
    """

    http: Http | None = None
    clock: Clock = field(default_factory=SystemClock)


__all__ = ["Clock", "Http", "Services", "SystemClock"]
