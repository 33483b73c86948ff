"""What no profile engine sees."""

import json
from pathlib import Path
from typing import Any

import pytest
from reverify.crates.opening import open_crate
from reverify.profiles.beyond import LOOKS, is_iso
from reverify.profiles.interface import Breach

Json = dict[str, Any]
CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def breaches(tmp_path: Path, *entities: Json, **root: object) -> list[Breach]:
    context = root.pop("context", CONTEXT)
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {"@id": "./", "@type": "Dataset", **root},
        *entities,
    ]
    path = tmp_path / "ro-crate-metadata.json"
    path.write_text(json.dumps({"@context": context, "@graph": graph}))
    with open_crate(str(tmp_path)) as crate:
        assert crate.metadata is not None
        return [b for look in LOOKS for b in look(crate, crate.metadata)]


def rules(found: list[Breach]) -> list[str]:
    return [breach.rule.partition("/")[2] for breach in found]


def test_a_sound_graph_has_no_breach(tmp_path: Path) -> None:
    assert not breaches(tmp_path, name="fine", datePublished="2026-01-31")


def test_a_term_that_no_context_defines_is_told_once(tmp_path: Path) -> None:
    files = [{"@id": f"f{i}", "@type": "File", "sha256": "0"} for i in range(3)]
    parts = [{"@id": item["@id"]} for item in files]
    (found,) = breaches(tmp_path, *files, hasPart=parts)
    assert found.rule == "conformance/undefined-term"
    assert "'sha256', used on 3 entities" in found.reason
    assert found.pointer == "/@graph/2/sha256"


def test_a_term_that_a_local_map_defines_is_no_breach(tmp_path: Path) -> None:
    context = [CONTEXT, {"rainfall": "https://example.org/rainfall"}]
    assert not breaches(tmp_path, context=context, rainfall=3)


def test_a_vocabulary_defines_every_term(tmp_path: Path) -> None:
    context = [CONTEXT, {"@vocab": "https://example.org/"}]
    assert not breaches(tmp_path, context=context, anything=3)


def test_a_type_that_no_context_defines_is_told(tmp_path: Path) -> None:
    found = breaches(tmp_path, {"@id": "#x", "@type": "Rainfall"}, about={"@id": "#x"})
    assert rules(found) == ["undefined-term"]
    assert found[0].pointer == "/@graph/2/@type"


def test_a_data_entity_that_no_haspart_leads_to_is_told(tmp_path: Path) -> None:
    found = breaches(tmp_path, {"@id": "lost.txt", "@type": "File"})
    assert rules(found) == ["unreachable-data-entity"]


def test_nested_folders_are_followed_and_cycles_end(tmp_path: Path) -> None:
    folder = {"@id": "d/", "@type": "Dataset", "hasPart": {"@id": "d/e/"}}
    inner = {"@id": "d/e/", "@type": "Dataset", "hasPart": [{"@id": "d/"}]}
    assert not breaches(tmp_path, folder, inner, hasPart={"@id": "d/"})


def test_a_chain_of_fifty_thousand_folders_is_followed(tmp_path: Path) -> None:
    count = 50_000
    chain = [
        {"@id": f"d{i}/", "@type": "Dataset", "hasPart": {"@id": f"d{i + 1}/"}}
        for i in range(count)
    ]
    last = {"@id": f"d{count}/", "@type": "Dataset"}
    assert not breaches(tmp_path, *chain, last, hasPart={"@id": "d0/"})


def test_a_fragment_is_no_data_entity(tmp_path: Path) -> None:
    assert not breaches(tmp_path, {"@id": "#f", "@type": "File"}, about={"@id": "#f"})


def test_a_local_reference_to_nothing_is_told_with_its_place(tmp_path: Path) -> None:
    found = breaches(tmp_path, author=[{"@id": "#ada"}, {"@id": "https://x.example/"}])
    assert rules(found) == ["dangling-reference"]
    assert found[0].pointer == "/@graph/1/author/0"


def test_a_reference_with_a_dot_slash_more_or_less_is_met(tmp_path: Path) -> None:
    file = {"@id": "./a.txt", "@type": "File"}
    found = breaches(tmp_path, file, hasPart={"@id": "./a.txt"}, image={"@id": "a.txt"})
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "2026",
        "2026-01",
        "2026-01-31",
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.123+01:00",
        "20260131",
    ],
)
def test_an_iso_date_is_one(text: str) -> None:
    assert is_iso(text)


@pytest.mark.parametrize(
    "text",
    ["2026-13-01", "31 Jan 2026", "2026-01-31 12:00:00", "2026:01:31", "", "yesterday"],
)
def test_another_way_to_write_a_date_is_none(text: str) -> None:
    assert not is_iso(text)


def test_a_run_that_ends_before_it_starts_is_told(tmp_path: Path) -> None:
    times = {
        "startTime": "2026-01-31T12:00:00Z",
        "endTime": "2026-01-31T12:30:00+01:00",
    }
    found = breaches(tmp_path, {"@id": "#r", "@type": "CreateAction", **times})
    assert rules(found) == ["ends-before-start"]


def test_times_with_and_without_a_zone_are_not_compared(tmp_path: Path) -> None:
    times = {"startTime": "2026-01-31T12:00:00Z", "endTime": "2026-01-31T11:00:00"}
    assert not breaches(tmp_path, {"@id": "#r", "@type": "CreateAction", **times})


def test_a_document_without_a_context_is_told(tmp_path: Path) -> None:
    assert "context-missing" in rules(breaches(tmp_path, context=None))
