"""Do the bytes have the digest and the size that are stated?"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import pytest
from reverify.checks import fixity as check_fixity
from reverify.claims import fixity as claim_fixity
from reverify.crates.crate import Crate, layout_of
from reverify.crates.digest_names import check_digit
from reverify.crates.limits import Budget, Limits
from reverify.crates.payload import Entry, EntryKind, Payload
from reverify.model.outcome import Outcome, Severity

from tests.checks.test_completeness import LFS_POINTER
from tests.fakes import (
    FakeEngine,
    check,
    document,
    file,
    folder,
    of,
    only,
    rules,
    tools,
    write_crate,
)

DATA = b"1,2,3\n"
KIND = "fixity"


def digest(name: str, data: bytes = DATA) -> str:
    return hashlib.new(name, data).hexdigest()


# -- digests -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b"],
)
def test_a_digest_that_holds_is_confirmed(tmp_path: Path, name: str) -> None:
    write_crate(tmp_path, file("a.csv", **{name: digest(name)}), files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "fixity/digest-match"
    assert found.observed == f"{name}:{digest(name)}"
    assert found.evidence[0].method == f"{name} of 6 bytes"


def test_a_digest_that_does_not_hold_is_refuted_with_both_values(
    tmp_path: Path,
) -> None:
    write_crate(tmp_path, file("a.csv", sha256="0" * 64), files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "fixity/digest-mismatch"
    assert found.severity is Severity.ERROR
    assert found.claim.expected == f"sha256:{'0' * 64}"
    assert found.observed == f"sha256:{digest('sha256')}"
    assert "0" * 64 in found.reason
    assert digest("sha256") in found.reason


def test_a_digest_that_is_cut_short_is_malformed(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv", sha256="abc"), files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "fixity/digest-malformed"
    assert found.outcome is Outcome.REFUTED
    assert "it has 3 digits" in found.reason


@pytest.mark.parametrize("value", ["a.csv", "", "0x0", 17, True, {"@id": "x"}])
def test_a_value_that_is_not_hexadecimal_is_malformed(
    tmp_path: Path, value: object
) -> None:
    write_crate(tmp_path, file("a.csv", sha256=value), files={"a.csv": DATA})
    assert only(check(tmp_path), "a.csv", KIND).rule == "fixity/digest-malformed"


@pytest.mark.parametrize("other", ["md5", "sha1", "sha224", "sha384", "sha512"])
def test_a_digest_of_another_algorithm_is_named_and_tried(
    tmp_path: Path, other: str
) -> None:
    write_crate(tmp_path, file("a.csv", sha256=digest(other)), files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "fixity/digest-malformed"
    assert f"the length of {other}" in found.reason
    assert f"it is the {other} of the file" in found.reason


def test_a_digest_of_the_length_of_another_that_does_not_hold_is_told(
    tmp_path: Path,
) -> None:
    write_crate(tmp_path, file("a.csv", sha256="0" * 32), files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert "it is not the md5 of the file" in found.reason


def test_a_malformed_digest_of_a_missing_file_is_malformed(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv", sha256="0" * 32))
    assert only(check(tmp_path), "a.csv", KIND).rule == "fixity/digest-malformed"


def test_a_value_with_the_wrong_algorithm_in_front_is_malformed(
    tmp_path: Path,
) -> None:
    entity = file("a.csv", sha256=f"md5:{digest('md5')}")
    write_crate(tmp_path, entity, files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "fixity/digest-malformed"
    assert "'md5' stands in front of a sha256 value" in found.reason


@pytest.mark.parametrize("key", ["blake3", "multihash"])
def test_an_unknown_algorithm_cannot_be_told(tmp_path: Path, key: str) -> None:
    write_crate(tmp_path, file("a.csv", **{key: "abc"}), files={"a.csv": DATA})
    report = check(tmp_path)
    found = only(report, "a.csv", KIND)
    assert found.rule == "fixity/algorithm-unknown"
    assert key in found.reason
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_each_of_several_digests_is_told_apart(tmp_path: Path) -> None:
    entity = file("a.csv", sha256=digest("sha256"), md5="0" * 32, sha1=digest("sha1"))
    write_crate(tmp_path, entity, files={"a.csv": DATA})
    assert sorted(f.rule for f in of(check(tmp_path), "a.csv", KIND)) == [
        "fixity/digest-match",
        "fixity/digest-match",
        "fixity/digest-mismatch",
    ]


# -- sizes -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [6, "6", "6 bytes"])
def test_a_size_that_holds_is_confirmed(tmp_path: Path, size: object) -> None:
    write_crate(tmp_path, file("a.csv", contentSize=size), files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "fixity/size-match"
    assert found.observed == "size:6"


def test_a_size_that_does_not_hold_is_refuted_with_both_values(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv", contentSize="7"), files={"a.csv": DATA})
    found = only(check(tmp_path), "a.csv", KIND)
    assert found.rule == "fixity/size-mismatch"
    assert (found.claim.expected, found.observed) == ("size:7", "size:6")
    assert "has 6 bytes, 7 are stated" in found.reason


@pytest.mark.parametrize("size", ["19.1 TB", "six", -6, 6.5, "²"])
def test_a_size_that_is_no_number_of_bytes_is_a_warning(
    tmp_path: Path, size: object
) -> None:
    write_crate(tmp_path, file("a.csv", contentSize=size), files={"a.csv": DATA})
    report = check(tmp_path)
    found = only(report, "a.csv", KIND)
    assert found.rule == "fixity/size-malformed"
    assert found.severity is Severity.WARNING
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_a_size_of_thousands_of_digits_is_just_wrong(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv", contentSize=10**3999), files={"a.csv": DATA})
    assert only(check(tmp_path), "a.csv", KIND).rule == "fixity/size-mismatch"


# -- nothing to test ---------------------------------------------------------------


def test_a_digest_of_a_missing_file_cannot_be_told(tmp_path: Path) -> None:
    write_crate(tmp_path, file("a.csv", sha256="0" * 64, contentSize="6"))
    found = of(check(tmp_path), "a.csv", KIND)
    assert [f.rule for f in found] == ["fixity/file-absent"] * 2
    assert {f.outcome for f in found} == {Outcome.UNDETERMINED}


def test_a_digest_of_a_name_that_leads_out_cannot_be_told(tmp_path: Path) -> None:
    write_crate(tmp_path, file("../a.csv", sha256="0" * 64))
    assert only(check(tmp_path), "../a.csv", KIND).rule == "fixity/file-absent"


def test_a_digest_of_a_web_file_is_untested(tmp_path: Path) -> None:
    id = "https://example.org/a.csv"
    write_crate(tmp_path, file(id, sha256="0" * 64, contentSize="6"))
    found = of(check(tmp_path), id, KIND)
    assert [f.rule for f in found] == ["fixity/remote"] * 2
    assert {(f.outcome, f.severity) for f in found} == {
        (Outcome.UNTESTED, Severity.NOTE)
    }


def test_a_digest_of_a_folder_cannot_be_told_and_hurts_nobody(tmp_path: Path) -> None:
    entity = folder("data/", sha256="0" * 64, contentSize="6")
    write_crate(tmp_path, entity, files={"data/a.csv": DATA})
    report = check(tmp_path)
    assert [f.rule for f in of(report, "data/", KIND)] == [
        "fixity/digest-of-folder"
    ] * 2
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_a_file_beyond_the_budget_cannot_be_told(tmp_path: Path) -> None:
    entity = file("a.bin", sha256=digest("sha256", bytes(9000)))
    write_crate(tmp_path, entity, files={"a.bin": bytes(9000)})
    report = check(tmp_path, limits=Limits(total_bytes=5000, jobs=1))
    found = only(report, "a.bin", KIND)
    assert found.rule == "fixity/file-unread"
    assert found.outcome is Outcome.UNDETERMINED
    assert "--max-bytes" in found.reason


def test_an_lfs_pointer_with_the_digest_and_size_of_its_file_is_told(
    tmp_path: Path,
) -> None:
    oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    entity = file("a.bin", sha256=oid, contentSize="12345")
    write_crate(tmp_path, entity, files={"a.bin": LFS_POINTER})
    found = of(check(tmp_path), "a.bin", KIND)
    assert [f.rule for f in found] == ["fixity/lfs-pointer"] * 2
    assert {f.outcome for f in found} == {Outcome.UNDETERMINED}


def test_an_lfs_pointer_to_another_file_does_not_hold(tmp_path: Path) -> None:
    entity = file("a.bin", sha256="0" * 64, contentSize="99")
    write_crate(tmp_path, entity, files={"a.bin": LFS_POINTER})
    assert sorted(f.rule for f in of(check(tmp_path), "a.bin", KIND)) == [
        "fixity/digest-mismatch",
        "fixity/size-mismatch",
    ]


def test_a_digest_of_an_lfs_pointer_itself_holds(tmp_path: Path) -> None:
    entity = file("a.bin", sha256=digest("sha256", LFS_POINTER))
    write_crate(tmp_path, entity, files={"a.bin": LFS_POINTER})
    assert only(check(tmp_path), "a.bin", KIND).rule == "fixity/digest-match"


# -- names made of digests ---------------------------------------------------------


@pytest.mark.parametrize("name", ["nih:sha-256;{}", "hash://sha256/{}"])
def test_a_name_that_is_the_digest_of_some_file_is_confirmed(
    tmp_path: Path, name: str
) -> None:
    id = name.format(digest("sha256"))
    write_crate(tmp_path, file(id), files={"a.csv": DATA})
    found = only(check(tmp_path), id, KIND)
    assert found.rule == "fixity/digest-match"
    assert "a.csv has this digest" in found.reason


def test_a_truncated_name_is_held_against_the_first_digits(tmp_path: Path) -> None:
    id = f"nih:sha-256-32;{digest('sha256')[:8]}"
    write_crate(tmp_path, file(id), files={"a.csv": DATA})
    assert only(check(tmp_path), id, KIND).rule == "fixity/digest-match"


def test_a_name_of_no_file_at_hand_is_untested(tmp_path: Path) -> None:
    id = f"nih:sha-256;{'0' * 64}"
    write_crate(tmp_path, file(id), files={"a.csv": DATA})
    found = only(check(tmp_path), id, KIND)
    assert found.rule == "fixity/remote"
    assert found.outcome is Outcome.UNTESTED


def test_a_name_with_a_wrong_check_digit_is_malformed(tmp_path: Path) -> None:
    right = check_digit(digest("sha256"))
    wrong = "0" if right != "0" else "1"
    id = f"nih:sha-256;{digest('sha256')};{wrong}"
    write_crate(tmp_path, file(id), files={"a.csv": DATA})
    found = only(check(tmp_path), id, KIND)
    assert found.rule == "fixity/digest-malformed"
    assert "check digit" in found.reason


def test_a_name_of_the_wrong_length_is_malformed(tmp_path: Path) -> None:
    id = "hash://sha256/abc"
    write_crate(tmp_path, file(id), files={"a.csv": DATA})
    assert only(check(tmp_path), id, KIND).rule == "fixity/digest-malformed"


def test_a_name_of_a_foreign_algorithm_is_not_looked_for(tmp_path: Path) -> None:
    id = "hash://blake3/abc"
    write_crate(tmp_path, file(id), files={"a.csv": DATA})
    assert only(check(tmp_path), id, KIND).rule == "fixity/remote"


# -- coverage ----------------------------------------------------------------------


def coverage(where: Path) -> tuple[str, str, str | None]:
    found = next(f for f in check(where).findings if f.claim.topic == "coverage")
    return found.rule, found.reason, found.observed


def test_files_without_a_digest_are_counted(tmp_path: Path) -> None:
    write_crate(
        tmp_path,
        file("a.csv", sha256=digest("sha256")),
        file("b.csv", contentSize="6"),
        files={"a.csv": DATA, "b.csv": DATA, "unlisted.csv": DATA},
    )
    rule, reason, observed = coverage(tmp_path)
    assert rule == "fixity/uncovered"
    assert reason.startswith("2 of 3 files have none")
    assert "12 of 18 bytes" in reason
    assert observed == "1 of 3 files"


def test_a_crate_whose_every_file_has_a_digest_is_covered(tmp_path: Path) -> None:
    entity = file("a.csv", md5=digest("md5"))
    own = {"ro-crate-preview.html": b"x", "ro-crate-preview_files/logo.png": b"x"}
    write_crate(tmp_path, entity, files={"a.csv": DATA, **own})
    rule, _, observed = coverage(tmp_path)
    assert (rule, observed) == ("fixity/covered", "1 of 1 files")


@pytest.mark.parametrize("stated", [{"sha256": "abc"}, {"blake3": "abc"}])
def test_a_digest_that_cannot_be_tested_covers_nothing(
    tmp_path: Path, stated: dict[str, str]
) -> None:
    write_crate(tmp_path, file("a.csv", **stated), files={"a.csv": DATA})
    assert coverage(tmp_path)[0] == "fixity/uncovered"


def test_a_name_made_of_a_digest_covers_its_file(tmp_path: Path) -> None:
    write_crate(tmp_path, file(f"nih:sha-256;{digest('sha256')}"), files={"a": DATA})
    assert coverage(tmp_path)[0] == "fixity/covered"


def test_a_crate_without_files_has_none_to_cover(tmp_path: Path) -> None:
    write_crate(tmp_path)
    (found,) = [f for f in check(tmp_path).findings if f.claim.topic == "coverage"]
    assert found.outcome is Outcome.NOT_APPLICABLE


# -- reading -----------------------------------------------------------------------


class CountingPayload(Payload):
    """Files in memory that remember how often they were opened."""

    format = "directory"

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(Budget(Limits(jobs=1)))
        self._data = files
        self.opened: Counter[str] = Counter()

    def _list(self) -> dict[str, Entry]:
        kind = EntryKind.FILE
        return {path: Entry(kind, len(data)) for path, data in self._data.items()}

    def _open(self, path: str) -> BinaryIO:
        self.opened[path] += 1
        return io.BytesIO(self._data[path])


def test_a_file_is_read_once_whatever_is_stated_of_it() -> None:
    data = bytes(5000)
    names = ("md5", "sha1", "sha256", "sha512")
    stated = {name: digest(name, data) for name in names}
    entity = file("a.bin", contentSize="5000", **stated)
    other = {**entity, "@id": "./a.bin"}
    text = json.dumps(document(entity, other)).encode()
    payload = CountingPayload({"ro-crate-metadata.json": text, "a.bin": data})
    crate = Crate("x", payload, layout_of(payload))
    claims = tuple(claim_fixity.claims(crate))
    findings = list(check_fixity.check(claims, crate, tools(engine=FakeEngine())))
    assert [f.rule for f in findings].count("fixity/digest-match") == 8
    assert payload.opened["a.bin"] == 1


def test_only_what_a_digest_or_the_identity_needs_is_read() -> None:
    text = json.dumps(document(file("a.bin", contentSize="5000"))).encode()
    payload = CountingPayload({"ro-crate-metadata.json": text, "a.bin": bytes(5000)})
    crate = Crate("x", payload, layout_of(payload))
    claims = tuple(claim_fixity.claims(crate))
    list(check_fixity.check(claims, crate, tools()))
    assert payload.opened == {"ro-crate-metadata.json": 2, "a.bin": 1}
    assert set(crate.identity) == {"sha256"}


def test_a_digest_under_an_undefined_key_is_tested_all_the_same(
    tmp_path: Path,
) -> None:
    entity = file("a.csv", sha256="0" * 64)
    write_crate(
        tmp_path,
        entity,
        files={"a.csv": DATA},
        context="https://w3id.org/ro/crate/1.1/context",
    )
    assert "fixity/digest-mismatch" in rules(check(tmp_path), KIND)
