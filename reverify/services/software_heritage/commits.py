"""Code that is lost elsewhere, fetched back from the archive."""

from collections.abc import Callable

from reverify.errors import ServiceError
from reverify.services.software_heritage.answers import CouldNotTell, NotHeld, Served
from reverify.services.software_heritage.bundle import Bundle
from reverify.services.software_heritage.client import Archive
from reverify.services.software_heritage.recovery import recover


def commits_of(archive: Archive) -> Callable[[str], Bundle | None]:
    """What brings back a commit with its trees and files, without those before.

    Returns:
        a function of the SWHID of a commit, tag or tree. It gives a bundle, to be
        closed; None, if the archive does not hold it. It raises ServiceError, if that
        cannot be told or the archive does not give it out.
    """

    def bring_back(swhid: str) -> Bundle | None:
        allowance = archive.allowance()
        known = archive.known([swhid], allowance=allowance)[swhid]
        if isinstance(known, NotHeld):  # that is kept, and asked for many at once
            return None
        if isinstance(known, CouldNotTell):
            raise ServiceError(f"{swhid}: {known.reason}")
        answer = recover(archive, swhid, history=False, allowance=allowance)
        if isinstance(answer, Served):
            return answer.value
        if isinstance(answer, NotHeld):
            return None
        reason = getattr(answer, "reason", "the archive has it and does not show it")
        raise ServiceError(f"{swhid}: {reason}")

    return bring_back
