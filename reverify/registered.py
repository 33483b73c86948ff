"""The registry as a collection of crates: each capsule exported anew, and checked."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from reverify.audits.finding import REGISTRY
from reverify.audits.looking import NOTHING_SEEN, Look
from reverify.capsules.export import export_capsule
from reverify.capsules.registry import Registry
from reverify.errors import CapsuleError, DamagedError, MissingError, ReverifyError
from reverify.model.capsule import FileRecord, Status
from reverify.model.registry import KeptFile, Version
from reverify.model.report import Report

Verify = Callable[[str], Iterator[Report]]


def capsules(registry: Registry) -> Iterator[str]:
    """The places of all capsules whose run is over, the last registered first.

    Raises:
        StoreError: the registry cannot be read.
    """
    damaged: list[Version] = []
    for version in registry.list(on_damage=lambda found, _: damaged.append(found)):
        if Status(version.status).is_over:
            yield f"{REGISTRY}{version.capsule}"
    for version in damaged:
        yield f"{REGISTRY}{version.capsule}"


def look_at(registry: Registry, place: str) -> Look:
    """Look at a capsule: which version it is, and the files that are kept of it."""
    try:
        version = registry.resolve(place.removeprefix(REGISTRY))
        files = registry.files(version)
    except ReverifyError:
        return NOTHING_SEEN
    seen = [version.digest, *(_seen(registry, file) for file in files)]
    stamp = hashlib.sha256("\n".join(seen).encode("utf-8", "surrogateescape")).digest()
    size = sum(file.size or 0 for file in files)
    return Look(stamp[:16], len(files), size)


def _seen(registry: Registry, file: KeptFile) -> str:
    if file.base is not None:
        path = Path(file.base, file.path)
    elif file.sha256 is not None:
        path = registry.content.path(file.sha256)
    else:
        return file.path
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return f"{file.path}\0gone"
    return f"{file.path}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}"


def verify(registry: Registry, place: str, check: Verify) -> Iterator[Report]:
    """Check a capsule: its files as they are kept, and the crate that is made of it.

    Args:
        registry: where it is.
        place: of the capsule, as `capsules` gives it.
        check: checks a crate.

    Raises:
        MissingError: there is no such capsule.
        DamagedError: what is kept is not what was registered.
        CapsuleError: it cannot be exported.
    """
    try:
        version = registry.resolve(place.removeprefix(REGISTRY))
    except CapsuleError as error:
        raise MissingError(str(error)) from error
    files = registry.files(version)
    if reasons := list(_damage(registry, version, files)):
        raise DamagedError("; ".join(reasons))
    bases = {file.base for file in files if file.base}
    with (
        tempfile.TemporaryDirectory(prefix="reverify-") as folder,
        registry.source(version) as source,
    ):
        target = Path(folder, f"capsule-{version.capsule}")
        export_capsule(
            registry.manifest(version),
            source,
            target,
            folder=Path(bases.pop()) if len(bases) == 1 else None,
        )
        for report in check(str(target)):
            subject = replace(report.subject, location=place)
            yield replace(report, subject=subject)


def _damage(
    registry: Registry, version: Version, files: tuple[KeptFile, ...]
) -> Iterator[str]:
    """Read all files that are kept of a version, and tell what does not hold."""
    with registry.source(version) as source:
        for file in files:
            record = FileRecord(file.role, "", {"path": file.path})
            try:
                with contextlib.closing(source.open(record)):
                    pass
            except CapsuleError as error:
                yield str(error)
