"""A Snakemake workflow."""

import argparse
import re
from pathlib import Path

from reverify.model.rerun import Plan
from reverify.rerun.engines.common import (
    Foreseen,
    first_missing,
    from_directory,
    nobody,
    staged,
    write_json,
)
from reverify.rerun.interface import Environment, Prepared

_RULE = re.compile(r"^[ \t]*(?:rule|checkpoint)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_CONFIG = "reverify-config.json"


class Snakemake(Foreseen):
    """Runs `snakemake --cores 1 -s main`, configured by the recorded parameters.

    Rules run with the programs of the environment: an environment of conda's or an
    image that a rule names is not set up, as Snakemake does unless it is told to.
    """

    name = "snakemake"

    def programs(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - always that
        """It is Snakemake, and the shell that runs its rules."""
        return ("snakemake", "bash")

    def missing(
        self,
        plan: Plan,  # noqa: ARG002 - all need the same
        environment: Environment,
        stage: Path | None = None,  # noqa: ARG002 - likewise
    ) -> str:
        """Snakemake, if it is not there."""
        return first_missing(environment, "snakemake", "bash")

    def prepare(self, plan: Plan, stage: Path, environment: Environment) -> Prepared:  # noqa: ARG002 - all of it is in the plan
        """Write the parameters to a file of configuration; take recorded targets."""
        said = _recorded(plan.command)
        words = ["snakemake", "--cores", "1", "-s", from_directory(plan, plan.main)]
        # The solver that it has for the order of jobs is one more thing to go wrong.
        words += ["--scheduler", "greedy", "--nocolor", "--show-failed-logs"]
        own, configured = [".snakemake"], list(said.configfile or ())
        if plan.parameters:
            name = write_json(stage, _CONFIG, dict(plan.parameters))
            own.append(name)
            configured.append(from_directory(plan, name))
        words += ["--configfile", *configured] if configured else []
        values = [word for word in said.config or () if "=" in word]
        words += ["--config", *values] if values else []
        targets = _targets(plan, stage, [*(said.config or ()), *said.targets])
        words += ["--", *targets] if targets else []
        return Prepared(tuple(words), nobody(), {}, tuple(own))


def _recorded(command: tuple[str, ...]) -> argparse.Namespace:
    """What a recorded command line asks for; options unknown here are passed over."""
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, exit_on_error=False
    )
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--config", "-C", nargs="*")
    parser.add_argument("--configfile", "--configfiles", nargs="+")
    parser.add_argument("--snakefile", "-s")
    parser.add_argument("--directory", "-d")
    parser.add_argument("--cores", "-c", "--jobs", "-j", nargs="?")
    is_own = bool(command) and command[0].rpartition("/")[2] == "snakemake"
    words = list(command[1:]) if is_own else []
    after = words[words.index("--") + 1 :] if "--" in words else []
    try:
        said = parser.parse_known_args(words[: len(words) - len(after)])[0]
    except argparse.ArgumentError:
        said = parser.parse_known_args([])[0]
    said.targets += after
    return said


def _targets(plan: Plan, stage: Path, said: list[str]) -> list[str]:
    """Those words that are a result or a rule; others are values of unknown options."""
    main = staged(stage, plan.main)
    text = main.read_text("utf-8", "replace") if main else ""
    known = {from_directory(plan, result.path) for result in plan.results}
    known.update(_RULE.findall(text))
    return [word for word in said if word in known]
