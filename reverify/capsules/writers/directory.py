"""A crate as a directory."""

import os
from contextlib import AbstractContextManager
from typing import BinaryIO

from reverify.capsules.writers.interface import Sink, Writer

FILE_MODE, FOLDER_MODE = 0o644, 0o755
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class DirectoryWriter(Writer):
    """Writes below one folder, part by part from a descriptor of it.

    So a path may be longer than the system takes at once, and nothing that is put in
    the way meanwhile leads out of the folder.

    Args:
        root: a descriptor of an empty folder; it stays the caller's.
    """

    def __init__(self, root: int) -> None:
        super().__init__()
        self._root = root
        self._path = ""
        self._fd = root

    def finish(self) -> None:
        """Let go of the folder that was used last."""
        if self._fd != self._root:
            os.close(self._fd)
        self._path, self._fd = "", self._root

    abandon = finish

    def create(self, path: str, size: int) -> AbstractContextManager[Sink]:
        """Begin a file, in folders that are made as they are needed."""
        del size
        folder, _, name = path.rpartition("/")
        fd = os.open(name, _CREATE, FILE_MODE, dir_fd=self._folder(folder))
        os.fchmod(fd, FILE_MODE)  # whatever the umask is
        return _stream(fd)

    def add_folder(self, path: str) -> None:
        """Make a folder that holds no file."""
        self._folder(path)

    def _folder(self, path: str) -> int:
        """Open the folder at `path`, made if it is not there, until the next."""
        if path == self._path:
            return self._fd
        self.finish()
        fd = self._root
        for part in path.split("/") if path else ():
            try:
                below = _make(part, fd)
            finally:
                if fd != self._root:
                    os.close(fd)
            fd = below
        self._path, self._fd = path, fd
        return fd


def _make(name: str, at: int) -> int:
    try:
        os.mkdir(name, FOLDER_MODE, dir_fd=at)
    except FileExistsError:
        return os.open(name, _FOLDER, dir_fd=at)
    fd = os.open(name, _FOLDER, dir_fd=at)
    os.fchmod(fd, FOLDER_MODE)
    return fd


def _stream(fd: int) -> BinaryIO:
    """A stream whose `write` takes all of the bytes."""
    return open(fd, "wb")
