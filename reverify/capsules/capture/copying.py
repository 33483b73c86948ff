"""Files of an analysis, copied as they are, and digested on the way."""

import contextlib
import hashlib
import mimetypes
import os
import stat
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from reverify.capsules.capture.listing import Seen, seen
from reverify.errors import CapsuleError

_CHUNK = 1 << 20
_TYPES = {
    ".bib": "application/x-bibtex",
    ".csv": "text/csv",
    ".geojson": "application/geo+json",
    ".gz": "application/gzip",
    ".ipynb": "application/x-ipynb+json",
    ".jl": "text/x-julia",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".r": "text/x-r",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
"""Media types by suffix, where Python has none or another on some machines."""


class Kept(NamedTuple):
    """A file that was copied, or only digested.

    Attributes:
        path: its path in the manifest.
        size: in bytes.
        sha256: lower-case hexadecimal.
        seen: what it looked like, to tell later whether it changed.
    """

    path: str
    size: int
    sha256: str
    seen: Seen

    def record(self, description: str | None = None) -> dict[str, Any]:
        """What the manifest says of it."""
        record: dict[str, Any] = {"path": self.path}
        if description is not None:
            record["description"] = description
        if type := media_type(self.path):
            record["media_type"] = type
        return record | {"size": self.size, "sha256": self.sha256}


def media_type(path: str) -> str | None:
    """The media type that a suffix stands for, on every machine the same."""
    suffix = Path(path).suffix.lower()
    if suffix in _TYPES:
        return _TYPES[suffix]
    known = mimetypes.MimeTypes(filenames=())
    type, encoding = known.guess_type(f"file{suffix}")
    return None if encoding else type


class Keeper:
    """Copies files from a work tree to a folder; or digests them where they are.

    Args:
        root: where the work tree is.
        folder: a descriptor of the folder where the copies go; None if the files stay
            where they are.
    """

    def __init__(self, root: Path, folder: int | None) -> None:
        self._root = root
        self._folder = folder

    @property
    def copies(self) -> bool:
        """Whether there are copies, that stay as they are."""
        return self._folder is not None

    def keep(self, path: str) -> Kept:
        """Copy a file, or digest it.

        Raises:
            CapsuleError: it is no regular file, cannot be read, or changes meanwhile.
        """
        source = self._root / path
        try:
            fd = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise CapsuleError(f"{path}: cannot be read ({error.strerror})") from error
        with os.fdopen(fd, "rb") as stream:
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                raise CapsuleError(f"{path}: is no regular file")
            digest, size = hashlib.sha256(), 0
            with self._copy(path, before.st_mode) as copy:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    if copy is not None:
                        copy.write(chunk)
            after = os.fstat(fd)
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, size):
            raise CapsuleError(f"{path}: changed while it was read; try again")
        looks = Seen(size, after.st_mtime_ns, after.st_ino)
        return Kept(path, size, digest.hexdigest(), looks)

    def _copy(self, path: str, mode: int) -> Any:  # noqa: ANN401 - a stream, or nothing
        if self._folder is None:
            return contextlib.nullcontext()
        for parent in reversed(PurePosixPath(path).parents[:-1]):
            with contextlib.suppress(FileExistsError):
                os.mkdir(parent, dir_fd=self._folder)
        allowed = 0o777 if mode & 0o100 else 0o666
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, allowed, dir_fd=self._folder), "wb")

    def rename(self, kept: Kept, path: str) -> Kept:
        """Give a copy another path."""
        if self._folder is not None:
            os.rename(kept.path, path, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        return kept._replace(path=path)

    def write(self, path: str, data: bytes) -> Kept:
        """Write a file of our own among the copies."""
        if self._folder is None:
            raise CapsuleError(f"{path}: nothing is written into the work tree")
        with self._copy(path, 0) as copy:
            copy.write(data)
        digest = hashlib.sha256(data).hexdigest()
        return Kept(path, len(data), digest, Seen(len(data), 0, 0))

    def is_unchanged(self, kept: Kept) -> bool:
        """Whether a file is what it was, by its bytes if it looks otherwise."""
        try:
            if seen(self._root / kept.path) == kept.seen:
                return True
            now = Keeper(self._root, None).keep(kept.path)
        except OSError:
            return False
        return now.sha256 == kept.sha256
