"""What lies outside this process, behind one door each."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reverify.services.clock import Clock, SystemClock
from reverify.services.http import Http

if TYPE_CHECKING:
    from reverify.services.git.places import CodeSources
    from reverify.services.software_heritage import Archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The bundle that checks are handed.

    Attributes:
        http: the one way to the web; None when offline, and then no socket is opened.
        clock: what time it is.
        archive: Software Heritage; when offline, what it answered before, or None.
        code: where code is looked for; None if there is nowhere to look.
    """

    http: Http | None = None
    clock: Clock = field(default_factory=SystemClock)
    archive: "Archive | None" = None
    code: "CodeSources | None" = None


__all__ = ["Clock", "Http", "Services", "SystemClock"]
