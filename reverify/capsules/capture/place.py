"""Where an analysis runs, and where its capsule goes."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from reverify.capsules.capture.listing import MANIFEST, list_files
from reverify.capsules.placing import new_file, new_folder
from reverify.crates.names import folded, path_fault
from reverify.errors import CapsuleError

_RESERVED = {
    MANIFEST,
    "ro-crate-metadata.json",
    "ro-crate-metadata.jsonld",
    "ro-crate-preview.html",
}


def name_fault(path: str) -> str | None:
    """Why a file of that name cannot be in a capsule, or None if it can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if folded(path) in _RESERVED:
        return "the capsule needs that name for itself"
    return path_fault(path)


def shown(text: str) -> str:
    """A name or argument as text, though it may be any bytes."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


class Place(NamedTuple):
    """Where an analysis runs.

    Attributes:
        root: the root of the work tree, or the folder outside of one; paths in the
            manifest start here.
        folder: where the command runs; the root, or below it.
    """

    root: Path
    folder: Path

    def path_of(self, text: str, option: str) -> str:
        """The path from the root of what the user named.

        Raises:
            CapsuleError: it lies outside, or cannot be in a capsule.
        """
        if "\0" in text or not text:
            raise CapsuleError(f"{option} {text!r}: is no path")
        path = Path(os.path.normpath(self.folder / text))
        if not path.is_relative_to(self.root):
            path = path.parent.resolve() / path.name
        if not path.is_relative_to(self.root):
            raise CapsuleError(
                f"{option} {text}: lies outside of {self.root}; only what is below it"
                " can be in the capsule: copy it there"
            )
        found = path.relative_to(self.root).as_posix()
        if found.partition("/")[0] == ".git":
            raise CapsuleError(f"{option} {text}: belongs to git")
        if found != "." and (fault := name_fault(found)):
            raise CapsuleError(f"{option} {text}: {fault}; rename it")
        return found

    def files_at(self, texts: Sequence[str], option: str) -> list[str]:
        """The paths of the files that the user named, those in folders too.

        Raises:
            CapsuleError: there is nothing there, or it cannot be in a capsule.
        """
        found: dict[str, None] = {}
        for text in texts:
            path = self.path_of(text, option)
            place = self.root / path
            if place.is_dir():
                inside = list_files(self.root, "" if path == "." else path).files
                if not inside:
                    raise CapsuleError(f"{option} {text}: there is no file in it")
                for name in sorted(inside):
                    if fault := name_fault(name):
                        raise CapsuleError(f"{option} {name!r}: {fault}; rename it")
                found |= dict.fromkeys(sorted(inside))
            elif place.is_file():
                found[path] = None
            elif os.path.lexists(place):
                raise CapsuleError(f"{option} {text}: is no regular file")
            else:
                raise CapsuleError(f"{option} {text}: no such file")
        return list(found)


class Target(NamedTuple):
    """Where a capsule goes.

    Attributes:
        folder: the folder of the manifest.
        in_place: whether that is the root of the work tree, so that nothing is copied.
    """

    folder: Path
    in_place: bool

    @property
    def manifest(self) -> Path:
        """Where the manifest goes."""
        return self.folder / MANIFEST


def find_target(folder: Path, root: Path) -> Target:
    """See that a capsule can be written to a folder.

    Raises:
        CapsuleError: something is there already.
    """
    target = Target(folder, folder.resolve() == root)
    if target.in_place:
        if os.path.lexists(target.manifest):
            raise CapsuleError(f"{target.manifest}: is there already; move it away")
    elif os.path.lexists(folder):
        if not folder.is_dir():
            raise CapsuleError(f"{folder}: is no folder; name another with -o")
        if any(folder.iterdir()):
            raise CapsuleError(f"{folder}: is not empty; name another with -o")
    return target


@contextmanager
def staging(target: Target) -> Iterator[int | None]:
    """A folder that is at its target when the block ends well, and else nowhere.

    Yields:
        a descriptor of it; None if nothing is to be copied.

    Raises:
        CapsuleError: nothing can be written there, or something is there by now.
    """
    if target.in_place:
        yield None
        return
    folder = target.folder
    made = [parent for parent in folder.parents if not parent.exists()]
    was_there = folder.is_dir()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if was_there:
            folder.rmdir()
    except OSError as error:
        raise CapsuleError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        with new_folder(folder, force=False) as fd:
            yield fd
            _see_that_nothing_came(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            if was_there:
                folder.mkdir()
            for parent in made:
                parent.rmdir()
        raise


def _see_that_nothing_came(folder: Path) -> None:
    if os.path.lexists(folder):
        raise CapsuleError(
            f"{folder}: is there by now; a command must not write into its own capsule"
        )


def write_manifest_in(fd: int | None, target: Target, data: bytes) -> None:
    """Write the manifest: among the copies, or into the work tree.

    Raises:
        CapsuleError: it cannot be written.
    """
    if fd is None:
        with new_file(target.manifest, force=False) as stream:
            stream.write(data)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(MANIFEST, flags, 0o666, dir_fd=fd), "wb") as stream:
        stream.write(data)
