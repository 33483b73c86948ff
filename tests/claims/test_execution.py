"""Which recorded runs could be run again?"""

from pathlib import Path

import pytest
from reverify.model.outcome import Outcome, Severity

from tests.fakes import Json, check, file, of, only, rules, write_crate

TOOL: Json = {"@id": "#tool", "@type": "SoftwareApplication", "name": "sum"}
COMMAND: Json = {
    "@id": "#command",
    "@type": "PropertyValue",
    "name": "command",
    "value": '["sum", "in.csv"]',
}


def action(type: str = "CreateAction", **properties: object) -> Json:
    return {
        "@id": "#run",
        "@type": type,
        "instrument": {"@id": "#tool"},
        "object": [{"@id": "#command"}],
        **properties,
    }


def test_a_run_with_tool_command_and_inputs_is_re_runnable(tmp_path: Path) -> None:
    run = action(
        object=[{"@id": "#command"}, {"@id": "in.csv"}], result={"@id": "out.csv"}
    )
    files = {"in.csv": b"1", "out.csv": b"1"}
    entities = [TOOL, COMMAND, file("in.csv"), file("out.csv")]
    write_crate(tmp_path, run, *entities, files=files)
    found = only(check(tmp_path), "#run", "execution")
    assert found.rule == "execution/not-tested"
    assert found.outcome is Outcome.UNTESTED
    assert found.claim.expected == "results:out.csv"


@pytest.mark.parametrize("type", ["CreateAction", "ActivateAction", "UpdateAction"])
def test_three_kinds_of_action_are_runs(tmp_path: Path, type: str) -> None:
    write_crate(tmp_path, action(type), TOOL, COMMAND)
    assert rules(check(tmp_path), "execution") == ["execution/not-tested"]


@pytest.mark.parametrize("type", ["ControlAction", "OrganizeAction", "Action"])
def test_other_actions_are_no_runs(tmp_path: Path, type: str) -> None:
    write_crate(tmp_path, action(type), TOOL, COMMAND)
    assert rules(check(tmp_path), "execution") == []


def test_an_action_without_an_instrument_ran_nothing(tmp_path: Path) -> None:
    write_crate(tmp_path, {"@id": "#edit", "@type": "UpdateAction", "name": "Edited"})
    assert rules(check(tmp_path), "execution") == []


def test_a_workflow_needs_no_command(tmp_path: Path) -> None:
    workflow = {
        "@id": "flow.cwl",
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
    }
    run = action(instrument={"@id": "flow.cwl"}, object=[])
    write_crate(tmp_path, run, workflow, files={"flow.cwl": b"x"})
    found = only(check(tmp_path), "#run", "execution")
    assert found.rule == "execution/not-tested"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"instrument": {"@id": "#nobody"}}, "what was run is not described"),
        ({"instrument": "sum"}, "what was run is not described"),
        ({"object": []}, "no command is recorded"),
        ({"object": [{"@id": "#command"}, {"@id": "gone.csv"}]}, "gone.csv is missing"),
    ],
)
def test_a_run_that_says_too_little_is_a_note_with_what_is_missing(
    tmp_path: Path, properties: Json, reason: str
) -> None:
    write_crate(tmp_path, action(**properties), TOOL, COMMAND, file("gone.csv"))
    found = only(check(tmp_path), "#run", "execution")
    assert found.rule == "execution/not-re-runnable"
    assert found.severity is Severity.NOTE
    assert found.outcome is Outcome.UNTESTED
    assert reason in found.reason


def test_a_lone_document_does_not_miss_its_inputs(tmp_path: Path) -> None:
    run = action(object=[{"@id": "#command"}, {"@id": "in.csv"}])
    write_crate(tmp_path, run, TOOL, COMMAND, file("in.csv"))
    alone = (tmp_path / "ro-crate-metadata.json").rename(tmp_path / "lone.json")
    assert rules(check(alone), "execution") == ["execution/not-tested"]


def test_each_run_is_a_claim_of_its_own(tmp_path: Path) -> None:
    other = {**action(), "@id": "#again"}
    write_crate(tmp_path, action(), other, TOOL, COMMAND)
    report = check(tmp_path)
    assert len(of(report, "#run", "execution")) == 1
    assert len(of(report, "#again", "execution")) == 1


def test_an_action_on_the_metadata_document_is_no_run(tmp_path: Path) -> None:
    kept = action("UpdateAction", object={"@id": "ro-crate-metadata.json"})
    write_crate(tmp_path, kept, TOOL)
    assert rules(check(tmp_path), "execution") == []
