"""Our capsule profile: each rule broken once, and what we write judged by all."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reverify.crates.opening import open_crate
from reverify.model.outcome import Severity
from reverify.profiles.catalogue import all_rules
from reverify.profiles.roc_validator import (
    _ASKS_THE_NETWORK,
    CAPSULE,
    RocValidator,
    slug,
)

from tests.capsules.manifests import FULL, full, without, write_crate
from tests.profiles import plain

Json = dict[str, Any]
PROFILE = "reverify-capsule-1.0"
VERSIONS = ("1.1", "1.2", "1.3")
FAILED = full(
    status="failed", run=FULL["run"] | {"error": "No rain.", "exit_status": 1}
)
MANIFESTS = {
    "included": FULL,
    "referenced": without(FULL, "code/files"),
    "unarchived": without(FULL, "code/swh_snapshot_id", "code/swh_origin_url"),
    "failed": FAILED,
}


def breaches(folder: Path, *profiles: str) -> dict[str, Severity | None]:
    """Rules that a crate breaks, but for notes."""
    with open_crate(str(folder)) as crate:
        found = RocValidator().judge(crate, profiles)
    assert not any(judgement.obstacle for judgement in found)
    return {
        breach.rule: breach.severity
        for judgement in found
        for breach in judgement.breaches
        if breach.severity is not Severity.NOTE
    }


# -- what we write -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", MANIFESTS)
def test_what_is_written_breaks_no_rule(
    kind: str, version: str, tmp_path: Path
) -> None:
    crate = write_crate(tmp_path, MANIFESTS[kind], version)
    profiles = (f"ro-crate-{version}", "process-run-crate-0.5", PROFILE)
    assert breaches(crate, *profiles) == {}


@pytest.mark.long
@pytest.mark.slow
def test_plain_roc_validator_has_nothing_to_say(tmp_path: Path) -> None:
    jobs = []
    for kind in ("included", "referenced"):
        manifest = MANIFESTS[kind]
        for version in VERSIONS:
            crate = write_crate(tmp_path / kind / version, manifest, version)
            jobs += [
                plain.Job(crate, f"ro-crate-{version}"),
                plain.Job(crate, "process-run-crate-0.5", alone=True),
                plain.Job(crate, PROFILE, extra=CAPSULE),
            ]
    for job, answer in zip(jobs, plain.judge(jobs, tmp_path), strict=True):
        issues = [i for i in answer["issues"] if i[0] not in _ASKS_THE_NETWORK]
        assert issues == [], job
        assert answer["checks"] > 20, job


def test_a_crate_that_declares_the_profile_is_judged_by_it(tmp_path: Path) -> None:
    uri = "urn:reverify:profile:capsule:1.0"
    assert RocValidator().profile_of(uri) == PROFILE
    crate = write_crate(tmp_path, FULL)
    with open_crate(str(crate)) as opened:
        (judgement,) = RocValidator().judge(opened, [PROFILE])
    assert judgement.profile == PROFILE
    assert len(judgement.passed) > 30
    assert not judgement.breaches


def test_every_rule_of_the_profile_is_explained() -> None:
    rules = [r for r in all_rules() if r["id"].startswith(f"conformance/{PROFILE}/")]
    assert len(rules) > 30
    for rule in rules:
        assert not rule["about"].startswith("A rule of the profile"), rule["id"]


# -- what breaks a rule --------------------------------------------------------------

ROOT, RUN = "./", f"#run-{FULL['id']}"
RAIN, MEANS = "data/rain.csv", "out/means.csv"


def drop(id: str, *keys: str) -> Callable[[dict[str, Json]], None]:
    def change(graph: dict[str, Json]) -> None:
        for key in keys:
            del graph[id][key]

    return change


def put(id: str, **properties: Any) -> Callable[[dict[str, Json]], None]:  # noqa: ANN401
    def change(graph: dict[str, Json]) -> None:
        graph[id] |= properties

    return change


def unlist(id: str, key: str, *targets: str) -> Callable[[dict[str, Json]], None]:
    def change(graph: dict[str, Json]) -> None:
        graph[id][key] = [v for v in graph[id][key] if v["@id"] not in targets]

    return change


def of_code(**properties: Any) -> Callable[[dict[str, Json]], None]:  # noqa: ANN401
    """A change of the code; None takes a key away."""

    def change(graph: dict[str, Json]) -> None:
        code = graph[graph[RUN]["instrument"]["@id"]]
        for key, value in properties.items():
            code[key] = value
            if value is None:
                del code[key]

    return change


def fail(graph: dict[str, Json]) -> None:
    graph[RUN]["actionStatus"] = "http://schema.org/FailedActionStatus"


BROKEN: dict[str, tuple[Severity, Callable[[dict[str, Json]], None]]] = {
    "Capsule: follows Process Run Crate": (
        Severity.ERROR,
        put(ROOT, conformsTo={"@id": "urn:reverify:profile:capsule:1.0"}),
    ),
    "Capsule: has an id": (Severity.ERROR, put("#capsule", value="7")),
    "Capsule: mentions a run with its command": (
        Severity.ERROR,
        unlist(RUN, "object", "#command"),
    ),
    "Run: startTime": (Severity.ERROR, put(RUN, startTime="2026-01-31T12:00:01")),
    "Run: endTime": (Severity.ERROR, drop(RUN, "endTime")),
    "Run: actionStatus": (Severity.ERROR, drop(RUN, "actionStatus")),
    "Run: one instrument": (Severity.ERROR, drop(RUN, "instrument")),
    "Command: a list of arguments": (
        Severity.ERROR,
        put("#command", value="python3 src/means.py"),
    ),
    "Parameter: name": (Severity.ERROR, drop("#parameter-window", "name")),
    "Parameter: value": (Severity.ERROR, drop("#parameter-window", "value")),
    "File of a run: sha256": (Severity.ERROR, drop(RAIN, "sha256")),
    "File of a run: contentSize": (Severity.ERROR, put(MEANS, contentSize="19 TB")),
    "Code: identified": (
        Severity.ERROR,
        of_code(version="1.4.2", identifier=None, hasPart=None),
    ),
    "Capsule: licence": (Severity.WARNING, drop(ROOT, "license")),
    "Capsule: author": (Severity.WARNING, drop(ROOT, "author")),
    "Capsule: authors have ORCID iDs": (
        Severity.WARNING,
        put(ROOT, author={"@id": "https://ror.org/03f0f6041"}),
    ),
    "Capsule: dateCreated": (Severity.WARNING, drop(ROOT, "dateCreated")),
    "Capsule: holds its manifest": (
        Severity.WARNING,
        unlist(ROOT, "hasPart", "capsule.json"),
    ),
    "Run: exit status": (Severity.WARNING, unlist(RUN, "result", "#exit-status")),
    "Run: an output": (
        Severity.WARNING,
        unlist(RUN, "result", MEANS, "out/plot%20of%20rain.png"),
    ),
    "Run: working directory": (
        Severity.WARNING,
        unlist(RUN, "object", "#working-directory"),
    ),
    "Failed run: error": (Severity.WARNING, fail),
    "Container image: sha256": (Severity.WARNING, drop("#container", "sha256")),
    "File of a run: encodingFormat": (Severity.WARNING, drop(RAIN, "encodingFormat")),
    "Code: codeRepository": (Severity.WARNING, of_code(codeRepository=None)),
    "Code: commit": (Severity.WARNING, of_code(version="1.4.2")),
    "Code: tree": (
        Severity.WARNING,
        of_code(identifier=f"swh:1:rev:{'3' * 40}"),
    ),
    "Code: interpreter": (Severity.WARNING, of_code(runtimePlatform=None)),
    "Code: pinned environment": (
        Severity.WARNING,
        of_code(buildInstructions=None, softwareRequirements=None),
    ),
    "Work tree: no uncommitted changes": (
        Severity.WARNING,
        put("#dirty", value="true"),
    ),
}
"""What is done to a crate that breaks no rule, by the rule that it breaks then."""
ALSO = {"Code: identified": ("Code: commit", "Code: tree")}
"""What cannot but be broken along with a rule."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The checks that each broken crate fails, by the rule it was broken for."""
    folder = tmp_path_factory.mktemp("broken")
    whole = write_crate(folder / "whole", FULL, "1.2")
    document = json.loads((whole / "ro-crate-metadata.json").read_bytes())
    jobs = []
    for number, (_, change) in enumerate(BROKEN.values()):
        changed = copy.deepcopy(document)
        change({entity["@id"]: entity for entity in changed["@graph"]})
        crate = write_crate(folder / str(number), FULL, "1.2")
        text = json.dumps(changed)
        (crate / "ro-crate-metadata.json").write_text(text, encoding="utf-8")
        jobs.append(plain.Job(crate, PROFILE, extra=CAPSULE))
    answers = plain.judge(jobs, folder)
    return {
        rule: sorted({name for name, _ in answer["issues"]})
        for rule, answer in zip(BROKEN, answers, strict=True)
    }


@pytest.mark.slow
@pytest.mark.parametrize("rule", BROKEN)
def test_a_crate_that_breaks_a_rule_is_told(
    rule: str, judged: dict[str, list[str]]
) -> None:
    assert judged[rule] == sorted([rule, *ALSO.get(rule, ())])


def test_every_rule_is_broken_here_once_at_its_level() -> None:
    levels = {
        rule["id"]: rule["level"]
        for rule in all_rules()
        if rule["id"].startswith(f"conformance/{PROFILE}/")
        and not rule["title"].startswith("Check ")  # the engine's, for a group of ours
    }
    assert levels == {
        f"conformance/{PROFILE}/{slug(rule)}": severity.value
        for rule, (severity, _) in BROKEN.items()
    }


def test_a_broken_rule_is_a_breach_with_our_id(tmp_path: Path) -> None:
    crate = write_crate(tmp_path, FULL)
    path = crate / "ro-crate-metadata.json"
    document = json.loads(path.read_bytes())
    drop(RAIN, "sha256")({e["@id"]: e for e in document["@graph"]})
    path.write_text(json.dumps(document), encoding="utf-8")
    rule = f"conformance/{PROFILE}/file-of-a-run-sha256"
    assert breaches(crate, PROFILE) == {rule: Severity.ERROR}


def test_the_profile_brings_no_rules_of_another_version(tmp_path: Path) -> None:
    crate = write_crate(tmp_path, FULL, "1.1")
    with open_crate(str(crate)) as opened:
        found = RocValidator().judge(opened, [PROFILE, "ro-crate-1.1"])
    assert [judgement.profile for judgement in found] == [PROFILE, "ro-crate-1.1"]
    assert [len(j.passed) > 30 for j in found] == [True, True]
