"""Run records: what a recorded action says of itself."""

from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.model.code import Run

ACTIONS = frozenset({"CreateAction", "ActivateAction", "UpdateAction"})
"""Actions that ran something.

ControlAction and OrganizeAction describe how an engine went about it, and are no runs
with files of their own.

Source: Process Run Crate 0.5, "Requirements".
"""


def read_run(metadata: Metadata, action: Entity) -> Run:
    """Read what an action says of itself."""
    return Run(
        action=action.id,
        inputs=tuple(metadata.references(action, "object")),
        results=tuple(metadata.references(action, "result")),
    )
