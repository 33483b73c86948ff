"""The bodies of answers, as they are described and sent."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from reverify.capsules.export import Exported
from reverify.model.capsule import Manifest
from reverify.model.registry import Version

UUID_FORMAT: dict[str, Any] = {"format": "uuid"}
_DIGEST = "^[0-9a-f]{64}$"
_CHECKSUM = (
    "Of the crate, unpacked: the sha256 of the sorted lines of all files, each its"
    " sha256, two blanks and its path, as `reverify check` gives it."
)


class Summary(BaseModel):
    """One version of a capsule."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    capsule_id: str = Field(json_schema_extra=UUID_FORMAT)
    version: int = Field(ge=1, description="Which version of the capsule it is.")
    digest: str = Field(
        pattern=_DIGEST,
        description="Of the version, chained to that of the one before.",
    )
    title: str
    status: str = Field(
        json_schema_extra={"enum": ["draft", "running", "completed", "failed"]}
    )
    registered: str = Field(json_schema_extra={"format": "date-time"})
    manifest_sha256: str = Field(pattern=_DIGEST)
    files_sha256: str = Field(
        pattern=_DIGEST, description="Of the list of the files that are kept."
    )
    previous: str | None = Field(description="The digest of the version before.")

    @classmethod
    def of(cls, version: Version) -> Self:
        """What is said of a version."""
        found = version.to_dict()
        found["capsule_id"] = found.pop("id")
        return cls(**{name: found[name] for name in Summary.model_fields})


class Registered(BaseModel):
    """What became of a manifest that was posted."""

    capsule_id: str = Field(json_schema_extra=UUID_FORMAT)
    version: int = Field(ge=1)
    digest: str = Field(pattern=_DIGEST)


class Page(BaseModel):
    """Some of the capsules, the last registered first, each in its latest version."""

    capsules: list[Summary]
    next: int | None = Field(
        description="The cursor of the next page; null if there is none."
    )


class KeptFile(BaseModel):
    """A file of a capsule."""

    role: str
    path: str
    sha256: str | None
    size: int | None
    at_hand: bool = Field(
        description="Whether the server knows where it is; if not, it cannot export."
    )


class Capsule(Summary):
    """One version of a capsule with its manifest, and which versions there are."""

    manifest: dict[str, Any]
    files: list[KeptFile]
    versions: list[Summary]


class ArchivalReferences(BaseModel):
    """By what the code of a capsule can be found in an archive."""

    swhids: list[str] = Field(description="SWHIDs, bare and qualified.")
    swh_origin_url: str | None
    swh_snapshot_id: str | None
    repository: str | None
    git_commit: str | None
    git_tree_hash: str | None


class Export(BaseModel):
    """What a crate of a capsule is, without the crate."""

    crate_id: str = Field(description="`urn:uuid:ID`, ID being that of the capsule.")
    capsule_id: str = Field(json_schema_extra=UUID_FORMAT)
    version: int = Field(ge=1)
    checksum: str = Field(pattern=_DIGEST, description=_CHECKSUM)
    entities: int = Field(description="How many the metadata document describes.")
    files: int
    bytes: int = Field(description="Of all files together, unpacked.")
    ro_crate_version: str
    archival_references: ArchivalReferences
    notes: list[str] = Field(description="What was not looked up, and why.")

    @classmethod
    def of(cls, version: Version, manifest: Manifest, exported: Exported) -> Self:
        """What is said of a crate that was made of a version of a capsule."""
        code = manifest.part("code")
        names = ArchivalReferences.model_fields.keys() - {"swhids"}
        references = ArchivalReferences(
            swhids=list(exported.swhids), **{name: code.get(name) for name in names}
        )
        return cls(
            crate_id=exported.crate_id,
            capsule_id=version.capsule,
            version=version.number,
            checksum=exported.checksum,
            entities=exported.entities,
            files=exported.files,
            bytes=exported.bytes,
            ro_crate_version=exported.ro_crate,
            archival_references=references,
            notes=list(exported.notes),
        )


class ExportedFiles(BaseModel):
    """A crate that was written into the folder of exports."""

    capsule_id: str = Field(json_schema_extra=UUID_FORMAT)
    version: int = Field(ge=1)
    where: str = Field(description="Its folder, from the folder of exports on.")
    checksum: str = Field(pattern=_DIGEST, description=_CHECKSUM)
    files: int
    bytes: int
