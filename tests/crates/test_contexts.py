"""JSON-LD contexts, read without fetching any."""

import json
from pathlib import Path

import pytest
from reverify.crates import contexts
from reverify.crates.contexts import (
    Context,
    digest_of_terms,
    read_context,
    terms_of,
)

RO_CRATE = "https://w3id.org/ro/crate/1.1/context"
WFRUN = "https://w3id.org/ro/terms/workflow-run/context"
OFFICIAL_DIGESTS = {
    "1.3": "f9821a209468bf463b50925fdace40614c311a3e14a16273636f38256e1810e4",
    "1.2": "8243ed40edce1d423d5fddb9b60bf328cdff28a9eea8419175984157f5484076",
    "1.1": "b7300f270ffe80caab7ad7f71d9175c79136dee5422858f22aa5efb4010f275f",
    "1.0": "eda6ff3ccb5513979c2bd4bf4ad81e6d2c8c7b4aee0d59c3ee0ed59550b29021",
}


def rules(context: Context) -> list[str]:
    return [fault.rule.partition("/")[2] for fault in context.faults]


@pytest.mark.parametrize(("version", "digest"), OFFICIAL_DIGESTS.items())
def test_a_bundled_context_is_the_official_one(version: str, digest: str) -> None:
    assert digest_of_terms(terms_of(version)) == digest


def test_the_table_of_differences_names_the_same_digests() -> None:
    path = Path(contexts.__file__).with_name("context_deltas.json")
    deltas = json.loads(path.read_bytes())
    found = {step["version"]: step["sha256"] for step in deltas["steps"]}
    assert found | {"1.3": deltas["base"]["sha256"]} == OFFICIAL_DIGESTS


def test_an_official_context_defines_its_terms() -> None:
    context = read_context(RO_CRATE)
    assert context.iri("File") == "http://schema.org/MediaObject"
    assert not context.defines("sha256")
    assert not context.obstacle


def test_a_later_context_wins() -> None:
    context = read_context(["https://w3id.org/ro/crate/1.2/context", WFRUN])
    assert context.iri("sha256") == "https://w3id.org/ro/terms/workflow-run#sha256"
    assert not context.faults


def test_compact_iris_are_expanded_by_a_prefix() -> None:
    context = read_context([RO_CRATE, {"ex": "https://example.org/", "t": "ex:term"}])
    assert context.iri("ex:other") == "https://example.org/other"
    assert context.iri("t") == "https://example.org/term"


def test_a_specification_used_as_context_is_told() -> None:
    context = read_context("https://w3id.org/ro/crate/1.1")
    assert rules(context) == ["context-is-a-profile"]
    assert context.obstacle


def test_an_unknown_context_is_told_and_nothing_is_fetched() -> None:
    context = read_context([RO_CRATE, "https://example.org/context"])
    assert rules(context) == ["context-unknown"]
    assert context.faults[0].pointer == "/@context/1"


@pytest.mark.parametrize(
    "value",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "../context.json",
        "context.json",
        {"@import": "https://w3id.org/ro/crate/1.1/context"},
        {"@base": "https://example.org/"},
        {"@propagate": False},
        {"term": {"@id": "https://example.org/t", "@context": "file:///etc/passwd"}},
        [[[[RO_CRATE]]]],
        7,
    ],
)
def test_a_context_that_reaches_out_is_refused(value: object) -> None:
    context = read_context([RO_CRATE, value])
    assert "context-refused" in rules(context)
    assert context.obstacle


@pytest.mark.parametrize(
    "meaning", [None, "https://example.org/File", {"@id": "https://example.org/F"}]
)
def test_redefining_a_term_that_checks_depend_on_is_told(meaning: object) -> None:
    context = read_context([RO_CRATE, {"File": meaning}])
    assert rules(context) == ["context-redefines-term"]


def test_saying_the_same_again_is_no_fault() -> None:
    context = read_context([RO_CRATE, {"File": "http://schema.org/MediaObject"}])
    assert not context.faults


def test_defining_a_digest_that_the_version_lacks_is_no_fault() -> None:
    context = read_context([RO_CRATE, {"sha256": "http://schema.org/sha256"}])
    assert not context.faults
    assert context.defines("sha256")
