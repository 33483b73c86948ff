"""The run: one action, with its values, variables and machine."""

import json
import math
import re
import shlex
from typing import Any

from reverify.capsules.mapping.graph import Graph, key_of, stated
from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.reader import Reader, is_own
from reverify.capsules.mapping.terms import action_time, manifest_time
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.crates.runs import ACTIONS
from reverify.model.capsule import Status

_STATUSES = {
    Status.DRAFT: "PotentialActionStatus",
    Status.RUNNING: "ActiveActionStatus",
    Status.COMPLETED: "CompletedActionStatus",
    Status.FAILED: "FailedActionStatus",
}
_PLATFORM = {
    "system": "operating system",
    "release": "release of the operating system",
    "machine": "machine",
    "locale": "locale",
    "time_zone": "time zone",
}
_COMMAND_NAMES = frozenset({"command", "command line"})


def write_run(
    graph: Graph,
    document: Json,
    *,
    code: Json,
    inputs: list[Json],
    outputs: list[Json],
    agents: list[Json],
    container: Json | None,
) -> Json:
    """Write the run of a capsule.

    Returns:
        a reference to the action.
    """
    run = stated(
        {**(document.get("run") or {}), "environment": None, "parameters": None}
    )
    failed = document["status"] == Status.FAILED
    command = run.get("command")
    values = []
    if command is not None:
        text = json.dumps(command, ensure_ascii=False)
        values.append(graph.value("command", "command", text))
    if "working_directory" in run:
        name, folder = "working directory", run["working_directory"]
        values.append(graph.value("working-directory", name, folder))
    values += _parameters(graph, document)
    results = list(outputs)
    if "exit_status" in run:
        number = run["exit_status"]
        results.append(graph.value("exit-status", "exit status", number))
    title = document["title"]
    started, ended = run.get("started"), run.get("ended")
    id = graph.name("run", run_id(document), "run")
    return graph.add(
        id,
        "CreateAction",
        {
            "name": f"Run of {title}",
            "description": shlex.join(command) if command else f"The run of {title}",
            "instrument": code,
            "agent": agents,
            "object": [*inputs, *values],
            "result": results,
            "startTime": started and action_time(started),
            "endTime": ended and action_time(ended),
            "actionStatus": f"http://schema.org/{_STATUSES[document['status']]}",
            "error": run.get("error") if failed else None,
            "environment": _variables(graph, document),
            "containerImage": container,
            "additionalProperty": _platform(graph, document),
        },
        derived=("name", "description", "agent"),
    )


def tells_of_a_run(document: Json) -> bool:
    """Whether a manifest says anything of a run; a registry may keep data alone."""
    told = stated(document)
    keys = ("run", "code", "environment", "inputs", "outputs")
    return any(told.get(key) for key in keys) or told["status"] != Status.COMPLETED


def is_whole(document: Json) -> bool:
    """Whether a manifest says all that the capsule profile asks for.

    Source: reverify/profiles/capsule, the rules of level MUST.
    """
    told = stated(document)
    run, code = told.get("run") or {}, told.get("code") or {}
    lock = (told.get("environment") or {}).get("lock_file")
    files = [
        *(told.get("inputs") or ()),
        *(told.get("outputs") or ()),
        *(code.get("files") or ()),
        *([lock] if lock else ()),
    ]
    return (
        bool(run.get("command"))
        and {"started", "ended"} <= set(run)
        and any(code.get(key) for key in ("git_commit", "git_tree_hash", "files"))
        and Status(told["status"]).is_over
        and all("path" in file or {"size", "sha256"} <= set(file) for file in files)
    )


def run_id(document: Json) -> str:
    """The @id of the run of a capsule."""
    return f"#run-{document['id']}"


def _parameters(graph: Graph, document: Json) -> list[Json]:
    parameters = (document.get("run") or {}).get("parameters") or {}
    found = []
    for name, value in parameters.items():
        text = json.dumps(value, ensure_ascii=False)
        found.append(graph.value("parameter", name, text, local=f"parameter-{name}"))
    return found


def _variables(graph: Graph, document: Json) -> list[Json]:
    """Environment variables; one that was not set has no value."""
    variables = (document.get("run") or {}).get("environment") or {}
    found = []
    for name, value in variables.items():
        id = graph.name(key_of("variable", name), None, f"environment-{name}")
        properties = {"name": name, "value": value}
        found.append(graph.add(id, "PropertyValue", properties))
    return found


def _platform(graph: Graph, document: Json) -> list[Json]:
    platform = stated((document.get("environment") or {}).get("platform") or {})
    return [
        graph.value(f"platform-{key}", name, platform[key])
        for key, name in _PLATFORM.items()
        if key in platform
    ]


def find_run(reader: Reader, capsule: str | None) -> Entity | None:
    """The action that a manifest can speak of, if there is any.

    Args:
        reader: where from.
        capsule: the id of the capsule, if the crate has one.
    """
    metadata = reader.metadata
    actions = {e.id: e for e in metadata.entities if _is_run(metadata, e)}
    found = actions.get(f"#run-{capsule}") or _only(metadata, actions)
    if found is None and actions:
        found = min(actions.values(), key=lambda e: (e.text("endTime") or "", e.id))
    if found is not None:
        reader.ids["run"] = found.id
        reader.use(
            found, "actionStatus", next(iter(found.values("actionStatus")), None)
        )
        if len(actions) > 1 and found.id != f"#run-{capsule}":
            reader.remark(
                f"{len(actions)} runs are recorded, and a capsule is of one: {found.id}"
                " is taken"
            )
    return found


def _is_run(metadata: Metadata, entity: Entity) -> bool:
    """Whether an action ran something, and did not only make or mend the crate."""
    if not ACTIONS.intersection(entity.types):
        return False
    crate = {each.id for each in (metadata.descriptor, metadata.root) if each}
    return crate.isdisjoint(metadata.references(entity, "object"))


def _only(metadata: Metadata, actions: dict[str, Entity]) -> Entity | None:
    """The only action, or the only one that ran what the crate is about."""
    about = (
        set(metadata.references(metadata.root, "mainEntity")) if metadata.root else ()
    )
    ran = [
        action
        for action in actions.values()
        if about and set(about).intersection(metadata.references(action, "instrument"))
    ]
    for found in (ran, list(actions.values())):
        if len(found) == 1:
            return found[0]
    return None


def read_status(action: Entity) -> Status | None:
    """How far the run is, by the last part of its status; absent means completed.

    Source: Process Run Crate 0.5, "actionStatus".
    """
    for value in action.values("actionStatus"):
        text = value.get("@id") if isinstance(value, dict) else value
        word = re.split("[/#]", text.strip())[-1] if isinstance(text, str) else ""
        for status, name in _STATUSES.items():
            if word == name:
                return status
        return None
    return Status.COMPLETED


def read_run(reader: Reader, action: Entity) -> Json:
    """Read how something was run."""
    run: Json = {}
    parameters: Json = {}
    for value in reader.entities(action, "object"):
        if "PropertyValue" in value.types:
            _read_value(reader, value, run, parameters)
    if parameters:
        run["parameters"] = parameters
    variables = {
        name: reader.text(variable, "value")
        for variable in reader.entities(action, "environment")
        if (name := _variable(reader, variable))
    }
    if variables:
        run["environment"] = variables
    for key, name in (("startTime", "started"), ("endTime", "ended")):
        text = action.text(key)
        if text is None:
            continue
        moment = manifest_time(text)
        if moment is None:
            reader.remark(
                f"{action.id}: {key} {text[:40]!r} is no time with a zone, left out"
            )
        else:
            run[name] = moment
            reader.use(action, key, text)
    status = reader.own_value(action, "result", "exit-status")
    if isinstance(status, int) and not isinstance(status, bool):
        run["exit_status"] = status
    if (error := reader.text(action, "error")) is not None:
        run["error"] = error
    return run


def _variable(reader: Reader, entity: Entity) -> str | None:
    name = reader.text(entity, "name")
    if not name or "=" in name or "\0" in name:
        reader.remark(f"{entity.id}: is no environment variable, and is left out")
        return None
    reader.ids.setdefault(key_of("variable", name), entity.id)
    return name


def _read_value(reader: Reader, entity: Entity, run: Json, parameters: Json) -> None:
    name = reader.text(entity, "name") or ""
    values = entity.values("value")
    value = values if len(values) > 1 else next(iter(values), None)
    for each in values:
        reader.use(entity, "value", each)
    if is_own(entity, "parameter"):
        if name:
            parameters[name] = _parsed(reader, entity, value)
            reader.ids.setdefault(f"parameter-{name}", entity.id)
    elif is_own(entity, "working-directory"):
        if isinstance(value, str):
            run["working_directory"] = value
            reader.ids.setdefault("working-directory", entity.id)
    elif name.lower() in _COMMAND_NAMES:
        command = _parsed(reader, entity, value)
        if isinstance(command, list) and all(isinstance(a, str) for a in command):
            run["command"] = command
            reader.ids.setdefault("command", entity.id)
        else:
            reader.remark(f"{entity.id}: is no list of arguments, and is left out")
    elif not name or value is None or any(isinstance(v, dict) for v in values):
        reader.remark(f"{entity.id}: is no value with a name, and is left out")
    elif not isinstance(value, float) or math.isfinite(value):
        parameters.setdefault(name, value)
        reader.ids.setdefault(f"parameter-{name}", entity.id)


def _parsed(reader: Reader, entity: Entity, value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        reader.remark(f"{entity.id}: its value is no JSON, and is taken as text")
        return value


def read_platform(reader: Reader, action: Entity) -> Json:
    """Read what machine it ran on, if that is told in our way."""
    found = {
        key: reader.own_value(action, "additionalProperty", f"platform-{key}")
        for key in _PLATFORM
    }
    return {key: value for key, value in found.items() if isinstance(value, str)}
