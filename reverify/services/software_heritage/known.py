"""Which objects the archive knows: a thousand with one request, and none twice."""

from collections.abc import Iterable, Iterator, Sequence

from reverify.services.software_heritage import reading
from reverify.services.software_heritage.answers import (
    Asked,
    CouldNotTell,
    Held,
    Known,
    NotHeld,
    Served,
)
from reverify.services.software_heritage.asking import Allowance
from reverify.services.software_heritage.cache import Kept
from reverify.services.software_heritage.lookup import OK, Desk, cannot_ask, judge

BATCH = 1000
"""The most that the archive takes at once."""
PATH = "known/"


def ask_known(
    desk: Desk, swhids: Iterable[str], allowance: Allowance, *, fresh: bool
) -> dict[str, Known]:
    """Answer for each, in their order; see `Archive.known`."""
    asked = dict.fromkeys(swhids)
    answers: dict[str, Known] = {}
    for swhid in asked:
        if not reading.CORE.fullmatch(swhid):  # one of them would spoil its batch
            answers[swhid] = cannot_ask(swhid, f"{swhid!r} is no core SWHID")
    rest = [swhid for swhid in asked if swhid not in answers]
    answers |= _kept(desk, rest, fresh=fresh)
    waiting = [swhid for swhid in rest if swhid not in answers]
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        found = _ask(desk, batch, allowance)
        if isinstance(found, CouldNotTell):
            answers |= _untold(waiting[start:], found, len(batch))
            break
        answers |= found
    return {swhid: answers[swhid] for swhid in asked}


def _ask(
    desk: Desk, batch: Sequence[str], allowance: Allowance
) -> dict[str, Known] | CouldNotTell:
    what = batch[0] if len(batch) == 1 else f"{len(batch)} objects"
    said = desk.asker.ask(
        what, PATH, allowance=allowance, method="POST", given=list(batch)
    )
    if isinstance(said, CouldNotTell):
        return said
    found = judge(what, said.status, said.document, said.asked, reading.mapping)
    match found:
        case Served():
            answers = {id: _known(id, found.value.get(id), said.asked) for id in batch}
            _keep(desk, answers, said.asked)
            return answers
        case CouldNotTell():
            return found
        case _:
            reason = f"the archive answered with status {said.status}"
            return CouldNotTell(what=what, reason=reason, asked=said.asked)


def _known(swhid: str, row: object, asked: Asked) -> Known:
    held = row.get("known") if isinstance(row, dict) else None
    if held is True:
        return Held(what=swhid, asked=asked)
    if held is False:
        return NotHeld(what=swhid, asked=asked)
    reason = "the archive answered, but not about this"
    return CouldNotTell(what=swhid, reason=reason, asked=asked)


def _untold(
    swhids: Sequence[str], answer: CouldNotTell, sent: int
) -> Iterator[tuple[str, Known]]:
    """The same answer for all that is left; only the first were asked about."""
    for place, swhid in enumerate(swhids):
        yield (
            swhid,
            CouldNotTell(
                what=swhid,
                reason=answer.reason,
                retry_at=answer.retry_at,
                asked=answer.asked if place < sent else None,
            ),
        )


# -- what is kept ----------------------------------------------------------------------


def _kept(
    desk: Desk, swhids: Sequence[str], *, fresh: bool
) -> Iterator[tuple[str, Known]]:
    if desk.cache is None:
        return
    base = desk.asker.base
    kept = desk.cache.find(base, [_question(swhid) for swhid in swhids])
    for swhid in swhids:
        row = kept.get(_question(swhid))
        if row is None:
            continue
        asked = Asked(url=base + PATH, at=row.at, status=row.status, kept=True)
        if row.body == "true":
            yield swhid, Held(what=swhid, asked=asked)
        elif not fresh:
            yield swhid, NotHeld(what=swhid, asked=asked)


def _keep(desk: Desk, answers: dict[str, Known], asked: Asked) -> None:
    if desk.cache is None:
        return
    for kind, text, seconds in (
        (Held, "true", desk.keeping.immutable),
        (NotHeld, "false", desk.keeping.absent),
    ):
        rows = [
            Kept(_question(swhid), OK, text, asked.at)
            for swhid, answer in answers.items()
            if isinstance(answer, kind)
        ]
        if seconds != 0:
            desk.cache.keep(desk.asker.base, rows, seconds)


def _question(swhid: str) -> str:
    return f"{PATH} {swhid}"  # the blank keeps it apart from any path
