"""Asking once for many crates: a thousand identifiers with each request, none twice.

Whoever checks crate after crate would send a request for each. So their identifiers are
collected first, and the archive is asked as soon as a thousand are together; the checks
then find its answers among those that are kept.
"""

import contextlib
import logging
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reverify.crates.identifiers import core_swhids
from reverify.crates.limits import Limits
from reverify.crates.opening import open_crate
from reverify.errors import ReverifyError

if TYPE_CHECKING:
    from reverify.services.software_heritage import Archive

log = logging.getLogger(__name__)

BATCH = 1000
"""The most that the archive takes at once."""
WAITING = 10_000
"""How many crates are read ahead at most."""
_SEQUENTIAL_BYTES = 8 << 20
_HEAD = 6
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")


def ask_ahead(
    locations: Iterable[str],
    archive: "Archive",
    identifiers: Callable[[str], Iterable[str]],
) -> Iterator[str]:
    """Give locations back, each after the archive was asked about all that it names.

    Requests are full but for the last. Answers of a batch are kept before the next is
    sent, so whoever is killed and starts again asks nothing twice. Where the archive
    cannot be asked, locations are given back all the same.

    Args:
        locations: of crates, any number; they are read as far ahead as need be.
        archive: is asked.
        identifiers: the core SWHIDs that the crate at a location names.
    """
    queue: deque[tuple[str, int]] = deque()
    met: set[str] = set()
    batch: list[str] = []
    asked, able = 0, True
    for location in locations:
        if able:
            new = [id for id in dict.fromkeys(identifiers(location)) if id not in met]
            met.update(new)
            batch += _unanswered(archive, new)
        queue.append((location, asked + len(batch)))
        while len(batch) >= BATCH or (batch and len(queue) >= WAITING):
            able = able and _ask(archive, batch[:BATCH])
            asked += len(batch[:BATCH])
            del batch[:BATCH]
        while queue and queue[0][1] <= asked:
            yield queue.popleft()[0]
    if batch and able:
        _ask(archive, batch)
    yield from (location for location, _ in queue)


def count_unanswered(
    locations: Iterable[str],
    archive: "Archive",
    identifiers: Callable[[str], Iterable[str]],
) -> int:
    """How many identifiers the archive would be asked about; it is not asked.

    Args:
        locations: of crates.
        archive: would be asked.
        identifiers: the core SWHIDs that the crate at a location names.
    """
    met: set[str] = set()
    for location in locations:
        met.update(identifiers(location))
    return len(_unanswered(archive, list(met)))


def _unanswered(archive: "Archive", ids: list[str]) -> list[str]:
    """Those of which no answer is kept."""
    from reverify.services.software_heritage import (  # noqa: PLC0415 - loads requests
        CouldNotTell,
        Patience,
    )

    if not ids:
        return ids
    kept = archive.known(ids, allowance=archive.allowance(Patience(requests=0)))
    return [id for id in ids if isinstance(kept[id], CouldNotTell)]


def _ask(archive: "Archive", ids: list[str]) -> bool:
    """Ask for one batch, and tell whether to go on asking."""
    from reverify.services.software_heritage import (  # noqa: PLC0415 - loads requests
        CouldNotTell,
    )

    untold = [
        answer
        for answer in archive.known(ids).values()
        if isinstance(answer, CouldNotTell)
    ]
    if len(untold) < len(ids):
        return True
    log.info("nothing is asked ahead any more: %s", untold[0].reason)
    return False


# -- what a crate names ----------------------------------------------------------------


def identifiers_at(location: str, limits: Limits | None = None) -> list[str]:
    """The core SWHIDs that checking the crate at a location takes.

    Only what can be read twice at little cost is opened: folders, documents, zip files
    and small tar files of this machine. Nothing is said here of what cannot be opened,
    since the check will.
    """
    if not _is_cheap(location):
        return []
    with (
        contextlib.suppress(ReverifyError, OSError),
        open_crate(location, limits=limits) as crate,
    ):
        return core_swhids(crate)
    return []


def _is_cheap(location: str) -> bool:
    if location == "-" or not os.path.exists(location):  # noqa: PTH110 - never raises
        return False
    path = Path(location)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return True
        if not stat.S_ISREG(found.st_mode):
            return False
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    return found.st_size <= _SEQUENTIAL_BYTES or not head.startswith(_COMPRESSED)
