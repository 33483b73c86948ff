"""A command line: a program, or a script with whatever runs it."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from reverify.model.rerun import Plan
from reverify.rerun.engines.common import Foreseen, is_elsewhere, nobody, staged
from reverify.rerun.interface import Environment, Prepared
from reverify.rerun.programs import find, is_python, shebang

_BY_SUFFIX = {
    ".py": "python3",
    ".r": "Rscript",
    ".sh": "sh",
    ".bash": "bash",
    ".jl": "julia",
    ".pl": "perl",
    ".rb": "ruby",
}
"""What runs a script that does not say so in its first line."""


class _Found(NamedTuple):
    command: tuple[str, ...]
    missing: str = ""


class Command(Foreseen):
    """Runs the command as it was recorded, with the programs of the environment."""

    name = "command"

    def programs(self, plan: Plan) -> tuple[str, ...]:
        """The program that the command begins with, if it is none of the run's own."""
        if not plan.command:
            return ()
        word = plan.command[0]
        is_own = "/" in word and not word.startswith("/")
        return () if is_own else (PurePosixPath(word).name,)

    def missing(
        self, plan: Plan, environment: Environment, stage: Path | None = None
    ) -> str:
        """The program that is not there, if one is not."""
        if not plan.command:
            return "no command is recorded"
        return _find(plan, environment, stage).missing

    def prepare(self, plan: Plan, stage: Path, environment: Environment) -> Prepared:
        """Take the command; a script is handed to what its first line names.

        So a script runs with the interpreter of the environment, whichever file its
        first line names, and whether or not it is marked as executable.
        """
        return Prepared(_find(plan, environment, stage).command, nobody())


def _find(plan: Plan, environment: Environment, stage: Path | None) -> _Found:
    word, *rest = plan.command
    if "/" in word and not word.startswith("/"):
        return _script(word, rest, plan, environment, stage)
    if is_elsewhere(environment):
        return _Found(plan.command)
    # A path from the top is one of the machine where it ran; its last part is the name.
    name = PurePosixPath(word).name
    if program := _program(name, environment):
        return _Found((program, *rest))
    if stage is not None and staged(stage, Path(plan.directory, name)):
        return _script(name, rest, plan, environment, stage)
    return _Found(plan.command, f"the program {name} is not on this machine")


def _program(name: str, environment: Environment) -> str:
    """The name by which a program is found; any Python may stand in for another."""
    if find(name, environment):
        return name
    if is_python(name):
        return next((n for n in ("python3", "python") if find(n, environment)), "")
    return ""


def _script(
    word: str,
    rest: list[str],
    plan: Plan,
    environment: Environment,
    stage: Path | None,
) -> _Found:
    if stage is None:
        return _Found((word, *rest))
    script = staged(stage, Path(plan.directory, word))
    if script is None:
        return _Found((word, *rest), f"{word} is not among the files of the run")
    words = shebang(script)
    if not words:
        by_suffix = _BY_SUFFIX.get(PurePosixPath(word).suffix.lower())
        words = [by_suffix] if by_suffix else []
    if not words:
        script.chmod(0o755)
        own = word if "/" in word else f"./{word}"
        return _Found((own, *rest))
    if is_elsewhere(environment):
        return _Found((*words, word, *rest))
    name = PurePosixPath(words[0]).name
    program = _program(name, environment)
    missing = "" if program else f"{name}, which runs {word}, is not on this machine"
    return _Found((program or name, *words[1:], word, *rest), missing)
