"""Laws of the mapping on crates in which somebody else changed anything."""

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping import crate_document, foreign, manifest_from
from reverify.capsules.mapping.files import is_written_anew
from reverify.capsules.mapping.keeping import with_kept
from reverify.capsules.roundtrip import document_losses
from reverify.crates.limits import Limits
from reverify.crates.metadata import Metadata
from reverify.errors import CapsuleError, ManifestError

from tests.capsules.manifests import FULL

Json = dict[str, Any]
SEEDS = st.integers(0, 2**32)
VERSIONS = st.sampled_from(["1.1", "1.2", "1.3"])
QUIET = list(HealthCheck)


def metadata(document: Json) -> Metadata:
    data = json.dumps(document).encode()
    return Metadata("ro-crate-metadata.json", data, Limits())


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


_SCALARS = (
    st.sampled_from(
        "CC-BY-4.0 MIT https://spdx.org/licenses/MIT.html a,b Ada 5 true 2026-01-31 "
        "2026-01-31T12:00:00+02:00 2026-01-31T12:00:00 mailto:ada@example.org "
        "ada@example.org http://orcid.org/0000-0002-1825-0097 https://example.org/x "
        "File Dataset CreateAction PropertyValue Person CompletedActionStatus "
        f"{'a' * 64} {'A' * 64} {'1' * 40} swh:1:rev:{'2' * 40} text/csv".split()
    )
    | st.sampled_from([None, True, 0, 1.5, "", 10**30])
    | st.text(max_size=3)
)
_IDS = [
    "#ada",
    "#capsule",
    "#organization",
    "#command",
    "#run",
    "data/rain.csv",
    "theirs/",
    "theirs.csv",
    "https://example.org/x",
    "https://spdx.org/licenses/MIT",
    "https://orcid.org/0000-0002-1825-0097",
    "mailto:ada@example.org",
    "urn:reverify:profile:capsule:1.0",
    "./",
    "_:b",
    "#%",
]
_KEYS = (
    "name description license author creator publisher keywords version url email "
    "affiliation contentSize sha256 encodingFormat identifier about hasPart mentions "
    "conformsTo additionalProperty object result instrument agent startTime endTime "
    "actionStatus environment containerImage softwareVersion value propertyID citation "
    "isBasedOn dateCreated datePublished dateModified programmingLanguage x-theirs "
    "@type @reverse softwareRequirements runtimePlatform codeRepository contentUrl"
).split()


def values(chance: random.Random, ids: list[str], junk: list[Any]) -> Any:  # noqa: ANN401
    """Something to say: a scalar, a reference, an object, or several of these."""
    kind = chance.randrange(8)
    if kind < 3:
        return chance.choice(junk)
    if kind < 5:
        return {"@id": chance.choice(ids)}
    if kind == 5:
        return {"name": chance.choice(junk), "deeper": [{"@id": chance.choice(ids)}]}
    if kind == 6:
        return [[chance.choice(junk)], None]
    return [values(chance, ids, junk) for _ in range(chance.randrange(4))]


def other_form(value: Any, chance: random.Random) -> Any:  # noqa: ANN401
    """The same or nearly the same, said otherwise."""
    if isinstance(value, list):
        return [*value, *value[:1]] if chance.random() < 0.3 else value[::-1]
    if isinstance(value, dict) and isinstance(value.get("@id"), str):
        return chance.choice([value["@id"], [value], [value, value], {**value, "x": 1}])
    if isinstance(value, str):
        number = int(value) if value.isascii() and value.isdigit() else value
        return chance.choice([number, value.upper(), f"{value} ", [value], value[:-1]])
    return [value]


def changed(crate: Json, seed: int, steps: int, junk: list[Any]) -> Json:
    """A crate after somebody was at it."""
    chance = random.Random(seed)
    graph = crate["@graph"]
    for _ in range(steps):
        named = [e for e in graph if isinstance(e, dict) and "@id" in e]
        ids = [*_IDS, *(e["@id"] for e in named)]
        entity = chance.choice(named)
        key = chance.choice([k for k in entity if k != "@id"] or ["name"])
        step = chance.randrange(10)
        if step < 3:
            entity[chance.choice(_KEYS)] = values(chance, ids, junk)
        elif step < 6:
            entity[key] = other_form(entity.get(key), chance)
        elif step == 6:
            entity.pop(key, None)
        elif step == 7:
            new = {key: values(chance, ids, junk) for key in chance.sample(_KEYS, 3)}
            graph.append({"@id": chance.choice(ids), "@type": "Thing", **new})
        elif step == 8:
            odd = {"@type": "Thing", "name": values(chance, ids, junk)}
            graph.append(chance.choice([odd, 1, "text", None, [], [odd]]))
        elif len(named) > 3:
            graph.remove(entity)
    return crate


def without_id(crate: Json) -> Json:
    """The same crate as one that never was a capsule's."""
    for entity in crate["@graph"]:
        if entity["@id"] == "./":
            del entity["identifier"]
    crate["@graph"] = [e for e in crate["@graph"] if e["@id"] != "#capsule"]
    return crate


def manifest_path(found: Metadata) -> str:
    """Where the manifest goes: in the place that it had, or one that is free."""
    entity = found.by_id.get("capsule.json")
    return "capsule.json" if entity and is_written_anew(entity) else "capsule-9.json"


def check(seed: int, version: str, steps: int, junk: list[Any], *, ours: bool) -> None:
    crate: Json = crate_document(manifest_of(FULL), {}, ro_crate=version)
    crate = copy.deepcopy(crate)
    found = metadata(changed(crate if ours else without_id(crate), seed, steps, junk))
    try:
        manifest, _ = manifest_from(found)
        kept = foreign(found)
        whole = manifest_of(with_kept(manifest, kept))
    except (CapsuleError, ManifestError):
        return
    assert list(document_losses(found)) == []
    again = crate_document(
        whole,
        {},
        ro_crate=found.version or "1.2",
        manifest_path=manifest_path(found),
        kept=json.loads(json.dumps(kept)),
    )
    second = metadata(again)
    assert canonical(manifest_from(second)[0]) == canonical(manifest)
    assert canonical(foreign(second)) == canonical(kept)


_JUNK = st.lists(_SCALARS, min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(seed=SEEDS, version=VERSIONS, steps=st.integers(0, 12), junk=_JUNK, ours=...)
def test_nothing_that_somebody_else_said_is_lost_or_reworded(
    seed: int, version: str, steps: int, junk: list[Any], *, ours: bool
) -> None:
    check(seed, version, steps, junk, ours=ours)


@pytest.mark.long
@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(seed=SEEDS, version=VERSIONS, steps=st.integers(0, 40), junk=_JUNK, ours=...)
def test_nothing_is_lost_three_hundred_times(
    seed: int, version: str, steps: int, junk: list[Any], *, ours: bool
) -> None:
    check(seed, version, steps, junk, ours=ours)


def test_a_property_without_a_value_needs_no_term_of_its_own() -> None:
    crate: Json = copy.deepcopy(crate_document(manifest_of(FULL), {}, ro_crate="1.1"))
    for entity in crate["@graph"]:
        if "environment" in entity:
            entity["environment"] = []
    assert list(document_losses(metadata(crate))) == []
