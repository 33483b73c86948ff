"""Workflows of ours, run for real by each engine."""

import json
import shutil
from pathlib import Path

import pytest
from reverify.model.rerun import Item, Package, Plan, Result, Surroundings
from reverify.rerun.engines import ENGINES
from reverify.rerun.engines.cwl_document import read_document
from reverify.rerun.environments import as_is
from reverify.rerun.interface import Environment

from tests.rerun.running import WORKFLOWS, environment_for, run, stage

SUMS = "station,mm\nnorth,4.25\nsouth,4.75\n"
BARE = Environment(name="as-is", path=("/nonexistent",))


def items(*named: tuple[str, str]) -> tuple[Item, ...]:
    return tuple(Item(path, path, path, (), name) for path, name in named)


def results(*paths: str) -> tuple[Result, ...]:
    return tuple(Result(path, path, path) for path in paths)


def sources(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells]


# -- notebooks -------------------------------------------------------------------------


def test_a_notebook_is_executed_and_put_where_its_result_is(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "notebook")
    plan = Plan(
        action="#run",
        engine="notebook",
        main="rain.ipynb",
        results=results("sums.csv", "out/rain-executed.ipynb"),
        parameters={"least": 4.5},
    )
    ran, _ = run(plan, area)
    assert ran.status == 0, ran.errors
    assert (ran.written / "sums.csv").read_text() == SUMS
    executed = json.loads((ran.written / "out/rain-executed.ipynb").read_text())
    assert "".join(executed["cells"][-1]["outputs"][0]["text"]) == "south\n"
    assert sources(ran.written / "out/rain-executed.ipynb")[2].endswith("least = 4.5")
    # What was recorded stays as it was.
    source = WORKFLOWS / "notebook/rain.ipynb"
    assert (ran.written / "rain.ipynb").read_bytes() == source.read_bytes()


def test_a_notebook_that_fails_says_where_and_is_kept(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "notebook")
    (area / "rain.csv").write_text("station\nnorth\n")
    plan = Plan(
        action="#run",
        engine="notebook",
        main="rain.ipynb",
        results=results("rain.ipynb"),
    )
    ran, _ = run(plan, area)
    assert ran.status == 1
    assert b"KeyError" in ran.errors
    assert (ran.written / "rain.ipynb").read_text().count("KeyError")


def test_a_notebook_needs_nbclient_and_a_kernel() -> None:
    engine, there = ENGINES["notebook"], (Package("NBClient", "0.10"),)
    plan = Plan(action="#run", engine="notebook", main="rain.ipynb")
    path = environment_for("python3").path
    without = Environment(name="venv", path=path)
    assert engine.missing(plan, without) == (
        "the package nbclient is not in the environment"
    )
    without = Environment(
        name="venv", path=path, surroundings=Surroundings(packages=there)
    )
    assert engine.missing(plan, without) == (
        "the package ipykernel is not in the environment"
    )


def test_a_notebook_in_another_language_is_not_run(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "notebook")
    spec = {"name": "ir", "display_name": "R", "language": "R"}
    document = {"metadata": {"kernelspec": spec}, "cells": []}
    (area / "rain.ipynb").write_text(json.dumps(document))
    plan = Plan(action="#run", engine="notebook", main="rain.ipynb")
    missing = ENGINES["notebook"].missing(plan, environment_for("python3"), area)
    assert missing == "nothing here runs notebooks in r"


# -- CWL -------------------------------------------------------------------------------


CWL = Plan(
    action="#run",
    engine="cwl",
    main="sum.cwl",
    parameters={"least": "4.5"},
    inputs=items(("data/rain.csv", "rain"), ("sum.py", "script")),
    results=results("results/sums.csv", "results/wet.txt"),
)


def cwl_area(tmp_path: Path) -> Path:
    area = stage(tmp_path / "area", "cwl", rain="data/rain.csv")
    shutil.copy(WORKFLOWS / "command/sum.py", area)
    return area


def test_a_cwl_workflow_runs_with_a_job_made_of_the_record(tmp_path: Path) -> None:
    area = cwl_area(tmp_path)
    ran, prepared = run(CWL, area)
    assert ran.status == 0, ran.errors.decode()
    assert not prepared.moved
    assert (ran.written / "results/sums.csv").read_text() == SUMS
    assert (ran.written / "results/wet.txt").read_text() == "south\n"
    # The type that the workflow declares counts, not that of the record.
    assert json.loads((area / prepared.own[0]).read_text())["least"] == 4.5
    assert json.loads(ran.output)["sums"]["class"] == "File"


def test_a_recorded_job_file_is_taken(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "cwl", rain="data/rain.csv")
    shutil.copy(WORKFLOWS / "command/sum.py", area)
    job = "script: {class: File, path: sum.py}\nleast: 4.5\n"
    job += "rain: {class: File, path: data/rain.csv}\n"
    (area / "job.yml").write_text(job)
    plan = Plan(
        action="#run",
        engine="cwl",
        main="sum.cwl",
        command=("cwltool", "--outdir", "x", "sum.cwl", "job.yml"),
        results=results("sums.csv", "kept/wet.txt"),
    )
    ran, prepared = run(plan, area)
    assert ran.status == 0, ran.errors.decode()
    # They lay in two folders; cwltool puts them side by side.
    assert prepared.moved == {"kept/wet.txt": "wet.txt"}
    assert (ran.written / "wet.txt").read_text() == "south\n"


def test_a_tool_that_needs_a_container_is_not_run(tmp_path: Path) -> None:
    area = cwl_area(tmp_path)
    tool = area / "choose.cwl"
    required = "requirements: [{class: DockerRequirement, dockerPull: 'alpine:3'}]\n"
    tool.write_text(tool.read_text() + required)
    missing = ENGINES["cwl"].missing(CWL, environment_for("cwltool"), area)
    assert missing == "it needs a container (alpine:3), and none can be run inside"


def test_a_container_that_is_only_a_hint_is_done_without(tmp_path: Path) -> None:
    area = cwl_area(tmp_path)
    tool = area / "choose.cwl"
    hint = "hints: {DockerRequirement: {dockerPull: 'alpine:3'}}\n"
    tool.write_text(tool.read_text() + hint)
    environment = environment_for("cwltool", "node", "nodejs")
    assert ENGINES["cwl"].missing(CWL, environment, area) == ""


def test_javascript_needs_node(tmp_path: Path) -> None:
    area = cwl_area(tmp_path)
    tool = area / "choose.cwl"
    tool.write_text(tool.read_text() + "requirements: {InlineJavascriptRequirement: }")
    cwltool = environment_for("cwltool")
    only = tmp_path / "bin"
    only.mkdir()
    (only / "cwltool").symlink_to(Path(cwltool.path[0]) / "cwltool")
    found = ENGINES["cwl"].missing(CWL, Environment(name="x", path=(str(only),)), area)
    has_node = any(Path(f"/usr/bin/{name}").exists() for name in ("node", "nodejs"))
    assert found == ("" if has_node else "the program node is not on this machine")


def test_inputs_of_packed_workflows_are_known_by_their_short_names(
    tmp_path: Path,
) -> None:
    area = tmp_path / "area"
    area.mkdir()
    packed = {
        "cwlVersion": "v1.2",
        "$graph": [
            {"id": "#tool", "class": "CommandLineTool", "inputs": []},
            {
                "id": "#main",
                "class": "Workflow",
                "inputs": [
                    {"id": "#main/n", "type": ["null", "int"]},
                    {"id": "#main/all", "type": {"type": "array", "items": "File"}},
                    {"id": "#main/there", "type": "Directory"},
                    {"id": "#main/flag", "type": "boolean"},
                ],
            },
        ],
    }
    (area / "packed.cwl").write_text(json.dumps(packed))
    plan = Plan(
        action="#run",
        engine="cwl",
        main="packed.cwl",
        parameters={"n": "3", "flag": "True", "unknown": "x"},
        inputs=items(("a", "all"), ("d/x", "there"), ("d/y", "there")),
    )
    prepared = ENGINES["cwl"].prepare(plan, area, BARE)
    assert json.loads((area / prepared.own[0]).read_text()) == {
        "n": 3,
        "flag": True,
        "all": [{"class": "File", "path": "a"}],
        "there": {"class": "Directory", "path": "d"},
    }


# -- Snakemake -------------------------------------------------------------------------


def test_a_snakemake_workflow_runs_with_the_recorded_parameters(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "snakemake", "command")
    plan = Plan(
        action="#run",
        engine="snakemake",
        main="Snakefile",
        parameters={"least": 4.5},
        results=results("results/sums.csv", "results/wet.txt"),
    )
    ran, prepared = run(plan, area)
    assert ran.status == 0, ran.errors.decode()
    assert (ran.written / "results/sums.csv").read_text() == SUMS
    assert (ran.written / "results/wet.txt").read_text() == "south\n"
    assert ".snakemake" in prepared.own


@pytest.mark.parametrize(
    "targets", [["results/sums.csv", "sum"], ["--", "results/sums.csv", "sum"]]
)
def test_recorded_targets_and_configuration_are_taken(
    tmp_path: Path, targets: list[str]
) -> None:
    area = stage(tmp_path / "area", "snakemake", "command")
    command = "snakemake -s Snakefile --cores 4 --group-components g=2 --use-conda"
    plan = Plan(
        action="#run",
        engine="snakemake",
        main="Snakefile",
        command=(*command.split(), "--config", "least=1", *targets),
        results=results("results/sums.csv"),
    )
    words = ENGINES["snakemake"].prepare(plan, area, BARE).command
    assert words[:5] == ("snakemake", "--cores", "1", "-s", "Snakefile")
    assert words[-5:] == ("--config", "least=1", "--", "results/sums.csv", "sum")
    assert "g=2" not in words


# -- make and Nextflow -----------------------------------------------------------------


def test_a_makefile_runs_with_recorded_targets_and_variables(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "make", "command")
    plan = Plan(
        action="#run",
        engine="make",
        main="Makefile",
        command=("make", "-j", "4", "LEAST=4.5", "results/wet.txt"),
        results=results("results/wet.txt", "results/sums.csv"),
    )
    ran, prepared = run(plan, area)
    assert ran.status == 0, ran.errors.decode()
    assert prepared.command == (
        "make",
        "-f",
        "Makefile",
        "LEAST=4.5",
        "results/wet.txt",
    )
    assert (ran.written / "results/wet.txt").read_text() == "south\n"


def test_parameters_are_variables_of_make(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "make", "command")
    plan = Plan(
        action="#run",
        engine="make",
        main="Makefile",
        parameters={"LEAST": 4.5, "-f": "other"},
    )
    ran, prepared = run(plan, area)
    assert prepared.command == ("make", "-f", "Makefile", "LEAST=4.5")
    assert (ran.written / "results/wet.txt").read_text() == "south\n"


def test_nextflow_is_given_the_parameters_in_a_file(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "nextflow", "command")
    plan = Plan(
        action="#run",
        engine="nextflow",
        main="main.nf",
        parameters={"rain": "rain.csv"},
    )
    prepared = ENGINES["nextflow"].prepare(plan, area, BARE)
    assert prepared.command[3:5] == ("run", "main.nf")
    assert prepared.command[-2:] == ("-params-file", "reverify-params.json")
    assert json.loads((area / "reverify-params.json").read_text()) == plan.parameters


@pytest.fixture
def nextflow_user(tmp_path: Path) -> dict[str, str]:
    """Somebody whose Nextflow tells how it was started."""
    programs = tmp_path / "home/bin"
    programs.mkdir(parents=True)
    (programs / "java").write_text("#!/bin/sh\n")
    tell = 'ls "$NXF_DIST"/*/*.jar && echo "$NXF_OFFLINE" "$@"'
    (programs / "nextflow").write_text(f"#!/usr/bin/env bash\n{tell}\n")
    for path in programs.iterdir():
        path.chmod(0o755)
    home = str(tmp_path / "home")
    return {"PATH": f"{programs}:/usr/bin:/bin", "HOME": home}


def test_nextflow_needs_what_its_launcher_fetches(
    nextflow_user: dict[str, str],
) -> None:
    engine, plan = ENGINES["nextflow"], Plan(action="#run", main="main.nf")
    environment = as_is(Surroundings(), nextflow_user, engine.programs(plan))
    missing = engine.missing(plan, environment)
    assert missing.startswith("the framework of Nextflow is not on this machine")
    with Path(nextflow_user["HOME"], "bin/nextflow").open("ab") as stream:
        stream.truncate(11_000_000)  # as large as one that has all in it
    assert engine.missing(plan, environment) == ""


def test_nextflow_is_started_with_what_its_launcher_fetched(
    nextflow_user: dict[str, str], tmp_path: Path
) -> None:
    jar = Path(nextflow_user["HOME"], ".nextflow/framework/26/nextflow-26-one.jar")
    jar.parent.mkdir(parents=True)
    jar.touch()
    area = stage(tmp_path / "area", "nextflow", "command")
    plan = Plan(action="#run", engine="nextflow", main="main.nf")
    programs = ENGINES["nextflow"].programs(plan)
    ran, _ = run(plan, area, as_is(Surroundings(), nextflow_user, programs))
    assert ran.status == 0, ran.errors
    said = f"{jar}\ntrue -log /tmp/nextflow.log run main.nf -ansi-log false\n"
    assert ran.output.decode() == said


@pytest.mark.parametrize("engine", ["cwl", "snakemake", "nextflow"])
def test_an_engine_that_is_not_there_is_named(engine: str) -> None:
    plan = Plan(action="#run", engine=engine, main="main")
    name = {"cwl": "cwltool"}.get(engine, engine)
    if engine == "nextflow":
        missing = ENGINES[engine].missing(plan, BARE)
        assert missing in {
            f"the program {program} is not on this machine"
            for program in ("java", "nextflow")
        }
    else:
        missing = ENGINES[engine].missing(plan, BARE)
        assert missing == f"the program {name} is not on this machine"


def test_files_of_an_engine_get_free_names(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "nextflow", "command")
    (area / "reverify-params.json").write_text("mine")
    plan = Plan(
        action="#run", engine="nextflow", main="main.nf", parameters={"rain": "r"}
    )
    prepared = ENGINES["nextflow"].prepare(plan, area, BARE)
    assert "reverify-params-2.json" in prepared.own
    assert (area / "reverify-params.json").read_text() == "mine"


def test_types_that_refer_to_each_other_are_read_in_linear_time(
    tmp_path: Path,
) -> None:
    nested = (f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))
    lines = ["a0: &a0 [File]", *nested, "inputs: {x: *a59}"]
    (tmp_path / "main.cwl").write_text("\n".join(lines))
    assert read_document(tmp_path, "main.cwl").inputs == {"x": "File"}
