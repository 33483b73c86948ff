"""Runs an audit: each crate that is read is kept before it counts as done."""

import hashlib
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reverify.audits.checking import failed, gone
from reverify.audits.executing import Executor
from reverify.audits.finding import expect_roots, find_crates, root_of
from reverify.audits.looking import Look, look_at
from reverify.audits.planning import FULL_EVERY, Planner, Task, Wanted
from reverify.audits.sampling import Sample
from reverify.errors import DamagedError, StoreError
from reverify.model.audit import Known, Looked, Reading, Result, Run, Why
from reverify.model.finding import timestamp
from reverify.services import Clock
from reverify.store.history import History
from reverify.version import __version__

log = logging.getLogger(__name__)

_PAGE = 500
_PAUSES = (1.0, 5.0, 20.0)
"""Seconds after which a row is written again, if a database was out of reach."""
Ahead = Callable[[Iterable[str]], Iterator[str]]
"""Gives places back in their order, something done about many at once before."""


class Order(NamedTuple):
    """What is asked of an audit.

    Attributes:
        roots: where crates are.
        terms: what the crates are asked for, as a digest: what was asked for otherwise
            is asked again.
        kinds: the kinds of claim that are tested; none if all are.
        full_every: seconds after which a crate is read in full again.
        is_full: whether all are to be read now.
        sample: how much is to be drawn by chance; None to leave nothing to chance.
        seconds: after so many no further crate is begun; None for no end.
        bytes: so many are read at most; None for no end.
        wait: whether to wait for another audit of the collection.
        let_go: places at or below which crates that are not there are no more of the
            collection; they were taken out, and are not lost.
    """

    roots: tuple[str, ...]
    terms: str = ""
    kinds: tuple[str, ...] = ()
    full_every: float = FULL_EVERY
    is_full: bool = False
    sample: Sample | None = None
    seconds: float | None = None
    bytes: int | None = None
    wait: bool = False
    let_go: tuple[str, ...] = ()


def collection_of(roots: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """What identifies a collection, and its roots, each once and in order."""
    known = sorted({root_of(root) for root in roots})
    text = json.dumps(known).encode("utf-8", "backslashreplace")
    return hashlib.sha256(text).hexdigest(), tuple(known)


def wanted_of(
    history: History, order: Order, collection: str, clock: Clock, run: int | None
) -> tuple[Wanted, dict[str, Known]]:
    """What is asked of a run, by what the runs before it did; and what they know.

    Args:
        history: of the runs.
        order: what the user asks.
        collection: of which collection.
        clock: what time it is.
        run: the run that is asked; None for the next one.
    """
    runs = [each for each in history.runs(collection) if each.finished]
    if run is not None:
        runs = [each for each in runs if each.number < run]
    if not runs:
        return _wanted(order, collection, clock), {}
    known = {each.location: each for each in history.known(runs[-1].number)}
    same = frozenset(
        each.number for each in runs if each.options.get("terms") == order.terms
    )
    wanted = _wanted(order, collection, clock)._replace(same=same)
    rounds = {each.number: each.options["round"] for each in runs if _sampled(each)}
    if order.sample is None or not rounds:
        return wanted, known
    last = max(rounds.values())
    drawn = history.sampled(n for n, round_ in rounds.items() if round_ == last)
    if all(each.crate in drawn for each in known.values()):
        return wanted._replace(round_=last + 1), known
    return wanted._replace(round_=last, drawn=frozenset(drawn)), known


def _wanted(order: Order, collection: str, clock: Clock) -> Wanted:
    return Wanted(
        now=clock.now(),
        full_every=order.full_every,
        is_full=order.is_full,
        sample=order.sample,
        collection=collection,
    )


def _sampled(run: Run) -> bool:
    return bool(run.options.get("sample"))


class Window:
    """For how long, and up to how many bytes, crates are begun.

    Args:
        seconds: from now on; None for no end.
        bytes: of the crates; None for no end. The first one is read however large.

    Attributes:
        closed: whether a crate was refused.
    """

    def __init__(self, seconds: float | None, bytes: int | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._room = bytes
        self._begun = False
        self.closed = False

    def admits(self, task: Task) -> bool:
        """Whether a crate may be begun; from the first that may not on, none may."""
        size = task.look.bytes or (task.known and task.known.bytes) or 0
        late = self._end is not None and time.monotonic() >= self._end
        full = self._room is not None and size > self._room and self._begun
        self.closed = self.closed or late or full
        if not self.closed:
            self._begun = True
            self._room = None if self._room is None else self._room - size
        return not self.closed


@dataclass(frozen=True, slots=True)
class Audit:
    """Audits of collections.

    Attributes:
        history: where they are kept.
        executor: checks the crates.
        clock: what time it is.
        ahead: what is done about many crates before the first of them is checked.
        registered: gives the places of the capsules of the registry.
        look: looks at a crate.
        offline: whether nothing that lies elsewhere is to be looked for.
        pause: waits for some seconds.
    """

    history: History
    executor: Executor
    clock: Clock
    ahead: Ahead = iter
    registered: Callable[[], Iterable[str]] = tuple
    look: Callable[[str], Look] = look_at
    offline: bool = False
    pause: Callable[[float], None] = time.sleep

    def run(
        self,
        order: Order,
        told: Callable[[Task, Result], None] = lambda _task, _result: None,
        fault: Callable[[str, str], None] = lambda _folder, _reason: None,
    ) -> Run:
        """Audit a collection; go on with a run that was interrupted.

        A crate that is in the run already is not checked again. Whoever is interrupted
        loses the crates in work, and no other.

        Args:
            order: what is asked.
            told: is told what became of each crate that was read.
            fault: is told of folders that cannot be listed.

        Raises:
            UsageError: a root is not there.
            BusyError: another audit of the same collection is running.
            StoreError: the history cannot be written.
        """
        expect_roots(order.roots)
        collection, roots = collection_of(order.roots)
        with self.history.alone(collection, wait=order.wait):
            run, goes_on = self._begin(order, collection, roots)
            return _Running(self, order, run, goes_on=goes_on).finish(told, fault)

    def _begin(
        self, order: Order, collection: str, roots: tuple[str, ...]
    ) -> tuple[Run, bool]:
        now = timestamp(self.clock.now())
        round_ = 1
        if order.sample is not None:
            wanted, _ = wanted_of(self.history, order, collection, self.clock, None)
            round_ = wanted.round_
        options = {
            "terms": order.terms,
            "kinds": list(order.kinds),
            "full_every": order.full_every,
            "full": order.is_full,
            "sample": order.sample.text if order.sample else None,
            "round": round_,
            "max_time": order.seconds,
            "max_bytes": order.bytes,
            "let_go": list(order.let_go),
        }
        asked = collection, roots, __version__, now, options
        run, goes_on = self.history.begin(*asked)
        if goes_on and any(
            run.options.get(name) != options[name] for name in ("terms", "sample")
        ):
            self._end(run, now)
            run, goes_on = self.history.begin(*asked)
        return run, goes_on

    def _end(self, run: Run, now: str) -> None:
        """End a run that nobody will go on with; what it did not reach stands."""
        done = self.history.checked(run.number)
        last = self.history.last(run.collection)
        rest = [
            Looked(known.location, known, Reading.NONE, Why.UNCHANGED)
            for known in (self.history.known(last.number) if last else ())
            if known.location not in done
        ]
        for first in range(0, len(rest), _PAGE):
            self.history.add_looked(run.number, now, rest[first : first + _PAGE])
        self.history.finish(run.number, now, stopped=True)


class _Running:
    """One run, from its beginning to its seal."""

    def __init__(self, audit: Audit, order: Order, run: Run, *, goes_on: bool) -> None:
        self._audit = audit
        self._history = audit.history
        self._clock = audit.clock
        self._order = order
        self._run = run
        self._done = self._history.checked(run.number) if goes_on else set()
        wanted, known = wanted_of(
            self._history, order, run.collection, self._clock, run.number
        )
        self._planner = Planner(wanted, known, self._set_aside, audit.look)
        self._window = Window(order.seconds, order.bytes)
        self._looked: list[Looked] = []
        self._unlisted: dict[str, str] = {}

    def finish(
        self,
        told: Callable[[Task, Result], None],
        fault: Callable[[str, str], None],
    ) -> Run:
        """Check what is to be checked, keep it, and seal the run."""
        registered = self._audit.registered

        def unlisted(folder: str, reason: str) -> None:
            self._unlisted[folder] = reason
            fault(folder, reason)

        places = find_crates(
            self._run.roots,
            unlisted,
            registered,
            offline=self._audit.offline,
        )
        tasks = self._admitted(self._prepared(self._planner.tasks(places)))
        for task, result in self._audit.executor.results(tasks):
            self._keep(result, task.why, task.look.stamp, task.known)
            told(task, result)
        self._write_looked()
        for known in self._planner.missing():
            if known.location not in self._done:
                self._miss(known)
        return self._history.finish(
            self._run.number,
            timestamp(self._clock.now()),
            stopped=self._window.closed,
            sampled=self._order.sample is not None,
            round_left=self._planner.round_left,
        )

    def _prepared(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Tasks in their order, the archive asked about many of them at once."""
        queue: deque[Task] = deque()

        def places() -> Iterator[str]:
            for task in tasks:
                if task.location not in self._done:
                    queue.append(task)
                    yield task.location

        for _ in self._audit.ahead(places()):
            yield queue.popleft()

    def _admitted(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Tasks as long as the window is open; what comes later is set aside."""
        for task in tasks:
            if self._window.admits(task):
                yield task
            else:
                self._planner.set_aside(task)

    def _set_aside(self, looked: Looked) -> None:
        if looked.location in self._done:
            return
        self._looked.append(looked)
        if len(self._looked) >= _PAGE:
            self._write_looked()

    def _write_looked(self) -> None:
        looked, self._looked = self._looked, []
        now = timestamp(self._clock.now())
        self._patiently(lambda: self._history.add_looked(self._run.number, now, looked))

    def _keep(
        self, result: Result, why: Why, stamp: bytes | None, known: Known | None
    ) -> None:
        self._patiently(
            lambda: self._history.add(
                self._run.number, result, why=why, stamp=stamp, known=known
            )
        )

    def _miss(self, known: Known) -> None:
        """Keep that a crate was not found: it is gone, or cannot be looked for."""
        place = known.location
        if any(_is_at(place, folder) for folder in self._order.let_go):
            return
        for folder, reason in self._unlisted.items():
            if _is_at(place, folder):
                result = failed(place, f"{folder} {reason}", self._clock)
                self._keep(result, Why.FAILED, None, known)
                return
        result = gone(place, "there is nothing now", self._clock)
        self._keep(result, Why.GONE, None, known)

    def _patiently(self, write: Callable[[], None]) -> None:
        """Write; again after a while, if a server is out of reach."""
        for seconds in () if self._history.is_file else _PAUSES:
            try:
                return write()
            except DamagedError:
                raise
            except StoreError as error:
                log.warning("%s; trying again in %g s", error, seconds)
                self._audit.pause(seconds)
        return write()


def _is_at(place: str, folder: str) -> bool:
    """Whether a place is a folder, or below it."""
    return place == folder or place.startswith(f"{folder.rstrip('/')}/")
