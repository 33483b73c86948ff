"""Running an analysis, and writing down what it was.

What it reads is copied before it runs, what it wrote after. All becomes visible at
once in the end, or nothing does.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from reverify.capsules.capture.copying import Keeper, Kept
from reverify.capsules.capture.environment import (
    Interpreter,
    find_interpreter,
    lock_file,
    package_records,
    platform_record,
)
from reverify.capsules.capture.languages import Language, language_of_file
from reverify.capsules.capture.listing import Listing, list_files
from reverify.capsules.capture.place import (
    Place,
    Target,
    find_target,
    name_fault,
    shown,
    staging,
    write_manifest_in,
)
from reverify.capsules.capture.preparing import Prepared, prepare
from reverify.capsules.capture.request import Request
from reverify.capsules.capture.running import Run, Streams, run
from reverify.capsules.manifest import manifest_of, schema
from reverify.model.capsule import Manifest, Status
from reverify.model.finding import timestamp
from reverify.services.clock import Clock
from reverify.services.git import find_repository

LOCK_FILE = "requirements.lock.txt"
Json = dict[str, Any]


class Captured(NamedTuple):
    """A run that was written down.

    Attributes:
        manifest: what it was.
        path: where the manifest is.
        problems: what is wrong with the capsule, one sentence each.
        notes: what else is to be known, one sentence each.
        loose: what of the code is in no commit.
    """

    manifest: Manifest
    path: Path
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    loose: tuple[str, ...]


def capture(
    request: Request,
    *,
    clock: Clock,
    streams: Streams = Streams(),  # noqa: B008 - it is frozen
    say: Callable[[str], None] = lambda _: None,
) -> Captured:
    """Run an analysis and write its manifest.

    Args:
        request: what to run, and what is known of it.
        clock: what time it is.
        streams: where the output of the command goes.
        say: told what is worth knowing before the command runs.

    Returns:
        the manifest, which is written whether the command succeeded or not.

    Raises:
        CapsuleError: it cannot be captured; then nothing is written.
        ManifestError: what is known of it beforehand does not fit the schema.
        ServiceError: the repository cannot be read.
        KeyboardInterrupt: the run was interrupted; nothing is written.
    """
    with ExitStack() as stack:
        folder = request.folder.resolve()
        repository = find_repository(folder)
        if repository is not None:
            stack.enter_context(repository)
        root = repository.root if repository and repository.root else folder
        place = Place(root, folder)
        target = find_target(Path(os.path.normpath(folder / request.target)), root)
        prepared = prepare(request, place, target, repository, now=clock.now(), say=say)
        copies = stack.enter_context(staging(target))
        return _Session(request, place, target, prepared).capture(
            copies, streams, clock
        )


class _Files(NamedTuple):
    """The files of a run, as they are kept."""

    inputs: Sequence[Kept]
    outputs: Sequence[Kept]
    code: Sequence[Kept]


class _Session:
    """One capture, from the run to the manifest."""

    def __init__(
        self, request: Request, place: Place, target: Target, prepared: Prepared
    ) -> None:
        self._request = request
        self._place = place
        self._target = target
        self._prepared = prepared
        self._notes: list[str] = []
        if request.standard_input is not None:
            self._notes.append(
                f"standard input was {request.standard_input}: what the command may"
                " have read from it is not kept"
            )
        self._problems: list[str] = []
        self._failed = False

    # -- the run -----------------------------------------------------------------------

    def capture(self, copies: int | None, streams: Streams, clock: Clock) -> Captured:
        """Copy, run, copy, write."""
        place, request, prepared = self._place, self._request, self._prepared
        keeper = Keeper(place.root, copies)
        inputs = [keeper.keep(path) for path in prepared.inputs]
        code = [keeper.keep(path) for path in prepared.code]
        interpreter = find_interpreter(prepared.program, place.folder, request.environ)
        without = (self._target.folder,)
        before = list_files(place.root, without=without)
        ran = run(
            request.command,
            place.folder,
            request.environ,
            streams=streams,
            clock=clock,
        )
        if ran.status:
            self._failed = True
            self._problems.append(_how_it_ended(ran.status))
        after = list_files(place.root, without=without)
        read = {kept.path: kept for kept in (*inputs, *code)}
        paths = list(self._written(before, after, read))
        inputs = [self._as_it_was(keeper, kept, paths) for kept in inputs]
        self._leave_out_code(code, paths)
        outputs = [keeper.keep(path) for path in paths]
        used = {kept.path for kept in (*inputs, *code, *outputs)}
        environment = self._environment(interpreter, keeper, used)
        files = _Files(inputs, outputs, code)
        for path in sorted(prepared.about.keys() - used):
            self._problems.append(f"{path}: is described, and is not in the capsule")
        manifest = self._manifest(ran, files, interpreter, environment)
        write_manifest_in(copies, self._target, manifest.data)
        return Captured(
            manifest=manifest,
            path=self._target.manifest,
            problems=tuple(self._problems),
            notes=tuple(self._notes),
            loose=prepared.loose,
        )

    def _written(
        self, before: Listing, after: Listing, read: Mapping[str, Kept]
    ) -> Iterator[str]:
        """The paths of the outputs: declared, appeared, or written to."""
        found, others = after.since(before)
        declared: dict[str, None] = {}
        for path in self._prepared.outputs:
            place = self._place.root / path
            inside = [name for name in after.files if name.startswith(f"{path}/")]
            if place.is_dir() and inside:
                declared |= dict.fromkeys(inside)
            elif place.is_file():
                declared[path] = None
            else:
                self._problems.append(f"{path}: this output was not written")
                self._failed = True
        keeper = Keeper(self._place.root, None)
        for path in sorted({*declared, *found}):
            if fault := name_fault(path):
                self._notes.append(f"left out: {shown(path)}: {fault}")
            elif path not in read or not keeper.is_unchanged(read[path]):
                yield path
        for path, what in others.items():
            self._notes.append(f"left out: {shown(path)}: is {what}")

    def _as_it_was(self, keeper: Keeper, kept: Kept, outputs: list[str]) -> Kept:
        """An input, under another name if the run wrote over it."""
        if kept.path not in outputs:
            if not (self._place.root / kept.path).exists():
                self._notes.append(f"{kept.path}: the run removed this input")
            return kept
        advice = "let the command write to another file"
        if not keeper.copies:
            outputs.remove(kept.path)
            self._problems.append(
                f"{kept.path}: the run changed this input in place, and it is no longer"
                f" what it was (sha256 {kept.sha256}); {advice}"
            )
            return kept
        name = f"{kept.path}.before"
        while (self._place.root / name).exists():
            name += "~"
        self._problems.append(
            f"{kept.path}: the run changed this input in place; it is kept as {name},"
            f" as it was before; {advice}"
        )
        return keeper.rename(kept, name)

    def _leave_out_code(self, code: Sequence[Kept], outputs: list[str]) -> None:
        """Code is no output, even if the run wrote over it."""
        for kept in code:
            if kept.path in outputs:
                outputs.remove(kept.path)
                self._problems.append(f"{kept.path}: the run changed its own code")

    # -- the manifest ------------------------------------------------------------------

    def _environment(
        self, interpreter: Interpreter | None, keeper: Keeper, used: set[str]
    ) -> Json:
        record: Json = {}
        if interpreter is not None:
            record["interpreter"] = interpreter.record()
            if interpreter.packages is not None:
                record["packages"] = package_records(interpreter)
                if keeper.copies:
                    name = _free(LOCK_FILE, used)
                    kept = keeper.write(name, lock_file(interpreter))
                    about = (
                        f"The packages installed in {interpreter.name}"
                        f" {interpreter.version} when the run began."
                    )
                    record["lock_file"] = kept.record(about)
        return record | {"platform": platform_record(self._request.environ)}

    def _manifest(
        self,
        ran: Run,
        files: _Files,
        interpreter: Interpreter | None,
        environment: Json,
    ) -> Manifest:
        prepared = self._prepared
        document = dict(prepared.draft)
        document["status"] = Status.FAILED if self._failed else Status.COMPLETED
        document["completed"] = timestamp(ran.ended)
        document["inputs"] = [
            *(self._record(kept) for kept in files.inputs),
            *document["inputs"],
        ]
        document["outputs"] = [self._record(kept) for kept in files.outputs]
        record = dict(prepared.pin.record) if prepared.pin else {}
        if prepared.main:
            record["path"] = prepared.main
        record["files"] = [self._record(kept) for kept in files.code]
        language = self._language(interpreter)
        if language is not None:
            record["language"] = {"name": language.name, "url": language.url}
        if prepared.pin or files.code:
            document["code"] = record
        document["run"] = {
            **document["run"],
            "started": timestamp(ran.started),
            "ended": timestamp(ran.ended),
            "exit_status": ran.status,
        }
        if self._problems:
            document["run"]["error"] = "\n".join(self._problems)
        document["environment"] = environment
        if self._notes:
            document["notes"] = "\n".join(self._notes)
        order = [key for key in schema()["properties"] if key in document]
        ordered = {key: document[key] for key in order}
        return manifest_of(ordered, str(self._target.manifest))

    def _record(self, kept: Kept) -> Json:
        return kept.record(self._prepared.about.get(kept.path))

    def _language(self, interpreter: Interpreter | None) -> Language | None:
        if self._prepared.main:
            found = language_of_file(self._place.root / self._prepared.main)
            if found is not None:
                return found
        return interpreter.language if interpreter else None


def _free(name: str, used: set[str]) -> str:
    stem, _, suffix = name.partition(".")
    number = 0
    while name in used:
        number += 1
        name = f"{stem}-{number}.{suffix}"
    return name


def _how_it_ended(status: int) -> str:
    if status < 0:
        return f"the command was ended by signal {-status}"
    return f"the command ended with exit status {status}"
