"""Laws of the mapping, on any manifest and on crates that others added to."""

import copy
import functools
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping import crate_document, foreign, manifest_from
from reverify.crates.limits import Limits
from reverify.crates.metadata import Metadata
from reverify.errors import CapsuleError
from reverify.model.capsule import Manifest

from tests.capsules.manifests import FULL, TEXT, manifests

Json = dict[str, Any]
FAST = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SLOW = settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck)
)
VERSIONS = st.sampled_from(["1.1", "1.2", "1.3"])


def metadata(document: Json) -> Metadata:
    data = json.dumps(document).encode()
    return Metadata("ro-crate-metadata.json", data, Limits())


def canonical(document: object) -> str:
    """JSON text in which 1, 1.0 and true differ, and the order of keys does not."""
    return json.dumps(document, sort_keys=True)


def rewritten(crate: Json, chance: random.Random) -> Json:
    """The same graph as another writer may have it."""
    again = copy.deepcopy(crate)
    chance.shuffle(again["@graph"])
    for entity in again["@graph"]:
        for key, value in entity.items():
            if key != "@id" and not isinstance(value, list) and chance.random() < 0.5:
                entity[key] = [value]
        keys = list(entity.items())
        chance.shuffle(keys)
        entity.clear()
        entity.update(keys)
    return again


def check_round_trip(manifest: Manifest, version: str, seed: int) -> None:
    crate = crate_document(manifest, {}, ro_crate=version)
    again, _ = manifest_from(metadata(rewritten(crate, random.Random(seed))))
    assert canonical(again) == canonical(manifest.document)
    second = crate_document(manifest_of(again), {}, ro_crate=version)
    ids = [entity["@id"] for entity in second["@graph"]]
    assert len(ids) == len(set(ids))


SEEDS = st.integers(0, 2**32)


@FAST
@given(manifest=manifests(20), version=VERSIONS, seed=SEEDS)
def test_a_manifest_comes_back_from_its_crate(
    manifest: Manifest, version: str, seed: int
) -> None:
    check_round_trip(manifest, version, seed)


@pytest.mark.slow
@SLOW
@given(manifest=manifests(), version=VERSIONS, seed=SEEDS)
def test_two_hundred_manifests_come_back_from_their_crates(
    manifest: Manifest, version: str, seed: int
) -> None:
    check_round_trip(manifest, version, seed)


@FAST
@given(manifest=manifests(5), version=VERSIONS)
def test_writing_again_gives_the_same_bytes(manifest: Manifest, version: str) -> None:
    one, other = (crate_document(manifest, {}, ro_crate=version) for _ in range(2))
    assert json.dumps(one) == json.dumps(other)


# -- damage --------------------------------------------------------------------------

_JUNK = st.sampled_from(
    [
        None,
        -1,
        1.5,
        True,
        "",
        [],
        {},
        {"@id": 1},
        {"@id": "./"},
        {"@id": "#nowhere"},
        {"@value": "x"},
        [[1]],
        "http://[x",
        "a\0b",
        "\ud800",
        10**400,
        "9999-12-31T23:59:59-23:59",
        {"name": "n"},
    ]
)


@FAST
@given(
    damage=st.lists(st.tuples(SEEDS, _JUNK, st.booleans()), min_size=1, max_size=6),
    version=VERSIONS,
)
def test_a_damaged_crate_makes_a_manifest_or_says_why_not(
    damage: list[tuple[int, Any, bool]], version: str
) -> None:
    crate = copy.deepcopy(full_crate(version))
    for seed, junk, is_beside in damage:
        chance = random.Random(seed)
        entity = chance.choice(crate["@graph"])
        key = chance.choice([key for key in entity if key != "@id"] or ["name"])
        entity[key] = [junk, entity.get(key)] if is_beside else junk
    found = metadata(crate)
    try:
        manifest, _ = manifest_from(found)
        kept = foreign(found)
        again = crate_document(manifest_of(manifest), {}, ro_crate=version, kept=kept)
    except CapsuleError:  # in a sentence, and with nothing written
        return
    assert canonical(manifest_from(metadata(again))[0]) == canonical(manifest)


# -- what others add -----------------------------------------------------------------

_KEYS = st.sampled_from(
    "funder temporalCoverage resourceUsage about license sdLicense spatial x-ours "
    "alternateName comment".split()
)
_REFERENCES = st.sampled_from(
    ["#theirs-1", "#theirs-2", "./", "data/rain.csv", "https://example.org/x"]
).map(lambda target: {"@id": target})
_LITERALS = TEXT | st.integers(-9, 9) | st.booleans()
_ADDED = st.lists(_REFERENCES | _LITERALS, min_size=1, max_size=3)
_PROPERTIES = st.dictionaries(_KEYS, _ADDED, max_size=3)


@st.composite
def additions(draw: st.DrawFn) -> Json:
    """What others add to a crate: entities, properties, and more of what we say."""
    targets = st.sampled_from([e["@id"] for e in full_crate()["@graph"]])
    return {
        "entities": {
            f"#theirs-{number}": {"@type": "Thing", **properties}
            for number, properties in enumerate(draw(st.lists(_PROPERTIES, max_size=3)))
        },
        "properties": draw(st.dictionaries(targets, _PROPERTIES, max_size=5)),
        "mentioned": draw(st.booleans()),
    }


@functools.cache
def full_crate(version: str = "1.2") -> Json:
    return crate_document(manifest_of(FULL | {"keywords": []}), {}, ro_crate=version)


def with_additions(crate: Json, added: Json) -> Json:
    changed = copy.deepcopy(crate)
    for entity in changed["@graph"]:
        for key, values in added["properties"].get(entity["@id"], {}).items():
            if key not in entity:
                entity[key] = copy.deepcopy(values)
        if entity["@id"] == "./" and added["mentioned"]:
            entity["mentions"] = [entity["mentions"], {"@id": "#theirs-0"}]
    changed["@graph"] += [
        {"@id": id, **entity} for id, entity in added["entities"].items()
    ]
    changed["@context"].append({"x-ours": "https://example.org/x-ours"})
    return changed


def said(crate: Json) -> set[tuple[str, str, str]]:
    """Everything that a document says: @id, key, value."""
    return {
        (entity["@id"], key, canonical(value))
        for entity in crate["@graph"]
        for key, values in entity.items()
        for value in (values if isinstance(values, list) else [values])
    }


def check_additions(added: Json, version: str, seed: int) -> None:
    crate = with_additions(full_crate(version), added)
    shuffled = metadata(rewritten(crate, random.Random(seed)))
    manifest, _ = manifest_from(shuffled)
    assert canonical(manifest) == canonical(FULL | {"keywords": []})
    kept = json.loads(json.dumps(foreign(shuffled)))
    again = crate_document(manifest_of(manifest), {}, ro_crate=version, kept=kept)
    # The manifest's own file is written anew, so its size and digest may differ.
    anew = {("capsule.json", "contentSize"), ("capsule.json", "sha256")}
    mine = {spot for spot in said(crate) if spot[:2] not in anew}
    assert mine - said(again) == set()
    assert metadata(again).context.defines("x-ours")
    third, _ = manifest_from(metadata(again))
    assert canonical(third) == canonical(manifest)


@FAST
@given(added=additions(), version=VERSIONS, seed=SEEDS)
def test_what_others_added_is_kept(added: Json, version: str, seed: int) -> None:
    check_additions(added, version, seed)


@pytest.mark.long
@pytest.mark.slow
@SLOW
@given(added=additions(), version=VERSIONS, seed=SEEDS)
def test_what_others_added_is_kept_two_hundred_times(
    added: Json, version: str, seed: int
) -> None:
    check_additions(added, version, seed)
