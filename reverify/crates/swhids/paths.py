"""The SWHID of whatever a path names, or of what a stream holds."""

import errno
import os
import stat
import tempfile
from typing import BinaryIO

from reverify.crates import hashing
from reverify.crates.digests import blocks
from reverify.crates.swhids.folders import (
    Identified,
    Ways,
    link_text,
    read_folder,
    word_for,
)
from reverify.errors import UsageError
from reverify.model.swhid import Swhid, git_id


def identify(
    path: str,
    ways: Ways,
    *,
    empty_directories: bool = False,
    dereference: bool = False,
) -> Identified:
    """Compute the SWHID of a file, a link or a folder.

    Args:
        path: where it is.
        ways: how a folder is looked at.
        empty_directories: count empty folders, as Software Heritage's own tool does.
        dereference: follow the path itself if it is a link.

    Raises:
        UsageError: there is nothing, or something that is neither file nor folder.
    """
    path = os.path.realpath(path) if dereference else path
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return Identified(Swhid("cnt", git_id("blob", link_text(path))))
        if stat.S_ISREG(mode):
            return _identify_file(path)
        if stat.S_ISDIR(mode):
            folder = read_folder(path, ways)
            return folder.identified(empty_directories=empty_directories)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{path}: there is no such file or folder") from error
    except OSError as error:
        return Identified(None, (f"{path}: {error.strerror}",))
    raise UsageError(
        f"{path}: is a {word_for(mode)}, which has no SWHID; what is read from it has"
        " one: give - for standard input"
    )


def _identify_file(path: str) -> Identified:
    place, name = os.path.split(path)
    root = os.open(place or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        buffer = memoryview(bytearray(hashing.BLOCK))
        folder, forever = hashing.Folder(root), float("inf")
        found = hashing.hash_file(folder, name, [hashing.BLOB], buffer, forever)
    finally:
        os.close(root)
    _, digests, problem = found
    if problem:
        return Identified(None, (f"{path}: {problem}",))
    return Identified(Swhid("cnt", digests[hashing.BLOB]))


def identify_stream(stream: BinaryIO) -> Swhid:
    """Compute the SWHID of what a stream holds; on disk meanwhile, not in memory.

    The size goes before the bytes, and a pipe does not tell it beforehand.

    Raises:
        OSError: the stream cannot be read, or the disk is full.
    """
    there = os.fstat(stream.fileno())
    if stat.S_ISREG(there.st_mode):
        return _identify_sized(stream, there.st_size - stream.tell())
    with tempfile.TemporaryFile() as kept:
        for block in blocks(stream):
            kept.write(block)
        size = kept.tell()
        kept.seek(0)
        return _identify_sized(kept, size)


def _identify_sized(stream: BinaryIO, size: int) -> Swhid:
    digest = hashing.begin(hashing.BLOB, size)
    seen = 0
    for block in blocks(stream):
        seen += len(block)
        digest.update(block)
    if seen != size:
        raise OSError(errno.EIO, "changed while it was read")
    return Swhid("cnt", digest.hexdigest())
