"""Conformance: it is a crate, it follows a version of RO-Crate and some profiles."""

from collections.abc import Iterator

from reverify.crates.crate import Crate
from reverify.model.claim import Claim, Place, Topic
from reverify.model.outcome import ClaimKind, Severity


def claims(crate: Crate) -> Iterator[Claim]:
    """What a crate says of its own form."""
    metadata = crate.metadata
    if metadata is None:
        yield _claim(Topic.CRATE, "./", "an RO-Crate", Place(crate.location))
        return
    yield _claim(Topic.DOCUMENT, metadata.name, "JSON-LD", metadata.place())
    if not metadata.readable:
        return
    yield _claim(Topic.CONTEXT, metadata.name, "a context", metadata.place("/@context"))
    yield _claim(
        Topic.GRAPH,
        metadata.name,
        "a graph",
        metadata.place("/@graph"),
        Severity.WARNING,
    )
    descriptor = metadata.descriptor
    subject = descriptor.id if descriptor else metadata.name
    specifications = metadata.spec_uris()
    for uri, pointer in specifications:
        yield _claim(Topic.SPECIFICATION, subject, uri, metadata.place(pointer))
    if not specifications:
        where = metadata.place(descriptor.pointer if descriptor else "/@graph")
        yield _claim(Topic.SPECIFICATION, subject, "", where)
    root = metadata.root.id if metadata.root else "./"
    for uri, pointer in metadata.profile_uris():
        yield _claim(Topic.PROFILE, root, uri, metadata.place(pointer))


def _claim(
    topic: str,
    subject: str,
    expected: str,
    where: Place,
    severity: Severity = Severity.ERROR,
) -> Claim:
    return Claim(
        kind=ClaimKind.CONFORMANCE,
        topic=topic,
        subject=subject,
        expected=expected,
        stated_in=where,
        severity=severity,
    )
