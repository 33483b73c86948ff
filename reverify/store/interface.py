"""The verbs that the registry needs of a store, whatever keeps it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

from reverify.model.registry import KeptFile, Version


class Link(NamedTuple):
    """Where the chain can be taken up.

    Attributes:
        sequence: the number of registrations so far, of all capsules.
        digest: the digest of the last of them; None if there is none.
        latest: the latest version of the capsule in question; None if there is none.
    """

    sequence: int
    digest: str | None
    latest: Version | None


class Entry(NamedTuple):
    """A version to be kept, with all that belongs to it."""

    version: Version
    manifest: bytes
    files: tuple[KeptFile, ...]


class Head(NamedTuple):
    """Where the chain of all registrations ends."""

    sequence: int
    digest: str | None


class Store(ABC):
    """Keeps versions of capsules; computes nothing, and judges nothing.

    What it returns is what it holds: whoever asks looks whether digests agree.

    Raises (every verb):
        StoreError: the database cannot be reached, read or written.
        DamagedError: it can be read no more.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call it in a sentence, without a password."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether it was ever written to; asking makes nothing."""

    @abstractmethod
    def append(
        self, capsule: str, make: Callable[[Link], Entry | None]
    ) -> Version | None:
        """Add a version; all of it is there afterwards, or nothing.

        Args:
            capsule: its id.
            make: told where the chain ends, gives what to add, or None. Nobody else
                writes meanwhile.

        Returns:
            the version that was added, or the latest there is if none was.
        """

    @abstractmethod
    def version(self, capsule: str, number: int | None = None) -> Version | None:
        """A version of a capsule, the latest if no number is given."""

    @abstractmethod
    def versions(self, capsule: str) -> Iterator[Version]:
        """All versions of a capsule, the first one first."""

    @abstractmethod
    def capsules(
        self,
        *,
        status: str | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> Iterator[Version]:
        """The latest version of each capsule, the last registered first.

        Args:
            status: only those of this status.
            before: only those registered before the one of this sequence.
            after: only those registered after, and then the first one first.
        """

    @abstractmethod
    def matching(self, prefix: str, most: int) -> tuple[str, ...]:
        """Ids of capsules that begin so, in order, `most` of them."""

    @abstractmethod
    def manifest(self, sequence: int) -> bytes | None:
        """The bytes of the manifest of a version."""

    @abstractmethod
    def files(self, sequence: int) -> tuple[KeptFile, ...]:
        """The files of a version, in the order of its manifest."""

    @abstractmethod
    def history(self) -> Iterator[Version]:
        """Every version of every capsule, in the order of their registration."""

    @abstractmethod
    def one(self, sequence: int) -> Version | None:
        """The version of that registration."""

    @abstractmethod
    def head(self) -> Head:
        """Where the chain of all registrations ends."""

    @abstractmethod
    def faults(self) -> Iterator[str]:
        """What the database itself, and its tables among each other, have to report."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""
