"""What verifying one commit of a large repository costs, beside a full clone of it.

`python -m tests.benchmarks.fetch` makes a repository of some 500 MB, serves it with
`git http-backend` on the loopback address, and looks for one commit of it: cold, with
the contents of one file, and again when it is kept. The peer is `git clone --bare`, and
`git clone --bare --depth=1`. Bytes are those that came through the network, and those
that lie on disk afterwards. `--small` makes a small one.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from reverify.services import Http, SystemClock
from reverify.services.git import Bounds, Cache, CodeSources, Found

from tests.gitrepos import ENVIRONMENT, git
from tests.services.git_server import GitServer, serving_git

COMMITS, FILES, CHANGED, BYTES = 250, 200, 20, 100_000
PAIRS = 3


class Cost(NamedTuple):
    """What one way of looking cost.

    Attributes:
        seconds: of the wall.
        sent: bytes that the server sent.
        stored: bytes on disk.
    """

    seconds: float
    sent: int
    stored: int


def make(folder: Path, *, small: bool) -> str:
    """A bare repository of many commits, whose files do not compress.

    Each commit changes some of the files, so that most contents are history.

    Returns:
        the id of a commit in the middle.
    """
    source = random.Random(7)
    commits = 25 if small else COMMITS
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "-b", "main")
    with subprocess.Popen(
        ["git", "fast-import", "--quiet", "--export-marks=marks"],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
    ) as process:
        stream = process.stdin
        if stream is None:
            raise AssertionError
        for number in range(commits):
            stream.write(
                b"commit refs/heads/main\nmark :%d\n" % (number + 1)
                + b"committer Ada Example <ada@example.org> %d +0000\n"
                % (1_700_000_000 + number)
                + b"data 5\nwork\n\n"
            )
            names = range(FILES if number == 0 else CHANGED)
            for index in names:
                place = index if number == 0 else source.randrange(FILES)
                data = source.randbytes(BYTES)
                stream.write(b"M 100644 inline d%d/f%d.bin\n" % (place % 20, place))
                stream.write(b"data %d\n" % len(data) + data + b"\n")
    marks = (folder / "marks").read_text().split("\n")
    ids = {line.split()[0]: line.split()[1] for line in marks if line}
    git(folder, "config", "uploadpack.allowFilter", "true")
    return ids[f":{commits // 2}"]


def size_of(folder: Path) -> int:
    """How many bytes of files lie in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(server: GitServer, work: Callable[[], object], folder: Path) -> Cost:
    """Do it, and count what the server sent and what lies there afterwards."""
    before, started = server.sent, time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return Cost(seconds, server.sent - before, size_of(folder))


def look(cache: Path, url: str, commit: str, *paths: str) -> None:
    """Find the commit as `reverify check` does, and list its files."""
    sources = CodeSources(
        cache=Cache(cache, Bounds(file_bytes=2 << 30, seconds=600)),
        http=Http(allow_private=True),
        clock=SystemClock(),
        allow_private=True,
    )
    answer = sources.find(commit, origin=url, paths=paths)
    if not isinstance(answer, Found):
        raise TypeError(answer)
    with answer.revision as revision:
        if len(revision.entries) != FILES:
            raise AssertionError(len(revision.entries))


def clone(target: Path, url: str, *options: str) -> None:
    """Clone it as git does."""
    shutil.rmtree(target, ignore_errors=True)
    command = ["git", "clone", "-q", "--bare", *options, url, str(target)]
    subprocess.run(command, env=ENVIRONMENT, check=True)


def main() -> None:
    """Run it, and give the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a small repository")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="bench-fetch-"))
    try:
        commit = make(base / "root" / "code.git", small=options.small)
        os.sync()
        with serving_git(base / "root") as server:
            race(base, server, commit, options.pairs)
    finally:
        shutil.rmtree(base)


def race(base: Path, server: GitServer, commit: str, pairs: int) -> None:
    """Each way in turn, as often as there are pairs."""
    url, cache, target = f"{server.url}/code.git", base / "cache", base / "clone.git"

    def cold() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        look(cache, url, commit)

    def with_file() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        look(cache, url, commit, "d7/f7.bin")

    ways: dict[str, tuple[Callable[[], None], Path]] = {
        "verify one commit": (cold, cache),
        "verify it again": (lambda: look(cache, url, commit), cache),
        "verify it and one file": (with_file, cache),
        "`git clone --depth=1`": (lambda: clone(target, url, "--depth=1"), target),
        "`git clone`": (lambda: clone(target, url), target),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(pairs):
        for name, (work, folder) in ways.items():
            costs[name].append(measure(server, work, folder))
    full = costs["`git clone`"]
    print("| what | seconds | of a clone | bytes sent | of a clone | bytes on disk |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, found in costs.items():
        shares = [
            mine.seconds / whole.seconds
            for mine, whole in zip(found, full, strict=True)
        ]
        sent, stored = found[-1].sent, found[-1].stored
        print(
            f"| {name} | {min(cost.seconds for cost in found):.2f}"
            f" | {statistics.median(shares):.3f} | {sent:,}"
            f" | {sent / full[-1].sent:.6f} | {stored:,} |"
        )
    if costs["verify one commit"][-1].sent * 10 > full[-1].sent:
        sys.exit("one commit costs more than a tenth of a clone")


if __name__ == "__main__":
    main()
