"""JSON-LD contexts: which are official, what they define, none ever fetched.

The `rocrate` package carries the context of RO-Crate 1.3; those of 1.2, 1.1 and 1.0
are made from it by a table of differences. A document's own @context is read here, by
key, before any JSON-LD library sees it.
"""

import functools
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverify.crates.payload import Fault
from reverify.crates.positions import escape

WFRUN = "https://w3id.org/ro/terms/workflow-run"
WFTEST = "https://w3id.org/ro/terms/test"
_RO_CRATE = "https://w3id.org/ro/crate/{}/context"
_SAME_TERMS = {
    **{version: version for version in ("1.0", "1.1", "1.2", "1.3")},
    "1.1-DRAFT": "1.1",
    "1.2-DRAFT": "1.2",
    "1.4-DRAFT": "1.3",
}
_WFRUN_TERMS = (
    "ParameterConnection ContainerImage DockerImage SIFImage connection "
    "sourceParameter targetParameter md5 sha1 sha256 sha512 environment registry tag "
    "containerImage resourceUsage"
).split()
_WFTEST_TERMS = (
    "TestSuite TestInstance TestService TestDefinition PlanemoEngine JenkinsService "
    "TravisService GithubService instance runsOn resource definition engineVersion"
).split()

OFFICIAL: Mapping[str, str] = {
    **{_RO_CRATE.format(name): same for name, same in _SAME_TERMS.items()},
    **dict.fromkeys((f"{WFRUN}/context", WFRUN), "workflow-run"),
    **dict.fromkeys((f"{WFTEST}/context", WFTEST), "workflow-testing"),
}
"""Which term map stands behind which context URL."""

_PROFILE = re.compile(
    r"https?://w3id\.org/(ro/crate(/[^/]+)?|ro/wfrun/[^/]+/[^/]+|ro/wftest/[^/]+"
    r"|workflowhub/workflow-ro-crate/[^/]+)/?"
)
DEPENDED_ON = frozenset(
    (
        "File Dataset CreativeWork PropertyValue CreateAction hasPart about conformsTo "
        "mainEntity mentions instrument object result contentSize identifier md5 sha1 "
        "sha256 sha512"
    ).split()
)
"""Terms on whose meaning our checks depend."""
_NESTING = 3


@functools.cache
def terms_of(name: str) -> Mapping[str, str]:
    """The term map of one official context.

    Args:
        name: a version of RO-Crate, `workflow-run` or `workflow-testing`.

    Returns:
        IRI by term; also the context's own `@base` where it has one.
    """
    if name == "workflow-run":
        return {term: f"{WFRUN}#{term}" for term in _WFRUN_TERMS}
    if name == "workflow-testing":
        return {term: f"{WFTEST}#{term}" for term in _WFTEST_TERMS}
    deltas = json.loads(Path(__file__).with_name("context_deltas.json").read_bytes())
    terms = dict(_bundled()["@context"])
    if name != deltas["base"]["version"]:
        for step in deltas["steps"]:
            for term in step["remove"]:
                terms.pop(term, None)
            terms |= step["add"] | step["change"]
            if step["version"] == name:
                break
    return terms


def digest_of_terms(terms: Mapping[str, str]) -> str:
    """The sha256 by which a term map is known."""
    text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _bundled() -> dict[str, Any]:
    spec = importlib.util.find_spec("rocrate")
    if spec is None or not spec.submodule_search_locations:  # pragma: no cover
        raise ImportError("rocrate is not installed")
    folder = Path(spec.submodule_search_locations[0])
    document: dict[str, Any] = json.loads(
        (folder / "data" / "ro-crate.jsonld").read_bytes()
    )
    return document


@dataclass(slots=True)
class Context:
    """What a document's @context says.

    Attributes:
        terms: IRI by term, over all its parts; None where a part nulls a term.
        official: the official context URLs it names.
        vocab: the vocabulary for terms that are not defined, if it sets one.
        obstacle: why a JSON-LD processor could not or may not read it, if so.
        refused: whether the obstacle is a danger rather than a gap in what we know.
        faults: what is wrong with it.
    """

    terms: dict[str, str | None] = field(default_factory=dict)
    official: list[str] = field(default_factory=list)
    vocab: str | None = None
    obstacle: str = ""
    refused: bool = False
    faults: list[Fault] = field(default_factory=list)

    def defines(self, term: str) -> bool:
        """Whether a key or type means something to a JSON-LD processor."""
        return term.startswith("@") or self.iri(term) is not None

    def iri(self, term: str) -> str | None:
        """Expand a term, a compact IRI or an IRI; None if it means nothing."""
        if term in self.terms:
            iri = self.terms[term]
            if iri is None:
                return None
            prefix, colon, rest = iri.partition(":")
            if colon and not rest.startswith("//") and prefix in self.terms:
                return (self.terms[prefix] or "") + rest
            return iri
        prefix, colon, rest = term.partition(":")
        if colon:
            if rest.startswith("//"):
                return term
            base = self.terms.get(prefix)
            return base + rest if base else term
        return self.vocab + term if self.vocab else None


def read_context(value: object) -> Context:
    """Read an @context without fetching anything.

    Allowed are official contexts by their exact URL and plain term maps. Whatever
    else is there is told as a fault, and keeps JSON-LD processors away.
    """
    context = Context()
    if value is not None:
        _read_part(value, "/@context", 0, context)
    return context


def _read_part(value: object, pointer: str, depth: int, context: Context) -> None:
    if isinstance(value, list):
        if depth >= _NESTING:
            _refuse(context, pointer, "contexts are nested too deeply")
            return
        for index, item in enumerate(value):
            _read_part(item, f"{pointer}/{index}", depth + 1, context)
    elif isinstance(value, str):
        _read_url(value, pointer, context)
    elif isinstance(value, dict):
        for term, meaning in value.items():
            _read_term(term, meaning, f"{pointer}/{escape(term)}", context)
    else:
        _refuse(context, pointer, "a context must be a URL or an object")


def _read_url(url: str, pointer: str, context: Context) -> None:
    name = OFFICIAL.get(url)
    if name is not None:
        context.official.append(url)
        context.terms |= {
            term: iri for term, iri in terms_of(name).items() if term[0] != "@"
        }
    elif _PROFILE.fullmatch(url):
        context.faults.append(
            Fault(
                "conformance/context-is-a-profile",
                url,
                f"{url!r} is the address of a specification or profile, not of a"
                " context: JSON-LD processors find no terms there",
                pointer,
            )
        )
        context.obstacle = context.obstacle or f"its context {url!r} is no context"
    elif re.match(r"https?://", url):
        context.faults.append(
            Fault(
                "conformance/context-unknown",
                url,
                f"{url!r} is not one of the official contexts, and none is fetched",
                pointer,
            )
        )
        context.obstacle = context.obstacle or f"its context {url!r} is not known here"
    else:
        _refuse(context, pointer, f"{url!r} points into a file system")


def _read_term(term: str, meaning: object, pointer: str, context: Context) -> None:
    if term == "@vocab" and isinstance(meaning, str):
        context.vocab = meaning
    elif term in {"@version", "@language", "@direction"} or (
        term == "@vocab" and meaning is None
    ):
        return
    elif term.startswith("@"):
        _refuse(context, pointer, f"{term} changes how names are resolved")
    elif isinstance(meaning, dict):
        if "@context" in meaning or "@import" in meaning:
            _refuse(context, pointer, f"{term!r} has a context of its own")
        iri = meaning.get("@id", term if ":" in term else None)
        _define(term, iri, pointer, context)
    else:
        _define(term, meaning, pointer, context)


def _define(term: str, iri: object, pointer: str, context: Context) -> None:
    known = context.terms.get(term)
    new = iri if isinstance(iri, str) else None
    before = context.iri(term) if known else None
    context.terms[term] = new
    if term in DEPENDED_ON and before and context.iri(term) != before:
        if term in _WFRUN_TERMS and new == f"{WFRUN}#{term}":
            return
        context.faults.append(
            Fault(
                "conformance/context-redefines-term",
                term,
                f"{term!r} means {before!r} in RO-Crate and is made to mean {new!r}"
                " here, so that readers of JSON and of RDF see different crates",
                pointer,
            )
        )


def _refuse(context: Context, pointer: str, reason: str) -> None:
    context.faults.append(
        Fault("conformance/context-refused", "@context", f"@context: {reason}", pointer)
    )
    context.obstacle = f"its context was refused: {reason}"
    context.refused = True
