"""Put what was written in its place whole, or not at all.

It is written beside its target under a hidden name, which is locked as long as the
writer lives, and then renamed. So a reader of the target sees what was there before,
or all that is new; who is killed leaves at most a hidden name that no living process
has locked, and the next who writes to the same target removes it.
"""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reverify.errors import CapsuleError

_NOREPLACE, _EXCHANGE = 1, 2
_AT_FDCWD = -100
_CRATE_NAMES = ("ro-crate-metadata.json", "ro-crate-metadata.jsonld", "bagit.txt")
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


@contextmanager
def new_folder(target: Path, *, force: bool) -> Iterator[int]:
    """Make a folder; it is at its target when the block ends well, and else nowhere.

    An earlier crate at the target is exchanged for it in one step where the system
    can do that (`renameat2`); elsewhere it is moved aside first, so that for a moment
    there is none.

    Yields:
        a descriptor of the new, empty folder.

    Raises:
        CapsuleError: something is at the target that may not be replaced, or nothing
            can be written there.
    """
    refuse_taken(target, folder=True, force=force)
    with _told(target), _beside(target, folder=True) as (temporary, fd):
        yield fd
        _sync_below(fd)
        os.fchmod(fd, 0o755)
        if force and os.path.lexists(target):
            _exchange(temporary, target)
        elif not _rename(temporary, target, _NOREPLACE):
            refuse_taken(target, folder=True, force=False)
            temporary.rename(target)
        _sync_folder(target.parent)


@contextmanager
def new_file(target: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Make a file; it is at its target when the block ends well, and else nowhere.

    Yields:
        a stream to write to.

    Raises:
        CapsuleError: something is at the target that may not be replaced, or nothing
            can be written there.
    """
    refuse_taken(target, folder=False, force=force)
    with _told(target), _beside(target, folder=False) as (temporary, fd):
        with open(fd, "wb", closefd=False) as stream:
            yield stream
        os.fchmod(fd, 0o644)
        os.fsync(fd)
        if force:
            temporary.replace(target)
        elif not _rename(temporary, target, _NOREPLACE):
            os.link(temporary, target)  # which never replaces
            temporary.unlink()
        _sync_folder(target.parent)


def refuse_taken(target: Path, *, folder: bool, force: bool) -> None:
    """See that something may be put at the target.

    Raises:
        CapsuleError: there is something already, and it is not to be replaced; or
            there is no folder to put it in.
    """
    if not target.parent.is_dir():
        raise CapsuleError(f"{target}: there is no folder {str(target.parent)!r}")
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise CapsuleError(f"{target}: {error.strerror}") from error
    if not force:
        reason = f"{target}: is there already; choose another name, or give --force"
        raise CapsuleError(reason)
    if not stat.S_ISDIR(mode):
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            return
        raise CapsuleError(f"{target}: is no file and no folder; it is not replaced")
    if not folder:
        raise CapsuleError(f"{target}: is a folder, and a file cannot replace it")
    names = [path.name for path in target.iterdir()]
    if names and not any(name in _CRATE_NAMES for name in names):
        raise CapsuleError(
            f"{target}: is a folder that holds no crate; not even --force replaces it,"
            " remove it yourself if it is not needed"
        )


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """What the system says of the target, said as a sentence."""
    try:
        yield
    except FileExistsError as error:
        if error.filename2 is None:
            raise
        reason = f"{target}: is there already; choose another name, or give --force"
        raise CapsuleError(reason) from error
    except OSError as error:
        reason = f"{target}: cannot be written ({error.strerror or error})"
        raise CapsuleError(reason) from error


@contextmanager
def _beside(target: Path, *, folder: bool) -> Iterator[tuple[Path, int]]:
    """A hidden name beside the target, locked; what is still there is removed."""
    name = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    stem = f".reverify-{name}-"
    _sweep(target.parent, stem)
    temporary, fd = _locked(target.parent, stem, folder=folder)
    try:
        yield temporary, fd
    finally:
        # After an exchange this is what was at the target before.
        remove(temporary)
        os.close(fd)


def _locked(parent: Path, stem: str, *, folder: bool) -> tuple[Path, int]:
    while True:
        temporary = parent / f"{stem}{secrets.token_hex(4)}"
        if folder:
            temporary.mkdir(mode=0o700)
            fd = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        else:
            fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if _lock(fd) and os.path.samestat(os.fstat(fd), temporary.lstat()):
                return temporary, fd
        except FileNotFoundError:  # swept away between its making and its locking
            pass
        os.close(fd)


def _lock(fd: int) -> bool:
    """Whether the lock is ours, or there is none to be had on this file system."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _sweep(parent: Path, stem: str) -> None:
    """Remove what others left who were killed while they wrote to the same target."""
    for path in parent.iterdir():
        if not path.name.startswith(stem):
            continue
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(path)
            finally:
                os.close(fd)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _exchange(temporary: Path, target: Path) -> None:
    """Put a folder where something is, which then lies at the temporary name."""
    if _rename(temporary, target, _EXCHANGE):
        return
    aside = temporary.with_name(f"{temporary.name}-old")
    target.rename(aside)
    try:
        temporary.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    remove(aside)


def _rename(source: Path, target: Path, flag: int) -> bool:
    """Rename as only Linux can; False where kernel or file system cannot.

    Raises:
        OSError: the renaming itself failed.
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    paths = os.fsencode(source), os.fsencode(target)
    if renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], flag) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))


def _sync_below(fd: int) -> None:
    """See that all that was written is on the disk: one call for all files."""
    try:
        failed = ctypes.CDLL(None, use_errno=True).syncfs(fd)
    except AttributeError:
        os.sync()
        return
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
