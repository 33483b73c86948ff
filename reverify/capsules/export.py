"""A capsule written as a crate: directory, zip, bag, or bag in a zip.

Every file is read once. Its digest is taken on the way, compared with what the
manifest states and, for files of code, with the commit, and is what the crate states.
Nothing depends on the clock: the same capsule gives the same bytes.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from reverify.capsules.code import Code
from reverify.capsules.mapping.interface import VERSIONS
from reverify.capsules.packing import CrateInMaking, Exported
from reverify.capsules.placing import new_file, new_folder, refuse_taken
from reverify.capsules.sources import FileSource
from reverify.capsules.writers.interface import Stream
from reverify.errors import CapsuleError, UsageError
from reverify.model.capsule import Manifest

__all__ = [
    "FORMATS",
    "RO_CRATE",
    "Exported",
    "export_capsule",
    "measure_capsule",
    "stream_capsule",
]

FORMATS = ("dir", "zip", "bag", "bag-zip")
ZIPPED = ("zip", "bag-zip")
RO_CRATE = "1.2"
"""The version of RO-Crate that is written if nobody asks for another."""


def export_capsule(
    manifest: Manifest,
    source: FileSource,
    target: Path,
    *,
    format: str = "dir",
    ro_crate: str = RO_CRATE,
    repository: Path | None = None,
    folder: Path | None = None,
    force: bool = False,
    code: Code | None = None,
) -> Exported:
    """Write a capsule as a crate: whole, or not at all.

    Args:
        manifest: what the capsule is.
        source: opens its files.
        target: where the crate goes; its folder must be there.
        format: dir, zip, bag or bag-zip.
        ro_crate: 1.1, 1.2 or 1.3.
        repository: the git repository in which the code is looked up.
        folder: the folder of the capsule, if its files lie in one.
        force: replace the crate, file or link that is at the target.
        code: what is known of its code; None to look it up, which may open a
            repository at a path that the manifest names.

    Raises:
        CapsuleError: the capsule is not over, a file is not what it was, the code is
            not what the manifest says, or the target cannot be written; all that is
            wrong with files is told at once.
        UsageError: there is no such format or version, or no such repository.
        ServiceError: the repository that was named cannot be read.
    """
    expect_one_of(format, FORMATS, "format")
    expect_one_of(ro_crate, VERSIONS, "RO-Crate")
    is_zip = format in ZIPPED
    _spare_sources(target, manifest, folder)
    refuse_taken(target, folder=not is_zip, force=force)
    crate = CrateInMaking(manifest, source, ro_crate=ro_crate, format=format)
    crate.look(repository, folder, code)
    if is_zip:
        with new_file(target, force=force) as stream:
            return crate.write_archive(stream, target)
    with new_folder(target, force=force) as root:
        return crate.write_folder(root, target)


def stream_capsule(
    manifest: Manifest,
    source: FileSource,
    stream: Stream,
    *,
    format: str = "zip",
    ro_crate: str = RO_CRATE,
    repository: Path | None = None,
    folder: Path | None = None,
    code: Code | None = None,
) -> Exported:
    """Write a capsule as a zip to a stream that only goes forward.

    Before the first byte goes out, all is looked at that can be without reading the
    files. If one of them then turns out to be another than the manifest states, the
    archive is left without its end, and opens nowhere.

    Args:
        manifest: what the capsule is.
        source: opens its files.
        stream: `write` must take all of the bytes; it is not closed.
        format: zip or bag-zip.
        ro_crate: 1.1, 1.2 or 1.3.
        repository: the git repository in which the code is looked up.
        folder: the folder of the capsule, if its files lie in one.
        code: what is known of its code; None to look it up, which may open a
            repository at a path that the manifest names.

    Raises:
        CapsuleError: as `export_capsule`; of the files the first that is wrong.
        UsageError: there is no such format or version, or no such repository.
        ServiceError: the repository that was named cannot be read.
    """
    expect_one_of(format, ZIPPED, "format")
    expect_one_of(ro_crate, VERSIONS, "RO-Crate")
    crate = CrateInMaking(manifest, source, ro_crate=ro_crate, format=format)
    crate.look(repository, folder, code)
    return crate.write_archive(stream, None)


def measure_capsule(
    manifest: Manifest,
    source: FileSource,
    *,
    ro_crate: str = RO_CRATE,
    code: Code | None = None,
) -> Exported:
    """Tell what `export_capsule` would write as a directory, and write nothing.

    The arguments are those of `export_capsule`, and so are the errors.
    """
    expect_one_of(ro_crate, VERSIONS, "RO-Crate")
    crate = CrateInMaking(manifest, source, ro_crate=ro_crate, format="dir")
    crate.look(None, None, code)
    return crate.write_nothing()


def expect_one_of(word: str, known: Sequence[str], what: str) -> None:
    """See that there is such a format or version.

    Raises:
        UsageError: there is none.
    """
    if word not in known:
        raise UsageError(f"there is no {what} {word!r} here; use {', '.join(known)}")


def _spare_sources(target: Path, manifest: Manifest, folder: Path | None) -> None:
    """See that nothing of the capsule itself would be replaced.

    Raises:
        CapsuleError: the target is its folder, one of its files, or a folder of these.
    """
    if folder is None:
        return
    base = os.path.realpath(folder)
    real = Path(os.path.realpath(target.parent), target.name)
    kept = (f"{base}/{file.path}" for file in manifest.files() if file.path)
    if any(f"{path}/".startswith(f"{real}/") for path in (base, *kept)):
        raise CapsuleError(f"{target}: holds the capsule itself; choose another name")
