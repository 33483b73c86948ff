"""Execution: does the run give what it gave? A check runs nothing."""

from collections.abc import Iterator, Sequence

from reverify.checks.interface import Tools, finding
from reverify.crates.crate import Crate
from reverify.crates.runs import read_run
from reverify.model.claim import Claim
from reverify.model.finding import Finding
from reverify.model.rules import RULES

NOT_RE_RUNNABLE = "execution/not-re-runnable"


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Say of each recorded run whether it says enough to be run again."""
    del tools
    for claim in claims:
        lacks = _lacks(claim.subject, crate)
        if lacks:
            reason = f"{claim.subject}: cannot be run again, {lacks}"
            about = claim._replace(severity=RULES[NOT_RE_RUNNABLE].severity)
            yield finding(about, NOT_RE_RUNNABLE, reason)
        else:
            reason = f"{claim.subject}: records enough to be run again; it was not"
            yield finding(claim, "execution/not-tested", reason)


def _lacks(action: str, crate: Crate) -> str:
    """What a recorded run lacks; empty if it says enough."""
    metadata = crate.metadata
    if metadata is None or action not in metadata.by_id:
        return "its record cannot be read"
    run = read_run(metadata, metadata.by_id[action])
    tools = [metadata.by_id[id] for id in run.instruments if id in metadata.by_id]
    if not tools:
        return "what was run is not described"
    is_workflow = any("ComputationalWorkflow" in tool.types for tool in tools)
    if not run.command and not is_workflow:
        return "no command is recorded"
    for id in run.inputs:
        located = crate.locate(id)
        is_file = id in metadata.by_id and metadata.by_id[id].is_data()
        if is_file and located.path and located.entry is None and not crate.is_document:
            return f"its input {id} is missing"
    return ""
