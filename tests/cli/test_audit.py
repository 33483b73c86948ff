"""`reverify audit`, as a user types it."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

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
