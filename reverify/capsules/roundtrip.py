"""Is nothing lost on the way from capsule to crate and back?"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverify.capsules.export import export_capsule
from reverify.capsules.importing import difference
from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping import Measured, crate_document, foreign, manifest_from
from reverify.capsules.mapping.files import is_written_anew
from reverify.capsules.mapping.interface import VERSIONS
from reverify.capsules.mapping.terms import MANIFEST_SCHEMA, path_id
from reverify.capsules.opening import OpenCapsule
from reverify.crates.crate import Crate
from reverify.crates.metadata import DESCRIPTORS, Metadata
from reverify.crates.opening import open_crate
from reverify.errors import CapsuleError
from reverify.model.capsule import Manifest
from reverify.model.outcome import Outcome
from reverify.model.report import Report

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that came back otherwise than it went.

    Attributes:
        place: a JSON pointer of the manifest, or the @id of an entity and a key.
        before: what stood there, as JSON text; empty if nothing did.
        after: what stands there now, likewise.
    """

    place: str
    before: str
    after: str

    def to_dict(self) -> dict[str, str]:
        """As JSON says it."""
        return {"place": self.place, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What became of a capsule on its way.

    Attributes:
        report: what checking the exported crate gave; None for a stranger's crate.
        losses: what came back otherwise.
    """

    report: Report | None
    losses: tuple[Loss, ...]

    @property
    def is_lossless(self) -> bool:
        """Whether all came back, in a crate that holds."""
        holds = self.report is None or self.report.verdict.outcome is Outcome.CONFIRMED
        return holds and not self.losses

    def to_dict(self) -> Json:
        """As JSON says it."""
        verdict = self.report and self.report.verdict
        return {
            "lossless": self.is_lossless,
            "check": verdict and {"outcome": verdict.outcome, "level": verdict.level},
            "losses": [loss.to_dict() for loss in self.losses],
        }


def round_trip(
    capsule: OpenCapsule, verify: Callable[[str], Report], *, ro_crate: str
) -> RoundTrip:
    """Export a capsule, check the crate, and read it back.

    Args:
        capsule: the capsule, opened.
        verify: checks the crate at a location.
        ro_crate: the version of RO-Crate.

    Raises:
        CapsuleError: it cannot be exported.
    """
    with tempfile.TemporaryDirectory(prefix="reverify-") as folder:
        target = Path(folder) / "crate"
        export_capsule(
            capsule.manifest,
            capsule.source,
            target,
            ro_crate=ro_crate,
            folder=capsule.folder,
        )
        report = verify(str(target))
        with open_crate(str(target)) as crate:
            if crate.metadata is None:
                raise CapsuleError(f"{target}: the crate has no metadata document")
            losses = tuple(manifest_losses(capsule.manifest, crate.metadata))
    return RoundTrip(report=report, losses=losses)


def manifest_losses(before: Manifest, metadata: Metadata) -> Iterator[Loss]:
    """What a manifest lost in a crate: it is rebuilt from the graph alone.

    Args:
        before: the manifest that was exported.
        metadata: the metadata document of the crate.
    """
    after, _ = manifest_from(metadata)
    for step in difference(dict(before.document), after):
        yield Loss(
            place=step["path"] or "/",
            before=_found(before.document, step["path"]),
            after=json.dumps(step["value"]) if "value" in step else "",
        )


def _found(document: Mapping[str, Any], pointer: str) -> str:
    import jsonpointer  # noqa: PLC0415 - comes with jsonpatch

    try:
        return json.dumps(jsonpointer.resolve_pointer(document, pointer))
    except (jsonpointer.JsonPointerException, TypeError, KeyError):
        return ""


def crate_losses(crate: Crate) -> Iterator[Loss]:
    """What a crate loses if it is read as a manifest and written again.

    Entities are compared by @id, values of a property whatever their order.

    Raises:
        CapsuleError: no manifest can be made of it.
    """
    metadata = crate.metadata
    if metadata is None or not metadata.readable:
        raise CapsuleError(f"{crate.location}: has no metadata document to read")
    manifest = manifest_of(manifest_from(metadata)[0], metadata.name)
    version = metadata.version if metadata.version in VERSIONS else "1.2"
    written = crate_document(
        manifest,
        _stated(metadata, manifest),
        ro_crate=str(version),
        manifest_path=None,
        kept=foreign(metadata),
    )
    after = {entity["@id"]: entity for entity in written["@graph"]}
    root = metadata.root.id if metadata.root else "./"
    descriptor = metadata.descriptor.id if metadata.descriptor else DESCRIPTORS[0]
    names = {descriptor: DESCRIPTORS[0], root: root if "://" in root else "./"}
    anew = _written_anew(metadata)
    for entity in metadata.entities:
        if entity is metadata.by_id.get(entity.id) and entity.id not in anew:
            known = after.get(names.get(entity.id, entity.id))
            yield from _entity_losses(entity.properties, known, names, anew)


def _written_anew(metadata: Metadata) -> set[str]:
    """What each export writes by itself: the manifest as a file, citation, CodeMeta."""
    found = {MANIFEST_SCHEMA, *(e.id for e in metadata.entities if is_written_anew(e))}
    return found & metadata.by_id.keys()


def _stated(metadata: Metadata, manifest: Manifest) -> dict[str, Measured]:
    """What the crate states of its files: they are not read for this."""
    found = {}
    for path in dict.fromkeys(file.path for file in manifest.files() if file.path):
        entity = metadata.by_id.get(path_id(path))
        size = entity and next(iter(entity.values("contentSize")), None)
        digest = entity and entity.text("sha256")
        if digest and str(size).isdigit():
            found[path] = Measured(int(str(size)), digest)
    return found


def _entity_losses(
    before: Json, after: Json | None, names: Mapping[str, str], anew: set[str]
) -> Iterator[Loss]:
    id = before["@id"]
    if after is None:
        yield Loss(place=id, before=json.dumps(before), after="")
        return
    for key, value in before.items():
        if key == "@id" or (names.get(id) == DESCRIPTORS[0] and key == "conformsTo"):
            continue
        left = _values(value, names) - _values(after.get(key), {})
        for other in anew:
            left.pop(json.dumps({"@id": other}), None)
        if left:
            yield Loss(
                place=f"{id} {key}",
                before=json.dumps(value),
                after=json.dumps(after[key]) if key in after else "",
            )


def _values(value: object, names: Mapping[str, str]) -> Counter[str]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return Counter(
        json.dumps({"@id": names.get(item["@id"], item["@id"])})
        if isinstance(item, dict) and set(item) == {"@id"}
        else json.dumps(item, sort_keys=True)
        for item in listed
    )
