"""Archival: this SWHID is held by the Software Heritage archive, and was seen there."""

from collections.abc import Iterator

from reverify.crates.code_files import speakers_of
from reverify.crates.crate import Crate
from reverify.crates.identifiers import core_swhids, identifiers, statements
from reverify.model.claim import Claim, Topic
from reverify.model.code import Aspect
from reverify.model.outcome import ClaimKind, Severity

_SHA256_DIGITS = 64


def claims(crate: Crate) -> Iterator[Claim]:
    """What every SWHID says: that it is held, and where it was seen."""
    found = identifiers(crate)
    seen = set()
    for topic, expected, identifier in statements(found):
        key = topic, identifier.subject, expected, identifier.path
        if key not in seen:
            seen.add(key)
            yield Claim(
                kind=ClaimKind.ARCHIVAL,
                topic=topic,
                subject=identifier.subject,
                expected=expected,
                stated_in=identifier.place,
            )
    yield from _inexpressible(crate)


def _inexpressible(crate: Crate) -> Iterator[Claim]:
    """Commits of SHA-256 repositories, which have no SWHID of version 1."""
    for speaker in speakers_of(crate):
        for said in speaker.said:
            if said.aspect is Aspect.COMMIT and len(said.value) == _SHA256_DIGITS:
                yield Claim(
                    kind=ClaimKind.ARCHIVAL,
                    topic=Topic.SWHID,
                    subject=speaker.subject,
                    expected=said.text,
                    stated_in=speaker.place(crate, said.pointer),
                    severity=Severity.NOTE,
                )
                break


__all__ = ["claims", "core_swhids"]
