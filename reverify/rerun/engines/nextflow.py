"""A Nextflow workflow."""

from pathlib import Path

from reverify.model.rerun import Plan
from reverify.rerun.engines.common import (
    Foreseen,
    first_missing,
    from_directory,
    is_elsewhere,
    nobody,
    write_json,
)
from reverify.rerun.interface import Environment, Prepared
from reverify.rerun.programs import find

_WHOLE = 10_000_000
"""Bytes from which on a launcher is not one alone, but has all in it."""


class Nextflow(Foreseen):
    """Runs `nextflow run main`, with the recorded parameters in a file.

    Its launcher fetches the rest of it from the web when it first starts; a confined
    run has no network, so that must have happened before.
    """

    name = "nextflow"

    def programs(self, plan: Plan) -> tuple[str, ...]:  # noqa: ARG002 - always those
        """It needs Java."""
        return ("java", "nextflow", "bash")

    def missing(
        self,
        plan: Plan,  # noqa: ARG002 - all need the same
        environment: Environment,
        stage: Path | None = None,  # noqa: ARG002 - likewise
    ) -> str:
        """Java, the launcher, or what the launcher would fetch."""
        lack = first_missing(environment, "java", "nextflow", "bash")
        if lack or is_elsewhere(environment):
            return lack
        launcher = find("nextflow", environment)
        fetched = Path(environment.variables.get("NXF_DIST", "/nonexistent"))
        is_whole = launcher is not None and launcher.stat().st_size > _WHOLE
        if not is_whole and not any(fetched.glob("*/nextflow-*.jar")):
            return (
                "the framework of Nextflow is not on this machine (`nextflow info`"
                " fetches it)"
            )
        return ""

    def prepare(self, plan: Plan, stage: Path, environment: Environment) -> Prepared:  # noqa: ARG002 - all of it is in the plan
        """Write the parameters to a file."""
        words = ["nextflow", "-log", "/tmp/nextflow.log", "run"]  # noqa: S108 - its own
        words += [from_directory(plan, plan.main), "-ansi-log", "false"]
        own = [".nextflow", "work"]
        if plan.parameters:
            name = write_json(stage, "reverify-params.json", dict(plan.parameters))
            own.append(name)
            words += ["-params-file", from_directory(plan, name)]
        variables = {
            **nobody(),
            "NXF_OFFLINE": "true",
            "NXF_DISABLE_CHECK_LATEST": "true",
        }
        return Prepared(tuple(words), variables, {}, tuple(own))
