"""Everything that reverify raises.

    ReverifyError
    ├── UsageError         the question cannot be asked: a bad option, no such input
    │   ├── MissingError       there is nothing at a location
    │   └── ManifestError      a manifest does not say what its schema asks for
    ├── CapsuleError       a capsule cannot be kept, found or exported as it is
    ├── StoreError         the database cannot be reached, read or written
    │   ├── DamagedError       what it holds is not what was put there
    │   └── BusyError          others are doing what is to be done alone
    ├── CrateError         the crate cannot be read as one
    │   ├── UnsafeNameError   a name in it may not be used as a path
    │   └── LimitError        reading on would pass a budget
    ├── SandboxError       the sandbox itself failed
    ├── LackError          what it takes to run something again is not to be had here
    └── ServiceError       something outside this process did not answer
        ├── RefusedError      we do not ask it: no public address, no URL
        ├── MissingObjectError   a repository lacks what another object of it names
        ├── DamagedObjectError   an object of a repository is not what its id says
        └── TooLargeError     objects of a repository are more than we read

A refuted claim is a finding, never an exception. Exceptions say that we could not
work. Exit codes and HTTP status belong to the faces.
"""

from collections.abc import Sequence


class ReverifyError(Exception):
    """The root of all that we raise."""


class UsageError(ReverifyError):
    """The question cannot be asked as it was put; nothing was judged."""


class MissingError(UsageError):
    """There is nothing at a location: we looked, and were told so."""


class ManifestError(UsageError):
    """A manifest cannot be read as one.

    Args:
        name: the file, or whatever else it came from.
        faults: what is wrong, one sentence each, with the place and what to do.
        pointers: the JSON pointers of those places, in the same order; none if it is
            not even a JSON object.
    """

    def __init__(
        self, name: str, faults: Sequence[str], pointers: Sequence[str] = ()
    ) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for fault in faults))
        self.name = name
        self.faults = tuple(faults)
        self.pointers = tuple(pointers)


class CapsuleError(ReverifyError):
    """A capsule cannot be kept, found or exported as it is; nothing was written.

    Args:
        reasons: one sentence each, with the file or value and what to do. What several
            files have in common is said once.
    """

    def __init__(self, *reasons: str) -> None:
        self.reasons = tuple(dict.fromkeys(reasons))
        super().__init__("; ".join(self.reasons))


class PolicyError(ReverifyError):
    """A policy file cannot be used.

    Args:
        reasons: every fault, with the file and the place; sentences for a person.
    """

    def __init__(self, *reasons: str) -> None:
        self.reasons = tuple(dict.fromkeys(reasons))
        super().__init__("; ".join(self.reasons))


class StoreError(ReverifyError):
    """The database cannot be reached, read or written as it is; says what to do."""


class DamagedError(StoreError):
    """What a database holds is not what was put there; it is not served as data.

    Args:
        what: is wrong, with it and where.
        fix: what to do; for whoever did not look for damage.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what}; {fix}" if fix else what)
        self.what = what


class BusyError(StoreError):
    """Others are doing what only one may do at a time."""


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


class RefusedError(ServiceError):
    """We refuse to ask it; asking again would not help."""


class MissingObjectError(ServiceError):
    """A repository lacks an object that another one names; nothing is refuted by it."""


class DamagedObjectError(ServiceError):
    """An object of a repository cannot be read, or its bytes do not have its id."""


class TooLargeError(ServiceError):
    """Objects of a repository, one or all together, are more than we read."""


class SandboxError(ReverifyError):
    """The sandbox itself failed; it says nothing of what should have run in it."""


class LackError(ReverifyError):
    """Something that it takes to run a thing again is not to be had here.

    Args:
        what: the end of a sentence, `podman, docker and apptainer are missing`.
        fix: what to do about it.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
