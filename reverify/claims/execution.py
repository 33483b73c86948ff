"""Execution: this run of this code on these inputs gave these outputs."""

from collections.abc import Iterator

from reverify.crates.crate import Crate
from reverify.crates.runs import ACTIONS, read_run
from reverify.model.claim import Claim, Topic
from reverify.model.outcome import ClaimKind


def claims(crate: Crate) -> Iterator[Claim]:
    """Every recorded action that ran something.

    ControlAction and OrganizeAction describe how an engine went about it, and are no
    runs with files of their own; nor is an action whose object is the metadata
    document, which tells how that was kept.

    Source: Process Run Crate 0.5, "Requirements".
    """
    if crate.metadata is None:
        return
    for entity in crate.metadata.entities:
        if not ACTIONS.intersection(entity.types) or not entity.values("instrument"):
            continue
        run = read_run(crate.metadata, entity)
        if crate.metadata.descriptor and crate.metadata.descriptor.id in run.inputs:
            continue
        yield Claim(
            kind=ClaimKind.EXECUTION,
            topic=Topic.RUN,
            subject=entity.id,
            expected="results:" + ",".join(run.results),
            stated_in=crate.metadata.place(entity.pointer),
        )
