"""Bags of every kind that RFC 8493 and its conformance suite tell apart.

The bags are small and our own; the kinds are those of the suite: valid, valid yet
easily failed, with a warning, invalid.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from reverify import verify

from tests.builders import (
    METADATA,
    bag_files,
    crate_files,
    document,
    encode,
    manifest,
    write,
    zip_of,
)

FILES = {"a.txt": b"one", "sub/b.txt": b"two"}
PAYLOAD = crate_files(FILES)
BAG = bag_files(PAYLOAD)
OLD = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"
DATA = {f"data/{path}": content for path, content in PAYLOAD.items()}
SUMS = manifest(DATA)

Files = Mapping[str, bytes]


def findings_of(folder: Path, files: Files) -> tuple[str, list[dict[str, Any]]]:
    bag = write(folder / "bag", files)
    report = verify(str(bag), offline=True, skip=("conformance",)).to_dict()
    return report["verdict"]["outcome"], report["findings"]


def rules_of(findings: list[dict[str, Any]], level: str) -> set[str]:
    return {
        finding["rule"]
        for finding in findings
        if finding["outcome"] == "refuted" and finding["level"] == level
    }


def without(*names: str, files: Files = BAG) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in names}


def bag(**options: Any) -> dict[str, bytes]:  # noqa: ANN401 - see bag_files
    return bag_files(PAYLOAD, **options)


def listing(sums: bytes, declaration: bytes | None = None) -> dict[str, bytes]:
    """A bag with another payload manifest, and no tag manifest to object."""
    files = bag(tags=False) | {"manifest-sha256.txt": sums}
    return files | ({"bagit.txt": declaration} if declaration else {})


def line(path: str, data: bytes = b"one") -> bytes:
    return f"{hashlib.sha256(data).hexdigest()}  {path}\n".encode()


# -- valid -------------------------------------------------------------------------

UTF16 = OLD.replace(b"UTF-8", b"UTF-16")
LATIN = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: ISO-8859-1\n"
UMLAUT = {"data/größe.txt": b"x"}
TILDE = {"data/%7Ea.txt": b"x"}
ODD = {"data/100%25.txt": b"x", "data/new%0Aline.txt": b"x"}
ODD_FILES = {"data/100%.txt": b"x", "data/new\nline.txt": b"x"}

VALID: dict[str, Files] = {
    "1.0": BAG,
    "0.97": bag(declaration=OLD),
    "without a tag manifest": bag(tags=False),
    "without bag-info": without("bag-info.txt", files=bag(tags=False)),
    "several algorithms": bag(algorithms=("md5", "sha1", "sha256", "sha512")),
    "upper-case digests": listing(
        b"".join(
            bytes(part).upper() + rest
            for part, rest in (
                (each[:64], each[64:]) for each in SUMS.splitlines(keepends=True)
            )
        )
    ),
    "lines that end CRLF": listing(SUMS.replace(b"\n", b"\r\n")),
    "lines that end CR": listing(SUMS.replace(b"\n", b"\r")),
    "no last line end": listing(SUMS.rstrip(b"\n")),
    "tabs and one blank": listing(SUMS.replace(b"  ", b"\t", 1).replace(b"  ", b" ")),
    "a declaration that ends CRLF": bag(
        declaration=b"BagIt-Version: 1.0\r\nTag-File-Character-Encoding: UTF-8\r\n"
    ),
    "tag files in ISO-8859-1": bag(declaration=LATIN, tags=False)
    | UMLAUT
    | {
        "bag-info.txt": b"Contact: J\xf6rg\n",
        "manifest-sha256.txt": manifest(DATA | UMLAUT).decode().encode("latin-1"),
    },
    "tag files in UTF-16": without("bag-info.txt", files=bag(tags=False))
    | {
        "bagit.txt": UTF16,
        "manifest-sha256.txt": SUMS.decode().encode("utf-16"),
    },
    "a bag in a bag": bag_files(PAYLOAD | {f"in/{p}": d for p, d in BAG.items()}),
    "a percent sign that encodes nothing": bag(tags=False)
    | TILDE
    | {"manifest-sha256.txt": manifest(DATA | TILDE), "bag-info.txt": b""},
    "percent signs that encode line ends": bag(tags=False)
    | ODD_FILES
    | {"manifest-sha256.txt": manifest(DATA | ODD), "bag-info.txt": b""},
    "labels that repeat": bag(info=b"Contact: A\nContact: B\nNote: long\n  longer\n"),
    "an empty payload file": bag_files(PAYLOAD | {"empty": b""}),
    "other tag files": bag(tags=False) | {"notes/readme.txt": b"x"},
    "0.97, a file in one of two manifests": bag(declaration=OLD, tags=False)
    | {
        "manifest-sha256.txt": SUMS.splitlines(keepends=True)[0],
        "manifest-md5.txt": b"".join(
            manifest(DATA, "md5").splitlines(keepends=True)[1:]
        ),
    },
    "a name with blanks": bag_files(PAYLOAD | {"a  b .txt": b"x"}),
    "a name with dots": bag_files(PAYLOAD | {"..data": b"x", "a..b": b"x"}),
    "a name with a tilde": bag_files(PAYLOAD | {"~user": b"x"}),
}


@pytest.mark.parametrize("files", VALID.values(), ids=VALID)
def test_a_valid_bag_is_confirmed_without_a_warning(
    tmp_path: Path, files: Files
) -> None:
    outcome, findings = findings_of(tmp_path, files)
    assert not rules_of(findings, "error")
    assert not rules_of(findings, "warning")
    assert outcome == "confirmed"


def test_a_holey_bag_is_incomplete_and_not_invalid(tmp_path: Path) -> None:
    fetch = b"https://example.org/b.txt 3 data/sub/b.txt\n"
    files = without("data/sub/b.txt", files=bag(tags=False)) | {"fetch.txt": fetch}
    _, findings = findings_of(tmp_path, files | {"bag-info.txt": b""})
    (hole,) = [f for f in findings if f["rule"] == "completeness/bag-file-unfetched"]
    assert hole["outcome"] == "untested"
    assert "completeness/bag-file-missing" not in rules_of(findings, "error")


def test_a_bag_in_a_zip_is_a_bag(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zip_of({f"top/{p}": d for p, d in BAG.items()}))
    report = verify(str(tmp_path / "x.zip"), offline=True, skip=("conformance",))
    assert report.subject.format == "bag-zip"
    assert report.verdict.outcome == "confirmed"


def test_a_bag_beside_a_crate_is_checked_too(tmp_path: Path) -> None:
    inner = {f"bag1/{path}": data for path, data in BAG.items()}
    inner["bag1/data/a.txt"] = b"changed"
    described = encode(document({}, {"@id": "bag1/", "@type": "Dataset"}))
    _, findings = findings_of(tmp_path, {METADATA: described, **inner})
    assert "fixity/digest-mismatch" in rules_of(findings, "error")


# -- with a warning ----------------------------------------------------------------

NFC, NFD = "data/\u00fc.txt", "data/u\u0308.txt"
WARNED: dict[str, tuple[str, Files]] = {
    "case twins": (
        "completeness/bag-name-twins",
        bag_files(PAYLOAD | {"A.txt": b"x"}),
    ),
    "normal form twins": (
        "completeness/bag-name-twins",
        bag_files(PAYLOAD | {NFC[5:]: b"x", NFD[5:]: b"x"}),
    ),
    "lines as md5sum writes them": (
        "completeness/bag-legacy-syntax",
        listing(SUMS.replace(b"  ", b" *")),
    ),
    "./ in front of paths": (
        "completeness/bag-legacy-syntax",
        listing(SUMS.replace(b"data/", b"./data/")),
    ),
    "0.97, a file twice with one digest": (
        "completeness/bag-legacy-syntax",
        listing(SUMS + SUMS, OLD),
    ),
    "a file of an operating system": (
        "completeness/bag-system-file",
        bag_files(PAYLOAD | {"Thumbs.db": b"x", "sub/.DS_Store": b"x"}),
    ),
    "BagIt-version with a small v": (
        "completeness/bag-legacy-syntax",
        bag(declaration=b"BagIt-version: 1.0\nTag-File-Character-Encoding: UTF-8\n"),
    ),
}


@pytest.mark.parametrize(("rule", "files"), WARNED.values(), ids=WARNED)
def test_a_bag_of_old_habits_is_confirmed_with_a_warning(
    tmp_path: Path, rule: str, files: Files
) -> None:
    outcome, findings = findings_of(tmp_path, files)
    assert rule in rules_of(findings, "warning")
    assert not rules_of(findings, "error")
    assert outcome == "confirmed"


# -- invalid -----------------------------------------------------------------------

DECLARATION = "completeness/bag-declaration-invalid"
TAG_FILE = "completeness/bag-tag-file-invalid"
UNSAFE = "completeness/path-unsafe"


def declared(text: bytes) -> tuple[str, Files]:
    return DECLARATION, bag(declaration=text, tags=False)


def listed(path: str) -> tuple[str, Files]:
    return UNSAFE, listing(SUMS + line(path))


def fetched(text: bytes, rule: str = TAG_FILE) -> tuple[str, Files]:
    return rule, bag(tags=False) | {"fetch.txt": text}


def summed(value: bytes) -> tuple[str, Files]:
    return TAG_FILE, bag(info=b"Payload-Oxum: " + value + b"\n")


ENCODING = b"Tag-File-Character-Encoding: "
INVALID: dict[str, tuple[str, Files]] = {
    "the encoding line missing": declared(b"BagIt-Version: 1.0\n"),
    "the version line missing": declared(ENCODING + b"UTF-8\n"),
    "an empty declaration": declared(b""),
    "a third line": declared(OLD + b"More: yes\n"),
    "a byte-order mark": declared(b"\xef\xbb\xbf" + OLD),
    "a byte-order mark and a small v": declared(
        b"\xef\xbb\xbfBagIt-version: 1.0\n" + ENCODING + b"UTF-8\n"
    ),
    "a blank before the colon": declared(
        b"BagIt-Version : 1.0\n" + ENCODING + b"UTF-8"
    ),
    "padding": declared(b" BagIt-Version: 1.0\n" + ENCODING + b"UTF-8\n"),
    "a version that is no number": declared(b"BagIt-Version: one\n" + ENCODING + b"x"),
    "a version of three parts": declared(
        b"BagIt-Version: 1.0.0\n" + ENCODING + b"UTF-8\n"
    ),
    "an unknown version": declared(b"BagIt-Version: 7.3\n" + ENCODING + b"UTF-8\n"),
    "a very long version": declared(
        b"BagIt-Version: " + b"1" * 5000 + b".0\n" + ENCODING + b"UTF-8\n"
    ),
    "an unknown encoding": declared(b"BagIt-Version: 1.0\n" + ENCODING + b"klingon\n"),
    "an encoding that is none of text": declared(
        b"BagIt-Version: 1.0\n" + ENCODING + b"zlib_codec\n"
    ),
    "a declaration in UTF-16": declared(OLD.decode().encode("utf-16")),
    "no data folder": (DECLARATION, {"bagit.txt": OLD, "manifest-md5.txt": b""}),
    "no manifest": (
        "completeness/bag-manifest-missing",
        without("manifest-sha256.txt", "tagmanifest-sha256.txt"),
    ),
    "a changed payload file": (
        "fixity/digest-mismatch",
        BAG | {"data/a.txt": b"changed"},
    ),
    "a changed tag file": (
        "fixity/digest-mismatch",
        BAG | {"bag-info.txt": b"Changed: yes\n"},
    ),
    "a payload file too many": (
        "completeness/bag-file-unlisted",
        BAG | {"data/extra.txt": b"x"},
    ),
    "a payload file missing": (
        "completeness/bag-file-missing",
        without("data/sub/b.txt"),
    ),
    "a listed bag-info missing": (
        "completeness/bag-file-missing",
        without("bag-info.txt"),
    ),
    "a tag manifest that lists no manifest": (
        "completeness/bag-manifest-unlisted",
        BAG | {"tagmanifest-sha256.txt": manifest({"bagit.txt": BAG["bagit.txt"]})},
    ),
    "1.0, a file missing from one manifest": (
        "completeness/bag-file-unlisted",
        bag(tags=False) | {"manifest-md5.txt": manifest({"data/a.txt": b"one"}, "md5")},
    ),
    "1.0, a file twice with one digest": (
        "completeness/bag-path-twice",
        listing(SUMS + line("data/a.txt")),
    ),
    "a file twice with two digests": (
        "completeness/bag-path-twice",
        listing(SUMS + line("data/a.txt", b"other"), OLD),
    ),
    "a path that climbs out": listed("../a.txt"),
    "a payload path that climbs out": listed("data/../../a.txt"),
    "an absolute path": listed("/etc/passwd"),
    "a home folder": listed("~/a.txt"),
    "somebody's home folder": listed("~root/a.txt"),
    "a drive": listed("C:\\a.txt"),
    "a drive and slashes": listed("C:/a.txt"),
    "a Windows variable": listed("%TEMP%/a.txt"),
    "a share": listed("\\\\host\\a.txt"),
    "a NUL": listed("data/a\0.txt"),
    "an empty part": listed("data//a.txt"),
    "a path that is too long": listed("data/" + "x" * 300),
    "payload outside data": (TAG_FILE, listing(SUMS + line("bagit.txt", OLD))),
    "payload in a tag manifest": (
        TAG_FILE,
        bag() | {"tagmanifest-md5.txt": manifest({"data/a.txt": b"one"}, "md5")},
    ),
    "a line that is none": (TAG_FILE, listing(SUMS + b"not a digest and path\n")),
    "a digest of the wrong length": (
        "fixity/digest-malformed",
        listing(SUMS.replace(SUMS[:64], SUMS[:60], 1)),
    ),
    "a manifest that is no text": (TAG_FILE, listing(SUMS + b"\xff\xfe\n")),
    "fetch with two fields": fetched(b"https://example.org/a data/a.txt\n"),
    "fetch with a length in words": fetched(b"https://example.org/ ten data/a.txt\n"),
    "fetch of what no manifest lists": fetched(b"https://example.org/ - data/z.txt\n"),
    "fetch to where it climbs out": fetched(b"https://example.org/ - ../z\n", UNSAFE),
    "fetch to an absolute path": fetched(b"https://example.org/ 1 /etc/z\n", UNSAFE),
    "fetch to a home folder": fetched(b"https://example.org/ 1 ~/z\n", UNSAFE),
    "an Oxum that differs": (
        "completeness/bag-oxum-mismatch",
        bag(info=b"Payload-Oxum: 1.1\n"),
    ),
    "an Oxum in words": summed(b"many.few"),
    "an Oxum of one number": summed(b"12"),
    "an Oxum of very many digits": summed(b"1" * 5000 + b".3"),
    "an Oxum below zero": summed(b"-1.3"),
    "an Oxum of other digits": summed("١٢.٣".encode()),
}


@pytest.mark.parametrize(("rule", "files"), INVALID.values(), ids=INVALID)
def test_an_invalid_bag_is_refuted(tmp_path: Path, rule: str, files: Files) -> None:
    outcome, findings = findings_of(tmp_path, files)
    assert rule in rules_of(findings, "error")
    assert outcome == "refuted"


def test_1_0_wants_what_is_fetched_in_every_manifest(tmp_path: Path) -> None:
    lacking = {path: data for path, data in DATA.items() if path != "data/a.txt"}
    files = without("data/a.txt", files=bag(tags=False)) | {
        "manifest-md5.txt": manifest(lacking, "md5"),
        "fetch.txt": b"https://example.org/a 3 data/a.txt\n",
    }
    _, findings = findings_of(tmp_path, files)
    assert TAG_FILE in rules_of(findings, "error")


def test_a_bag_with_no_algorithm_we_have_is_undetermined(tmp_path: Path) -> None:
    files = without("manifest-sha256.txt", files=bag(tags=False))
    foreign = SUMS.replace(b"  ", b"0000  ")
    outcome, findings = findings_of(tmp_path, files | {"manifest-xxh3.txt": foreign})
    assert "fixity/bag-algorithm-unknown" in {f["rule"] for f in findings}
    assert outcome == "undetermined"


def test_without_bagit_txt_a_folder_is_no_bag(tmp_path: Path) -> None:
    report = verify(
        str(write(tmp_path / "bag", without("bagit.txt"))),
        offline=True,
        only=("conformance",),
    )
    assert report.verdict.outcome == "refuted"


# -- hostile -----------------------------------------------------------------------


def test_a_link_in_the_payload_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "bag", without("data/a.txt"))
    (folder / "data" / "a.txt").symlink_to("/etc/passwd")
    _, findings = findings_of(tmp_path, {})
    assert "completeness/symlink" in rules_of(findings, "error")


def test_data_that_is_a_link_is_told(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"a.txt": b"one"})
    folder = write(tmp_path / "bag", listing(line("data/a.txt")))
    for path in sorted((folder / "data").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / "data").rmdir()
    (folder / "data").symlink_to(tmp_path / "elsewhere")
    _, findings = findings_of(tmp_path, {})
    assert DECLARATION in rules_of(findings, "error")
    assert "fixity/digest-match" not in {f["rule"] for f in findings}


def test_a_file_url_in_fetch_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"one")
    fetch = f"file://{secret} 3 data/a.txt\n".encode()
    files = without("data/a.txt", files=bag(tags=False)) | {"fetch.txt": fetch}
    _, findings = findings_of(tmp_path, files)
    assert "data/a.txt" not in {
        f["subject"] for f in findings if f["rule"] == "fixity/digest-match"
    }


def test_very_many_bags_are_counted(tmp_path: Path) -> None:
    files = {f"b{n:04}/bagit.txt": OLD for n in range(1500)}
    outcome, findings = findings_of(tmp_path, {METADATA: encode(document({}))} | files)
    assert "completeness/limit-reached" in {f["rule"] for f in findings}
    assert outcome == "refuted"
