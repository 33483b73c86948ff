"""A metadata document: bytes to entities, everything odd in it noted."""

import json
from typing import Any

import pytest
from reverify.crates.limits import Limits
from reverify.crates.metadata import Metadata

from tests.builders import METADATA, SPEC, document, encode


def read(data: bytes | object, **limits: Any) -> Metadata:  # noqa: ANN401 - see Limits
    text = data if isinstance(data, bytes) else encode(data)
    return Metadata(METADATA, text, Limits(**limits))


def rules(metadata: Metadata) -> list[str]:
    return [fault.rule for fault in metadata.faults]


def described(*entities: Any) -> Metadata:  # noqa: ANN401 - any JSON
    whole = document()
    whole["@graph"] += entities
    return read(whole)


def test_a_plain_document_has_no_faults() -> None:
    metadata = read(document({"a.txt": b"x"}))
    assert metadata.faults == []
    assert metadata.root is not None
    assert metadata.root.id == "./"
    assert metadata.version == "1.2"


def test_a_fault_in_the_text_has_a_line() -> None:
    metadata = read(b'{\n"@graph": [\n,]}')
    assert metadata.faults[0].line == 3


def test_a_byte_that_is_no_utf8_has_a_line() -> None:
    metadata = read(b'{\n"a": "\xff"}')
    assert metadata.faults[0].line == 2


def test_a_key_that_stands_twice_has_a_pointer() -> None:
    metadata = read(b'{"@graph": [{"@id": "x", "@id": "y"}]}')
    (fault,) = metadata.faults
    assert fault.rule == "conformance/duplicate-key"
    assert fault.pointer == "/@graph/0/@id"


def test_one_bad_entity_spoils_no_other() -> None:
    metadata = described(None, {"@id": 3}, {"@id": "#good"})
    assert rules(metadata) == ["conformance/not-an-entity"] * 2
    assert metadata.faults[0].pointer.startswith("/@graph/")
    assert "#good" in metadata.by_id


def test_of_two_entities_with_one_id_the_first_counts() -> None:
    metadata = described({"@id": "#x", "name": "one"}, {"@id": "#x", "name": "two"})
    assert rules(metadata) == ["conformance/duplicate-id"]
    assert metadata.by_id["#x"].text("name") == "one"


def test_more_entities_than_the_limit_are_left_out_and_told() -> None:
    metadata = read(document({str(n): b"" for n in range(20)}), entities=5)
    assert len(metadata.entities) == 5
    assert "conformance/limit-reached" in rules(metadata)


def test_more_values_than_the_limit_are_not_parsed() -> None:
    metadata = read(b'{"@graph": [' + b"[]," * 100 + b"[]]}", values=50)
    assert not metadata.readable
    assert rules(metadata) == ["conformance/limit-reached"]


@pytest.mark.parametrize("depth", [60, 61, 62])
def test_what_is_nested_within_the_limit_is_read(depth: int) -> None:
    metadata = read(b'{"@graph": [], "x": ' + b"[" * depth + b"]" * depth + b"}")
    assert metadata.readable


@pytest.mark.parametrize("depth", [70, 200, 900])
def test_what_is_nested_deeper_is_refused(depth: int) -> None:
    metadata = read(b'{"@graph": [], "x": ' + b"[" * depth + b"]" * depth + b"}")
    assert not metadata.readable
    assert rules(metadata) == ["conformance/json-invalid"]


def test_a_number_beyond_all_numbers_is_text() -> None:
    metadata = read(b'{"@graph": [{"@id": "x", "value": 1e999}]}')
    assert metadata.by_id["x"].properties["value"] == "1e999"


def test_the_longest_integer_is_read() -> None:
    digits = "9" * 4000
    metadata = read(b'{"@graph": [{"@id": "x", "v": ' + digits.encode() + b"}]}")
    assert metadata.readable


@pytest.mark.parametrize("name", [METADATA, f"./{METADATA}", METADATA + "ld"])
def test_the_descriptor_is_found_under_its_names(name: str) -> None:
    whole = document()
    whole["@graph"][0]["@id"] = name
    metadata = read(whole)
    assert metadata.descriptor is not None
    assert metadata.root is not None


def test_a_descriptor_with_an_absolute_id_is_found_by_what_it_conforms_to() -> None:
    whole = document()
    whole["@graph"][0]["@id"] = f"https://example.org/crate/{METADATA}"
    assert read(whole).descriptor is not None


@pytest.mark.parametrize("about", [None, [], 7, "./", {"@id": 7}, {"@id": "nowhere"}])
def test_without_a_reference_the_root_is_found_by_its_name(about: object) -> None:
    whole = document()
    whole["@graph"][0]["about"] = about
    root = read(whole).root
    assert root is not None
    assert root.id == "./"


@pytest.mark.parametrize(
    ("uri", "version"),
    [
        (SPEC, "1.2"),
        (f"{SPEC}/", "1.2"),
        (f"{SPEC}-DRAFT", "1.2-DRAFT"),
        ("https://w3id.org/ro/crate/1.10", "1.10"),
        ("https://w3id.org/ro/crate", None),
        ("https://w3id.org/ro/crate/", None),
        ("https://w3id.org/ro/crate/one.two", None),
        ("https://w3id.org/ro/crate/\u0661.\u0662", None),
        ("https://example.org/ro/crate/1.1", None),
    ],
)
def test_the_version_is_read_from_the_uri(uri: str, version: str | None) -> None:
    whole = document()
    whole["@graph"][0]["conformsTo"] = [{"@id": "https://example.org/p"}, {"@id": uri}]
    assert read(whole).version == version


def test_a_value_has_a_place() -> None:
    whole = json.dumps(document(), indent=1).encode()
    place = read(whole).place("/@graph/1/name")
    assert place.position is not None
    assert (
        whole.decode().splitlines()[place.position[0] - 1].strip().startswith('"name')
    )
