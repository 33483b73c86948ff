"""What a policy says of findings: which it tolerates, why and until when."""

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from reverify.model.reading import table_of_texts, text


class Tolerated(NamedTuple):
    """An exception from a rule.

    Attributes:
        rule: the id of the rule.
        reason: why its findings are tolerated; in the words of whoever says so.
        until: the last day on which they are, in UTC.
    """

    rule: str
    reason: str
    until: date

    def to_dict(self) -> dict[str, str]:
        """The exception as a finding has it, which names the rule itself."""
        return {"reason": self.reason, "until": self.until.isoformat()}

    @classmethod
    def from_dict(cls, rule: str, data: dict[str, Any]) -> "Tolerated":
        """Read an exception back from a finding."""
        until = date.fromisoformat(text(data, "until"))
        return cls(rule, text(data, "reason"), until)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyName:
    """Which policy judged.

    Attributes:
        file: the file, as the user wrote it.
        name: what the policy calls itself; may be empty.
        sha256: the digest of the file's bytes.
    """

    file: str
    name: str
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """The policy as the verdict has it."""
        digest = {"sha256": self.sha256}
        return {"file": self.file, "name": self.name, "digest": digest}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PolicyName":
        """Read it back from a report."""
        digest = table_of_texts(data, "digest")
        return cls(
            file=text(data, "file"), name=text(data, "name"), sha256=digest["sha256"]
        )
