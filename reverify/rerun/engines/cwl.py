"""A workflow or tool in the Common Workflow Language."""

import os
import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path

from reverify.model.rerun import Item, Plan, Result
from reverify.rerun.engines.common import (
    first_missing,
    from_directory,
    nobody,
    write_json,
)
from reverify.rerun.engines.cwl_document import Document, read_document
from reverify.rerun.engines.cwl_outputs import Output, read_outputs
from reverify.rerun.interface import Environment, Prepared, Ran

_CACHE = ".reverify-steps"
_JOB = "reverify-job.json"
_READERS: Mapping[str, Callable[[str], object]] = {
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}
"""How the texts that most records make of all values are read back."""
_RUNNERS = {"cwltool", "cwl-runner"}


class Cwl:
    """Runs `cwltool --no-container`: tools run with the programs of the environment."""

    name = "cwl"

    def programs(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - always those
        """It is cwltool, and Node.js where a workflow computes in JavaScript."""
        return ("cwltool", "node", "nodejs")

    def missing(
        self, plan: Plan, environment: Environment, stage: Path | None = None
    ) -> str:
        """Cwltool, a container that a tool asks for, or what runs its JavaScript."""
        lack = first_missing(environment, "cwltool")
        if lack or stage is None:
            return lack
        document = read_document(stage, plan.main)
        if document.images:
            images = ", ".join(document.images)
            return f"it needs a container ({images}), and none can be run inside"
        if document.computes and first_missing(environment, "node"):
            return first_missing(environment, "nodejs") and (
                "the program node is not on this machine"
            )
        return ""

    def prepare(self, plan: Plan, stage: Path, environment: Environment) -> Prepared:  # noqa: ARG002 - all of it is in the plan
        """Write the job: inputs and parameters by name; or take the recorded one."""
        document = read_document(stage, plan.main)
        outdir = _outdir(plan)
        words = ["cwltool", "--no-container", "--disable-color", "--skip-schemas"]
        words += ["--relax-path-checks", "--outdir", from_directory(plan, outdir)]
        # Results are files of their own, also those that an input was passed on as.
        words += ["--copy-outputs", from_directory(plan, plan.main)]
        own: tuple[str, ...] = ()
        job = _job(plan, stage, document)
        if plan.steps:  # what they give is kept, to tell which of them differs
            words[1:1] = ["--cachedir", from_directory(plan, _CACHE)]
            own = (_CACHE,)
        recorded = _recorded(plan)
        if job or not recorded:
            own = (write_json(stage, _JOB, job), *own)
            words.append(from_directory(plan, own[0]))
        else:
            words += recorded
        return Prepared(tuple(words), nobody(), _moved(plan, outdir), own)

    def found(self, plan: Plan, prepared: Prepared, ran: Ran) -> Mapping[str, str]:
        """Take what cwltool says of its outputs: which they are, and where they lie.

        A result is the output of its formal parameter. Of several, it is the one that
        has its digest, else its name, else its place in the order.
        """
        outputs = read_outputs(ran.output, ran.written)
        taken: set[str] = set()
        found = dict(prepared.moved)
        for test in (_has_its_digest, _has_its_name, _has_its_kind):
            for result in plan.results:
                if not result.parameter or result.path in taken:
                    continue
                for output in outputs.get(result.parameter, ()):
                    if test(result, output):
                        found[result.path] = output.path
                        outputs[result.parameter].remove(output)
                        taken.add(result.path)
                        break
        return {path: to for path, to in found.items() if path != to}


def _has_its_digest(result: Result, output: Output) -> bool:
    return ("sha1", output.sha1) in result.digests


def _has_its_name(result: Result, output: Output) -> bool:
    name = posixpath.basename(output.path)
    return name in {posixpath.basename(result.path), posixpath.basename(result.source)}


def _has_its_kind(result: Result, output: Output) -> bool:
    return output.is_folder == result.is_folder


def _recorded(plan: Plan) -> list[str]:
    """What follows the workflow on a recorded command line: a job file, or inputs."""
    words = list(plan.command)
    if not words or words[0].rpartition("/")[2] not in _RUNNERS:
        return []
    main = posixpath.basename(plan.main)
    for index, word in enumerate(words[1:], 1):
        if posixpath.basename(word.partition("#")[0]) == main:
            return words[index + 1 :]
    return []


def _outdir(plan: Plan) -> str:
    """The folder that holds all results: cwltool puts its own there."""
    folders = [posixpath.dirname(result.path) or "." for result in plan.results]
    if not folders:
        return plan.directory
    return posixpath.normpath(os.path.commonpath(folders) or ".")


def _moved(plan: Plan, outdir: str) -> dict[str, str]:
    """Files of folders that no result is: cwltool puts them side by side."""
    folders = [item.path for item in plan.results if item.is_folder]
    found = {}
    for result in plan.results:
        if any(result.path.startswith(f"{folder}/") for folder in folders):
            continue
        to = posixpath.normpath(posixpath.join(outdir, posixpath.basename(result.path)))
        if to != result.path:
            found[result.path] = to
    return found


def _job(plan: Plan, stage: Path, document: Document) -> dict[str, object]:
    """The inputs by name, as a job file has them.

    Source: Common Workflow Language 1.2, "Input object"; its paths are relative to the
    job file, which lies at the top of the work area.
    """
    job: dict[str, object] = {
        name: _typed(value, document.inputs.get(name, ""))
        for name, value in plan.parameters.items()
        if name in document.inputs or not document.inputs
    }
    given: dict[str, list[Item]] = {}
    for item in plan.inputs:
        if item.parameter:
            given.setdefault(item.parameter, []).append(item)
    for name, items in given.items():
        kind = document.inputs.get(name, "File")
        if "Directory" in kind:
            job[name] = {"class": "Directory", "path": _folder(stage, items)}
        elif "File[]" in kind:
            job[name] = [_file(item) for item in items]
        else:
            first, *others = items
            job[name] = _file(first) | (
                {"secondaryFiles": [_file(item) for item in others]} if others else {}
            )
    return job


def _file(item: Item) -> dict[str, object]:
    # A tool may go by the ending of a name, and writers name files by their digests.
    called = {"basename": posixpath.basename(item.called)} if item.called else {}
    return {"class": "File", "path": item.path, **called}


def _folder(stage: Path, items: list[Item]) -> str:
    paths = [item.path for item in items]
    if len(paths) == 1 and (stage / paths[0]).is_dir():
        return paths[0]
    return os.path.commonpath([posixpath.dirname(path) or "." for path in paths])


def _typed(value: object, kind: str) -> object:
    """A recorded value in the type that the workflow declares."""
    if isinstance(value, list) or (isinstance(value, Mapping) and "class" in value):
        return value
    kind = kind.rstrip("?")
    if not isinstance(value, str):
        return str(value) if kind == "string" else value
    try:
        return _READERS[kind](value)
    except (KeyError, ValueError):
        return value
