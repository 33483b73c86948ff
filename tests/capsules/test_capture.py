"""An analysis is run, and what it was is written down: all of it, and nothing else."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.capsules import placing
from reverify.capsules.capture import (
    Captured,
    Request,
    capture,
    read_description,
    read_organization,
    read_parameter,
    read_person,
)
from reverify.capsules.capture.copying import media_type
from reverify.capsules.capture.running import Streams
from reverify.capsules.manifest import read_manifest
from reverify.errors import CapsuleError, ManifestError, UsageError
from reverify.model.capsule import Status

from tests.conftest import ROOT
from tests.fakes import FixedClock
from tests.gitrepos import commit, git, make_repository

ANALYSIS = ROOT / "fixtures" / "analysis"
PYTHON = sys.executable
COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
Do = Callable[..., Captured]


@pytest.fixture
def devnull() -> Iterator[int]:
    fd = os.open(os.devnull, os.O_WRONLY)
    yield fd
    os.close(fd)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    files = {"copy.py": COPY.encode(), "data/rain.csv": b"a,1\n", "twist.sh": b"cat\n"}
    return make_repository(tmp_path / "work", files)


@pytest.fixture
def do(work: Path, devnull: int, tmp_path: Path) -> Do:
    """Capture a command in the work tree."""

    def capture_it(*command: str, **options: Any) -> Captured:  # noqa: ANN401 - as Request has
        options = {
            "target": tmp_path / "capsule",
            "folder": work,
            "environ": {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"},
            "user_settings": tmp_path / "absent",
            **options,
        }
        request = Request(command=command, **options)
        streams = Streams(out=devnull, err=devnull)
        return capture(request, clock=FixedClock(), streams=streams)

    return capture_it


def shell(line: str) -> tuple[str, str, str]:
    return "sh", "-c", line


def paths(captured: Captured, key: str) -> list[str]:
    return [record["path"] for record in captured.manifest.document.get(key) or ()]


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- what a capsule is -----------------------------------------------------------------


def test_the_small_analysis_becomes_a_whole_capsule(
    tmp_path: Path, devnull: int
) -> None:
    work = tmp_path / "rain"
    shutil.copytree(ANALYSIS, work)
    make_repository(work)
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "Sum the rain")
    request = Request(
        command=(
            *(PYTHON, "sum_rain.py", "data/rain.csv", "data/stations.csv"),
            *("--out", "results", "--wet", "1.0"),
        ),
        target=tmp_path / "capsule",
        folder=work,
        environ=os.environ,
        user_settings=tmp_path / "absent",
        inputs=("data",),
        outputs=("results/summary.json",),
        parameters={"wet": 1.0},
        license="CC-BY-4.0",
    )
    streams = Streams(out=devnull, err=devnull)
    captured = capture(request, clock=FixedClock(), streams=streams)
    data = (tmp_path / "capsule/capsule.json").read_bytes()
    manifest = read_manifest(data, "capsule.json")
    assert manifest.status is Status.COMPLETED
    assert captured.problems == ()
    assert paths(captured, "inputs") == ["data/rain.csv", "data/stations.csv"]
    assert paths(captured, "outputs") == [
        "results/by-month.csv",
        "results/by-station.csv",
        "results/summary.json",
    ]
    code = manifest.part("code")
    assert code["git_commit"] == git(work, "rev-parse", "HEAD")
    assert code["git_tree_hash"] == git(work, "rev-parse", "HEAD^{tree}")
    assert (code["dirty"], code["path"]) == (False, "sum_rain.py")
    assert code["language"]["name"] == "Python"
    assert [file["path"] for file in code["files"]] == ["sum_rain.py"]
    assert manifest.part("environment")["interpreter"]["name"] == "CPython"
    for file in manifest.files():
        copy = (tmp_path / "capsule" / str(file.path)).read_bytes()
        assert hashlib.sha256(copy).hexdigest() == file.sha256
        assert len(copy) == file.size
    known = {"capsule.json", *(file.path for file in manifest.files())}
    there = (path for path in (tmp_path / "capsule").rglob("*") if path.is_file())
    assert {str(path.relative_to(tmp_path / "capsule")) for path in there} == known


def test_the_small_analysis_gives_the_same_bytes_every_time(
    do: Do, work: Path, tmp_path: Path
) -> None:
    shutil.copytree(ANALYSIS, work, dirs_exist_ok=True)
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "Sum the rain")
    command = (PYTHON, "sum_rain.py", "data/rain.csv", "data/stations.csv")
    first = do(*command, target=tmp_path / "first")
    second = do(*command, target=tmp_path / "second")
    records = [found.manifest.document["outputs"] for found in (first, second)]
    assert len(records[0]) == 3
    assert records[0] == records[1]


def test_what_the_user_says_is_written_down(do: Do) -> None:
    found = do(
        "true",
        title="Sums",
        description="Why not",
        license="MIT",
        authors=(read_person("Ada Example <ada@example.org> 0000-0002-1825-0097"),),
        publisher=read_organization("University of Example <https://uni.example.org>"),
        parameters={"wet": 1.0, "names": ["a", None]},
        variables=("LANG", "NO_SUCH_VARIABLE"),
        id="7d0f3c52-8a1e-4b6f-9c2d-5e4a3b2c1d0f",
    )
    document = found.manifest.document
    assert document["id"] == "7d0f3c52-8a1e-4b6f-9c2d-5e4a3b2c1d0f"
    assert (document["title"], document["description"]) == ("Sums", "Why not")
    assert document["license"] == "MIT"
    assert document["authors"] == [
        {
            "name": "Ada Example",
            "email": "ada@example.org",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
        }
    ]
    assert document["publisher"]["url"] == "https://uni.example.org"
    run = document["run"]
    assert run["command"] == ["true"]
    assert run["parameters"] == {"wet": 1.0, "names": ["a", None]}
    assert run["environment"] == {"LANG": "C.UTF-8", "NO_SUCH_VARIABLE": None}
    assert (run["started"], run["ended"]) == ("2026-01-31T12:00:00Z",) * 2
    assert document["outputs"] == []


def test_files_are_described_and_authors_have_a_place(do: Do) -> None:
    institute = read_organization("Institute <https://ror.org/04wxnsj81> <a@b.org>")
    found = do(
        *(PYTHON, "copy.py", "data/rain.csv", "out.csv"),
        inputs=("data/rain.csv",),
        descriptions={
            "data/rain.csv": "Daily rain",
            "./out.csv": "A copy",
            "copy.py": "Copies",
        },
        authors=({"name": "Ada"}, {"name": "Ben"}),
        affiliations=(institute,),
    )
    document = found.manifest.document
    records = (
        document["inputs"][0],
        document["outputs"][0],
        document["code"]["files"][0],
    )
    abouts = [record["description"] for record in records]
    assert abouts == ["Daily rain", "A copy", "Copies"]
    ror = {"ror": "https://ror.org/04wxnsj81", "email": "a@b.org"}
    for author in document["authors"]:
        assert author["affiliations"] == [{"name": "Institute", **ror}]
    assert found.problems == ()


def test_what_is_described_and_not_there_is_told(do: Do) -> None:
    found = do("true", descriptions={"gone.csv": "Not there"})
    assert found.problems == ("gone.csv: is described, and is not in the capsule",)
    assert found.manifest.status is Status.COMPLETED


def test_nothing_is_said_that_nobody_knows(do: Do) -> None:
    document = do("true").manifest.document
    assert document["title"] == "true"
    for key in ("description", "license", "authors", "publisher", "notes", "keywords"):
        assert key not in document
    assert "interpreter" not in document["environment"]
    assert "repository" not in document["code"]
    assert "error" not in document["run"]


def test_who_commits_here_is_the_author(do: Do, work: Path, tmp_path: Path) -> None:
    (tmp_path / "included").write_text("[user]\n\temail = ben@example.org\n")
    settings = tmp_path / "settings"
    settings.write_text("[user]\n\tname = Ben\n[include]\n\tpath = included\n")
    found = do("true", user_settings=settings)
    ben = {"name": "Ben", "email": "ben@example.org"}
    assert found.manifest.document["authors"] == [ben]
    git(work, "config", "user.name", "Ada Example")
    found = do("true", user_settings=settings, target=tmp_path / "second")
    assert found.manifest.document["authors"] == [{**ben, "name": "Ada Example"}]


def test_the_origin_is_written_down_without_its_password(do: Do, work: Path) -> None:
    git(work, "remote", "add", "origin", "https://ada:secret@example.org/rain.git")
    found = do("true")
    assert found.manifest.part("code")["repository"] == "https://example.org/rain.git"
    assert b"secret" not in found.manifest.data


def test_a_url_is_an_input_that_is_not_kept(do: Do) -> None:
    found = do("true", inputs=("https://example.org/rain.csv", "data/rain.csv"))
    assert found.manifest.document["inputs"][1] == {
        "url": "https://example.org/rain.csv"
    }


def test_the_command_runs_where_the_user_stands(
    do: Do, work: Path, tmp_path: Path
) -> None:
    found = do(
        *shell("cat rain.csv > ../out.csv; pwd > here"),
        folder=work / "data",
        inputs=("rain.csv",),
        outputs=("../out.csv",),
    )
    assert found.manifest.part("run")["working_directory"] == "data"
    assert paths(found, "inputs") == ["data/rain.csv"]
    assert paths(found, "outputs") == ["data/here", "out.csv"]
    assert (tmp_path / "capsule/data/here").read_text().strip() == str(work / "data")


# -- outputs ---------------------------------------------------------------------------


def test_what_appears_or_changes_is_an_output(do: Do, work: Path) -> None:
    (work / "old.txt").write_text("old")
    (work / "same.txt").write_text("same")
    (work / "kept.txt").write_text("kept")
    line = "printf new > old.txt; printf same > same.txt; mkdir -p a/b; echo 1 > a/b/c"
    found = do(*shell(line))
    assert paths(found, "outputs") == ["a/b/c", "old.txt", "same.txt"]


def test_names_may_be_odd(do: Do, tmp_path: Path) -> None:
    names = ["a b.csv", "é ü €.csv", "-x", "#1%20.txt", "a'b\"c", "back\\slash", "\t"]
    code = "import sys; [open(name, 'w').close() for name in sys.argv[1:]]"
    found = do(PYTHON, "-c", code, *names)
    assert paths(found, "outputs") == sorted(names)
    assert all((tmp_path / "capsule" / name).is_file() for name in names)


def test_names_that_no_capsule_can_hold_are_left_out_and_told(
    do: Do, work: Path
) -> None:
    code = "open(b'\\xff.csv', 'w'); open('ro-crate-metadata.json', 'w')"
    code += "; open('capsule.json', 'w'); open('fine.csv', 'w')"
    found = do(PYTHON, "-c", code)
    assert paths(found, "outputs") == ["fine.csv"]
    assert len(found.notes) == 3
    notes = found.manifest.document["notes"]
    assert "ro-crate-metadata.json: the capsule needs that name for itself" in notes
    assert "\\xff.csv: its name is not UTF-8" in notes
    assert (work / "capsule.json").exists()


def test_what_is_no_file_is_left_out_and_told(do: Do) -> None:
    found = do(*shell("ln -s data/rain.csv latest; mkfifo pipe; ln -s / root"))
    assert paths(found, "outputs") == []
    assert found.notes == (
        "left out: latest: is a link",
        "left out: pipe: is a pipe",
        "left out: root: is a link",
    )


def test_caches_and_capsules_of_before_are_no_outputs(do: Do, work: Path) -> None:
    line = "mkdir -p __pycache__ .venv x/.git; touch __pycache__/a .venv/pyvenv.cfg"
    line += " .venv/b x/.git/c out.txt"
    first = do(*shell(line), target=work / "capsules/first")
    assert paths(first, "outputs") == ["out.txt"]
    second = do(*shell("touch out.txt"), target=work / "capsules/second")
    assert paths(second, "outputs") == ["out.txt"]
    assert second.manifest.part("code")["dirty"] is False


def test_an_output_that_is_not_written_fails(do: Do) -> None:
    found = do("true", outputs=("results/out.csv",))
    assert found.manifest.status is Status.FAILED
    assert found.problems == ("results/out.csv: this output was not written",)
    assert found.manifest.part("run")["exit_status"] == 0
    assert "results/out.csv" in found.manifest.part("run")["error"]


def test_a_folder_can_be_declared(do: Do, work: Path) -> None:
    (work / "results").mkdir()
    (work / "results/old.csv").write_text("old")
    found = do(*shell("echo 1 > results/new.csv"), outputs=("results",))
    assert paths(found, "outputs") == ["results/new.csv", "results/old.csv"]


def test_the_whole_work_tree_is_no_output(do: Do) -> None:
    with pytest.raises(CapsuleError, match="names the whole work tree"):
        do("true", outputs=(".",))


def test_a_command_that_fails_is_written_down(do: Do) -> None:
    found = do(*shell("echo 1 > part.csv; exit 3"))
    assert found.manifest.status is Status.FAILED
    assert found.manifest.part("run")["exit_status"] == 3
    assert found.problems == ("the command ended with exit status 3",)
    assert paths(found, "outputs") == ["part.csv"]


def test_a_command_that_a_signal_ends_has_a_negative_status(do: Do) -> None:
    found = do(*shell("kill -9 $$"))
    assert found.manifest.part("run")["exit_status"] == -9
    assert found.manifest.status is Status.FAILED


@pytest.mark.slow
def test_thousands_of_outputs_are_no_trouble(do: Do) -> None:
    code = "[open(f'{n:05}.txt', 'w').write(str(n)) for n in range(4_000)]"
    started = time.monotonic()
    found = do(PYTHON, "-c", code)
    assert len(paths(found, "outputs")) == 4_000
    assert time.monotonic() - started < 30


# -- inputs ----------------------------------------------------------------------------


def test_inputs_are_kept_as_they_were_before(
    do: Do, work: Path, tmp_path: Path
) -> None:
    found = do(*shell("rm data/rain.csv"), inputs=("data/rain.csv",))
    assert (tmp_path / "capsule/data/rain.csv").read_bytes() == b"a,1\n"
    assert found.notes == ("data/rain.csv: the run removed this input",)
    assert not (work / "data/rain.csv").exists()


def test_an_input_that_is_changed_in_place_is_kept_twice(
    do: Do, tmp_path: Path
) -> None:
    found = do(*shell("echo b,2 >> data/rain.csv"), inputs=("data/rain.csv",))
    assert paths(found, "inputs") == ["data/rain.csv.before"]
    assert paths(found, "outputs") == ["data/rain.csv"]
    assert (tmp_path / "capsule/data/rain.csv.before").read_bytes() == b"a,1\n"
    assert (tmp_path / "capsule/data/rain.csv").read_bytes() == b"a,1\nb,2\n"
    (problem,) = found.problems
    assert "changed this input in place" in problem
    assert "let the command write to another file" in problem


def test_an_input_that_is_only_touched_is_unchanged(do: Do) -> None:
    found = do(*shell("touch data/rain.csv"), inputs=("data/rain.csv",))
    assert paths(found, "outputs") == []
    assert found.problems == ()


def test_an_input_may_be_a_link(do: Do, work: Path, tmp_path: Path) -> None:
    (tmp_path / "far.csv").write_bytes(b"far")
    (work / "near.csv").symlink_to(tmp_path / "far.csv")
    found = do("true", inputs=("near.csv",))
    assert paths(found, "inputs") == ["near.csv"]
    assert not (tmp_path / "capsule/near.csv").is_symlink()
    assert (tmp_path / "capsule/near.csv").read_bytes() == b"far"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gone.csv", "no such file"),
        ("/etc/passwd", "lies outside of"),
        ("../outside.csv", "lies outside of"),
        (".git/config", "belongs to git"),
        ("", "is no path"),
        ("empty", "there is no file in it"),
        ("pipe", "is no regular file"),
        ("ro-crate-metadata.json", "needs that name for itself"),
        (os.fsdecode(b"\xff"), "is not UTF-8"),
    ],
)
def test_inputs_that_cannot_be_kept_are_told_before_the_run(
    do: Do, work: Path, tmp_path: Path, text: str, said: str
) -> None:
    (work / "empty").mkdir()
    os.mkfifo(work / "pipe")
    (work / "ro-crate-metadata.json").touch()
    (work / os.fsdecode(b"\xff")).touch()
    with pytest.raises(CapsuleError, match=said):
        do("touch", "ran", inputs=(text,))
    assert not (work / "ran").exists()
    assert leftovers(tmp_path) == ["work"]


# -- code ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ((PYTHON, "copy.py", "data/rain.csv", "o"), ["copy.py"]),
        (("sh", "twist.sh"), ["twist.sh"]),
        (("sh", "-c", f"{PYTHON} copy.py data/rain.csv o|cat>p"), ["copy.py"]),
        ((PYTHON, "-m", "tools.sums"), ["tools/sums.py"]),
        ((PYTHON, "-m", "tools"), ["tools/__main__.py"]),
        (("./run", "1"), ["run"]),
        (("true", "data/rain.csv"), []),
        (("true", "--file=copy.py"), []),
    ],
)
def test_the_scripts_that_a_command_names_are_kept(
    do: Do, work: Path, command: tuple[str, ...], files: list[str]
) -> None:
    commit(
        work,
        {
            "tools/sums.py": b"",
            "tools/__main__.py": b"",
            "tools/__init__.py": b"",
            "run": b"#!/bin/sh\n",
        },
    )
    (work / "run").chmod(0o755)
    git(work, "commit", "-q", "-a", "-m", "Make it run")
    found = do(*command, inputs=("data",))
    assert found.problems == ()
    code = found.manifest.part("code")
    assert [file["path"] for file in code["files"]] == files
    assert code.get("path") == (files[0] if files else None)


def test_more_code_can_be_named(do: Do) -> None:
    found = do(PYTHON, "copy.py", "data/rain.csv", "o", code=("twist.sh",))
    files = found.manifest.part("code")["files"]
    assert [file["path"] for file in files] == ["copy.py", "twist.sh"]


def test_what_is_run_is_code_in_a_folder_of_inputs_too(do: Do, work: Path) -> None:
    command = (PYTHON, "copy.py", "data/rain.csv", "o")
    found = do(*command, inputs=(".",), target=work.parent / "first")
    assert [file["path"] for file in found.manifest.part("code")["files"]] == [
        "copy.py"
    ]
    assert "copy.py" not in paths(found, "inputs")
    assert "data/rain.csv" in paths(found, "inputs")
    (work / "new.py").write_text(COPY)
    with pytest.raises(CapsuleError, match=r"new\.py: in no commit"):
        do(PYTHON, "new.py", "data/rain.csv", "p", inputs=(".",))


def test_a_script_that_is_named_as_an_input_is_one(do: Do) -> None:
    found = do(PYTHON, "copy.py", "data/rain.csv", "o", inputs=("copy.py",))
    assert found.manifest.part("code")["files"] == []
    assert paths(found, "inputs") == ["copy.py"]


def test_a_program_of_the_machine_is_no_code_of_the_analysis(do: Do) -> None:
    found = do("/bin/sh", "-c", "true")
    assert found.manifest.part("code")["files"] == []
    assert found.manifest.part("code")["language"]["name"] == "Shell"


def test_a_run_that_changes_its_own_code_is_told(do: Do, tmp_path: Path) -> None:
    found = do("sh", "-c", "echo echo 1 > twist.sh; sh twist.sh")
    assert found.problems == ("twist.sh: the run changed its own code",)
    assert (tmp_path / "capsule/twist.sh").read_bytes() == b"cat\n"
    assert paths(found, "outputs") == []


# -- commits ---------------------------------------------------------------------------


def test_code_that_is_in_no_commit_is_refused(
    do: Do, work: Path, tmp_path: Path
) -> None:
    (work / "copy.py").write_text(f"{COPY}\n")
    (work / "module.py").write_text("1")
    (work / "data/new.csv").write_text("1")
    with pytest.raises(CapsuleError) as caught:
        do("touch", "ran")
    assert str(caught.value) == (
        "the work tree is not what its commit says: copy.py: changed; module.py: in no"
        " commit; commit that first, or run it as it is with --allow-dirty"
    )
    assert not (work / "ran").exists()
    assert leftovers(tmp_path) == ["work"]


def test_a_dirty_work_tree_can_be_written_down(do: Do, work: Path) -> None:
    (work / "copy.py").write_text(f"{COPY}\n")
    found = do(PYTHON, "copy.py", "data/rain.csv", "o", allow_dirty=True)
    code = found.manifest.part("code")
    assert code["dirty"] is True
    assert code["git_commit"] == git(work, "rev-parse", "HEAD")
    assert found.loose == ("copy.py: changed",)
    digest = hashlib.sha256(f"{COPY}\n".encode()).hexdigest()
    assert code["files"][0]["sha256"] == digest


def test_code_that_git_ignores_is_in_no_commit_all_the_same(do: Do, work: Path) -> None:
    commit(work, {".gitignore": b"private*\n"})
    (work / "private.py").write_text("")
    do("true", target=work.parent / "first")
    with pytest.raises(CapsuleError, match=r"private\.py: in no commit"):
        do(PYTHON, "private.py")


def test_a_repository_without_a_commit_pins_nothing(do: Do, tmp_path: Path) -> None:
    work = make_repository(tmp_path / "new")
    (work / "a.py").write_text("")
    with pytest.raises(CapsuleError, match="there is no commit yet"):
        do(PYTHON, "a.py", folder=work)
    found = do(PYTHON, "a.py", folder=work, allow_dirty=True)
    code = found.manifest.part("code")
    assert code["dirty"] is True
    assert "git_commit" not in code


def test_outside_of_git_no_commit_is_named(do: Do, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "a.py").write_text("open('o', 'w')")
    found = do(PYTHON, "a.py", folder=plain)
    code = found.manifest.part("code")
    assert set(code) == {"path", "files", "language"}
    assert paths(found, "outputs") == ["o"]


def test_a_detached_head_a_linked_work_tree_and_sha256_are_commits_too(
    do: Do, work: Path, tmp_path: Path
) -> None:
    git(work, "checkout", "-q", "--detach")
    first = do("true", target=tmp_path / "1").manifest.part("code")
    assert first["git_commit"] == git(work, "rev-parse", "HEAD")
    linked = tmp_path / "linked"
    git(work, "worktree", "add", "-q", str(linked))
    second = do("true", folder=linked, target=tmp_path / "2").manifest.part("code")
    assert second["git_commit"] == first["git_commit"]
    files = {"a.py": b"1\n"}
    modern = make_repository(tmp_path / "modern", files, "--object-format=sha256")
    third = do("true", folder=modern, target=tmp_path / "3").manifest.part("code")
    assert third["git_tree_hash"] == git(modern, "rev-parse", "HEAD^{tree}")
    assert len(third["git_commit"]) == 64


def test_code_of_a_submodule_is_pinned_by_the_commit(
    do: Do, work: Path, tmp_path: Path
) -> None:
    inner = make_repository(tmp_path / "inner", {"part.py": b"1\n"})
    allow = ("-c", "protocol.file.allow=always")
    git(work, *allow, "submodule", "--quiet", "add", str(inner), "part")
    git(work, "commit", "-q", "-m", "Add a part")
    found = do(PYTHON, "part/part.py")
    assert found.manifest.part("code")["dirty"] is False
    (work / "part/part.py").write_text("2\n")
    with pytest.raises(CapsuleError, match=r"part/part\.py: changed"):
        do(PYTHON, "part/part.py", target=tmp_path / "second")


# -- the environment -------------------------------------------------------------------


def test_the_packages_of_the_command_s_own_python_are_locked(
    do: Do, tmp_path: Path
) -> None:
    found = do(PYTHON, "-c", "0")
    environment = found.manifest.part("environment")
    version = ".".join(map(str, sys.version_info[:3]))
    assert environment["interpreter"]["version"] == version
    packages = {item["name"]: item["version"] for item in environment["packages"]}
    assert packages["pytest"] == pytest.__version__
    lock = (tmp_path / "capsule/requirements.lock.txt").read_text()
    assert f"\npytest=={pytest.__version__}\n" in lock


def test_an_empty_virtual_environment_has_no_packages(do: Do, tmp_path: Path) -> None:
    command = [PYTHON, "-m", "venv", "--without-pip", str(tmp_path / "venv")]
    subprocess.run(command, check=True)
    environ = {"PATH": f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}"}
    found = do("python", "-c", "0", environ=environ)
    assert found.manifest.part("environment")["packages"] == []


def test_a_console_script_is_of_the_python_that_its_first_line_names(
    do: Do, work: Path
) -> None:
    (work / "tool").write_text(f"#!{PYTHON}\n")
    (work / "tool").chmod(0o755)
    found = do("./tool", allow_dirty=True)
    assert found.manifest.part("environment")["interpreter"]["name"] == "CPython"


def test_no_module_of_the_work_tree_runs_to_learn_of_packages(
    do: Do, work: Path
) -> None:
    commit(work, {"json.py": b"raise SystemExit(7)\n"})
    found = do(PYTHON, "-I", "-c", "0")
    assert found.manifest.part("environment")["packages"]


def test_where_packages_came_from_is_told_without_passwords() -> None:
    from reverify.capsules.capture.environment import (  # noqa: PLC0415
        Interpreter,
        Package,
        lock_file,
    )
    from reverify.capsules.capture.languages import PYTHON as LANGUAGE  # noqa: PLC0415

    packages = (
        Package("plain", "1.0", None),
        Package(
            "vcs",
            "2.0",
            {
                "url": "https://ada:secret@example.org/vcs.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
            },
        ),
        Package(
            "archive",
            "3.0",
            {
                "url": "https://example.org/archive-3.0.whl",
                "archive_info": {"hashes": {"sha256": "00"}},
            },
        ),
        Package("local", "4.0", {"url": "file:///home/ada/local", "dir_info": {}}),
    )
    text = lock_file(Interpreter(LANGUAGE, "CPython", "3.11.7", packages)).decode()
    assert text.splitlines()[2:] == [
        "plain==1.0",
        "vcs @ git+https://example.org/vcs.git@abc  # 2.0",
        "archive @ https://example.org/archive-3.0.whl#sha256=00",
        "# local==4.0 was installed from a folder of the machine",
    ]


def test_the_platform_is_written_down(do: Do) -> None:
    found = do("true").manifest.part("environment")["platform"]
    assert found["system"] == os.uname().sysname
    assert (found["locale"], found["time_zone"]) == ("C.UTF-8", "UTC")


def test_a_lock_file_takes_no_name_that_is_taken(do: Do) -> None:
    found = do(PYTHON, "-c", "open('requirements.lock.txt', 'w')")
    assert paths(found, "outputs") == ["requirements.lock.txt"]
    lock = found.manifest.part("environment")["lock_file"]
    assert lock["path"] == "requirements-1.lock.txt"


# -- where it goes ---------------------------------------------------------------------


def test_in_the_work_tree_itself_only_the_manifest_is_written(
    do: Do, work: Path
) -> None:
    before = leftovers(work)
    found = do(PYTHON, "copy.py", "data/rain.csv", "o", inputs=("data",), target=work)
    assert leftovers(work) == sorted([*before, "capsule.json", "o"])
    assert found.path == work / "capsule.json"
    assert paths(found, "outputs") == ["o"]
    assert "lock_file" not in found.manifest.part("environment")
    with pytest.raises(CapsuleError, match="is there already"):
        do("true", target=work)


def test_in_the_work_tree_itself_links_are_refused(do: Do, work: Path) -> None:
    (work / "near").symlink_to("data")
    with pytest.raises(CapsuleError, match="near: is a link"):
        do("true", inputs=("near/rain.csv",), target=work)


def test_in_the_work_tree_itself_a_changed_input_is_lost(do: Do, work: Path) -> None:
    line = shell("echo b,2 >> data/rain.csv")
    found = do(*line, inputs=("data/rain.csv",), target=work)
    assert "no longer what it was" in found.problems[0]
    assert paths(found, "inputs") == ["data/rain.csv"]
    assert paths(found, "outputs") == []


@pytest.mark.parametrize("there", ["file", "full", "dangling"])
def test_what_is_there_already_is_never_written_over(
    do: Do, work: Path, tmp_path: Path, there: str
) -> None:
    target = tmp_path / "capsule"
    if there == "file":
        target.write_text("mine")
    elif there == "full":
        target.mkdir()
        (target / "mine").touch()
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(CapsuleError, match="name another with -o"):
        do("touch", "ran")
    assert not (work / "ran").exists()


def test_an_empty_folder_may_be_there(do: Do, tmp_path: Path) -> None:
    (tmp_path / "capsule").mkdir()
    assert do("true").path.exists()
    assert leftovers(tmp_path) == ["capsule", "work"]


def test_folders_on_the_way_are_made_and_taken_away_again(
    do: Do, tmp_path: Path
) -> None:
    target = tmp_path / "a/b/capsule"
    with pytest.raises(CapsuleError, match="cannot be started"):
        do(str(tmp_path / "work/broken"), target=target, allow_dirty=broken(tmp_path))
    assert leftovers(tmp_path) == ["work"]
    assert do("true", target=target, allow_dirty=True).path.exists()


def broken(tmp_path: Path) -> bool:
    """Put a program there that cannot be started."""
    (tmp_path / "work/broken").write_bytes(b"#!/no/such/interpreter\n")
    (tmp_path / "work/broken").chmod(0o755)
    return True


def test_a_command_that_writes_into_the_capsule_is_told(do: Do, tmp_path: Path) -> None:
    target = tmp_path / "capsule"
    with pytest.raises(CapsuleError, match="must not write into its own capsule"):
        do(*shell(f"mkdir {target}; touch {target}/mine"))
    assert leftovers(tmp_path) == ["capsule", "work"]
    assert leftovers(target) == ["mine"]


def test_a_failure_after_the_run_leaves_nothing(
    do: Do, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(placing, "_rename", fail)
    with pytest.raises(CapsuleError, match="No space left on device"):
        do("touch", "ran")
    assert (work / "ran").exists()
    assert leftovers(tmp_path) == ["work"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"license": "to kill"}, "is no SPDX licence"),
        ({"id": "7"}, "has not the form it needs"),
        ({"publisher": {"name": "X", "url": "ftp://x"}}, "http or https URL"),
    ],
)
def test_what_does_not_fit_is_told_before_the_run(
    do: Do, work: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ManifestError, match=said):
        do("touch", "ran", **options)
    assert not (work / "ran").exists()


def test_arguments_that_are_not_utf_8_are_told(do: Do) -> None:
    with pytest.raises(CapsuleError, match="is not UTF-8, so it cannot be recorded"):
        do("touch", os.fsdecode(b"\xff"))


def test_a_program_that_is_not_there_is_told(do: Do) -> None:
    for program in ("no-such-program", "./no-such-program"):
        with pytest.raises(CapsuleError, match="no such program"):
            do(program)


def test_a_program_that_is_not_executable_is_told(do: Do) -> None:
    with pytest.raises(CapsuleError, match=r"data/rain\.csv: is not executable"):
        do("data/rain.csv")


# -- reading options -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=true", True),
        ("a=null", None),
        ('a={"b": [1]}', {"b": [1]}),
        ('a="1"', "1"),
        ("a=text", "text"),
        ("a=", ""),
        ("a=b=c", "b=c"),
        ("a=NaN", "NaN"),
        ("a=1e999", "1e999"),
        ("a=-Infinity", "-Infinity"),
        ("a=" + "[" * 100_000, "[" * 100_000),
    ],
)
def test_parameters_are_json_or_text(text: str, value: object) -> None:
    assert read_parameter(text) == ("a", value)


@given(st.text())
def test_any_value_of_a_parameter_can_be_written_down(value: str) -> None:
    _, read = read_parameter(f"a={value}")
    json.dumps(read, allow_nan=False)


@pytest.mark.parametrize("text", ["a", "=1", ""])
def test_a_parameter_needs_a_name(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        read_parameter(text)


def test_descriptions_are_read() -> None:
    assert read_description("a.csv=x = y") == ("a.csv", "x = y")
    for text in ("a.csv", "=x", "a.csv= "):
        with pytest.raises(UsageError, match="--describe"):
            read_description(text)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Ada Example", {"name": "Ada Example"}),
        ("Ada <ada@example.org>", {"name": "Ada", "email": "ada@example.org"}),
        (
            "Ada <https://orcid.org/0000-0002-1694-233X>",
            {"name": "Ada", "orcid": "https://orcid.org/0000-0002-1694-233X"},
        ),
    ],
)
def test_persons_are_read(text: str, person: dict[str, str]) -> None:
    assert read_person(text) == person


@pytest.mark.parametrize(
    "text",
    ["", "<ada@example.org>", "Ada 0000-0002-1825-0098", "Ada https://example.org/ada"],
)
def test_persons_that_are_none_are_told(text: str) -> None:
    with pytest.raises(UsageError, match="--author"):
        read_person(text)


def test_organizations_are_read() -> None:
    assert read_organization("Uni <https://ror.org/04wxnsj81>") == {
        "name": "Uni",
        "ror": "https://ror.org/04wxnsj81",
    }
    for text in ("<https://example.org>", "Uni <nowhere>"):
        with pytest.raises(UsageError, match="--publisher"):
            read_organization(text)


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("a.csv", "text/csv"),
        ("a/b.JSON", "application/json"),
        ("a.py", "text/x-python"),
        ("a.tar.gz", "application/gzip"),
        ("a.unheard", None),
        ("README", None),
    ],
)
def test_media_types_are_those_of_suffixes(path: str, type: str | None) -> None:
    assert media_type(path) == type
