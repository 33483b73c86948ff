"""Command lines: programs, scripts, and what runs them."""

import dataclasses
from pathlib import Path

import pytest
from reverify.model.rerun import Plan
from reverify.rerun.engines import ENGINES
from reverify.rerun.interface import Environment

from tests.rerun.running import environment_for, run, stage

SUMS = "station,mm\nnorth,4.25\nsouth,4.75\n"
PLAN = Plan(action="#run", engine="command")
BARE = Environment(name="as-is")


def plan(*command: str, **others: str) -> Plan:
    return dataclasses.replace(PLAN, command=command, **others)  # type: ignore[arg-type]


def test_a_recorded_command_runs_with_the_interpreter_of_the_environment(
    tmp_path: Path,
) -> None:
    area = stage(tmp_path / "area", "command")
    (area / "where.py").write_text("import sys; print(sys.executable)")
    environment = environment_for("python3")
    ran, _ = run(plan("python3", "where.py"), area, environment)
    assert ran.status == 0, ran.errors
    assert ran.output.decode().startswith(environment.path[0])


def test_a_command_writes_its_results_where_they_were_recorded(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    ran, prepared = run(plan("python3", "sum.py", "rain.csv", "results/sums.csv"), area)
    assert ran.status == 0, ran.errors
    assert (ran.written / "results/sums.csv").read_text() == SUMS
    assert not prepared.moved


def test_a_command_starts_in_its_folder(tmp_path: Path) -> None:
    area = stage(tmp_path / "area/sub", "command").parent
    ran, _ = run(plan("python3", "sum.py", "rain.csv", "s.csv", directory="sub"), area)
    assert ran.status == 0, ran.errors
    assert (ran.written / "sub/s.csv").read_text() == SUMS


@pytest.mark.parametrize("word", ["./sum.py", "sum.py"])
def test_a_script_runs_though_it_is_not_marked_as_executable(
    tmp_path: Path, word: str
) -> None:
    area = stage(tmp_path / "area", "command")
    (area / "sum.py").chmod(0o644)
    ran, prepared = run(plan(word, "rain.csv", "sums.csv"), area)
    assert ran.status == 0, ran.errors
    assert prepared.command[:2] == ("python3", word)
    assert (ran.written / "sums.csv").read_text() == SUMS


def test_a_shell_script_runs_with_the_arguments_of_its_first_line(
    tmp_path: Path,
) -> None:
    area = stage(tmp_path / "area", "command")
    ran, prepared = run(plan("./run.sh"), area)
    assert prepared.command == ("sh", "-e", "./run.sh")
    assert ran.status == 0, ran.errors
    assert (ran.written / "results/sums.csv").read_text() == SUMS


def test_a_script_without_a_first_line_runs_by_its_suffix(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    (area / "count.py").write_text("print(len(open('rain.csv').readlines()))")
    ran, _ = run(plan("./count.py"), area)
    assert ran.output == b"6\n"


def test_a_program_of_the_crate_is_made_executable(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    (area / "count").write_bytes(Path("/usr/bin/wc").read_bytes())
    ran, prepared = run(plan("./count", "-l", "rain.csv"), area)
    assert prepared.command[0] == "./count"
    assert ran.output == b"6 rain.csv\n"


def test_an_interpreter_named_by_a_path_of_another_machine_is_found_by_its_name(
    tmp_path: Path,
) -> None:
    area = stage(tmp_path / "area", "command")
    command = plan("/home/ada/env/bin/python3.99", "sum.py", "rain.csv", "sums.csv")
    ran, prepared = run(command, area)
    assert prepared.command[0] == "python3"
    assert ran.status == 0, ran.errors


def test_a_first_line_with_a_path_of_another_machine_is_followed_by_its_name(
    tmp_path: Path,
) -> None:
    area = stage(tmp_path / "area", "command")
    script = area / "sum.py"
    text = script.read_text().replace("/usr/bin/env python3", "/home/ada/bin/python3")
    script.write_text(text)
    ran, _ = run(plan("./sum.py", "rain.csv", "sums.csv"), area)
    assert ran.status == 0, ran.errors


def test_a_line_for_a_shell_runs_in_one(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    ran, _ = run(plan("sh", "-c", "grep north rain.csv | wc -l > n.txt"), area)
    assert (ran.written / "n.txt").read_text().strip() == "3"


@pytest.mark.parametrize("word", ["Rnonesuch", "/opt/nonesuch/bin/Rnonesuch"])
def test_a_program_that_is_not_there_is_named(word: str) -> None:
    missing = ENGINES["command"].missing(plan(word, "sum.R"), BARE)
    assert missing == "the program Rnonesuch is not on this machine"


def test_what_runs_a_script_is_named_if_it_is_not_there(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    (area / "sum.R").write_text("#!/usr/bin/env Rnonesuch\n")
    missing = ENGINES["command"].missing(plan("./sum.R"), BARE, area)
    assert missing == "Rnonesuch, which runs ./sum.R, is not on this machine"


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    missing = ENGINES["command"].missing(plan("./gone.py"), BARE, area)
    assert missing == "./gone.py is not among the files of the run"


def test_without_a_command_nothing_runs() -> None:
    assert ENGINES["command"].missing(PLAN, BARE) == "no command is recorded"


def test_the_program_that_is_looked_for_is_the_first_word_without_its_folder() -> None:
    engine = ENGINES["command"]
    assert engine.programs(plan("/usr/local/bin/Rscript", "a.R")) == ("Rscript",)
    assert engine.programs(plan("./run.sh")) == ()


def test_a_script_that_is_a_link_out_of_the_run_is_neither_read_nor_changed(
    tmp_path: Path,
) -> None:
    area = stage(tmp_path / "area", "command")
    outside = tmp_path / "secret"
    outside.write_text("mine")
    outside.chmod(0o600)
    (area / "run").symlink_to("../secret")
    (area / "up").symlink_to("..")
    for word in ("./run", "up/secret"):
        missing = ENGINES["command"].missing(plan(word), BARE, area)
        assert missing == f"{word} is not among the files of the run"
        ENGINES["command"].prepare(plan(word), area, BARE)
    assert outside.stat().st_mode & 0o777 == 0o600
