"""The nouns of a capsule: its manifest, and the files that the manifest speaks of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

SCHEMA_VERSION = "1.0"


class Status(StrEnum):
    """How far an analysis is."""

    DRAFT = "draft"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come; only then is there something to export."""
        return self in {Status.COMPLETED, Status.FAILED}


class Role(StrEnum):
    """What a file was to the run."""

    INPUT = "input"
    OUTPUT = "output"
    CODE = "code"
    LOCK = "lock file"
    OTHER = "other file"


class FileRecord(NamedTuple):
    """A file as the manifest speaks of it.

    Attributes:
        role: what it was to the run.
        pointer: where in the manifest it stands, as a JSON pointer.
        record: what is said of it, as in the manifest.
    """

    role: Role
    pointer: str
    record: Mapping[str, Any]

    @property
    def path(self) -> str | None:
        """Its POSIX path from the folder of the manifest; None if it is not kept."""
        return self.record.get("path")

    @property
    def url(self) -> str | None:
        """Where it can be had too, or only."""
        return self.record.get("url")

    @property
    def sha256(self) -> str | None:
        """The digest stated of it, lower-case hexadecimal."""
        return self.record.get("sha256")

    @property
    def size(self) -> int | None:
        """The size stated of it, in bytes; 3.0 is a whole number too in JSON."""
        size = self.record.get("size")
        return None if size is None else int(size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of a capsule, read and found to fit its schema.

    What it says is read from `document` by key, since a value that is null, one that
    is missing and one that is empty say three different things.

    Attributes:
        data: the bytes it was read from.
        document: what they say.
    """

    data: bytes
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id of the capsule, a UUID in lower case."""
        return str(self.document["id"])

    @property
    def title(self) -> str:
        """What to call the capsule."""
        return str(self.document["title"])

    @property
    def status(self) -> Status:
        """How far the analysis is."""
        return Status(self.document["status"])

    @property
    def sha256(self) -> str:
        """The digest of its bytes, lower-case hexadecimal."""
        import hashlib  # noqa: PLC0415 - `reverify --help` does without

        return hashlib.sha256(self.data).hexdigest()

    def part(self, name: str) -> Mapping[str, Any]:
        """An object of the manifest, `code` say; empty if it is null or missing."""
        return self.document.get(name) or {}

    def files(self) -> Iterator[FileRecord]:
        """Every file that it speaks of: inputs, outputs, others, code, lock file."""
        keys = {"inputs": Role.INPUT, "outputs": Role.OUTPUT, "files": Role.OTHER}
        for key, role in keys.items():
            for index, record in enumerate(self.document.get(key) or ()):
                yield FileRecord(role, f"/{key}/{index}", record)
        for index, record in enumerate(self.part("code").get("files") or ()):
            yield FileRecord(Role.CODE, f"/code/files/{index}", record)
        lock_file = self.part("environment").get("lock_file")
        if lock_file is not None:
            yield FileRecord(Role.LOCK, "/environment/lock_file", lock_file)
