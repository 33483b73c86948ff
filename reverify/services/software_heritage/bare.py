"""Bundles of kind `git-bare`: the objects of a repository, each hashed again.

Only files of objects are taken, into a repository of ours: no settings, hooks,
alternates or references. Packs are indexed anew, so that an object in a pack has the id
that its bytes have, whatever the bundle's own index says.
"""

import contextlib
import hashlib
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple, cast

from reverify.errors import ServiceError
from reverify.model.git_objects import FOLDER, SUBMODULE
from reverify.services.git.command import Git
from reverify.services.git.objects import Objects
from reverify.services.software_heritage.bundle import (
    SENTENCE_BYTES,
    SENTENCES,
    STAND_INS,
    Bundle,
    Fault,
    Shelf,
    shown,
)
from reverify.services.software_heritage.tarball import BundleLimits, members

BLOCK = 1 << 20
BODY_BYTES = 64 << 20
"""How large a tree, commit or tag may be, which must be held to be read."""
_LOOSE = re.compile(rb"objects/([0-9a-f]{2}/[0-9a-f]{38})")
_PACK = re.compile(rb"objects/(pack/pack-[0-9a-f]{40}\.pack)")
_HEX = re.compile(rb"[0-9a-f]{40}")
_TYPES = {"blob": "cnt", "tree": "dir", "commit": "rev", "tag": "rel"}
_KINDS = {type: kind for kind, type in _TYPES.items()}
_TREE_LINE = re.compile(rb"([0-7]{5,6}) ([^/\0]+)\0(.{20})", re.DOTALL)


class _Wanted(NamedTuple):
    """An object that something names.

    Attributes:
        kind: blob, tree, commit or tag.
        id: 40 hexadecimal digits.
        path: where it was met; empty in the history.
    """

    kind: str
    id: str
    path: bytes

    @property
    def swhid(self) -> str:
        return f"swh:1:{_TYPES[self.kind]}:{self.id}"


def read_bare(
    stream: BinaryIO,
    swhid: str,
    *,
    roots: Iterable[str] = (),
    history: bool = True,
    limits: BundleLimits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Bundle:
    """Read a git-bare bundle.

    Args:
        stream: the tarball, at its start.
        swhid: the core SWHID that it was cooked for.
        roots: core SWHIDs that should be in it; `swhid` itself, if none is given. A
            bundle of a snapshot needs them, since git has no snapshots.
        history: whether the commits before are looked at too.
        limits: how much the bundle may hold.
        clock: a monotonic clock, in seconds.

    Raises:
        ServiceError: the bundle is damaged, too much, or not what the vault makes.
    """
    limits = limits or BundleLimits()
    watch = _Watch(clock, limits.seconds)
    wanted = []
    for root in list(roots) or [swhid]:
        short, id = root.split(":")[2:]
        if short not in _KINDS:
            raise ValueError(f"{root} is no object of git: give roots")
        wanted.append(_Wanted(_KINDS[short], id, b""))
    with Shelf(limits).guarded() as shelf:
        _take_in(stream, swhid, shelf, limits, watch)
        walk = _Walk(shelf.git, limits, watch)
        try:
            walk.run(wanted, history=history)
        finally:
            walk.close()
        return Bundle(
            swhid=swhid,
            kind="git-bare",
            git=shelf.git,
            objects=Objects(shelf.git, "sha1"),
            checked=walk.checked,
            faults=tuple(walk.faults),
        )


class _Watch:
    """How much time is left for one bundle.

    Args:
        clock: a monotonic clock, in seconds.
        seconds: how much there is.
    """

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._end = clock() + seconds

    def left(self) -> float:
        """The seconds that are left.

        Raises:
            ServiceError: none are.
        """
        left = self._end - self._clock()
        if left <= 0:
            reason = f"looking into the bundle took more than {self._seconds:g} seconds"
            raise ServiceError(reason)
        return left


def _take_in(
    stream: BinaryIO, swhid: str, shelf: Shelf, limits: BundleLimits, watch: _Watch
) -> None:
    packs = []
    for member in members(stream, f"{swhid}.git", limits, packed=False):
        if member.stream is None:
            continue
        loose = _LOOSE.fullmatch(member.path)
        pack = _PACK.fullmatch(member.path)
        match = loose or pack
        if match is None:
            continue
        name = match[1].decode()
        shelf.take_in(name, member.stream)
        if pack:
            packs.append(name)
    for name in packs:
        _index(shelf.git, name, watch)


def _index(git: Git, name: str, watch: _Watch) -> None:
    """Make an index of a pack, which hashes every object in it."""
    path = git.directory / "objects" / name
    most = f"--max-input-size={path.stat().st_size}"
    small = "core.bigFileThreshold=16m"  # larger ones are not held in memory
    process = git.start("-c", small, "index-pack", most, "--threads=1", str(path))
    try:
        _, said = process.communicate(timeout=watch.left())
    except (subprocess.TimeoutExpired, ServiceError) as error:
        process.kill()
        process.communicate()
        raise ServiceError("indexing the bundle's pack took too long") from error
    if process.returncode:
        text = said.decode("utf-8", "replace").strip()[:300]
        raise ServiceError(f"the bundle's pack is damaged ({text})")


class _Walk:
    """Reads objects one after the other, and tells what each leads to.

    Args:
        git: the repository.
        limits: how much may be read.
        watch: how much time there is.

    Attributes:
        checked: how many objects have their ids.
        faults: of those that have not.
    """

    def __init__(self, git: Git, limits: BundleLimits, watch: _Watch) -> None:
        self.checked = 0
        self.faults: list[Fault] = []
        self._git = git
        self._limits = limits
        self._watch = watch
        self._bytes_left = limits.total_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._stand_in: str | None = None

    def close(self) -> None:
        """End git."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(OSError):
                process.communicate()

    def run(self, wanted: Iterable[_Wanted], *, history: bool) -> None:
        """Look at objects and all that they lead to.

        Raises:
            ServiceError: there are too many of them, or the time is up.
        """
        waiting = list(wanted)
        seen = {each.id: each.kind for each in waiting}
        while waiting:
            here = waiting.pop()
            self._watch.left()
            if len(seen) > self._limits.objects:
                reason = f"the bundle has more than {self._limits.objects:,} objects"
                raise ServiceError(reason)
            body = self._look(here)
            if body is None:
                continue
            for each in _beneath(here, body, history=history):
                if each is None:
                    self._fault(here, "does not read as what it is")
                    break
                if each.id not in seen:
                    seen[each.id] = each.kind
                    waiting.append(each)
                elif seen[each.id] != each.kind:
                    self._fault(each, f"is used as a {seen[each.id]} elsewhere")

    def _fault(self, wanted: _Wanted, reason: str) -> None:
        self.faults.append(Fault(wanted.swhid, shown(wanted.path), reason))

    # -- one object --------------------------------------------------------------------

    def _look(self, wanted: _Wanted) -> bytes | None:
        """Hash an object; gives the body of those that lead further, if it is right."""
        header = self._header(wanted.id)
        if header is None:
            self._fault(wanted, self._why_missing(wanted))
            return None
        kind, size = header
        most = self._limits.object_bytes if kind == "blob" else BODY_BYTES
        if size > most:
            self.close()
            self._fault(wanted, f"has {size:,} bytes: too large to be looked at")
            return None
        self._bytes_left -= size
        if self._bytes_left < 0:
            most = self._limits.total_bytes
            raise ServiceError(f"the bundle's objects have more than {most:,} bytes")
        id, body = self._hash(kind, size)
        if id is None:
            self.close()
            self._fault(wanted, "breaks off")
        elif id != wanted.id:
            self._fault(wanted, _replaced(kind, id, body))
        elif kind != wanted.kind:
            self._fault(wanted, f"is a {kind}")
        else:
            self.checked += 1
            return body
        return None

    def _header(self, id: str) -> tuple[str, int] | None:
        if self._process is None:
            self._process = self._git.start("cat-file", "--batch")
        to = cast("BinaryIO", self._process.stdin)
        back = cast("BinaryIO", self._process.stdout)
        try:
            to.write(f"{id}\n".encode())
            to.flush()
            words = back.readline().decode("ascii", "replace").split()
        except OSError:
            words = []
        if len(words) == 3 and words[1] in _TYPES:  # noqa: PLR2004 - id, kind, size
            return words[1], int(words[2])
        if words != [id, "missing"]:  # git gave up on a damaged object
            self.close()
        return None

    def _hash(self, kind: str, size: int) -> tuple[str | None, bytes]:
        """Read the object that git is about to send; its id, and its body if small."""
        process = cast("subprocess.Popen[bytes]", self._process)
        back = cast("BinaryIO", process.stdout)
        digest = hashlib.sha1(f"{kind} {size}\0".encode(), usedforsecurity=False)
        kept, left = [], size
        keeping = kind != "blob" or size <= SENTENCE_BYTES
        while left and (block := back.read(min(BLOCK, left))):
            left -= len(block)
            digest.update(block)
            if keeping:
                kept.append(block)
        if left or back.read(1) != b"\n":
            return None, b""
        return digest.hexdigest(), b"".join(kept)

    def _why_missing(self, wanted: _Wanted) -> str:
        if wanted.kind != "blob":
            return "is missing from the bundle"
        if self._stand_in is None:
            self._stand_in = ""
            for id, meaning in STAND_INS.items():
                if self._header(id):
                    self._hash("blob", len(_SENTENCE_OF[id]))
                    self._stand_in += f", where a sentence stands in: {meaning}"
        return f"is missing from the bundle{self._stand_in}"


_SENTENCE_OF = dict(zip(STAND_INS, SENTENCES, strict=True))


def _replaced(kind: str, id: str, body: bytes) -> str:
    meaning = SENTENCES.get(body) if kind == "blob" else None
    if meaning:
        return f"a sentence stands in for it: {meaning}"
    if kind == "tree" and not body:
        return "an empty folder stands in for it: the archive lacks it"
    return f"its bytes have the id swh:1:{_TYPES[kind]}:{id}"


def _beneath(here: _Wanted, body: bytes, *, history: bool) -> Iterator[_Wanted | None]:
    """What an object leads to; None where it cannot be read."""
    match here.kind:
        case "tree":
            yield from _in_tree(here, body)
        case "commit":
            yield from _in_commit(body, history=history)
        case "tag":
            yield _in_tag(body)


def _in_tree(here: _Wanted, body: bytes) -> Iterator[_Wanted | None]:
    start = 0
    base = here.path + b"/" if here.path else b""
    while start < len(body):
        match = _TREE_LINE.match(body, start)
        if match is None:
            yield None
            return
        start = match.end()
        mode = int(match[1], 8)
        if mode != SUBMODULE:
            kind = "tree" if mode == FOLDER else "blob"
            yield _Wanted(kind, match[3].hex(), base + match[2])


def _in_commit(body: bytes, *, history: bool) -> Iterator[_Wanted | None]:
    lines = body.partition(b"\n\n")[0].split(b"\n")
    trees = [line[5:] for line in lines if line.startswith(b"tree ")]
    parents = [line[7:] for line in lines if line.startswith(b"parent ")]
    if len(trees) != 1 or not all(map(_HEX.fullmatch, [*trees, *parents])):
        yield None
        return
    if history:
        for parent in parents:
            yield _Wanted("commit", parent.decode(), b"")
    yield _Wanted("tree", trees[0].decode(), b"")


def _in_tag(body: bytes) -> _Wanted | None:
    match = re.match(rb"object ([0-9a-f]{40})\ntype (blob|tree|commit|tag)\n", body)
    return _Wanted(match[2].decode(), match[1].decode(), b"") if match else None
