"""The registry, on SQLite and on PostgreSQL alike."""

import json
import os
import random
import re
import shutil
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reverify.capsules.manifest import manifest_of
from reverify.capsules.registry import Registry
from reverify.errors import CapsuleError, DamagedError, StoreError
from reverify.model.capsule import FileRecord, Status
from reverify.model.registry import Place

from tests.capsules.builders import (
    LEAST,
    RAIN,
    SUM,
    TOTAL,
    capsule,
    capsule_folder,
    manifest_in,
    numbered,
    sha256,
)
from tests.databases import Backdoor, OpenRegistry

ID = LEAST["id"]


def refusal(registry: Registry, folder: Path, *, store: bool = False) -> str:
    with pytest.raises(CapsuleError) as caught:
        registry.register(manifest_in(folder), folder, store=store)
    assert not list(registry.list())
    return str(caught.value)


def found(registry: Registry, *, files: bool = False) -> str:
    return "\n".join(f"{d.subject}: {d.reason}" for d in registry.verify(files=files))


# -- versions --------------------------------------------------------------------------


def test_nothing_is_there_before_something_is_registered(
    registry: Registry, tmp_path: Path
) -> None:
    assert not registry.exists()
    assert list(registry.list()) == []
    with pytest.raises(CapsuleError, match=f"there is no capsule {ID}"):
        registry.resolve(ID)
    assert found(registry, files=True) == ""
    assert not registry.exists()
    assert not (tmp_path / "db").exists()


def test_the_bytes_of_a_manifest_come_back_as_they_were(registry: Registry) -> None:
    text = "\ufeff" + json.dumps(LEAST | {"notes": "\0 \u2028 \U0001f600 é e\u0301"})
    from reverify.capsules.manifest import read_manifest  # noqa: PLC0415

    manifest = read_manifest(text.encode())
    version = registry.register(manifest)
    assert registry.manifest(version).data == text.encode()


def test_a_title_may_hold_whatever_json_can(registry: Registry) -> None:
    title = "\0\x1b\u202e\U0001f600'; DROP TABLE reverify_versions; --"
    registry.register(capsule(title=title))
    assert [version.title for version in registry.list()] == [title]


def test_the_same_manifest_again_makes_no_version(registry: Registry) -> None:
    first = registry.register(capsule())
    second = registry.register(capsule())
    assert (first.is_new, second.is_new) == (True, False)
    assert second == first
    assert len(list(registry.versions(ID))) == 1


def test_a_changed_manifest_is_the_next_version(registry: Registry) -> None:
    first = registry.register(capsule())
    second = registry.register(capsule(notes="again"))
    third = registry.register(capsule())
    assert [v.number for v in registry.versions(ID)] == [1, 2, 3]
    assert (second.previous, third.previous) == (first.digest, second.digest)
    assert len({first.digest, second.digest, third.digest}) == 3
    assert third.manifest_sha256 == first.manifest_sha256


def test_all_registrations_are_one_chain(registry: Registry) -> None:
    made = [registry.register(numbered(n)) for n in (0, 1, 2)]
    assert [v.sequence for v in made] == [1, 2, 3]
    assert [v.before for v in made] == [None, made[0].digest, made[1].digest]
    assert [v.previous for v in made] == [None, None, None]


def test_the_digest_is_the_one_that_the_documentation_describes(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain", title="R\u00e4in \0")
    registry.register(numbered(7))
    version = registry.register(manifest_in(folder), folder)
    base = str(folder)
    lines = [
        f'[0,"input","rain.csv","{sha256(RAIN)}",{len(RAIN)},"folder","{base}"]\n',
        f'[1,"output","out/total.txt","{sha256(TOTAL)}",{len(TOTAL)},"folder","{base}"]\n',
        f'[2,"code","sum.py","{sha256(SUM)}",{len(SUM)},"folder","{base}"]\n',
    ]
    listing = sha256("".join(lines).encode())
    manifest = sha256((folder / "capsule.json").read_bytes())
    line = (
        f'["reverify capsule version 1",2,"{ID}",1,"{version.created}",'
        f'"R\\u00e4in \\u0000","completed","{manifest}","{listing}",null,'
        f'"{version.before}"]\n'
    )
    assert version.digest == sha256(line.encode())


# -- finding ---------------------------------------------------------------------------


def test_a_capsule_is_found_by_the_beginning_of_its_id(registry: Registry) -> None:
    registry.register(capsule())
    version = registry.register(capsule(notes="again"))
    registry.register(numbered(1))
    for reference in (
        ID,
        ID.upper(),
        "6",
        "6f1c2a8e-3b",
        "6f1c2a8e3b",
        f"capsule-{ID}",
    ):
        assert registry.resolve(reference) == version
    assert registry.resolve("6f1c@1").number == 1
    assert registry.resolve("6f1c", 1).number == 1


def test_a_beginning_that_several_have_names_them(registry: Registry) -> None:
    other = "6f1c2a8f-0000-4000-8000-000000000000"
    registry.register(capsule())
    registry.register(capsule(id=other))
    with pytest.raises(CapsuleError, match="begins several ids") as caught:
        registry.resolve("6f1c2a8")
    assert ID in str(caught.value)
    assert other in str(caught.value)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "%",
        "_",
        "6f1c%",
        "../6f1c",
        "x",
        "6f1c@",
        "6f1c@x",
        "' OR 1=1 --",
        "6\0",
        "é",
    ],
)
def test_what_is_no_id_is_told(registry: Registry, reference: str) -> None:
    registry.register(capsule())
    with pytest.raises(CapsuleError, match="is no id of a capsule"):
        registry.resolve(reference)


def test_a_version_that_is_not_there_is_told(registry: Registry) -> None:
    registry.register(capsule())
    with pytest.raises(CapsuleError, match="has version 1, none is 999999999"):
        registry.resolve(f"{ID}@999999999")
    with pytest.raises(CapsuleError, match="has version 1, none is 0"):
        registry.resolve(ID, 0)


def test_the_last_registered_comes_first_and_pages_go_on(registry: Registry) -> None:
    for number in range(5):
        registry.register(numbered(number))
    registry.register(numbered(1, notes="again"))
    everything = list(registry.list())
    assert [v.title[-1] for v in everything] == ["1", "4", "3", "2", "0"]
    assert list(registry.list(before=everything[1].sequence)) == everything[2:]


def test_capsules_are_chosen_by_the_status_of_their_latest_version(
    registry: Registry,
) -> None:
    registry.register(capsule(status="draft"))
    registry.register(numbered(1, status="draft"))
    registry.register(capsule())
    assert [v.capsule for v in registry.list(Status.COMPLETED)] == [ID]
    assert [v.title for v in registry.list(Status.DRAFT)] == ["Rain, 1"]


# -- files -----------------------------------------------------------------------------


def test_files_are_kept_by_folder_and_digest(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    version = registry.register(manifest_in(folder), folder)
    files = {file.path: file for file in registry.files(version)}
    assert files["out/total.txt"].sha256 == sha256(TOTAL)
    assert files["out/total.txt"].size == len(TOTAL)
    assert {file.base for file in files.values()} == {str(folder)}
    assert not (tmp_path / "store").exists()


def test_files_are_copied_and_the_folder_may_go(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    manifest = manifest_in(folder)
    version = registry.register(manifest, folder, store=True)
    for path in (folder / "rain.csv", folder / "out" / "total.txt"):
        path.unlink()
    with registry.source(version) as source:
        data = [source.open(file).read() for file in manifest.files()]
    assert data == [RAIN, TOTAL, SUM]
    assert {file.place for file in registry.files(version)} == {Place.STORE}
    assert found(registry, files=True) == ""


def test_files_of_a_folder_are_opened_there(registry: Registry, tmp_path: Path) -> None:
    folder = capsule_folder(tmp_path / "rain")
    manifest = manifest_in(folder)
    version = registry.register(manifest, folder)
    with registry.source(version) as source:
        assert [source.open(file).read() for file in manifest.files()] == [
            RAIN,
            TOTAL,
            SUM,
        ]


def test_a_file_that_changed_since_is_not_handed_out(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    manifest = manifest_in(folder)
    version = registry.register(manifest, folder)
    (folder / "sum.py").write_bytes(b"print(2)\n")
    (code,) = [file for file in manifest.files() if file.path == "sum.py"]
    with registry.source(version) as source, pytest.raises(CapsuleError) as caught:
        source.open(code)
    assert "sum.py: has sha256" in str(caught.value)
    assert "sum.py" in found(registry, files=True)
    assert found(registry) == ""


def test_copies_are_made_later_without_a_new_version(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    manifest = manifest_in(folder)
    registry.register(manifest, folder)
    version = registry.register(manifest, folder, store=True)
    assert not version.is_new
    (folder / "sum.py").unlink()
    with registry.source(version) as source:
        assert [source.open(file).read() for file in manifest.files()][2] == SUM


def test_files_that_were_not_at_hand_are_learned_of(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    manifest = manifest_in(folder)
    first = registry.register(manifest)
    assert [(f.sha256, f.place) for f in registry.files(first)] == [
        (sha256(RAIN), Place.NOWHERE),
        (None, Place.NOWHERE),
        (None, Place.NOWHERE),
    ]
    with (
        registry.source(first) as source,
        pytest.raises(CapsuleError, match="not kept"),
    ):
        source.open(next(manifest.files()))
    second = registry.register(manifest, folder)
    assert (second.number, second.is_new) == (2, True)
    assert not registry.register(manifest).is_new
    assert not registry.register(manifest, folder).is_new


def test_a_file_that_changed_under_the_same_manifest_is_refused(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    registry.register(manifest_in(folder), folder)
    (folder / "sum.py").write_bytes(b"print(2)\n")
    with pytest.raises(CapsuleError, match=r"sum\.py has sha256 .*, and had"):
        registry.register(manifest_in(folder), folder)
    assert registry.resolve(ID).number == 1


@pytest.mark.parametrize("store", [False, True])
def test_a_file_that_is_not_what_is_stated_is_refused(
    registry: Registry, tmp_path: Path, *, store: bool
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    (folder / "rain.csv").write_bytes(RAIN[::-1])
    said = refusal(registry, folder, store=store)
    assert f"rain.csv: has sha256 {sha256(RAIN[::-1])}" in said
    assert f"the manifest states {sha256(RAIN)} at /inputs/0/sha256" in said


@pytest.mark.parametrize("store", [False, True])
def test_what_is_missing_or_no_plain_file_is_refused_all_at_once(
    registry: Registry, tmp_path: Path, *, store: bool
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    (folder / "rain.csv").unlink()
    (folder / "rain.csv").symlink_to("sum.py")
    (folder / "sum.py").unlink()
    os.mkfifo(folder / "sum.py")
    (folder / "out" / "total.txt").unlink()
    said = refusal(registry, folder, store=store)
    assert "rain.csv: is a link, not a regular file" in said
    assert "sum.py: is a pipe, not a regular file" in said
    assert "out/total.txt: is missing" in said


def test_a_folder_on_the_way_may_be_no_link(registry: Registry, tmp_path: Path) -> None:
    folder = capsule_folder(tmp_path / "rain")
    (folder / "out").rename(tmp_path / "elsewhere")
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    assert "out: is a link, not a folder" in refusal(registry, folder)


def test_what_a_run_is_still_to_write_need_not_be_there(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain", status="running")
    (folder / "out" / "total.txt").unlink()
    version = registry.register(manifest_in(folder), folder)
    places = {file.path: file.place for file in registry.files(version)}
    assert places["out/total.txt"] is Place.NOWHERE
    (folder / "rain.csv").unlink()
    with pytest.raises(CapsuleError, match=r"rain\.csv: is missing"):
        registry.register(manifest_in(folder), folder)


def test_a_file_in_two_roles_is_read_once_and_listed_twice(
    registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    both = {"inputs": [{"path": "a"}], "outputs": [{"path": "a"}]}
    version = registry.register(capsule(**both), tmp_path)
    assert [(f.role, f.path, f.size) for f in registry.files(version)] == [
        ("input", "a", 1),
        ("output", "a", 1),
    ]


def test_a_size_that_is_written_as_3_0_is_kept(registry: Registry) -> None:
    manifest = capsule(inputs=[{"path": "rain.csv", "size": 3.0}])
    version = registry.register(manifest)
    assert [file.size for file in registry.files(version)] == [3]
    assert registry.manifest(version).data == manifest.data


def test_files_that_are_only_elsewhere_are_not_kept(
    registry: Registry, tmp_path: Path
) -> None:
    manifest = capsule(inputs=[{"url": "https://example.org/a"}])
    assert registry.files(registry.register(manifest, tmp_path)) == ()


def test_a_folder_that_is_not_there_is_told(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(CapsuleError, match=r"gone: is no folder that can be read"):
        registry.register(capsule(), tmp_path / "gone")


def test_odd_names_survive(registry: Registry, tmp_path: Path) -> None:
    names = [
        "a b",
        "..data",
        "é",
        "e\u0301",
        "\U0001f600",
        "-x",
        "'\"\\%_",
        "\x01\n",
        "#?",
    ]
    for name in names:
        (tmp_path / name).write_text(name)
    manifest = capsule(inputs=[{"path": name} for name in names])
    for store in (False, True):
        version = registry.register(manifest, tmp_path, store=store)
        with registry.source(version) as source:
            data = [source.open(f).read().decode() for f in manifest.files()]
        assert data == names
    assert found(registry, files=True) == ""


def test_a_base_that_is_no_utf8_survives(registry: Registry, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    capsule_folder(folder)
    version = registry.register(manifest_in(folder), folder)
    record = FileRecord(*next(manifest_in(folder).files()))
    with registry.source(version) as source:
        assert source.open(record).read() == RAIN
    assert found(registry, files=True) == ""


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    keys=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.integers()
    ),
)
def test_any_manifest_comes_back(
    registry: Registry, text: str, keys: dict[str, int]
) -> None:
    manifest = capsule(title=text, extra=keys)
    version = registry.register(manifest)
    assert registry.manifest(version) == manifest
    assert registry.resolve(ID).title == text


# -- many at once ----------------------------------------------------------------------


def test_threads_lose_no_version_and_number_none_twice(
    open_registry: OpenRegistry,
) -> None:
    shared, other = open_registry(), open_registry()

    def work(worker: int) -> list[int]:
        registry = shared if worker % 2 else other
        return [
            registry.register(capsule(notes=f"{worker} {turn}")).number
            for turn in range(10)
        ]

    with ThreadPoolExecutor(8) as pool:
        numbers = [number for made in pool.map(work, range(8)) for number in made]
    assert sorted(numbers) == list(range(1, 81))
    assert [v.number for v in shared.versions(ID)] == list(range(1, 81))
    assert found(shared) == ""


def test_the_same_manifest_from_many_threads_is_one_version(
    open_registry: OpenRegistry,
) -> None:
    registries = [open_registry() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda r: r.register(capsule()), registries))
    assert [v.is_new for v in made].count(True) == 1
    assert {v.number for v in made} == {1}


def test_a_long_list_is_not_held_in_memory(
    registry: Registry, backdoor: Backdoor
) -> None:
    registry.register(capsule(notes="x" * 1000))
    double = (
        "INSERT INTO reverify_versions SELECT sequence + :so_far, capsule,"
        " number + :so_far, created, title, status, manifest_sha256, files_sha256,"
        " previous, before, digest, manifest FROM reverify_versions"
    )
    for power in range(12):
        backdoor(double, so_far=2**power)
    tracemalloc.start()
    count = sum(1 for _ in registry._store.history())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4096
    assert peak < 2_000_000


# -- damage ----------------------------------------------------------------------------

VERSIONS, FILES = "reverify_versions", "reverify_files"
TAMPERINGS = {
    "a title": f"UPDATE {VERSIONS} SET title = 'Snow' WHERE sequence = 2",
    "a time": f"UPDATE {VERSIONS} SET created = '2020' WHERE sequence = 2",
    "a status": f"UPDATE {VERSIONS} SET status = 'failed' WHERE sequence = 2",
    "a manifest": f"UPDATE {VERSIONS} SET manifest = 'x' WHERE sequence = 2",
    "another's manifest": f"UPDATE {VERSIONS} SET manifest = (SELECT manifest FROM"
    f" {VERSIONS} WHERE sequence = 1) WHERE sequence = 2",
    "a digest": f"UPDATE {VERSIONS} SET digest = manifest_sha256 WHERE sequence = 2",
    "the last digest": f"UPDATE {VERSIONS} SET digest = '' WHERE sequence = 4",
    "a link": f"UPDATE {VERSIONS} SET previous = NULL WHERE sequence = 2",
    "a number": f"UPDATE {VERSIONS} SET number = 7 WHERE sequence = 2",
    "a capsule": f"UPDATE {VERSIONS} SET capsule = 'x' WHERE sequence = 2",
    "a file's digest": f"UPDATE {FILES} SET sha256 = NULL WHERE version = 1",
    "a file's size": f"UPDATE {FILES} SET size = 0 WHERE version = 1",
    "a file's path": f"UPDATE {FILES} SET path = '../../etc/passwd' WHERE version = 1",
    "a file's folder": f"UPDATE {FILES} SET base = '/etc' WHERE version = 1",
    "a file's role": f"UPDATE {FILES} SET role = 'x' WHERE version = 1",
    "files in another order": f"UPDATE {FILES} SET position = 2 - position + 10"
    " WHERE version = 1",
    "a file's place in the list": f"UPDATE {FILES} SET position = 7 WHERE version = 1"
    " AND position = 2",
    "no files": f"DELETE FROM {FILES} WHERE version = 1 AND position = 1",
    "more files": f"INSERT INTO {FILES} SELECT version, 9, role, path, sha256, size,"
    f" place, base FROM {FILES} WHERE version = 1 AND position = 1",
    "files of nothing": f"INSERT INTO {FILES} SELECT 99, position, role, path, sha256,"
    f" size, place, base FROM {FILES} WHERE version = 1 AND position = 1",
    "the first is gone": f"DELETE FROM {VERSIONS} WHERE sequence = 1",
    "one is gone": f"DELETE FROM {VERSIONS} WHERE sequence = 2",
    "the last is gone": f"DELETE FROM {VERSIONS} WHERE sequence = 4",
    "all versions are gone": f"DELETE FROM {VERSIONS}",
    "one more": f"INSERT INTO {VERSIONS} SELECT 5, capsule, 3, created, title, status,"
    " manifest_sha256, files_sha256, previous, before, digest, manifest FROM"
    f" {VERSIONS} WHERE sequence = 2",
    "one more before": f"INSERT INTO {VERSIONS} SELECT 0, capsule, 3, created, title,"
    " status, manifest_sha256, files_sha256, previous, before, digest, manifest FROM"
    f" {VERSIONS} WHERE sequence = 2",
    "a capsule is gone": "DELETE FROM reverify_capsules WHERE latest = 2",
    "a capsule of nothing": "INSERT INTO reverify_capsules VALUES ('x', 9)",
    "an old version is the latest": "UPDATE reverify_capsules SET latest = 1"
    " WHERE latest = 2",
    "the end is nowhere": "UPDATE reverify_head SET sequence = -1, digest = NULL",
    "the end": "UPDATE reverify_head SET sequence = 3",
    "the end's digest": "UPDATE reverify_head SET digest = 'x'",
    "no end": "DELETE FROM reverify_head",
    "two ends": "INSERT INTO reverify_head VALUES (2, 4, '')",
    "no migrations": "DELETE FROM reverify_migrations",
    "order": f"UPDATE {VERSIONS} SET sequence = 9 WHERE sequence = 3; UPDATE {VERSIONS}"
    f" SET sequence = 3 WHERE sequence = 2; UPDATE {VERSIONS} SET sequence = 2 WHERE"
    " sequence = 9",
}


@pytest.mark.parametrize("statements", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_what_is_changed_behind_its_back_is_found_and_not_served(
    registry: Registry,
    open_registry: OpenRegistry,
    backdoor: Backdoor,
    tmp_path: Path,
    statements: str,
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    registry.register(manifest_in(folder), folder)
    registry.register(capsule(notes="again"))
    registry.register(numbered(1))
    registry.register(numbered(2))
    before = served(registry)
    assert found(registry) == ""
    registry.close()
    backdoor(*statements.replace("'x')", "'x')").split("; "))
    again = open_registry()
    try:
        reported = found(again)
    except StoreError as error:
        reported = str(error)
    assert reported
    assert served(again) <= before


def served(registry: Registry) -> set[Any]:
    """All that the registry gives away as true."""
    given: set[Any] = set()
    for capsule_id in (ID, numbered(1).id, numbered(2).id):
        for number in (1, 2, 3, 7):
            try:
                version = registry.resolve(capsule_id, number)
                data = registry.manifest(version).data
                given.add((version, data, registry.files(version)))
            except (CapsuleError, StoreError):
                continue
    return given


def test_nothing_is_added_to_a_chain_that_is_broken(
    registry: Registry, backdoor: Backdoor
) -> None:
    registry.register(capsule())
    backdoor("UPDATE reverify_head SET digest = 'x'")
    with pytest.raises(DamagedError, match="does not end where it says"):
        registry.register(numbered(1))


def test_what_is_wrong_is_named(
    registry: Registry, backdoor: Backdoor, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    registry.register(manifest_in(folder), folder)
    registry.register(numbered(1))
    backdoor("UPDATE reverify_versions SET title = 'Snow' WHERE sequence = 1")
    assert f"{ID}@1: registration 1" in found(registry)
    backdoor("DELETE FROM reverify_versions WHERE sequence = 1")
    assert "database: registrations are gone: 1" in found(registry)


def test_a_damaged_file_in_the_store_is_named(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "rain")
    registry.register(manifest_in(folder), folder, store=True)
    path = registry.content.path(sha256(SUM))
    path.chmod(0o644)
    path.write_bytes(b"x" + SUM[1:])
    assert re.search(
        f"{sha256(SUM)}: holds bytes of sha256:", found(registry, files=True)
    )
    path.unlink()
    said = found(registry, files=True)
    assert f"{ID}@1: sum.py: sha256:{sha256(SUM)} is not in the store" in said


PAGE = 4096


@pytest.mark.parametrize("flips", [1, 2, 9])
def test_flipped_bytes_of_a_page_are_found_and_never_served(
    open_registry: OpenRegistry, tmp_path: Path, flips: int, database: str
) -> None:
    if not database.startswith("sqlite"):
        pytest.skip("the pages of PostgreSQL are its own business")
    registry = open_registry()
    folder = capsule_folder(tmp_path / "rain")
    registry.register(manifest_in(folder), folder)
    registry.register(capsule(notes="x" * 3 * PAGE))
    for number in (1, 2):
        registry.register(numbered(number, notes="y" * 300))
    before = served(registry)
    registry.close()
    path = Path(database.removeprefix("sqlite:///"))
    whole = path.read_bytes()
    chance, missed = random.Random(), 0
    for page in range(len(whole) // PAGE):
        flipped: list[int] = []
        bad = bytearray(whole)
        for turn in range(flips):  # the ninth at the beginning, which is always used
            spot = page * PAGE + (chance.randrange(PAGE) if turn < 8 else 0)
            bad[spot] ^= chance.randrange(1, 256)
            flipped.append(spot)
        path.write_bytes(bad)
        hurt = open_registry()
        try:
            reported = found(hurt)
        except StoreError as error:
            reported = str(error)
        given = served(hurt)
        assert given <= before, flipped
        if not reported:
            missed += 1
            assert given == before, flipped  # where nothing was, nothing was lost
        hurt.close()
        path.write_bytes(whole)
        for rest in ("-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
    assert missed == 0 or flips < 9


# -- revised ---------------------------------------------------------------------------


def test_a_revised_manifest_keeps_the_files_of_the_version_before(
    registry: Registry, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "capsule")
    first = registry.register(manifest_in(folder), folder, store=True)
    shutil.rmtree(folder)
    manifest = manifest_of({**registry.manifest(first).document, "notes": "New."})
    second = registry.revise(first, manifest)
    assert (second.number, second.is_new) == (2, True)
    assert registry.files(second) == registry.files(first)
    assert registry.manifest(second).data == manifest.data
    assert found(registry, files=True) == ""


def test_only_the_latest_version_is_revised(registry: Registry) -> None:
    first = registry.register(capsule())
    registry.revise(first, capsule(notes="One."))
    with pytest.raises(CapsuleError, match="is not the latest version"):
        registry.revise(first, capsule(notes="Two."))
    assert registry.resolve(ID).number == 2


def test_a_revision_is_of_the_same_files_and_the_same_capsule(
    registry: Registry,
) -> None:
    first = registry.register(capsule())
    with pytest.raises(CapsuleError, match="of other files"):
        registry.revise(first, capsule(inputs=[{"path": "rain.csv"}]))
    with pytest.raises(CapsuleError, match="of another capsule"):
        registry.revise(first, numbered(1))
