"""Crates of older or faulty exporters, rewritten; the crate itself is never touched.

Only what can be known is mended: what a text was meant to say is looked up, or left
as it is and told. Digests that do not hold are left too: they say what is wrong.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from reverify.capsules.mapping.foreign import with_names
from reverify.crates.contexts import read_context, terms_of
from reverify.crates.crate import Crate
from reverify.crates.entity import Entity
from reverify.crates.metadata import DESCRIPTORS, SPEC_PREFIX, Metadata
from reverify.crates.payload import EntryKind
from reverify.errors import CapsuleError
from reverify.model.swhid import TYPES, without_resolver
from reverify.version import __version__

Json = dict[str, Any]
TypeOf = Callable[[str], str | None]
"""From the hexadecimal id of a git object to its SWHID type; None if nobody knows."""

_ACTION, _TOOL = "#upgrade", "#reverify"
_PROFILE_AS_CONTEXT = re.compile(r"https?://w3id\.org/ro/crate/(1\.[0-9](?:-DRAFT)?)/?")
_SWHID = re.compile(r"swh:1:([a-z]*):([0-9a-f]{40})")
_NO_SUCH_TYPE = re.compile(_SWHID.pattern + r"(?=;|/?\Z)")
_DIGEST_KEYS = re.compile(r"(?:.*[:/#])?(?:sha-?(?:1|256|512)|md5)", re.IGNORECASE)
_OLD_ROOTS = {"", ".", "./.", "/"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """A crate's document, rewritten.

    Attributes:
        document: the new metadata document.
        changes: what was changed, one sentence each.
        left: what is wrong and could not be mended, one sentence each, and why.
    """

    document: Json
    changes: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """A document while it is being rewritten."""

    crate: Crate
    metadata: Metadata
    document: Json
    changes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)

    by_id: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.find_entities()

    @property
    def graph(self) -> list[Json]:
        """The entities, each a JSON object."""
        return [e for e in self.document["@graph"] if isinstance(e, dict)]

    def find_entities(self) -> None:
        """See anew which entity has which @id; of several the first counts."""
        self.by_id = {}
        for item in self.graph:
            if isinstance(id := item.get("@id"), str):
                self.by_id.setdefault(id, item)

    def entity(self, id: str) -> Json | None:
        """The entity with an @id."""
        return self.by_id.get(id)


def upgrade(crate: Crate, *, now: datetime, type_of: TypeOf | None = None) -> Upgraded:
    """Rewrite a crate's metadata document.

    Args:
        crate: the crate, opened.
        now: what time it is.
        type_of: says of which type a git object is.

    Raises:
        CapsuleError: there is no document that could be rewritten.
    """
    metadata = crate.metadata
    if metadata is None or not metadata.readable or not metadata.entities:
        raise CapsuleError(
            f"{crate.location}: there is no metadata document that could be mended;"
            f" `reverify check {crate.location}` says more"
        )
    draft = _Draft(crate, metadata, copy.deepcopy(metadata.document))
    _mend_context(draft)
    _mend_version(draft)
    _mend_name(draft)
    _mend_root(draft)
    _mend_swhids(draft, type_of)
    _state_sizes_and_digests(draft)
    _define_terms(draft)
    if draft.changes:
        _record(draft, now)
    return Upgraded(
        document=draft.document, changes=tuple(draft.changes), left=tuple(draft.left)
    )


# -- the context -----------------------------------------------------------------------


def _mend_context(draft: _Draft) -> None:
    """The address of a profile used as @context becomes that of its context."""

    def mended(value: object) -> object:
        if isinstance(value, list):
            return [mended(item) for item in value]
        match = isinstance(value, str) and _PROFILE_AS_CONTEXT.fullmatch(value)
        if not match:
            return value
        right = f"{SPEC_PREFIX}{match[1]}/context"
        draft.changes.append(
            f"@context: {value!r} is the address of the specification, made {right!r}"
        )
        return right

    context = draft.document.get("@context")
    if context is None:
        version = draft.metadata.version or "1.1"
        draft.document = {
            "@context": f"{SPEC_PREFIX}{version}/context",
            **draft.document,
        }
        draft.changes.append(f"@context: was missing; made it that of {version}")
    else:
        draft.document["@context"] = mended(context)


def _mend_version(draft: _Draft) -> None:
    """RO-Crate 1.0 becomes 1.1, whose document has another name."""
    old, new = f"{SPEC_PREFIX}1.0", f"{SPEC_PREFIX}1.1"
    descriptor = draft.metadata.descriptor
    if draft.metadata.version != "1.0" or descriptor is None:
        return
    for item in draft.graph:
        if item.get("@id") == descriptor.id:
            item["conformsTo"] = _replaced(item.get("conformsTo"), old, new)
    context = draft.document["@context"]
    draft.document["@context"] = _replaced(context, f"{old}/context", f"{new}/context")
    draft.changes.append("conformsTo: RO-Crate 1.0 is made 1.1, its nearest successor")


def _replaced(value: object, old: str, new: str) -> Any:  # noqa: ANN401 - JSON
    """A copy of a value with one text, with or without a slash behind, replaced."""
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item, old, new) for key, item in value.items()}
    return new if isinstance(value, str) and value.rstrip("/") == old else value


def _define_terms(draft: _Draft) -> None:
    """Terms of later versions that the context lacks are defined beside it."""
    context = read_context(draft.document.get("@context"))
    if context.obstacle or not context.terms:
        return
    known = {**terms_of("workflow-run"), **terms_of("1.3")}
    used = {
        term
        for item in draft.graph
        for term in (*item, *_texts(item.get("@type")))
        if not context.defines(term)
    }
    lacking = {term: known[term] for term in sorted(used) if term in known}
    if lacking:
        parts = draft.document["@context"]
        parts = parts if isinstance(parts, list) else [parts]
        draft.document["@context"] = [*parts, lacking]
        names = ", ".join(lacking)
        draft.changes.append(
            f"@context: defined {names}, which JSON-LD readers dropped"
        )
    if unknown := sorted(used - lacking.keys()):
        draft.left.append(f"terms that no known context defines: {', '.join(unknown)}")


def _texts(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item


# -- names -----------------------------------------------------------------------------


def _mend_name(draft: _Draft) -> None:
    """The document describes itself under the name that it is given now."""
    descriptor = draft.metadata.descriptor
    name = DESCRIPTORS[0]
    is_detached = draft.crate.is_document and draft.metadata.name not in DESCRIPTORS
    if draft.metadata.name != name and not is_detached:
        draft.changes.append(f"the document {draft.metadata.name!r} is named {name!r}")
    if descriptor is not None and descriptor.id != name and not is_detached:
        _rename(draft, descriptor.id, name)


def _mend_root(draft: _Draft) -> None:
    """The root of a crate with files is called `./`."""
    root = draft.metadata.root
    if root is None:
        draft.left.append("no root data entity: the descriptor's `about` leads nowhere")
        return
    folder = PurePosixPath(draft.crate.prefix or draft.crate.location).name
    if root.id in _OLD_ROOTS or root.id.removeprefix("./").rstrip("/") == folder:
        _rename(draft, root.id, "./")


def _rename(draft: _Draft, old: str, new: str) -> None:
    """Give an entity another @id, and all references to it."""
    if draft.entity(new) is not None:
        draft.left.append(f"{old!r} cannot be called {new!r}: there is one already")
        return
    for item in draft.graph:
        for key, value in item.items():
            if key != "@id":
                item[key] = with_names(value, {old: new})
        if item.get("@id") == old:
            item["@id"] = new
    draft.find_entities()
    draft.changes.append(f"the entity {old!r} is called {new!r}, in references too")


# -- SWHIDs ----------------------------------------------------------------------------


def ids_without_type(crate: Crate) -> tuple[str, ...]:
    """Ids of git objects that stand in SWHIDs of types that do not exist."""
    text = crate.metadata.text if crate.metadata else ""
    found = _SWHID.findall(text)
    return tuple(dict.fromkeys(id for type, id in found if type not in TYPES))


def _mend_swhids(draft: _Draft, type_of: TypeOf | None) -> None:
    """SWHIDs of types that do not exist get the type that the object really has."""
    looked_up: dict[str, str | None] = {}
    for item in draft.graph:
        for key, value in item.items():
            if key == "@id":
                _leave_name(draft, value)
                continue
            item[key] = _with_types(value, draft, item, type_of, looked_up)


def _leave_name(draft: _Draft, id: object) -> None:
    """Tell of an entity that is named by a SWHID of a type that does not exist."""
    match = _NO_SUCH_TYPE.match(without_resolver(id)) if isinstance(id, str) else None
    if match is not None and match[1] not in TYPES:
        draft.left.append(
            f"{id}: is the name of an entity, to which others may refer, and has no"
            " type that exists; give the entity another @id"
        )


def _with_types(
    value: object,
    draft: _Draft,
    item: Json,
    type_of: TypeOf | None,
    looked_up: dict[str, str | None],
) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_with_types(v, draft, item, type_of, looked_up) for v in value]
    if isinstance(value, dict):
        return {
            key: each
            if key == "@id" and str(each) in draft.by_id  # its entity is told of
            else _with_types(each, draft, item, type_of, looked_up)
            for key, each in value.items()
        }
    if not isinstance(value, str):
        return value
    bare = without_resolver(value)
    match = _NO_SUCH_TYPE.match(bare)
    if match is None or match[1] in TYPES:
        return value
    digits = match[2]
    if digits not in looked_up:
        looked_up[digits] = type_of(digits) if type_of else None
    kind, subject = looked_up[digits], item.get("@id")
    if kind is None:
        where = "in no place that was looked at" if type_of else "as none was named"
        draft.left.append(
            f"{subject}: {bare!r} has no type that exists, and its object was not"
            f" found, {where}; name a repository that has it with --source"
        )
        return value
    right = value.replace(f"swh:1:{match[1]}:{digits}", f"swh:1:{kind}:{digits}")
    draft.changes.append(
        f"{subject}: {bare!r} has no type that exists; that id is of a {TYPES[kind]},"
        f" so it is made {without_resolver(right)!r}"
    )
    return right


# -- sizes and digests -----------------------------------------------------------------


def _state_sizes_and_digests(draft: _Draft) -> None:
    """Local files without a size or a digest get them, computed now."""
    wanted: dict[str, list[Entity]] = {}
    for entity, located in draft.crate.data_entities():
        is_file = located.entry is not None and located.entry.kind is EntryKind.FILE
        if not is_file or "File" not in entity.types or located.path is None:
            continue
        if not _states_digest(entity) or not entity.values("contentSize"):
            wanted.setdefault(located.path, []).append(entity)
    payload = draft.crate.payload
    for path, found in payload.fingerprints(dict.fromkeys(wanted, ("sha256",))):
        for entity in wanted[path]:
            if found.problem:
                draft.left.append(f"{entity.id}: no digest computed, {found.problem}")
            else:
                _state(draft, entity, str(found.size), found.digests["sha256"])


def _states_digest(entity: Entity) -> bool:
    return any(
        _DIGEST_KEYS.fullmatch(key) and entity.values(key) for key in entity.properties
    )


def _state(draft: _Draft, entity: Entity, size: str, digest: str) -> None:
    item = draft.entity(entity.id)
    if item is None:
        return
    said = []
    if not entity.values("contentSize"):
        item["contentSize"] = size
        said.append(f"contentSize {size}")
    if not _states_digest(entity):
        item["sha256"] = digest
        said.append(f"sha256 {digest}")
    draft.measured.append(entity.id)
    draft.changes.append(f"{entity.id}: {' and '.join(said)}, computed now")


# -- the record ------------------------------------------------------------------------


def _record(draft: _Draft, now: datetime) -> None:
    """Say in the crate what was done to it, when and by what.

    Source: RO-Crate 1.2, Provenance of entities, "Recording changes to RO-Crates".
    """
    id, number = _ACTION, 1
    while draft.entity(id) is not None:
        number += 1
        id = f"{_ACTION}-{number}"
    described = DESCRIPTORS[0]
    about = [described, *draft.measured]
    action: Json = {
        "@id": id,
        "@type": "UpdateAction",
        "name": "Metadata mended",
        "description": "; ".join(draft.changes),
        "instrument": {"@id": _TOOL},
        "endTime": now.isoformat(timespec="seconds"),
        "object": [{"@id": each} for each in about],
        "result": [{"@id": each} for each in about],
    }
    if draft.measured:
        action["description"] += (
            ". Sizes and digests that were computed now say nothing of the time before."
        )
    entities = [action]
    if draft.entity(_TOOL) is None:
        entities.append(
            {
                "@id": _TOOL,
                "@type": "SoftwareApplication",
                "name": "reverify",
                "description": "Tells whether a research object is still what it says.",
                "url": "urn:reverify",
                "version": __version__,
            }
        )
    draft.document["@graph"] += entities
    draft.find_entities()
    root = draft.entity("./") or draft.entity(
        draft.metadata.root.id if draft.metadata.root else "./"
    )
    if root is not None:
        root["mentions"] = _with(root.get("mentions"), {"@id": id})


def _with(value: object, more: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return dict(more)
    return [*(value if isinstance(value, list) else [value]), dict(more)]
