"""Files: inputs, outputs, code, lock file, and others."""

import json
import re
from typing import Any

from reverify.capsules.manifest import RESERVED
from reverify.capsules.mapping.graph import Graph, key_of, stated
from reverify.capsules.mapping.interface import Files, GeneratedFile, Json, Measured
from reverify.capsules.mapping.reader import Reader, is_own
from reverify.capsules.mapping.terms import (
    MANIFEST_SCHEMA,
    basename,
    is_url,
    own,
    path_id,
    url_id,
)
from reverify.crates.digests import Malformed, read_digest
from reverify.crates.entity import Entity
from reverify.crates.names import Local, Web, folded, path_fault, reference
from reverify.errors import UnsafeNameError
from reverify.model.capsule import Role

_MEDIA_TYPE = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*(;.*)?"
_ROLES = {
    Role.INPUT: "What the run read.",
    Role.OUTPUT: "What the run wrote.",
    Role.CODE: "Code that was run.",
    Role.LOCK: "The packages that the code ran with.",
    Role.OTHER: "A file that is kept with the capsule.",
}
"""What is said of a file that has no description; RO-Crate 1.2 wants one."""
_ANEW = re.compile(r"capsule(-[0-9]+)?\.json|CITATION\.cff|codemeta\.json")
_SHA256_IRIS = frozenset(
    {
        "http://schema.org/sha256",
        "https://schema.org/sha256",
        "https://w3id.org/ro/terms/workflow-run#sha256",
    }
)


def write_file(
    graph: Graph,
    record: Json,
    files: Files,
    role: Role,
    *,
    accessed: str = "",
    link: str = "contentUrl",
) -> Json:
    """Write a file that a manifest speaks of.

    Args:
        graph: where to.
        record: as in the manifest.
        files: what was found of the files while they were copied.
        role: what it was to the run; its description, if it has none.
        accessed: when a file that is only on the web was told to be there.
        link: the key of the address of a file that is in the crate as well.
    """
    file = {"description": _ROLES[role], **stated(record)}
    path, url = file.get("path"), file.get("url", "")
    found = files.get(path) if path else None
    size = found.size if found else file.get("size")
    address = path_id(path) if path else url_id(url)
    thing = key_of("file", path or url)
    id = graph.ids.get(thing) or graph.name(thing, address, "file")
    derived = {"sdDatePublished"}
    derived |= {key for key in ("name", "description") if record.get(key) is None}
    return graph.add(
        id,
        "File",
        {
            "name": file.get("name", basename(path) if path else url),
            "description": file.get("description"),
            "encodingFormat": file.get("media_type"),
            "contentSize": None if size is None else str(size),
            "sha256": found.sha256 if found else file.get("sha256"),
            link: None if url in {"", id} else url,
            "sdDatePublished": None if path else accessed,
            "additionalProperty": _write_compare(graph, file.get("compare")),
        },
        derived,
    )


def _write_compare(graph: Graph, rule: Json | None) -> Json | None:
    """Write how an output is compared; outputs with the same rule share it."""
    if rule is None:
        return None
    thing = key_of("compare", rule)
    if thing in graph.ids:
        return {"@id": graph.ids[thing]}
    number = sum(known.startswith("compare:") for known in graph.ids) + 1
    local, text = f"compare-{number}", json.dumps(rule, ensure_ascii=False)
    return graph.value("compare", "how to compare", text, local=local, thing=thing)


def write_manifest_file(graph: Graph, path: str, measured: Measured) -> Json:
    """Write that the manifest itself is in the crate."""
    graph.add(
        MANIFEST_SCHEMA,
        "CreativeWork",
        {
            "name": "Capsule manifest 1.0",
            "description": "A JSON Schema for what an analysis was: its inputs,"
            " outputs, code, run and environment.",
            "version": "1.0",
        },
    )
    return graph.add(
        path_id(path),
        "File",
        {
            "name": "Capsule manifest",
            "description": "The manifest from which this crate was written, unchanged.",
            "encodingFormat": "application/json",
            "contentSize": str(measured.size),
            "sha256": measured.sha256,
            "conformsTo": {"@id": MANIFEST_SCHEMA},
            "about": {"@id": graph.root},
        },
    )


def write_generated_file(graph: Graph, file: GeneratedFile) -> Json:
    """Write that a file was generated on export."""
    return graph.add(
        path_id(file.path),
        "File",
        {
            "name": file.name,
            "description": file.description,
            "encodingFormat": file.media_type,
            "contentSize": str(file.measured.size),
            "sha256": file.measured.sha256,
            "about": {"@id": graph.root},
            "additionalType": own("generated"),
        },
    )


def is_written_anew(entity: Entity) -> bool:
    """Whether each export writes a file by itself: the manifest, what is made of it."""
    path = local_path(entity.id) or ""
    if "File" not in entity.types or not _ANEW.fullmatch(path):
        return False
    manifest = {"@id": MANIFEST_SCHEMA} in entity.values("conformsTo")
    return manifest or own("generated") in entity.values("additionalType")


def read_other_files(reader: Reader, root: Entity) -> list[Json]:
    """The files that are parts of the root, or of its folders, and have no role."""
    known = set(reader.ids.values())
    waiting, seen = [root.id], {root.id}
    records = []
    while waiting:
        entity = reader.metadata.by_id.get(waiting.pop(0))
        for id in reader.metadata.references(entity, "hasPart") if entity else ():
            part = reader.metadata.by_id.get(id)
            if part is None or id in seen:
                continue
            seen.add(id)
            waiting.append(id)
            is_file = "File" in part.types and local_path(id) is not None
            if is_file and id not in known and not is_written_anew(part):
                record = read_file(reader, id, "another file", with_url=False)
                records += [record] if record else []
    return records


def read_file(
    reader: Reader, id: str, role: str, *, with_url: bool = True
) -> Json | None:
    """Read a file that is referred to; None if a manifest cannot have it.

    Args:
        reader: where from.
        id: what the reference says.
        role: what the file is, for remarks.
        with_url: whether it may be on the web, there too or only there.
    """
    entity = reader.metadata.by_id.get(id)
    if entity is None:
        reader.remark(f"{id}: is not described, and is left out as {role}")
        return None
    if "File" not in entity.types:
        return None
    record = _address(reader, entity, role, with_url=with_url)
    if record is None:
        return None
    path = record.get("path")
    local_name = basename(path) if path else record["url"]
    name = reader.text(entity, "name")
    if name not in {None, local_name}:
        record["name"] = name
    description = reader.text(entity, "description")
    if description is not None and description not in _ROLES.values():
        record["description"] = description
    if media_type := reader.text(entity, "encodingFormat", form=_MEDIA_TYPE):
        record["media_type"] = media_type
    if (size := _size(reader, entity)) is not None:
        record["size"] = size
    if digest := _sha256(reader, entity):
        record["sha256"] = digest
    return record


def local_path(id: str) -> str | None:
    """The path that an @id names, if it is one that a manifest can have."""
    try:
        named = reference(id)
    except UnsafeNameError:
        return None
    if not isinstance(named, Local) or named.folder:
        return None
    path = named.paths[0]
    usable = path and not path_fault(path) and folded(path) not in RESERVED
    return path if usable else None


def _address(
    reader: Reader, entity: Entity, role: str, *, with_url: bool
) -> Json | None:
    try:
        named = reference(entity.id)
    except UnsafeNameError:
        named = None
    path = local_path(entity.id)
    if path is not None:
        reader.ids.setdefault(key_of("file", path), entity.id)
        url = _link(reader, entity) if with_url else None
        return {"path": path} | ({"url": url} if url else {})
    if with_url and isinstance(named, Web) and is_url(entity.id):
        url = _link(reader, entity, id=entity.id) or entity.id
        reader.ids.setdefault(key_of("file", url), entity.id)
        return {"url": url}
    what = "path or web address" if with_url else "path"
    reader.remark(
        f"{entity.id}: is no {what} that a manifest can have, and is left out as {role}"
    )
    return None


def _link(reader: Reader, entity: Entity, id: str = "") -> str | None:
    """Where a file is on the web; only what is written as `id`, if that is given."""
    for key in ("contentUrl", "url"):
        for text, value in reader.links(entity, key):
            if is_url(text) and (not id or url_id(text) == id):
                if text != id:
                    reader.use(entity, key, value)
                return text
    return None


def _size(reader: Reader, entity: Entity) -> int | None:
    for value in entity.values("contentSize"):
        text = str(value).strip() if isinstance(value, (str, int)) else ""
        if re.fullmatch("[0-9]{1,19}", text) and not isinstance(value, bool):
            reader.use(entity, "contentSize", value)
            return int(text)
    return None


def _sha256(reader: Reader, entity: Entity) -> str | None:
    for key in entity.properties:
        if key != "sha256" and reader.metadata.context.iri(key) not in _SHA256_IRIS:
            continue
        for value in entity.values(key):
            digest = read_digest("sha256", value)
            if not isinstance(digest, Malformed):
                reader.use(entity, key, value)
                return digest
            reader.remark(f"{entity.id}: {key} is no SHA-256 digest, and is left out")
    return None


def read_compare(reader: Reader, id: str) -> Any:  # noqa: ANN401 - JSON
    """How an output is compared, if its file says so in our way."""
    entity = reader.metadata.by_id[id]
    for rule in reader.entities(entity, "additionalProperty"):
        if is_own(rule, "compare"):
            try:
                value = json.loads(rule.text("value") or "")
            except (ValueError, RecursionError):
                reader.remark(f"{rule.id}: its value is no JSON, and is left out")
                return None
            reader.ids.setdefault(key_of("compare", value), rule.id)
            return value
    return None
