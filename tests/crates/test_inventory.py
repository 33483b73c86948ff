"""Reading the inventory of an OCFL object: what it says, and what is wrong with it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from reverify.crates.inventory import Inventory
from reverify.crates.inventory_form import conflicts, is_moment, note_faults
from reverify.errors import CrateError, LimitError

from tests.builders import Json, budget, encode, ocfl_files

FILES = {"a.txt": b"one", "copy.txt": b"one", "sub/b.txt": b"two"}
TEXT = ocfl_files({"old.txt": b"old"}, FILES, fixity=["md5"])["inventory.json"]
ONE = (
    "05f70341078acf6a06d423d21720f9643d5f953626d88a02636dc3a9e79582ae"
    "b0c820857fd3f8dc502aa8360d2c8fa97a985fda5b629b809cad18ffb62d3899"
)
"""The sha512 of `one`."""
INVALID = "completeness/ocfl-inventory-invalid"
ADVICE = "completeness/ocfl-advice"


def read(data: bytes = TEXT, **limits: Any) -> Inventory:  # noqa: ANN401 - see Limits
    inventory = Inventory("inventory.json", data, budget(**limits))
    note_faults(inventory)
    return inventory


def changed(change: Callable[[Json], object]) -> bytes:
    document = json.loads(TEXT)
    change(document)
    return encode(document)


def with_state(**state: Any) -> bytes:  # noqa: ANN401 - anything JSON has
    """The inventory, with further digests in the newest state, `d0` for the first."""

    def change(document: Json) -> None:
        document["manifest"] |= {name: [f"v2/content/{name}"] for name in state}
        document["versions"]["v2"]["state"] |= state

    return changed(change)


# -- what it says ------------------------------------------------------------------


def test_it_tells_the_files_of_each_version() -> None:
    inventory = read()
    assert inventory.logical("v1").keys() == {"old.txt"}
    assert inventory.logical("v2").keys() == FILES.keys()
    assert inventory.logical("v2")["copy.txt"] == ONE


def test_it_tells_where_content_lies() -> None:
    inventory = read()
    assert inventory.content_of(ONE) == {"v2/content/a.txt"}
    assert inventory.content == {
        "v1/content/old.txt",
        "v2/content/a.txt",
        "v2/content/sub/b.txt",
    }


def test_each_digest_is_stated_at_its_line() -> None:
    stated = {item.path: item for item in read().stated_of_files()}["copy.txt"]
    assert stated.expected == f"sha512:{ONE}"
    position = stated.place.position
    assert position is not None
    line, _ = position
    lines = TEXT.decode().splitlines()
    assert ONE in lines[line - 1]
    assert "a.txt" in lines[line]


def test_the_fixity_block_states_more_digests() -> None:
    stated = {item.path: item.expected for item in read().stated_in_fixity()}
    assert stated["v2/content/a.txt"] == "md5:f97c5d29941bfb1b2fdab0874906ab82"


def test_digests_are_compared_without_regard_to_case() -> None:
    upper = TEXT.replace(ONE.encode(), ONE.upper().encode(), 1)
    assert read(upper).content_of(ONE) == {"v2/content/a.txt"}
    assert not read(upper).faults


def test_an_algorithm_that_we_do_not_have_is_told() -> None:
    inventory = read(changed(lambda document: document.update(digestAlgorithm="crc9")))
    assert {item.known for item in inventory.stated_of_files()} == {False}


# -- what cannot be used -----------------------------------------------------------

USELESS = {
    "nothing": b"",
    "no JSON": b'{"id": ',
    "no UTF-8": b"\xff\xfe{}",
    "with a mark of the byte order": b"\xef\xbb\xbf" + TEXT,
    "no object": b"[]",
    "a number": b"7",
    "no number": b'{"a": NaN}',
    "nested without end": b"[" * 100_000,
    "no manifest": changed(lambda document: document.pop("manifest")),
    "a manifest of text": changed(lambda document: document.update(manifest="x")),
    "no versions": changed(lambda document: document.pop("versions")),
    "versions in an array": changed(lambda document: document.update(versions=["v1"])),
    "no version": changed(lambda document: document.update(versions={})),
    "no head": changed(lambda document: document.pop("head")),
    "a head that is a number": changed(lambda document: document.update(head=2)),
    "a head that is missing": changed(lambda document: document.update(head="v3")),
    "a head without a state": changed(
        lambda document: document["versions"]["v2"].pop("state")
    ),
    "a head that is null": changed(
        lambda document: document["versions"].update(v2=None)
    ),
}


@pytest.mark.parametrize("data", USELESS.values(), ids=USELESS)
def test_what_tells_no_files_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(CrateError, match=r"^inventory\.json: ") as caught:
        read(data)
    assert caught.value.rule == INVALID


LIMITED = {
    "values": b"{" + b'"a":"b",' * 2000 + b'"a":"b"}',
    "brackets": b'{"a": [' + b"[]," * 2000 + b"[]]}",
    "files": changed(lambda document: document["manifest"].update(d=["x"] * 2000)),
}


@pytest.mark.parametrize("data", LIMITED.values(), ids=LIMITED)
def test_more_than_the_limits_is_not_read(data: bytes) -> None:
    with pytest.raises(LimitError):
        read(data, values=1500, files=1000)


def test_reading_ends_when_the_time_is_up() -> None:
    with pytest.raises(LimitError):
        read(seconds=-1)


def test_a_number_of_any_length_is_read() -> None:
    data = TEXT.replace(b'"Ada Example"', b"9" * 100_000)
    assert {fault.rule for fault in read(data).faults} == {INVALID}


# -- what is wrong -----------------------------------------------------------------

WRONG: dict[str, Callable[[Json], object]] = {
    "no id": lambda document: document.pop("id"),
    "an id that is a number": lambda document: document.update(id=7),
    "another type": lambda document: document.update(type="https://ocfl.io/9/spec/"),
    "a type that is an array": lambda document: document.update(type=[]),
    "no algorithm": lambda document: document.pop("digestAlgorithm"),
    "a weak algorithm": lambda document: document.update(digestAlgorithm="md5"),
    "an unknown algorithm": lambda document: document.update(digestAlgorithm="x"),
    "an algorithm that is null": lambda document: document.update(digestAlgorithm=None),
    "a content directory that climbs": lambda document: document.update(
        contentDirectory=".."
    ),
    "a content directory that is deep": lambda document: document.update(
        contentDirectory="a/b"
    ),
    "a foreign key": lambda document: document.update(more=1),
    "an older head": lambda document: document.update(head="v1"),
    "a version that is none": lambda document: document["versions"].update(x={}),
    "a version that is left out": lambda document: document["versions"].update(
        v4=document["versions"].pop("v1")
    ),
    "a version that is there twice": lambda document: document["versions"].update(
        v02=document["versions"]["v2"]
    ),
    "a version that is null": lambda document: document["versions"].update(v1=None),
    "a version without a state": lambda document: document["versions"]["v1"].pop(
        "state"
    ),
    "a version without a time": lambda document: document["versions"]["v1"].pop(
        "created"
    ),
    "a time that is a day": lambda document: document["versions"]["v1"].update(
        created="2026-01-31"
    ),
    "a message that is a number": lambda document: document["versions"]["v1"].update(
        message=1
    ),
    "a user that is text": lambda document: document["versions"]["v1"].update(
        user="Ada"
    ),
    "a user without a name": lambda document: document["versions"]["v1"].update(
        user={"address": "mailto:a@example.org"}
    ),
    "a digest that is not in the manifest": lambda document: document["versions"]["v2"][
        "state"
    ].update(d0=["c.txt"]),
    "a digest that is in no version": lambda document: document["manifest"].update(
        d0=["v1/content/c.txt"]
    ),
    "a digest in two cases": lambda document: document["manifest"].update(
        {ONE.upper(): ["v2/content/d.txt"]}
    ),
    "paths that are text": lambda document: document["manifest"].update({ONE: "a"}),
    "a path that is a number": lambda document: document["manifest"][ONE].append(5),
    "a path that is null": lambda document: document["manifest"][ONE].append(None),
    "content outside of all versions": lambda document: document["manifest"][
        ONE
    ].append("v3/content/a.txt"),
    "content beside the content": lambda document: document["manifest"][ONE].append(
        "v1/a.txt"
    ),
    "a fixity block that is an array": lambda document: document.update(fixity=[]),
    "a fixity block of text": lambda document: document.update(fixity={"md5": "x"}),
    "a fixity block of what is not there": lambda document: document.update(
        fixity={"md5": {"0" * 32: ["v1/content/none.txt"]}}
    ),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_not_as_it_must_be_is_a_fault(change: Callable[[Json], object]) -> None:
    faults = read(changed(change)).faults
    assert INVALID in {fault.rule for fault in faults}
    assert all(fault.reason.startswith("inventory.json: ") for fault in faults)


ADVISED: dict[str, Callable[[Json], object]] = {
    "an id that is no URI": lambda document: document.update(id="rain 7"),
    "no message": lambda document: document["versions"]["v1"].pop("message"),
    "no user": lambda document: document["versions"]["v1"].pop("user"),
}


@pytest.mark.parametrize("change", ADVISED.values(), ids=ADVISED)
def test_what_is_not_as_it_should_be_is_a_warning(
    change: Callable[[Json], object],
) -> None:
    assert [fault.rule for fault in read(changed(change)).faults] == [ADVICE]


def test_what_is_as_it_must_be_has_no_fault() -> None:
    assert read().faults == []


def test_a_key_that_stands_twice_is_a_fault() -> None:
    (fault,) = read(TEXT.replace(b'"head"', b'"head": "v1",\n "head"', 1)).faults
    assert fault.rule == INVALID
    assert fault.pointer == "/head"


@pytest.mark.parametrize(
    "path",
    ["../a", "/a", "a//b", "a/", "", ".", "a/./b", "a/../../b", "a\0b", "\\\\host\\a"],
)
def test_a_path_that_is_not_safe_is_left_out(path: str) -> None:
    inventory = read(with_state(d0=[path, "good.txt"]))
    assert inventory.logical("v2").keys() == {*FILES, "good.txt"}
    assert [fault.rule for fault in inventory.faults] == ["completeness/path-unsafe"]


def test_half_of_a_surrogate_pair_is_left_out() -> None:
    data = TEXT.replace(b'"copy.txt"', b'"\\ud800"')
    inventory = read(data)
    assert inventory.logical("v2").keys() == {"a.txt", "sub/b.txt"}
    assert [fault.rule for fault in inventory.faults] == ["completeness/path-unsafe"]


@pytest.mark.parametrize("path", ["a.txt", "a.txt/below", "sub"])
def test_paths_that_cannot_all_be_files_are_a_fault(path: str) -> None:
    rules = [fault.rule for fault in read(with_state(d0=[path])).faults]
    assert rules == ["completeness/ocfl-path-conflict"]


def test_no_more_than_a_hundred_faults_are_told_one_by_one() -> None:
    faults = read(with_state(d0=[f"../{n}" for n in range(1000)])).faults
    assert len(faults) == 101
    assert "900 further" in faults[-1].reason


def test_warnings_that_are_left_out_stay_warnings() -> None:
    def change(document: Json) -> None:
        version = document["versions"]["v1"]
        del version["message"]
        document["versions"] = {f"v{n}": version for n in range(1, 300)}
        document["versions"]["v300"] = document["versions"]["v1"] | {"state": {}}
        document |= {"head": "v300", "manifest": {}, "fixity": {}}
        version["state"] = {}

    assert {fault.rule for fault in read(changed(change)).faults} == {ADVICE}


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a", "b"], []),
        (["a", "a"], [("a", "a")]),
        (["a/b", "a"], [("a", "a/b")]),
        (["a", "a.b", "a-c", "a/b"], [("a", "a/b")]),
        (["a/b", "a/c", "ab/c"], []),
    ],
)
def test_conflicts_are_found(paths: list[str], found: list[tuple[str, str]]) -> None:
    assert list(conflicts(paths)) == found


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026-01-31T12:00:00Z", True),
        ("2026-01-31T12:00:00.123456+02:00", True),
        ("2026-01-31t12:00:00z", True),
        ("2026-01-31T12:00:00", False),
        ("2026-01-31T12:00Z", False),
        ("2026-02-31T12:00:00Z", False),
        ("2026-01-31T25:00:00Z", False),
        ("yesterday", False),
    ],
)
def test_a_moment_is_to_the_second_and_has_a_zone(text: str, *, is_one: bool) -> None:
    assert is_moment(text) is is_one


def test_versions_with_zeros_in_front_are_allowed_if_they_are_alike() -> None:
    def padded(*names: str) -> bytes:
        text = TEXT
        for name, other in zip(("v1", "v2"), names, strict=True):
            text = text.replace(name.encode(), other.encode())
        return text

    assert [fault.rule for fault in read(padded("v01", "v02")).faults] == [ADVICE]
    assert [fault.rule for fault in read(padded("v001", "v02")).faults] == [INVALID]
