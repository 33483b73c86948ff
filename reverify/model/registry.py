"""The nouns of the registry: versions of capsules, and where their files are kept."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from reverify.model.capsule import Role


class Place(StrEnum):
    """Where a file of a capsule is kept."""

    FOLDER = "folder"
    STORE = "store"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of a version of a capsule, as the registry found it.

    Attributes:
        role: what it was to the run.
        path: its POSIX path, as in the manifest.
        sha256: the digest of its bytes; None if nobody told and nobody looked.
        size: its size in bytes; None likewise.
        place: where it is kept.
        base: the folder below which it lies, absolute; None if it is kept elsewhere.
    """

    role: Role
    path: str
    sha256: str | None
    size: int | None
    place: Place
    base: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "role": str(self.role),
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
            "kept": str(self.place),
            "base": self.base,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a capsule.

    Attributes:
        sequence: which registration it was, of all capsules, from 1 on.
        capsule: the id of the capsule, a UUID in lower case.
        number: which version of this capsule it is, from 1 on.
        created: when it was registered, RFC 3339 in UTC.
        title: the title that its manifest states.
        status: the status that its manifest states.
        manifest_sha256: the digest of the bytes of its manifest.
        files_sha256: the digest of the list of its files.
        previous: the digest of the version of this capsule before; None for the first.
        before: the digest of the version registered before, of whatever capsule.
        digest: the digest over all of these.
        is_new: whether the call that gave it made it.
    """

    sequence: int
    capsule: str
    number: int
    created: str
    title: str
    status: str
    manifest_sha256: str
    files_sha256: str
    previous: str | None
    before: str | None
    digest: str
    is_new: bool = field(default=False, compare=False)

    @property
    def name(self) -> str:
        """How to ask for it: `ID@NUMBER`."""
        return f"{self.capsule}@{self.number}"

    def as_new(self) -> Self:
        """The same, said to be made just now."""
        return replace(self, is_new=True)

    def to_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "id": self.capsule,
            "version": self.number,
            "title": self.title,
            "status": self.status,
            "registered": self.created,
            "manifest_sha256": self.manifest_sha256,
            "files_sha256": self.files_sha256,
            "previous": self.previous,
            "sequence": self.sequence,
            "before": self.before,
            "digest": self.digest,
        }
