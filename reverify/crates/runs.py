"""Run records: what a recorded action says of itself."""

import json

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
        instruments=tuple(metadata.references(action, "instrument")),
        command=_command(metadata, action),
        inputs=tuple(metadata.references(action, "object")),
        results=tuple(metadata.references(action, "result")),
    )


def _command(metadata: Metadata, action: Entity) -> str:
    """The command line, where it is recorded so that it can be told from prose."""
    for id in metadata.references(action, "object"):
        entity = metadata.by_id.get(id)
        if entity is None or "PropertyValue" not in entity.types:
            continue
        if (entity.text("name") or "").lower() in {"command", "command line"}:
            value = next(iter(entity.values("value")), "")
            return value if isinstance(value, str) else json.dumps(value)
    return ""
