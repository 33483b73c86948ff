"""The names by which SciDEX registers capsules, kept for its callers.

Where capsules are kept, the settings say: REVERIFY_DB and REVERIFY_STORE.
"""

import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reverify.capsules.manifest import manifest_of
from reverify.capsules.registry import Registry, open_registry
from reverify.errors import UsageError
from reverify.model.capsule import SCHEMA_VERSION, Manifest
from reverify.settings import load_settings

FileSpec = str | os.PathLike[str] | Mapping[str, Any]
"""A file: its path, or all that the manifest is to say of it."""


def register_capsule(
    title: str,
    *,
    description: str | None = None,
    inputs: Iterable[FileSpec] = (),
    outputs: Iterable[FileSpec] = (),
    code_files: Iterable[FileSpec] = (),
    status: str = "completed",
    authors: Iterable[Mapping[str, Any]] | None = None,
    license: str | None = None,
    keywords: Iterable[str] | None = None,
    created: str | None = None,
    completed: str | None = None,
    repository: str | None = None,
    git_commit: str | None = None,
    git_tree_hash: str | None = None,
    swh_origin_url: str | None = None,
    swh_snapshot_id: str | None = None,
    run: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    notes: str | None = None,
    capsule_id: str | None = None,
    base: str | os.PathLike[str] | None = None,
    store: bool = False,
) -> str:
    """Register an analysis as a capsule, or as the next version of one.

    What is None is not said in the manifest.

    Args:
        title: what to call it.
        description: what was done.
        inputs: files that were read: paths below `base`, or records of the manifest.
        outputs: files that were written, likewise.
        code_files: files of code that are kept with it, likewise.
        status: draft, running, completed or failed.
        authors: who did it, as the manifest has them.
        license: an SPDX licence expression.
        keywords: words to find it by.
        created: when, RFC 3339; now unless said.
        completed: when it was done, RFC 3339.
        repository: the address of the git repository of the code.
        git_commit: the whole commit id.
        git_tree_hash: the whole id of the commit's tree.
        swh_origin_url: the origin under which Software Heritage has it.
        swh_snapshot_id: `swh:1:snp:...`, in which it was seen there.
        run: the run, as the manifest has it.
        environment: the environment, as the manifest has it.
        notes: anything else.
        capsule_id: the id of a capsule that this is a version of; a new one unless
            given.
        base: the folder below which the files lie; the current one unless given.
        store: copy the files into the store.

    Returns:
        the id of the capsule.

    Raises:
        UsageError: what was given makes no manifest; it says where and why.
        CapsuleError: a file is not there, or is not what is said of it.
        StoreError: the registry cannot be written.
    """
    folder = Path(os.path.realpath(base or Path.cwd()))
    code = {
        "repository": repository,
        "git_commit": git_commit,
        "git_tree_hash": git_tree_hash,
        "swh_origin_url": swh_origin_url,
        "swh_snapshot_id": swh_snapshot_id,
        "files": _records(code_files, folder) or None,
    }
    said = {
        "schema_version": SCHEMA_VERSION,
        "id": capsule_id or str(uuid.uuid4()),
        "title": title,
        "description": description,
        "status": status,
        "created": created or datetime.now(UTC).isoformat(timespec="seconds"),
        "completed": completed,
        "license": license,
        "authors": None if authors is None else [dict(person) for person in authors],
        "keywords": None if keywords is None else list(keywords),
        "inputs": _records(inputs, folder),
        "outputs": _records(outputs, folder),
        "code": _said(code) or None,
        "run": run,
        "environment": environment,
        "notes": notes,
    }
    manifest = manifest_of(_said(said), "register_capsule")
    with _registry() as registry:
        return registry.register(manifest, folder, store=store).capsule


def get_capsule_manifest(capsule_id: str) -> dict[str, Any]:  # a name that is kept
    """The manifest of the latest version of a capsule.

    Raises:
        CapsuleError: there is no such capsule.
        DamagedError: it is not what was registered.
        StoreError: the registry cannot be read.
    """
    with _registry() as registry:
        return dict(registry.manifest(registry.resolve(capsule_id)).document)


def api_register_capsule(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Register the manifest that a client sent, as `POST /api/capsules` does.

    No path of this machine is looked at: what the manifest states of files is believed
    until they are at hand.

    Args:
        payload: a manifest.

    Returns:
        `capsule_id`, `version` and `digest`.

    Raises:
        UsageError: it is no manifest; it says where and why.
        StoreError: the registry cannot be written.
    """
    if not isinstance(payload, Mapping):
        raise UsageError("payload: a manifest is a JSON object")
    manifest: Manifest = manifest_of(payload, "payload")
    with _registry() as registry:
        version = registry.register(manifest)
    return {
        "capsule_id": version.capsule,
        "version": version.number,
        "digest": version.digest,
    }


def _registry() -> Registry:
    return open_registry(load_settings())


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _records(files: Iterable[FileSpec], folder: Path) -> list[dict[str, Any]]:
    return [_record(file, folder) for file in files]


def _record(file: FileSpec, folder: Path) -> dict[str, Any]:
    if isinstance(file, Mapping):
        return dict(file)
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(folder):
        path = path.relative_to(folder)
    return {"path": path.as_posix()}
