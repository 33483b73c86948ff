"""Asking once for many crates."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from reverify.archiving.ahead import ask_ahead, identifiers_at

from tests.fakes import document, write_crate
from tests.services.swh_double import SwhDouble
from tests.services.swh_setting import Setting


def ids(crate: int, count: int = 4) -> list[str]:
    return [
        f"swh:1:cnt:{hashlib.sha1(f'{crate} {n}'.encode()).hexdigest()}"
        for n in range(count)
    ]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    found = Setting(tmp_path, keep=True)
    with found.double.at_the_wire():
        yield found


def batches(double: SwhDouble) -> list[int]:
    return [len(json.loads(asked.body)) for asked in double.asked]


# -- the queue -------------------------------------------------------------------------


def test_requests_are_full_but_for_the_last(setting: Setting) -> None:
    names = [str(n) for n in range(601)]
    sizes = {name: ids(int(name), int(name) % 8) for name in names}
    given = list(ask_ahead(names, setting.archive, lambda name: sizes[name]))
    assert given == names
    total = sum(map(len, sizes.values()))
    assert batches(setting.double) == [1000, 1000, total - 2000]


def test_a_crate_comes_when_all_that_it_names_was_asked(setting: Setting) -> None:
    found = ask_ahead(map(str, range(400)), setting.archive, lambda n: ids(int(n), 3))
    for name in found:
        before = len(setting.double.asked)
        setting.archive.known(ids(int(name), 3))
        assert len(setting.double.asked) == before


def test_what_many_name_is_asked_once(setting: Setting) -> None:
    list(ask_ahead(map(str, range(50)), setting.archive, lambda _: ids(1)))
    assert batches(setting.double) == [4]


def test_what_is_kept_is_not_asked_and_does_not_fill_a_request(
    setting: Setting,
) -> None:
    names = [str(n) for n in range(500)]
    list(ask_ahead(names[::2], setting.archive, lambda name: ids(int(name))))
    assert batches(setting.double) == [1000]
    list(ask_ahead(names, setting.client(), lambda name: ids(int(name))))
    assert batches(setting.double) == [1000, 1000]
    list(ask_ahead(names, setting.client(), lambda name: ids(int(name))))
    assert batches(setting.double) == [1000, 1000]


def test_an_archive_that_is_down_holds_nobody_up(setting: Setting) -> None:
    setting.double.fail("502")
    names = [str(n) for n in range(1000)]
    given = list(ask_ahead(names, setting.archive, lambda name: ids(int(name))))
    assert given == names
    assert len(setting.double.asked) == 4  # one batch, four tries


def test_few_crates_wait_at_once_where_none_names_anything(setting: Setting) -> None:
    read = []

    def identifiers(name: str) -> list[str]:
        read.append(name)
        return []

    found = ask_ahead(map(str, range(100)), setting.archive, identifiers)
    assert next(found) == "0"
    assert len(read) == 1
    assert not setting.double.asked


# -- what a crate names ----------------------------------------------------------------


def test_identifiers_are_read_without_the_files_of_a_crate(tmp_path: Path) -> None:
    entity = {"@id": "#c", "@type": "SoftwareSourceCode", "identifier": ids(1)}
    write_crate(tmp_path / "crate", entity)
    assert identifiers_at(str(tmp_path / "crate")) == ids(1)


@pytest.mark.parametrize("location", ["-", "gone", "https://example.org/crate.zip"])
def test_what_is_not_at_hand_is_left_to_the_check(location: str) -> None:
    assert identifiers_at(location) == []


def test_what_is_no_crate_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "crate.json").write_text("{")
    assert identifiers_at(str(tmp_path / "crate.json")) == []
    assert identifiers_at(str(tmp_path)) == []


# -- the whole program -----------------------------------------------------------------


def write_many(folder: Path, count: int) -> list[str]:
    """So many metadata documents, each of which names four objects."""
    folder.mkdir()
    for number in range(count):
        entity = {"@id": "#c", "@type": "SoftwareSourceCode", "identifier": ids(number)}
        (folder / f"{number:05}.json").write_text(json.dumps(document(entity)))
    return sorted(map(str, folder.iterdir()))


def start(
    double: SwhDouble, cache: Path, locations: list[str]
) -> subprocess.Popen[bytes]:
    options = ["--allow-private", "--only", "archival", "--format", "jsonl"]
    command = [sys.executable, "-m", "reverify", "check", *options, *locations]
    environment = {
        **os.environ,
        "REVERIFY_SWH_URL": double.base,
        "REVERIFY_CACHE_DIR": str(cache),
    }
    with (cache.parent / "reports").open("wb") as output:
        return subprocess.Popen(command, env=environment, stdout=output)


def reports(process: subprocess.Popen[bytes], folder: Path) -> int:
    assert process.wait(timeout=300) in {0, 1}
    return (folder / "reports").read_bytes().count(b"\n")


def test_many_crates_cost_few_requests_and_the_second_time_none(
    tmp_path: Path, swh_double: SwhDouble
) -> None:
    locations = write_many(tmp_path / "crates", 300)
    for _ in range(2):
        assert (
            reports(start(swh_double, tmp_path / "cache", locations), tmp_path) == 300
        )
        assert batches(swh_double) == [1000, 200]


def test_who_is_killed_asks_nothing_twice(
    tmp_path: Path, swh_double: SwhDouble
) -> None:
    locations = write_many(tmp_path / "crates", 1000)
    process = start(swh_double, tmp_path / "cache", locations)
    end = time.monotonic() + 60
    while len(swh_double.asked) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(swh_double.asked)
    assert 2 <= before < 4
    assert reports(start(swh_double, tmp_path / "cache", locations), tmp_path) == 1000
    assert len(swh_double.asked) <= 5  # one may have been on its way
    asked = [id for each in swh_double.asked[: before - 1] for id in each_id(each.body)]
    later = {id for each in swh_double.asked[before:] for id in each_id(each.body)}
    assert not later.intersection(asked)


def each_id(body: bytes) -> list[str]:
    found: list[str] = json.loads(body)
    return found


@pytest.mark.long
@pytest.mark.slow
def test_ten_thousand_crates_cost_forty_requests_and_the_second_time_none(
    tmp_path: Path, swh_double: SwhDouble
) -> None:
    locations = write_many(tmp_path / "crates", 10_000)
    for _ in range(2):
        assert (
            reports(start(swh_double, tmp_path / "cache", locations), tmp_path)
            == 10_000
        )
        assert batches(swh_double) == [1000] * 40
