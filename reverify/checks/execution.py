"""Execution: does the run give what it gave? A check runs nothing unless asked."""

from collections.abc import Iterator, Sequence

from reverify.checks.interface import Tools, finding
from reverify.crates.crate import Crate
from reverify.crates.plans import read_plan
from reverify.model.claim import Claim
from reverify.model.finding import Finding
from reverify.model.rerun import Plan
from reverify.model.rules import RULES

NOT_RE_RUNNABLE = "execution/not-re-runnable"


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Say of each recorded run whether it says enough to be run again."""
    del tools
    for claim in claims:
        plan = read_plan(crate, claim.subject)
        if plan.lacks:
            yield _not_re_runnable(claim, plan)
        else:
            alone = ", and of its files nothing is here" if crate.is_document else ""
            reason = f"{claim.subject}: re-runnable, not run; {_told(plan)}{alone}"
            yield finding(claim, "execution/not-tested", reason)


def _not_re_runnable(claim: Claim, plan: Plan) -> Finding:
    whats = "; ".join(lack.what for lack in plan.lacks)
    reason = f"{claim.subject}: not re-runnable, because {whats}"
    about = claim._replace(severity=RULES[NOT_RE_RUNNABLE].severity)
    found = finding(about, NOT_RE_RUNNABLE, reason)
    fixes = dict.fromkeys(lack.fix for lack in plan.lacks)
    return found._replace(fix=" ".join(fixes))


def _told(plan: Plan) -> str:
    """What is there to run it again with."""
    recorded = plan.recorded
    told = [f"a {plan.engine}" if plan.engine != "command" else "a command"]
    told += [f"{len(plan.inputs)} inputs"] * bool(plan.inputs)
    if plan.code:
        told.append("its code")
    elif plan.commit:
        told.append(f"code at commit {plan.commit[:12]}")
    if recorded.lock_file:
        told.append("a lock file")
    elif recorded.packages:
        told.append(f"{len(recorded.packages)} packages")
    if recorded.container:
        told.append("a container")
    described = recorded.interpreter or recorded.packages or recorded.lock_file
    rest = "" if described or recorded.container else "; its environment is not"
    return f"{', '.join(told)} recorded{rest}"
