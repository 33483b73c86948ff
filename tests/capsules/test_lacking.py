"""What a manifest lacks is told, and it is what a check finds."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from reverify.capsules.export import export_capsule
from reverify.capsules.lacking import lacking
from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping.keeping import KEPT, nothing_kept
from reverify.capsules.mapping.terms import PROFILE
from reverify.runtime import Runtime
from reverify.settings import load_settings

from tests.capsules.exports import Memory
from tests.capsules.manifests import CONTENT, FULL

Json = dict[str, Any]
COMMIT_256 = "a" * 64


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    """One for all, since the engine of the profiles takes long to start."""
    settings = load_settings({"offline": True, "only": ["conformance"]})
    with Runtime(settings) as found:
        yield found


def without(*keys: str, document: Json = FULL) -> Json:
    """A manifest without some of its keys, `run/command` say."""
    found = copy.deepcopy(document)
    for key in keys:
        *outer, last = key.split("/")
        inner = found
        for name in outer:
            inner = inner[name]
        del inner[last]
    return found


def with_code(**code: object) -> Json:
    """A manifest that says this of its code, and keeps no file of it."""
    return {**FULL, "code": code}


CASES: Mapping[str, tuple[Json, list[str]]] = {
    "all is said": (FULL, []),
    "no licence": (without("license"), ["/license"]),
    "a licence that is null": ({**FULL, "license": None}, ["/license"]),
    "no run": (without("run"), ["/run/command", "/run/started", "/run/ended"]),
    "no command": (without("run/command"), ["/run/command"]),
    "an empty command": (
        {**FULL, "run": {**FULL["run"], "command": []}},
        ["/run/command"],
    ),
    "no start": (without("run/started"), ["/run/started"]),
    "no end": (without("run/ended"), ["/run/ended"]),
    "no code": (without("code"), ["/code/git_commit"]),
    "code in files alone": (
        {**FULL, "code": {"files": FULL["code"]["files"]}},
        [],
    ),
    "a commit alone": (with_code(git_commit="2" * 40), []),
    "a version without an address": (with_code(version="1"), ["/code/repository"]),
    "a repository and a version": (
        with_code(repository="https://git.example.org/x", version="1"),
        ["/code/git_commit"],
    ),
    "a tree and a version": (with_code(git_tree_hash="4" * 40, version="1"), []),
    "a tree alone": (with_code(git_tree_hash="4" * 40), ["/code/git_commit"]),
    "a long commit alone": (with_code(git_commit=COMMIT_256), ["/code/repository"]),
    "a long commit and where it is": (
        with_code(git_commit=COMMIT_256, repository="https://git.example.org/x"),
        [],
    ),
    "a long commit on a disk": (
        with_code(git_commit=COMMIT_256, repository="/srv/git/x"),
        ["/code/repository"],
    ),
    "a file elsewhere": (
        {**FULL, "inputs": [{"url": "https://data.example.org/x.csv"}]},
        ["/inputs/0/size"],
    ),
    "a file elsewhere of which all is known": (
        {
            **FULL,
            "outputs": [
                {"url": "https://data.example.org/x", "size": 1, "sha256": "0" * 64}
            ],
        },
        [],
    ),
    "a file elsewhere without a digest": (
        {**FULL, "outputs": [{"url": "https://data.example.org/x", "size": 0}]},
        ["/outputs/0/sha256"],
    ),
}


@pytest.mark.parametrize(("document", "pointers"), CASES.values(), ids=CASES)
def test_each_key_that_must_be_there_is_named(
    document: Json, pointers: list[str]
) -> None:
    told = lacking(manifest_of(document), "1.2")
    assert [sentence.partition(" ")[0] for sentence in told] == pointers
    assert all("; add " in sentence for sentence in told)


@pytest.mark.parametrize(
    "code", [{"git_tree_hash": "4" * 40}, {"git_commit": "a" * 64}]
)
def test_version_1_1_asks_less_of_software(code: Json) -> None:
    assert lacking(manifest_of(with_code(**code)), "1.1") == ()
    assert len(lacking(manifest_of(with_code(**code)), "1.3")) == 1


def test_of_many_files_the_first_are_named() -> None:
    inputs = [{"url": f"https://data.example.org/{n}"} for n in range(1_022)]
    told = lacking(manifest_of({**FULL, "inputs": inputs}), "1.2")
    assert len(told) == 21
    assert told[0].startswith("/inputs/0/size is missing")
    assert told[-1] == "and 1,002 more files likewise"


def test_nothing_is_told_where_an_earlier_crate_is_said_again() -> None:
    document = without("license") | {"extra": {KEPT: nothing_kept()}}
    assert lacking(manifest_of(document), "1.2") == ()


def test_whoever_exports_is_told(tmp_path: Path) -> None:
    manifest = manifest_of(without("license"))
    told = export_capsule(manifest, Memory(CONTENT), tmp_path / "crate")
    told_of_it = "/license is missing, and a check will refute the crate for it; add"
    assert [note.startswith(told_of_it) for note in told.notes].count(True) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "all is said",
        "no licence",
        "no command",
        "no code",
        "a tree alone",
        "a long commit on a disk",
        "a repository and a version",
        "a file elsewhere",
    ],
)
def test_what_is_told_is_what_a_check_finds(
    tmp_path: Path, runtime: Runtime, name: str
) -> None:
    manifest = manifest_of(CASES[name][0])
    crate = tmp_path / "crate"
    told = export_capsule(manifest, Memory(CONTENT), crate).notes
    (report,) = runtime.verify(str(crate))
    refuted = any("a check will refute" in note for note in told)
    assert report.verdict.outcome == ("refuted" if refuted else "confirmed")
    claims = PROFILE in report.subject.profiles
    assert claims or told
    assert not (claims and any("capsule profile" in note for note in told))
