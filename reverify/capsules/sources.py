"""Where the bytes of a capsule's files come from, and how they are opened.

The folder of a manifest may hold links and devices, and may change while it is read;
nothing in it is opened that is not a regular file below it.
"""

import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, Protocol, Self, cast

from reverify.crates import hashing
from reverify.crates.names import path_fault
from reverify.errors import CapsuleError
from reverify.model.capsule import FileRecord

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


class FileSource(Protocol):
    """Opens the kept files of one capsule."""

    def open(self, file: FileRecord) -> BinaryIO:
        """Open a file of the capsule for reading, at its start; it can be sought in.

        Args:
            file: a record that has a path.

        Raises:
            CapsuleError: it cannot be had; one sentence that names its path.
        """
        ...


class FolderSource:
    """The files below a folder, by the paths that the manifest gives them.

    The path to the folder itself may be a link; nothing below it may.

    Args:
        folder: the folder of the manifest.

    Raises:
        CapsuleError: there is no such folder.

    Source: the walk is that of `crates.hashing.Folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            reason = f"{folder}: is no folder that can be read ({error.strerror})"
            raise CapsuleError(reason) from error
        self._below = hashing.Folder(self._root)

    def close(self) -> None:
        """Let go of the folder."""
        if self._root >= 0:
            self._below.close()
            os.close(self._root)
            self._root = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, file: FileRecord) -> BinaryIO:
        """Open a file below the folder.

        Raises:
            CapsuleError: it is missing, a link or behind one, no regular file, lies
                outside the folder, or may not be read.
        """
        path = file.path
        if path is None:
            raise CapsuleError(f"{file.pointer}: has no path, and is not kept")
        if fault := path_fault(path):
            raise CapsuleError(f"{path!r} may not be used as a path: {fault}")
        folder, _, name = path.rpartition("/")
        try:
            at = self._below.descend(folder)
            mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
            if stat.S_ISREG(mode):
                return cast("BinaryIO", io.FileIO(self._below.open(path), "rb"))
        except OSError as error:
            raise CapsuleError(self._why_not(path) or _failure(path, error)) from error
        raise CapsuleError(self._why_not(path) or f"{path}: is no regular file")

    def _why_not(self, path: str) -> str | None:
        """Say which part of a path is not what it must be, without opening it."""
        parts = path.split("/")
        for depth, part in enumerate(parts, 1):
            try:
                at = self._below.descend("/".join(parts[: depth - 1]))
                mode = os.stat(part, dir_fd=at, follow_symlinks=False).st_mode
            except FileNotFoundError:
                return f"{path}: is missing in {self.folder}"
            except OSError as error:
                return _failure(path, error)
            kind = stat.S_IFMT(mode)
            is_last = depth == len(parts)
            if kind == (stat.S_IFREG if is_last else stat.S_IFDIR):
                continue
            where = path if is_last else f"{path}: {'/'.join(parts[:depth])}"
            wanted = "a regular file" if is_last else "a folder"
            advice = "; links are never followed" if kind == stat.S_IFLNK else ""
            return f"{where}: is {_KINDS.get(kind, wanted)}, not {wanted}{advice}"
        return None


def _failure(path: str, error: OSError) -> str:
    return f"{path}: cannot be opened ({error.strerror})"
