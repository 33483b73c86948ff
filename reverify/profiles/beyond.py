"""What no profile engine sees: terms nobody defined, loose ends, odd dates.

Everything is read from the plain JSON, by key, so that a context which hides something
from RDF readers does not hide it from us.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time

from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.crates.names import Fragment
from reverify.crates.positions import escape
from reverify.profiles.interface import Breach

_DATES = (
    "datePublished",
    "dateCreated",
    "dateModified",
    "startTime",
    "endTime",
    "sdDatePublished",
    "uploadDate",
    "foundingDate",
    "birthDate",
)
_PARTIAL_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]))?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def context_missing(crate: Crate, metadata: Metadata) -> Iterator[Breach]:
    """The document has an @context."""
    del crate
    if metadata.document.get("@context") is None:
        reason = f"{metadata.name}: there is no @context, so no key means anything"
        yield Breach("conformance/context-missing", metadata.name, reason)


def root_missing(crate: Crate, metadata: Metadata) -> Iterator[Breach]:
    """The descriptor leads to the root."""
    del crate
    rule = "conformance/root-missing"
    if metadata.descriptor is None:
        reason = f"{metadata.name}: no entity describes the metadata document itself"
        yield Breach(rule, metadata.name, reason, "/@graph")
    elif metadata.root is None:
        subject = metadata.descriptor.id
        reason = f"{subject}: its `about` leads to no root data entity"
        yield Breach(rule, subject, reason, metadata.descriptor.pointer)


def undefined_terms(crate: Crate, metadata: Metadata) -> Iterator[Breach]:
    """Every key and type is defined by the @context; a breach for each that is not."""
    del crate
    context = metadata.context
    if context.obstacle or not context.terms:
        return
    uses: Counter[str] = Counter()
    first: dict[str, tuple[Entity, str]] = {}
    for entity in metadata.entities:
        for term in (*entity.properties, *entity.types):
            uses[term] += 1
            if uses[term] == 1 or entity.id < first[term][0].id:
                key = term if term in entity.properties else "@type"
                first[term] = entity, f"{entity.pointer}/{escape(key)}"
    for term, count in uses.items():
        if not context.defines(term):
            entity, pointer = first[term]
            where = "one entity" if count == 1 else f"{count:,} entities"
            reason = (
                f"{term!r}, used on {where}, is defined by no context: JSON-LD readers"
                " drop it"
            )
            rule, expected = "conformance/undefined-term", f"defined:{term}"
            yield Breach(rule, entity.id, reason, pointer, expected=expected)


def unreachable_data_entities(crate: Crate, metadata: Metadata) -> Iterator[Breach]:
    """Every data entity can be reached from the root through hasPart."""
    if metadata.root is None:
        return
    reached = {metadata.root.id}
    waiting = [metadata.root.id]
    while waiting:
        entity = metadata.by_id.get(waiting.pop())
        if entity is None:
            continue
        for id in metadata.references(entity, "hasPart"):
            if id not in reached:
                reached.add(id)
                waiting.append(id)
    for entity, located in crate.data_entities():
        if entity.id in reached or isinstance(located.target, Fragment):
            continue
        reason = f"{entity.id}: cannot be reached from the root through hasPart"
        yield Breach(
            "conformance/unreachable-data-entity", entity.id, reason, entity.pointer
        )


def dangling_references(crate: Crate, metadata: Metadata) -> Iterator[Breach]:
    """Local references lead to an entity; one breach for each missing target."""
    del crate
    seen = set()
    known = metadata.by_id
    for entity in metadata.entities:
        for key in entity.properties:
            if key.startswith("@"):
                continue
            for value, pointer in entity.values_with_pointers(key):
                id = value.get("@id") if isinstance(value, dict) else None
                if not isinstance(id, str) or id in known or id in seen:
                    continue
                if _SCHEME.match(id) or _twin(id) in known:
                    continue
                seen.add(id)
                reason = f"{entity.id}: {key} refers to {id!r}, which is not described"
                yield Breach(
                    "conformance/dangling-reference", entity.id, reason, pointer
                )


def _twin(id: str) -> str:
    return id.removeprefix("./") if id.startswith("./") else f"./{id}"


def odd_dates(crate: Crate, metadata: Metadata) -> Iterator[Breach]:
    """Dates and times are in ISO 8601."""
    del crate
    for entity in metadata.entities:
        for key in _DATES:
            for value, pointer in entity.values_with_pointers(key):
                if isinstance(value, str) and not is_iso(value):
                    reason = f"{entity.id}: {key} is {value[:100]!r}, not in ISO 8601"
                    yield Breach(
                        "conformance/date-not-iso",
                        entity.id,
                        reason,
                        pointer,
                        observed=value[:100],
                    )


def ends_before_start(crate: Crate, metadata: Metadata) -> Iterator[Breach]:
    """No recorded run ends before it starts."""
    del crate
    for entity in metadata.entities:
        start, end = entity.text("startTime"), entity.text("endTime")
        if start is None or end is None:
            continue
        first, last = _moment(start), _moment(end)
        comparable = first and last and (first.tzinfo is None) == (last.tzinfo is None)
        if first and last and comparable and last < first:
            reason = f"{entity.id}: ends {end}, before it starts {start}"
            pointer = f"{entity.pointer}/endTime"
            yield Breach("conformance/ends-before-start", entity.id, reason, pointer)


def is_iso(text: str) -> bool:
    """Whether a text is a date or a time in ISO 8601, to the year or finer."""
    if _PARTIAL_DATE.fullmatch(text):
        return True
    if not text.isascii() or " " in text:
        return False
    return _moment(text) is not None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        return None


LOOKS: tuple[Callable[[Crate, Metadata], Iterator[Breach]], ...] = (
    context_missing,
    root_missing,
    undefined_terms,
    unreachable_data_entities,
    dangling_references,
    odd_dates,
    ends_before_start,
)
"""Everything that is looked at, in the order in which it is told."""
