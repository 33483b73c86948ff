"""`reverify archive`, as a user types it, against a double of the archive."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.capsules.builders import LEAST, capsule_folder
from tests.fakes import write_crate
from tests.gitrepos import commit, git, make_repository
from tests.services.swh_double import SwhDouble
from tests.test_schemas import faults

ORIGIN = "https://github.com/ada/rain"
REVERIFY = [sys.executable, "-m", "reverify"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    found = make_repository(tmp_path / "rain", {"sum.py": b"print(1)\n"})
    git(found, "remote", "add", "origin", f"{ORIGIN}.git")
    return found


@pytest.fixture(autouse=True)
def _archive(
    tmp_path: Path, swh_double: SwhDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_SWH_URL", swh_double.base)
    monkeypatch.setenv("REVERIFY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("REVERIFY_DB", f"sqlite:///{tmp_path / 'db.sqlite'}")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*REVERIFY, "archive", "--allow-private", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def asked(*arguments: str | Path) -> dict[str, Any]:
    """What the command says as JSON, which must fit its schema."""
    found: dict[str, Any] = json.loads(run("--json", *arguments).stdout)
    assert not faults(found, "archive")
    return found


def ids(repository: Path) -> tuple[str, str]:
    return (
        git(repository, "rev-parse", "HEAD"),
        git(repository, "rev-parse", "HEAD^{tree}"),
    )


def capsule_of(repository: Path, folder: Path, **changes: object) -> Path:
    head, tree = ids(repository)
    code = {
        "repository": ORIGIN,
        "git_commit": head,
        "git_tree_hash": tree,
        "files": [{"path": "sum.py"}],
    }
    return capsule_folder(folder, code={**code, **changes})


@pytest.fixture
def carried_out(swh_double: SwhDouble) -> Iterator[None]:
    """Requests to save are carried out soon after they were made."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.5):
            swh_double.carry_out_saves()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


# -- what is archived ------------------------------------------------------------------


def test_a_repository_that_is_archived_gives_identifiers_to_write_down(
    repository: Path, swh_double: SwhDouble
) -> None:
    snapshot = swh_double.load(repository, ORIGIN, date="2025-06-01T12:00:00+00:00")
    head, tree = ids(repository)
    answer = run(repository)
    assert answer.returncode == 0, answer.stderr
    assert "ARCHIVED: 2 of 2 objects are held" in answer.stdout
    assert f"known as {ORIGIN}" in answer.stdout
    assert "since     2025-06-01T12:00:00+00:00" in answer.stdout
    context = f"origin={ORIGIN};visit=swh:1:snp:{snapshot}"
    lines = [line.strip() for line in answer.stdout.splitlines()]
    assert lines[-2:] == [
        f"swh:1:rev:{head};{context}",
        f"swh:1:dir:{tree};{context};anchor=swh:1:rev:{head};path=/",
    ]


def test_what_is_not_archived_is_said_object_by_object(
    repository: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository, ORIGIN)
    head = commit(repository, {"sum.py": b"print(2)\n"})
    answer = run(repository)
    assert answer.returncode == 1
    assert f"- commit    swh:1:rev:{head}" in answer.stdout
    assert "+ origin" in answer.stdout
    assert "to write down" not in answer.stdout


def test_a_commit_before_the_tip_was_seen_by_the_visit_as_well(
    repository: Path, swh_double: SwhDouble
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    commit(repository, {"sum.py": b"print(2)\n"})
    snapshot = swh_double.load(repository, ORIGIN)
    git(repository, "checkout", "-q", first)
    (code,) = asked(repository)["locations"][0]["codes"]
    assert code["seen"]["branch"] == "refs/heads/main"
    assert code["seen"]["is_tip"] is False
    assert f"visit=swh:1:snp:{snapshot}" in code["swhids"][0]


def test_an_annotated_tag_that_saw_the_commit_is_named(
    repository: Path, swh_double: SwhDouble
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "-a", "v1", "-m", "One")
    git(repository, "checkout", "-q", "--orphan", "other")
    commit(repository, {"sum.py": b"print(2)\n"})
    git(repository, "branch", "-q", "-D", "main")
    swh_double.load(repository, ORIGIN)
    git(repository, "checkout", "-q", first)
    (code,) = asked(repository)["locations"][0]["codes"]
    assert code["seen"]["branch"] == "refs/tags/v1"
    assert code["seen"]["is_tip"] is True


def test_since_when_is_told_by_the_oldest_visit(
    repository: Path, swh_double: SwhDouble
) -> None:
    dates = [f"2025-0{month}-01T12:00:00+00:00" for month in (3, 4, 5)]
    for date in dates:
        swh_double.load(repository, ORIGIN, date=date)
    (code,) = asked(repository)["locations"][0]["codes"]
    assert code["seen"]["since"] == dates[0]
    assert code["seen"]["date"] == dates[2]


def test_a_commit_that_only_a_pull_request_shows_was_not_seen_at_the_origin(
    repository: Path, swh_double: SwhDouble
) -> None:
    first = git(repository, "rev-parse", "HEAD")
    proposed = commit(repository, {"sum.py": b"print(3)\n"})
    git(repository, "update-ref", "refs/pull/7/head", proposed)
    git(repository, "reset", "-q", "--hard", first)
    swh_double.load(repository, ORIGIN)
    git(repository, "reset", "-q", "--hard", proposed)
    found = asked(repository)["locations"][0]
    assert found["state"] == "held"
    assert found["codes"][0]["seen"] is None
    assert found["codes"][0]["swhids"][0] == f"swh:1:rev:{proposed}"


def test_files_of_a_capsule_are_asked_about(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository, ORIGIN)
    folder = capsule_of(repository, tmp_path / "capsule")
    assert run(folder).returncode == 0
    (folder / "sum.py").write_bytes(b"print(9)\n")
    found = asked(folder)["locations"][0]
    (file,) = [each for each in found["objects"] if each["what"] == "file"]
    assert (file["of"], file["state"]) == ("sum.py", "not-held")


def test_all_locations_cost_one_request_for_their_objects(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository, ORIGIN)
    head, _ = ids(repository)
    entity = {
        "@id": "#code",
        "@type": "SoftwareSourceCode",
        "codeRepository": ORIGIN,
        "version": head,
    }
    write_crate(tmp_path / "many" / "one", entity)
    write_crate(tmp_path / "many" / "two", entity)
    capsule = capsule_of(repository, tmp_path / "capsule")
    found = asked(repository, tmp_path / "many", capsule, ORIGIN)
    kinds = [each["kind"] for each in found["locations"]]
    assert kinds == ["repository", "crate", "crate", "capsule", "origin"]
    assert {each["state"] for each in found["locations"]} == {"held"}
    assert swh_double.count("known/") == 1
    assert swh_double.count("/get/") <= 3  # two spellings, one of them looked up twice


def test_a_crate_that_names_no_code_could_not_be_told(tmp_path: Path) -> None:
    write_crate(tmp_path / "crate")
    answer = run(tmp_path / "crate")
    assert answer.returncode == 3
    assert "it names no code that could be asked about" in answer.stdout


def test_a_swhid_of_no_type_could_not_be_told(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository)
    entity = {
        "@id": "#code",
        "@type": "SoftwareSourceCode",
        "identifier": [f"swh:1:ext:{'a' * 40}", f"swh:1:rev:{ids(repository)[0]}"],
    }
    write_crate(tmp_path / "crate", entity)
    answer = run(tmp_path / "crate")
    assert answer.returncode == 3
    assert "1 of 1 objects are held" in answer.stdout
    assert "is no SWHID: there is no type 'ext'" in answer.stdout


@pytest.mark.parametrize("location", ["gone", "https://user:secret@example.org/x"])
def test_a_location_that_makes_no_sense_is_exit_code_2(location: str) -> None:
    answer = run(location)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1


def test_text_of_a_crate_is_made_printable(tmp_path: Path) -> None:
    entity = {
        "@id": "#\x1b[31m",
        "@type": "SoftwareSourceCode",
        "identifier": f"swh:1:rev:{'a' * 40}",
    }
    write_crate(tmp_path / "crate", entity)
    assert "\x1b" not in run(tmp_path / "crate").stdout


# -- what could not be told ------------------------------------------------------------


def test_a_service_that_refuses_is_exit_code_3(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_SWH_TOKEN", "wrong")
    answer = run(repository)
    assert answer.returncode == 3
    assert "COULD NOT BE TOLD" in answer.stdout
    assert "refuses the token" in answer.stdout
    assert "wrong" not in answer.stdout + answer.stderr


def test_offline_only_kept_answers_count(
    repository: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository, ORIGIN)
    answer = run(repository, "--offline")
    assert answer.returncode == 3
    assert "we are offline" in answer.stdout
    assert not swh_double.asked
    assert run(repository).returncode == 0
    count = len(swh_double.asked)
    assert run(repository, "--offline").returncode == 0
    assert len(swh_double.asked) == count


@pytest.mark.parametrize("option", ["--save", "--wait"])
def test_nothing_is_saved_offline(
    repository: Path, swh_double: SwhDouble, option: str
) -> None:
    answer = run(repository, "--offline", option)
    assert answer.returncode == 2
    assert not swh_double.asked


# -- saving ----------------------------------------------------------------------------


def test_nothing_is_saved_unless_asked(repository: Path, swh_double: SwhDouble) -> None:
    assert run(repository, "--fresh").returncode == 1
    assert swh_double.count("save") == 0
    found = asked(repository, "--wait")
    assert [each["answer"] for each in found["savings"]] == ["not-requested"]
    assert swh_double.count("save", "POST") == 0


def test_what_is_archived_is_not_saved_again(
    repository: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository, ORIGIN)
    assert run(repository, ORIGIN, "--save").returncode == 0
    assert swh_double.count("save") == 0


def test_an_origin_is_saved_once_however_often_it_is_named(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    capsule = capsule_of(repository, tmp_path / "capsule")
    answer = run(repository, capsule, ORIGIN, "--save")
    assert answer.returncode == 1
    assert "the archive has accepted the request (request 1, pending)" in answer.stdout
    assert swh_double.count("save", "POST") == 1


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("https://git.example.org/ada/rain", "a person at the archive will look"),
        ("https://github.com/bad/one", "refused: the archive answered with status 403"),
    ],
)
def test_what_the_archive_says_of_a_request_is_told(
    swh_double: SwhDouble, origin: str, said: str
) -> None:
    swh_double.blocked.add("https://github.com/bad/one")
    answer = run(origin, "--save")
    assert answer.returncode == 1
    assert said in answer.stdout


@pytest.mark.usefixtures("carried_out")
def test_after_waiting_the_commit_is_there(
    repository: Path, swh_double: SwhDouble
) -> None:
    swh_double.remotes[f"{ORIGIN}.git"] = repository
    answer = run(repository, "--save", "--wait")
    assert answer.returncode == 0, answer.stdout
    assert "to write down" in answer.stdout
    assert "accepted, succeeded" in answer.stderr
    assert "(request 1, succeeded, full)" in answer.stdout


@pytest.mark.usefixtures("carried_out")
def test_a_visit_that_did_not_bring_the_commit_is_told(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    pushed = tmp_path / "pushed"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(pushed))
    commit(repository, {"sum.py": b"print(2)\n"})
    swh_double.remotes[f"{ORIGIN}.git"] = pushed
    answer = run(repository, "--save", "--wait")
    assert answer.returncode == 1
    assert "was the commit pushed there?" in answer.stdout


def test_waiting_ends_with_the_time_and_goes_on_when_asked_again(
    repository: Path, swh_double: SwhDouble
) -> None:
    swh_double.remotes[f"{ORIGIN}.git"] = repository
    began = time.monotonic()
    answer = run(repository, "--save", "--wait", "--max-time", "3")
    assert time.monotonic() - began < 10
    assert answer.returncode == 1
    assert "the same command goes on with them" in answer.stderr
    swh_double.carry_out_saves()
    answer = run(repository, "--wait")
    assert answer.returncode == 0, answer.stdout
    assert len(swh_double.saved) == 1


# -- writing it down -------------------------------------------------------------------


def test_where_it_was_seen_is_written_into_a_manifest(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    snapshot = swh_double.load(repository, ORIGIN)
    file = capsule_of(repository, tmp_path / "capsule") / "capsule.json"
    before = file.read_text().splitlines()
    assert run(file, "--write").returncode == 0
    after = file.read_text().splitlines()
    added = [line.strip() for line in after if line not in before]
    assert added[-2:] == [
        f'"swh_origin_url": "{ORIGIN}",',
        f'"swh_snapshot_id": "swh:1:snp:{snapshot}"',
    ]
    changed = file.read_bytes()
    answer = run(file, "--write")
    assert "says so already" in answer.stdout
    assert file.read_bytes() == changed


def test_nothing_is_written_of_what_was_not_seen(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository)  # held, but nobody knows from where
    file = capsule_of(repository, tmp_path / "capsule") / "capsule.json"
    before = file.read_bytes()
    answer = run(file, "--write")
    assert answer.returncode == 0
    assert "nothing is written" in answer.stderr
    assert file.read_bytes() == before


def test_a_registered_capsule_gets_another_version_with_its_files(
    repository: Path, tmp_path: Path, swh_double: SwhDouble
) -> None:
    snapshot = swh_double.load(repository, ORIGIN)
    folder = capsule_of(repository, tmp_path / "capsule")
    capsule = [*REVERIFY, "capsule"]
    subprocess.run([*capsule, "register", folder], check=True, capture_output=True)
    answer = run(LEAST["id"], "--write")
    assert answer.returncode == 0, answer.stderr
    assert f"written   {LEAST['id']}@2" in answer.stdout
    show = [*capsule, "show", LEAST["id"], "--json"]
    shown = json.loads(subprocess.run(show, check=True, capture_output=True).stdout)
    assert shown["manifest"]["code"]["swh_snapshot_id"] == f"swh:1:snp:{snapshot}"
    assert {each["kept"] for each in shown["files"]} == {"folder"}
    verify = subprocess.run([*capsule, "verify-db", "--files"], check=False)
    assert verify.returncode == 0
    assert run(f"{LEAST['id']}@1", "--write").returncode == 2


def test_what_is_no_capsule_is_not_written(
    repository: Path, swh_double: SwhDouble
) -> None:
    swh_double.load(repository, ORIGIN)
    answer = run(repository, "--write")
    assert answer.returncode == 2
    assert "is no capsule" in answer.stderr


def test_an_answer_of_yesterday_is_asked_anew_when_wished(
    repository: Path, swh_double: SwhDouble
) -> None:
    assert run(repository).returncode == 1
    swh_double.load(repository, ORIGIN)
    assert run(repository).returncode == 1
    assert os.environ["REVERIFY_SWH_URL"] == swh_double.base
    assert run(repository, "--fresh").returncode == 0
