"""Execution: does the run give what it gave? A check runs nothing unless asked."""

import shlex
import signal
from collections.abc import Iterator, Sequence
from datetime import datetime

from reverify.checks.interface import Reproducer, Tools, finding
from reverify.crates.crate import Crate
from reverify.crates.plans import Plans
from reverify.errors import UsageError
from reverify.model.claim import Claim, Topic
from reverify.model.comparison import Answer
from reverify.model.finding import Evidence, Finding
from reverify.model.rerun import Attempt, Compared, Plan, Reproduction
from reverify.model.rules import RULES

NOT_RE_RUNNABLE = "execution/not-re-runnable"
_RULE_OF = {
    Answer.IDENTICAL: "execution/result-identical",
    Answer.EQUAL: "execution/result-equal",
    Answer.DIFFERENT: "execution/result-differs",
    Answer.MISSING: "execution/result-missing",
    Answer.NOT_COMPARABLE: "execution/result-not-comparable",
    Answer.IGNORED: "execution/result-ignored",
}
_LAST_WORDS = 300
_MOST_TOLD = 8
_MOST_EXTRA = 100
_AT_LIMIT = (
    "MemoryError",
    "Cannot allocate memory",
    "No space left on device",
    "Resource temporarily unavailable",
    "File too large",
)
"""What programs say last when they meet a limit of memory, disk or processes."""
_NO_NETWORK = (
    "Network is unreachable",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Could not resolve host",
    "Couldn't resolve host",
    "unable to resolve host",
)
"""What programs say last where there is no network."""
_NOT_HERE = {126, 127}
"""What a shell says of a program that is not there, or cannot be started."""


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Say of each recorded run whether it can be run again; if asked, run it."""
    plans = Plans(crate)
    if tools.reproducer is not None:
        _see_choice(tools.reproducer, claims)
    for claim in claims:
        plan = plans.of(claim.subject)
        if tools.reproducer is None:
            yield _untested(claim, plan, crate)
        elif plan.step_of:
            reason = f"{claim.subject}: is a step of {plan.step_of}, and is run with it"
            yield finding(claim, "execution/step-of-run", reason)
        elif not tools.reproducer.wants(claim.subject):
            reason = f"{claim.subject}: was not chosen to be run again"
            yield finding(claim, "execution/not-chosen", reason)
        else:
            done = tools.reproducer.reproduce(plan, crate)
            yield from _judged(claim, done, tools.services.clock.now())


def _see_choice(reproducer: Reproducer, claims: Sequence[Claim]) -> None:
    """See that the user chose a run that there is.

    Raises:
        UsageError: there is none of that name.
    """
    if claims and not any(reproducer.wants(claim.subject) for claim in claims):
        names = [claim.subject for claim in claims[:_MOST_TOLD]]
        more = len(claims) - len(names)
        also = f" and {more:,} more" if more else ""
        raise UsageError(
            f"no recorded run is called so; there are {', '.join(names)}{also}"
        )


# -- what was not run ------------------------------------------------------------------


def _untested(claim: Claim, plan: Plan, crate: Crate) -> Finding:
    if plan.lacks:
        whats = "; ".join(lack.what for lack in plan.lacks)
        reason = f"{claim.subject}: not re-runnable, because {whats}"
        about = claim._replace(severity=RULES[NOT_RE_RUNNABLE].severity)
        fixes = dict.fromkeys(lack.fix for lack in plan.lacks)
        found = finding(about, NOT_RE_RUNNABLE, reason)
        return found._replace(fix=" ".join(fixes))
    alone = ", and of its files nothing is here" if crate.is_document else ""
    reason = f"{claim.subject}: re-runnable, not run; {_told(plan)}{alone}"
    return finding(claim, "execution/not-tested", reason)


def _told(plan: Plan) -> str:
    """What is there to run it again with."""
    recorded = plan.recorded
    kinds = {"command": "a command", "cwl": "a CWL workflow", "make": "a Makefile"}
    told = [kinds.get(plan.engine, f"a {plan.engine.capitalize()} workflow")]
    if plan.engine == "notebook":
        told = ["a notebook"]
    if plan.inputs:
        count = len(plan.inputs)
        told.append(f"{count:,} inputs" if count > 1 else "1 input")
    if plan.code:
        told.append("its code")
    elif plan.commit:
        told.append(f"code at commit {plan.commit[:12]}")
    if recorded.lock_file:
        told.append("a lock file")
    elif recorded.packages:
        told.append(f"{len(recorded.packages):,} packages")
    if recorded.container:
        told.append("a container")
    described = recorded.interpreter or recorded.packages or recorded.lock_file
    rest = "" if described or recorded.container else "; its environment is not"
    return f"{', '.join(told)} recorded{rest}"


# -- what was run ----------------------------------------------------------------------


def _judged(claim: Claim, done: Reproduction, now: datetime) -> Iterator[Finding]:
    """What became of a run: first the run, then each result, then the rest."""
    if done.obstacle:
        reason = f"{claim.subject}: cannot be run again: {done.obstacle}"
        found = finding(claim, "execution/cannot-run", reason)
        yield found._replace(fix=done.fix or found.fix)
        return
    yield _run(claim, done, now)
    for each in done.compared:
        yield _result(claim, each, done, now)
    if done.attempts[-1].status == 0:
        yield from _apart(claim, done)
    if done.attempts[-1].status == 0 and not (done.compared or done.plan.apart):
        reason = f"{claim.subject}: its record names no result to compare with"
        yield _beside(
            claim, Topic.RESULT, "results:", "execution/nothing-to-compare", reason
        )
    if done.departures:
        listed = "; ".join(_departures(done)[:_MOST_TOLD])
        more = len(done.departures) - _MOST_TOLD
        also = f"; and {more:,} more" if more > 0 else ""
        yield _beside(
            claim,
            Topic.SURROUNDINGS,
            "surroundings:recorded",
            "execution/surroundings-differ",
            f"{claim.subject}: was run again in other surroundings: {listed}{also}",
        )
    yield from _extras(claim, done.attempts[0])


def _extras(claim: Claim, attempt: Attempt) -> Iterator[Finding]:
    """What it left besides its results; of very much, how much that is."""
    told = [
        (path, f"also wrote {path}, which is no result of it") for path in attempt.extra
    ]
    told += [
        (path, f"left {path}, {what}, not taken over") for path, what in attempt.odd
    ]
    more = len(told) - _MOST_EXTRA
    if more > 0:
        said = f"also left {more:,} further things, which are no results of it"
        told[_MOST_EXTRA:] = [("", said)]
    for path, said in told:
        yield _beside(
            claim,
            Topic.EXTRA,
            f"results:no {path or 'more'}",
            "execution/result-extra",
            f"{claim.subject}: run again, {said}",
        )


def _apart(claim: Claim, done: Reproduction) -> Iterator[Finding]:
    """What the record calls a result, and nobody can compare."""
    for id in done.plan.apart:
        about = claim._replace(
            topic=Topic.RESULT, subject=id, expected=f"result-of:{claim.subject}"
        )
        reason = f"{id}: not comparable: it is no file of the crate that is described"
        yield finding(about, "execution/result-not-comparable", reason)


def _beside(
    claim: Claim, topic: Topic, expected: str, rule: str, reason: str
) -> Finding:
    severity = RULES[rule].severity
    about = claim._replace(topic=topic, expected=expected, severity=severity)
    return finding(about, rule, reason)


def _run(claim: Claim, done: Reproduction, now: datetime) -> Finding:
    evidence = tuple(
        Evidence(
            method=f"run again {_confined(done)}: {shlex.join(each.command)}",
            observed=f"{_ended(each)} after {each.seconds:.1f} s,"
            f" {each.memory / 1e6:,.0f} MB at most",
            at=now,
            source=f"{done.environment}, {_surroundings(done)}",
        )
        for each in done.attempts
    )
    last = done.attempts[-1]
    said = _ended(last)
    reason = f"{claim.subject}: run again {_confined(done)}, {said}"
    if last.status and _met_a_limit(last):
        reason += f", which a limit of ours may have done: {_last_words(last)}"
        return finding(claim, "execution/run-stopped", reason, evidence=evidence)
    if last.stopped:
        return finding(claim, "execution/run-stopped", reason, evidence=evidence)
    if last.status != 0:
        words = _last_words(last)
        reason += f"; it said last: {words}" if words else ""
        if len(done.attempts) > 1:
            reason += f"; of {len(done.attempts)} runs, those before did not fail"
        rule = "execution/run-failed"
        if done.plan.is_failed:
            rule, reason = "execution/run-failed-again", f"{reason}; so it is recorded"
        elif elsewhere := _elsewhere(last, done):
            rule, reason = "execution/run-failed-elsewhere", f"{reason}; {elsewhere}"
        return finding(
            claim, rule, reason, observed=f"exit:{last.status}", evidence=evidence
        )
    if len(done.attempts) > 1:
        reason += f", {len(done.attempts)} times"
    if done.plan.is_failed:
        reason += "; it is recorded as failed"
    for remark in done.remarks:
        reason += f"; {remark}"
    return finding(
        claim,
        "execution/run-succeeded",
        reason,
        observed="exit:0",
        evidence=evidence,
    )


def _confined(done: Reproduction) -> str:
    return f"in a sandbox ({done.sandbox})" if done.sandbox else "without a sandbox"


def _departures(done: Reproduction) -> list[str]:
    """How the surroundings differ: what is not there, what is other, what is more."""
    ordered = sorted(
        done.departures, key=lambda each: (bool(each.now), not each.recorded)
    )
    return [each.describe() for each in ordered]


def _surroundings(done: Reproduction) -> str:
    about = done.surroundings
    return f"{about.interpreter} {about.version}".strip() or "interpreter not known"


def _ended(attempt: Attempt) -> str:
    if attempt.stopped:
        return f"it was stopped: {attempt.stopped}"
    if attempt.status is not None and attempt.status < 0:
        return f"it was ended by signal {-attempt.status}"
    return f"it ended with exit status {attempt.status}"


def _met_a_limit(attempt: Attempt) -> bool:
    """Whether what it said last, or the signal, is that of a limit of ours."""
    said = _last_words(attempt)
    by_signal = attempt.status in {-signal.SIGXCPU, -signal.SIGXFSZ}
    return by_signal or any(words in said for words in _AT_LIMIT)


def _last_words(attempt: Attempt) -> str:
    """The last line of what it said, standard error first."""
    for stream in (attempt.errors, attempt.output):
        lines = stream.decode("utf-8", "replace").strip().splitlines()
        if lines:
            return lines[-1].strip()[:_LAST_WORDS]
    return ""


def _elsewhere(attempt: Attempt, done: Reproduction) -> str:
    """Why a failure may be owed to where it was run; "" if nothing says so."""
    if attempt.status in _NOT_HERE:
        return "a program that it calls is not here"
    if any(words in _last_words(attempt) for words in _NO_NETWORK):
        return "it asks for the network, which it is given by --allow-network alone"
    if "ModuleNotFoundError" in _last_words(attempt):
        return "a package that it needs is not here"
    if not done.is_whole:
        return f"of its code at commit {done.plan.commit[:12]}, not all was there"
    if done.departures:
        return f"its surroundings are not the recorded ones: {_departures(done)[0]}"
    return ""


def _result(claim: Claim, each: Compared, done: Reproduction, now: datetime) -> Finding:
    result, comparison = each.result, each.comparison
    digest = next((":".join(pair) for pair in result.digests), "")
    about = claim._replace(
        topic=Topic.RESULT,
        subject=result.id,
        path=result.source or None,
        expected=digest or f"result-of:{claim.subject}",
    )
    rule = _RULE_OF[comparison.answer]
    reason = comparison.describe()
    if comparison.answer is Answer.DIFFERENT and each.varies:
        rule = "execution/result-varies"
        reason += f"; and our own {len(done.attempts)} runs differ from each other"
    elif each.varies:
        reason += "; our own runs differ from each other"
    elif comparison.answer is Answer.DIFFERENT:
        if len(done.attempts) > 1:
            reason += f"; our own {len(done.attempts)} runs agree with each other"
        if done.diverged:
            reason += f"; the first step whose results differ is {done.diverged.name}"
        if done.departures:
            reason += f"; what may explain it: {'; '.join(_departures(done)[:3])}"
    if comparison.answer is Answer.IGNORED:
        about = about._replace(severity=RULES[rule].severity)
    evidence = Evidence(
        method=_method(each),
        observed="\n".join(comparison.lines()),
        at=now,
        source=f"{result.path} of the new run",
    )
    return finding(
        about, rule, reason, observed=each.digest or None, evidence=(evidence,)
    )


def _method(each: Compared) -> str:
    method = each.comparison.method
    allows = each.comparison.rule.allows()
    told = f"compared as {method}" if method else "compared"
    return f"{told}, may differ: {allows}" if allows else f"{told}, exactly"
