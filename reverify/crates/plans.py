"""Plans: what a crate says of how a recorded action can be run again."""

import posixpath
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath

from reverify.crates.code import said_of_code
from reverify.crates.commands import parsed, read_command, typed, words_of
from reverify.crates.crate import Crate
from reverify.crates.digest_keys import digest_keys, stated_digests
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.crates.names import Local, Web, relative_path
from reverify.crates.payload import EntryKind
from reverify.crates.runs import ACTIONS
from reverify.crates.surroundings import read_surroundings
from reverify.errors import UnsafeNameError, UsageError
from reverify.model.code import Aspect
from reverify.model.comparison import Rule
from reverify.model.rerun import Item, Lack, Places, Plan, Result, Step, Surroundings

OWN = "urn:reverify:capsule:"
"""What the propertyIDs of our own exports begin with."""

_ENGINES = {
    "common workflow language": "cwl",
    "cwl": "cwl",
    "snakemake": "snakemake",
    "nextflow": "nextflow",
    "jupyter notebook": "notebook",
    "jupyter": "notebook",
    "make": "make",
    "gnu make": "make",
}
_SUFFIXES = {
    ".cwl": "cwl",
    ".smk": "snakemake",
    ".nf": "nextflow",
    ".ipynb": "notebook",
    ".mk": "make",
}
_NAMES = {"snakefile": "snakemake", "makefile": "make", "gnumakefile": "make"}
_SCRIPTS = {".py", ".R", ".r", ".sh", ".jl", ".pl"}
_PROGRAM = re.compile(r"[A-Za-z0-9._/+-]+")
_NO_COMMAND = Lack(
    "no command is recorded",
    "Record the command line: a PropertyValue named `command` among the objects of the"
    " action, its value the list of arguments as JSON.",
)


class Plans:
    """How the recorded actions of a crate can be run again.

    Args:
        crate: what records them.
    """

    def __init__(self, crate: Crate) -> None:
        self._crate = crate

    def of(self, action: str) -> Plan:
        """Read how an action can be run again, and what is missing for it.

        Source: Process, Workflow and Provenance Run Crate 0.5.
        """
        metadata = self._crate.metadata
        if metadata is None or action not in metadata.by_id:
            lack = Lack("its record cannot be read", "Mend the metadata document.")
            return Plan(action=action, lacks=(lack,))
        entity = metadata.by_id[action]
        if step_of := self._step_of(metadata, entity):
            lack = Lack(
                f"it is a step of {step_of}, and is run with it", "Reproduce that run."
            )
            return Plan(action=action, step_of=step_of, lacks=(lack,))
        reader = _Reader(self._crate, metadata, entity, self._keys)
        return reader.plan(self._steps_with(metadata, entity))

    @cached_property
    def _runs(self) -> Mapping[str, list[Entity]]:
        """Actions by what they ran."""
        found: dict[str, list[Entity]] = defaultdict(list)
        metadata = self._crate.metadata
        if metadata is None:
            return found
        for entity in metadata.entities:
            if ACTIONS.intersection(entity.types):
                for id in dict.fromkeys(metadata.references(entity, "instrument")):
                    found[id].append(entity)
        return found

    @cached_property
    def _workflow_of(self) -> Mapping[str, str]:
        """Workflows by the tools that they consist of.

        Source: Provenance Run Crate 0.5, "ControlAction", "OrganizeAction".
        """
        found: dict[str, str] = {}
        metadata = self._crate.metadata
        if metadata is None:
            return found
        for entity in metadata.entities:
            if "ComputationalWorkflow" in entity.types:
                for id in metadata.references(entity, "hasPart"):
                    found.setdefault(id, entity.id)
        return found

    def _step_of(self, metadata: Metadata, action: Entity) -> str:
        """The run of the workflow that an action was a step of; "" if of none."""
        own = set(metadata.references(action, "instrument"))
        for tool in own:
            workflow = self._workflow_of.get(tool)
            if workflow is not None and workflow not in own:
                for run in self._runs.get(workflow, ()):
                    return run.id
        return ""

    def _steps_with(self, metadata: Metadata, action: Entity) -> tuple[Step, ...]:
        """The steps of a run, in the order in which they ended."""
        found: dict[str, Entity] = {}
        for workflow in metadata.references(action, "instrument"):
            if workflow in metadata.by_id:
                whole = metadata.by_id[workflow]
                for tool in metadata.references(whole, "hasPart"):
                    found |= {run.id: run for run in self._runs.get(tool, ())}
        found.pop(action.id, None)
        runs = sorted(found.values(), key=lambda each: each.text("endTime") or "")
        return tuple(
            Step(run.id, run.text("name") or run.id, self._digests_of(metadata, run))
            for run in runs
        )

    def _digests_of(
        self, metadata: Metadata, action: Entity
    ) -> tuple[tuple[str, str], ...]:
        """What the results of an action hash to, by one digest each."""
        entities = (
            metadata.by_id[id]
            for id in metadata.references(action, "result")
            if id in metadata.by_id
        )
        return tuple(
            pair
            for entity in entities
            for pair in stated_digests(entity, self._keys)[:1]
        )

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        """Which keys of the document state digests."""
        metadata = self._crate.metadata
        return {} if metadata is None else digest_keys(metadata)


def read_plan(crate: Crate, action: str) -> Plan:
    """Read how one action of a crate can be run again."""
    return Plans(crate).of(action)


class _Reader:
    """Reads one action; what is missing adds up in `lacks`."""

    def __init__(
        self,
        crate: Crate,
        metadata: Metadata,
        action: Entity,
        digest_keys: Mapping[str, str],
    ) -> None:
        self.crate, self.metadata, self.action = crate, metadata, action
        self.digest_keys = digest_keys
        self.lacks: list[Lack] = []
        self.objects = list(self._entities("object"))
        self.tools = list(self._entities("instrument"))
        self.apart: list[str] = []
        self.directory = self._directory()

    def plan(self, steps: tuple[Step, ...]) -> Plan:
        """Read all of it; the steps are known."""
        engine, main = self._engine()
        command, is_shell = self._command()
        if engine in {"", "command"} and self.tools:
            engine = "command"
            if not command:
                self.lacks.append(_NO_COMMAND)
        if not self.tools:
            self._lack("what was run is not described", "Describe the instrument.")
        words = command if not is_shell else tuple(shlex.split(command[-1]))
        results = tuple(self._results(words))
        taken = Places(results)
        inputs = tuple(self._inputs(words, taken))
        code = tuple(self._code(words, taken))
        code += tuple(self._called(words, {*inputs, *code}, taken))
        commit, origin = self._commit()
        main = next((item.path for item in code if item.source == main), main)
        self._see_paths(command, inputs, code)
        self._see_places((*inputs, *code))
        if engine == "command" and not code and not commit:
            self._see_program(words)
        recorded = read_surroundings(self.crate, self.action, self.tools)
        self._see_container(recorded)
        return Plan(
            action=self.action.id,
            engine=engine,
            main=main,
            command=command,
            is_shell=is_shell,
            directory=self.directory,
            environment=self._environment(),
            parameters=self._parameters(),
            inputs=inputs,
            code=code,
            results=results,
            apart=tuple(self.apart),
            recorded=recorded,
            commit=commit,
            origin=origin,
            steps=steps,
            is_failed=self._is_failed(),
            lacks=tuple(self.lacks),
        )

    def _lack(self, what: str, fix: str) -> None:
        lack = Lack(what, fix)
        if lack not in self.lacks:
            self.lacks.append(lack)

    def _miss(self, what: str, fix: str) -> None:
        """A file is not here; of a lone document, none is expected."""
        if not self.crate.is_document:
            self._lack(what, fix)

    def _entities(self, key: str, of: Entity | None = None) -> Iterator[Entity]:
        for id in self.metadata.references(of or self.action, key):
            entity = self.metadata.by_id.get(id)
            if entity is not None:
                yield entity

    # -- what ran ----------------------------------------------------------------------

    def _engine(self) -> tuple[str, str]:
        """What runs it, and the path of the workflow or notebook in the crate."""
        for tool in self.tools:
            is_workflow = "ComputationalWorkflow" in tool.types
            located = self.crate.locate(tool.id)
            path = located.path or ""
            engine = _by_name(path)
            language = ""
            for entity in self._entities("programmingLanguage", tool):
                language = entity.text("name") or entity.id
                engine = _ENGINES.get(language.lower(), engine)
            if not is_workflow and engine not in {"notebook", "make"}:
                continue
            if not engine:
                said = f"{language} workflows" if language else "its workflow"
                self._lack(
                    f"nothing here runs {said}",
                    "Add a workflow in CWL, Snakemake or Nextflow, or a command line.",
                )
                return "none", path
            kept = located.entry is not None
            if not kept and isinstance(located.target, Local | Web | type(None)):
                self._miss(
                    f"its workflow {tool.id} is not in the crate",
                    "Put the workflow into the crate.",
                )
            return engine, path
        return "", ""

    def _command(self) -> tuple[tuple[str, ...], bool]:
        """The command, where it is recorded so that it can be told from prose."""
        for entity in self.objects:
            if "PropertyValue" not in entity.types:
                continue
            own = entity.text("propertyID") == f"{OWN}command"
            name = (entity.text("name") or "").lower()
            if own or name in {"command", "command line"}:
                return read_command(entity.properties.get("value"))
        line = (self.action.text("description") or "").strip()
        return read_command(line) if self._is_command(line) else ((), False)

    def _is_command(self, line: str) -> bool:
        """Whether a description is a command: it calls files of the run by name."""
        if not line or "\n" in line or line.endswith("."):
            return False
        words = words_of(line)
        if not words or not _PROGRAM.fullmatch(words[0]):
            return False
        known = {
            name
            for key in ("object", "result", "instrument")
            for entity in self._entities(key)
            for name in (entity.id, *self._names(entity))
        }
        return bool(known.intersection(words))

    def _is_failed(self) -> bool:
        for value in self.action.values("actionStatus"):
            said = value.get("@id") if isinstance(value, dict) else value
            if str(said).endswith("FailedActionStatus"):
                return True
        return False

    def _directory(self) -> str:
        for entity in self.objects:
            if entity.text("propertyID") == f"{OWN}working-directory":
                text = entity.text("value") or "."
                try:
                    return relative_path(text) or "."
                except UnsafeNameError:
                    self._lack(
                        f"it ran in {text}, which is outside of the crate",
                        "Record a working directory below the folder of the crate.",
                    )
        return "."

    def _environment(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for entity in self._entities("environment"):
            name, value = entity.text("name"), next(iter(entity.values("value")), "")
            if name and "=" not in name and "\0" not in f"{name}{value}":
                found[name] = str(value)
        return found

    def _parameters(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for entity in self.objects:
            if "PropertyValue" not in entity.types:
                continue
            formal = next(self._entities("exampleOfWork", entity), None)
            name = (formal and formal.text("name")) or entity.text("name")
            value = next(iter(entity.values("value")), None)
            property_id = entity.text("propertyID") or ""
            if name is None or (
                property_id.startswith(OWN) and property_id != f"{OWN}parameter"
            ):
                continue
            kind = (formal.text("additionalType") or "") if formal else ""
            own = property_id == f"{OWN}parameter"
            found[name] = typed(value, "json" if own else kind)
        return found

    # -- files -------------------------------------------------------------------------

    def _inputs(self, words: tuple[str, ...], taken: Places) -> Iterator[Item]:
        seen: set[str] = set()
        for entity in self.objects:
            parameter = self._parameter(entity)
            for part in self._parts(entity):
                if part.id in seen or not part.is_data():
                    continue
                seen.add(part.id)
                yield from self._input(part, parameter, words, taken)

    def _input(
        self,
        entity: Entity,
        parameter: str,
        words: tuple[str, ...],
        taken: Places,
    ) -> Iterator[Item]:
        located = self.crate.locate(entity.id)
        kept = located.entry is not None
        if not kept and isinstance(located.target, Web):
            yield from self._input_elsewhere(
                entity, located.target.url, parameter, words
            )
            return
        if not kept or located.path is None:
            self._miss(
                f"its input {entity.id} is missing", "Put the file into the crate."
            )
            return
        place = self._place(entity, words)
        for path, under in self._files_at(located.path):
            to = _below(place, under)
            # What it gave lies in the folder by now, and did not when it was read.
            if under and taken.holds(to):
                continue
            yield Item(
                entity.id,
                to,
                path,
                () if under else stated_digests(entity, self.digest_keys),
                parameter,
                "" if under else _called(entity, place),
            )

    def _input_elsewhere(
        self, entity: Entity, url: str, parameter: str, words: tuple[str, ...]
    ) -> Iterator[Item]:
        """An input that is on the web: with a digest it is known when it is seen."""
        digests = stated_digests(entity, self.digest_keys)
        if not digests:
            self._lack(
                f"its input {url} is not in the crate, and has no digest by which it"
                " would be known",
                "Put the file into the crate, or give its sha256.",
            )
            return
        place = self._place(entity, words)
        yield Item(entity.id, place, "", digests, parameter, url=url)

    def _code(self, words: tuple[str, ...], taken: Places) -> Iterator[Item]:
        seen: set[str] = set()
        for tool in self.tools:
            for part in [tool, *self._entities("hasPart", tool)]:
                located = self.crate.locate(part.id)
                if located.path is None or located.entry is None or part.id in seen:
                    continue
                if isinstance(located.target, Local) and part.is_data():
                    seen.add(part.id)
                    place = self._place(part, words)
                    for path, under in self._files_at(located.path):
                        to = _below(place, under)
                        if not (under and taken.holds(to)):
                            digests = (
                                () if under else stated_digests(part, self.digest_keys)
                            )
                            yield Item(part.id, to, path, digests)

    def _called(
        self, words: tuple[str, ...], placed: set[Item], taken: Places
    ) -> Iterator[Item]:
        """Other files of the crate that the command calls by name: scripts, mostly."""
        there = {item.path for item in placed}
        for word in dict.fromkeys(words):
            try:
                path = relative_path(word)
            except UnsafeNameError:
                continue
            entry = self.crate.payload.entries.get(f"{self.crate.prefix}{path}")
            is_file = entry is not None and entry.kind is EntryKind.FILE
            is_script = PurePosixPath(path).suffix in _SCRIPTS
            if taken.holds(path) and (path in taken.files or not is_script):
                continue
            if is_file and path not in there:
                known = self.metadata.by_id.get(path)
                digests = stated_digests(known, self.digest_keys) if known else ()
                yield Item(path, path, f"{self.crate.prefix}{path}", digests)

    def _results(self, words: tuple[str, ...]) -> Iterator[Result]:
        seen: set[str] = set()
        for id in self.metadata.references(self.action, "result"):
            entity = self.metadata.by_id.get(id)
            parts = list(self._parts(entity)) if entity else []
            parameter = self._parameter(entity) if entity else ""
            if not parts:
                self.apart.append(id)
            for part in parts:
                located = self.crate.locate(part.id)
                if part.id in seen:
                    continue
                seen.add(part.id)
                is_whole = located.path is not None and not self._within(located.path)
                if not part.is_data() or located.path is None or is_whole:
                    # An exit status of ours is compared with that of the new run.
                    if not (part.text("propertyID") or "").startswith(OWN):
                        self.apart.append(part.id)
                    continue
                yield Result(
                    part.id,
                    self._place(part, words),
                    located.path if located.entry is not None else "",
                    stated_digests(part, self.digest_keys),
                    part.text("encodingFormat") or "",
                    self._rule(part),
                    "File" not in part.types,
                    parameter,
                )

    def _parts(self, entity: Entity) -> Iterator[Entity]:
        """An entity itself, or the files that a collection consists of."""
        if "Collection" in entity.types:
            yield from self._entities("hasPart", entity)
        else:
            yield entity

    @cached_property
    def _formals(self) -> frozenset[str]:
        """The formal parameters of what was run."""
        return frozenset(
            id
            for tool in self.tools
            for key in ("input", "output")
            for id in self.metadata.references(tool, key)
        )

    def _parameter(self, entity: Entity) -> str:
        own = {tool.id for tool in self.tools}
        formals = list(self._entities("exampleOfWork", entity))
        for formal in formals:
            if formal.id in self._formals or formal.id.split("#")[0] in own:
                return formal.text("name") or ""
        return ""

    def _within(self, path: str) -> str:
        """A path from the folder of the crate; "" for that folder itself."""
        return f"{path}/".removeprefix(self.crate.prefix).strip("/")

    def _names(self, entity: Entity) -> Iterator[str]:
        """The paths under which a command may know a file."""
        located = self.crate.locate(entity.id)
        if located.path is not None:
            yield self._within(located.path)
        for key in ("alternateName", "name"):
            text = entity.text(key)
            # A name like "plot" may be the title of a figure, and a word by chance.
            if text and (key != "name" or "." in text or "/" in text):
                try:
                    yield relative_path(text)
                except UnsafeNameError:
                    continue

    def _place(self, entity: Entity, words: tuple[str, ...]) -> str:
        """Where the command expects a file: under the name by which it calls it."""
        located = self.crate.locate(entity.id)
        is_folder = "File" not in entity.types
        own = None if located.path is None else self._within(located.path)
        if own is not None and _calls(
            words, self._from_directory(own), is_folder=is_folder
        ):
            return own
        names = [name for name in self._names(entity) if name]
        for name in names:
            if _calls(words, name, is_folder=is_folder):
                return name if name == own else _below(self.directory, name)
        if own is not None:
            return own
        return names[0] if names else PurePosixPath(entity.id).name

    def _from_directory(self, path: str) -> str:
        """A path as a command calls it from where it starts."""
        return posixpath.relpath(path or ".", self.directory)

    def _files_at(self, path: str) -> Iterator[tuple[str, str]]:
        """The files of a folder, each with its path below it; a file by itself."""
        entries = self.crate.payload.entries
        if path in entries and entries[path].kind is EntryKind.FILE:
            yield path, ""
            return
        prefix = f"{path}/" if path else ""
        for each in self.crate.payload.files:
            if each.startswith(prefix):
                yield each, each.removeprefix(prefix)

    def _rule(self, entity: Entity) -> Rule:
        for value in self._entities("additionalProperty", entity):
            if value.text("propertyID") == f"{OWN}compare":
                try:
                    return Rule.from_dict(parsed(value.text("value") or "{}"))
                except (ValueError, TypeError, AttributeError, UsageError) as error:
                    self._lack(
                        f"how {entity.id} is to be compared cannot be read: {error}",
                        "Mend the rule.",
                    )
        return Rule()

    # -- what is missing ---------------------------------------------------------------

    def _commit(self) -> tuple[str, str]:
        """The commit of the code, and its repository, where they are named."""
        for tool in self.tools:
            commit = origin = ""
            for said in said_of_code(tool, self.metadata):
                if said.own and said.aspect is Aspect.COMMIT:
                    commit = commit or said.value
                if said.own and said.origin:
                    origin = origin or said.origin
            if commit:
                return commit, origin
        return "", ""

    def _see_container(self, recorded: Surroundings) -> None:
        """A tag says little of an image; with a lock file it need not."""
        image = recorded.container
        known = recorded.lock_file or recorded.packages or "@sha256:" in image
        if image and not known:
            self._lack(
                f"its container {image} is named by a tag alone, which may mean another"
                " image by now",
                "Name the digest of the image too, as its `sha256`.",
            )

    def _see_program(self, words: tuple[str, ...]) -> None:
        """Code that is nowhere: a program by its name alone is the machine's own."""
        for word in words:
            if PurePosixPath(word).suffix in _SCRIPTS:
                self._lack(
                    f"its code {word} is neither in the crate nor named by a commit",
                    "Put the script into the crate, or name the commit it is from.",
                )
                return

    def _see_paths(
        self, command: tuple[str, ...], inputs: tuple[Item, ...], code: tuple[Item, ...]
    ) -> None:
        """Absolute paths lead out of the work area, save to programs."""
        placed = {item.path for item in (*inputs, *code)}
        for word in command[1:]:
            value = word.rpartition("=")[2]
            system = value.startswith(("/usr/", "/bin/", "/dev/", "/tmp/"))  # noqa: S108
            if value.startswith("/") and not system and value not in placed:
                self._lack(
                    f"its command names {value}, a path of the machine it ran on",
                    "Record the command with paths relative to the working directory.",
                )
                return

    def _see_places(self, items: tuple[Item, ...]) -> None:
        """Each file needs a place of its own, and folders to lie in."""
        places: dict[str, Item] = {}
        for item in items:
            other = places.setdefault(item.path, item)
            is_same = other.source == item.source and other.url == item.url
            if not is_same and not set(other.digests).intersection(item.digests):
                self._lack(
                    f"{other.id} and {item.id} are both to be at {item.path}",
                    "Name each file as the command calls it, as its `alternateName`.",
                )
                return
        for item in items:
            for above in PurePosixPath(item.path).parents:
                if str(above) in places:
                    self._lack(
                        f"{item.id} is to be at {item.path}, below a file",
                        "Name each file as the command calls it, as its"
                        " `alternateName`.",
                    )
                    return


def _called(entity: Entity, place: str) -> str:
    """The name that a file had when it was read, if another one is kept."""
    name = PurePosixPath(entity.text("alternateName") or "").name
    return "" if name == PurePosixPath(place).name else name


def _below(folder: str, path: str) -> str:
    """The path of what lies below a folder; "" and "." are the top."""
    return posixpath.normpath(posixpath.join(folder, path)) if path else folder


def _calls(words: tuple[str, ...], name: str, *, is_folder: bool) -> bool:
    """Whether words of a command, or of a script in one, name a path as a whole."""
    if not any(name in word for word in words):
        return False
    end = r"(?![\w-]|\.\w)" if is_folder else r"(?![\w/-]|\.\w)"
    whole = re.compile(rf"(?<![\w./-])(?:\./)*{re.escape(name)}{end}")
    return any(whole.search(word) for word in words)


def _by_name(path: str) -> str:
    name = PurePosixPath(path)
    return _NAMES.get(name.name.lower()) or _SUFFIXES.get(name.suffix.lower(), "")
