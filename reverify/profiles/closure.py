"""The closure of a graph under the rules of OWL 2 RL, sooner than owlrl makes it.

Source: OWL 2 Web Ontology Language Profiles, section 4.3, "Reasoning in OWL 2 RL and
RDF Graphs using Rules".
"""

from typing import Any

from owlrl import OWLRL_Semantics  # type: ignore[import-untyped]
from rdflib import OWL, RDF, RDFS, BNode


class Closure(OWLRL_Semantics):  # type: ignore[misc]
    """Applies the rules of OWL 2 RL only to triples that a rule can be about.

    All rules but one are about words of RDFS and OWL. That one says that everything is
    the same as itself, of each part of each triple, and is followed here at once. What
    it says is true of itself by all rules of equality, and leads to nothing new.
    """

    def __init__(self, *args: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **named)
        self._met: set[Any] = set()
        self._blank: set[BNode] = set()

    def rules(self, t: Any, cycle_num: int) -> None:  # noqa: ANN401
        """Apply the rules to one triple."""
        subject, predicate, value = t
        if self._is_special(subject, predicate, value):
            super().rules(t, cycle_num)
            return
        if cycle_num == 1:
            for part in t:
                if isinstance(part, BNode) and part not in self._blank:
                    self._blank.add(part)
                    if part not in self.bnodes:
                        self.bnodes.append(part)
        for part in (subject, value, predicate):
            if part not in self._met:
                self._met.add(part)
                self.store_triple((part, OWL.sameAs, part))

    def _is_special(self, subject: Any, predicate: Any, value: Any) -> bool:  # noqa: ANN401
        if predicate == OWL.sameAs and subject == value:
            return bool((subject, OWL.differentFrom, subject) in self.graph)
        word = value if predicate == RDF.type else predicate
        return str(word).startswith((str(OWL), str(RDFS)))
