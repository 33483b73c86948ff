"""The door to the profile engine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from reverify.crates.limits import Limits
from reverify.crates.opening import open_crate
from reverify.profiles import processes
from reverify.profiles.catalogue import TABLE
from reverify.profiles.interface import Judgement
from reverify.profiles.roc_validator import RocValidator, slug

from tests.conftest import CRATES

BASE = "ro-crate-1.2"


def judge(
    location: Path, *profiles: str, limits: Limits | None = None
) -> dict[str, Judgement]:
    engine = RocValidator()
    with open_crate(str(location), limits=limits) as crate:
        return {item.profile: item for item in engine.judge(crate, profiles)}


@pytest.mark.parametrize(
    ("uri", "profile"),
    [
        ("https://w3id.org/ro/crate/1.1", "ro-crate-1.1"),
        ("https://w3id.org/ro/crate/1.2/", "ro-crate-1.2"),
        ("https://w3id.org/ro/crate/1.2-DRAFT", "ro-crate-1.2"),
        ("https://w3id.org/ro/crate/1.0", None),
        ("https://w3id.org/ro/wfrun/process/0.1", "process-run-crate-0.5"),
        ("https://w3id.org/ro/wfrun/provenance/0.5", "provenance-run-crate-0.5"),
        (
            "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
            "workflow-ro-crate-1.0",
        ),
        ("https://example.org/profile", None),
        ("process-run-crate-0.5", "process-run-crate-0.5"),
    ],
)
def test_a_profile_is_known_by_its_uri(uri: str, profile: str | None) -> None:
    assert RocValidator().profile_of(uri) == profile


def test_a_slug_has_no_blank_node_in_it() -> None:
    name = "n76c7a5e7afbc4c05b16ef3f9ae849134b25 of Process Run Crate"
    assert slug(name) == "a-property-of-process-run-crate"
    assert slug("Root Data Entity: `cite-as` MUST have @id") == (
        "root-data-entity-cite-as-must-have-at-id"
    )


def test_a_crate_that_conforms_has_no_breach_of_a_must() -> None:
    found = judge(CRATES / "intact", BASE)[BASE]
    assert not found.obstacle
    assert not [breach for breach in found.breaches if breach.severity == "error"]
    assert len(found.passed) > 100


def test_run_profiles_are_judged_apart_from_the_version_of_ro_crate() -> None:
    found = judge(CRATES / "intact-recorded-run", BASE, "process-run-crate-0.5")
    assert list(found) == [BASE, "process-run-crate-0.5"]
    rules = {breach.rule for breach in found["process-run-crate-0.5"].breaches}
    assert all(rule.startswith("conformance/process-run-crate") for rule in rules)


def test_a_profile_brings_along_what_it_builds_on() -> None:
    found = judge(CRATES / "intact-recorded-run", "workflow-run-crate-0.5")
    assert set(found) == {
        "workflow-run-crate-0.5",
        "process-run-crate-0.5",
        "workflow-ro-crate-1.0",
    }


def test_a_breach_has_the_entity_as_written_and_its_pointer() -> None:
    found = judge(CRATES / "completeness-missing-file", BASE)[BASE]
    (breach,) = [breach for breach in found.breaches if breach.severity == "error"]
    assert breach.subject == "rain.csv"
    assert breach.pointer == "/@graph/6"
    assert breach.clause.startswith("https://www.researchobject.org/")


def test_no_breach_names_the_folder_in_which_the_engine_worked() -> None:
    found = judge(CRATES / "completeness-climbing-name", BASE)[BASE]
    assert found.breaches
    for breach in found.breaches:
        assert "reverify-" not in breach.reason + breach.subject


def test_only_a_document_named_so_is_judged_as_detached(tmp_path: Path) -> None:
    data = (CRATES / "intact" / "ro-crate-metadata.json").read_bytes()
    found = {}
    for name in ("rain.json", "rain-ro-crate-metadata.json"):
        (tmp_path / name).write_bytes(data)
        breaches = judge(tmp_path / name, BASE)[BASE].breaches
        found[name] = [b for b in breaches if "detached" in b.rule]
    assert not found["rain.json"]
    assert len(found["rain-ro-crate-metadata.json"]) == 3


def test_a_context_that_is_not_known_keeps_the_engine_away() -> None:
    found = judge(CRATES / "conformance-context-is-a-profile", "ro-crate-1.1")
    assert "is no context" in found["ro-crate-1.1"].obstacle


def test_too_many_entities_keep_the_engine_away() -> None:
    found = judge(CRATES / "intact", BASE, limits=Limits(graph_entities=3))
    assert "are more than the 3 that are judged" in found[BASE].obstacle


def test_an_engine_that_takes_too_long_is_stopped() -> None:
    found = judge(CRATES / "intact", BASE, limits=Limits(engine_seconds=0.01))
    assert "took longer" in found[BASE].obstacle


def test_an_engine_without_memory_gives_no_answer_and_no_traceback() -> None:
    found = judge(CRATES / "intact", BASE, limits=Limits(engine_bytes=64 << 20))
    assert found[BASE].obstacle


def test_an_engine_that_dies_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_BEGIN", "input(); raise SystemExit(7)")
    assert "ended with 7" in judge(CRATES / "intact", BASE)[BASE].obstacle


def test_the_engine_opens_no_socket_and_knows_bundled_contexts_only() -> None:
    code = (
        "import socket, sys\n"
        "from reverify.profiles import worker\n"
        "worker.load()\n"
        "from rdflib import Graph\n"
        "for context in sys.argv[1:]:\n"
        "    try:\n"
        '        Graph().parse(data=\'{"@context": "%s"}\' % context,'
        " format='json-ld')\n"
        "    except OSError as error:\n"
        "        print('refused', error)\n"
        "try:\n"
        "    socket.create_connection(('127.0.0.1', 9))\n"
        "except OSError as error:\n"
        "    print('refused', error)\n"
    )
    contexts = ["http://127.0.0.1:9/c", "file:///etc/hostname", "/etc/hostname"]
    answer = subprocess.run(
        [sys.executable, "-c", code, *contexts],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = answer.stdout.splitlines()
    assert len(lines) == 4, answer
    assert "only bundled contexts" in lines[0]
    assert "no socket" in lines[3]


def test_every_rule_of_the_catalogue_has_one_slug() -> None:
    table = json.loads(TABLE.read_bytes())
    for profile in table:
        names = {name for name, *_ in profile["rules"]}
        assert len({slug(name) for name in names}) == len(names), profile["id"]
