"""What a bundle of the vault is worth: objects in a repository of ours, re-hashed.

The vault says `done` even where it lacks bytes, and puts a sentence in their place. So
nothing counts here but what has the id that it should have; and what does not is never
taken for a proof of the contrary.
"""

import contextlib
import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from reverify.errors import ServiceError
from reverify.model.swhid import git_id
from reverify.services.git.command import Git
from reverify.services.git.objects import Objects
from reverify.services.software_heritage.tarball import BundleLimits

BLOCK = 1 << 20
SENTENCES = {
    b"This content is missing from the Software Heritage archive "
    b"(or from the mirror used while retrieving it).": "missing from the archive",
    b"This content has not been retrieved in the "
    b"Software Heritage archive due to its size.": "not kept, for its size",
    b"This content is hidden.": "hidden by the archive",
}
"""What the vault writes in place of bytes that it does not have, and what that means.

Source: swh-vault 2.1.0, swh/vault/to_disk.py.
"""
SENTENCE_BYTES = max(map(len, SENTENCES))
STAND_INS = {git_id("blob", text): meaning for text, meaning in SENTENCES.items()}


class Fault(NamedTuple):
    """Something in a bundle that is not what was asked for.

    Attributes:
        swhid: of the object; empty if the bundle alone does not tell.
        path: where it was met, bytes that are no UTF-8 as half surrogate pairs; empty
            for the object itself, and for the history.
        reason: the end of a sentence.
    """

    swhid: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What came out of a bundle; close it when done.

    Attributes:
        swhid: what was asked for.
        kind: flat or git-bare.
        git: a repository of ours with the objects.
        objects: the objects; they are hashed again whenever one is read.
        checked: how many were read and have their ids.
        faults: what is missing or replaced. With any of them the bundle shows neither
            that the object is whole nor that it is not.
    """

    swhid: str
    kind: str
    git: Git
    objects: Objects
    checked: int
    faults: tuple[Fault, ...]

    @property
    def complete(self) -> bool:
        """Whether the object and all beneath it are there and have their ids."""
        return not self.faults

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the repository."""
        self.objects.close()
        self.git.close()


class Shelf:
    """A repository of ours, into which objects are put.

    Args:
        limits: how much may be put in.

    Attributes:
        git: the repository.
        count: how many objects were hashed.
    """

    def __init__(self, limits: BundleLimits) -> None:
        self.git = Git()
        self.count = 0
        self._limits = limits
        self._folder = self.git.directory / "objects"

    @contextlib.contextmanager
    def guarded(self) -> Iterator[Self]:
        """Remove the repository if anything goes wrong."""
        try:
            yield self
        except BaseException:
            self.git.close()
            raise

    def put(self, kind: str, size: int, stream: BinaryIO) -> str:
        """Store an object under the id that its bytes have, and give that id.

        Raises:
            ServiceError: it is too large, or cut short.
        """
        if size > self._limits.object_bytes:
            raise ServiceError(f"the bundle holds a file of {size:,} bytes: too large")
        digest = hashlib.sha1(usedforsecurity=False)
        packer = zlib.compressobj(1)
        header = f"{kind} {size}\0".encode()
        handle, name = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(handle, "wb") as file:
            digest.update(header)
            file.write(packer.compress(header))
            left = size
            while left and (block := stream.read(min(BLOCK, left))):
                left -= len(block)
                digest.update(block)
                file.write(packer.compress(block))
            file.write(packer.flush())
        if left:
            raise ServiceError("the bundle is cut short")
        self._place(name, digest.hexdigest())
        return digest.hexdigest()

    def _place(self, name: str, id: str) -> None:
        self.count += 1
        place = self._folder / id[:2] / id[2:]
        place.parent.mkdir(exist_ok=True)
        os.replace(name, place)  # noqa: PTH105 - `name` is text

    def take_in(self, name: str, stream: BinaryIO) -> None:
        """Store a file of another repository's objects as it is, not yet believed.

        Args:
            name: `xx/…` or `pack/…`, checked by the caller.
            stream: its bytes.
        """
        place = self._folder / name
        place.parent.mkdir(exist_ok=True)
        with place.open("wb") as file:
            while block := stream.read(BLOCK):
                file.write(block)


def shown(path: bytes) -> str:
    """A path as text."""
    return path.decode("utf-8", "surrogateescape")
