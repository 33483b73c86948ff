"""The nouns of audits: runs, checks of crates, what was found, and drift."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from reverify.model.outcome import ClaimKind, Outcome

OUTCOMES = ("confirmed", "refuted", "undetermined", "untested")
"""What a crate of a collection can be: a verdict, or untested if it was never read."""
_LETTERS = {
    Outcome.CONFIRMED: "c",
    Outcome.REFUTED: "r",
    Outcome.UNDETERMINED: "u",
    Outcome.UNTESTED: "-",
    Outcome.NOT_APPLICABLE: "n",
}
_BY_LETTER = {letter: outcome.value for outcome, letter in _LETTERS.items()}


class Reading(StrEnum):
    """How much of a crate was read in a run."""

    FULL = "full"
    """Every byte was read."""
    PART = "part"
    """It was checked, and not every byte was read: fixity was not asked for, a file
    could not be read, or a limit was met."""
    QUICK = "quick"
    """Only looked at: names, sizes, times, the metadata. No fixity: it says that a
    crate looks as it did when it was checked."""
    NONE = "none"
    """Not read: it could not be, the window closed, or the sample left it out."""


class Why(StrEnum):
    """Why a crate was read in full, the most urgent first; or why it was not."""

    NEW = "new"
    CHANGED = "changed"
    FAILED = "failed"
    ASKED = "asked"
    """It was asked for otherwise than last time, by another policy say."""
    DUE = "due"
    SAMPLE = "sample"
    ALL = "all"
    """All were asked for, by `--full`."""
    UNCHANGED = "unchanged"
    GONE = "gone"
    """It was there in the run before."""


def letters(kinds: Mapping[ClaimKind, Outcome]) -> str:
    """The outcome of each kind, a letter for each in their order: `ccc-n-`."""
    return "".join(_LETTERS[kinds[kind]] for kind in ClaimKind if kind in kinds)


def by_kind(written: str | None) -> dict[str, str]:
    """The outcomes that `letters` wrote, by kind; empty if there are none."""
    if not written:
        return {}
    kinds = [kind.value for kind in ClaimKind]
    return {
        kind: _BY_LETTER[letter]
        for kind, letter in zip(kinds, written, strict=False)
        if letter in _BY_LETTER
    }


class Summary(NamedTuple):
    """What a run adds up to; kept with it, and sealed.

    Attributes:
        stopped: whether its window closed before all that was due was read.
        crates: how many by outcome, the crates that were not read among them under what
            they were when they were last read.
        levels: how many by level; "" is none.
        kinds: how many by outcome, for each kind.
        readings: how many by how much was read of them.
        reasons: how many by why they were read, or why not.
        left: how many should have been read and were not, by why they should have been.
        read_bytes: bytes of the crates that were read in full.
        seconds: how long it worked on them, all processes together.
        sampled: crates of the random sample of which every byte was read; None if none
            was drawn.
        sample_bad: those of them that are damaged: completeness or fixity is refuted.
        round: which time round samples are drawn; None if none was.
        round_left: crates of the collection that no sample of this round has had yet.
    """

    stopped: bool
    crates: Mapping[str, int]
    levels: Mapping[str, int]
    kinds: Mapping[str, Mapping[str, int]]
    readings: Mapping[str, int]
    reasons: Mapping[str, int]
    left: Mapping[str, int]
    read_bytes: int
    seconds: float
    sampled: int | None = None
    sample_bad: int = 0
    round: int | None = None
    round_left: int = 0

    @property
    def total(self) -> int:
        """How many crates there are."""
        return sum(self.crates.values())

    def to_dict(self) -> dict[str, Any]:
        """The counts of crates as JSON has them."""
        return {
            "total": self.total,
            **{name: self.crates.get(name, 0) for name in OUTCOMES},
            **{name.value: self.readings.get(name, 0) for name in Reading},
        }


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
        options: what was asked for, as JSON knows it; by it the sample can be drawn
            again, and two runs be told to have asked the same.
        summary: what it adds up to; None until it is finished.
    """

    number: int
    collection: str
    roots: tuple[str, ...]
    tool: str
    started: str
    finished: str | None = None
    before: str | None = None
    seal: str | None = None
    options: Mapping[str, Any] = {}
    summary: Summary | None = None

    @property
    def state(self) -> str:
        """`finished`, `stopped` as its window closed, or `unfinished`."""
        if not self.finished:
            return "unfinished"
        return "stopped" if self.summary and self.summary.stopped else "finished"

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
        tolerated: whether a policy made an exception for it.
    """

    id: str
    rule: str
    outcome: str
    level: str
    subject: str
    reason: str
    tolerated: bool = False

    @property
    def is_trouble(self) -> bool:
        """Whether it is an error or a warning that does not hold, or cannot be told."""
        bad = {Outcome.REFUTED.value, Outcome.UNDETERMINED.value}
        return self.outcome in bad and self.level != "note" and not self.tolerated


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
        reading: how much of it was read.
        why: why it was read, or why not.
        kinds: the outcome of each kind, as `letters` writes them; None if unknown.
        read: the run that last checked it by reading it; None if none did.
        last_full: the run that last read every byte of it; None if none did.
        files: how many files it had when it was read.
        bytes: how many bytes they had.
        seconds: how long reading it took.
    """

    run: int
    crate: str
    at: str
    outcome: str
    level: str | None
    digest: str | None
    findings: int
    reading: str = Reading.FULL
    why: str = Why.NEW
    kinds: str | None = None
    read: int | None = None
    last_full: int | None = None
    files: int | None = None
    bytes: int | None = None
    seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The check as the history of one crate has it in JSON."""
        kept = self._asdict()
        names = "run at outcome level digest reading why read last_full"
        return {name: kept[name] for name in names.split()} | {
            "kinds": by_kind(self.kinds)
        }


class Known(NamedTuple):
    """What the history knows of a crate, as its last finished run left it.

    Attributes:
        crate: the number of the crate.
        location: where it is.
        findings: the number of what was found.
        outcome: the verdict.
        level: the level reached.
        kinds: the outcome of each kind.
        why: why it was read, or why not.
        read: the run that last checked it by reading it; None if none did.
        full: the run that last read every byte of it; None if none did.
        at: when it was last checked by reading it; None if never.
        stamp: what it looked like then; None if that was not to be told.
        files: how many files it had then.
        bytes: how many bytes they had.
        seconds: how long reading it took.
    """

    crate: int
    location: str
    findings: int
    outcome: str
    level: str | None
    kinds: str | None
    why: str
    read: int | None
    full: int | None
    at: str | None
    stamp: bytes | None
    files: int | None
    bytes: int | None
    seconds: float | None


class Looked(NamedTuple):
    """A crate that was not read in full in a run.

    Attributes:
        location: where it is.
        known: what the history knows of it; None if it is new.
        reading: quick if it was looked at, else none.
        why: why it should have been read, or `unchanged`.
    """

    location: str
    known: Known | None
    reading: Reading
    why: Why


class Result(NamedTuple):
    """What became of a crate that was checked, ready to be kept.

    Attributes:
        location: where the crate is.
        at: when it was checked, RFC 3339 in UTC.
        outcome: the verdict.
        level: the level reached, None for none.
        kinds: the outcome of each kind, as `letters` writes them; None if unknown.
        digest: the sha256 of what was checked; None where not all was read.
        files: how many files it has.
        size: how many bytes they have.
        seconds: how long it took.
        findings: what was found, packed.
        sha256: of what was found, before it was packed.
        answers: what the archive said of which identifier, and when it was asked.
    """

    location: str
    at: str
    outcome: str
    level: str | None
    kinds: str | None
    digest: str | None
    files: int | None
    size: int | None
    seconds: float
    findings: bytes
    sha256: str
    answers: tuple[tuple[str, str, str], ...] = ()

    @property
    def reading(self) -> Reading:
        """How much of it was read."""
        if self.digest:
            return Reading.FULL
        return Reading.PART if self.files else Reading.NONE


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


class Coverage(NamedTuple):
    """How long ago crates were last read in full: those of one span of time.

    Attributes:
        days: at most so many days ago, and more than in the span before; None for
            those that were never read.
        crates: how many.
        bytes: of them, as far as known.
    """

    days: int | None
    crates: int
    bytes: int


class Trouble(NamedTuple):
    """How much is wrong under one rule.

    Attributes:
        rule: the permanent id.
        crates: in how many crates.
        findings: how many findings.
        bytes: of those crates, as far as known.
    """

    rule: str
    crates: int
    findings: int
    bytes: int


class BadCrate(NamedTuple):
    """A crate that is not confirmed, and what is wrong with it.

    Attributes:
        check: what became of it.
        findings: errors and warnings that do not hold, or cannot be told.
        since: the run in which its verdict became what it is, and when.
    """

    check: Check
    findings: tuple[Noted, ...]
    since: tuple[int, str]


class Overview(NamedTuple):
    """How a collection stands: what `audit status` and `audit report` tell.

    Attributes:
        run: the last finished run; its summary is how the crates stand now.
        runs: all finished runs of the collection, the first one first.
        due: crates to be read in full within the next tenth of the period.
        overdue: crates that should have been read in full by now.
        never: crates that were never read in full.
        coverage: all crates by the age of the last full reading, the youngest first.
        trouble: what is wrong, the most crates first.
        bad: crates that are not confirmed, the refuted ones first, by place.
        drift: what changed in the last run.
    """

    run: Run
    runs: tuple[Run, ...]
    due: int
    overdue: int
    never: int
    coverage: tuple[Coverage, ...]
    trouble: tuple[Trouble, ...]
    bad: tuple[BadCrate, ...]
    drift: Drift
