"""A SPARQL processor that parses and translates each query text only once.

Shapes repeat the same few queries for every node they look at; reading them anew costs
more than answering them. rdflib finds this processor through its plugin table.
"""

from typing import Any

from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.evaluate import evalQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.sparql.sparql import Query

_translated: dict[Any, Query] = {}
_MOST = 1000


class CachingProcessor(SPARQLProcessor):  # type: ignore[misc]
    """Answers like rdflib's own processor."""

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
            key = (
                query,
                base,
                tuple(sorted((str(k), str(v)) for k, v in namespaces.items())),
            )
            known = _translated.get(key)
            if known is None:
                known = translateQuery(parseQuery(query), base, namespaces)
                if len(_translated) < _MOST:
                    _translated[key] = known
            query = known
        return evalQuery(self.graph, query, initBindings or {}, base)
