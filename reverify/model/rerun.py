"""The nouns of running it again: the plan, its files, what it lacks, how it went."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from reverify.model.comparison import Comparison, Rule


class Item(NamedTuple):
    """A file that must be there before the command starts.

    Attributes:
        id: its @id.
        path: where the command expects it, POSIX, from the top of the work area.
        source: its path from the opened location; "" if it is not in the crate.
        digests: what it must hash to, algorithm and hexadecimal digits; maybe none.
        parameter: the name of the formal parameter that it fills; maybe "".
        called: the name that it had then, if another than its path has; maybe "".
        url: where it can be had, if it is not in the crate.
    """

    id: str
    path: str
    source: str
    digests: tuple[tuple[str, str], ...] = ()
    parameter: str = ""
    called: str = ""
    url: str = ""


class Step(NamedTuple):
    """A step of a workflow, as it was recorded.

    Attributes:
        action: its @id.
        name: what to call it.
        digests: what its results hash to, algorithm and hexadecimal digits.
    """

    action: str
    name: str
    digests: tuple[tuple[str, str], ...]


class Result(NamedTuple):
    """A file, or a folder, that the run gave.

    Attributes:
        id: its @id.
        path: where the command writes it, POSIX, from the top of the work area.
        source: the recorded one, from the opened location; "" if it is not in the
            crate.
        digests: of the recorded one, algorithm and hexadecimal digits; maybe none.
        media_type: of the recorded one, `text/csv` say; maybe "".
        rule: how the new one is compared with it.
        is_folder: whether it is a folder.
        parameter: the name of the formal parameter that it fills; maybe "".
    """

    id: str
    path: str
    source: str
    digests: tuple[tuple[str, str], ...] = ()
    media_type: str = ""
    rule: Rule = Rule()
    is_folder: bool = False
    parameter: str = ""


class Package(NamedTuple):
    """A package of software, and its version; "" where none is recorded."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where something runs or ran; what is not known is "" or empty.

    Attributes:
        interpreter: `CPython`, `R`.
        version: of the interpreter.
        packages: what is installed.
        platform: by name: system, release, machine, locale, time_zone.
        lock_file: the lock file or requirements, its path from the opened location.
        container: the image, as `registry/name:tag@sha256:HEX`.
    """

    interpreter: str = ""
    version: str = ""
    packages: tuple[Package, ...] = ()
    platform: Mapping[str, str] = field(default_factory=dict)
    lock_file: str = ""
    container: str = ""


class Places:
    """Where results are: nothing is put there beforehand.

    Args:
        results: what a run gave.
    """

    def __init__(self, results: Iterable[Result]) -> None:
        self._folders: set[str] = set()
        self.files: set[str] = set()
        for result in results:
            (self._folders if result.is_folder else self.files).add(result.path)

    def holds(self, path: str) -> bool:
        """Whether a path is that of a result, or below one that is a folder."""
        if path in self.files or path in self._folders:
            return True
        above = map(str, PurePosixPath(path).parents) if self._folders else ()
        return not self._folders.isdisjoint(above)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What it takes to run a recorded action again.

    Attributes:
        action: its @id.
        engine: the name of the engine that runs it: `command`, `notebook`, `cwl`,
            `snakemake`, `nextflow`, `make`; "" if none is known to.
        main: the workflow or notebook, its path in the work area; "" for a command.
        command: the command as it was recorded; may be empty for a workflow.
        directory: where the command runs, from the top of the work area.
        environment: the environment variables that were recorded.
        parameters: values by name, in the types that their formal parameters have.
        is_shell: whether the command is a line for a shell, with pipes and the like.
        inputs: what the run read.
        code: the files of code.
        results: what the run gave.
        apart: the @ids of what else it gave: values, and files that are outside of the
            crate or are not described.
        recorded: where it ran.
        commit: the commit of the code that is named, if one is.
        origin: the address of its repository, if it is named.
        step_of: the action that it is a step of; "" if it is none.
        steps: its own steps, in the order in which they ended.
        is_failed: whether it is recorded that it failed.
        lacks: what is missing to run it again.
    """

    action: str
    engine: str = ""
    main: str = ""
    command: tuple[str, ...] = ()
    directory: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    is_shell: bool = False
    inputs: tuple[Item, ...] = ()
    code: tuple[Item, ...] = ()
    results: tuple[Result, ...] = ()
    apart: tuple[str, ...] = ()
    recorded: Surroundings = Surroundings()
    commit: str = ""
    origin: str = ""
    step_of: str = ""
    steps: tuple[Step, ...] = ()
    is_failed: bool = False
    lacks: tuple["Lack", ...] = ()


class Lack(NamedTuple):
    """Something that is missing to run it again.

    Attributes:
        what: the end of a sentence, `no command is recorded`.
        fix: what the author could add.
    """

    what: str
    fix: str


class Departure(NamedTuple):
    """Something of the surroundings that is not as it was recorded.

    Attributes:
        what: `interpreter`, `package numpy`, `locale`, `time zone`, ...
        recorded: as it was; "" if it was not there.
        now: as it is; "" if it is not there.
    """

    what: str
    recorded: str
    now: str

    def describe(self) -> str:
        """Say it to a person; the text is not yet escaped."""
        if not self.recorded:
            return f"{self.what}: {self.now}, and was not there"
        if not self.now:
            return f"{self.what}: was {self.recorded}, and is not there"
        return f"{self.what}: was {self.recorded}, is {self.now}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One time that it was run again. All of it is what the command did or said.

    Attributes:
        command: what was run.
        status: its exit status, -N if signal N ended it; None if we stopped it.
        stopped: why we stopped it, as the end of a sentence; "" if we did not.
        seconds: how long it took.
        memory: the most bytes that it held at a time.
        output: what it wrote to standard output, cut if it is long.
        errors: the same of standard error.
        odd: links and the like that it left, as path and what it is.
        extra: files that it wrote and that no result names.
    """

    command: tuple[str, ...]
    status: int | None
    stopped: str
    seconds: float
    memory: int
    output: bytes
    errors: bytes
    odd: tuple[tuple[str, str], ...] = ()
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A result, the recorded one against the new one.

    Attributes:
        result: the recorded one.
        comparison: what came of it.
        digest: of the new one, `sha256:HEX`; "" if there is none.
        varies: whether it differs between our own runs.
    """

    result: Result
    comparison: Comparison
    digest: str = ""
    varies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What came of running a recorded action again.

    Attributes:
        plan: how it was to be run.
        obstacle: why it could not be; "" if it was.
        fix: what could be done about it.
        attempts: each time that it was run.
        compared: its results, of the first attempt; empty if that failed.
        environment: what it ran in, `as-is`.
        surroundings: what that is made of.
        departures: how that differs from the record.
        sandbox: how it was confined; "" if it was not.
        diverged: the first step whose results were not found again; None if there is
            none, or that cannot be told.
        remarks: what else a reader should know.
        is_whole: whether all of its code was there, as far as a commit is named.
    """

    plan: Plan
    obstacle: str = ""
    fix: str = ""
    attempts: tuple[Attempt, ...] = ()
    compared: tuple[Compared, ...] = ()
    environment: str = ""
    surroundings: Surroundings = Surroundings()
    departures: tuple[Departure, ...] = ()
    sandbox: str = ""
    diverged: Step | None = None
    remarks: tuple[str, ...] = ()
    is_whole: bool = True
