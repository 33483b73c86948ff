"""A crate as a zip, written to any stream: a file, a socket, the body of an answer.

The same files in the same order give the same bytes, wherever they go to: no clock,
no mode of a file, no seeking back. Sizes and CRCs follow each member, in a data
descriptor, and stand in the central directory.
"""

import stat
import zipfile
from contextlib import AbstractContextManager
from typing import BinaryIO, cast

from reverify.capsules.writers.interface import Sink, Stream, Writer

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: no file has a time of its own."""
FILE_MODE, FOLDER_MODE = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755
UNIX = 3


class _Forward:
    """A stream that only goes forward, so that a file and a socket get the same."""

    def __init__(self, stream: Stream) -> None:
        self._stream: Stream | None = stream

    def cut(self) -> None:
        """Let nothing more through, not even what is written at the very end."""
        self._stream = None

    def write(self, data: bytes) -> int:
        """Write all of the bytes."""
        if self._stream is not None:
            self._stream.write(data)
        return len(data)

    def flush(self) -> None:
        """Hand on what is held back."""
        if self._stream is not None:
            self._stream.flush()


class ZipWriter(Writer):
    """Writes members one after the other; memory does not grow with their size.

    Args:
        stream: where to; `write` must take all of the bytes. It stays the caller's.
        folder: the top folder of all members, with a slash behind; empty for none.
    """

    def __init__(self, stream: Stream, folder: str = "") -> None:
        super().__init__()
        self._folder = folder
        self._stream = _Forward(stream)
        self._zip = zipfile.ZipFile(cast("BinaryIO", self._stream), "w")

    def finish(self) -> None:
        """Write the central directory; without it there is no archive."""
        self._zip.close()

    def abandon(self) -> None:
        """Leave what was written without a central directory: it is no archive."""
        self._stream.cut()
        self._zip.close()

    def add_folder(self, path: str) -> None:
        """Add a member that stands for a folder."""
        member = zipfile.ZipInfo(f"{self._folder}{path}/", EPOCH)
        member.create_system = UNIX
        member.external_attr = FOLDER_MODE << 16
        self._zip.writestr(member, b"")

    def create(self, path: str, size: int) -> AbstractContextManager[Sink]:
        """Begin a member."""
        member = zipfile.ZipInfo(self._folder + path, EPOCH)
        member.compress_type = zipfile.ZIP_DEFLATED
        member.create_system = UNIX
        member.external_attr = FILE_MODE << 16
        member.file_size = size  # whether it needs ZIP64 is told by this
        return self._zip.open(member, "w")
