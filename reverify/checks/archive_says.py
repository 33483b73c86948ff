"""What the archive says while one crate is tested; nothing is asked twice."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverify.model.finding import Evidence
from reverify.model.swhid import TYPES, Swhid
from reverify.services.software_heritage import (
    Answer,
    Asked,
    CouldNotTell,
    Held,
    Known,
    NotHeld,
    Served,
    Withheld,
)
from reverify.services.software_heritage.tags import follow_tags

if TYPE_CHECKING:
    from reverify.services.software_heritage import Archive
    from reverify.services.software_heritage.objects import Snapshot
    from reverify.services.software_heritage.origins import Origin, Visits

_KEPT = re.compile("refs/(?:heads|tags)/.+")


class Trouble(Exception):  # noqa: N818 - it is no fault of ours
    """Why something could not be told.

    Args:
        rule: what kind of trouble.
        reason: the end of a sentence.
        evidence: what was answered.
    """

    def __init__(
        self, rule: str, reason: str, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.evidence = evidence


def evidence_of(asked: Asked, method: str, observed: str) -> Evidence:
    """An answer of the archive, as evidence."""
    kept = ", answered before and kept" if asked.kept else ""
    status = "" if asked.status is None else f" (status {asked.status}{kept})"
    return Evidence(f"{method}{status}", observed, asked.at, asked.url)


def trouble_of(answer: object, what: str) -> Trouble:
    """Why an answer tells nothing."""
    match answer:
        case Withheld():
            state = ", ".join(f"{swhid} {status}" for swhid, status in answer.objects)
            seen = (evidence_of(answer.asked, "asked for it", state or "masked"),)
            said = f"the archive has {what} and does not show it ({state})"
            return Trouble("archival/withheld", said, seen)
        case CouldNotTell():
            later = ""
            if answer.retry_at is not None:
                later = f"; ask again after {answer.retry_at:%Y-%m-%dT%H:%M:%SZ}"
            asked = answer.asked
            said = f"the archive could not tell of {what}: {answer.reason}{later}"
            if asked is None:
                return Trouble("archival/unclear", said)
            seen = (evidence_of(asked, "asked for it", "no answer"),)
            return Trouble("archival/unclear", said, seen)
        case NotHeld():
            seen = (evidence_of(answer.asked, "asked for it", "not found"),)
            said = f"the archive says that it knows {what}, and does not find it"
            return Trouble("archival/contradictory", said, seen)
    return Trouble("archival/unclear", f"the archive gave no answer on {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The root directory of something, by the archive's word.

    Attributes:
        id: 40 hexadecimal digits.
        evidence: what was asked on the way.
    """

    id: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """What a snapshot shows of a commit.

    Attributes:
        what: the SWHID that was looked for.
        said: the end of a sentence, or "".
        proposal: the reference that alone points to it, if that is no branch or tag.
        evidence: what was asked.
    """

    what: str = ""
    said: str = ""
    proposal: str = ""
    evidence: tuple[Evidence, ...] = ()


class Desk:
    """Where the archive is asked, for one crate.

    Args:
        archive: whom to ask.
        cores: the core SWHIDs that will be asked about; asked all at once.
    """

    def __init__(self, archive: "Archive", cores: Iterable[str]) -> None:
        self.archive = archive
        self.spend = archive.allowance()
        self._known: dict[str, Known] = archive.known(cores, allowance=self.spend)
        self._origins: dict[str, Answer[Origin]] = {}
        self._snapshots: dict[str, Answer[Snapshot]] = {}

    def known(self, core: str) -> Known:
        """Whether it is known."""
        return self._known.get(core) or CouldNotTell(what=core, reason="was not asked")

    def other_types(self, swhid: Swhid, *, ask: bool) -> list[str]:
        """What is known with the same digits under another type.

        Args:
            swhid: what is not held.
            ask: whether that is worth a request.
        """
        others = [f"swh:1:{type}:{swhid.hex}" for type in TYPES if type != swhid.type]
        if ask:
            self._known |= self.archive.known(others, allowance=self.spend)
        return [core for core in others if self.is_held(core)]

    def is_held(self, core: str) -> bool:
        """Whether the archive said that it knows it."""
        return isinstance(self._known.get(core), Held)

    def origin(self, url: str) -> "Answer[Origin]":
        """The origin, in the archive's own spelling."""
        if url not in self._origins:
            found = self.archive.origins.find(url, allowance=self.spend)
            self._origins[url] = found
        return self._origins[url]

    def visits(self, url: str, snapshot: str) -> "Answer[Visits]":
        """The visits to an origin, until one saw the snapshot."""
        return self.archive.origins.visits(url, snapshot=snapshot, allowance=self.spend)

    def snapshot(self, id: str) -> "Answer[Snapshot]":
        """All branches of a snapshot."""
        if id not in self._snapshots:
            found = self.archive.snapshot(id, allowance=self.spend)
            self._snapshots[id] = found
        return self._snapshots[id]

    def tip(self, snapshot: str, swhid: Swhid) -> Tip:
        """Whether a branch or tag of a snapshot points to the commit of a SWHID.

        That none does says nothing: the commit may be one before.
        """
        what = next(
            (
                core
                for core in (swhid.core, swhid.qualifier("anchor") or "")
                if core.startswith(("swh:1:rev:", "swh:1:rel:"))
            ),
            "",
        )
        if not what:
            return Tip()
        answer = self.snapshot(snapshot)
        if not isinstance(answer, Served):
            return Tip(what=what)
        short, hex = what.split(":")[2:]
        names = [
            name
            for name, branch in answer.value.branches.items()
            if branch and branch.target == hex and branch.type == TYPES[short]
        ]
        kept = [name for name in names if _KEPT.fullmatch(name)]
        own = answer.value.recomputed() == snapshot
        method = "branches of the snapshot" + (", hashed to its id" if own else "")
        is_all = True
        if not kept and short == "rev":
            tag, is_all = follow_tags(self.archive, answer.value, hex, self.spend)
            kept = [tag] if tag else []
        shown = (kept or names or ["none points to it"])[0]
        evidence = (evidence_of(answer.asked, method, shown),)
        if kept:
            said = f", where {kept[0]} pointed to {what}"
            return Tip(what=what, said=said, evidence=evidence)
        if names and is_all:
            return Tip(what=what, proposal=names[0], evidence=evidence)
        said = f"; no branch or tag pointed to {what} itself, which may be older"
        return Tip(what=what, said=said, evidence=evidence)

    def confirm_root(self, anchor: str, root: Root, claimed: Swhid | None) -> None:
        """Hold what the archive says of a revision against the revision's own bytes.

        Args:
            anchor: a core SWHID; only revisions are looked at.
            root: the directory that the archive says.
            claimed: the directory that the crate says, if it is to be the root.

        Raises:
            Trouble: the archive contradicts itself.
        """
        if not anchor.startswith("swh:1:rev:"):
            return
        answer = self.archive.raw(anchor, allowance=self.spend)
        if not isinstance(answer, Served) or not answer.value.agrees:
            return
        match = re.match(rb"tree ([0-9a-f]{40})\n", answer.value.body)
        tree = match[1].decode() if match else ""
        if tree and tree != root.id:
            same = " as the crate says" if claimed and claimed.hex == tree else ""
            seen = evidence_of(
                answer.asked, "the revision's bytes, hashed to its id", tree
            )
            raise Trouble(
                "archival/contradictory",
                f"the archive says that the directory of {anchor} is {root.id}, and the"
                f" revision's own bytes say {tree}{same}",
                (*root.evidence, seen),
            )
