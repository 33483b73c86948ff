"""OCFL objects of every kind that the specification and its fixtures tell apart.

The objects are small and our own; the kinds are those of the fixtures of OCFL: valid,
valid with a warning, invalid.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from reverify.crates.limits import Limits
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome, Severity
from reverify.model.report import Report

from tests.builders import (
    METADATA,
    Json,
    crate_files,
    document,
    encode,
    ocfl_files,
    ocfl_inventory,
    tar_bytes,
    write,
    zip_of,
)
from tests.fakes import check

FILES = {"a.txt": b"one", "sub/b.txt": b"two"}
CRATE = crate_files(FILES)
OLD = {"a.txt": b"an older one", "gone.txt": b"gone"}
OBJECT = ocfl_files(OLD, CRATE)
ROOT = ("inventory.json", "inventory.json.sha512")
COPY = ("v2/inventory.json", "v2/inventory.json.sha512")

Files = Mapping[str, bytes]


def checked(folder: Path, files: Files) -> Report:
    return check(write(folder / "object", files))


def refuted(report: Report, *severities: Severity) -> set[str]:
    return {
        finding.rule
        for finding in report.findings
        if finding.outcome is Outcome.REFUTED
        if finding.severity in (severities or (Severity.ERROR, Severity.WARNING))
    }


def of_rule(report: Report, rule: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule == rule]


def subjects(report: Report, rule: str) -> set[str]:
    return {finding.claim.subject for finding in of_rule(report, rule)}


def without(*names: str, files: Files = OBJECT) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in names}


def changed(change: Callable[[Json], object], **options: Any) -> dict[str, bytes]:  # noqa: ANN401 - see ocfl_files
    """An object whose newest inventory was changed before its digest was taken."""
    return ocfl_files(OLD, CRATE, change=change, **options)


def older(change: Callable[[Json], object]) -> dict[str, bytes]:
    """An object whose inventory of version 1 was changed before its digest."""
    inventory = json.loads(OBJECT["v1/inventory.json"])
    change(inventory)
    return OBJECT | ocfl_inventory(encode(inventory), "v1/")


# -- valid -------------------------------------------------------------------------

VALID: dict[str, Files] = {
    "1.1": OBJECT,
    "1.0": ocfl_files(OLD, CRATE, specification="1.0"),
    "one version": ocfl_files(CRATE),
    "many versions": ocfl_files(*[{"n": b"%d" % n} for n in range(11)], CRATE),
    "a version without new content": ocfl_files(CRATE, OLD, CRATE),
    "a version without files": ocfl_files({}, CRATE),
    "content that is there once": ocfl_files(CRATE | {f"{n}": b"one" for n in "xyz"}),
    "another content directory": ocfl_files(OLD, CRATE, folder="data"),
    "a fixity block": ocfl_files(OLD, CRATE, fixity=["md5", "sha1", "blake2b-512"]),
    "an empty fixity block": changed(lambda inventory: inventory.update(fixity={})),
    "content that is there twice": changed(
        lambda inventory: next(iter(inventory["manifest"].values())).append(
            "v2/content/again.txt"
        )
    )
    | {"v2/content/again.txt": b"an older one"},
    "logs and extensions": OBJECT
    | {"logs/today.txt": b"x", "extensions/0009-digest/config.json": b"{}"},
    "two blanks and no line feed in a sidecar": OBJECT
    | {
        "inventory.json.sha512": OBJECT["inventory.json.sha512"]
        .replace(b" ", b" \t ")
        .rstrip()
    },
    "a digest in upper case in a sidecar": OBJECT
    | {
        "inventory.json.sha512": OBJECT["inventory.json.sha512"][:128].upper()
        + b" inventory.json\n"
    },
    "a foreign key in 1.0": changed(
        lambda inventory: inventory.update(more=1), specification="1.0"
    ),
    "odd names": ocfl_files(
        crate_files({"a b%.txt": b"1", "..data": b"2", "größe ☂.txt": b"3"})
    ),
}


@pytest.mark.parametrize("files", VALID.values(), ids=VALID)
def test_a_valid_object_is_confirmed_without_a_warning(
    tmp_path: Path, files: Files
) -> None:
    report = checked(tmp_path, files)
    assert refuted(report) == set()
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert report.subject.format == "ocfl"


WARNED: dict[str, Files] = {
    "sha256": ocfl_files(OLD, CRATE, algorithm="sha256"),
    "no inventory of an older version": without(
        "v1/inventory.json", "v1/inventory.json.sha512"
    ),
    "no inventory of the newest version": without(*COPY),
    "an id that is no URI": ocfl_files(
        CRATE, change=lambda inventory: inventory.update(id="rain 7")
    ),
    "another folder in a version": OBJECT | {"v1/extra/file.txt": b"x"},
}


@pytest.mark.parametrize("files", WARNED.values(), ids=WARNED)
def test_what_is_not_recommended_is_a_warning(tmp_path: Path, files: Files) -> None:
    report = checked(tmp_path, files)
    assert refuted(report) == {"completeness/ocfl-advice"}
    assert report.verdict.outcome is Outcome.CONFIRMED


# -- invalid -----------------------------------------------------------------------

MISMATCH = "fixity/digest-mismatch"
INVALID: dict[str, tuple[Files, str]] = {
    "old content that is missing": (
        without("v1/content/gone.txt"),
        "completeness/ocfl-content-missing",
    ),
    "old content that is damaged": (
        OBJECT | {"v1/content/gone.txt": b"Gone"},
        MISMATCH,
    ),
    "a file that no inventory lists": (
        OBJECT | {"v1/content/extra.txt": b"x"},
        "completeness/ocfl-file-unlisted",
    ),
    "a file in the root": (
        OBJECT | {"notes.txt": b"x"},
        "completeness/ocfl-layout-invalid",
    ),
    "a folder in the root": (
        OBJECT | {"notes/a.txt": b"x"},
        "completeness/ocfl-layout-invalid",
    ),
    "a version that no inventory has": (
        OBJECT | {"v3/content/a.txt": b"x"},
        "completeness/ocfl-layout-invalid",
    ),
    "a file in a version": (
        OBJECT | {"v1/notes.txt": b"x"},
        "completeness/ocfl-layout-invalid",
    ),
    "a file among the extensions": (
        OBJECT | {"extensions/a.txt": b"x"},
        "completeness/ocfl-layout-invalid",
    ),
    "a sidecar of another algorithm": (
        OBJECT | {"inventory.json.md5": b"x"},
        "completeness/ocfl-layout-invalid",
    ),
    "a version without a folder": (
        {
            path: data
            for path, data in changed(
                lambda inventory: (
                    inventory["versions"].update(v3=inventory["versions"]["v2"])
                    or inventory.update(head="v3")
                )
            ).items()
            if not path.startswith("v2/inventory")
        },
        "completeness/ocfl-layout-invalid",
    ),
    "two declarations": (
        OBJECT | {"0=ocfl_object_1.0": b"ocfl_object_1.0\n"},
        "completeness/ocfl-declaration-invalid",
    ),
    "a declaration of another version": (
        without("0=ocfl_object_1.1") | {"0=ocfl_object_1.0": b"ocfl_object_1.0\n"},
        "completeness/ocfl-declaration-invalid",
    ),
    "a declaration of no version": (
        without("0=ocfl_object_1.1") | {"0=ocfl_object_9": b"ocfl_object_9\n"},
        "completeness/ocfl-declaration-invalid",
    ),
    "a declaration that is empty": (
        OBJECT | {"0=ocfl_object_1.1": b""},
        "completeness/ocfl-declaration-invalid",
    ),
    "a declaration without a line feed": (
        OBJECT | {"0=ocfl_object_1.1": b"ocfl_object_1.1"},
        "completeness/ocfl-declaration-invalid",
    ),
    "a declaration that is long": (
        OBJECT | {"0=ocfl_object_1.1": b"x" * 10_000},
        "completeness/ocfl-declaration-invalid",
    ),
    "no sidecar": (without(ROOT[1]), "completeness/ocfl-sidecar-invalid"),
    "no sidecar of an older version": (
        without("v1/inventory.json.sha512"),
        "completeness/ocfl-sidecar-invalid",
    ),
    "a sidecar of nothing": (
        OBJECT | {ROOT[1]: b""},
        "completeness/ocfl-sidecar-invalid",
    ),
    "a sidecar of another file": (
        OBJECT | {ROOT[1]: b"0" * 128 + b" other.json\n"},
        "completeness/ocfl-sidecar-invalid",
    ),
    "a sidecar that is no text": (
        OBJECT | {ROOT[1]: b"\xff\0"},
        "completeness/ocfl-sidecar-invalid",
    ),
    "another digest in a sidecar": (
        OBJECT | {ROOT[1]: b"0" * 128 + b" inventory.json\n"},
        MISMATCH,
    ),
    "another digest in an older sidecar": (
        OBJECT | {"v1/inventory.json.sha512": b"0" * 128 + b" inventory.json\n"},
        MISMATCH,
    ),
    "a short digest in a sidecar": (
        OBJECT | {ROOT[1]: b"0" * 127 + b" inventory.json\n"},
        "fixity/digest-malformed",
    ),
    "another inventory in the newest version": (
        OBJECT | ocfl_inventory(OBJECT["inventory.json"] + b"\n", "v2/"),
        "completeness/ocfl-version-differs",
    ),
    "an older inventory that is no JSON": (
        OBJECT | ocfl_inventory(b"{", "v1/"),
        "completeness/ocfl-version-differs",
    ),
    "an older inventory that is invalid": (
        older(lambda inventory: inventory.pop("id")),
        "completeness/ocfl-version-differs",
    ),
    "an older inventory of another object": (
        older(lambda inventory: inventory.update(id="urn:example:other")),
        "completeness/ocfl-version-differs",
    ),
    "an older inventory of a newer specification": (
        ocfl_files(OLD, CRATE, specification="1.0")
        | ocfl_inventory(
            OBJECT["v1/inventory.json"].replace(b"io/1.0/", b"io/1.1/"), "v1/"
        ),
        "completeness/ocfl-version-differs",
    ),
    "an older inventory with other files": (
        OBJECT
        | ocfl_inventory(
            OBJECT["v1/inventory.json"].replace(b'"gone.txt"', b'"went.txt"'), "v1/"
        ),
        "completeness/ocfl-version-differs",
    ),
    "an older inventory with other content": (
        OBJECT
        | ocfl_inventory(
            OBJECT["v1/inventory.json"].replace(b"v1/content/gone", b"v1/content/b"),
            "v1/",
        ),
        "completeness/ocfl-version-differs",
    ),
    "a path that climbs": (
        ocfl_files(CRATE | {"../a.txt": b"x"}),
        "completeness/path-unsafe",
    ),
    "a path that is absolute": (
        ocfl_files(CRATE | {"/etc/passwd": b"x"}),
        "completeness/path-unsafe",
    ),
    "a path below a file": (
        changed(
            lambda inventory: inventory["versions"]["v2"]["state"].update(
                {digest: ["a.txt/b"] for digest in list(inventory["manifest"])[:1]}
            )
        ),
        "completeness/ocfl-path-conflict",
    ),
    "another digest in the fixity block": (
        changed(
            lambda inventory: inventory.update(
                fixity={"md5": {"0" * 32: ["v2/content/a.txt"]}}
            )
        ),
        MISMATCH,
    ),
    "no digest in the fixity block": (
        changed(
            lambda inventory: inventory.update(
                fixity={"md5": {"x": ["v2/content/a.txt"]}}
            )
        ),
        "fixity/digest-malformed",
    ),
    "an unknown algorithm": (
        changed(lambda inventory: inventory.update(digestAlgorithm="crc9")),
        "completeness/ocfl-inventory-invalid",
    ),
    "no inventory": (without(*ROOT), "completeness/ocfl-inventory-invalid"),
    "an inventory that is no JSON": (
        OBJECT | ocfl_inventory(b"{"),
        "completeness/ocfl-inventory-invalid",
    ),
    "an inventory of another type": (
        changed(lambda inventory: inventory.update(type="https://example.org/")),
        "completeness/ocfl-inventory-invalid",
    ),
    "a head that is missing": (
        changed(lambda inventory: inventory.update(head="v3")),
        "completeness/ocfl-inventory-invalid",
    ),
}


@pytest.mark.parametrize(("files", "rule"), INVALID.values(), ids=INVALID)
def test_an_invalid_object_is_refuted(tmp_path: Path, files: Files, rule: str) -> None:
    report = checked(tmp_path, files)
    assert report.verdict.outcome is Outcome.REFUTED
    assert rule in refuted(report, Severity.ERROR)


@pytest.mark.parametrize("pack", [zip_of, tar_bytes], ids=["zip", "tar"])
@pytest.mark.parametrize(("files", "rule"), INVALID.values(), ids=INVALID)
def test_an_invalid_object_is_refuted_in_an_archive(
    tmp_path: Path, files: Files, rule: str, pack: Callable[[Files], bytes]
) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(pack({f"top/{path}": data for path, data in files.items()}))
    report = check(archive)
    assert report.verdict.outcome is Outcome.REFUTED
    assert rule in refuted(report, Severity.ERROR)


# -- what is said of it ------------------------------------------------------------


def test_the_crate_is_that_of_the_newest_version(tmp_path: Path) -> None:
    report = checked(tmp_path, ocfl_files(CRATE, crate_files({"new.txt": b"new"})))
    assert subjects(report, "completeness/file-present") == {"new.txt"}
    assert report.subject.files == 2


def test_a_crate_in_an_object_has_the_digest_that_it_has_in_a_folder(
    tmp_path: Path,
) -> None:
    plain = check(write(tmp_path / "crate", CRATE))
    assert checked(tmp_path, OBJECT).subject.digest == plain.subject.digest


def test_every_file_of_the_crate_is_covered(tmp_path: Path) -> None:
    bare = {METADATA: encode(document()), "a.txt": b"one"}
    report = checked(tmp_path, ocfl_files(OLD, bare))
    (finding,) = of_rule(report, "fixity/covered")
    assert finding.observed == "1 of 1 files"


def test_damage_is_told_of_each_file_that_has_the_content(tmp_path: Path) -> None:
    files = ocfl_files(crate_files({"a.txt": b"one", "b.txt": b"one"}))
    report = checked(tmp_path, files | {"v1/content/a.txt": b"two"})
    assert subjects(report, MISMATCH) == {"a.txt", "b.txt"}


def test_damage_of_an_older_version_is_told_of_the_object(tmp_path: Path) -> None:
    report = checked(tmp_path, OBJECT | {"v1/content/gone.txt": b"Gone"})
    (finding,) = of_rule(report, MISMATCH)
    assert finding.claim.subject == "v1/content/gone.txt"
    assert finding.claim.path is None
    assert finding.claim.stated_in.file == "inventory.json"
    assert of_rule(report, "fixity/covered")


def test_where_one_content_file_is_missing_another_one_serves(tmp_path: Path) -> None:
    def change(inventory: Json) -> None:
        for paths in inventory["manifest"].values():
            if "v1/content/a.txt" in paths:
                paths.insert(0, "v1/content/first.txt")

    report = checked(tmp_path, ocfl_files(CRATE, change=change))
    assert refuted(report) == {"completeness/ocfl-content-missing"}
    assert "a.txt" in subjects(report, "completeness/file-present")


def test_an_algorithm_of_the_fixity_block_that_is_unknown_is_passed_over(
    tmp_path: Path,
) -> None:
    fixity = {"crc9": {"abc": ["v2/content/a.txt"]}}
    report = checked(
        tmp_path, changed(lambda inventory: inventory.update(fixity=fixity))
    )
    (finding,) = of_rule(report, "fixity/algorithm-unknown")
    assert finding.severity is Severity.NOTE
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_a_logical_path_may_be_spelled_like_a_content_path(tmp_path: Path) -> None:
    files = crate_files({"v1/content/a.txt": b"new"})
    report = checked(tmp_path, ocfl_files({"a.txt": b"old"}, files))
    assert refuted(report) == set()
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_a_bag_may_be_what_the_object_holds(tmp_path: Path) -> None:
    bag = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        **{f"data/{path}": data for path, data in CRATE.items()},
    }
    report = checked(tmp_path, ocfl_files(bag))
    assert report.subject.format == "ocfl"
    assert "completeness/bag-manifest-missing" in refuted(report)
    assert "a.txt" in subjects(report, "completeness/file-present")


def test_an_object_without_a_crate_is_tested_all_the_same(tmp_path: Path) -> None:
    report = checked(tmp_path, ocfl_files(OLD) | {"v1/content/gone.txt": b"Gone"})
    assert subjects(report, MISMATCH) == {"gone.txt"}


def test_reading_on_when_a_limit_is_reached_refutes_nothing(tmp_path: Path) -> None:
    limits = Limits(jobs=1, total_bytes=4000)
    report = check(write(tmp_path / "object", OBJECT), limits=limits)
    assert report.verdict.outcome is Outcome.UNDETERMINED
    assert refuted(report) == set()


# -- links and folders -------------------------------------------------------------


def test_links_in_an_object_are_refused(tmp_path: Path) -> None:
    object = write(tmp_path / "object", without("v2/content/a.txt"))
    (tmp_path / "secret.txt").write_bytes(b"one")
    (object / "v2/content/a.txt").symlink_to(tmp_path / "secret.txt")
    (object / "v1/content/more").symlink_to(tmp_path)
    report = check(object)
    assert subjects(report, "completeness/symlink") >= {"a.txt", "v1/content/more"}
    assert "a.txt" not in subjects(report, "fixity/digest-match")
    assert report.verdict.outcome is Outcome.REFUTED


@pytest.mark.parametrize("name", ["v1", "v2/content", "inventory.json"])
def test_a_link_in_place_of_a_part_of_the_object_is_refused(
    tmp_path: Path, name: str
) -> None:
    object = write(tmp_path / "object", OBJECT)
    (object / name).rename(tmp_path / "elsewhere")
    (object / name).symlink_to(tmp_path / "elsewhere")
    report = check(object)
    assert report.verdict.outcome is Outcome.REFUTED
    assert not subjects(report, "fixity/digest-match") & {f"{name}/a.txt"}


def test_a_folder_in_place_of_content_is_refuted(tmp_path: Path) -> None:
    object = write(tmp_path / "object", without("v1/content/gone.txt"))
    (object / "v1/content/gone.txt").mkdir()
    report = check(object)
    assert subjects(report, "completeness/wrong-kind") == {"v1/content/gone.txt"}


def test_an_empty_folder_in_the_content_is_refuted(tmp_path: Path) -> None:
    object = write(tmp_path / "object", OBJECT)
    (object / "v1/content/empty/deeper").mkdir(parents=True)
    report = check(object)
    assert subjects(report, "completeness/ocfl-layout-invalid") == {
        "v1/content/empty/deeper"
    }


def test_a_pipe_in_the_content_is_not_opened(tmp_path: Path) -> None:
    object = write(tmp_path / "object", OBJECT)
    os.mkfifo(object / "v1/content/pipe")
    assert subjects(check(object), "completeness/special-file") == {"v1/content/pipe"}
