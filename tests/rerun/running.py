"""Runs workflows of the fixtures as `reverify reproduce` does."""

import functools
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from reverify.model.rerun import Plan, Surroundings
from reverify.rerun.engines import ENGINES
from reverify.rerun.environments import as_is
from reverify.rerun.interface import Environment, Job, Prepared, Ran

from tests.conftest import ROOT
from tests.rerun.confining import run_job

WORKFLOWS = ROOT / "fixtures" / "workflows"
TOOLS = Path(sys.prefix) / "tools" / "snakemake" / "bin"
"""Where `make dev` puts Snakemake: it wants other versions of what we need."""


def environ(**others: str) -> dict[str, str]:
    """A user who has the programs of the test environment on the PATH."""
    path = os.pathsep.join((f"{sys.prefix}/bin", str(TOOLS), "/usr/bin", "/bin"))
    return {"PATH": path, "HOME": os.environ.get("HOME", "/"), **others}


@functools.cache
def environment_for(*programs: str) -> Environment:
    """The environment of that user as it is."""
    return as_is(Surroundings(), environ(), programs)


def stage(folder: Path, *workflows: str, rain: str = "rain.csv") -> Path:
    """A work area with the files of some workflows."""
    folder.mkdir(parents=True)
    for name in workflows:
        shutil.copytree(WORKFLOWS / name, folder, dirs_exist_ok=True)
    (folder / rain).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(WORKFLOWS / "rain.csv", folder / rain)
    return folder


def run(
    plan: Plan,
    area: Path,
    environment: Environment | None = None,
    variables: Mapping[str, str] | None = None,
) -> tuple[Ran, Prepared]:
    """Prepare a plan, and run it on what lies in `area`."""
    engine = ENGINES[plan.engine]
    if environment is None:
        environment = environment_for(*engine.programs(plan))
    assert engine.missing(plan, environment, area) == ""
    prepared = engine.prepare(plan, area, environment)
    job = Job(
        command=prepared.command,
        stage=area,
        directory=plan.directory,
        environment={
            **environment.variables,
            **prepared.environment,
            **(variables or {}),
        },
        path=environment.path,
        binds=environment.binds,
    )
    return run_job(job, area.parent / "written"), prepared
