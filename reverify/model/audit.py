"""The nouns of audits: runs, checks of crates, what was found, and drift."""

from typing import Any, NamedTuple

from reverify.model.outcome import Outcome


class Run(NamedTuple):
    """One audit of a collection.

    Attributes:
        number: from 1, over all collections.
        collection: what identifies the collection, the sha256 of its roots.
        roots: where crates were looked for.
        tool: the version of reverify.
        started: when, RFC 3339 in UTC.
        finished: when; None while it runs, or if it was interrupted.
        before: the seal of the finished run before it.
        seal: over all of its rows and the seal before it; None until it is finished.
    """

    number: int
    collection: str
    roots: tuple[str, ...]
    tool: str
    started: str
    finished: str | None = None
    before: str | None = None
    seal: str | None = None

    @property
    def state(self) -> str:
        """`finished`, or `unfinished`."""
        return "finished" if self.finished else "unfinished"

    def to_dict(self) -> dict[str, Any]:
        """The run as JSON has it."""
        return {
            "id": self.number,
            "roots": list(self.roots),
            "started": self.started,
            "finished": self.finished,
            "state": self.state,
        }


class Noted(NamedTuple):
    """One finding, as the history keeps it.

    Attributes:
        id: the same on every run.
        rule: the permanent id of the rule.
        outcome: one of the five words.
        level: error, warning or note.
        subject: the @id, or path, that it is about.
        reason: the sentence.
    """

    id: str
    rule: str
    outcome: str
    level: str
    subject: str
    reason: str

    @property
    def is_trouble(self) -> bool:
        """Whether it is an error or a warning that does not hold, or cannot be told."""
        bad = {Outcome.REFUTED.value, Outcome.UNDETERMINED.value}
        return self.outcome in bad and self.level != "note"


class Check(NamedTuple):
    """What became of one crate in one run.

    Attributes:
        run: the number of the run.
        crate: where the crate is.
        at: when it was checked, RFC 3339 in UTC.
        outcome: the verdict.
        level: the level reached, None for none.
        digest: the sha256 of what was checked; None where not all was read.
        findings: the number under which the findings are kept.
    """

    run: int
    crate: str
    at: str
    outcome: str
    level: str | None
    digest: str | None
    findings: int

    def to_dict(self) -> dict[str, Any]:
        """The check as the history of one crate has it in JSON."""
        kept = self._asdict()
        return {key: kept[key] for key in ("run", "at", "outcome", "level", "digest")}


class Change(NamedTuple):
    """One claim that is not as it was.

    Attributes:
        crate: where the crate is.
        finding: as it is now; as it was, if it vanished.
        last_confirmed: the run that last saw it well, and when; None if none did.
    """

    crate: str
    finding: Noted
    last_confirmed: tuple[int, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON has it."""
        last = self.last_confirmed
        return {
            "crate": self.crate,
            "finding": self.finding.id,
            "rule": self.finding.rule,
            "subject": self.finding.subject,
            "reason": self.finding.reason,
            "last_confirmed": {"run": last[0], "at": last[1]} if last else None,
        }


class Drift(NamedTuple):
    """What is not as it was, of all crates together."""

    broke: tuple[Change, ...] = ()
    healed: tuple[Change, ...] = ()
    new: tuple[Change, ...] = ()
    vanished: tuple[Change, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The drift as JSON has it."""
        return {
            name: [each.to_dict() for each in changes]
            for name, changes in self._asdict().items()
        }
