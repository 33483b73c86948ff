"""Registering in processes of its own: `python -m tests.store.children WHAT URL ...`.

`many URL WORKER COUNT`: register COUNT versions of one capsule; print their numbers.
`killed URL ROUNDS FOLDER FRESH`: in each round a child registers as fast as it can and
is killed at a random moment; print, as JSON, what it was told was kept. If FRESH is
`fresh`, each round begins with a database of its own, URL0, URL1 and so on.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from reverify.capsules.content import ContentStore
from reverify.capsules.registry import Registry
from reverify.store.database import Database
from reverify.store.sql import SqlStore

from tests.capsules.builders import capsule

# What a child would import otherwise, so that it is killed while it writes instead.
import alembic.command  # noqa: F401, isort: skip
import psycopg  # noqa: F401, isort: skip


def open_registry(url: str, folder: str) -> Registry:
    return Registry(SqlStore(Database(url)), ContentStore(Path(folder, "store")))


def many(url: str, worker: str, count: str) -> None:
    with open_registry(url, ".") as registry:
        for turn in range(int(count)):
            version = registry.register(capsule(notes=f"{worker} {turn}"))
            sys.stdout.write(f"{version.number}\n")


def killed(url: str, rounds: str, folder: str, fresh: str) -> None:
    told: list[list[str]] = []
    capsule()  # reads the schema, once for all children
    is_fresh = fresh == "fresh"
    took = _first_use(f"{url}first", folder) if is_fresh else 0.05
    for number in range(int(rounds)):
        child, stream = _start(f"{url}{number}" if is_fresh else url, folder, number)
        with stream:
            # Wait in turns of its work, however slow that is today.
            turns = 0 if is_fresh else 1 + random.randrange(3)
            lines = [stream.readline() for _ in range(turns)]
            time.sleep(random.random() * took * 1.3)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            told.append(b"".join([*lines, stream.read()]).decode().split())
    json.dump(told, sys.stdout)


def _first_use(url: str, folder: str) -> float:
    """How many seconds a child needs to make a database and register once."""
    begun = time.monotonic()
    child, stream = _start(url, folder, -1)
    with stream:
        stream.readline()
        took = time.monotonic() - begun
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return took


def _start(url: str, folder: str, number: int) -> tuple[int, BinaryIO]:
    """Fork a child that tells, line by line, what was kept."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _register_for_ever(url, folder, number, write)
    os.close(write)
    return child, os.fdopen(read, "rb")


def _register_for_ever(url: str, folder: str, number: int, write: int) -> None:
    with open_registry(url, folder) as registry:
        for turn in range(10_000):
            file = Path(folder, f"{number}-{turn}")
            file.write_bytes(os.urandom(3_000))
            manifest = capsule(
                notes=f"{number} {turn} " + "x" * 20_000, inputs=[{"path": file.name}]
            )
            version = registry.register(manifest, Path(folder), store=bool(turn % 2))
            os.write(write, f"{version.name}:{version.digest}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "many":
        many(*sys.argv[2:])
    else:
        killed(*sys.argv[2:])
