"""For archives: PREMIS 3.0 events in XML, a document for each crate and run.

Only a full reading is a fixity check. Of a crate that was only looked at quickly, or
not at all, there is no event.

Source: PREMIS Data Dictionary 3.0, 2.2 Event; its terms are those of
https://id.loc.gov/vocabulary/preservation.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from reverify.audits.reporting.placing import record_path
from reverify.audits.reporting.row import Row
from reverify.formats import escape
from reverify.model.audit import Noted, Reading, Run
from reverify.model.outcome import ClaimKind, Outcome

NAMESPACE = "http://www.loc.gov/premis/v3"
_SCHEMA = "http://www.loc.gov/standards/premis/premis.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TERMS = "http://id.loc.gov/vocabulary/preservation"
_MOST = 5000
"""Characters of one text; paths have fewer."""
_SHOWN = 20
"""Findings of an event that are written out; the rest is counted."""
_TERM_OF = {
    Outcome.CONFIRMED: ("success", "suc"),
    Outcome.REFUTED: ("fail", "fai"),
    Outcome.UNDETERMINED: ("undetermined", None),
}
"""The term of each outcome; the vocabulary has none for what could not be told."""


class Event(NamedTuple):
    """Which event says what became of the claims of one kind."""

    kind: ClaimKind
    term: str
    code: str
    detail: str


EVENTS = (
    Event(
        ClaimKind.FIXITY,
        "fixity check",
        "fix",
        "All bytes were read; digests and sizes were compared with those that the crate"
        " states.",
    ),
    Event(
        ClaimKind.COMPLETENESS,
        "validation",
        "val",
        "Whether all that the crate and its manifests list is there.",
    ),
    Event(
        ClaimKind.CONFORMANCE,
        "validation",
        "val",
        "Whether the crate conforms to RO-Crate and to the profiles that it declares.",
    ),
)


def premis_files(rows: Iterable[Row], run: Run) -> Iterator[tuple[str, bytes]]:
    """Write a document for each crate that was read in full in a run.

    Args:
        rows: may be produced while they are written.
        run: the run that read them.

    Yields:
        a relative path, and what belongs there. Laid over the storage root, it puts the
        records of an OCFL object into its `logs`, and others beside their crates.
    """
    for row in rows:
        events = _events(row, run)
        if events:
            path = record_path(row, run.number, run.roots)
            yield path, _document(row, run, events)


def _events(row: Row, run: Run) -> list[ET.Element]:
    """An event for each kind that was tested, if fixity was and all was read."""
    if row.check.reading != Reading.FULL or row.check.run != run.number:
        return []
    if row.kinds.get(ClaimKind.FIXITY) not in _TERM_OF:
        return []
    return [
        _event(event, Outcome(row.kinds[event.kind]), row, run)
        for event in EVENTS
        if row.kinds.get(event.kind) in _TERM_OF
    ]


def _document(row: Row, run: Run, events: list[ET.Element]) -> bytes:
    root = ET.Element(
        "premis:premis",
        {
            "xmlns:premis": NAMESPACE,
            "xmlns:xsi": _XSI,
            "xsi:schemaLocation": f"{NAMESPACE} {_SCHEMA}",
            "version": "3.0",
        },
    )
    root.append(_object(row))
    root.extend(events)
    root.append(_agent(run))
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _object(row: Row) -> ET.Element:
    """The crate: where it is, and what its bytes are known by."""
    made = ET.Element("premis:object", {"xsi:type": "premis:representation"})
    _identifier(made, "object", *_location(row))
    if row.check.digest:
        _identifier(made, "object", "sha256", row.check.digest)
    return made


def _location(row: Row) -> tuple[str, str]:
    crate = row.check.crate
    return ("URI" if "://" in crate else "path"), crate


def _event(event: Event, outcome: Outcome, row: Row, run: Run) -> ET.Element:
    made = ET.Element("premis:event")
    name = f"urn:reverify:event:{run.seal}:{run.number}:{event.kind}:{row.check.crate}"
    name = name.encode("utf-8", "backslashreplace").decode()
    _identifier(made, "event", "UUID", str(uuid5(NAMESPACE_URL, name)))
    _term(made, "eventType", event.term, event.code)
    _add(made, "eventDateTime", row.check.at)
    _add(_add(made, "eventDetailInformation"), "eventDetail", event.detail)
    told = _add(made, "eventOutcomeInformation")
    _term(told, "eventOutcome", *_TERM_OF[outcome])
    for note in _notes(row, event.kind):
        _add(_add(told, "eventOutcomeDetail"), "eventOutcomeDetailNote", note)
    agent = _identifier(made, "linkingAgent", "URI", _agent_id(run))
    _term(
        agent, "linkingAgentRole", "executing program", "exe", "eventRelatedAgentRole"
    )
    linked = _identifier(made, "linkingObject", *_location(row))
    _term(linked, "linkingObjectRole", "source", "sou", "eventRelatedObjectRole")
    return made


def _notes(row: Row, kind: ClaimKind) -> Iterator[str]:
    """What was found of a kind, and how much of it."""
    found = [f for f in row.findings if f.rule.partition("/")[0] == kind]
    if not found and kind is ClaimKind.FIXITY and row.check.files is not None:
        size = "" if row.check.bytes is None else f", {row.check.bytes} bytes"
        yield f"{row.check.files} files{size}"
    yield from map(_note, found[:_SHOWN])
    if len(found) > _SHOWN:
        yield f"... and {len(found) - _SHOWN} more"


def _note(finding: Noted) -> str:
    return f"{finding.outcome}, {finding.level}, {finding.rule}: {finding.reason}"


def _agent(run: Run) -> ET.Element:
    made = ET.Element("premis:agent")
    _identifier(made, "agent", "URI", _agent_id(run))
    _add(made, "agentName", "reverify")
    _term(made, "agentType", "software", "sof")
    _add(made, "agentVersion", run.tool)
    return made


def _agent_id(run: Run) -> str:
    return f"urn:reverify:tool:{escape.uri(run.tool)}"


def _identifier(parent: ET.Element, what: str, type: str, value: str) -> ET.Element:
    """An identifier: of an object, an event, an agent, or a link to one."""
    made = _add(parent, f"{what}Identifier")
    _add(made, f"{what}IdentifierType", type)
    _add(made, f"{what}IdentifierValue", value)
    return made


def _term(
    parent: ET.Element, name: str, term: str, code: str | None, scheme: str = ""
) -> None:
    """A term of a vocabulary of the Library of Congress, or a word of our own."""
    made = _add(parent, name, term)
    if code:
        uri = f"{_TERMS}/{scheme or name}"
        made.set("authority", scheme or name)
        made.set("authorityURI", uri)
        made.set("valueURI", f"{uri}/{code}")


def _add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    made = ET.SubElement(parent, f"premis:{name}")
    if text is not None:
        made.text = escape.xml(text, _MOST)
    return made
