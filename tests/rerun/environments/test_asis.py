"""The environment as it is."""

import platform
import sys
from pathlib import Path

import pytest
from reverify.model.rerun import Plan, Surroundings
from reverify.rerun.environments import as_is
from reverify.rerun.programs import find_for_user, make_room, outside, shebang

from tests.rerun.running import environ, run


def write_program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_first_python_of_the_path_is_taken_with_its_packages() -> None:
    found = as_is(Surroundings(), environ())
    assert found.name == "as-is"
    assert found.path[0] == f"{sys.prefix}/bin"
    assert found.surroundings.version == platform.python_version()
    assert "pytest" in {package.name for package in found.surroundings.packages}
    # A folder below another one comes with it.
    there = (Path(sys.prefix), Path(sys.base_prefix))
    assert all(
        any(place.is_relative_to(bind) for bind in found.binds)
        for place in outside(there)
    )


def test_a_python_of_that_name_comes_before_others() -> None:
    recorded, path = Surroundings(), {"PATH": "/usr/bin:/bin", "HOME": "/"}
    if find_for_user("python3", path) is None:
        pytest.skip("this machine has no Python of its own")
    assert as_is(recorded, path, ("python3",)).path[0] == "/usr/bin"


def test_without_any_python_on_the_path_our_own_is_taken(tmp_path: Path) -> None:
    found = as_is(Surroundings(), {"PATH": str(tmp_path), "HOME": "/"})
    assert found.path[0] == str(Path(sys.executable).parent)


def test_a_shim_is_asked_for_the_python_behind_it(tmp_path: Path) -> None:
    shim = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    write_program(tmp_path / "shims/python3", shim)
    path = {"PATH": f"{tmp_path}/shims:/usr/bin:/bin", "HOME": "/"}
    assert as_is(Surroundings(), path).path[0] == str(Path(sys.executable).parent)


def test_a_program_of_the_user_comes_with_what_it_was_installed_in(
    tmp_path: Path,
) -> None:
    tool = tmp_path / "apps/tool"
    write_program(tool / "bin/tool", f"#!{sys.executable}\n")
    link = tmp_path / "bin/tool"
    link.parent.mkdir()
    link.symlink_to(tool / "bin/tool")
    path = {"PATH": f"{tmp_path}/bin:/usr/bin", "HOME": str(tmp_path)}
    room = make_room(link, path)
    assert room.path == (str(tmp_path / "bin"),)
    assert {link, tool} <= set(room.binds)
    assert set(outside((Path(sys.base_prefix),))) <= set(room.binds)
    found = as_is(Surroundings(), path, ("tool", "nonesuch"))
    assert str(tmp_path / "bin") in found.path


@pytest.mark.parametrize("folder", ["bin", ".local/bin"])
def test_of_a_folder_for_all_programs_only_the_program_is_shown(
    tmp_path: Path, folder: str
) -> None:
    program = write_program(tmp_path / folder / "tool")
    room = make_room(program, {"PATH": "/usr/bin", "HOME": str(tmp_path)})
    assert room.binds == (program,)


def test_programs_of_the_system_need_no_room() -> None:
    assert make_room(Path("/usr/bin/env"), {"HOME": "/root"}).binds == ()


def test_the_recorded_time_zone_and_locale_are_set_where_they_exist() -> None:
    recorded = Surroundings(
        platform={"time_zone": "Europe/Berlin", "locale": "C.UTF-8"}
    )
    found = as_is(recorded, environ())
    zone = "Europe/Berlin" if Path("/usr/share/zoneinfo/Europe").exists() else None
    assert found.variables.get("TZ") == zone
    assert found.surroundings.platform["time_zone"] == (zone or "UTC")
    assert found.variables["LC_ALL"] == "C.UTF-8"
    assert found.surroundings.platform["machine"] == platform.machine()


@pytest.mark.parametrize("zone", ["../../../etc/passwd", "/etc/passwd", "Nowhere/At"])
def test_a_time_zone_that_is_none_is_not_set(zone: str) -> None:
    found = as_is(Surroundings(platform={"time_zone": zone}), environ())
    assert "TZ" not in found.variables
    assert found.surroundings.platform["time_zone"] == "UTC"


def test_another_interpreter_is_asked_for_its_version(tmp_path: Path) -> None:
    said = '#!/bin/sh\necho "Rscript (R) version 4.3.1 (2023-06-16)"\n'
    write_program(tmp_path / "bin/Rscript", said)
    path = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    found = as_is(Surroundings(interpreter="R", version="4.2.0"), path, ("Rscript",))
    assert (found.surroundings.interpreter, found.surroundings.version) == (
        "R",
        "4.3.1",
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("#!/bin/sh -e -u\n", ["/bin/sh", "-e -u"]),
        ("#! /usr/bin/env python3\n", ["python3"]),
        ("#!/usr/bin/env -S awk -f\n", ["awk", "-f"]),
        ("#!/usr/bin/env LANG=C perl\n", ["perl"]),
        ("import csv\n", []),
        ("", []),
    ],
)
def test_the_first_line_of_a_script_says_what_runs_it(
    tmp_path: Path, line: str, words: list[str]
) -> None:
    (tmp_path / "script").write_text(line)
    assert shebang(tmp_path / "script") == words


def test_a_command_runs_in_the_recorded_time_zone_and_locale(tmp_path: Path) -> None:
    recorded = Surroundings(platform={"time_zone": "Asia/Kolkata", "locale": "C.UTF-8"})
    environment = as_is(recorded, environ(), ("python3",))
    script = "import time, locale; print(time.timezone, locale.setlocale(5, ''))"
    plan = Plan(action="#run", engine="command", command=("python3", "-c", script))
    (tmp_path / "area").mkdir()
    ran, _ = run(plan, tmp_path / "area", environment)
    seconds = -19800 if "TZ" in environment.variables else 0
    assert ran.output.decode() == f"{seconds} C.UTF-8\n", ran.errors
