"""The shape of what judges profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from reverify.crates.crate import Crate
from reverify.model.outcome import Severity


class Breach(NamedTuple):
    """One way in which a crate does not follow a rule.

    Attributes:
        rule: the permanent id of the rule.
        subject: the @id of the entity spoken of.
        reason: one sentence.
        pointer: the JSON pointer of the spot, as far as it is known.
        severity: the level of the rule, where it is not in our own table.
        observed: the value found, if it is known.
        clause: the address of the clause of the specification.
        expected: what should be so, where the profile alone does not tell the breach
            from others of the same entity.
    """

    rule: str
    subject: str
    reason: str
    pointer: str = ""
    severity: Severity | None = None
    observed: str | None = None
    clause: str = ""
    expected: str = ""


class Passed(NamedTuple):
    """A rule of a profile that the crate follows, or that was not looked at.

    Attributes:
        rule: the permanent id of the rule.
        name: what it asks, in the words of the engine.
        severity: its level.
        clause: the address of the clause of the specification.
        skipped: why it was not looked at; empty if it was.
    """

    rule: str
    name: str
    severity: Severity
    clause: str
    skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an engine says of a crate under one profile.

    Attributes:
        profile: the engine's id of the profile.
        passed: the rules that the crate follows, and those not looked at.
        breaches: the rules that it does not.
        obstacle: why the profile could not be judged; empty if it was.
    """

    profile: str
    passed: tuple[Passed, ...] = ()
    breaches: tuple[Breach, ...] = ()
    obstacle: str = ""


class Engine(Protocol):
    """Something that judges crates under profiles."""

    @property
    def name(self) -> str:
        """Name and version, for evidence."""

    def start(self) -> None:
        """A crate is about to be judged: get ready while it is being read."""

    def profile_of(self, uri: str) -> str | None:
        """The engine's id of the profile behind a URI; None if it has none."""

    def judge(self, crate: Crate, profiles: Sequence[str]) -> list[Judgement]:
        """Judge a crate under some profiles and all that they build on.

        Returns:
            one judgement for each profile, in that order, then one for each profile
            that these build on, but for the versions of RO-Crate itself.
        """
