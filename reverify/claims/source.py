"""Source: my code is this commit of this origin, this tree, these files."""

from collections.abc import Iterator

from reverify.crates.code import references
from reverify.crates.code_files import (
    SourceFile,
    Speaker,
    agreements,
    source_files,
    speakers_of,
)
from reverify.crates.crate import Crate
from reverify.model.claim import Claim, Topic
from reverify.model.code import Aspect, Said
from reverify.model.origins import without_user
from reverify.model.outcome import ClaimKind, Severity

_OBJECTS = {
    Aspect.COMMIT: Topic.COMMIT,
    Aspect.TREE: Topic.TREE,
    Aspect.TAG: Topic.TAG,
    Aspect.BLOB: Topic.BLOB,
}
_REMARKS = {
    Aspect.HINT: (Topic.PIN, Severity.NOTE),
    Aspect.MALFORMED: (Topic.FORM, Severity.WARNING),
    Aspect.ODD: (Topic.SPELLING, Severity.NOTE),
}


def claims(crate: Crate) -> Iterator[Claim]:
    """All that a crate says of its code, each thing once an entity."""
    speakers = speakers_of(crate)
    for speaker in speakers:
        seen = set()
        for claim in _claims_of(crate, speaker):
            if (claim.topic, claim.expected) not in seen:
                seen.add((claim.topic, claim.expected))
                yield claim
    for file in source_files(crate, speakers):
        yield _claim_of_file(crate, file)


def _claims_of(crate: Crate, speaker: Speaker) -> Iterator[Claim]:
    for said in speaker.said:
        if said.aspect in _OBJECTS:
            yield _claim(crate, speaker, said, _OBJECTS[said.aspect], said.text)
        elif said.aspect in _REMARKS:
            topic, severity = _REMARKS[said.aspect]
            text = said.value or said.origin
            yield _claim(crate, speaker, said, topic, text, severity)
    for topic, stated in agreements(speaker).items():
        first = stated[0]
        text = f"origin:{first.origin}" if topic is Topic.ORIGINS else first.text
        yield _claim(crate, speaker, first, topic, text)
    if speaker.origins and speaker.entity:
        for said in speaker.said:
            if said.own and said.aspect is Aspect.COMMIT:
                text = f"reached:{said.text}"
                yield _claim(
                    crate, speaker, said, Topic.REACHED, text, Severity.WARNING
                )
    if speaker.unread:
        nothing = Said(aspect=Aspect.HINT)
        yield _claim(crate, speaker, nothing, Topic.READING, "text", Severity.NOTE)


def _claim(  # noqa: PLR0917 - all of them are what a claim is made of
    crate: Crate,
    speaker: Speaker,
    said: Said,
    topic: Topic,
    expected: str,
    severity: Severity = Severity.ERROR,
) -> Claim:
    path = speaker.file or crate.locate(speaker.subject).path
    if speaker.file and said.aspect is Aspect.BLOB:
        path = None  # a file about code names contents of the code, not its own
    return Claim(
        kind=ClaimKind.SOURCE,
        topic=topic,
        subject=speaker.subject,
        expected=without_user(expected),
        stated_in=speaker.place(crate, said.pointer),
        path=path,
        severity=severity,
    )


def _claim_of_file(crate: Crate, file: SourceFile) -> Claim:
    place = crate.metadata.place(file.pointer) if crate.metadata else None
    assert place is not None  # noqa: S101 - no entity without a document
    return Claim(
        kind=ClaimKind.SOURCE,
        topic=Topic.SOURCE_FILE,
        subject=file.subject,
        expected=file.expected,
        stated_in=place,
        path=file.path,
    )


__all__ = ["claims", "references"]
