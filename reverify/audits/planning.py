"""Which crates are read in full, in which order, and which are only looked at."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from reverify.audits.looking import Look, look_at
from reverify.audits.sampling import Candidate, Sample, draw
from reverify.model.audit import Known, Looked, Reading, Why
from reverify.model.finding import timestamp

FULL_EVERY = 31_557_600.0
"""Seconds: a year."""
_ORDER = (Why.NEW, Why.CHANGED, Why.FAILED, Why.ASKED, Why.DUE, Why.ALL, Why.SAMPLE)
"""The most urgent first."""
_BESIDES = frozenset({Why.CHANGED, Why.FAILED, Why.DUE})
"""What is read whatever the sample is."""


class Task(NamedTuple):
    """A crate that is to be read in full.

    Attributes:
        location: where it is.
        why: it is to be read.
        look: what it looks like now.
        known: what the history knows of it; None if nothing.
    """

    location: str
    why: Why
    look: Look
    known: Known | None


class Wanted(NamedTuple):
    """What is asked of an audit.

    Attributes:
        now: when it is asked, aware.
        full_every: seconds after which a crate is read in full again.
        is_full: whether all are to be read in full now.
        same: the runs that asked for the same; what others read is read again. None
            if it does not matter.
        sample: how much is to be drawn by chance; None to leave nothing to chance.
        collection: which.
        round_: which time round samples are drawn.
        drawn: the numbers of the crates that samples of this round have had.
    """

    now: datetime
    full_every: float = FULL_EVERY
    is_full: bool = False
    same: frozenset[int] | None = None
    sample: Sample | None = None
    collection: str = ""
    round_: int = 1
    drawn: frozenset[int] = frozenset()

    @property
    def due(self) -> str:
        """What was read in full before this time is due."""
        return timestamp(self.now - timedelta(seconds=self.full_every))


class Planner:
    """Tells crate by crate what is to be done with it.

    New crates are told of as soon as they are found, so that the first one can be
    read while others are still looked for; the rest follows in the order of urgency,
    within it the longest unread first.

    Args:
        wanted: what is asked.
        known: what the history knows of each crate, by place.
        aside: is told of each crate that is not to be read in full.
        look: looks at a crate.
        belongs: whether a known crate that was not found is of the collection still.

    Attributes:
        seen: the places of the crates that there are.
        round_: which time round samples are drawn.
        round_left: crates that no sample of this round has had when this one is drawn.
    """

    def __init__(
        self,
        wanted: Wanted,
        known: Mapping[str, Known],
        aside: Callable[[Looked], None],
        look: Callable[[str], Look] = look_at,
        belongs: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._wanted = wanted
        self._due, self._now = wanted.due, timestamp(wanted.now)
        self._known = known
        self._aside = aside
        self._look = look
        self._belongs = belongs
        self.seen: set[str] = set()
        self.round_ = wanted.round_
        self.round_left = 0

    def tasks(self, places: Iterable[str]) -> Iterator[Task]:
        """Tell what is to be read in full, each crate once.

        Args:
            places: where crates are; looked for meanwhile.
        """
        waiting: list[Task] = []
        for place in chain(places, self._overlooked()):
            if place in self.seen:
                continue
            self.seen.add(place)
            task = self._task(place)
            if self._wanted.sample is not None:
                waiting.append(task)
            elif task.why is Why.NEW:
                yield task
            elif task.why is Why.UNCHANGED:
                self.set_aside(task)
            else:
                waiting.append(task)
        drawn: list[Task] = []
        if self._wanted.sample is not None:
            waiting, drawn = self._drawn(self._wanted.sample, waiting)
        yield from sorted(waiting, key=_urgency)
        yield from drawn  # in the order of chance, wherever a window ends it

    def missing(self) -> list[Known]:
        """The crates of the collection that were not found now."""
        return [
            each
            for place, each in self._known.items()
            if place not in self.seen and self._belongs(place)
        ]

    def dropped(self) -> int:
        """How many crates of the last run are no more of the collection."""
        return sum(
            place not in self.seen and not self._belongs(place) for place in self._known
        )

    def set_aside(self, task: Task) -> None:
        """Read a crate not now."""
        known, why = task.known, task.why
        if known is not None and known.why == Why.GONE:  # it is back, and unread
            why = Why.CHANGED
        unread = known is None or known.read is None or why is Why.CHANGED
        reading = Reading.NONE if unread else Reading.QUICK
        self._aside(Looked(task.location, known, reading, why))

    def _overlooked(self) -> Iterator[str]:
        """Known crates that are there, though nobody would take them for crates now."""
        for place in self._known:
            if place not in self.seen and self._belongs(place) and is_there(place):
                yield place

    def _task(self, place: str) -> Task:
        look, known = self._look(place), self._known.get(place)
        return Task(place, self._why(look, known), look, known)

    def _why(self, look: Look, known: Known | None) -> Why:
        if known is None or (known.outcome == "untested" and known.read is None):
            return Why.NEW
        unseen = look.stamp is None and known.stamp is None  # as it never can be
        wanted = self._wanted
        for why, holds in (
            (Why.FAILED, known.at is None),
            (Why.CHANGED, look.stamp != known.stamp),
            (Why.FAILED, known.outcome != "confirmed"),
            (Why.ASKED, wanted.same is not None and known.read not in wanted.same),
            (Why.DUE, unseen or not self._due < (known.at or "") <= self._now),
            (Why.ALL, wanted.is_full),
        ):
            if holds:
                return why
        return Why.UNCHANGED

    def _drawn(
        self, sample: Sample, tasks: list[Task]
    ) -> tuple[list[Task], list[Task]]:
        """What is to be read of a collection of which a sample is drawn.

        What changed, failed, is due or came since the last run is read besides. What
        was there before and never read waits until it is drawn.

        Returns:
            what is read besides, and the sample.
        """
        wanted = self._wanted
        left = [
            Candidate(task.location, task.look.bytes)
            for task in tasks
            if task.known is None or task.known.crate not in wanted.drawn
        ]
        if not left:  # all had their turn
            self.round_ += 1
            left = [Candidate(task.location, task.look.bytes) for task in tasks]
        order = draw(sample, wanted.collection, self.round_, left, len(tasks))
        self.round_left = len(left) - len(order)
        chosen, besides, by_place = set(order), [], {}
        for task in tasks:
            if task.location in chosen:
                by_place[task.location] = task._replace(why=Why.SAMPLE)
            elif task.why in _BESIDES or (task.known is None and self._known):
                besides.append(task)
            else:
                self.set_aside(task)
        return besides, [by_place[place] for place in order]


def is_there(place: str) -> bool:
    """Whether there is something at a place of this machine."""
    try:
        os.lstat(place)
    except (OSError, ValueError):
        return False
    return True


def _urgency(task: Task) -> tuple[int, str, str]:
    last = task.known.at if task.known and task.known.at else ""
    return _ORDER.index(task.why), last, task.location
