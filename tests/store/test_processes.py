"""Processes that write at once, and processes that are killed while they write."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from reverify.capsules.registry import Registry

from tests.capsules.builders import LEAST, capsule
from tests.conftest import ROOT
from tests.databases import OpenRegistry
from tests.store.children import open_registry as open_at

ID = LEAST["id"]


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.children", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    out, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert said == ""
    return out


def test_processes_lose_no_version_and_number_none_twice(
    database: str, registry: Registry
) -> None:
    """Four at once, and none of them finds a database, so all may make it."""
    workers = [start("many", database, worker, 25) for worker in range(4)]
    numbers = [int(line) for w in workers for line in output(w).split()]
    assert sorted(numbers) == list(range(1, 101))
    assert [v.number for v in registry.versions(ID)] == list(range(1, 101))
    assert list(registry.verify()) == []


@pytest.mark.slow
def test_who_is_killed_while_writing_leaves_the_whole_or_nothing(
    database: str, open_registry: OpenRegistry, tmp_path: Path
) -> None:
    open_registry().register(capsule())
    rounds = json.loads(output(start("killed", database, 40, tmp_path, "")))
    registry = open_registry()
    assert list(registry.verify(files=True)) == []
    kept = [f"{v.name}:{v.digest}" for v in registry.versions(ID)][1:]
    told = [line for lines in rounds for line in lines]
    assert len(told) >= 40, "hardly any round came to write"
    # What a child was told is kept is kept; at most one more came of each round.
    assert [line for line in kept if line in set(told)] == told
    assert len(kept) - len(told) <= 40
    for version in registry.versions(ID):
        assert registry.manifest(version).id == ID
        assert registry.files(version) is not None


@pytest.mark.slow
def test_who_is_killed_at_first_use_leaves_a_database_or_none(tmp_path: Path) -> None:
    """Of PostgreSQL each round would need a server's database; see test_migrations."""
    database = f"sqlite:///{tmp_path}/registry"
    output(start("killed", database, 40, tmp_path, "fresh"))
    made = 0
    for number in range(40):
        with open_at(f"{database}{number}", str(tmp_path)) as registry:
            assert list(registry.verify(files=True)) == []
            before = len(list(registry.list()))
            version = registry.register(capsule())
            assert version.number == 1 + max(
                (v.number for v in list(registry.versions(ID))[:-1]), default=0
            )
            made += before
    assert made
