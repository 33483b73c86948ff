"""Every capsule whose run is over written as a crate, each under its own id.

What is there already and says the same is left alone, so that the call can be made
again and again; one that fails does not keep the others.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from reverify.capsules.export import (
    FORMATS,
    RO_CRATE,
    ZIPPED,
    expect_one_of,
    export_capsule,
)
from reverify.capsules.importing import own_manifest
from reverify.capsules.mapping.interface import VERSIONS
from reverify.capsules.registry import Registry
from reverify.crates.opening import open_crate
from reverify.errors import DamagedError, ReverifyError
from reverify.model.capsule import Status
from reverify.model.registry import Version

_PAGE = 100


class Written(NamedTuple):
    """What became of one capsule.

    Attributes:
        version: which version of it.
        target: where its crate is, or should be; None if nobody can tell.
        state: `written`, `unchanged`, `left out` or `failed`.
        reason: why it failed or was left out; else empty.
    """

    version: Version
    target: Path | None
    state: str
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "id": self.version.capsule,
            "version": self.version.number,
            "path": None if self.target is None else str(self.target),
            "state": self.state,
            "reason": self.reason or None,
        }


def export_all(
    registry: Registry,
    folder: Path,
    *,
    format: str = "dir",
    ro_crate: str = RO_CRATE,
    force: bool = False,
) -> Iterator[Written]:
    """Export every capsule in its latest version, the oldest first.

    One that is a draft or still runs is left out, and a failed run is not: it is as
    much a record as any other.

    Args:
        registry: where they are.
        folder: where their crates go, as `capsule-ID`, or `capsule-ID.zip`.
        format: dir, zip, bag or bag-zip.
        ro_crate: 1.1, 1.2 or 1.3.
        force: write anew what says the same already, and replace what is no export
            of the capsule.

    Raises:
        UsageError: there is no such format or version of RO-Crate.
    """
    expect_one_of(format, FORMATS, "format")
    expect_one_of(ro_crate, VERSIONS, "RO-Crate")
    at = 0
    damaged: list[Written] = []

    def tell(version: Version, error: DamagedError) -> None:
        damaged.append(Written(version, None, "failed", str(error)))

    while True:
        # Page by page, so that no view of the database is held while crates are made.
        rows = registry.list(after=at, on_damage=tell)
        page = list(itertools.islice(rows, _PAGE))
        yield from damaged
        damaged.clear()
        if not page:
            return
        for version in page:
            if not Status(version.status).is_over:
                reason = (
                    f"is {version.status}; only what is completed or failed is exported"
                )
                yield Written(version, None, "left out", reason)
                continue
            name = f"capsule-{version.capsule}"
            target = folder / (f"{name}.zip" if format in ZIPPED else name)
            yield _export(registry, version, target, format, ro_crate, force=force)
        at = page[-1].sequence


def _export(
    registry: Registry,
    version: Version,
    target: Path,
    format: str,
    ro_crate: str,
    *,
    force: bool,
) -> Written:
    try:
        there = _look(target, version)
        if there == (version.manifest_sha256, format, ro_crate) and not force:
            return Written(version, target, "unchanged")
        bases = {file.base for file in registry.files(version) if file.base}
        with registry.source(version) as source:
            export_capsule(
                registry.manifest(version),
                source,
                target,
                format=format,
                ro_crate=ro_crate,
                folder=Path(bases.pop()) if len(bases) == 1 else None,
                force=force or there is not None,
            )
    except ReverifyError as error:
        return Written(version, target, "failed", str(error))
    return Written(version, target, "written")


class _There(NamedTuple):
    """An export of the capsule that is at the target already."""

    manifest_sha256: str
    format: str
    ro_crate: str | None


def _look(target: Path, version: Version) -> _There | None:
    """What export of this capsule is at the target; None if it is nothing of the kind.

    Only its manifest and metadata document are read: whether all the rest is what it
    was, `reverify check` tells.
    """
    if target.is_symlink() or not target.exists():
        return None
    try:
        with open_crate(str(target)) as crate:
            _, manifest = own_manifest(crate, [])
            if manifest is None or manifest.id != version.capsule:
                return None
            format = "dir" if crate.format == "directory" else crate.format
            ro_crate = crate.metadata.version if crate.metadata else None
            return _There(manifest.sha256, format, ro_crate)
    except ReverifyError:
        return None
