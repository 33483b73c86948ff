"""Containers, by a program that takes the words of Podman and runs them here."""

import json
import sys
from pathlib import Path

import pytest
from reverify.errors import LackError, SandboxError
from reverify.model.rerun import Plan, Surroundings
from reverify.rerun.engines import ENGINES
from reverify.rerun.environments import Container, in_container
from reverify.rerun.interface import Bounds, Job

from tests.rerun.running import stage

HEX = "0123456789abcdef" * 4
IMAGE = f"registry.example.org/ada/rain:1.2@sha256:{HEX}"
BY_DIGEST = f"registry.example.org/ada/rain@sha256:{HEX}"
FAKE = f"""#!{sys.executable}
import json, os, pathlib, subprocess, sys, tempfile
words, here = sys.argv[1:], pathlib.Path(__file__).parent
with (here / "asked").open("a") as stream:
    stream.write(json.dumps(words) + "\\n")
if (here / "broken").exists():
    sys.exit("Cannot connect to the daemon")
if words[:2] == ["image", "inspect"]:
    sys.exit(0 if (here / "image").exists() else "no such image")
if words[0] == "pull":
    (here / "image").touch()
if words[0] == "run":
    at = words.index("-c")
    with tempfile.TemporaryDirectory() as work:
        command = ["/bin/sh", "-c", words[at + 1], work, *words[at + 3:]]
        sys.exit(subprocess.run(command).returncode)
"""


class Machine:
    """A machine with a program for containers."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / name).write_text(FAKE)
        (folder / name).chmod(0o755)
        self.environ = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}

    def asked(self) -> list[list[str]]:
        lines = (self.folder / "asked").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "programs", "podman")


def test_a_container_runs_a_job_and_gives_back_what_it_left(
    machine: Machine, tmp_path: Path
) -> None:
    area = stage(tmp_path / "area/sub", "command").parent
    script = "cat rain.csv | wc -l > n.txt; mkdir said; echo out; echo err >&2; exit 7"
    job = Job(command=("sh", "-c", script), stage=area, directory="sub")
    container = Container(IMAGE, machine.environ)
    ran = container.run(job, tmp_path / "written")
    assert (ran.status, ran.stopped) == (7, "")
    assert (ran.output, ran.errors) == (b"out\n", b"err\n")
    assert (ran.written / "sub/n.txt").read_text().strip() == "6"
    assert (ran.written / "sub/sum.py").is_file()
    assert [path.name for path in ran.written.iterdir()] == ["sub"]
    assert ran.sandbox == f"podman, {BY_DIGEST}"
    assert not (area / "sub/n.txt").exists()


def test_a_container_has_neither_network_nor_privileges_nor_boundless_room(
    machine: Machine, tmp_path: Path
) -> None:
    area = stage(tmp_path / "area", "command")
    bounds = Bounds(memory=1 << 30, disk=1 << 20, processes=10)
    job = Job(command=("true",), stage=area, bounds=bounds, environment={"TZ": "UTC"})
    Container(IMAGE, machine.environ).run(job, tmp_path / "written")
    _, run, end = machine.asked()
    options = run[: run.index(BY_DIGEST)]
    for option in (
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--user=65534:65534",
        "--pull=never",
        "--pids-limit=14",
        "--memory=1073741824",
        "--memory-swap=1073741824",
        "--tmpfs=/tmp:rw,exec,nosuid,nodev,size=1048576,mode=1777",
        "--env=TZ=UTC",
        "--entrypoint=/bin/sh",
    ):
        assert option in options
    assert not any(word.startswith(("--volume", "-v", "--privileged")) for word in run)
    (name,) = (word for word in options if word.startswith("--name="))
    assert end == ["rm", "--force", name.removeprefix("--name=")]


def test_a_container_that_takes_too_long_is_ended(
    machine: Machine, tmp_path: Path
) -> None:
    area = stage(tmp_path / "area", "command")
    job = Job(command=("sleep", "2"), stage=area, bounds=Bounds(seconds=0.5))
    ran = Container(IMAGE, machine.environ).run(job, tmp_path / "written")
    assert (ran.status, ran.stopped) == (None, "it took more than 0.5 s")
    assert machine.asked()[-1][:2] == ["rm", "--force"]


def test_a_signal_is_told_as_one(machine: Machine, tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    job = Job(command=("sh", "-c", "kill -9 $$"), stage=area)
    assert Container(IMAGE, machine.environ).run(job, tmp_path / "w").status == -9


def test_a_container_that_tells_nothing_is_no_answer_of_the_command(
    machine: Machine, tmp_path: Path
) -> None:
    container = Container(IMAGE, machine.environ)
    assert container.missing() == ""
    (machine.folder / "broken").touch()
    job = Job(command=("true",), stage=stage(tmp_path / "area", "command"))
    with pytest.raises(SandboxError, match="Cannot connect to the daemon"):
        container.run(job, tmp_path / "written")
    assert not (tmp_path / "written").exists()


def test_links_that_a_container_left_are_not_taken_over(
    machine: Machine, tmp_path: Path
) -> None:
    job = Job(
        command=("ln", "-s", "/etc/passwd", "link"),
        stage=stage(tmp_path / "area", "command"),
    )
    ran = Container(IMAGE, machine.environ).run(job, tmp_path / "written")
    assert ran.odd == (("link", "a link to /etc/passwd"),)
    assert not (ran.written / "link").is_symlink()


def test_an_image_is_fetched_once(machine: Machine) -> None:
    container, told = Container(IMAGE, machine.environ), list[str]()
    recorded = Surroundings(container=IMAGE)
    for _ in range(2):
        found = in_container(container, recorded, tell=told.append)
        assert found.name == "container"
        assert found.surroundings.container == IMAGE
    assert told == [f"Fetching the image {BY_DIGEST}"]
    assert machine.asked().count(["pull", "--quiet", BY_DIGEST]) == 1


def test_offline_no_image_is_fetched(machine: Machine) -> None:
    container = Container(IMAGE, machine.environ)
    with pytest.raises(LackError, match="while offline"):
        in_container(container, Surroundings(), offline=True)
    assert ["pull", "--quiet", BY_DIGEST] not in machine.asked()
    (machine.folder / "image").touch()
    assert in_container(container, Surroundings(), offline=True).name == "container"


@pytest.mark.parametrize(
    "image",
    ["docker.io/library/python:3.11", "-v/:/x@sha256:0", f"x @sha256:{HEX}"],
)
def test_an_image_without_its_digest_is_not_run(machine: Machine, image: str) -> None:
    container = Container(image, machine.environ)
    assert container.missing() == f"{image} names no image by digest, and tags move"
    with pytest.raises(LackError, match="by digest"):
        in_container(container, Surroundings())
    assert not (machine.folder / "asked").exists()


def test_without_a_recorded_image_there_is_no_container(machine: Machine) -> None:
    container = Container("", machine.environ)
    assert container.missing() == "no image of a container is recorded"


def test_without_a_program_for_containers_all_are_named(tmp_path: Path) -> None:
    container = Container(IMAGE, {"PATH": str(tmp_path)})
    assert container.missing() == (
        "podman, docker and apptainer are not on this machine"
    )


def test_a_daemon_that_does_not_answer_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "programs", "docker")
    (machine.folder / "broken").touch()
    container = Container(IMAGE, {**machine.environ, "PATH": str(machine.folder)})
    assert container.missing() == (
        "docker does not work here (Cannot connect to the daemon)"
    )


def test_apptainer_is_asked_in_its_own_words(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "programs", "apptainer")
    container = Container(IMAGE, {**machine.environ, "PATH": str(machine.folder)})
    in_container(container, Surroundings())
    fetched = ["exec", "--containall", f"docker://{BY_DIGEST}", "true"]
    assert machine.asked() == [["version"], fetched]


def test_a_script_runs_by_its_first_line_as_it_stands(tmp_path: Path) -> None:
    area = stage(tmp_path / "area", "command")
    plan = Plan(action="#run", engine="command", command=("./run.sh",))
    environment = in_container(
        Container(IMAGE, Machine(tmp_path / "programs", "podman").environ),
        Surroundings(),
    )
    assert ENGINES["command"].missing(plan, environment, area) == ""
    prepared = ENGINES["command"].prepare(plan, area, environment)
    assert prepared.command == ("/bin/sh", "-e", "./run.sh")
