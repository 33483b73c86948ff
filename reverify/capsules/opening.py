"""Find a capsule where a user says it is: a manifest, its folder, or the registry."""

import contextlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from reverify.capsules.manifest import MANIFEST_BYTES, read_manifest
from reverify.capsules.sources import FileSource, FolderSource
from reverify.errors import UsageError
from reverify.model.capsule import Manifest
from reverify.settings import Settings

MANIFEST_NAME = "capsule.json"
_REFERENCE = re.compile(r"(?:capsule-)?[0-9A-Fa-f-]{1,36}(?:@[0-9]+)?")


class OpenCapsule(NamedTuple):
    """A capsule that is at hand.

    Attributes:
        manifest: what it is.
        source: opens its files.
        folder: where its files lie; None if they are kept by their digest.
        file: the file that its manifest was read from; None if it was the registry.
    """

    manifest: Manifest
    source: FileSource
    folder: Path | None
    file: Path | None


@contextlib.contextmanager
def open_capsule(location: str, settings: Settings) -> Iterator[OpenCapsule]:
    """Open a capsule.

    Args:
        location: a manifest, a folder that holds capsule.json, or what the registry
            knows a capsule by: an id or its beginning, perhaps with @VERSION.
        settings: where the registry is.

    Raises:
        UsageError: there is nothing there, or it is no manifest.
        CapsuleError: the registry has no such capsule.
        StoreError: the registry cannot be read.
    """
    path = Path(location)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not _REFERENCE.fullmatch(location):
            raise UsageError(
                f"{location}: no such file or folder, and no id of a capsule"
            ) from None
        with _registered(location, settings) as found:
            yield found
        return
    except (OSError, ValueError) as error:
        raise UsageError(f"{location}: cannot be looked at ({error})") from error
    file = path / MANIFEST_NAME if stat.S_ISDIR(mode) else path
    manifest = read_manifest(read_manifest_file(file), str(file))
    with FolderSource(file.parent) as source:
        yield OpenCapsule(manifest, source, file.parent, file)


def read_manifest_file(file: Path) -> bytes:
    """The bytes of a manifest, as many as it may have and one more.

    Raises:
        UsageError: it cannot be read, or is no file.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UsageError(f"{file}: is no file; name a manifest, or its folder")
        with file.open("rb") as stream:
            return stream.read(MANIFEST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error


@contextlib.contextmanager
def _registered(reference: str, settings: Settings) -> Iterator[OpenCapsule]:
    from reverify.capsules.registry import (  # noqa: PLC0415 - SQLAlchemy is large
        open_registry,
    )

    with open_registry(settings) as registry:
        version = registry.resolve(reference)
        manifest = registry.manifest(version)
        bases = {file.base for file in registry.files(version) if file.base}
        folder = Path(bases.pop()) if len(bases) == 1 else None
        with registry.source(version) as source:
            yield OpenCapsule(manifest, source, folder, None)
