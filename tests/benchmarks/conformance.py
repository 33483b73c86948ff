"""Measure the judging of many small crates: what does a process that is kept save?

`python -m tests.benchmarks.conformance` judges 40 crates under each of three profiles,
one after the other, in three ways in turn: by one engine that is kept; by an engine
that is started anew for each crate and has nothing prepared or replaced, as it was
before; by plain roc-validator in a process for each crate. `--ways kept alone` leaves
ways out, `--crates 200` takes more crates, `--small` fewer.

What counts is the median of the ratios, crate by crate. Processor time is that of all
processes together, divided by the crates, preparations included. The first two ways
must say the same.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reverify.crates.opening import open_crate
from reverify.profiles import processes
from reverify.profiles.interface import Judgement
from reverify.profiles.roc_validator import RocValidator

from tests.profiles.plain import Job, judge

PROFILES = ("ro-crate-1.1", "ro-crate-1.2", "process-run-crate-0.5")
WAYS = ("kept", "alone", "plain")
UNHURRIED = """
import sys; sys.path[-1:-1] = sys.argv[1:]
from reverify.profiles import faster, forking, prepared
faster.quicken = lambda: None
prepared.Preparation.use = lambda *_, **__: None
forking.main()
"""


def make(folder: Path, count: int, profile: str) -> list[Path]:
    """Crates of 1 to 8 files and a run, every third one with a defect."""
    chance, made = random.Random(count), []
    version = profile.removeprefix("ro-crate-")
    version = version if version in {"1.1", "1.2"} else "1.1"
    for number in range(count):
        path = folder / f"{number:04}"
        path.mkdir(parents=True)
        names = [f"f{index}.txt" for index in range(chance.randint(1, 8))]
        for name in names:
            (path / name).write_bytes(chance.randbytes(100))
        entities = list(_entities(path, names, version))
        if number % 3 == 2:
            chance.choice(entities[1:]).pop("name", None)
        context = f"https://w3id.org/ro/crate/{version}/context"
        document = {"@context": context, "@graph": entities}
        (path / "ro-crate-metadata.json").write_text(json.dumps(document))
        made.append(path)
    return made


def _entities(
    path: Path, names: Sequence[str], version: str
) -> Iterator[dict[str, object]]:
    yield {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": f"https://w3id.org/ro/crate/{version}"},
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Crate {path.name}",
        "description": "made to be measured",
        "datePublished": "2026-01-31",
        "license": {"@id": "https://spdx.org/licenses/CC0-1.0"},
        "hasPart": [{"@id": name} for name in names],
        "mentions": {"@id": "#run"},
    }
    yield {
        "@id": "https://spdx.org/licenses/CC0-1.0",
        "@type": "CreativeWork",
        "name": "CC0 1.0",
    }
    yield {"@id": "#ada", "@type": "Person", "name": "Ada Example"}
    yield {"@id": "#tool", "@type": "SoftwareApplication", "name": "tool"}
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "run",
        "agent": {"@id": "#ada"},
        "instrument": {"@id": "#tool"},
        "result": [{"@id": name} for name in names],
        "endTime": "2026-01-31T08:00:00+00:00",
    }
    for name in names:
        yield {
            "@id": name,
            "@type": "File",
            "name": name,
            "contentSize": "100",
            "sha256": hashlib.sha256((path / name).read_bytes()).hexdigest(),
        }


@contextmanager
def unhurried() -> Iterator[None]:
    """Have engines that are started meanwhile do without anything that is quicker."""
    usual = processes._BEGIN
    processes._BEGIN = UNHURRIED
    try:
        yield
    finally:
        processes._BEGIN = usual


def ask(engine: RocValidator, crate: Path, profile: str) -> list[Judgement]:
    """Judge a crate, which must be possible."""
    with open_crate(str(crate)) as opened:
        found = engine.judge(opened, [profile])
    if any(item.obstacle for item in found):
        raise AssertionError(found)
    return found


def used() -> float:
    """Processor seconds of this process and of all that ended."""
    spent = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)


class Measured:
    """What each way took."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {way: [] for way in WAYS}
        self.processor = dict.fromkeys(WAYS, 0.0)

    @contextmanager
    def of(self, way: str) -> Iterator[None]:
        """Measure something, as one crate."""
        begun, before = time.perf_counter(), used()
        yield
        self.processor[way] += used() - before
        self.wall[way].append(time.perf_counter() - begun)

    def row(self, profile: str, ways: Sequence[str]) -> str:
        """A line for a profile: the times, and how they compare with the first way."""
        cells = []
        for way in ways:
            wall, count = self.wall[way], len(self.wall[way])
            cells.append(f"{statistics.median(wall):.3f} s")
            cells.append(f"{self.processor[way] / count:.3f} s")
        for way in ways[1:]:
            pairs = zip(self.wall[way], self.wall[ways[0]], strict=True)
            ratio = statistics.median(other / ours for other, ours in pairs)
            cells.append(f"{ratio:.1f}")
            cells.append(f"{self.processor[way] / self.processor[ways[0]]:.1f}")
        return f"| {' | '.join([profile, *cells])} |"


def measure(folder: Path, count: int, profile: str, ways: Sequence[str]) -> str:
    """Judge crates in turn by each way, and give the row of it."""
    measured, kept = Measured(), RocValidator()
    for crate in make(folder / "crates", count, profile):
        found = []
        with measured.of("kept"):
            found.append(ask(kept, crate, profile))
        if "alone" in ways:
            with measured.of("alone"), unhurried():
                engine = RocValidator()
                found.append(ask(engine, crate, profile))
                engine.close()
        if "plain" in ways:
            with measured.of("plain"):
                judge([Job(crate, profile)], folder / crate.name)
        if any(other != found[0] for other in found[1:]):
            raise AssertionError(found)
    before = used()
    kept.close()
    measured.processor["kept"] += used() - before
    return measured.row(profile, ways)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--crates", type=int, default=40)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    options = parser.parse_args()
    count = 5 if options.small else options.crates
    ways = ["kept", *(way for way in WAYS[1:] if way in options.ways)]
    heads = [f"{way}: {what}" for way in ways for what in ("wall", "processor")]
    heads += [f"{way} / kept: {what}" for way in ways[1:] for what in ("wall", "CPU")]
    print(f"{count} crates each, {os.cpu_count()} processors")
    print(f"| profile | {' | '.join(heads)} |")
    print("|---|" + "--:|" * len(heads), flush=True)
    for profile in PROFILES:
        with tempfile.TemporaryDirectory() as name:
            print(measure(Path(name), count, profile, ways), flush=True)


if __name__ == "__main__":
    main()
