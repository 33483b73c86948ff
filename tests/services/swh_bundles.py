"""Bundles as the vault makes them: a tarball of a folder, or of a bare repository."""

import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.services.swh_objects import KINDS, Objects, git, headers_of

MISSING = (
    b"This content is missing from the Software Heritage archive "
    b"(or from the mirror used while retrieving it)."
)
SKIPPED = (
    b"This content has not been retrieved in the "
    b"Software Heritage archive due to its size."
)
HIDDEN = b"This content is hidden."
NOW = 1_780_000_000


def bytes_of(objects: Objects, id: str) -> bytes:
    """The bytes of a file, or the sentence that stands in for them."""
    swhid = f"swh:1:cnt:{id}"
    if swhid in objects.lost or swhid not in objects.bodies:
        return MISSING
    if swhid in objects.absent:
        return SKIPPED
    return HIDDEN if swhid in objects.hidden else objects.bodies[swhid]


def flat(objects: Objects, id: str) -> bytes:
    """A gzipped tarball of one folder, named like the SWHID."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", encoding="utf-8") as tar:
        top = f"swh:1:dir:{id}"
        tar.addfile(_folder(top, 0o700))
        for path, mode, target in _walk(objects, id, b""):
            name = f"{top}/{path.decode('utf-8', 'surrogateescape')}"
            if mode in {0o040000, 0o160000}:
                tar.addfile(_folder(name, 0o755))
                continue
            data = bytes_of(objects, target)
            member = tarfile.TarInfo(name)
            member.mtime = NOW
            if mode == 0o120000:
                member.type, member.mode = tarfile.SYMTYPE, 0o777
                member.linkname = data.decode("utf-8", "surrogateescape")
                tar.addfile(member)
            else:
                member.mode = 0o755 if mode & 0o111 else 0o644
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _folder(name: str, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = tarfile.DIRTYPE, mode, NOW
    return member


def _walk(objects: Objects, id: str, base: bytes) -> Iterator[tuple[bytes, int, str]]:
    if not objects.knows(f"swh:1:dir:{id}"):
        return  # an empty folder stands in for it
    for entry in objects.entries(id):
        yield base + entry.name, entry.mode, entry.id
        if entry.type == "dir":
            yield from _walk(objects, entry.id, base + entry.name + b"/")


def bare(objects: Objects, swhid: str, *, packed: bool = True) -> bytes:
    """A tarball of a bare repository that holds an object and all that it leads to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clone.git"
        folder.mkdir()
        git("init", "-q", "--bare", at=folder)
        for id, data in _reached(objects, swhid):
            place = folder / "objects" / id[:2] / id[2:]
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(zlib.compress(data, 1))
        for ref, target in _references(objects, swhid, folder).items():
            place = folder / ref
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(target)
        if packed:
            git("repack", "-q", at=folder)
            git("prune-packed", "-q", at=folder)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(folder, arcname=f"{swhid}.git")
        return buffer.getvalue()


def _reached(objects: Objects, swhid: str) -> Iterator[tuple[str, bytes]]:
    """Each object with its header, by the name under which the cooker writes it."""
    waiting, seen = [swhid], {swhid}
    while waiting:
        here = waiting.pop()
        short, id = here.split(":")[2:]
        if short == "cnt":
            data = bytes_of(objects, id)
        elif objects.knows(here):
            data = objects.bodies[here]
        elif short == "dir":
            data = b""  # an empty folder stands in for it
        else:
            continue
        if short != "snp":
            yield id, b"%s %d\0%s" % (KINDS[short].encode(), len(data), data)
        found = [f"swh:1:{s}:{i}" for s, i in _beneath(objects, short, id)]
        new = [each for each in found if each not in seen]
        seen.update(new)
        waiting += new


def _beneath(  # noqa: C901 - one branch for each type
    objects: Objects, short: str, id: str
) -> Iterator[tuple[str, str]]:
    if not objects.knows(f"swh:1:{short}:{id}"):
        return
    if short == "dir":
        for entry in objects.entries(id):
            if entry.type != "rev":
                yield {"dir": "dir", "file": "cnt"}[entry.type], entry.id
    elif short == "rev":
        headers, _ = headers_of(objects.bodies[f"swh:1:rev:{id}"])
        for name, value in headers:
            if name in {"tree", "parent"}:
                yield "dir" if name == "tree" else "rev", value.decode()
    elif short == "rel":
        headers, _ = headers_of(objects.bodies[f"swh:1:rel:{id}"])
        found = dict(headers)
        kinds = {kind: short for short, kind in KINDS.items()}
        yield kinds[found["type"].decode()], found["object"].decode()
    elif short == "snp":
        for branch in objects.branches("", id).values():
            if branch and branch["target_type"] != "alias":
                yield _SHORT[branch["target_type"]], branch["target"]


_SHORT = {"content": "cnt", "directory": "dir", "revision": "rev", "release": "rel"}


def _references(objects: Objects, swhid: str, folder: Path) -> dict[str, str]:
    short, id = swhid.split(":")[2:]
    if short == "snp":
        found = {}
        for name, branch in objects.branches("", id).items():
            if branch is not None:
                alias = branch["target_type"] == "alias"
                text = f"ref: {branch['target']}" if alias else branch["target"]
                found[name.decode()] = text
        return found
    if short == "dir":  # a commit made up for the purpose
        commit = git("commit-tree", id, "-m", "Initial commit", at=folder)
        return {"refs/heads/master": commit.decode().strip()}
    return {"refs/heads/master": id}
