"""Runs a plan again, and compares what comes out with what was recorded."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from reverify.compare import LocalFile, Member, compare, compare_directories
from reverify.crates.below import BelowPayload
from reverify.crates.crate import Crate
from reverify.crates.digests import fingerprint_stream
from reverify.crates.directory import DirectoryPayload
from reverify.crates.limits import Budget, Limits
from reverify.errors import CrateError, LackError, SandboxError
from reverify.model.comparison import Answer, Comparison, Method, Rule
from reverify.model.rerun import (
    Attempt,
    Compared,
    Plan,
    Reproduction,
    Result,
    Step,
)
from reverify.rerun.choosing import Choice
from reverify.rerun.interface import (
    Engine,
    Job,
    Options,
    Prepared,
    Ran,
    Watcher,
)
from reverify.rerun.record import Recorder
from reverify.rerun.staging import fill, is_whole
from reverify.services import Services

Choose = Callable[[Plan, Crate, Engine], Choice]
"""From a plan to what it runs in; raises LackError where that cannot be had."""
_NUMERIC = {Method.TABLE, Method.ARRAY, Method.JSON, Method.NOTEBOOK, None}


OWN_VARIABLES = frozenset({"PATH", "HOME"})
"""Recorded variables that speak of the machine where it ran, and mean nothing here."""


class _Made(NamedTuple):
    """One attempt, and where its files lie.

    Attributes:
        attempt: how it went.
        ran: what the sandbox says of it.
        prepared: what the engine made of the plan.
        placed: the files that the run was given, by their paths.
    """

    attempt: Attempt
    ran: Ran
    prepared: Prepared
    placed: frozenset[str]


class Reproducer:
    """Runs recorded actions again.

    Args:
        services: where code is looked for.
        engines: all that there are, by name.
        choose: makes the environment of a plan, and says what confines it.
        options: what the user wants.
        watcher: who is told how it goes.
    """

    def __init__(
        self,
        *,
        services: Services,
        engines: Mapping[str, Engine],
        choose: Choose,
        options: Options,
        watcher: Watcher | None = None,
    ) -> None:
        self.options = options
        self._services = services
        self._engines = engines
        self._choose = choose
        self._watcher = watcher
        self._recorder = Recorder(options.record) if options.record else None

    def wants(self, action: str) -> bool:
        """Whether the user asked for this action, by its @id."""
        return self.options.action in {"", action}

    def reproduce(self, plan: Plan, crate: Crate) -> Reproduction:
        """Run a plan as often as asked, and compare its results.

        Nothing is left behind, save in the folder that the user named.
        """
        if crate.is_document:
            what = "only its metadata document is here, without the files"
            return Reproduction(plan=plan, obstacle=what, fix="Check the whole crate.")
        if plan.lacks:
            what = "; ".join(lack.what for lack in plan.lacks)
            fix = " ".join(dict.fromkeys(lack.fix for lack in plan.lacks))
            return Reproduction(plan=plan, obstacle=what, fix=fix)
        with tempfile.TemporaryDirectory(prefix="reverify-run-") as folder:
            try:
                return self._reproduce(plan, crate, Path(folder))
            except LackError as error:
                return Reproduction(plan=plan, obstacle=error.what, fix=error.fix)
            except SandboxError as error:
                return Reproduction(plan=plan, obstacle=f"the sandbox failed: {error}")

    def _reproduce(self, plan: Plan, crate: Crate, folder: Path) -> Reproduction:
        engine = self._engine(plan)
        choice = self._choose(plan, crate, engine)
        environment = choice.environment
        stage = folder / "stage"
        stage.mkdir()
        remarks = tuple(fill(plan, crate, self._services, stage))
        missing = engine.missing(plan, environment, stage)
        if missing:
            raise LackError(missing, "Install it, or choose another --env.")
        prepared = engine.prepare(plan, stage, environment)
        given = _given(plan, engine)
        made: list[_Made] = []
        started = self._services.clock.now()
        for number in range(1, self.options.repeat + 1):
            written = folder / f"run-{number}"
            written.mkdir()
            ran = self._run(plan, stage, prepared, choice, written)
            placed = prepared._replace(moved=engine.found(plan, prepared, ran))
            extra = tuple(_extra(plan, placed, stage, written))
            made.append(_Made(_attempt(placed, ran, extra), ran, placed, given))
            if self.options.keep is not None:
                _keep(self.options.keep, plan, number, ran)
            if ran.status != 0:
                break
        compared: tuple[Compared, ...] = ()
        if all(each.ran.status == 0 for each in made):
            compared = tuple(
                self._compare(result, crate, made) for result in plan.results
            )
        if self._recorder is not None:
            ended = self._services.clock.now()
            results = [(each, _place(each.result, made[0])) for each in compared]
            self._recorder.add(
                plan, crate, made[0].attempt, results, started=started, ended=ended
            )
        return Reproduction(
            plan=plan,
            attempts=tuple(each.attempt for each in made),
            compared=compared,
            environment=environment.name,
            surroundings=environment.surroundings,
            departures=choice.departures,
            sandbox=made[0].ran.sandbox,
            diverged=_diverged(plan, compared, made[0].ran.written),
            remarks=remarks,
            is_whole=is_whole(plan, remarks),
        )

    def _engine(self, plan: Plan) -> Engine:
        name = self.options.engine or plan.engine
        if name == "command" and not plan.command:
            raise LackError("no command is recorded, so that none can be run")
        if name != "command" and not plan.main:
            raise LackError(
                f"nothing is recorded that {name} could run", "Leave out --engine."
            )
        if name not in self._engines:
            raise LackError(f"there is no engine {name!r}")
        return self._engines[name]

    def _run(
        self,
        plan: Plan,
        stage: Path,
        prepared: Prepared,
        choice: Choice,
        written: Path,
    ) -> Ran:
        environment = choice.environment
        job = Job(
            command=prepared.command,
            stage=stage,
            directory=plan.directory,
            environment={
                **_without(plan.environment, OWN_VARIABLES),
                **environment.variables,
                **prepared.environment,
            },
            path=environment.path,
            binds=environment.binds,
            network=self.options.network,
            bounds=self.options.bounds,
        )
        return choice.sandbox.run(job, written, self._watcher)

    # -- comparing ---------------------------------------------------------------------

    def _compare(self, result: Result, crate: Crate, made: list[_Made]) -> Compared:
        """Compare a result of the first run with the record, and with later runs."""
        rule = self._rule(result.rule)
        paths = [_place(result, each) for each in made]
        comparison = _against_record(result, rule, crate, paths[0])
        why = _untold(comparison, paths[0], made[0])
        if why:
            comparison = _not_comparable(result, rule, why)
        varies = any(
            _between(result, rule, paths[0], other).answer.is_same is False
            for other in paths[1:]
        )
        digest = ""
        if paths[0].is_file():
            digest = f"sha256:{_digest(paths[0], 'sha256')}"
        return Compared(
            result=result, comparison=comparison, digest=digest, varies=varies
        )

    def _rule(self, rule: Rule) -> Rule:
        """A result's own rule; what the user allows counts where it allows nothing."""
        if rule.tolerant or rule.method not in _NUMERIC:
            return rule
        rtol, atol = self.options.rtol or 0.0, self.options.atol or 0.0
        return replace(rule, rtol=rtol, atol=atol)


def _against_record(result: Result, rule: Rule, crate: Crate, path: Path) -> Comparison:
    if rule.method is Method.IGNORE:
        return Comparison(
            name=result.path, answer=Answer.IGNORED, method=rule.method, rule=rule
        )
    if result.is_folder:
        return _folders(result, rule, crate, path)
    actual = LocalFile(path) if path.is_file() else None
    if actual and result.source and not _is_as_recorded(result, crate):
        return _by_digest(result, rule, path, "is not what is recorded any more")
    if result.source or actual is None:
        expected = (
            Member(crate.payload, result.source) if result.source else LocalFile(path)
        )
        return compare(
            expected,
            actual,
            rule,
            name=result.path,
            media_type=result.media_type,
        )
    return _by_digest(result, rule, path, "is not in the crate")


def _is_as_recorded(result: Result, crate: Crate) -> bool:
    """Whether a result in the crate has the digests that are recorded of it."""
    if not result.digests:
        return True
    try:
        with crate.payload.open(result.source) as stream:
            known = fingerprint_stream(stream, dict(result.digests)).digests
    except (CrateError, OSError):
        return True  # whoever compares says so
    return all(known[name] == digest for name, digest in result.digests)


def _by_digest(result: Result, rule: Rule, path: Path, why: str) -> Comparison:
    """All that can be told where the file that was recorded is not to be had."""
    names = ", ".join(dict.fromkeys(name for name, _ in result.digests))
    with LocalFile(path).open() as stream:
        new = fingerprint_stream(stream, dict(result.digests)).digests
    if names and all(new[name] == digest for name, digest in result.digests):
        return Comparison(
            name=result.path,
            answer=Answer.IDENTICAL,
            rule=rule,
            compared=path.stat().st_size,
            remarks=(f"compared by its {names}; the recorded one {why}",),
        )
    also = f", and the {names} that is recorded differs" if names else ""
    return _not_comparable(result, rule, f"the recorded one {why}{also}")


def _not_comparable(result: Result, rule: Rule, reason: str) -> Comparison:
    return Comparison(
        name=result.path, answer=Answer.NOT_COMPARABLE, rule=rule, reason=reason
    )


def _untold(found: Comparison, path: Path, made: _Made) -> str:
    """Why a comparison shows nothing of the run; "" if it does."""
    place = path.relative_to(made.ran.written)
    if found.answer is Answer.MISSING:
        for name, what in made.ran.odd:
            if name == "./":
                return f"not all that the run left was taken over: {what}"
            if place.is_relative_to(name):
                return f"the run left {what} at {name}, which is not taken over"
    if found.answer in {Answer.MISSING, Answer.IGNORED}:
        return ""
    if found.answer is Answer.DIFFERENT and path.is_dir():
        # Whether that is all that differs cannot be told.
        for name, what in made.ran.odd:
            if place in Path(name).parents:
                return f"the run left {what} at {name}, which is not taken over"
    if path.is_dir():
        new = {str(place / name.relative_to(path)) for name in _files(path)}
        is_placed = bool(new) and new <= made.placed
    else:
        is_placed = str(place) in made.placed
    return "the run is given it too, so that it was there before" if is_placed else ""


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _folders(result: Result, rule: Rule, crate: Crate, path: Path) -> Comparison:
    if not path.is_dir():
        return Comparison(name=result.path, answer=Answer.MISSING, rule=rule)
    if not result.source:
        return Comparison(
            name=result.path,
            answer=Answer.NOT_COMPARABLE,
            rule=rule,
            reason="the recorded one is not in the crate",
        )
    recorded = BelowPayload(crate.payload, result.source)
    new = DirectoryPayload(path, Budget(Limits()))
    try:
        return compare_directories(recorded, new, rule=rule, name=result.path)
    finally:
        new.close()


def _diverged(plan: Plan, compared: tuple[Compared, ...], written: Path) -> Step | None:
    """The first step whose results are nowhere in what was written, if it can be told.

    It can where the results of later steps differ, and those of some step are there:
    not every engine leaves what its steps give.
    """
    if all(each.comparison.answer is not Answer.DIFFERENT for each in compared):
        return None
    steps = [step for step in plan.steps if step.digests]
    algorithms = {name for step in steps for name, _ in step.digests}
    if not algorithms:
        return None
    known: set[tuple[str, str]] = set()
    for path in written.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with LocalFile(path).open() as stream:
                known.update(fingerprint_stream(stream, algorithms).digests.items())
    missing = [step for step in steps if not known.issuperset(step.digests)]
    return missing[0] if missing else None


def _between(result: Result, rule: Rule, one: Path, other: Path) -> Comparison:
    """Compare a result of two of our own runs."""
    if result.is_folder and one.is_dir() and other.is_dir():
        left = DirectoryPayload(one, Budget(Limits()))
        right = DirectoryPayload(other, Budget(Limits()))
        try:
            return compare_directories(left, right, rule=rule, name=result.path)
        finally:
            left.close()
            right.close()
    return compare(
        LocalFile(one) if one.is_file() else None,
        LocalFile(other) if other.is_file() else None,
        rule,
        name=result.path,
        media_type=result.media_type,
    )


def _digest(path: Path, algorithm: str) -> str:
    with LocalFile(path).open() as stream:
        return fingerprint_stream(stream, {algorithm}).digests[algorithm]


def _given(plan: Plan, engine: Engine) -> frozenset[str]:
    """What the run was given, by its paths.

    A notebook is written anew where it lies, by the engine itself.
    """
    given = {item.path for item in (*plan.inputs, *plan.code)}
    return frozenset(given - {plan.main} if engine.name == "notebook" else given)


def _place(result: Result, made: _Made) -> Path:
    return made.ran.written / made.prepared.moved.get(result.path, result.path)


# -- what is left ----------------------------------------------------------------------


def _without(values: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in names}


def _attempt(prepared: Prepared, ran: Ran, extra: tuple[str, ...]) -> Attempt:
    return Attempt(
        command=prepared.command,
        status=ran.status,
        stopped=ran.stopped,
        seconds=ran.seconds,
        memory=ran.memory,
        output=ran.output,
        errors=ran.errors,
        odd=ran.odd,
        extra=extra,
    )


def _extra(plan: Plan, prepared: Prepared, stage: Path, written: Path) -> list[str]:
    """Files that no result names, and that were not there before as they are now."""
    moved = prepared.moved
    named = [moved.get(result.path, result.path) for result in plan.results]
    named += prepared.own
    found = []
    for path in sorted(written.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        name = path.relative_to(written).as_posix()
        if name in named or any(name.startswith(f"{each}/") for each in named):
            continue
        before = stage / name
        if "__pycache__" in name or (before.is_file() and _same(before, path)):
            continue
        found.append(name)
    return found


def _same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    return _digest(one, "sha256") == _digest(other, "sha256")


def _keep(folder: Path, plan: Plan, number: int, ran: Ran) -> None:
    """Leave what a run wrote and said in a folder of its own.

    Raises:
        LackError: it cannot be written there.
    """
    name = hashlib.sha256(plan.action.encode("utf-8", "replace")).hexdigest()[:8]
    target = folder / f"{name}-{number}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ran.written, target / "files", symlinks=True)
        (target / "stdout.txt").write_bytes(ran.output)
        (target / "stderr.txt").write_bytes(ran.errors)
    except (OSError, shutil.Error) as error:
        raise LackError(
            f"{target}: what the run gave cannot be kept ({error})",
            "Name another folder with --keep.",
        ) from error
