"""Measure the comparison of large results: does its memory stay flat?

`python -m tests.benchmarks.comparing` compares two files of 2 GiB that differ in one
byte, and two tables of five million rows, the second one shuffled and moved in the
12th digit, as CSV and as Parquet; `--small` makes do with less. Each comparison is a
process of its own; what counts is the largest of it and its helpers.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MIB = 1 << 20
AT_MOST = 500
COMPARE = """
import sys
from pathlib import Path
from reverify.compare import LocalFile, compare
from reverify.model.comparison import Rule
one, other = map(Path, sys.argv[1:3])
rule = Rule.from_dict(__import__("json").loads(sys.argv[3]))
print(compare(LocalFile(one), LocalFile(other), rule, name=one.name).describe())
"""
BY_ID = '{"method": "table", "rtol": 1e-9, "key_columns": ["id"]}'


def measure(one: Path, other: Path, rule: str = "{}") -> None:
    """Compare two files and print what it took."""
    command = [sys.executable, "-c", COMPARE, str(one), str(other), rule]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answer = process.stdout.read().strip()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    peak = used.ru_maxrss // 1024
    met = "yes" if peak < AT_MOST else "no"
    print(f"{answer}\n  {seconds:.1f} s, {peak} MiB, under {AT_MOST}: {met}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    size, rows = (64 * MIB, 50_000) if small else (2048 * MIB, 5_000_000)
    with tempfile.TemporaryDirectory() as name:
        folder, chance = Path(name), random.Random(1)
        block = chance.randbytes(MIB)
        for file, last in (("a.bin", b"x"), ("b.bin", b"y")):
            with (folder / file).open("wb") as target:
                for _ in range(size // MIB):
                    target.write(block)
                target.write(last)
        measure(folder / "a.bin", folder / "b.bin")
        order = list(range(rows))
        for file, moved in (("a.csv", 0.0), ("b.csv", 1e-12)):
            with (folder / file).open("w", encoding="ascii") as table:
                table.write("id,x,group\n")
                for id in order:
                    table.write(f"{id},{id * 0.5 * (1 + moved)!r},{id % 97}\n")
            chance.shuffle(order)
        measure(folder / "a.csv", folder / "b.csv", BY_ID)
        from pyarrow import csv, parquet  # noqa: PLC0415 - takes its time

        for file in ("a", "b"):
            read = csv.read_csv(folder / f"{file}.csv")
            parquet.write_table(read, folder / f"{file}.parquet")
        measure(folder / "a.parquet", folder / "b.parquet", BY_ID)


if __name__ == "__main__":
    main()
