"""`reverify reproduce`, as a user types it."""

import json
import shutil
from pathlib import Path

import pytest
from reverify import verify
from reverify.model.outcome import ClaimKind, Outcome
from reverify.rerun.sandbox import Bubblewrap

from tests.cli.test_bring import Terminal, terminal
from tests.conftest import ROOT
from tests.gitrepos import git, make_repository

__all__ = ["terminal"]
MISSING = Bubblewrap().missing()
confined = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The analysis of the fixtures, in a repository, where the user stands."""
    folder = make_repository(tmp_path / "rain")
    shutil.copytree(ROOT / "fixtures" / "analysis", folder, dirs_exist_ok=True)
    git(folder, "remote", "add", "origin", "https://git.example.org/lab/rain.git")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Sum the rain")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def crate(repository: Path, terminal: Terminal, tmp_path: Path) -> Path:
    """Its capsule, captured and exported."""
    assert Path.cwd() == repository
    capsule, target = tmp_path / "capsule", tmp_path / "crate"
    run = "python3 sum_rain.py data/rain.csv data/stations.csv --out results"
    made = "--title Rain --description Rain --license CC0-1.0"
    made += " --input data/rain.csv --input data/stations.csv -- "
    answer = terminal("capsule", "capture", "--out", capsule, *(made + run).split())
    assert answer.code == 0, answer.err
    answer = terminal("export", capsule, "-o", target, "--source", ".")
    assert answer.code == 0, answer.err
    return target


@confined
def test_a_captured_capsule_is_reproduced_offline(
    crate: Path, terminal: Terminal, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    wanted = ["--skip", "conformance", "--format", f"ro-crate={new}"]
    answer = terminal("reproduce", "--source", ".", crate, *wanted)
    assert answer.code == 0, answer.out
    assert "execution     confirmed       4 confirmed" in answer.out
    assert "+ results/by-month.csv: identical, 55 bytes" in answer.out
    assert "running python3 sum_rain.py" in answer.err
    assert "the code is that of commit" in answer.out
    report = verify(str(new), offline=True)
    assert report.verdict.outcome is Outcome.CONFIRMED
    tallies = report.verdict.kinds
    assert tallies[ClaimKind.FIXITY].confirmed == 7
    document = json.loads((new / "ro-crate-metadata.json").read_bytes())
    (root,) = (each for each in document["@graph"] if each["@id"] == "./")
    assert root["isBasedOn"]["@id"].startswith("urn:sha256:")


@confined
def test_check_runs_again_too_if_it_is_asked_to(
    crate: Path, terminal: Terminal
) -> None:
    answer = terminal("check", "--only", "execution", "--rerun", crate)
    assert answer.code == 0, answer.out
    assert "run again, as recorded (4)" in answer.out


def test_unconfined_is_said_so(crate: Path, terminal: Terminal) -> None:
    asked = ["--only", "execution", "--unsafe-no-sandbox"]
    answer = terminal("reproduce", crate, *asked)
    assert answer.code == 0, answer.out
    assert "run again without a sandbox" in answer.out


def test_without_a_sandbox_nothing_is_run(
    crate: Path,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Bubblewrap, "missing", lambda _: "bubblewrap is not installed")
    answer = terminal("reproduce", "--only", "execution", crate)
    assert answer.code == 3, answer.out
    assert "cannot be run again: bubblewrap is not installed" in answer.out
    assert "--unsafe-no-sandbox" in answer.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--limit", "tim=5"], "--limit: 'tim' is unknown; there are time, memory"),
        (["--limit", "time"], "--limit time: a value is missing, write NAME=VALUE"),
        (["--limit", "memory=much"], "--limit memory=much: 'much' is no size"),
        (["--limit", "files=0"], "--limit files=0: more than nothing is needed"),
        (["--env", "conda"], "--env: 'conda' is unknown; there are as-is, venv"),
        (["--engine", "galaxy"], "--engine: 'galaxy' is unknown; there are command"),
        (["--format", "ro-crate"], "--format ro-crate=DIR: one folder is needed"),
        (["--keep", "."], "--keep: . is there already, and is not empty"),
    ],
)
def test_a_wrong_option_is_named(
    repository: Path, terminal: Terminal, options: list[str], said: str
) -> None:
    answer = terminal("reproduce", repository, *options)
    assert answer.code == 2
    assert said in answer.err
