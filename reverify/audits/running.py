"""Runs an audit: each crate that is read is kept before it counts as done."""

import hashlib
import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from reverify.audits.checking import failed, gone
from reverify.audits.executing import Executor
from reverify.audits.finding import (
    REGISTRY,
    belongs,
    expect_roots,
    find_crates,
    is_at,
    root_of,
)
from reverify.audits.looking import Look, look_at
from reverify.audits.planning import FULL_EVERY, Planner, Task, Wanted
from reverify.audits.sampling import Sample
from reverify.errors import BusyError, DamagedError, StoreError
from reverify.model.audit import Known, Looked, Reading, Result, Run, Why
from reverify.model.finding import timestamp
from reverify.services import Clock
from reverify.store.history import History
from reverify.version import __version__

log = logging.getLogger(__name__)

_PAGE = 500
_ASKED = ("terms", "sample", "full", "full_every")
"""Options by which a run that was interrupted is another than the one that is asked."""
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
    rounds = {r.number: r.summary.round for r in runs if r.summary and r.summary.round}
    if order.sample is None or not rounds:
        return wanted, known
    last = max(rounds.values())
    drawn = history.sampled(n for n, round_ in rounds.items() if round_ == last)
    return wanted._replace(round_=last, drawn=frozenset(drawn)), known


def _wanted(order: Order, collection: str, clock: Clock) -> Wanted:
    return Wanted(
        now=clock.now(),
        full_every=order.full_every,
        is_full=order.is_full,
        sample=order.sample,
        collection=collection,
    )


class Window:
    """For how long, and up to how many bytes, crates are begun.

    Args:
        seconds: from now on; None for no end.
        bytes: of the crates; None for no end. One that does not fit waits, and others
            are begun. The first that is no failure of last time is begun however large
            it is, so that each run gets on.

    Attributes:
        closed: whether a crate was refused.
    """

    def __init__(self, seconds: float | None, bytes: int | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._room = bytes
        self._idle = True
        self.closed = False

    @property
    def is_over(self) -> bool:
        """Whether its time is up."""
        return self._end is not None and time.monotonic() >= self._end

    def admits(self, task: Task) -> bool:
        """Whether a crate may be begun."""
        size = task.look.bytes or (task.known and task.known.bytes) or 0
        may_pass = self._idle and task.why is not Why.FAILED
        fits = self._room is None or size <= self._room or may_pass
        if self.is_over or not fits:
            self.closed = True
            return False
        self._idle = self._idle and task.why is Why.FAILED
        self._room = None if self._room is None else max(0, self._room - size)
        return True


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
        note: Callable[[str], None] = lambda _: None,
    ) -> Run:
        """Audit a collection; go on with a run that was interrupted.

        A crate that is in the run already is not checked again. Whoever is interrupted
        loses the crates in work, and no other.

        Args:
            order: what is asked.
            told: is told what became of each crate that was read.
            fault: is told of folders that cannot be listed.
            note: is told what else is to be known.

        Raises:
            UsageError: a root is not there.
            BusyError: another audit of the same collection is running.
            StoreError: the history cannot be written.
        """
        expect_roots(order.roots, self.history.knows)
        collection, roots = collection_of(order.roots)
        with self.history.alone(collection, wait=order.wait) as kept:
            run, goes_on = self._begin(order, collection, roots)
            running = _Running(self, order, run, kept, goes_on=goes_on)
            return running.finish(told, fault, note)

    def _begin(
        self, order: Order, collection: str, roots: tuple[str, ...]
    ) -> tuple[Run, bool]:
        now = timestamp(self.clock.now())
        options: dict[str, Any] = {
            "terms": order.terms,
            "kinds": list(order.kinds),
            "full_every": order.full_every,
            "full": order.is_full,
            "sample": order.sample.text if order.sample else None,
            "max_time": order.seconds,
            "max_bytes": order.bytes,
            "let_go": list(order.let_go),
        }
        asked = collection, roots, __version__, now, options
        run, goes_on = self.history.begin(*asked)
        if goes_on and any(run.options.get(name) != options[name] for name in _ASKED):
            last = self.history.last(collection)
            self._end(run, last, now)
            # Of what it found nobody was told: the next one tells it too.
            options["after"] = run.options.get("after") or (last.number if last else 0)
            run, goes_on = self.history.begin(*asked)
        return run, goes_on

    def _end(self, run: Run, last: Run | None, now: str) -> None:
        """End a run that nobody will go on with; what it did not reach stands."""
        done = self.history.checked(run.number)
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

    def __init__(
        self,
        audit: Audit,
        order: Order,
        run: Run,
        kept: Callable[[], None],
        *,
        goes_on: bool,
    ) -> None:
        self._audit = audit
        self._kept = kept
        self._history = audit.history
        self._clock = audit.clock
        self._order = order
        self._run = run
        self._done = self._history.checked(run.number) if goes_on else set()
        wanted, known = wanted_of(
            self._history, order, run.collection, self._clock, run.number
        )
        self._known = known
        if not known or any(e.outcome != "confirmed" for e in known.values()):
            audit.executor.prepare()
        self._planner = Planner(
            wanted,
            known,
            self._set_aside,
            audit.look,
            lambda place: belongs(place, run.roots),
        )
        self._window = Window(order.seconds, order.bytes)
        self._looked: list[Looked] = []
        self._unlisted: dict[str, str] = {}

    def finish(
        self,
        told: Callable[[Task, Result], None],
        fault: Callable[[str, str], None],
        note: Callable[[str], None],
    ) -> Run:
        """Check what is to be checked, keep it, and seal the run."""

        def unlisted(folder: str, reason: str) -> None:
            self._unlisted[folder] = reason
            fault(folder, reason)

        tasks = self._admitted(
            self._prepared(self._planner.tasks(self._places(unlisted)))
        )
        for task, result in self._audit.executor.results(tasks):
            self._keep(result, task.why, task.look.stamp, task.known)
            told(task, result)
        self._write_looked()
        for known in self._planner.missing():
            if known.location not in self._done:
                self._miss(known)
        if dropped := self._planner.dropped():
            note(f"{dropped:,} crates of the last run are not listed any more")
        is_sample = self._order.sample is not None
        return self._history.finish(
            self._run.number,
            timestamp(self._clock.now()),
            stopped=self._window.closed,
            sampled=is_sample,
            round_=self._planner.round_ if is_sample else None,
            round_left=self._planner.round_left,
        )

    def _places(self, unlisted: Callable[[str, str], None]) -> Iterator[str]:
        """Where crates are; a root that held some and holds none is told at the end."""
        audit, roots = self._audit, self._run.roots
        yield from find_crates(roots, unlisted, audit.registered, offline=audit.offline)
        for root in roots:
            if root in self._unlisted or not os.path.isdir(root):  # noqa: PTH112
                continue
            held = sum(
                is_at(each.location, root) and each.why != Why.GONE
                for each in self._known.values()
            )
            if held and not any(is_at(place, root) for place in self._planner.seen):
                reason = f"holds no crate, and held {held:,}; see that it is mounted"
                unlisted(root, reason)

    def _prepared(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Tasks in their order, the archive asked about many of them at once."""
        queue: deque[Task] = deque()

        def places() -> Iterator[str]:
            for task in tasks:
                if task.location in self._done:
                    continue
                if self._window.is_over:  # nobody is asked for what must wait
                    self._window.closed = True
                    self._planner.set_aside(task)
                else:
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
        if any(is_at(place, folder) for folder in self._order.let_go):
            return
        reasons = [
            f"{folder} {reason}"
            for folder, reason in self._unlisted.items()
            if is_at(place, folder)
        ]
        if reason := next(iter(reasons), "") or _why_unseen(place):
            result = failed(place, reason, self._clock)
            self._keep(result, Why.FAILED, None, known)
            return
        result = gone(place, "there is nothing now", self._clock)
        self._keep(result, Why.GONE, None, known)

    def _patiently(self, write: Callable[[], None]) -> None:
        """Write; again after a while, if a server is out of reach."""

        def write_alone() -> None:
            self._kept()
            write()

        for seconds in () if self._history.is_file else _PAUSES:
            try:
                return write_alone()
            except (DamagedError, BusyError):
                raise
            except StoreError as error:
                log.warning("%s; trying again in %g s", error, seconds)
                self._audit.pause(seconds)
        return write_alone()


def _why_unseen(place: str) -> str:
    """Why nobody can tell whether a crate is there; "" if it is not."""
    if "://" in place or place.startswith(REGISTRY):
        return ""
    try:
        os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        return f"cannot be looked at ({getattr(error, 'strerror', None) or error})"
    return "is there, and was not read"
