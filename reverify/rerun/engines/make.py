"""A makefile."""

import re
from pathlib import Path

from reverify.model.rerun import Plan
from reverify.rerun.engines.common import (
    Foreseen,
    first_missing,
    from_directory,
    nobody,
)
from reverify.rerun.interface import Environment, Prepared

_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*[:?+]?=.*", re.DOTALL)
_TAKE_A_WORD = {"-f", "-C", "-I", "-o", "-W", "-l", "-j", "--file", "--makefile"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Make(Foreseen):
    """Runs `make -f main`, with the targets and variables that were recorded."""

    name = "make"

    def programs(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - always make
        """It is make alone."""
        return ("make",)

    def missing(
        self,
        plan: Plan,  # noqa: ARG002 - all need the same
        environment: Environment,
        stage: Path | None = None,  # noqa: ARG002 - likewise
    ) -> str:
        """Make, if it is not there."""
        return first_missing(environment, "make")

    def prepare(self, plan: Plan, stage: Path, environment: Environment) -> Prepared:  # noqa: ARG002 - writes nothing
        """Take the targets and variables from the command; else from the parameters."""
        words = _recorded(plan.command)
        if not any(_ASSIGNED.fullmatch(word) for word in words):
            words += [
                f"{name}={value}"
                for name, value in plan.parameters.items()
                if _NAME.fullmatch(name) and isinstance(value, str | int | float)
            ]
        main = from_directory(plan, plan.main)
        return Prepared(("make", "-f", main, *words), nobody())


def _recorded(command: tuple[str, ...]) -> list[str]:
    """The targets and variables of a recorded command line of make."""
    if not command or command[0].rpartition("/")[2] not in {"make", "gmake"}:
        return []
    found, words = [], iter(command[1:])
    for word in words:
        if word in _TAKE_A_WORD:
            next(words, None)
        elif not word.startswith("-"):
            found.append(word)
    return found
