"""Measure the registry: do time and memory grow as they should?

`python -m tests.benchmarks.registry` registers 250, 500 and 1,000 capsules of three
files, lists and exports them, and lists 100,000; `--small` makes do with fewer. Each
command is a process of its own; what counts is the time for each capsule, and whether
the memory stays the same.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from reverify.capsules.chain import files_digest, version_digest
from reverify.capsules.manifest import manifest_of
from reverify.model.registry import Version
from reverify.store.database import Database
from reverify.store.tables import capsules, head, versions
from sqlalchemy import insert, update

REVERIFY = str(Path(sys.executable).parent / "reverify")
KIB = 1 << 10


def measure(name: str, count: int, *arguments: str | Path) -> None:
    """Run one command and print what it took."""
    command = [REVERIFY, "capsule", *map(str, arguments)]
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    print(
        f"{name:<22} {count:>7,} capsules {seconds:8.2f} s"
        f" {seconds / count * 1000:8.3f} ms each {used.ru_maxrss // KIB:5} MiB"
    )


def make(folder: Path, count: int) -> list[Path]:
    """Capsules of three files, 4 to 64 KiB each; the same ones every time."""
    chance, made = random.Random(count), []
    for number in range(count):
        path = folder / f"{number:06}"
        path.mkdir(parents=True)
        for name in ("in.csv", "out.csv", "code.py"):
            (path / name).write_bytes(chance.randbytes(chance.randrange(4, 64) << 10))
        document = {
            "schema_version": "1.0",
            "id": str(uuid.UUID(int=chance.getrandbits(128))),
            "title": f"Capsule {number}",
            "status": "completed",
            "created": "2026-01-31T12:00:00Z",
            "inputs": [{"path": "in.csv"}],
            "outputs": [{"path": "out.csv"}],
            "code": {"files": [{"path": "code.py"}]},
        }
        (path / "capsule.json").write_text(json.dumps(document))
        made.append(path)
    return made


def fill(url: str, count: int) -> None:
    """Put in as many versions as that, faster than one by one."""
    database, before = Database(url), None
    with database.writing() as connection:
        for first in range(1, count + 1, 1000):
            rows = []
            for sequence in range(first, min(first + 1000, count + 1)):
                capsule = str(uuid.UUID(int=sequence))
                manifest = manifest_of(
                    {
                        "schema_version": "1.0",
                        "id": capsule,
                        "title": f"Capsule {sequence}",
                        "status": "completed",
                        "created": "2026-01-31T12:00:00Z",
                    }
                )
                version = Version(
                    sequence=sequence,
                    capsule=capsule,
                    number=1,
                    created="2026-01-31T12:00:00.000000Z",
                    title=manifest.title,
                    status="completed",
                    manifest_sha256=manifest.sha256,
                    files_sha256=files_digest(()),
                    previous=None,
                    before=before,
                    digest="",
                )
                before = version_digest(version)
                row = {name: getattr(version, name) for name in version.__slots__}
                del row["is_new"]
                row |= {"title": manifest.title.encode(), "digest": before}
                rows.append(row | {"manifest": manifest.data})
            ids = [{"id": row["capsule"], "latest": row["sequence"]} for row in rows]
            connection.execute(insert(capsules), ids)
            connection.execute(insert(versions), rows)
        connection.execute(update(head).values(sequence=count, digest=before))
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (10, 20) if small else (250, 500, 1000):
            here = folder / str(count)
            os.environ["REVERIFY_DB"] = f"sqlite:///{here}/registry.sqlite"
            os.environ["REVERIFY_STORE"] = str(here / "store")
            made = make(here / "in", count)
            measure("register", count, "register", *made)
            measure("register --store", count, "register", "--store", *made)
            measure("list", count, "list")
            measure("verify-db --files", count, "verify-db", "--files")
            out = here / "out"
            measure("export-all", count, "export-all", "-o", out)
            measure("export-all, unchanged", count, "export-all", "-o", out)
        for count in (1000, 2000) if small else (10_000, 100_000):
            os.environ["REVERIFY_DB"] = f"sqlite:///{folder}/{count}.sqlite"
            fill(os.environ["REVERIFY_DB"], count)
            measure("list", count, "list")
            measure("list --json", count, "list", "--json")
            measure("verify-db", count, "verify-db")


if __name__ == "__main__":
    main()
