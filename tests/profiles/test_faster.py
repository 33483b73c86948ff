"""What is faster gives what its original gives."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from owlrl import (  # type: ignore[import-untyped]
    DeductiveClosure,
    OWLRL_Semantics,
)
from pyshacl.errors import ValidationFailure
from pyshacl.helper.sparql_query_helper import SPARQLQueryHelper
from rdflib import OWL, RDF, RDFS, BNode, Graph, Literal, Namespace, URIRef, plugin
from rdflib.compare import isomorphic
from rdflib.query import Processor
from reverify.claims.conformance import claims
from reverify.crates.opening import open_crate
from reverify.profiles import faster, processes
from reverify.profiles.closure import Closure
from reverify.profiles.interface import Judgement
from reverify.profiles.roc_validator import RocValidator

from tests.conftest import CRATES

EX = Namespace("https://example.org/")
NAMES = (("ex", str(EX)), ("crate", "https://example.org/crate#"))


# -- queries ---------------------------------------------------------------------------


def test_the_order_of_prefixes_makes_no_new_query() -> None:
    one = "PREFIX a: <urn:a>\nPREFIX b: <urn:b>\nSELECT ?s { ?s a:p b:o }"
    other = "PREFIX b: <urn:b> PREFIX a: <urn:a>\nPREFIX b: <urn:b>\n"
    other += "SELECT ?s { ?s a:p b:o }"
    assert faster.meaning(one, ()) == faster.meaning(other, ())


@pytest.mark.parametrize(
    "prefixes",
    [
        ("PREFIX a: <urn:a>", "PREFIX a: <urn:b>"),
        ("PREFIX a: <urn:a>", "PREFIX b: <urn:a>"),
    ],
)
def test_the_order_of_prefixes_is_kept_where_it_counts(
    prefixes: tuple[str, str],
) -> None:
    rest = "SELECT ?s { ?s a:p ?o }"
    one, other = (
        faster.meaning("\n".join([*lines, rest]), ())
        for lines in (prefixes, prefixes[::-1])
    )
    assert one != other


def test_names_that_a_query_does_not_use_make_no_new_query() -> None:
    query = "SELECT ?s { ?s ex:p ?o }"
    assert faster.meaning(query, NAMES) == faster.meaning(query, NAMES[:1])
    assert faster.meaning(query, NAMES) != faster.meaning(query, NAMES[1:])


def test_all_names_count_where_two_stand_for_the_same() -> None:
    names = (("ex", str(EX)), ("other", str(EX)))
    query = "SELECT ?s { ?s ex:p ?o }"
    assert faster.meaning(query, names) != faster.meaning(query, names[:1])


def test_a_known_query_is_answered_with_the_names_of_now() -> None:
    plugin.register("quick", Processor, faster.__name__, "CachingProcessor")
    graph = Graph()
    graph.add((EX.s, EX.p, Literal("here")))
    graph.add((EX.s, EX["crate#p"], Literal("there")))
    query = "SELECT ?o { ?s n:p ?o }"
    found = [
        [str(row["o"]) for row in graph.query(query, "quick", initNs=names)]
        for names in ({"n": str(EX)}, {"n": "https://example.org/crate#"})
    ]
    assert found == [["here"], ["there"]]


TEXTS = [
    "SELECT $this { $this ?p ?o }",
    "SELECT $this { $this ?p ?o MINUS { $this a ?p } }",
    "SELECT $this { VALUES ?o { 1 } }",
    "SELECT $this { SERVICE <urn:x> { $this ?p ?o } }",
    "SELECT $this { { SELECT ?x { ?x ?p ?o } } }",
    "SELECT $this { { SELECT $this { $this ?p ?value } } }",
    "SELECT $this { BIND (1 AS ?this) }",
    "SELECT $this { BIND (1 AS ?value) }",
    "SELECT $this { BIND (1 AS ?extra) }",
]


def test_a_query_is_refused_as_before_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = SPARQLQueryHelper.check_invalid_sparql
    monkeypatch.setattr(SPARQLQueryHelper, "check_invalid_sparql", original)
    faster._trust_twice()
    now = SPARQLQueryHelper.check_invalid_sparql
    asked = [
        (text, value, extra)
        for text in TEXTS
        for value in (None, EX.value)
        for extra in (None, ["extra"])
    ]
    for turn in (asked, asked):
        told = [refusal(now, *each) for each in turn]
        assert told == [refusal(original, *each) for each in turn]
        assert {*told} > {""}


def refusal(
    check: Callable[..., bool], text: str, value: URIRef | None, extra: list[str] | None
) -> str:
    helper = SPARQLQueryHelper.__new__(SPARQLQueryHelper)
    try:
        check(helper, text, value, extra)
    except ValidationFailure as error:
        return str(error.message).partition(":")[0]
    return ""


# -- the closure -----------------------------------------------------------------------

WORDS = [
    (RDF.type, OWL.Class),
    (RDF.type, OWL.SymmetricProperty),
    (RDF.type, OWL.TransitiveProperty),
    (RDF.type, OWL.FunctionalProperty),
    (RDF.type, RDFS.Class),
    (RDF.type, OWL.Nothing),
]
RELATIONS = [
    RDFS.subClassOf, RDFS.subPropertyOf, RDFS.domain, RDFS.range, RDFS.label,
    OWL.equivalentClass, OWL.equivalentProperty, OWL.inverseOf, OWL.sameAs,
    OWL.differentFrom, OWL.disjointWith, OWL.hasValue, OWL.onProperty,
]  # fmt: skip


def anything(seed: int) -> Graph:
    """A small graph of data, with some words of RDFS and OWL."""
    source = random.Random(seed)
    graph = Graph()
    things = [EX[f"t{n}"] for n in range(6)] + [BNode(f"b{n}") for n in range(2)]
    values = [*things, Literal("text"), Literal(1), Literal("x", lang="en")]
    relations = [EX[f"p{n}"] for n in range(3)] + [RDF.type]
    for _ in range(12):
        graph.add(
            (source.choice(things), source.choice(relations), source.choice(values))
        )
    for _ in range(source.randrange(4)):
        graph.add((source.choice(things[:6] + relations[:3]), *source.choice(WORDS)))
    for _ in range(source.randrange(4)):
        one, other = (source.choice(things[:6] + relations[:3]) for _ in range(2))
        graph.add((one, source.choice(RELATIONS), other))
    return graph


@pytest.mark.parametrize("seed", range(60))
def test_a_closure_says_what_owlrl_says(seed: int) -> None:
    found = []
    for semantics in (OWLRL_Semantics, Closure):
        graph = anything(seed)
        DeductiveClosure(semantics).expand(graph)
        found.append(graph)
    assert isomorphic(*found)


def test_what_differs_from_itself_is_told_by_a_closure() -> None:
    graph = Graph()
    graph.add((EX.s, OWL.differentFrom, EX.s))
    DeductiveClosure(Closure).expand(graph)
    assert "cannot be used on the same subject-object pair" in graph.serialize()


# -- what profiles say -----------------------------------------------------------------

COMPARE = """
import sys
from pathlib import Path
from reverify.profiles import faster, worker
faster.quicken = lambda: None
worker.load()
from rocrate_validator.models import Profile, Severity
from rocrate_validator.models.requirement import RequirementCheck
from rocrate_validator.utils.paths import get_profiles_path

def told(profiles):
    words = {
        str(profile): [
            [str(p) for p in profile.parents],
            [str(p) for p in profile.siblings],
            [str(p) for p in profile.inherited_profiles],
            [profile.label, profile.comment, profile.is_rule_overlay_of],
        ]
        for profile in profiles
    }
    overridden = {
        f"{check.identifier} {check.name}": [
            other.identifier for other in check.overridden_by
        ]
        for profile in profiles
        for requirement in profile.requirements
        for check in requirement.get_checks()
    }
    return words, overridden

profiles = Profile.load_profiles(get_profiles_path(), severity=Severity.OPTIONAL)
before = told(profiles)
faster._remember_words()
faster._remember_overrides()
after, again = told(profiles), told(profiles)
assert before == after == again
assert any(before[1].values())
print(len(before[0]), len(before[1]))
"""


def test_what_profiles_say_is_the_same_when_it_is_remembered() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    profiles, checks = map(int, answer.stdout.split())
    assert profiles >= 9
    assert checks > 300


def test_a_part_that_the_engine_does_not_have_is_left_out() -> None:
    code = (
        "import owlrl, pyshacl.helper.sparql_query_helper as helper\n"
        "from rocrate_validator.models import Profile, requirement, statistics\n"
        "del owlrl.OWLRL_Semantics, helper.SPARQLQueryHelper.check_invalid_sparql\n"
        "del Profile.__get_specification_property__\n"
        "del requirement.RequirementCheck.overridden_by\n"
        "del statistics.ValidationStatistics.update\n"
        "from reverify.profiles import faster\n"
        "faster.quicken()\n"
        "assert 'update' not in vars(statistics.ValidationStatistics)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- all of it -------------------------------------------------------------------------

UNHURRIED = """
import sys; sys.path[-1:-1] = sys.argv[1:]
from rdflib import plugin
from reverify.profiles import faster, forking, prepared
faster.quicken = lambda: None
prepared.Preparation.use = lambda *_, **__: None
plugin.register = lambda *_, **__: None
forking.COLD = 1 << 30
forking.main()
"""
"""Nothing replaced by anything quicker, and nothing kept of a profile."""
PREPARED = """
import sys; sys.path[-1:-1] = sys.argv[1:]
from reverify.profiles import forking
forking.COLD = 0
forking.main()
"""
"""Everything, and each profile prepared before the first crate."""


ALSO = {
    "intact-recorded-run": ("ro-crate-1.1", "ro-crate-1.3", "provenance-run-crate-0.5"),
    "fixity-wrong-sha256": ("workflow-testing-ro-crate-0.1", "isa-ro-crate"),
}
"""What some fixture crates are judged by besides what they claim to follow."""


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[RocValidator, RocValidator]]:
    found = RocValidator(), RocValidator()
    for engine, begin in zip(found, (UNHURRIED, PREPARED), strict=True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(processes, "_BEGIN", begin)
            engine.start()
    yield found
    for engine in found:
        engine.close()


def judged(engine: RocValidator, location: Path, *more: str) -> list[Judgement]:
    with open_crate(str(location)) as crate:
        stated = [engine.profile_of(claim.expected) for claim in claims(crate)]
        profiles = [profile for profile in stated if profile] + [*more]
        found = engine.judge(crate, profiles)
    assert not [item.obstacle for item in found if "the engine" in item.obstacle]
    return found


def test_a_prepared_engine_says_the_same(
    engines: tuple[RocValidator, RocValidator],
) -> None:
    unhurried, prepared = (
        judged(engine, CRATES / "scidex-export", "reverify-capsule-1.0")
        for engine in engines
    )
    assert unhurried == prepared
    assert unhurried


@pytest.mark.long
@pytest.mark.parametrize(
    "name", sorted(path.name for path in CRATES.iterdir() if path.is_dir())
)
def test_a_prepared_engine_says_the_same_of_each_crate(
    name: str, engines: tuple[RocValidator, RocValidator]
) -> None:
    also = ALSO.get(name, ())
    unhurried, prepared = (judged(engine, CRATES / name, *also) for engine in engines)
    assert unhurried == prepared
