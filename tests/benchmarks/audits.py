"""Measure audits: cold and again, one process and a pool, a long history, many crates.

`python -m tests.benchmarks.audits` takes about an hour; `--small` a tenth of all sizes.
`--only cold|pool|history|many` does one part. Each command is a process of its own.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from reverify.model.audit import Looked, Noted, Reading, Result, Why
from reverify.store.database import Database
from reverify.store.history import History
from reverify.store.packing import pack

from tests.audits.collections import damage, make
from tests.builders import METADATA, document, encode, write

REVERIFY = str(Path(sys.executable).parent / "reverify")
MIB = 1 << 20


class Taken(NamedTuple):
    """What a command took, and what it said."""

    seconds: float
    mebibytes: int
    code: int
    out: bytes


def run(database: Path, *arguments: str | Path) -> Taken:
    """Run `reverify audit` as a process of its own; memory is that of the largest."""
    env = {
        **os.environ,
        "REVERIFY_DB": f"sqlite:///{database}",
        "REVERIFY_OFFLINE": "1",
        "REVERIFY_CACHE_DIR": str(database.with_suffix(".cache")),
    }
    begun = time.perf_counter()
    with subprocess.Popen(
        [REVERIFY, "audit", *map(str, arguments)], env=env, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    return Taken(seconds, used.ru_maxrss // 1024, process.returncode, out)


def tell(name: str, taken: Taken, more: str = "") -> None:
    print(f"{name:<44} {taken.seconds:9.2f} s {taken.mebibytes:6} MiB  {more}")


def found(database: Path) -> dict[str, list[str]]:
    """The crates that are not confirmed, and the rules they break, by name."""
    told = json.loads(run(database, "status", "--json").out)
    return {Path(bad["crate"]).name: bad["rules"] for bad in told["bad"]}


def expect(what: str, *, holds: bool) -> None:
    print(f"  {what}: {'yes' if holds else 'NO'}")


def cold(folder: Path, count: int, options: Sequence[str]) -> None:
    """A collection read cold, then again, then with some crates damaged."""
    crates, database = folder / "crates", folder / "cold.sqlite"
    bad = make(crates, count, damaged=count // 100)
    size = sum(p.stat().st_size for p in crates.rglob("*") if p.is_file())
    print(f"\n{count:,} capsules, {size / MIB:,.0f} MiB, {len(bad)} damaged {options}")
    first = run(database, "run", "-qq", *options, crates)
    tell("cold", first, f"{first.seconds / count * 1000:.2f} ms a crate")
    known = found(database)
    expect("every damage found, and nothing else", holds=known.keys() == bad.keys())
    named = all(bad[name] in rules for name, rules in known.items() if name in bad)
    expect("each by the rule it breaks", holds=named)
    before = database.stat().st_size
    second = run(database, "run", "-qq", *options, crates)
    grown = (database.stat().st_size - before) / count
    share = second.seconds / first.seconds
    tell("again, nothing changed", second, f"{share:.1%} of the first (bound 5 %)")
    print(f"  the history grew by {grown:.0f} bytes a crate (bound 200)")
    whole = [p for p in sorted(crates.glob("*/*")) if p.name not in bad]
    hurt = dict(damage(random.Random(7).sample(whole, 20), random.Random(7)))
    tell("with 20 damaged since", run(database, "run", "-qq", *options, crates))
    drift = json.loads(run(database, "drift", "--json").out)
    broke = [*drift["broke"], *drift["new"]]
    names = {Path(change["crate"]).name for change in broke}
    expect("drift names these 20 and no other", holds=names == hurt.keys())
    last = {c["last_confirmed"]["run"] for c in drift["broke"] if c["last_confirmed"]}
    expect("last seen well by run 1, which read them", holds=last == {1})
    tell("status", run(database, "status"))
    tell("report, html", run(database, "report", "-o", folder / "report.html"))


def pool(folder: Path, count: int, pairs: int) -> None:
    """Crates of 32 MiB, whose bytes are all the work: one process, then two.

    They share a few files by hard links, which takes less room and no less reading.
    """
    chance, crates = random.Random(3), folder / "large"
    contents = [chance.randbytes(32 * MIB) for _ in range(8)]
    documents = [encode(document({"a.bin": data})) for data in contents]
    for number, data in enumerate(contents):
        (folder / f"{number}.bin").write_bytes(data)
    for number in range(count):
        place = crates / f"{number:04}"
        write(place, {METADATA: documents[number % 8]})
        (place / "a.bin").hardlink_to(folder / f"{number % 8}.bin")
    print(f"\n{count} crates of 32 MiB, --skip conformance, {pairs} pairs")
    ratios, times = [], []
    for pair in range(pairs + 1):
        took = []
        for jobs in ("1", "2"):
            database = folder / f"pool-{pair}-{jobs}.sqlite"
            options = ("run", "-qq", "--skip", "conformance", "--jobs", jobs)
            took.append(run(database, *options, crates).seconds)
        if pair:  # the first one warms up
            ratios.append(took[0] / took[1])
            times.append(took)
    best = [min(each) for each in zip(*times, strict=True)]
    print(f"  one process {best[0]:.2f} s, two {best[1]:.2f} s at best")
    print(f"  the pool is {statistics.median(ratios):.2f} times as fast (bound 1.8)")


def fill(database: Path, crates: int, runs: int) -> None:
    """A history of that many crates and runs: all read in the first, then looked at."""
    history = History(Database(f"sqlite:///{database}"))
    fine = [
        Noted(
            f"{n:016x}", "fixity/digest-match", "confirmed", "error", f"{n}.csv", "ok"
        )
        for n in range(12)
    ]
    data, sha256 = pack(fine)
    options = {"terms": "", "full_every": 31_557_600.0}
    for number in range(1, runs + 1):
        at = f"2026-{number % 12 + 1:02}-01T00:00:00Z"
        begun, _ = history.begin("c" * 64, ["/srv"], "0", at, options)
        known = {each.location: each for each in history.known(number - 1)}
        rest: list[Looked] = []
        for crate in range(crates):
            place = f"/srv/archive/{crate // 1000:03}/crate-{crate:06}"
            if number == 1 or (crate + number) % 1000 == 0:
                kinds = "cccnnn" if number == 1 else "ccrnnn"
                outcome = "confirmed" if number == 1 else "refuted"
                wrong = fine[0]._replace(outcome=outcome, reason=f"{number}")
                packed = (data, sha256) if number == 1 else pack([wrong, *fine[1:]])
                result = Result(
                    place,
                    at,
                    outcome,
                    "intact",
                    kinds,
                    "d" * 64,
                    12,
                    4096,
                    0.01,
                    *packed,
                )
                history.add(begun.number, result, why=Why.NEW, stamp=b"s" * 16)
            else:
                rest.append(Looked(place, known[place], Reading.QUICK, Why.UNCHANGED))
        for first in range(0, len(rest), 500):
            history.add_looked(begun.number, at, rest[first : first + 500])
        history.finish(begun.number, at)


def history(folder: Path, crates: int, runs: int) -> None:
    """How long questions to a long history take."""
    database = folder / "history.sqlite"
    begun = time.perf_counter()
    fill(database, crates, runs)
    size = database.stat().st_size
    print(
        f"\n{crates:,} crates, {runs} runs: {size / MIB:,.0f} MiB,"
        f" {size / crates / runs:.0f} bytes a crate and run, filled in"
        f" {time.perf_counter() - begun:.0f} s"
    )
    tell("status", run(database, "status"))
    tell("drift", run(database, "drift"))
    tell("drift --since 1", run(database, "drift", "--since", "1"))
    place = "/srv/archive/000/crate-000007"
    tell("history of one crate", run(database, "history", place))
    tell("report, html", run(database, "report", "-o", folder / "report.html"))
    tell("report, csv", run(database, "report", "-f", "csv", "-o", folder / "r.csv"))
    tell("verify", run(database, "verify"))


def many(folder: Path, count: int) -> None:
    """Memory of the process that hands the work out."""
    crates, database = folder / "many", folder / "many.sqlite"
    empty = {METADATA: encode(document({}))}
    for number in range(count):
        write(crates / f"{number // 1000:03}" / f"crate-{number:06}", empty)
    print(f"\n{count:,} crates of one file, --only completeness")
    options = ("run", "-qq", "--only", "completeness")
    tell("first run (bound 300 MiB)", run(database, *options, crates))
    tell("second run (bound 300 MiB)", run(database, *options, crates))


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", choices=("cold", "judged", "pool", "history", "many"))
    asked = parser.parse_args()
    part = 10 if asked.small else 1
    skip = ("--skip", "conformance")
    parts: dict[str, Callable[[Path], Any]] = {
        "cold": lambda folder: cold(folder, 10_000 // part, skip),
        "judged": lambda folder: cold(folder, 1_000 // part, ()),
        "pool": lambda folder: pool(folder, 800 // part, 3),
        "history": lambda folder: history(folder, 100_000 // part, 20),
        "many": lambda folder: many(folder, 100_000 // part),
    }
    for name, measure in parts.items():
        if asked.only in {None, name}:
            with tempfile.TemporaryDirectory(prefix="reverify-bench-") as folder:
                measure(Path(folder))


if __name__ == "__main__":
    main()
