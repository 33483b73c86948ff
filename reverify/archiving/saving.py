"""Asking the archive to save origins, and following what becomes of that.

Asking is a write to a public archive, and so done on request only.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reverify.archiving.subjects import why_not_told
from reverify.model.origins import normalised
from reverify.services.software_heritage.answers import (
    Answer,
    CouldNotTell,
    NotHeld,
    Served,
)

if TYPE_CHECKING:
    from reverify.services.software_heritage import Archive
    from reverify.services.software_heritage.origins import SaveRequest

_REFUSALS = {400, 403}
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
PAUSE_EACH = 30.0
"""Seconds between two questions about one request: 120 an hour are allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """An origin that was to be saved, and what has become of that.

    Attributes:
        origin: its address.
        request: the archive's own record of it; None if there is none.
        word: accepted, pending, rejected, refused, not-requested or undetermined.
        reason: the archive's words, or why it was not asked; untrusted text.
    """

    origin: str
    word: str
    reason: str = ""
    request: "SaveRequest | None" = None

    @property
    def over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.request is None or self.request.over


def ask_to_save(archive: "Archive", origins: Iterable[str]) -> list[Saving]:
    """Ask for origins to be saved, each once however it is spelled.

    A request that waits is found again, and not made anew.

    Args:
        archive: whom to ask.
        origins: addresses.
    """
    spend = archive.allowance()
    found = []
    for origin in _each_once(origins):
        if why := why_not_told(origin, archive.base):
            found.append(Saving(origin=origin, word="refused", reason=why))
        else:
            answer = archive.origins.save(origin, allowance=spend)
            found.append(_saving(origin, answer))
    return found


def find_requests(archive: "Archive", origins: Iterable[str]) -> list[Saving]:
    """Look for the last request to save each origin; nothing is requested."""
    spend = archive.allowance()
    found = []
    for origin in _each_once(origins):
        if why := why_not_told(origin, archive.base):
            found.append(Saving(origin=origin, word="refused", reason=why))
            continue
        answer = archive.origins.save_requests(origin, allowance=spend)
        if isinstance(answer, Served):
            first: Answer[SaveRequest] = Served(
                value=answer.value[0], asked=answer.asked
            )
            found.append(_saving(origin, first))
        else:
            found.append(_saving(origin, answer))
    return found


def follow(
    archive: "Archive",
    savings: Iterable[Saving],
    *,
    seconds: float,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> list[Saving]:
    """Ask again and again what has become of requests, until all are over.

    Args:
        archive: whom to ask.
        savings: the requests.
        seconds: how long to go on at most.
        say: told of each change, a line at a time.
        sleep: waits for some seconds.
        clock: seconds, never backwards.

    Returns:
        the requests as they are now, in the same order.
    """
    found = list(savings)
    end = clock() + seconds
    pause = FIRST_PAUSE
    while waiting := [n for n, saving in enumerate(found) if not saving.over]:
        left = end - clock()
        if left <= pause:
            say(
                f"{len(waiting)} of the requests to save are not over, and the time is;"
                " the same command goes on with them"
            )
            break
        sleep(pause)
        pause = min(pause * 2, max(LONGEST_PAUSE, PAUSE_EACH * len(waiting)))
        for n in waiting:
            found[n] = _asked_again(archive, found[n], say)
    return found


def _asked_again(
    archive: "Archive", saving: Saving, say: Callable[[str], None]
) -> Saving:
    request = saving.request
    assert request is not None  # noqa: S101 - else it would be over
    answer = archive.origins.save_request(request.id)
    if not isinstance(answer, Served):
        say(f"{saving.origin}: could not ask: {getattr(answer, 'reason', '')}")
        return saving
    now = answer.value
    if (now.status, now.task) != (request.status, request.task):
        say(f"{saving.origin}: {now.status}, {now.task}")
    return replace(
        saving, request=now, word=now.status, reason=now.note or saving.reason
    )


def _each_once(origins: Iterable[str]) -> list[str]:
    """Origins as they were spelled first."""
    found: dict[str, str] = {}
    for origin in origins:
        found.setdefault(normalised(origin), origin)
    return list(found.values())


def _saving(origin: str, answer: "Answer[SaveRequest]") -> Saving:
    match answer:
        case Served(value=request):
            return Saving(
                origin=origin,
                word=request.status,
                reason=request.note or "",
                request=request,
            )
        case NotHeld():
            return Saving(origin=origin, word="not-requested")
        case CouldNotTell():
            status = answer.asked.status if answer.asked else None
            word = "refused" if status in _REFUSALS else "undetermined"
            return Saving(origin=origin, word=word, reason=answer.reason)
    return Saving(origin=origin, word="undetermined", reason="the archive hides it")
