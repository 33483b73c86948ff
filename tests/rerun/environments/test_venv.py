"""Environments built of lock files."""

import shutil
from pathlib import Path

import pytest
from reverify.errors import LackError
from reverify.model.rerun import Package, Plan, Surroundings
from reverify.rerun.environments import build_venv
from reverify.rerun.environments.installing import _is_told, _local
from reverify.rerun.interface import Environment

from tests.rerun.environments.wheels import write_sdist, write_wheel
from tests.rerun.running import environ, run, stage

PLAN = Plan(action="#run", engine="command")


class User:
    """Builds environments with packages of one folder alone."""

    def __init__(self, folder: Path, installer: str) -> None:
        self.wheels, self.cache = folder / "wheels", folder / "cache"
        self.wheels.mkdir(parents=True)
        self.told: list[str] = []
        self.environ = environ(HOME=str(folder), PIP_CONFIG_FILE="/dev/null")
        # With pip told and uv not, pip does it; the other way round, uv.
        if installer == "pip":
            self.environ["PIP_NO_INDEX"] = "1"
            self.environ["PIP_FIND_LINKS"] = str(self.wheels)
        else:
            config = folder / ".config/uv/uv.toml"
            config.parent.mkdir(parents=True)
            config.write_text(f'no-index = true\nfind-links = ["{self.wheels}"]\n')

    def build(
        self, text: str, name: str = "requirements.txt", *, offline: bool = False
    ) -> Environment:
        return build_venv(
            (name, text.encode()),
            Surroundings(),
            self.environ,
            cache_dir=self.cache,
            offline=offline,
            tell=self.told.append,
        )


@pytest.fixture(params=["pip", "uv"])
def user(request: pytest.FixtureRequest, tmp_path: Path) -> User:
    return User(tmp_path / "user", request.param)


def test_a_command_finds_what_the_lock_file_names(user: User, tmp_path: Path) -> None:
    sha256 = write_wheel(user.wheels, "rainlib", "1.2", needs=("dropslib",))
    other = write_wheel(user.wheels, "dropslib", "0.1")
    text = f"rainlib==1.2 \\\n    --hash=sha256:{sha256}  # the lib\n"
    text += f"dropslib==0.1 --hash=sha256:{other}\n"
    environment = user.build(text)
    assert environment.name == "venv"
    assert environment.surroundings.packages == (
        Package("dropslib", "0.1"),
        Package("rainlib", "1.2"),
    )
    area = stage(tmp_path / "area", "command")
    (area / "tell.py").write_text("import rainlib; print(rainlib.VERSION)")
    plan = Plan(action="#run", engine="command", command=("python3", "tell.py"))
    ran, _ = run(plan, area, environment)
    assert ran.output == b"1.2\n", ran.errors


def test_an_environment_is_built_once(user: User) -> None:
    write_wheel(user.wheels, "rainlib")
    first = user.build("rainlib==1.0\n")
    shutil.rmtree(user.wheels)
    again = user.build("# the same\nrainlib == 1.0", offline=True)
    assert again == first
    assert user.told == ["Building the environment of requirements.txt: 1 packages"]


def test_offline_wheels_of_a_folder_are_taken(user: User) -> None:
    write_wheel(user.wheels, "rainlib")
    environment = user.build("rainlib==1.0\n", offline=True)
    assert environment.surroundings.packages == (Package("rainlib", "1.0"),)


def test_another_archive_than_was_recorded_is_not_installed(user: User) -> None:
    write_wheel(user.wheels, "rainlib")
    with pytest.raises(LackError, match="cannot be built"):
        user.build(f"rainlib==1.0 --hash=sha256:{'0' * 64}\n")
    assert [path.suffix for path in (user.cache / "environments").iterdir()] == [
        ".lock"
    ]


def test_nothing_of_a_package_runs_while_it_is_built(
    user: User, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    start = f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n"
    write_wheel(user.wheels, "rainlib", files={"rainlib.pth": start})
    environment = user.build("rainlib==1.0\n")
    assert environment.surroundings.packages == (Package("rainlib", "1.0"),)
    assert user.build("rainlib==1.0\n") == environment
    assert not mark.exists()


def test_what_has_no_wheel_is_not_installed(user: User, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    write_sdist(user.wheels, "rainlib", mark)
    with pytest.raises(LackError, match="rainlib"):
        user.build("rainlib==1.0\n")
    assert not mark.exists()


def test_without_packages_the_environment_is_bare(user: User) -> None:
    environment = user.build("# nothing\n")
    assert environment.surroundings.packages == ()
    assert Path(environment.path[0], "python3").exists()


def test_a_lock_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    user = User(tmp_path / "user", "pip")
    with pytest.raises(LackError, match="no text in UTF-8"):
        build_venv(
            ("requirements.txt", b"\xff\xfe"),
            Surroundings(),
            user.environ,
            cache_dir=user.cache,
        )


def test_what_an_interrupted_build_left_is_built_anew(tmp_path: Path) -> None:
    user = User(tmp_path / "user", "uv")
    write_wheel(user.wheels, "rainlib")
    environment = user.build("rainlib==1.0\n")
    folder = Path(environment.path[0]).parent
    (folder / ".complete").unlink()
    next(folder.glob("lib/*/site-packages/rainlib.py")).unlink()
    assert user.build("rainlib==1.0\n") == environment
    assert len(user.told) == 2
    assert list(folder.glob("lib/*/site-packages/rainlib.py"))


def test_the_recorded_version_of_python_is_looked_for(tmp_path: Path) -> None:
    user = User(tmp_path / "user", "uv")
    fake = tmp_path / "bin"
    fake.mkdir()
    asked = tmp_path / "asked"
    (fake / "python3.99").write_text(f"#!/bin/sh\ntouch {asked}\nexit 1\n")
    (fake / "python3.99").chmod(0o755)
    user.environ["PATH"] = f"{fake}:{user.environ['PATH']}"
    recorded = Surroundings(interpreter="CPython", version="3.99.1")
    build_venv(("requirements.txt", b""), recorded, user.environ, cache_dir=user.cache)
    assert asked.exists()


def test_uv_counts_as_told_by_a_variable_or_its_file(tmp_path: Path) -> None:
    assert _is_told({"UV_INDEX": "https://index.example.org/"})
    assert not _is_told({"HOME": str(tmp_path), "UV_CACHE_DIR": "/x"})
    (tmp_path / ".config/uv").mkdir(parents=True)
    (tmp_path / ".config/uv/uv.toml").touch()
    assert _is_told({"HOME": str(tmp_path)})


def test_offline_pip_is_told_of_folders_alone() -> None:
    settings = {"global.find-links": "https://example.org/w /srv/wheels file:///w"}
    found = _local({"PIP_INDEX_URL": "https://example.org/", "A": "b"}, settings)
    assert found == {
        "A": "b",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/srv/wheels file:///w",
    }
