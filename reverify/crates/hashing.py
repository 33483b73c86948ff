"""Digest files below one folder; run as a program, it does so for a parent.

This module imports nothing of reverify and little else, so that a worker is there in
some milliseconds: `python -I -S hashing.py FD` receives requests on standard input,
digests the files below the folder open as descriptor FD, and sends an answer to each.
Parent and worker are the same Python, so that they may talk in `marshal`.

Request: `(["sha256", ...], deadline by time.monotonic, ["path", ...])`.
Answer: for each path `(size, {"sha256": hex, ...}, problem)`.
"""

import errno
import hashlib
import marshal
import os
import stat
import sys
import time

TYPE_CHECKING = False  # to import `typing` takes as long as all the others do
if TYPE_CHECKING:
    from typing import IO, Any

BLOCK = 1 << 20
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
FOLDER_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC

QUICK = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
"""Digests that are allowed everywhere, and made more quickly without asking."""

BLOB = "blob"
"""Git's id of a file, whose size goes before its bytes; no name of hashlib."""

OUT_OF_TIME = "not read to its end, the time is up; give more with --max-time"

Result = tuple[int, dict[str, str], str]
"""Size in bytes, lower-case hex by hashlib's name of the algorithm, what went wrong."""

LENGTH_BYTES = 8


def send(stream: "IO[bytes]", message: "Any") -> None:  # noqa: ANN401 - plain values
    """Send a message of plain values, its length in front.

    Raises:
        OSError: nobody is there to receive it.
    """
    data = marshal.dumps(message)
    stream.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
    stream.flush()


def receive(stream: "IO[bytes]") -> "Any":  # noqa: ANN401 - whatever was sent
    """Receive the next message.

    Raises:
        EOFError: there is none, or not all of it.
    """
    length = int.from_bytes(stream.read(LENGTH_BYTES), "big")
    return marshal.loads(stream.read(length))  # noqa: S302 - from our own program


class Folder:
    """Opens files below one folder without ever following a link.

    The folder that was used last stays open, since files come folder by folder.

    Args:
        root: a descriptor of the folder; it stays the caller's.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._path = ""
        self._fd = root

    def close(self) -> None:
        """Let go of the folder that was used last."""
        if self._fd != self._root:
            os.close(self._fd)
        self._path, self._fd = "", self._root

    def descend(self, path: str) -> int:
        """Open the folder at `path`, part by part, and keep it until the next.

        Raises:
            OSError: a part is absent, a link, or no folder.
        """
        if path != self._path:
            fd, rest = self._root, path
            if self._path and path.startswith(f"{self._path}/"):
                fd, rest = self._fd, path[len(self._path) + 1 :]
            else:
                self.close()
            self._path, self._fd = "", self._root  # as long as it is not there
            for part in rest.split("/") if rest else ():
                try:
                    below = os.open(part, FOLDER_FLAGS, dir_fd=fd)
                finally:
                    if fd != self._root:
                        os.close(fd)
                fd = below
            self._path, self._fd = path, fd
        return self._fd

    def open(self, path: str) -> int:
        """Open the regular file at `path`.

        Raises:
            OSError: it is absent, behind a link, or no regular file.
        """
        return self.open_and_stat(path)[0]

    def open_and_stat(self, path: str) -> tuple[int, os.stat_result]:
        """Open the regular file at `path`, and tell what it is now.

        Raises:
            OSError: it is absent, behind a link, or no regular file.
        """
        folder, _, name = path.rpartition("/")
        at = self._fd if folder == self._path else self.descend(folder)
        fd = os.open(name, FILE_FLAGS, dir_fd=at)
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "not a regular file")
        return fd, found


def hash_file(
    folder: Folder,
    path: str,
    algorithms: list[str],
    buffer: memoryview,
    deadline: float,
) -> Result:
    """Read a file once and feed all its digests.

    Args:
        folder: opens it.
        path: relative to the folder.
        algorithms: hashlib's names, or `BLOB`.
        buffer: where blocks are read to.
        deadline: when to stop, by `time.monotonic`.

    Returns:
        its size, its digests, and why there are none, as far as that is known.
    """
    if time.monotonic() > deadline:
        return 0, {}, OUT_OF_TIME
    try:
        fd, before = folder.open_and_stat(path)
    except OSError as error:
        return 0, {}, error.strerror or "cannot be opened"
    try:
        return _hash_open_file(fd, before, algorithms, buffer, deadline)
    except OSError as error:
        return 0, {}, error.strerror or "cannot be read"
    finally:
        os.close(fd)


def _hash_open_file(
    fd: int,
    before: os.stat_result,
    algorithms: list[str],
    buffer: memoryview,
    deadline: float,
) -> Result:
    size = before.st_size
    read = os.readv(fd, [buffer])
    if read == size < len(buffer):  # the whole file in one go, as most files are
        data = buffer[:read]
        digests = {
            name: QUICK[name](data).hexdigest()
            if name in QUICK
            else begin(name, size, data).hexdigest()
            for name in algorithms
        }
    else:
        hashes = {name: begin(name, size) for name in algorithms}
        total = read
        while read:
            data = buffer[:read]
            for item in hashes.values():
                item.update(data)
            if total >= size:
                break
            if time.monotonic() > deadline:
                return total, {}, OUT_OF_TIME
            read = os.readv(fd, [buffer[: min(len(buffer), size - total)]])
            total += read
        digests = {name: item.hexdigest() for name, item in hashes.items()}
        if total != size:
            return total, {}, "changed while it was read"
    after = os.fstat(fd)
    if after.st_mtime_ns != before.st_mtime_ns or after.st_size != size:
        return size, {}, "changed while it was read"
    return size, digests, ""


def begin(name: str, size: int, data: "bytes | memoryview" = b"") -> "hashlib._Hash":
    """Begin a digest of a file of that size."""
    if name != BLOB:
        return hashlib.new(name, data, usedforsecurity=False)
    found = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    found.update(data)
    return found


def main() -> None:
    """Serve one parent until it closes our standard input."""
    folder = Folder(int(sys.argv[1]))
    buffer = memoryview(bytearray(BLOCK))
    while True:
        try:
            algorithms, deadline, paths = receive(sys.stdin.buffer)
        except EOFError:
            return
        answer = [
            hash_file(folder, path, algorithms, buffer, deadline) for path in paths
        ]
        send(sys.stdout.buffer, answer)


if __name__ == "__main__":
    main()
