"""The same answers of the profile engine in less time.

Each part of this module takes the place of one part of roc-validator 0.13 or of what it
builds on, gives what that gives, and says why it is quicker. `tests/profiles/
test_faster.py` holds each against the original. A part whose original is not there, in
another version say, is left out.
"""

import contextlib
import functools
import re
from typing import Any

from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.evaluate import evalQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.sparql.sparql import Query

_MOST = 1000
_PREFIX = re.compile(r"\s*PREFIX\s+([^\s:<>]*):\s*<([^<>\s]*)>")
_translated: dict[Any, Query] = {}
Names = tuple[tuple[str, str], ...]


class CachingProcessor(SPARQLProcessor):  # type: ignore[misc]
    """Parses and translates each SPARQL query only once.

    Shapes repeat the same few queries for every node they look at; reading them anew
    costs more than answering them. rdflib finds this processor by its plugin table.
    """

    def query(  # noqa: D102 - the base says it
        self,
        strOrQuery: str | Query,  # noqa: N803 - rdflib's spelling
        initBindings: Any = None,  # noqa: ANN401, N803
        initNs: Any = None,  # noqa: ANN401, N803
        base: str | None = None,
        DEBUG: bool = False,  # noqa: ARG002, FBT001, FBT002, N803
    ) -> Any:  # noqa: ANN401
        query = strOrQuery
        if isinstance(query, str):
            namespaces = initNs or {}
            names = tuple((str(k), str(v)) for k, v in namespaces.items())
            key = *meaning(query, names), base
            known = _translated.get(key)
            if known is None:
                known = translateQuery(parseQuery(query), base, namespaces)
                if len(_translated) < _MOST:
                    _translated[key] = known
            query = known
        return evalQuery(self.graph, query, initBindings or {}, base)


@functools.lru_cache(maxsize=_MOST)
def meaning(query: str, names: Names) -> tuple[str, Names]:
    """What a query means the same by: the query in order, and the names it may use.

    The engine declares the prefixes of a query in an order that changes from run to
    run, and offers all names of the crate. Where one prefix stands for two things, or
    two for one, their order counts, and both are left as they are.
    """
    end = 0
    prefixes: dict[str, str] = {}
    is_clear = len({address for _, address in names}) == len(names)
    while found := _PREFIX.match(query, end):
        prefix, address = found.groups()
        is_clear &= prefixes.setdefault(prefix, address) == address
        end = found.end()
    if not is_clear or len({*prefixes.values()}) < len(prefixes):
        return query, names
    lines = [f"PREFIX {prefix}: <{prefixes[prefix]}>" for prefix in sorted(prefixes)]
    rest = query[end:]
    used = tuple(pair for pair in names if f"{pair[0]}:" in rest)
    return "\n".join([*lines, rest]), tuple(sorted(used))


def quicken() -> None:
    """Have the engine use what is here."""
    for change in (
        _close_by_word,
        _remember_overrides,
        _count_nothing,
        _remember_words,
        _trust_twice,
    ):
        with contextlib.suppress(ImportError, AttributeError):
            change()


def _close_by_word() -> None:
    """Apply only those rules of OWL that a triple can be about; see `closure.py`."""
    import owlrl  # type: ignore[import-untyped]  # noqa: PLC0415

    from reverify.profiles.closure import Closure  # noqa: PLC0415

    owlrl.OWLRL_Semantics = Closure


def _remember_overrides() -> None:
    """Look up once which checks take the place of a check.

    That follows from the profiles alone, but the engine asks all of them each time it
    tells how far it is.
    """
    from rocrate_validator.models.requirement import RequirementCheck  # noqa: PLC0415

    original = RequirementCheck.overridden_by.fget

    def overridden_by(check: Any) -> list[Any]:  # noqa: ANN401
        known = vars(check).get("_overridden_by_known")
        if known is None:
            known = check._overridden_by_known = tuple(original(check))  # noqa: SLF001
        return list(known)

    RequirementCheck.overridden_by = property(overridden_by)


def _count_nothing() -> None:
    """Let the engine keep no account of its progress, which nobody reads.

    It goes through all checks seen so far for each check. What it reports in the end is
    not taken from there.
    """
    from rocrate_validator.models.statistics import (  # noqa: PLC0415
        ValidationStatistics,
    )

    if "update" in vars(ValidationStatistics):
        ValidationStatistics.update = lambda *_, **__: None


def _remember_words() -> None:
    """Look up once what a profile says of itself; its graph never changes.

    Who inherits from whom is worked out from that anew for each check.
    """
    from rocrate_validator.models import Profile  # noqa: PLC0415

    original = Profile.__get_specification_property__

    def look_up(profile: Any, *words: Any, **named: Any) -> Any:  # noqa: ANN401
        known = vars(profile).setdefault("_words_known", {})
        key = words, tuple(sorted(named.items()))
        if key not in known:
            known[key] = original(profile, *words, **named)
        value = known[key]
        return list(value) if isinstance(value, list) else value

    Profile.__get_specification_property__ = look_up


def _trust_twice() -> None:
    """Ask of the text of a query only once whether a shape may have it."""
    from pyshacl.helper.sparql_query_helper import (  # noqa: PLC0415
        SPARQLQueryHelper,
    )

    original = SPARQLQueryHelper.check_invalid_sparql
    sound: set[Any] = set()

    def check(this: Any, text: str, value: Any = None, extra: Any = None) -> bool:  # noqa: ANN401
        key = text, value is None, tuple(extra or ())
        if key not in sound:
            original(this, text, value, extra)
            if len(sound) < _MOST:
                sound.add(key)
        return True

    SPARQLQueryHelper.check_invalid_sparql = (
        lambda this, sparql_text, valuenode=None, extravars=None: check(
            this, sparql_text, valuenode, extravars
        )
    )
