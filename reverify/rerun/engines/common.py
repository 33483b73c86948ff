"""What engines have in common."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from reverify.model.rerun import Plan
from reverify.rerun.interface import Environment, Prepared, Ran
from reverify.rerun.programs import find

CONTAINER = "container"


class Foreseen:
    """An engine whose results turn up where it was said before the run."""

    def found(self, plan: Plan, prepared: Prepared, ran: Ran) -> Mapping[str, str]:  # noqa: ARG002 - others look at them
        """Where it was said that they would."""
        return prepared.moved


def nobody() -> Mapping[str, str]:
    """Who runs it: a confined command has no list of users to look its name up in."""
    return {"USER": "nobody", "LOGNAME": "nobody"}


def is_elsewhere(environment: Environment) -> bool:
    """Whether its programs cannot be looked for from here: those of an image."""
    return environment.name == CONTAINER


def first_missing(environment: Environment, *programs: str) -> str:
    """The first program that is not there, as a clause; "" if all are."""
    if is_elsewhere(environment):
        return ""
    for program in programs:
        if not find(program, environment):
            return f"the program {program} is not on this machine"
    return ""


def staged(stage: Path, path: str | Path) -> Path | None:
    """A file of the stage; None if there is none, or a link leads out of the stage."""
    try:
        found = (stage / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return found if found.is_relative_to(stage.resolve()) and found.is_file() else None


def from_directory(plan: Plan, path: str) -> str:
    """A path of the work area, from the folder where the command starts."""
    return os.path.relpath(path, plan.directory)


def write_json(stage: Path, name: str, value: object) -> str:
    """Write a file of an engine's own to the top of the stage, under a free name.

    Returns:
        The name that it has got.
    """
    stem, _, suffix = name.partition(".")
    number = 1
    while os.path.lexists(stage / name):
        number += 1
        name = f"{stem}-{number}.{suffix}"
    text = json.dumps(value, indent=2, sort_keys=True)
    (stage / name).write_text(f"{text}\n", encoding="utf-8")
    return name
