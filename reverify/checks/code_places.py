"""Where the code of one crate was found, and each place asked but once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from reverify.checks.interface import Tools, finding
from reverify.checks.own_files import Folders
from reverify.crates.code_files import Speaker, source_files, speakers_of
from reverify.crates.crate import Crate
from reverify.model.claim import Claim, Topic
from reverify.model.code import Aspect, Said
from reverify.model.finding import Evidence, Finding
from reverify.model.origins import normalised, without_user
from reverify.model.outcome import ClaimKind, Severity
from reverify.services.git.answers import (
    CouldNotTell,
    Found,
    NotFound,
    Place,
    Reachability,
    Reason,
    Why,
)
from reverify.services.git.revision import Revision

_MOST_ORIGINS = 3


class CodeSources(Protocol):
    """What can look for commits; `services.git` has one."""

    def find(
        self,
        commit: str,
        *,
        kind: str = "commit",
        origin: str | None = None,
        paths: Sequence[str] = (),
    ) -> Found | NotFound | CouldNotTell:
        """Look for a commit, tag or tree, all below it, and the contents of files."""

    def reachability(
        self, commit: str, origin: str, *, branch: str | None = None
    ) -> Reachability:
        """Tell whether a branch or tag of an origin holds on to a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A commit, tag or tree that was found, all trees below it hashed.

    Attributes:
        revision: what was found.
        source: where it was found.
        evidence: what each place answered.
        lacking: paths whose contents that place lacks.
        is_archived: whether it is the archive that gave it.
    """

    revision: Revision
    source: str
    evidence: tuple[Evidence, ...]
    lacking: tuple[str, ...] = ()
    is_archived: bool = False

    def seen(self, method: str, observed: str) -> tuple[Evidence, ...]:
        """The evidence, and one thing more that was looked at there."""
        last = self.evidence[-1]
        return (*self.evidence, Evidence(method, observed, last.at, self.source))


class Lost(NamedTuple):
    """A commit, tag or tree that was not found.

    Attributes:
        kind: what it is.
        id: its id.
        settled: whether every place that was asked says that it is not there.
        reason: what they said, as the end of a sentence.
        evidence: what each place answered.
        instead: the kind of object that has the id, if it is another.
    """

    kind: str
    id: str
    settled: bool
    reason: str
    evidence: tuple[Evidence, ...]
    instead: str = ""

    def as_finding(self, claim: Claim, question: str = "") -> Finding:
        """What becomes of a claim about it.

        Args:
            claim: that it is there; or something else of it, then with
            question: what cannot be told, `whether ... is of`.
        """
        said = f"{claim.subject}: {self.kind} {self.id} was not found: {self.reason}"
        if question:
            said = f"{claim.subject}: {question} {self.id} cannot be told: "
            said += f"that was not found: {self.reason}"
        rule = "source/unclear"
        if self.settled and self.kind == Aspect.COMMIT and not question:
            rule = "source/commit-missing"
        observed = "absent" if rule == "source/commit-missing" else None
        return finding(claim, rule, said, observed=observed, evidence=self.evidence)


class Bench:
    """What is known while the claims of one crate are tested; close it when done."""

    def __init__(self, crate: Crate, tools: Tools) -> None:
        self.crate = crate
        self.folders = Folders(crate)
        self.now = tools.services.clock.now
        self._code: CodeSources | None = tools.services.code
        speakers = speakers_of(crate)
        document = crate.metadata.file if crate.metadata else ""
        self.speakers: dict[tuple[str, str], Speaker] = {}
        for speaker in speakers:  # an @id may stand twice
            key = speaker.subject, speaker.file or document
            first = self.speakers.get(key)
            said = (*first.said, *speaker.said) if first else speaker.said
            self.speakers[key] = (first or speaker)._replace(said=said)
        self.files = {
            (file.subject, file.expected): file
            for file in source_files(crate, speakers)
        }
        self._held: dict[str, Held | Lost | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for held in self._held.values():
            if isinstance(held, Held):
                held.revision.close()

    def statement(self, claim: Claim, aspects: Sequence[Aspect]) -> Said | None:
        """What a claim was made of; the fullest, where it is said more than once."""
        found = [
            said
            for said in self.speakers[claim.subject, claim.stated_in.file].said
            if said.aspect in aspects
            and claim.expected
            in {said.text, without_user(said.value), without_user(said.origin)}
        ]
        return max(found, key=lambda s: (bool(s.under), bool(s.path)), default=None)

    def origins_of(self, claim: Claim) -> tuple[str, ...]:
        """The addresses of the repository that the speaker of a claim names."""
        speaker = self.speakers.get((claim.subject, claim.stated_in.file))
        if speaker is None:
            return ()
        if speaker.origins:
            return speaker.origins
        stated = (said for said in speaker.said if claim.expected == said.text)
        return tuple(dict.fromkeys(said.origin for said in stated if said.origin))

    def base_of(self, claim: Claim, said: Said | None) -> str | None:
        """What a tree or file is said to be of: `commit:HEX`, `tag:HEX`, `tree:HEX`.

        Returns:
            None if it is said of nothing but itself.
        """
        if said and said.under:
            return said.under
        speaker = self.speakers[claim.subject, claim.stated_in.file]
        base = speaker.base
        return base.text if base and base.text != claim.expected else None

    def revision(self, base: str, origins: Sequence[str]) -> Held | Lost | None:
        """Look for `commit:HEX`, `tag:HEX` or `tree:HEX`; None if there is nowhere to.

        Raises:
            UsageError: what the user named is no repository.
        """
        if self._code is None:
            return None
        if base not in self._held:
            self._held[base] = self._look(self._code, base, origins)
        return self._held[base]

    def _look(
        self, code: CodeSources, base: str, origins: Sequence[str]
    ) -> Held | Lost | None:
        paths = self._paths_in(base)
        kind, _, id = base.partition(":")
        answer: Found | NotFound | CouldNotTell | None = None
        for origin in origins[:_MOST_ORIGINS] or (None,):
            answer = code.find(id, kind=kind, origin=origin, paths=paths)
            if isinstance(answer, Found) or (
                isinstance(answer, CouldNotTell) and answer.revision
            ):
                break
        if isinstance(answer, Found):
            return Held(
                revision=answer.revision,
                source=answer.source,
                evidence=answer.evidence,
                is_archived=answer.place is Place.VAULT,
            )
        if isinstance(answer, CouldNotTell) and answer.revision:
            holder = _holder(answer)
            return Held(
                revision=answer.revision,
                source=holder.source,
                evidence=answer.evidence,
                lacking=answer.lacking,
                is_archived=holder.place is Place.VAULT,
            )
        reasons = answer.reasons if answer else ()
        if all(reason.why is Why.UNASKED for reason in reasons):
            return None
        said = "; ".join(dict.fromkeys(reason.text for reason in reasons))
        return Lost(
            kind=kind,
            id=id,
            settled=isinstance(answer, NotFound),
            reason=said or "there is nowhere to look",
            evidence=answer.evidence if answer else (),
            instead=next((r.instead for r in reasons if r.instead), ""),
        )

    def _paths_in(self, base: str) -> tuple[str, ...]:
        """Where files of the crate may lie in a commit, tag or tree."""
        return tuple(
            dict.fromkeys(
                path
                for file in self.files.values()
                if file.base == base
                for path in ((file.stated,) if file.stated else file.hints)
            )
        )

    def branch_of(self, claim: Claim, origin: str) -> str | None:
        """The branch of a repository that the speaker of a claim names, if any."""
        speaker = self.speakers[claim.subject, claim.stated_in.file]
        for said in speaker.said:
            here = said.aspect is Aspect.BRANCH and said.own
            if here and normalised(said.origin) == normalised(origin):
                return said.value
        return None

    def reachability(
        self, commit: str, origin: str, branch: str | None = None
    ) -> Reachability | None:
        """Ask whether a branch or tag reaches a commit; None if that is not asked."""
        if self._code is None:
            return None
        found = self._code.reachability(commit, origin, branch=branch)
        return found if found.asked else None

    def remarks(self) -> Iterator[Finding]:
        """Say of commits that were found that their contents are not all there."""
        for base, held in self._held.items():
            if isinstance(held, Held) and held.lacking:
                yield self._incomplete(base, held)

    def _incomplete(self, base: str, held: Held) -> Finding:
        first = next(c for c in self.files.values() if c.base == base)
        metadata = self.crate.metadata
        assert metadata is not None  # noqa: S101 - files are told of in a document
        listed = ", ".join(held.lacking[:3])
        more = len(held.lacking) - 3
        listed += f" and {more} more" if more > 0 else ""
        claim = Claim(
            kind=ClaimKind.SOURCE,
            topic=Topic.CONTENTS,
            subject=first.owner,
            expected=f"contents:{base}",
            stated_in=metadata.place(first.pointer),
            severity=Severity.WARNING,
        )
        reason = (
            f"{first.owner}: {held.source} has {held.revision.named} and its trees, and"
            f" lacks the contents of {listed}"
        )
        evidence = held.evidence
        return finding(claim, "source/incomplete", reason, evidence=evidence)


def _holder(answer: CouldNotTell) -> Reason:
    """The place that has the commit, and lacks contents only."""
    for reason in answer.reasons:
        if reason.why is Why.INCOMPLETE:
            return reason
    return answer.reasons[-1]
