"""A report: one crate, its findings and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reverify.model.finding import Finding, identified, timestamp
from reverify.model.reading import (
    count,
    moment,
    rows,
    table,
    table_of_texts,
    text,
    text_or_none,
    texts,
)
from reverify.model.verdict import Verdict

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was checked.

    Attributes:
        location: where it was found, as the user wrote it.
        format: directory, zip, tar, document, bag, bag-zip, bag-tar, ocfl, ocfl-zip
            or ocfl-tar.
        id: the @id of the root data entity.
        name: its name.
        ro_crate_version: the version that the metadata descriptor names.
        profiles: the URIs of the profiles that the crate declares.
        digest: what identifies the bytes that were checked: of a file its sha256, of
            a directory the sha256 of the sorted `sha256␠␠path` lines of all its
            regular files. Empty where not every byte was read.
        files: how many regular files.
        bytes: how many bytes they hold.
        nested: the paths of crates inside it, which are reported apart.
    """

    location: str
    format: str
    id: str | None = None
    name: str | None = None
    ro_crate_version: str | None = None
    profiles: tuple[str, ...] = ()
    digest: Mapping[str, str] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0
    nested: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The subject as the report has it."""
        return {
            "location": self.location,
            "format": self.format,
            "id": self.id,
            "name": self.name,
            "ro_crate_version": self.ro_crate_version,
            "profiles": list(self.profiles),
            "digest": dict(self.digest),
            "files": self.files,
            "bytes": self.bytes,
            "nested": list(self.nested),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Subject":
        """Read a subject back from a report."""
        return cls(
            location=text(data, "location"),
            format=text(data, "format"),
            id=text_or_none(data, "id"),
            name=text_or_none(data, "name"),
            ro_crate_version=text_or_none(data, "ro_crate_version"),
            profiles=texts(data, "profiles"),
            digest=table_of_texts(data, "digest"),
            files=count(data, "files"),
            bytes=count(data, "bytes"),
            nested=texts(data, "nested"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One crate, what was found, and what it adds up to.

    `started` and `finished` are aware times.
    """

    subject: Subject
    verdict: Verdict
    findings: tuple[Finding, ...]
    tool: Mapping[str, str]
    started: datetime
    finished: datetime

    def to_dict(self) -> dict[str, Any]:
        """The report as `schemas/report.schema.json` describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "tool": dict(self.tool),
            "subject": self.subject.to_dict(),
            "verdict": self.verdict.to_dict(),
            "findings": [
                finding.to_dict(id) for id, finding in identified(self.findings)
            ],
            "started": timestamp(self.started),
            "finished": timestamp(self.finished),
            "seconds": round((self.finished - self.started).total_seconds(), 6),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Report":
        """Read a report back; what we do not know in it is ignored.

        Raises:
            KeyError: something is missing.
            ValueError: something is not what it should be.
        """
        return cls(
            subject=Subject.from_dict(table(data, "subject")),
            verdict=Verdict.from_dict(table(data, "verdict")),
            findings=tuple(Finding.from_dict(item) for item in rows(data, "findings")),
            tool=table_of_texts(data, "tool"),
            started=moment(data, "started"),
            finished=moment(data, "finished"),
        )
