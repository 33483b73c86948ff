"""Crates that engines' own writers of provenance made, run again."""

import shutil
from pathlib import Path

from reverify.crates.opening import open_crate
from reverify.crates.plans import read_plan
from reverify.rerun.engines import ENGINES

from tests.rerun.running import WORKFLOWS, run


def test_the_crate_that_runcrate_makes_of_a_run_of_cwltool_gives_the_same_again(
    tmp_path: Path,
) -> None:
    recorded = WORKFLOWS / "cwl-run"
    with open_crate(str(recorded)) as crate:
        assert crate.metadata is not None
        actions = [
            entity.id
            for entity in crate.metadata.entities
            if "CreateAction" in entity.types
        ]
        plans = [read_plan(crate, action) for action in actions]
    # The steps are run with the workflow.
    (plan,) = (plan for plan in plans if not plan.lacks)
    area = tmp_path / "area"
    for item in (*plan.inputs, *plan.code):
        (area / item.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recorded / item.source, area / item.path)
    ran, prepared = run(plan, area)
    assert ran.status == 0, ran.errors.decode()
    found = ENGINES["cwl"].found(plan, prepared, ran)
    assert sorted(found.values()) == ["sums.csv", "wet.txt"]
    for result in plan.results:
        new = ran.written / found[result.path]
        assert new.read_bytes() == (recorded / result.source).read_bytes()
