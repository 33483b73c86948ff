"""Is everything there that the crate lists?"""

import os
import socket
import unicodedata
from pathlib import Path

import pytest
from reverify.model.outcome import ClaimKind, Outcome, Severity

from tests.fakes import Json, check, file, folder, of, only, rules, write_crate

LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)
KIND = "completeness"


def test_a_listed_file_that_is_there_is_confirmed(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv"), files={"a.csv": b"1"})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "completeness/file-present"
    assert found.outcome is Outcome.CONFIRMED
    assert (found.claim.expected, found.observed) == ("present:file", "present:file")
    assert found.claim.path == "a.csv"
    assert found.evidence[0].observed == "present"


def test_a_listed_folder_that_is_there_is_confirmed(tmp_path: Path) -> None:
    write_crate(tmp_path, folder("data/"), files={"data/a.csv": b"1"})
    found = only(check(tmp_path), "data/", KIND)
    assert found.rule == "completeness/file-present"
    assert found.claim.expected == "present:directory"
    assert found.claim.path == "data"


def test_a_listed_file_that_is_not_there_is_refuted(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv"))
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "completeness/file-missing"
    assert found.outcome is Outcome.REFUTED
    assert found.severity is Severity.ERROR
    assert found.observed == "absent"
    assert found.claim.stated_in.pointer == "/@graph/2/@id"


def test_a_listed_folder_that_is_not_there_is_refuted(tmp_path: Path) -> None:
    write_crate(tmp_path, folder("data/"))
    assert only(check(tmp_path), "data/", KIND).rule == "completeness/file-missing"


def test_a_folder_described_as_a_file_is_of_the_wrong_kind(tmp_path: Path) -> None:
    write_crate(tmp_path, file("data"), files={"data/a.csv": b"1"})
    found = only(check(tmp_path), "data", KIND)
    assert found.rule == "completeness/wrong-kind"
    assert found.observed == "present:directory"


def test_a_file_described_as_a_folder_is_of_the_wrong_kind(tmp_path: Path) -> None:
    write_crate(tmp_path, folder("a.csv/"), files={"a.csv": b"1"})
    found = only(check(tmp_path), "a.csv/", KIND)
    assert found.rule == "completeness/wrong-kind"
    assert found.observed == "present:file"


# -- names -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("a%20b.csv", "a b.csv"),
        ("a%23b.csv", "a#b.csv"),
        ("a%3Fb.csv", "a?b.csv"),
        ("50%25.csv", "50%.csv"),
        ("%C3%A9.csv", "é.csv"),
        ("é.csv", "é.csv"),
        ("./a.csv", "a.csv"),
        ("./a:b.csv", "a:b.csv"),
        ("a%2520b.csv", "a%20b.csv"),
    ],
)
def test_an_id_is_decoded_once(tmp_path: Path, id: str, name: str) -> None:
    write_crate(tmp_path, file(id), files={name: b"1"})
    found = only(check(tmp_path), id, KIND)
    assert found.rule == "completeness/file-present"
    assert found.claim.path == name


def test_an_id_is_not_decoded_twice(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a%2520b.csv"), files={"a b.csv": b"1"})
    assert (
        only(check(tmp_path), "a%2520b.csv", KIND).rule == "completeness/file-missing"
    )


@pytest.mark.parametrize("id", ["a%20b.csv", "run#1.csv", "what?.csv"])
def test_a_file_found_under_the_raw_text_is_there_and_that_is_said(
    tmp_path: Path, id: str
) -> None:
    write_crate(tmp_path, file(id), files={id: b"1"})
    there, remark = of(check(tmp_path), id, KIND)
    assert there.rule == "completeness/file-present"
    assert there.claim.path == id
    assert remark.rule == "completeness/name-as-written"
    assert remark.severity is Severity.WARNING
    assert "as written" in remark.reason


def test_the_decoded_name_goes_before_the_raw_one(tmp_path: Path) -> None:
    write_crate(
        tmp_path,
        file("a%20b.csv", contentSize="7"),
        files={"a b.csv": b"decoded", "a%20b.csv": b"raw"},
    )
    report = check(tmp_path)
    there, unlisted = of(report, "a%20b.csv", KIND)
    assert there.claim.path == "a b.csv"
    assert unlisted.rule == "completeness/unlisted-file"
    assert only(report, "a%20b.csv", "fixity").rule == "fixity/size-match"


def test_a_missing_file_with_a_case_twin_is_told_of_it(tmp_path: Path) -> None:
    write_crate(tmp_path, file("Data.csv"), files={"data.CSV": b"1"})
    found = only(check(tmp_path), "Data.csv", KIND)
    assert found.rule == "completeness/file-missing"
    assert "differs only in letter case" in found.reason
    assert "'data.CSV'" in found.reason


def test_a_missing_file_with_a_normal_form_twin_is_told_of_it(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "é.csv") for form in ("NFC", "NFD"))
    write_crate(tmp_path, file(composed), files={apart: b"1"})
    found = only(check(tmp_path), composed, KIND)
    assert found.rule == "completeness/file-missing"
    assert "differs only in Unicode normal form" in found.reason


def test_a_fragment_is_no_data_entity(tmp_path: Path) -> None:
    write_crate(tmp_path, file("#a.csv"), folder("#b"), files={"#a.csv": b"1"})
    report = check(tmp_path)
    assert rules(report, KIND) == ["completeness/unlisted-file"]
    assert of(report, "#b") == []


@pytest.mark.parametrize("id", ["../a", "/etc/passwd", "file:///etc/passwd", "C:/a"])
def test_a_name_that_leads_out_of_the_crate_is_refuted(tmp_path: Path, id: str) -> None:
    write_crate(tmp_path, file(id))
    found = only(check(tmp_path), id, KIND)
    assert found.rule == "completeness/path-unsafe"
    assert found.claim.path is None


@pytest.mark.parametrize(
    "id",
    ["s3://bucket/a", "ftp://example.org/a", "ark:/1/a", "urn:uuid:1", "trs://a/1"],
)
def test_a_name_of_another_scheme_is_not_looked_for(tmp_path: Path, id: str) -> None:
    write_crate(tmp_path, file(id))
    found = only(check(tmp_path), id, KIND)
    assert found.rule == "completeness/elsewhere"
    assert found.outcome is Outcome.UNTESTED
    assert found.severity is Severity.NOTE


# -- what is not described ---------------------------------------------------------


def test_an_unlisted_file_is_a_note(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a"), files={"a": b"1", "more.txt": b"1"})
    found = only(check(tmp_path), "more.txt", KIND)
    assert found.rule == "completeness/unlisted-file"
    assert found.severity is Severity.NOTE
    assert check(tmp_path).verdict.outcome is Outcome.CONFIRMED


def test_a_file_below_a_listed_folder_is_not_unlisted(tmp_path: Path) -> None:
    write_crate(tmp_path, folder("data/"), files={"data/deep/a.csv": b"1"})
    assert "completeness/unlisted-file" not in rules(check(tmp_path))


def test_the_crates_own_files_are_not_unlisted(tmp_path: Path) -> None:
    own = {"ro-crate-preview.html": b"", "ro-crate-preview_files/a.png": b""}
    write_crate(tmp_path, files=own)
    assert rules(check(tmp_path), KIND) == []


def test_files_of_a_nested_crate_are_left_to_its_own_check(tmp_path: Path) -> None:
    write_crate(tmp_path)
    write_crate(tmp_path / "inner", files={"inner.csv": b"1"})
    report = check(tmp_path)
    assert rules(report, KIND) == []
    assert report.subject.nested == ("inner",)


def test_very_many_unlisted_files_are_counted_rather_than_listed(
    tmp_path: Path,
) -> None:
    write_crate(tmp_path, files={f"{n}.txt": b"" for n in range(1003)})
    report = check(tmp_path)
    assert rules(report, KIND).count("completeness/unlisted-file") == 1001
    assert only(report, "./", KIND).reason.startswith("3 further files")


def test_an_unlisted_file_is_named_from_the_root_of_the_crate(tmp_path: Path) -> None:
    write_crate(tmp_path / "top", files={"more.txt": b"1"})
    found = only(check(tmp_path), "more.txt", KIND)
    assert found.claim.path == "top/more.txt"


# -- pointers, links, devices ------------------------------------------------------


def test_a_git_lfs_pointer_is_not_the_file(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.bin"), files={"a.bin": LFS_POINTER})
    found = only(check(tmp_path), "a.bin", KIND)
    assert found.rule == "completeness/lfs-pointer"
    assert "12,345 bytes" in found.reason


@pytest.mark.parametrize("write", [str, int])
def test_a_pointer_whose_own_size_is_stated_is_meant(
    tmp_path: Path, write: type[str] | type[int]
) -> None:
    size = write(len(LFS_POINTER))
    write_crate(tmp_path, file("a.bin", contentSize=size), files={"a.bin": LFS_POINTER})
    assert only(check(tmp_path), "a.bin", KIND).rule == "completeness/file-present"


def test_a_file_that_only_mentions_git_lfs_is_a_file(tmp_path: Path) -> None:
    data = b"# notes\n" + LFS_POINTER
    write_crate(tmp_path, file("a.md"), files={"a.md": data})
    assert only(check(tmp_path), "a.md", KIND).rule == "completeness/file-present"


def test_a_listed_link_is_not_followed(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv"), files={"b.csv": b"1"})
    (tmp_path / "a.csv").symlink_to("b.csv")
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "completeness/symlink"
    assert found.severity is Severity.ERROR
    assert "'b.csv'" in found.reason


def test_an_unlisted_link_is_a_warning(tmp_path: Path) -> None:
    write_crate(tmp_path)
    (tmp_path / "out").symlink_to("/etc/passwd")
    found = only(check(tmp_path), "out", KIND)
    assert found.rule == "completeness/symlink"
    assert found.severity is Severity.WARNING


def test_a_linked_folder_is_not_walked(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(b"secret")
    write_crate(tmp_path / "crate", file("in/secret.txt"))
    (tmp_path / "crate" / "in").symlink_to(outside)
    found = only(check(tmp_path / "crate"), "in/secret.txt", KIND)
    assert found.rule == "completeness/file-missing"


def test_a_listed_pipe_is_not_opened(tmp_path: Path) -> None:
    write_crate(tmp_path, file("pipe", contentSize="1", sha256="0" * 64))
    os.mkfifo(tmp_path / "pipe")
    report = check(tmp_path)
    found = only(report, "pipe", KIND)
    assert found.rule == "completeness/special-file"
    assert "is a pipe" in found.reason
    assert {item.rule for item in of(report, "pipe", "fixity")} == {
        "fixity/file-absent"
    }


def test_a_socket_is_a_special_file(tmp_path: Path) -> None:
    write_crate(tmp_path, file("s"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "s"))
        assert only(check(tmp_path), "s", KIND).rule == "completeness/special-file"


# -- a lone document, nested crates ------------------------------------------------


def test_a_lone_document_has_no_payload_to_miss(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv", contentSize="1", sha256="0" * 64))
    alone = tmp_path / "lone.json"
    (tmp_path / "ro-crate-metadata.json").rename(alone)
    report = check(alone, kinds=ClaimKind)
    assert only(report, "a.csv", KIND).rule == "completeness/document-only"
    assert {item.outcome for item in of(report, "a.csv")} == {Outcome.UNTESTED}
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_a_document_next_to_its_files_is_checked_with_them(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv"))
    report = check(tmp_path / "ro-crate-metadata.json")
    assert only(report, "a.csv", KIND).rule == "completeness/file-missing"


def test_a_listed_nested_crate_is_a_folder(tmp_path: Path) -> None:
    entity: Json = folder("inner/", conformsTo={"@id": "https://w3id.org/ro/crate"})
    write_crate(tmp_path, entity)
    write_crate(tmp_path / "inner")
    assert only(check(tmp_path), "inner/", KIND).rule == "completeness/file-present"
