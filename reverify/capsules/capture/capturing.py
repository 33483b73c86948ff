"""Running an analysis, and writing down what it was.

What it reads is copied before it runs, what it wrote after. All becomes visible at
once in the end, or nothing does.
"""

import os
import shlex
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from reverify.capsules.capture.copying import Keeper, Kept
from reverify.capsules.capture.environment import (
    Interpreter,
    find_interpreter,
    find_program,
    lock_file,
    package_records,
    platform_record,
)
from reverify.capsules.capture.languages import Language, language_of_file, named_code
from reverify.capsules.capture.listing import Listing, list_files
from reverify.capsules.capture.pinning import Pin, pin
from reverify.capsules.capture.place import (
    Place,
    Target,
    find_target,
    name_fault,
    staging,
    write_manifest_in,
)
from reverify.capsules.capture.request import Request
from reverify.capsules.capture.running import Run, Streams, run
from reverify.capsules.manifest import manifest_of, schema
from reverify.errors import CapsuleError
from reverify.model.capsule import SCHEMA_VERSION, Manifest, Status
from reverify.model.finding import timestamp
from reverify.services.clock import Clock
from reverify.services.git import Repository, find_repository

_TITLE = 200
_SHOWN = 20
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
        session = _Session(request, place, target, repository, clock)
        session.check(say)
        copies = stack.enter_context(staging(target))
        return session.capture(copies, streams)


class _Files(NamedTuple):
    """The files of a run, as they are kept."""

    inputs: Sequence[Kept]
    outputs: Sequence[Kept]
    code: Sequence[Kept]


class _Session:
    """One capture, from the first look to the manifest."""

    def __init__(
        self,
        request: Request,
        place: Place,
        target: Target,
        repository: Repository | None,
        clock: Clock,
    ) -> None:
        self._request = request
        self._place = place
        self._target = target
        self._repository = repository
        self._clock = clock
        self._created = clock.now()
        self._notes: list[str] = []
        self._problems: list[str] = []
        self._failed = False

    # -- before the run ----------------------------------------------------------------

    def check(self, say: Callable[[str], None]) -> None:
        """See that all can be captured, before anything is written or run."""
        request, place = self._request, self._place
        found = find_program(request.command[0], place.folder, request.environ)
        if found is None:
            raise CapsuleError(f"{request.command[0]}: no such program")
        self._program = found
        for word in request.command:
            if _shown(word) != word:
                raise CapsuleError(f"{word!r}: is not UTF-8, so it cannot be recorded")
        files = [text for text in request.inputs if not _is_url(text)]
        self._urls = [text for text in request.inputs if _is_url(text)]
        self._inputs = place.files_at(files, "--input")
        self._outputs = [place.path_of(text, "--output") for text in request.outputs]
        self._main, self._code = self._find_code()
        self._about = {
            place.path_of(path, "--describe"): text
            for path, text in request.descriptions.items()
        }
        if self._target.in_place:
            self._refuse_links((*self._inputs, *self._code))
        self._draft = self._draft_of()
        manifest_of(self._draft, "the manifest to be")
        before = list_files(place.root, without=(self._target.folder,))
        self._pin = self._pin_of(before)
        if not request.allow_dirty:
            self._pin.require()
        for text in self._pin.loose[:_SHOWN]:
            say(f"not in the commit: {text}")
        if self._repository is None:
            say("there is no git repository here: no commit pins the code")
        if not self._code:
            say("no file of code is known to the capsule; name some with --code")

    def _find_code(self) -> tuple[str | None, list[str]]:
        """The file that is run, if it is one, and all code to keep."""
        place, declared = self._place, {*self._inputs, *self._outputs}
        named: dict[str, None] = {}
        for path in named_code(self._request.command, place.folder):
            try:
                text = place.path_of(str(path), "the command")
            except CapsuleError:
                continue  # of the machine, not of the analysis
            if text not in declared:
                named[text] = None
        main = next(iter(named), None)
        named |= dict.fromkeys(place.files_at(self._request.code, "--code"))
        return main, [path for path in named if path not in declared]

    def _refuse_links(self, paths: Sequence[str]) -> None:
        for path in paths:
            for part in (Path(path), *Path(path).parents):
                if (self._place.root / part).is_symlink() and str(part) != ".":
                    raise CapsuleError(
                        f"{part}: is a link, which cannot be in a capsule; name another"
                        " folder with -o, where what it leads to is copied"
                    )

    def _draft_of(self) -> Json:
        """What can be said before the run."""
        request = self._request
        title = request.title or shlex.join(request.command)[:_TITLE]
        draft: Json = {
            "schema_version": SCHEMA_VERSION,
            "id": request.id or str(uuid.uuid4()),
            "title": title,
        }
        if request.description is not None:
            draft["description"] = request.description
        draft |= {"status": Status.RUNNING, "created": timestamp(self._created)}
        if request.license is not None:
            draft["license"] = request.license
        authors = [dict(author) for author in request.authors] or self._committer()
        for author in authors:
            if request.affiliations:
                author["affiliations"] = [dict(item) for item in request.affiliations]
        if authors:
            draft["authors"] = authors
        if request.publisher is not None:
            draft["publisher"] = dict(request.publisher)
        folder = self._place.folder.relative_to(self._place.root).as_posix()
        draft["run"] = {
            "command": list(request.command),
            "working_directory": folder,
            "parameters": dict(request.parameters),
            "environment": {
                name: request.environ.get(name) for name in request.variables
            },
        }
        draft["inputs"] = [{"url": url} for url in self._urls]
        return draft

    def _committer(self) -> list[Json]:
        if self._repository is None:
            return []
        name, email = self._repository.person(self._request.user_settings)
        if not name:
            return []
        return [{"name": name, **({"email": email} if email else {})}]

    def _pin_of(self, before: Listing) -> Pin:
        if self._repository is None:
            return Pin({}, ())
        declared = {*self._inputs, *self._outputs}
        others = [path for path in before.files if path not in declared]
        return pin(self._repository, self._code, others)

    # -- the run -----------------------------------------------------------------------

    def capture(self, copies: int | None, streams: Streams) -> Captured:
        """Copy, run, copy, write."""
        place, request = self._place, self._request
        keeper = Keeper(place.root, copies)
        inputs = [keeper.keep(path) for path in self._inputs]
        code = [keeper.keep(path) for path in self._code]
        interpreter = find_interpreter(self._program, place.folder, request.environ)
        without = (self._target.folder,)
        before = list_files(place.root, without=without)
        ran = run(
            request.command,
            place.folder,
            request.environ,
            streams=streams,
            clock=self._clock,
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
        for path in sorted(self._about.keys() - used):
            self._problems.append(f"{path}: is described, and is not in the capsule")
        manifest = self._manifest(ran, files, interpreter, environment)
        write_manifest_in(copies, self._target, manifest.data)
        return Captured(
            manifest=manifest,
            path=self._target.manifest,
            problems=tuple(self._problems),
            notes=tuple(self._notes),
            loose=self._pin.loose,
        )

    def _written(
        self, before: Listing, after: Listing, read: Mapping[str, Kept]
    ) -> Iterator[str]:
        """The paths of the outputs: declared, appeared, or written to."""
        found, others = after.since(before)
        declared: dict[str, None] = {}
        for path in self._outputs:
            place = self._place.root / path
            inside = [name for name in after.files if name.startswith(f"{path}/")]
            if place.is_dir() and (inside or path == "."):
                declared |= dict.fromkeys(inside)
            elif place.is_file():
                declared[path] = None
            else:
                self._problems.append(f"{path}: this output was not written")
                self._failed = True
        keeper = Keeper(self._place.root, None)
        for path in sorted({*declared, *found}):
            if fault := name_fault(path):
                self._notes.append(f"left out: {_shown(path)}: {fault}")
            elif path not in read or not keeper.is_unchanged(read[path]):
                yield path
        for path, what in others.items():
            self._notes.append(f"left out: {_shown(path)}: is {what}")

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
        document = self._draft
        document["status"] = Status.FAILED if self._failed else Status.COMPLETED
        document["completed"] = timestamp(ran.ended)
        document["inputs"] = [
            *(self._record(kept) for kept in files.inputs),
            *document["inputs"],
        ]
        document["outputs"] = [self._record(kept) for kept in files.outputs]
        record = dict(self._pin.record)
        if self._main:
            record["path"] = self._main
        record["files"] = [self._record(kept) for kept in files.code]
        language = self._language(interpreter)
        if language is not None:
            record["language"] = {"name": language.name, "url": language.url}
        if self._repository is not None or files.code:
            document["code"] = record
        document["run"] |= {
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
        return kept.record(self._about.get(kept.path))

    def _language(self, interpreter: Interpreter | None) -> Language | None:
        if self._main:
            found = language_of_file(self._place.root / self._main)
            if found is not None:
                return found
        return interpreter.language if interpreter else None


def _shown(path: str) -> str:
    """A name as text, though it may be any bytes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


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
