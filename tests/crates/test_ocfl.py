"""An OCFL object as a payload: what it is wrapped round, and how it is read."""

import hashlib
import uuid
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import fsspec
import pytest
from reverify.crates import directory
from reverify.crates.crate import what_is_there
from reverify.crates.digests import Fingerprint
from reverify.crates.directory import DirectoryPayload
from reverify.crates.ocfl import OcflPayload, as_object, foreseen, is_object
from reverify.crates.opening import open_crate
from reverify.crates.remote import RemotePayload
from reverify.errors import CrateError

from tests.builders import budget, crate_files, ocfl_files, write

OLD = {"old.txt": b"gone", "a.txt": b"one"}
NEW = {"a.txt": b"one", "copy.txt": b"one", "sub/b.txt": b"two"}
OBJECT = ocfl_files(OLD, NEW)


class Watched(DirectoryPayload):
    """Remembers what it was asked to digest."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, budget(jobs=1))
        self.asked: dict[str, set[str]] = {}

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        self.asked = {path: set(names) for path, names in wanted.items()}
        yield from super().fingerprints(wanted)


# -- what an object is -------------------------------------------------------------


@pytest.mark.parametrize("name", ["0=ocfl_object_1.0", "0=ocfl_object_1.1"])
def test_a_declaration_makes_an_object(name: str) -> None:
    assert is_object({name, "inventory.json"})


@pytest.mark.parametrize(
    "names", [[], ["inventory.json"], ["0=ocfl_1.1"], ["ro-crate-metadata.json"]]
)
def test_nothing_else_makes_an_object(names: list[str]) -> None:
    assert not is_object(names)


@pytest.mark.parametrize("base", ["", "top/"])
def test_an_object_is_found_at_the_root_and_in_the_only_folder(
    tmp_path: Path, base: str
) -> None:
    files = {f"{base}{path}": data for path, data in OBJECT.items()}
    found = as_object(DirectoryPayload(write(tmp_path / "x", files), budget()))
    assert isinstance(found, OcflPayload)
    assert set(found.files) == NEW.keys()


def test_an_object_beside_others_is_none_of_our_business(tmp_path: Path) -> None:
    files = {f"one/{path}": data for path, data in OBJECT.items()} | {"a": b""}
    payload = DirectoryPayload(write(tmp_path / "x", files), budget())
    assert as_object(payload) is payload


def test_a_crate_with_a_file_named_inventory_is_a_crate(tmp_path: Path) -> None:
    root = write(tmp_path / "x", crate_files({"inventory.json": b"{}"}))
    with open_crate(str(root)) as crate:
        assert crate.format == "directory"
        assert crate.ocfl is None


def test_an_object_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "x", OBJECT | {"inventory.json": b"{}"})
    with pytest.raises(CrateError) as caught, open_crate(str(root)):
        pass
    assert caught.value.rule == "completeness/ocfl-inventory-invalid"


def test_where_there_is_no_crate_the_object_below_is_named(tmp_path: Path) -> None:
    files = {f"a/b/{path}": data for path, data in OBJECT.items()}
    root = write(tmp_path / "root", files | {"0=ocfl_1.1": b"ocfl_1.1\n"})
    with open_crate(str(root)) as crate:
        told = what_is_there(crate.payload)
    assert told == "there is an OCFL object in 'a/b'; check that instead"


# -- how it is read ----------------------------------------------------------------


def test_content_that_files_share_is_read_once(tmp_path: Path) -> None:
    inner = Watched(write(tmp_path / "x", OBJECT))
    payload = OcflPayload(inner)
    wanted = {"a.txt": {"sha256"}, "copy.txt": {"md5"}}
    found = dict(payload.fingerprints(wanted))
    assert inner.asked == {"v1/content/a.txt": {"sha256", "md5"}}
    one = hashlib.sha256(b"one").hexdigest()
    assert {item.digests["sha256"] for item in found.values()} == {one}


def test_old_content_is_read_along_with_the_rest(tmp_path: Path) -> None:
    inner = Watched(write(tmp_path / "x", OBJECT))
    payload = OcflPayload(inner)
    stored = {"v1/content/old.txt": {"sha512"}, "v1/content/a.txt": {"md5"}}
    found = list(payload.read_all({"a.txt": {"sha256"}}, stored))
    assert {path for path, _ in found} == {"a.txt", None}
    assert payload.stored.keys() == stored.keys()
    assert inner.asked["v1/content/a.txt"] == {"sha256", "md5"}


def test_workers_digest_objects_as_they_do_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "WORTH_A_WORKER", (1, 1))
    root = write(tmp_path / "x", OBJECT)
    payload = OcflPayload(DirectoryPayload(root, budget(jobs=2), foreseen))
    found = dict(payload.fingerprints({path: {"sha512"} for path in NEW}))
    assert {path: item.digests["sha512"] for path, item in found.items()} == {
        path: hashlib.sha512(data).hexdigest() for path, data in NEW.items()
    }
    payload.close()


@pytest.mark.parametrize("base", ["", "top/"])
def test_the_sidecar_tells_which_algorithms_will_be_wanted(base: str) -> None:
    names = ["0=ocfl_object_1.1", "inventory.json", "inventory.json.sha512", "v1"]
    assert foreseen([base + name for name in names]) == {"sha256", "sha512"}


def test_what_is_no_object_foretells_nothing() -> None:
    assert foreseen(["inventory.json.sha512", "inventory.json"]) == set()


def test_a_file_below_a_file_is_left_out(tmp_path: Path) -> None:
    files = ocfl_files({"a": b"1", "a/b": b"2", "a.c": b"3"})
    files["v1/content/a-b"] = files.pop("v1/content/a/b")
    for name in ("", "v1/"):
        path = f"{name}inventory.json"
        files[path] = files[path].replace(b"content/a/b", b"content/a-b")
    payload = OcflPayload(DirectoryPayload(write(tmp_path / "x", files), budget()))
    assert set(payload.files) == {"a", "a.c"}


def test_what_a_limit_hides_may_be_there(tmp_path: Path) -> None:
    root = write(tmp_path / "x", ocfl_files({f"{n}/a": b"%d" % n for n in range(50)}))
    inner = DirectoryPayload(root, budget())
    payload = OcflPayload(inner)
    inner.unseen.append("v1/content/7/")
    assert payload.may_hold("7/a")
    assert not payload.may_hold("8/a")


def test_whether_a_file_may_be_run_is_that_of_its_content(tmp_path: Path) -> None:
    root = write(tmp_path / "x", OBJECT)
    (root / "v2/content/sub/b.txt").chmod(0o755)
    payload = OcflPayload(DirectoryPayload(root, budget()))
    assert payload.entries["sub/b.txt"].executable is True
    assert payload.entries["a.txt"].executable is False


def test_an_object_may_lie_in_an_object_store() -> None:
    root = f"/{uuid.uuid4().hex}/object"
    fs = fsspec.filesystem("memory")
    for path, data in OBJECT.items():
        fs.pipe_file(f"{root}/{path}", data)
    payload = as_object(RemotePayload(fs, root, budget()))
    assert isinstance(payload, OcflPayload)
    assert payload.read("sub/b.txt", 100) == b"two"
    found = dict(payload.fingerprints({"copy.txt": {"sha256"}}))
    one = hashlib.sha256(b"one").hexdigest()
    assert found["copy.txt"].digests == {"sha256": one}
