"""`reverify capsule capture` and `capsule commits`, as a user types them."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from reverify.capsules.manifest import read_manifest

from tests.gitrepos import git, make_repository
from tests.services.swh_double import SwhDouble

REVERIFY = [sys.executable, "-m", "reverify", "capsule"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    files = {
        "speak.sh": b"echo out; echo err >&2; echo 1 > one.txt\n",
        "in.csv": b"1\n",
    }
    return make_repository(tmp_path / "work", files)


def run(
    work: Path, *arguments: str | Path, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*REVERIFY, *map(str, arguments)],
        cwd=work,
        env={**os.environ, "HOME": str(work.parent)},
        stdin=subprocess.DEVNULL if given is None else None,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_capture_is_summed_up_after_what_the_command_says(work: Path) -> None:
    options = ("--license", "MIT", "-o", "../capsule", "--")
    answer = run(work, "capture", *options, "sh", "speak.sh")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == [
        "out",
        str(work.parent / "capsule/capsule.json"),
        "  sh speak.sh",
        "  completed, exit status 0",
        "  0 inputs, 1 output, 1 file of code",
        f"  commit {git(work, 'rev-parse', 'HEAD')}",
    ]
    assert answer.stderr == "err\n"


def test_what_a_crate_of_it_will_be_refuted_for_is_told(work: Path) -> None:
    answer = run(work, "capture", "-o", "../capsule", "--", "sh", "speak.sh")
    assert answer.returncode == 0
    _, said = answer.stderr.splitlines()
    assert said.startswith("reverify: /license is missing, and a check will refute")


def test_that_standard_input_is_not_kept_is_written_down(work: Path) -> None:
    answer = run(work, "capture", "-o", "../a", "--", "cat", given="a\n")
    assert answer.stdout.startswith("a\n")
    note = (
        "standard input was a pipe: what the command may have read from it is not kept"
    )
    assert note in answer.stderr
    assert json.loads((work.parent / "a/capsule.json").read_bytes())["notes"] == note
    run(work, "capture", "-o", "../b", "--", "cat")
    assert "notes" not in json.loads((work.parent / "b/capsule.json").read_bytes())


def test_the_dashes_may_be_left_out(work: Path) -> None:
    answer = run(work, "capture", "-o", "../capsule", "sh", "-c", "exit 0", "-q", "--")
    assert answer.returncode == 0, answer.stderr
    manifest = json.loads((work.parent / "capsule/capsule.json").read_bytes())
    assert manifest["run"]["command"] == ["sh", "-c", "exit 0", "-q", "--"]


def test_with_json_standard_output_is_json_alone(work: Path) -> None:
    options = ("--input", "in.csv", "--param", "a=1", "--license", "MIT")
    answer = run(work, "capture", "-o", "../c", *options, "--json", "sh", "speak.sh")
    found = json.loads(answer.stdout)
    assert answer.stderr == "out\nerr\n"
    assert found["manifest"] == str(work.parent / "c/capsule.json")
    manifest = read_manifest(Path(found["manifest"]).read_bytes(), "capsule.json")
    assert found["id"] == manifest.id
    assert (found["status"], found["exit_status"]) == ("completed", 0)
    assert found["git_commit"] == git(work, "rev-parse", "HEAD")
    assert found["inputs"] == manifest.document["inputs"]
    assert found["outputs"] == manifest.document["outputs"]
    assert (found["dirty"], found["problems"]) == (False, [])


def test_quiet_says_where_the_manifest_is(work: Path) -> None:
    answer = run(work, "capture", "-q", "-o", "../capsule", "sh", "speak.sh")
    assert answer.stdout == f"{work.parent / 'capsule/capsule.json'}\n"
    assert answer.stderr == ""


def test_a_command_that_fails_is_exit_code_1_and_has_a_manifest(work: Path) -> None:
    answer = run(work, "capture", "-o", "../capsule", "sh", "-c", "exit 7")
    assert answer.returncode == 1
    assert "failed, exit status 7" in answer.stdout
    assert "the command ended with exit status 7" in answer.stderr
    assert (work.parent / "capsule/capsule.json").exists()


def test_dirty_code_is_exit_code_2_and_nothing_is_run(work: Path) -> None:
    (work / "speak.sh").write_text("echo 2 > two.txt\n")
    answer = run(work, "capture", "-o", "../capsule", "sh", "speak.sh")
    assert answer.returncode == 2
    assert "speak.sh: changed" in answer.stderr
    assert "--allow-dirty" in answer.stderr
    assert not (work / "two.txt").exists()
    answer = run(work, "capture", "--allow-dirty", "-o", "../capsule", "sh", "speak.sh")
    assert answer.returncode == 0
    assert "dirty (1 not in it)" in answer.stdout
    assert "not in the commit: speak.sh: changed" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "../c"], "Missing argument 'COMMAND"),
        (["true"], "Missing option '-o'"),
        (["-o", ".git", "true"], "is not empty"),
        (["-o", "../c", "--param", "x", "true"], "NAME=VALUE"),
        (["-o", "../c", "--param", "x=1", "--param", "x=2", "true"], "given twice"),
        (["-o", "../c", "--author", "<a@b>", "true"], "a name is missing"),
        (["-o", "../c", "--input", "gone", "true"], "no such file"),
        (["-o", "../c", "--id", "x", "true"], "/id"),
        (["-o", "../c", "no-such-program"], "no such program"),
    ],
)
def test_what_cannot_be_captured_is_exit_code_2(
    work: Path, arguments: list[str], said: str
) -> None:
    answer = run(work, "capture", *arguments)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr
    assert sorted(path.name for path in work.parent.iterdir()) == ["work"]


def test_outside_of_git_it_says_that_nothing_pins_the_code(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "a.sh").write_text("echo 1 > o\n")
    answer = run(plain, "capture", "-o", "../capsule", "sh", "a.sh")
    assert answer.returncode == 0
    assert "no commit pins the code" in answer.stderr
    assert "  no commit" in answer.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing(work: Path, number: int) -> None:
    command = [*REVERIFY, "capture", "-o", "../capsule", "--", "sh", "-c"]
    line = "echo $$ > started; exec sleep 60"
    with subprocess.Popen(
        [*command, line],
        cwd=work,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        child = int(wait_for(work / "started"))
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in said
    assert sorted(path.name for path in work.parent.iterdir()) == ["work"]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_who_is_killed_leaves_no_capsule_and_the_next_tidies_up(
    work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("temporary"))}
    command = [*REVERIFY, "capture", "-o", "../capsule", "--input", "in.csv", "--"]
    line = "echo $$ > started; exec sleep 60"
    command += ["sh", "-c", line]
    with subprocess.Popen(command, cwd=work, env=environ) as process:
        child = int(wait_for(work / "started"))
        process.kill()
    os.kill(child, signal.SIGKILL)
    left = sorted(path.name for path in work.parent.iterdir())
    assert len(left) == 2
    assert left[0].startswith(".reverify-")
    answer = run(work, "capture", "-o", "../capsule", "sh", "speak.sh")
    assert answer.returncode == 0, answer.stderr
    left = sorted(path.name for path in work.parent.iterdir())
    assert left == ["capsule", "work"]


def test_ctrl_c_at_a_terminal_reaches_the_command_once(work: Path) -> None:
    line = "trap 'echo got >> signals' INT; echo 1 > started; sleep 3 & wait; wait"
    command = [*REVERIFY, "capture", "-o", "../capsule", "--", "sh", "-c", line]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(work)
        os.execv(command[0], command)
    wait_for(work / "started")
    os.write(terminal, b"\x03")
    said = b""
    while True:
        try:
            chunk = os.read(terminal, 1024)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    _, status = os.waitpid(child, 0)
    assert (work / "signals").read_text() == "got\n"
    assert os.waitstatus_to_exitcode(status) == 0, said
    assert (work.parent / "capsule/capsule.json").exists()


def wait_for(path: Path) -> str:
    for _ in range(400):
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text()
        time.sleep(0.05)
    raise TimeoutError(path)


def test_hostile_names_are_made_harmless(work: Path) -> None:
    name = "\x1b[31mred\u202e"
    answer = run(work, "capture", "-o", "../c", "--title", name, "ln", "-s", "x", name)
    assert answer.returncode == 0
    assert "\x1b" not in answer.stdout + answer.stderr
    assert "\u202e" not in answer.stdout + answer.stderr


# -- commits ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], 0),
        (["HEAD"], 0),
        (["HEAD", "0" * 40], 3),
        (["HEAD", "no id"], 1),
        (["HEAD", "abcdef12"], 3),
        (["abcdef12", "no id"], 1),
    ],
)
def test_the_exit_code_says_whether_commits_are_lost(
    work: Path, ids: list[str], code: int
) -> None:
    head = git(work, "rev-parse", "HEAD")
    record = work.parent / "record.json"
    known = [head if id == "HEAD" else id for id in ids]
    record.write_text(json.dumps({"completion_shas": known}))
    before = record.read_bytes()
    answer = run(work, "commits", record, "--source", ".", "--json", "--offline")
    assert answer.returncode == code, answer.stderr
    assert [item["id"] for item in json.loads(answer.stdout)["commits"]] == known
    assert record.read_bytes() == before


def test_a_record_is_written_only_when_asked(work: Path) -> None:
    head = git(work, "rev-parse", "HEAD")
    record = work.parent / "record.json"
    record.write_text(f'{{"completion_shas": ["HEAD", "{head}"], "by": "Ada"}}')
    options = ("--source", work, "--write", "--offline")
    answer = run(work, "commits", record, *options)
    assert answer.returncode == 1
    assert f"{head[:12]}  reachable" in answer.stdout
    assert "HEAD          malformed" in answer.stdout
    after = json.loads(record.read_text())
    assert after["completion_shas"] == [head]
    assert after["completion_shas_missing"] == ["HEAD"]
    assert after["by"] == "Ada"
    assert sorted(path.name for path in work.parent.iterdir()) == [
        "record.json",
        "work",
    ]


def test_a_commit_is_not_called_gone_while_the_archive_is_not_asked(work: Path) -> None:
    record = work.parent / "record.json"
    record.write_text(f'{{"completion_shas": ["{"0" * 40}"]}}')
    options = ("--source", work, "--write", "--offline")
    answer = run(work, "commits", record, *options)
    assert answer.returncode == 3
    assert (
        f"{'0' * 12}  unknown       in none of the repositories; the" in answer.stdout
    )
    after = json.loads(record.read_text())
    assert after["completion_shas"] == ["0" * 40]
    assert after["completion_shas_missing"] == []


def test_no_such_record_or_repository_is_exit_code_2(work: Path) -> None:
    record = work.parent / "record.json"
    record.write_text('{"completion_shas": []}')
    for arguments, said in (
        (("gone.json", "--source", "."), "cannot be read"),
        ((record, "--source", "gone"), "no such folder"),
        ((record, "--source", work.parent), "is no git repository"),
        ((record,), "Missing option"),
        ((work / "in.csv", "--source", "."), "a task record is a JSON object"),
    ):
        answer = run(work, "commits", *arguments)
        assert answer.returncode == 2
        assert said in answer.stderr


def test_a_commit_that_the_archive_alone_holds_is_told(
    work: Path, tmp_path: Path, swh_double: SwhDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_SWH_URL", swh_double.base)
    monkeypatch.setenv("REVERIFY_CACHE_DIR", str(tmp_path / "cache"))
    other = make_repository(tmp_path / "other", {"b.txt": b"2\n"})
    archived, here = (git(folder, "rev-parse", "HEAD") for folder in (other, work))
    swh_double.load(other)
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"completion_shas": [here, archived, "0" * 40]}))
    options = ("--source", work, "--allow-private", "--write")
    answer = run(work, "commits", record, *options)
    assert answer.returncode == 1, answer.stderr
    assert f"{archived[:12]}  archived      held by the archive alone" in answer.stdout
    assert "nor in the archive" in answer.stdout
    after = json.loads(record.read_text())
    assert after["completion_shas"] == [here, archived]
    assert after["completion_shas_missing"] == ["0" * 40]
    assert swh_double.count("known/") == 1


def test_a_commit_is_not_called_gone_while_the_archive_is_down(
    work: Path, tmp_path: Path, swh_double: SwhDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_SWH_URL", swh_double.base)
    monkeypatch.setenv("REVERIFY_CACHE_DIR", str(tmp_path / "cache"))
    swh_double.tokens.add("right")
    monkeypatch.setenv("REVERIFY_SWH_TOKEN", "wrong")  # refused at once
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"completion_shas": ["0" * 40]}))
    answer = run(work, "commits", record, "--source", work, "--allow-private")
    assert answer.returncode == 3
    assert "undetermined  in none of the repositories; the archive" in answer.stdout
    assert "refuses the token" in answer.stderr
