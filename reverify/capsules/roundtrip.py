"""Is nothing lost on the way from capsule to crate and back?"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverify.capsules.export import export_capsule
from reverify.capsules.importing import (
    difference,
    kept_by,
    metadata_of,
    own_manifest_paths,
)
from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping import Measured, crate_document, foreign, manifest_from
from reverify.capsules.mapping.foreign import is_ours_alone, renamed, with_names
from reverify.capsules.mapping.graph import canonical, listed
from reverify.capsules.mapping.interface import VERSIONS
from reverify.capsules.mapping.keeping import with_kept
from reverify.capsules.mapping.reader import Reader
from reverify.capsules.mapping.reading import read_graph
from reverify.capsules.mapping.terms import MANIFEST_SCHEMA, our_definition
from reverify.capsules.opening import OpenCapsule
from reverify.crates.contexts import Context, read_context
from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.crates.opening import open_crate
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
            losses = tuple(manifest_losses(capsule.manifest, crate))
    return RoundTrip(report=report, losses=losses)


def manifest_losses(before: Manifest, crate: Crate) -> Iterator[Loss]:
    """What a manifest lost in a crate: it is rebuilt without the manifest in there.

    Args:
        before: the manifest that was exported.
        crate: the crate, opened.

    Raises:
        CapsuleError: no manifest can be made of the crate.
    """
    metadata = metadata_of(crate)
    document, _ = manifest_from(metadata)
    after = with_kept(document, kept_by(crate, metadata))
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

    Raises:
        CapsuleError: no manifest can be made of it.
    """
    yield from document_losses(metadata_of(crate))


def document_losses(metadata: Metadata) -> Iterator[Loss]:
    """What a metadata document loses if it is read as a manifest and written again.

    Entities are compared by @id, values of a property whatever their order, and
    references with the names that root and document get.

    Raises:
        CapsuleError: no manifest can be made of it.
    """
    manifest = manifest_of(manifest_from(metadata)[0], metadata.name)
    version = metadata.version if metadata.version in VERSIONS else "1.2"
    written = crate_document(
        manifest,
        _stated(metadata),
        ro_crate=str(version),
        manifest_path=next(own_manifest_paths(metadata), "capsule-0.json"),
        kept=foreign(metadata),
    )
    names, anew = renamed(metadata), _written_anew(metadata)
    after: dict[str, Json] = {}
    rest: Counter[str] = Counter()
    for item in written["@graph"]:
        if (id := _id_of(item)) is None or id in after:
            rest[canonical(item)] += 1
        else:
            after[id] = item
    for entity in metadata.by_id.values():
        if entity.id not in anew:
            known = after.get(names.get(entity.id, entity.id))
            yield from _entity_losses(metadata, entity, known, names, anew)
    first = {entity.index for entity in metadata.by_id.values()}
    for index, item in enumerate(metadata.document["@graph"]):
        text = canonical(with_names(item, names))
        if index not in first and not rest[text]:
            yield Loss(place=f"/@graph/{index}", before=text, after="")
    yield from _term_losses(metadata, read_context(written["@context"]))


def _written_anew(metadata: Metadata) -> set[str]:
    """What each export writes by itself: the manifest as a file, its residue."""
    found = {MANIFEST_SCHEMA, *(e.id for e in metadata.entities if is_ours_alone(e))}
    return found & metadata.by_id.keys()


def _stated(metadata: Metadata) -> dict[str, Measured]:
    """What the crate states of its files: they are not read for this."""
    document, _ = read_graph(Reader(metadata))
    found = {}
    for file in Manifest(data=b"", document=document).files():
        if file.path and file.size is not None and file.sha256:
            found[file.path] = Measured(file.size, file.sha256)
    return found


def _id_of(item: object) -> str | None:
    id = item.get("@id") if isinstance(item, dict) else None
    return id if isinstance(id, str) else None


def _entity_losses(
    metadata: Metadata,
    entity: Entity,
    after: Json | None,
    names: Mapping[str, str],
    anew: set[str],
) -> Iterator[Loss]:
    id = entity.id
    if after is None:
        yield Loss(place=id, before=json.dumps(entity.properties), after="")
        return
    specs = {uri for uri, _ in metadata.spec_uris()}
    for key, value in entity.properties.items():
        if key == "@id":
            continue
        left = {canonical(with_names(v, names)) for v in listed(value)}
        left -= set(map(canonical, listed(after.get(key))))
        if entity is metadata.root:
            left -= {canonical({"@id": other}) for other in anew}
        if entity is metadata.descriptor and key == "conformsTo":
            # The version of RO-Crate is told by whoever writes the crate.
            left -= {canonical(v) for uri in specs for v in (uri, {"@id": uri})}
        if left:
            yield Loss(
                place=f"{id} {key}",
                before=json.dumps(value),
                after=json.dumps(after[key]) if key in after else "",
            )


def _said(entity: Entity) -> list[str]:
    """The properties that have a value; others say nothing, and need no term."""
    return [key for key, value in entity.properties.items() if listed(value)]


def _term_losses(metadata: Metadata, context: Context) -> Iterator[Loss]:
    """Terms that mean something else in the crate that was written."""
    before = metadata.context
    if before.obstacle:
        return
    used = {
        term for entity in metadata.entities for term in (*_said(entity), *entity.types)
    }
    for term in sorted(used):
        if before.iri(term) == our_definition(term) and context.defines(term):
            continue  # later versions took the term over
        if before.iri(term) not in {None, context.iri(term)}:
            yield Loss(
                place=f"@context {term}",
                before=str(before.iri(term)),
                after=str(context.iri(term) or ""),
            )
