"""`reverify audit`, as a user types it."""

import json
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from reverify.store.database import Database
from reverify.store.history import History

from tests.builders import METADATA, document, encode, write
from tests.cli.test_bring import Terminal, terminal
from tests.conftest import ROOT

__all__ = ["terminal"]
PLAIN = ("--skip", "conformance")


@pytest.fixture
def crates(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        files = {"a.csv": name.encode()}
        write(tmp_path / "crates" / name, {**files, METADATA: encode(document(files))})
    return tmp_path / "crates"


def test_what_broke_between_two_audits_is_told(
    terminal: Terminal, crates: Path
) -> None:
    answer = terminal("audit", "run", *PLAIN, crates)
    assert (answer.code, answer.err) == (0, "")
    assert "run 1, finished: 2 crates, 2 confirmed, 0 refuted" in answer.out
    assert terminal("audit", "drift").out == "nothing changed\n"
    (crates / "two" / "a.csv").write_bytes(b"tow")
    assert terminal("audit", "run", "-q", *PLAIN, crates).code == 1
    answer = terminal("audit", "drift")
    assert answer.code == 1
    assert "broke (1)" in answer.out
    assert "fixity/digest-mismatch" in answer.out
    assert "last seen well by run 1" in answer.out
    answer = terminal("audit", "status")
    assert "refuted       " + str(crates / "two") in answer.out
    assert str(crates / "one") not in answer.out
    answer = terminal("audit", "history", crates / "two")
    assert [line.split()[3] for line in answer.out.splitlines()] == [
        "confirmed",
        "refuted",
    ]
    assert terminal("audit", "verify").code == 0


def test_all_of_it_is_there_for_programs(terminal: Terminal, crates: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "audit.schema.json").read_bytes())
    fits = Draft202012Validator(schema)
    terminal("audit", "run", *PLAIN, crates)
    (crates / "two" / "a.csv").write_bytes(b"tow")
    for words in ("plan", "run", "status", "drift", "history"):
        options: dict[str, tuple[str | Path, ...]] = {
            "plan": (*PLAIN, crates),
            "run": (*PLAIN, crates),
            "history": (crates / "one",),
        }
        more = options.get(words, ())
        told = json.loads(terminal("audit", words, "--json", *more).out)
        assert list(fits.iter_errors(told)) == []
    (crates / "two" / "a.csv").write_bytes(b"two")
    run = json.loads(terminal("audit", "run", "--json", *PLAIN, crates).out)
    assert run["run"]["state"] == "finished"
    assert (
        run["crates"].items()
        >= {
            "total": 2,
            "confirmed": 2,
            "refuted": 0,
            "undetermined": 0,
        }.items()
    )
    status = json.loads(terminal("audit", "status", "--json").out)
    assert status["run"]["id"] == status["collections"][0]["run"]["id"] == 3
    assert status["crates"]["total"] == 2
    found = json.loads(terminal("audit", "drift", "--json").out)
    assert found.keys() == {"schema_version", "broke", "healed", "new", "vanished"}
    told = json.loads(terminal("audit", "history", "--json", crates / "one").out)
    assert told["checks"][0]["outcome"] == "confirmed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nowhere"), "nowhere: there is nothing; name a folder or a crate"),
        (("history", "nowhere"), "nowhere: no audit has seen it"),
        (("drift", "--run", "7"), "there is no finished run 7"),
    ],
)
def test_a_wrong_use_is_told(
    terminal: Terminal, crates: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert terminal("audit", "run", "-qq", *PLAIN, crates).code == 0
    answer = terminal("audit", *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_before_the_first_audit_it_says_how_to_begin(terminal: Terminal) -> None:
    answer = terminal("audit", "status")
    assert (answer.code, answer.out) == (0, "")
    assert "reverify audit run FOLDER" in answer.err


def test_a_policy_judges_an_audit(
    terminal: Terminal, crates: Path, tmp_path: Path
) -> None:
    (crates / "two" / "a.csv").write_bytes(b"tow")
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[tolerate]]\nrule = "fixity/digest-mismatch"\nreason = "known"\n'
        "until = 2999-01-31\n"
    )
    assert terminal("audit", "run", "-qq", *PLAIN, crates).code == 1
    answer = terminal("audit", "run", *PLAIN, "--policy", policy, crates)
    assert answer.code == 0, answer.out + answer.err


def test_a_plan_says_what_would_be_read(terminal: Terminal, crates: Path) -> None:
    answer = terminal("audit", "plan", *PLAIN, crates)
    assert (answer.code, answer.err) == (0, "")
    assert "2 crates would be read" in answer.out
    assert "known after the first run" in answer.out
    terminal("audit", "run", "-qq", *PLAIN, crates)
    answer = terminal("audit", "plan", *PLAIN, crates)
    assert "2 would only be looked at" in answer.out


def test_a_quick_look_is_named_as_such(terminal: Terminal, crates: Path) -> None:
    terminal("audit", "run", "-qq", *PLAIN, crates)
    answer = terminal("audit", "run", *PLAIN, crates)
    assert "0 read in full, 2 only looked at" in answer.out
    answer = terminal("audit", "history", crates / "one")
    assert "quick, as read by run 1 (unchanged)" in answer.out
    status = json.loads(terminal("audit", "status", "--json").out)
    assert (status["crates"]["full"], status["crates"]["quick"]) == (0, 2)


def test_only_new_trouble_counts_if_that_is_asked(
    terminal: Terminal, crates: Path
) -> None:
    (crates / "two" / "a.csv").write_bytes(b"tow")
    run = ("audit", "run", "-qq", *PLAIN, crates, "--fail-on")
    assert terminal(*run, "new").code == 1
    assert terminal(*run, "new").code == 0
    assert terminal(*run, "any").code == 1
    (crates / "one" / "a.csv").write_bytes(b"eno")
    assert terminal(*run, "new").code == 1


def test_a_list_of_crates_is_a_collection(
    terminal: Terminal, crates: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "crates.txt"
    listed.write_text(f"{crates / 'one'}\n{tmp_path / 'none'}\n")
    answer = terminal("audit", "run", *PLAIN, "--list", listed)
    assert answer.code == 1
    assert "refuted       " + str(tmp_path / "none") in answer.out
    assert "2 crates, 1 confirmed, 1 refuted" in answer.out


def test_somebody_is_told_of_what_changed_and_of_nothing_else(
    terminal: Terminal, crates: Path, tmp_path: Path
) -> None:
    program = tmp_path / "tell.sh"
    told = tmp_path / "told.json"
    program.write_text(f"#!/bin/sh\ncat >> {told}\n")
    program.chmod(0o755)
    run = ("audit", "run", "-qq", *PLAIN, crates, "--notify", f"command:{program}")
    terminal(*run)
    terminal(*run)
    assert not told.exists()
    (crates / "two" / "a.csv").write_bytes(b"tow")
    answer = terminal(*run)
    assert (answer.code, answer.err) == (1, "")
    notice = json.loads(told.read_bytes())
    assert notice["data"]["broke"]["crates"] == 1


def test_who_cannot_be_told_changes_no_verdict(
    terminal: Terminal, crates: Path
) -> None:
    (crates / "two" / "a.csv").write_bytes(b"tow")
    run = ("audit", "run", "-qq", *PLAIN, crates, "--notify", "command:/no/such")
    answer = terminal(*run)
    assert answer.code == 1
    assert "/no/such" in answer.err


def test_how_the_crates_stand_is_written_for_prometheus(
    terminal: Terminal, crates: Path, tmp_path: Path
) -> None:
    metrics = tmp_path / "reverify.prom"
    terminal("audit", "run", "-qq", *PLAIN, crates, "--metrics", metrics)
    assert 'outcome="confirmed"} 2\n' in metrics.read_text()


@pytest.mark.parametrize(
    ("format", "start"),
    [
        ("html", b"<!DOCTYPE html>"),
        ("markdown", b"## None of 2 crates"),
        ("json", b'{\n  "schema_version"'),
        ("csv", b'"crate","outcome"'),
        ("parquet", b"PAR1"),
    ],
)
def test_a_report_is_written_whole(
    terminal: Terminal, crates: Path, tmp_path: Path, format: str, start: bytes
) -> None:
    terminal("audit", "run", "-qq", *PLAIN, crates)
    out = tmp_path / "report"
    answer = terminal("audit", "report", "--format", format, "-o", out)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert out.read_bytes().startswith(start)


def test_the_report_is_a_page_on_standard_output_by_default(
    terminal: Terminal, crates: Path
) -> None:
    terminal("audit", "run", "-qq", *PLAIN, crates)
    assert terminal("audit", "report").out.startswith("<!DOCTYPE html>")


def test_events_of_what_was_read_lie_beside_where_the_crates_are(
    terminal: Terminal, crates: Path, tmp_path: Path
) -> None:
    terminal("audit", "run", "-qq", *PLAIN, crates)
    out = tmp_path / "premis"
    assert terminal("audit", "report", "-f", "premis", "-o", out).code == 0
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.xml"))
    assert found == ["one.premis/run-000001.xml", "two.premis/run-000001.xml"]
    terminal("audit", "run", "-qq", *PLAIN, crates)
    again = tmp_path / "again"
    terminal("audit", "report", "-f", "premis", "-o", again)
    assert list(again.rglob("*.xml")) == []  # they were only looked at


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "name a folder to audit"),
        (("run", "--full", "--sample", "5%", "."), "give one of them"),
        (("run", "--sample", "many", "."), "--sample: 'many' is no sample"),
        (("run", "--full-every", "often", "."), "--full-every: 'often' is no time"),
        (("run", "--fail-on", "old", "."), "write new or any"),
        (("run", "--list", "none", "."), "there is no such file"),
        (("run", "--notify", "nobody", "."), "nobody"),
        (("run", "--metrics", "/no/such/file", "."), "there is no folder for it"),
        (("report",), "there is no such finished run"),
        (("report", "--format", "pdf"), "there is no format 'pdf'"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_read(
    terminal: Terminal, arguments: tuple[str, ...], said: str
) -> None:
    answer = terminal("audit", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_where_there_is_no_crate_nothing_was_judged(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    answer = terminal("audit", "run", *PLAIN, tmp_path / "empty")
    assert answer.code == 2
    assert "there is no crate; nothing was judged" in answer.err


def test_a_table_in_binary_is_not_for_a_terminal(
    terminal: Terminal, crates: Path
) -> None:
    terminal("audit", "run", "-qq", *PLAIN, crates)
    answer = terminal("audit", "report", "-f", "parquet")
    assert (answer.code, answer.out) == (2, "")
    assert "give -o FILE" in answer.err


def test_a_storage_that_is_not_asked_offline_is_told_and_not_fine(
    terminal: Terminal, crates: Path
) -> None:
    answer = terminal("audit", "run", "-qq", *PLAIN, crates, "s3://bucket/crates")
    assert answer.code == 3
    assert "s3://bucket/crates: is not listed, since we are offline" in answer.err


def test_where_no_crate_was_read_nothing_is_confirmed(
    terminal: Terminal, crates: Path
) -> None:
    answer = terminal("audit", "run", *PLAIN, "--max-time", "0s", crates)
    assert answer.code == 3
    assert "2 untested" in answer.out


def test_warnings_of_crates_that_are_confirmed_are_no_new_trouble(
    terminal: Terminal, crates: Path
) -> None:
    run = ("audit", "run", "-qq", *PLAIN, crates, "--fail-on", "new")
    assert terminal(*run, "--max-time", "0s").code == 3
    assert terminal(*run).code == 0


def test_a_history_that_is_not_there_is_not_called_sealed(terminal: Terminal) -> None:
    answer = terminal("audit", "verify")
    assert (answer.code, answer.out) == (2, "")
    assert "there is no history yet" in answer.err


def test_the_database_is_whole_in_its_file_afterwards(
    terminal: Terminal, crates: Path, tmp_path: Path
) -> None:
    terminal("audit", "run", "-qq", *PLAIN, crates)
    assert not (tmp_path / "registry.sqlite-wal").exists()
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes((tmp_path / "registry.sqlite").read_bytes())
    with History(Database(f"sqlite:///{copy}")) as history:
        assert [run.state for run in history.runs()] == ["finished"]


def test_a_crate_that_was_named_and_is_gone_keeps_no_other_from_being_read(
    terminal: Terminal, crates: Path
) -> None:
    run = ("audit", "run", *PLAIN, crates / "one", crates / "two")
    terminal(*run)
    shutil.rmtree(crates / "two")
    answer = terminal(*run)
    assert answer.code == 1
    assert "2 crates, 1 confirmed, 1 refuted" in answer.out


def test_a_root_is_the_same_however_it_is_written(
    terminal: Terminal, crates: Path
) -> None:
    terminal("audit", "run", "-qq", *PLAIN, crates)
    answer = terminal("audit", "run", *PLAIN, crates / "one" / "..")
    assert "2 only looked at" in answer.out
