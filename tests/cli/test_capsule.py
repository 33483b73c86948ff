"""`reverify capsule ...`, as a user types it."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reverify.cli import _run

from tests.capsules.builders import LEAST, RAIN, capsule_folder, numbered, sha256
from tests.databases import GUEST, Backdoor

ID = LEAST["id"]
Answer = subprocess.CompletedProcess[str]


def run(*arguments: str | Path) -> Answer:
    """Call the command line within this process, which is quicker than another."""
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = _run([str(item) for item in arguments])
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    assert "Traceback" not in texts[1]
    return Answer(arguments, code, *texts)


def register(*arguments: str | Path) -> str:
    answer = run("capsule", "register", *arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def said(answer: Answer, code: int = 2) -> str:
    """The one line that tells what went wrong."""
    assert answer.returncode == code, answer.stdout + answer.stderr
    (line,) = answer.stderr.splitlines()
    assert line.startswith("reverify: ")
    return line


@pytest.fixture(autouse=True)
def _settings(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIFY_DB", database)
    monkeypatch.setenv("REVERIFY_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return capsule_folder(tmp_path / "rain")


def test_a_capsule_is_registered_listed_and_shown(folder: Path) -> None:
    assert register(folder) == f"{ID}@1  registered  Rain at three stations\n"
    assert register(folder / "capsule.json").split()[1:3] == ["there", "already"]
    listed = run("capsule", "list").stdout
    assert ID in listed
    assert "Rain at three stations" in listed
    shown = run("capsule", "show", ID[:6]).stdout
    assert f"rain.csv  {len(RAIN)} bytes  sha256:{sha256(RAIN)}" in shown
    assert f"kept in     {folder}" in shown
    assert run("capsule", "verify-db", "--files").stdout == "all of it holds\n"


def test_files_copied_later_are_shown_as_kept_in_the_store(folder: Path) -> None:
    register(folder)
    assert "the store" not in run("capsule", "show", ID).stdout
    assert "there already" in register("--store", folder)
    shown = run("capsule", "show", ID).stdout
    assert "kept in     the store" in shown
    assert "not kept" not in shown


def test_versions_are_shown_and_listed(folder: Path) -> None:
    register(folder)
    first = (folder / "capsule.json").read_bytes()
    capsule_folder(folder, title="Rain, again")
    assert "@2  registered" in register(folder)
    assert run("capsule", "show", f"{ID}@1", "--manifest").stdout.encode() == first
    history = json.loads(run("capsule", "history", ID, "--json").stdout)["versions"]
    assert [item["version"] for item in history] == [1, 2]
    assert history[1]["previous"] == history[0]["digest"]
    assert "@2" in run("capsule", "history", ID).stdout.splitlines()[1]


def test_show_as_json_has_manifest_and_files(folder: Path) -> None:
    register(folder)
    shown = json.loads(run("capsule", "show", ID, "--json").stdout)
    assert shown["manifest"] == json.loads((folder / "capsule.json").read_bytes())
    assert shown["files"][0] == {
        "role": "input",
        "path": "rain.csv",
        "sha256": sha256(RAIN),
        "size": len(RAIN),
        "kept": "folder",
        "base": str(folder),
    }
    assert (shown["id"], shown["version"], shown["previous"]) == (ID, 1, None)


def test_with_store_the_folder_may_go(folder: Path, tmp_path: Path) -> None:
    register(folder, "--store")
    shutil.rmtree(folder)
    assert run("capsule", "verify-db", "--files").returncode == 0
    answer = run("capsule", "export-all", "-o", tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "out" / f"capsule-{ID}" / "rain.csv").read_bytes() == RAIN


def test_a_folder_that_was_moved_is_told_once_with_what_to_do(
    folder: Path, tmp_path: Path
) -> None:
    register(folder)
    moved = folder.rename(tmp_path / "moved")
    damaged = run("capsule", "verify-db", "--files")
    assert damaged.stdout.splitlines()[-1] == "1 fault"
    answer = run("export", ID, "-o", tmp_path / "crate")
    assert answer.returncode == 2
    (complaint,) = answer.stderr.splitlines()
    assert f"{folder}: is no folder that can be read" in complaint
    assert "capsule register --store" in complaint
    register("--store", moved)
    assert run("export", ID, "-o", tmp_path / "crate").returncode == 0


def test_files_may_lie_elsewhere_than_the_manifest(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "capsule.json").rename(tmp_path / "m.json")
    assert "out/total.txt: is missing" in run("capsule", "register", "m.json").stderr
    register("m.json", "--base", folder)


def test_one_that_is_refused_does_not_keep_the_others(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_text('{"id": 1, "title": 2}')
    (tmp_path / "good.json").write_bytes(numbered(1).data)
    (folder / "rain.csv").write_text("changed")
    answer = run("capsule", "register", "bad.json", folder, "gone", "good.json")
    assert answer.returncode == 2
    assert answer.stdout == f"{numbered(1).id}@1  registered  Rain, 1\n"
    complaints = answer.stderr.splitlines()
    for complaint, said in zip(
        complaints,
        [
            "bad.json: / (line 1): schema_version, status, created must be there",
            "bad.json: /id (line 1): 1 must be of type string",
            "bad.json: /title (line 1): 2 must be of type string",
            "rain.csv: has size 7, the manifest states 15",
            "rain.csv: has sha256 ",
            "gone: cannot be read (No such file or directory)",
        ],
        strict=True,
    ):
        assert said in complaint


def test_lists_are_cut_and_chosen(tmp_path: Path) -> None:
    for number in range(3):
        manifest = numbered(number, status="draft" if number else "completed")
        (tmp_path / f"{number}.json").write_bytes(manifest.data)
    register("0.json", "1.json", "2.json")
    listed = json.loads(run("capsule", "list", "--json", "--limit", "2").stdout)
    assert [item["title"] for item in listed["capsules"]] == ["Rain, 2", "Rain, 1"]
    drafts = run("capsule", "list", "--status", "draft").stdout.splitlines()
    assert len(drafts) == 2
    assert run("capsule", "list", "--status", "over").returncode == 2
    assert json.loads(run("capsule", "list", "--json", "--limit", "0").stdout) == {
        "capsules": []
    }


def test_what_a_manifest_says_cannot_command_a_terminal(tmp_path: Path) -> None:
    folder = capsule_folder(tmp_path / "rain", title="\x1b]0;x\x07\u202e\n::error::x")
    out = register(folder)
    for command in (["list"], ["show", ID], ["history", ID]):
        out += run("capsule", *command).stdout
    assert not set(out) & {"\x1b", "\x07", "\u202e"}
    assert "\n::error" not in out


def test_nothing_is_made_by_asking(tmp_path: Path) -> None:
    answer = run("capsule", "list")
    assert (answer.returncode, answer.stdout) == (0, "")
    assert "nothing is registered yet" in answer.stderr
    assert "nothing is registered yet" in said(run("capsule", "verify-db"))
    assert "there is no capsule" in said(run("capsule", "show", ID))
    assert list(tmp_path.iterdir()) == []


def test_damage_is_told_with_exit_1_and_not_shown(
    folder: Path, backdoor: Backdoor
) -> None:
    register(folder)
    backdoor("UPDATE reverify_versions SET title = 'Snow'")
    answer = run("capsule", "verify-db")
    assert answer.returncode == 1
    assert answer.stdout.splitlines()[-1] == "1 fault"
    assert f"{ID}@1: registration 1" in answer.stdout
    assert "verify-db" not in answer.stdout
    damage = json.loads(run("capsule", "verify-db", "--json").stdout)
    assert damage["subject"] == f"{ID}@1"
    for command in (["show", ID], ["history", ID], ["list"]):
        answer = run("capsule", *command)
        assert "is not what was registered" in said(answer)
        assert "Snow" not in answer.stdout


def test_a_damaged_page_is_told(folder: Path, database: str) -> None:
    if database.startswith("postgresql"):
        pytest.skip("the pages of PostgreSQL are its own business")
    register(folder)
    path = Path(database.removeprefix("sqlite:///"))
    data = bytearray(path.read_bytes())
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 16] = b"\xff" * 16
    path.write_bytes(data)
    answer = run("capsule", "verify-db")
    assert answer.returncode == 1
    assert "malformed" in answer.stdout
    assert "verify-db" not in answer.stdout
    assert "is damaged" in said(run("capsule", "show", ID))
    path.write_bytes(b"\xff" * 100 + bytes(data[100:]))
    answer = run("capsule", "verify-db")
    assert answer.returncode == 1
    assert "its beginning is damaged" in answer.stdout


def test_a_changed_file_is_told_when_files_are_read(folder: Path) -> None:
    register(folder)
    (folder / "rain.csv").write_bytes(RAIN[::-1])
    assert run("capsule", "verify-db").returncode == 0
    answer = run("capsule", "verify-db", "--files")
    assert answer.returncode == 1
    assert "rain.csv" in answer.stdout


def test_all_are_exported_and_those_that_fail_are_named(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "1.json").write_bytes(numbered(1).data)
    register(folder, "1.json")
    (folder / "rain.csv").unlink()
    answer = run("capsule", "export-all", "-o", "out", "--format", "zip")
    assert answer.returncode == 2
    assert answer.stdout == f"written    out/capsule-{numbered(1).id}.zip\n"
    assert "rain.csv: is missing" in answer.stderr
    assert "1 written, 0 unchanged, 0 left out, 1 failed" in answer.stderr
    (folder / "rain.csv").write_bytes(RAIN)
    answer = run("capsule", "export-all", "-o", "out", "--format", "zip", "--json")
    assert [json.loads(line)["state"] for line in answer.stdout.splitlines()] == [
        "written",
        "unchanged",
    ]
    assert "no format 'tar'" in said(
        run("capsule", "export-all", "-o", "out", "--format", "tar")
    )


def test_a_password_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    if database.startswith("sqlite"):
        pytest.skip("a file has no password")
    address = database.replace("postgres:@", f"{GUEST}:guessed@")
    monkeypatch.setenv("REVERIFY_DB", address)
    line = said(run("capsule", "list"))
    assert "password authentication failed" in line
    assert "guessed" not in line


def test_the_address_may_be_the_one_of_scidex(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if database.startswith("sqlite"):
        pytest.skip("it is about PostgreSQL")
    name, _, host = database.partition("@/")[2].partition("?host=")
    monkeypatch.delenv("REVERIFY_DB")
    for variable, value in (
        ("SCIDEX_DB_BACKEND", "postgres"),
        ("PGHOST", host),
        ("PGDATABASE", name),
        ("PGUSER", "postgres"),
    ):
        monkeypatch.setenv(variable, value)
    (tmp_path / "1.json").write_bytes(numbered(1).data)
    assert "registered" in register("1.json")
    monkeypatch.setenv("REVERIFY_DB", database)
    assert numbered(1).id in run("capsule", "list").stdout


def test_who_reads_only_the_beginning_of_a_list_is_no_error(tmp_path: Path) -> None:
    for number in range(40):
        data = numbered(number, notes="x").data
        (tmp_path / f"{number}.json").write_bytes(data)
    register(*(f"{number}.json" for number in range(40)))
    reader, writer = os.pipe()
    os.close(reader)
    answer = subprocess.run(
        [sys.executable, "-m", "reverify", "capsule", "list"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_help_loads_no_database() -> None:
    program = (
        "import sys; from reverify.cli import app\n"
        "app(['capsule', 'register', '--help'], standalone_mode=False)\n"
        "heavy = {'sqlalchemy', 'alembic', 'jinja2', 'jsonschema', 'psycopg'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"
