"""A metadata document read as a manifest."""

import json
from typing import Any

from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping import residue
from reverify.capsules.mapping.about import (
    derived_id,
    description_of,
    read_id,
    read_root,
)
from reverify.capsules.mapping.code import (
    code_name,
    find_code,
    read_code,
    read_environment,
)
from reverify.capsules.mapping.files import (
    read_compare,
    read_file,
    read_other_files,
)
from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.reader import Reader
from reverify.capsules.mapping.run import find_run, read_platform, read_run, read_status
from reverify.capsules.mapping.terms import DESCRIPTOR
from reverify.crates.entity import Entity
from reverify.crates.metadata import Metadata
from reverify.errors import CapsuleError, ManifestError
from reverify.model.capsule import SCHEMA_VERSION, Status


def manifest_from(metadata: Metadata) -> tuple[Json, list[str]]:
    """Read the manifest of a capsule, or of a stranger's crate, from its graph alone.

    What the graph does not say is missing from the manifest; what had to be derived,
    and what could not be taken over, is remarked.

    Returns:
        a manifest that fits its schema, and remarks.

    Raises:
        CapsuleError: no manifest can be made of it; it says why.
    """
    reader = Reader(metadata)
    document, _ = read_whole(reader)
    return document, reader.remarks


def read_whole(reader: Reader) -> tuple[Json, Json]:
    """Read what the graph says, and what its residue says beside.

    Returns:
        the manifest, and the manifest without the residue.

    Raises:
        CapsuleError: no manifest can be made of it; it says why.
    """
    read, _ = read_graph(reader)
    document, name = _with_residue(reader, read), reader.metadata.name
    try:
        manifest_of(document, name)
    except ManifestError as error:
        raise CapsuleError(
            *(f"{name}: makes no manifest: {fault}" for fault in error.faults)
        ) from error
    return document, read


def read_graph(reader: Reader) -> tuple[Json, Entity]:
    """Read what the graph says in so many words.

    Returns:
        the manifest, and the root.

    Raises:
        CapsuleError: there is no root, or it lacks what each manifest has.
    """
    metadata, root = reader.metadata, reader.metadata.root
    if root is None:
        raise CapsuleError(
            f"{metadata.name}: has no root, so nothing tells what it is; describe"
            f" {DESCRIPTOR} in its graph, with the root as `about`"
        )
    title = reader.text(root, "name")
    if not title:
        raise CapsuleError(
            f"{metadata.name}: the root has no name, and a capsule needs a title; give"
            " the root a name"
        )
    capsule = read_id(reader, root)
    reader.ids["root"] = root.id
    document: Json = {
        "schema_version": SCHEMA_VERSION,
        "id": capsule or derived_id(reader, root),
        "title": title,
    }
    document |= read_root(reader, root)
    if "created" not in document:
        raise CapsuleError(
            f"{metadata.name}: nothing tells when it was made; give the root a"
            " dateCreated or datePublished"
        )
    document |= _read_extra(reader, root)
    action = find_run(reader, capsule)
    if action is None:
        document["status"] = Status.COMPLETED.value
        if reader.is_stranger:
            reader.remark("it records no run; its status is taken to be completed")
    else:
        document["status"] = _status(reader, action)
        document |= _read_action(reader, action)
    if others := read_other_files(reader, root):
        document["files"] = others
    if document.get("description") == description_of(document):
        del document["description"]
    return document, root


def _status(reader: Reader, action: Entity) -> str:
    status = read_status(action)
    if status is None:
        reader.remark(f"{action.id}: its status is not one of schema.org's; completed")
    return (status or Status.COMPLETED).value


def _read_action(reader: Reader, action: Entity) -> Json:
    found: Json = {}
    for key, end in (("inputs", "object"), ("outputs", "result")):
        files = [
            file
            for id in reader.metadata.references(action, end)
            if (file := _read_end(reader, id, key))
        ]
        if files:
            found[key] = files
    if run := read_run(reader, action):
        found["run"] = run
    entity = find_code(reader, action)
    code = read_code(reader, entity) if entity else {}
    if code.get("name") == code_name({"code": code, "run": found.get("run")}):
        del code["name"]
    if code:
        found["code"] = code
    environment = read_environment(reader, action, entity)
    if platform := read_platform(reader, action):
        environment["platform"] = platform
    if environment:
        found["environment"] = environment
    return found


def _read_end(reader: Reader, id: str, key: str) -> Json | None:
    """An input or output; None if it is no file."""
    file = read_file(reader, id, key.removesuffix("s"))
    if file is not None and key == "outputs":
        rule = read_compare(reader, id)
        if isinstance(rule, dict):
            file["compare"] = rule
    return file


def _read_extra(reader: Reader, root: Entity) -> Json:
    text = reader.own_value(root, "additionalProperty", "extra")
    if not isinstance(text, str):
        return {}
    try:
        extra: Any = json.loads(text)
    except (ValueError, RecursionError):
        reader.remark("the registry's own data is no JSON, and is left out")
        return {}
    return {"extra": extra} if isinstance(extra, dict) else {}


def _with_residue(reader: Reader, read: Json) -> Json:
    root = reader.metadata.root
    text = root and reader.own_value(root, "additionalProperty", residue.KIND)
    if text is None:
        return read
    found, fault = residue.patched(read, text)
    if found is None:
        reader.remark(f"what it keeps of its manifest as a patch was not used: {fault}")
        return read
    return found
