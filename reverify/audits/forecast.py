"""What an audit would read, and how long that should take, before it begins."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from reverify.audits.finding import belongs, expect_roots, find_crates
from reverify.audits.looking import Look, look_at
from reverify.audits.planning import Planner, Task
from reverify.audits.running import Order, Window, collection_of, wanted_of
from reverify.model.audit import Known, Looked
from reverify.services import Clock
from reverify.store.history import History

_SMALL = 1 << 20
"""Bytes that opening a crate is worth."""
Asking = Callable[[Iterable[str]], int | None]
"""How many identifiers the archive would be asked about; None if it would not be."""


class Amount(NamedTuple):
    """Some crates.

    Attributes:
        crates: how many.
        bytes: how many bytes they have, as far as known.
    """

    crates: int = 0
    bytes: int = 0

    def __add__(self, other: object) -> "Amount":
        """Both together."""
        if not isinstance(other, Amount):
            return NotImplemented
        return Amount(self.crates + other.crates, self.bytes + other.bytes)


class Forecast(NamedTuple):
    """What an audit would do.

    Attributes:
        read: what would be read, by why.
        later: what should be read, and the window has no room for, by bytes alone.
        looked: crates that would only be looked at.
        missing: crates of the last run that are not there.
        identifiers: how many the archive would be asked about; None if it would not.
        seconds: how long it should take; None if nothing was read before.
        unlisted: folders that cannot be listed, and why.
    """

    read: Mapping[str, Amount]
    later: Amount
    looked: int
    missing: int
    identifiers: int | None
    seconds: float | None
    unlisted: Mapping[str, str]

    @property
    def total(self) -> Amount:
        """All that would be read."""
        return sum(self.read.values(), Amount())

    def to_dict(self) -> dict[str, Any]:
        """The forecast as JSON has it."""
        return {
            "read": {why: amount._asdict() for why, amount in self.read.items()},
            "total": self.total._asdict(),
            "later": self.later._asdict(),
            "looked": self.looked,
            "missing": self.missing,
            "identifiers": self.identifiers,
            "seconds": self.seconds,
            "unlisted": dict(self.unlisted),
        }


def forecast(
    history: History,
    order: Order,
    clock: Clock,
    processes: int,
    *,
    registered: Callable[[], Iterable[str]] = tuple,
    look: Callable[[str], Look] = look_at,
    offline: bool = False,
    asking: Asking = lambda _: None,
) -> Forecast:
    """Tell what an audit would do; nothing is written.

    Args:
        history: what was found before.
        order: what would be asked.
        clock: what time it is.
        processes: how many would be at work.
        registered: gives the places of the capsules of the registry.
        look: looks at a crate.
        offline: whether nothing that lies elsewhere is to be looked for.
        asking: counts what the archive would be asked about.

    Raises:
        UsageError: a root is not there.
    """
    expect_roots(order.roots, history.knows)
    collection, roots = collection_of(order.roots)
    wanted, known = wanted_of(history, order, collection, clock, None)
    looked: list[Looked] = []
    unlisted: dict[str, str] = {}
    planner = Planner(
        wanted, known, looked.append, look, lambda place: belongs(place, roots)
    )
    window = Window(None, order.bytes)
    read: dict[str, Amount] = {}
    later = Amount()
    todo: list[Task] = []
    places = find_crates(roots, unlisted.__setitem__, registered, offline=offline)
    for task in planner.tasks(places):
        amount = Amount(1, task.look.bytes)
        if window.admits(task):
            read[task.why.value] = read.get(task.why.value, Amount()) + amount
            todo.append(task)
        else:
            later += amount
    return Forecast(
        read=read,
        later=later,
        looked=len(looked),
        missing=len(planner.missing()),
        identifiers=asking(task.location for task in todo),
        seconds=_seconds(todo, known.values(), processes),
        unlisted=unlisted,
    )


def _seconds(
    tasks: Iterable[Task], known: Iterable[Known], processes: int
) -> float | None:
    """How long reading takes, by how long it took; of new crates by their size."""
    past = [each for each in known if each.seconds is not None]
    if not past:
        return None
    size = sum((each.bytes or 0) + _SMALL for each in past)
    rate = sum(each.seconds or 0.0 for each in past) / size
    total = 0.0
    for task in tasks:
        took = task.known.seconds if task.known else None
        total += rate * (task.look.bytes + _SMALL) if took is None else took
    return round(total / processes, 3)
