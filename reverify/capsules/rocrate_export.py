"""The name by which SciDEX exports capsules, kept for its callers."""

import os
from pathlib import Path
from typing import Any

from reverify.capsules.export import RO_CRATE, export_capsule
from reverify.capsules.registry import open_registry
from reverify.errors import CapsuleError
from reverify.settings import load_settings

_CODE = (
    "swh_origin_url",
    "swh_snapshot_id",
    "repository",
    "git_commit",
    "git_tree_hash",
)


def generate_rocrate_bundle(
    capsule_id: str,
    *,
    exports: str | os.PathLike[str] | None = None,
    ro_crate: str = RO_CRATE,
) -> dict[str, Any]:
    """Write the latest version of a capsule to `exports/rocrate/capsule-ID/`.

    A crate that is there from before is replaced.

    Args:
        capsule_id: the id of the capsule.
        exports: the folder below which that is; the current one unless given.
        ro_crate: the version of RO-Crate.

    Returns:
        `path`, `crate_id`, `checksum` (sha256), `entities` (how many the metadata
        document describes), `files`, `bytes`, `ro_crate_version`, `notes`, and
        `archival_references`: `swhids`, and what the manifest says of its code.

    Raises:
        CapsuleError: there is no such capsule, or it cannot be exported as it is.
        StoreError: the registry cannot be read.
    """
    folder = Path(exports or "") / "exports" / "rocrate"
    with open_registry(load_settings()) as registry:
        version = registry.resolve(capsule_id)
        manifest = registry.manifest(version)
        bases = {file.base for file in registry.files(version) if file.base}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{folder}: cannot be made ({error.strerror})"
            raise CapsuleError(reason) from error
        target = folder / f"capsule-{version.capsule}"
        with registry.source(version) as source:
            exported = export_capsule(
                manifest,
                source,
                target,
                ro_crate=ro_crate,
                folder=Path(bases.pop()) if len(bases) == 1 else None,
                force=True,
            )
    code = manifest.part("code")
    return {
        "path": str(target),
        "capsule_id": version.capsule,
        "version": version.number,
        "crate_id": exported.crate_id,
        "checksum": exported.checksum,
        "entities": exported.entities,
        "files": exported.files,
        "bytes": exported.bytes,
        "ro_crate_version": exported.ro_crate,
        "archival_references": {
            "swhids": list(exported.swhids),
            **{name: code.get(name) for name in _CODE},
        },
        "notes": list(exported.notes),
    }
