"""The shapes of this room: what is confined, what came of it, engines, environments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from reverify.model.rerun import Plan, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much a run may take.

    Attributes:
        seconds: of wall-clock time.
        memory: bytes, of all its processes together.
        disk: bytes, of all that it writes.
        files: how many it writes.
        processes: how many run at a time.
        output: bytes kept of what it says on each of its two streams.
    """

    seconds: float = 3600.0
    memory: int = 4 << 30
    disk: int = 4 << 30
    files: int = 100_000
    processes: int = 64
    output: int = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to run confined.

    Attributes:
        command: the list of arguments; the first is found on `path`.
        stage: the folder whose content is copied to the work area; stays untouched.
        directory: where the command starts, from the top of the work area.
        environment: variables, all that there are beside PATH, HOME and LANG.
        path: folders where programs are found, before /usr/bin and /bin.
        binds: folders and files of this machine that it may read, at their own paths.
        network: whether it may use the network.
        bounds: how much it may take.
    """

    command: tuple[str, ...]
    stage: Path
    directory: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    binds: tuple[Path, ...] = ()
    network: bool = False
    bounds: Bounds = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a confined command went. All of it is said by the command, and no fact.

    Attributes:
        status: its exit status, -N if signal N ended it; None if we stopped it.
        stopped: why we stopped it, as a sentence's end, "it took more than 60 s"; "".
        seconds: how long it took.
        memory: the most bytes that its processes held at a time.
        output: what it wrote to standard output; its first and last if it is long.
        errors: the same of standard error.
        written: the folder with what lies in the work area at the end.
        odd: links, devices and other things that it left and that were not taken over,
            as path and what it is.
        sandbox: how it was confined, `bubblewrap 0.8.0, seccomp`; "" if it was not.
    """

    status: int | None
    stopped: str
    seconds: float
    memory: int
    output: bytes
    errors: bytes
    written: Path
    odd: tuple[tuple[str, str], ...] = ()
    sandbox: str = ""


class Watcher(Protocol):
    """Somebody who would like to know how the run goes."""

    def started(self, command: tuple[str, ...]) -> None:
        """It starts."""

    def running(self, seconds: float, memory: int, tail: bytes) -> None:
        """It has run for so long, holds so many bytes, and said this last."""


class Sandbox(Protocol):
    """Runs a command so that it can do no harm."""

    def missing(self) -> str:
        """What keeps it from working on this machine; "" if nothing does."""

    def run(self, job: Job, written: Path, watcher: Watcher | None = None) -> Ran:
        """Run a command; what it leaves in its work area is put into `written`.

        Raises:
            SandboxError: the sandbox itself failed, and says nothing of the command.
        """


class Prepared(NamedTuple):
    """What an engine makes of a plan.

    Attributes:
        command: what to run in the work area.
        environment: further variables.
        moved: where results turn up, from where the plan has them to where the engine
            puts them; those that stay are left out.
        own: files and folders that the engine itself needs or leaves in the work area,
            and that are no results.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    moved: Mapping[str, str] = {}
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where the command runs this time.

    Attributes:
        name: `as-is`, `venv`, `container`.
        path: folders with programs, the first first.
        binds: folders and files of this machine that must be readable.
        variables: further variables.
        surroundings: interpreter, packages and platform as they are now.
    """

    name: str
    path: tuple[str, ...] = ()
    binds: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    surroundings: Surroundings = field(default_factory=Surroundings)


class Engine(Protocol):
    """Knows how one kind of thing is run."""

    name: str

    def programs(self, plan: Plan) -> tuple[str, ...]:
        """The programs that it starts, by name; the environment must have them."""

    def missing(
        self, plan: Plan, environment: Environment, stage: Path | None = None
    ) -> str:
        """What this machine lacks to run the plan, as a whole clause; "" if nothing.

        With the stage, what its files ask for is looked at too.
        """

    def prepare(self, plan: Plan, stage: Path, environment: Environment) -> Prepared:
        """Say what to run; may add files of its own, a job file say, to the stage."""

    def found(self, plan: Plan, prepared: Prepared, ran: Ran) -> Mapping[str, str]:
        """Say where results turned up, as `moved` does, once it has run.

        Some engines tell only then. What they tell may be wrong, as anything that comes
        out of the sandbox, but leads nowhere else than to what was taken over.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user wants of a re-run.

    Attributes:
        action: the @id of the only action to run; all are if it is "".
        engine: the engine to use; the one that fits is if it is "".
        environment: `as-is`, `venv` or `container`.
        bounds: how much it may take.
        network: whether it may use the network.
        confined: whether it must be confined.
        repeat: how many times to run it.
        keep: where what it wrote and said is left; None to throw it away.
        record: where the new runs are written as a crate; None if they are not.
        rtol: the relative tolerance of results that declare none; None for exact.
        atol: the absolute one.
    """

    action: str = ""
    engine: str = ""
    environment: str = "as-is"
    bounds: Bounds = Bounds()
    network: bool = False
    confined: bool = True
    repeat: int = 1
    keep: Path | None = None
    record: Path | None = None
    rtol: float | None = None
    atol: float | None = None


Tell = Callable[[str], None]
"""Is told what takes its time, in a sentence."""
