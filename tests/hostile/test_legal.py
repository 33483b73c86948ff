"""The whole program on crates that look odd and are within their rights: all exit 0."""

import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import (
    METADATA,
    bag_files,
    crate_files,
    document,
    encode,
    encoded,
    file_entity,
    tar_bytes,
    write,
    write_crate,
    zip_of,
)
from tests.hostile.harness import Room

NAMES = {
    "blanks": "two  blanks .txt",
    "a percent sign": "100%.txt",
    "something like an encoding": "a%20b.txt",
    "a hash": "n#1.txt",
    "a question mark": "why?.txt",
    "a colon": "c:d.txt",
    "a colon that looks like a scheme": "urn:x.txt",
    "a backslash": "a\\b.txt",
    "a minus in front": "-rf.txt",
    "two dots in front": "..data",
    "three dots": "...",
    "dots within": "a..b",
    "a tilde": "~user",
    "a dollar": "$HOME",
    "a star": "*.txt",
    "quotes": 'it\'s "so".txt',
    "NFC": unicodedata.normalize("NFC", "größe.txt"),
    "NFD": unicodedata.normalize("NFD", "größe.txt"),
    "an emoji": "☂🌧.txt",
    "control characters": "a\x01\x1b[31m\x7f.txt",
    "a line end": "a\nb.txt",
    "right to left": "a\u202eb.txt",
    "255 bytes": "x" * 255,
    "64 folders": "/".join(["d"] * 64) + "/x.txt",
    "bytes that are no UTF-8": "a\udcff.txt",
    "angle brackets and pipes": "<a|b>.txt",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_may_be_odd(room: Room, tmp_path: Path, name: str) -> None:
    crate = write_crate(tmp_path / "crate", {name: b"data"})
    run = room.check(crate)
    assert run.code == 0, run.troubles
    assert not run.troubles
    assert "digest-match" in run.stdout


IN_UTF8 = {what: name for what, name in NAMES.items() if "\udcff" not in name}


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_UTF8.values(), ids=IN_UTF8)
def test_a_crate_with_an_odd_name_conforms(
    room: Room, tmp_path: Path, name: str
) -> None:
    crate = write_crate(tmp_path / "crate", {name: b"data"})
    run = room.check(crate, conformance=True, seconds=60)
    assert run.code == 0, [
        finding["reason"] for finding in run.findings if finding["level"] == "error"
    ]


PACKED = {name: text for name, text in NAMES.items() if "\\" not in text}


@pytest.mark.parametrize("packing", ["zip", "tar", "bag"])
def test_all_odd_names_may_be_packed(room: Room, tmp_path: Path, packing: str) -> None:
    legal = {
        name: b"data"
        for name in PACKED.values()
        if not (packing != "tar" and "\udcff" in name) and name[1:2] != ":"
    }
    if packing == "bag":
        legal = {n: d for n, d in legal.items() if "\n" not in n and "%" not in n}
        crate = write(tmp_path / "crate", bag_files(crate_files(legal)))
    else:
        crate = tmp_path / "crate"
        pack = zip_of if packing == "zip" else tar_bytes
        crate.write_bytes(pack(crate_files(legal)))
    run = room.check(crate)
    assert run.code == 0, run.troubles


def test_twins_of_two_normal_forms_are_two_files(room: Room, tmp_path: Path) -> None:
    files = {NAMES["NFC"]: b"one", NAMES["NFD"]: b"two"}
    run = room.check(write_crate(tmp_path / "crate", files))
    assert run.code == 0
    assert run.troubles == {"completeness/name-twins"}


def test_twins_by_case_are_two_files_and_a_remark(room: Room, tmp_path: Path) -> None:
    run = room.check(write_crate(tmp_path / "crate", {"a/B": b"1", "A/b": b"2"}))
    assert run.code == 0
    (first, second) = [
        f for f in run.findings if f["rule"] == "completeness/name-twins"
    ]
    assert first["level"] == second["level"] == "note"


def test_an_nfc_name_of_an_nfd_file_is_explained(room: Room, tmp_path: Path) -> None:
    described = encode(document({NAMES["NFC"]: b"x"}))
    crate = write(tmp_path / "crate", {METADATA: described, NAMES["NFD"]: b"x"})
    run = room.check(crate)
    assert run.code == 1
    (missing,) = [f for f in run.findings if f["rule"] == "completeness/file-missing"]
    assert "normal" in missing["reason"]


@pytest.mark.parametrize(
    "id",
    ["a b.txt", "./a%20b.txt", "a%20b.txt", "%61%20b.txt", "./a b.txt"],
)
def test_one_file_has_many_spellings(room: Room, tmp_path: Path, id: str) -> None:
    entity = file_entity("a b.txt", b"x", id)
    described = encode(document({}, entity, parts=[id]))
    crate = write(tmp_path / "crate", {METADATA: described, "a b.txt": b"x"})
    assert room.check(crate).code == 0


def test_a_file_that_is_really_named_with_a_percent_code_is_found(
    room: Room, tmp_path: Path
) -> None:
    entity = file_entity("%41.txt", b"x", "%41.txt")
    described = encode(document({}, entity, parts=["%41.txt"]))
    crate = write(tmp_path / "crate", {METADATA: described, "%41.txt": b"x"})
    run = room.check(crate)
    assert run.code == 0
    assert run.rules("refuted") >= {"completeness/name-as-written"}


def test_nothing_is_decoded_twice(room: Room, tmp_path: Path) -> None:
    crate = write_crate(tmp_path / "crate", {"%20.txt": b"literal", " .txt": b"blank"})
    assert encoded("%20.txt") == "%2520.txt"
    assert room.check(crate).code == 0


def test_files_may_be_empty(room: Room, tmp_path: Path) -> None:
    assert room.check(write_crate(tmp_path / "crate", {"empty": b""})).code == 0


def test_a_crate_may_have_no_parts(room: Room, tmp_path: Path) -> None:
    crate = write(tmp_path / "crate", {METADATA: encode(document(hasPart=[]))})
    assert room.check(crate, conformance=True).code == 0


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "a byte-order mark": lambda text: b"\xef\xbb\xbf" + text,
    "lines that end CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "blanks around": lambda text: b"\r\n\t " + text + b"\n\n",
    "tabs": lambda text: text.replace(b"  ", b"\t"),
    "escapes": lambda text: text.replace(b"A test", b"\\u0041 t\\u0065st"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_document_may_be_written_so(room: Room, tmp_path: Path, form: str) -> None:
    files = {"a.txt": b"x"}
    text = json.dumps(document(files), indent=2, ensure_ascii=False).encode()
    crate = write(tmp_path / "crate", {METADATA: FORMS[form](text), **files})
    run = room.check(crate, conformance=True)
    assert run.code == 0, run.troubles


@pytest.mark.long
@pytest.mark.slow
def test_five_thousand_entities_are_judged(room: Room, tmp_path: Path) -> None:
    things = [
        {"@id": f"#{n}", "@type": "Thing", "name": f"thing {n}"} for n in range(4900)
    ]
    about = [{"@id": thing["@id"]} for thing in things]
    data = encode(document({"a.txt": b"x"}, *things, mentions=about))
    crate = write(tmp_path / "crate", {METADATA: data, "a.txt": b"x"})
    run = room.check(crate, conformance=True, seconds=180)
    assert run.code == 0, run.troubles


def test_a_crate_may_hold_crates(room: Room, tmp_path: Path) -> None:
    inner = {f"inner/{path}": data for path, data in crate_files({"b": b"x"}).items()}
    nested = {
        "@id": "inner/",
        "@type": "Dataset",
        "name": "inner",
        "conformsTo": {"@id": "https://w3id.org/ro/crate"},
    }
    described = document({"a": b"x"}, nested, parts=["inner/"])
    crate = write(tmp_path / "crate", {METADATA: encode(described), "a": b"x", **inner})
    run = room.check(crate, conformance=True)
    assert run.code == 0, run.troubles
    assert run.report["subject"]["nested"] == ["inner"]


def test_files_that_may_not_be_read_are_undetermined(
    room: Room, tmp_path: Path
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    crate = write_crate(tmp_path / "crate", {"a": b"x", "b": b"y"})
    (crate / "b").chmod(0)
    assert room.check(crate).code == 3
