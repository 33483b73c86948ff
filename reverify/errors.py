"""Everything that reverify raises.

    ReverifyError
    ├── UsageError         the question cannot be asked: a bad option, no such input
    ├── CrateError         the crate cannot be read as one
    │   ├── UnsafeNameError   a name in it may not be used as a path
    │   └── LimitError        reading on would pass a budget
    └── ServiceError       something outside this process did not answer

A refuted claim is a finding, never an exception. Exceptions say that we could not
work. Exit codes and HTTP status belong to the faces.
"""


class ReverifyError(Exception):
    """The root of all that we raise."""


class UsageError(ReverifyError):
    """The question cannot be asked as it was put; nothing was judged."""


class CrateError(ReverifyError):
    """A crate, or one file of it, cannot be read.

    Args:
        reason: one sentence for a person.
        rule: the permanent id of the rule that the input breaks.
        subject: the name in the crate that the sentence is about.
    """

    def __init__(self, reason: str, *, rule: str, subject: str = "./") -> None:
        super().__init__(reason)
        self.reason = reason
        self.rule = rule
        self.subject = subject


class UnsafeNameError(CrateError):
    """A name in a crate may not be used as a path."""

    def __init__(self, reason: str, *, subject: str = "./") -> None:
        super().__init__(reason, rule="completeness/path-unsafe", subject=subject)


class LimitError(CrateError):
    """Reading on would pass a budget: undetermined, never refuted."""

    def __init__(self, reason: str, *, subject: str = "./") -> None:
        super().__init__(reason, rule="completeness/limit-reached", subject=subject)


class ServiceError(ReverifyError):
    """Something outside this process did not answer, or was not asked."""
