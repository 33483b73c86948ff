"""Overviews that are made up: no database, no crates, the same each time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reverify.model.audit import (
    BadCrate,
    Change,
    Check,
    Coverage,
    Drift,
    Noted,
    Overview,
    Reading,
    Run,
    Summary,
    Trouble,
    Why,
)
from reverify.model.finding import timestamp

FIRST = datetime(2025, 3, 2, 22, 0, 0, tzinfo=UTC)
ROOT = "/srv/archive/crates"
HOSTILE = (
    "</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\"' onmouseover='alert(1)' {{ 7*7 }} {% raw %} <!-- ]]> &lt; \x1b[31m \x00 \u202e"
    " javascript:alert(1) \ufffe \ud7ff \n::error::x\n| a | b | [x](http://x) @you #1"
)
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KINDS_FINE = "cccn--"
KINDS_BAD = "ccrn--"


def at(run: int) -> str:
    """When a run began."""
    return timestamp(FIRST + timedelta(days=7 * (run - 1)))


def summary(crates: Mapping[str, int], **changes: Any) -> Summary:  # noqa: ANN401 - see Summary
    total = sum(crates.values())
    never = crates.get("untested", 0)
    full = changes.pop("full", total - never)
    made: dict[str, Any] = {
        "stopped": False,
        "crates": crates,
        "levels": {"intact": crates.get("confirmed", 0), "": total},
        "kinds": {"fixity": dict(crates)},
        "readings": {
            "full": full,
            "quick": total - never - full,
            "none": never,
        },
        "reasons": {"due": full, "unchanged": total - full},
        "left": {},
        "read_bytes": full * 48_000_000,
        "seconds": full * 0.21,
    }
    return Summary(**(made | changes))


def run(
    number: int,
    crates: Mapping[str, int] | None = None,
    *,
    roots: tuple[str, ...] = (ROOT,),
    **changes: Any,  # noqa: ANN401 - see Summary
) -> Run:
    ended = datetime.fromisoformat(at(number)) + timedelta(hours=5, minutes=12)
    return Run(
        number=number,
        collection="c0ffee" * 10 + "c0ff",
        roots=roots,
        tool="0.1.0",
        started=at(number),
        finished=timestamp(ended),
        before="aa" * 32 if number > 1 else None,
        seal=DIGEST,
        options={"full_every": 90 * 86400},
        summary=summary({"confirmed": 1000} if crates is None else crates, **changes),
    )


def noted(
    rule: str = "fixity/digest-mismatch",
    **changes: Any,  # noqa: ANN401 - see Noted
) -> Noted:
    kept: dict[str, Any] = {
        "id": f"{rule}/1",
        "rule": rule,
        "outcome": "refuted",
        "level": "error",
        "subject": "data/rain.csv",
        "reason": "data/rain.csv: sha256 is 9f86d081 and should be 60303ae2",
    }
    return Noted(**(kept | changes))


def check(number: int = 20, **changes: Any) -> Check:  # noqa: ANN401 - see Check
    kept: dict[str, Any] = {
        "run": number,
        "crate": f"{ROOT}/a/crate-1",
        "at": at(number),
        "outcome": "confirmed",
        "level": "intact",
        "digest": DIGEST,
        "findings": 1,
        "reading": Reading.FULL.value,
        "why": Why.DUE.value,
        "kinds": KINDS_FINE,
        "read": number,
        "last_full": number,
        "files": 12,
        "bytes": 48_000_000,
        "seconds": 0.21,
    }
    return Check(**(kept | changes))


_WRONG = (
    ("fixity/digest-mismatch", "refuted", "data/rain-{n}.csv: sha256 is 9f86 not 6030"),
    ("completeness/missing", "refuted", "raw/station-{n}.nc: it is listed, not there"),
    ("conformance/ro-crate-1.1/root-date", "refuted", "./: datePublished is absent"),
    ("archival/unclear", "undetermined", "swh:1:rev:{n}: the archive did not answer"),
    ("completeness/crate-gone", "refuted", "crate {n}: there is nothing now"),
)


def bad_crate(number: int, last: int) -> BadCrate:
    """One crate that is not confirmed; which it is follows from the number."""
    rule, outcome, reason = _WRONG[(number + number // 3) % len(_WRONG)]
    many = 40 if number % 17 == 3 else 1 + number % 3
    findings = tuple(
        noted(
            rule, id=f"{rule}/{n}", outcome=outcome, reason=reason.format(n=number + n)
        )
        for n in range(many)
    )
    since = max(1, last - number * number % last)
    return BadCrate(
        check=check(
            last,
            crate=f"{ROOT}/project-{number % 13:02}/deposit-{number:05}",
            outcome=outcome,
            level=None,
            kinds=KINDS_BAD if outcome == "refuted" else "cccnu-",
            bytes=(number % 7 + 1) * 900_000_000,
        ),
        findings=findings,
        since=(since, at(since)),
    )


def _trouble(bad: tuple[BadCrate, ...]) -> tuple[Trouble, ...]:
    found: dict[str, Trouble] = {}
    for each in bad:
        rule = each.findings[0].rule
        was = found.get(rule, Trouble(rule, 0, 0, 0))
        found[rule] = Trouble(
            rule,
            was.crates + 1,
            was.findings + len(each.findings),
            was.bytes + (each.check.bytes or 0),
        )
    return tuple(sorted(found.values(), key=lambda each: -each.crates))


def _coverage(total: int, never: int) -> tuple[Coverage, ...]:
    spans = ((1, 0.02), (7, 0.11), (30, 0.35), (60, 0.28), (90, 0.19), (180, 0.05))
    left, made = total - never, []
    for days, part in spans[:-1]:
        many = min(left, round((total - never) * part))
        made.append(Coverage(days, many, many * 48_000_000))
        left -= many
    made.append(Coverage(180, left, left * 61_000_000))
    return (*made, Coverage(None, never, 0))


def _drift(last: int, many: int) -> Drift:
    def change(n: int, **changes: str) -> Change:
        crate = f"{ROOT}/project-{n % 13:02}/deposit-{n:05}"
        return Change(crate, noted(**changes), (last - 1, at(last - 1)))

    return Drift(
        broke=tuple(change(n) for n in range(many)),
        healed=(change(71, outcome="confirmed"),),
        new=(change(72, rule="completeness/missing")._replace(last_confirmed=None),),
        vanished=(change(73, outcome="confirmed"),),
    )


def all_fine() -> Overview:
    """One run, a small collection, and nothing is wrong."""
    only = run(1, {"confirmed": 48}, full=48)
    cover = (
        Coverage(1, 48, 2_100_000_000),
        Coverage(30, 0, 0),
        Coverage(90, 0, 0),
        Coverage(None, 0, 0),
    )
    return Overview(only, (only,), 0, 0, 0, cover, (), (), Drift())


def damaged(runs: int = 20, total: int = 10_000, bad: int = 100) -> Overview:
    """Many crates, some of them damaged, more of them from run to run."""
    never = total // 50
    made = []
    for number in range(1, runs + 1):
        grown = round(total * (0.6 + 0.4 * number / runs))
        wrong = round(bad * (number / runs) ** 2)
        unclear = wrong // 5 + (37 if number % 9 == 4 else 0)
        untested = max(never, round(grown * (0.5 - number / runs)))
        fine = grown - wrong - unclear - untested
        counts = {
            "confirmed": fine,
            "refuted": wrong,
            "undetermined": unclear,
            "untested": untested,
        }
        made.append(
            run(
                number,
                counts,
                full=grown // 12,
                sampled=min(372, grown // 2),
                sample_bad=3,
            )
        )
    last = made[-1]
    found = [bad_crate(number, runs) for number in range(bad + bad // 5)]
    worst = tuple(sorted(found, key=lambda each: each.check.outcome != "refuted"))
    return Overview(
        run=last,
        runs=tuple(made),
        due=total // 30,
        overdue=total // 40,
        never=never,
        coverage=_coverage(total, never),
        trouble=_trouble(worst),
        bad=worst,
        drift=_drift(runs, 3),
    )


def two_runs() -> Overview:
    """Two runs, and what broke between them."""
    return damaged(2, 300, 6)


def many_runs() -> Overview:
    """Two hundred runs of a large collection."""
    return damaged(200, 100_000, 800)


def empty() -> Overview:
    """A run that found no crate."""
    only = run(1)._replace(summary=summary({}, full=0))
    return Overview(only, (only,), 0, 0, 0, (), (), (), Drift())


def hostile() -> Overview:
    """Every text that a crate or a path can choose, made hostile; and far too long."""
    long = HOSTILE + "x" * 5000
    last = run(2, {"confirmed": 1, "refuted": 2}, roots=(HOSTILE, long))
    finding = noted(HOSTILE, id=HOSTILE, subject=long, reason=long)
    wrong = tuple(
        BadCrate(
            check(2, crate=name, outcome="refuted", level=None, kinds=KINDS_BAD),
            (finding,) * 4,
            (1, at(1)),
        )
        for name in (HOSTILE, long)
    )
    changes = (Change(long, finding, (1, at(1))), Change(HOSTILE, finding))
    return Overview(
        run=last,
        runs=(run(1, {"confirmed": 3}), last),
        due=0,
        overdue=1,
        never=0,
        coverage=(Coverage(7, 2, 10), Coverage(None, 1, 0)),
        trouble=(Trouble(HOSTILE, 2, 8, 10),),
        bad=wrong,
        drift=Drift(changes, changes, changes, changes),
    )


OVERVIEWS = {
    "all-fine": all_fine,
    "two-runs": two_runs,
    "damaged": damaged,
    "many-runs": many_runs,
    "empty": empty,
    "hostile": hostile,
}
