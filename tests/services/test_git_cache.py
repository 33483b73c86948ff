"""What is kept of origins: shared, locked, pruned, and never believed."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from reverify.services.git import Cache, read_origin
from reverify.services.git.cache import Pruned

from tests.services.git_server import serving_git
from tests.services.git_setting import BOUNDS, Laboratory, found


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    made = Laboratory(tmp_path)
    made.publish()
    return made


def _fill(cache: Cache, name: str, size: int, age: float) -> Path:
    kept = cache.open(read_origin(f"https://example.org/{name}"))
    (kept.folder / "contents").write_bytes(bytes(size))
    kept.close()
    then = time.time() - age
    os.utime(f"{kept.folder}.used", (then, then))
    return kept.folder


def test_what_was_not_used_for_long_is_pruned(tmp_path: Path) -> None:
    cache = Cache(tmp_path, BOUNDS)
    old, new = _fill(cache, "old", 100, 5000), _fill(cache, "new", 100, 10)
    assert cache.prune(10_000, 1000) == Pruned(1, 100)
    assert not old.exists()
    assert new.exists()


def test_the_oldest_is_pruned_first_until_the_rest_is_small(tmp_path: Path) -> None:
    cache = Cache(tmp_path, BOUNDS)
    folders = [_fill(cache, f"n{n}", 100, 1000 - n) for n in range(4)]
    assert cache.prune(200, 10_000) == Pruned(2, 200)
    assert [folder.exists() for folder in folders] == [False, False, True, True]


def test_what_is_in_use_is_not_pruned(tmp_path: Path) -> None:
    cache = Cache(tmp_path, BOUNDS)
    folder = _fill(cache, "used", 100, 5000)
    kept = cache.open(read_origin("https://example.org/used"))
    assert cache.prune(0, 0) == Pruned(0, 0)
    assert folder.exists()
    kept.close()
    assert cache.prune(0, -1) == Pruned(1, 100)


def test_nothing_is_pruned_where_nothing_is(tmp_path: Path) -> None:
    assert Cache(tmp_path / "none", BOUNDS).prune(0, 0) == Pruned(0, 0)


def test_a_revision_in_use_keeps_its_repository(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        answer = found(lab.sources().find(lab.first, origin=f"{server.url}/code.git"))
    cache = Cache(lab.cache, BOUNDS)
    assert cache.prune(0, -1).origins == 0
    answer.revision.close()
    assert cache.prune(0, -1).origins == 1
    assert not lab.kept()


def test_nobody_else_can_read_what_is_kept(tmp_path: Path) -> None:
    kept = Cache(tmp_path / "git", BOUNDS).open(read_origin("https://example.org/a"))
    assert kept.folder.stat().st_mode & 0o077 == 0
    kept.close()


def test_many_who_want_the_same_fetch_it_once(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"

        def look(_: int) -> str:
            with found(lab.sources().find(lab.first, origin=url)).revision as revision:
                return revision.tree

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(look, range(4)))) == 1
        fetches = server.packs
    with serving_git(lab.root) as server:
        lone = Laboratory(lab.base / "lone")
        url = f"{server.url}/code.git"
        found(lone.sources().find(lab.first, origin=url)).revision.close()
        assert fetches == server.packs


def test_what_a_killed_fetch_leaves_does_not_matter(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        found(lab.sources().find(lab.first, origin=url)).revision.close()
        (directory,) = lab.cache.glob("*/lean-sha1.git")
        (directory / "shallow.lock").touch()
        (directory / "refs" / "kept" / f"{lab.second}.lock").touch()
        (directory / "objects" / "pack" / "tmp_pack_x").touch()
        found(lab.sources().find(lab.second, origin=url)).revision.close()
    assert not list(directory.rglob("tmp_*"))


def test_what_is_kept_and_damaged_is_fetched_anew(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        found(lab.sources().find(lab.first, origin=url)).revision.close()
        for pack in lab.cache.rglob("*.pack"):
            pack.chmod(0o644)
            data = pack.read_bytes()
            pack.write_bytes(data[:12] + bytes(len(data) - 32) + data[-20:])
        answer = found(lab.sources().find(lab.first, origin=url))
        answer.revision.close()
    assert "fetched now" in answer.evidence[-1].observed


def test_a_commit_that_was_swapped_in_the_cache_is_not_believed(
    lab: Laboratory,
) -> None:
    """Bytes under another's id are never taken for it, whoever put them there."""
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        found(lab.sources().find(lab.first, origin=url)).revision.close()
    (directory,) = lab.cache.glob("*/lean-sha1.git")
    for rest in (directory / "objects" / "pack").iterdir():
        rest.unlink()
    ours = lab.work / ".git" / "objects" / lab.second[:2] / lab.second[2:]
    fake = directory / "objects" / lab.first[:2] / lab.first[2:]
    fake.parent.mkdir()
    fake.write_bytes(ours.read_bytes())
    answer = lab.sources(http=None).find(lab.first, origin=url)
    assert [reason.why.value for reason in answer.reasons] == ["damaged"]
