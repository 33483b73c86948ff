"""Reading a location: crate, capsule, git repository, or the address of one."""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reverify.archiving.subjects import (
    Collected,
    Subject,
    SubjectKind,
    is_origin,
    web_address,
)
from reverify.capsules.opening import MANIFEST_NAME, OpenCapsule, open_capsule
from reverify.crates.code_files import Speaker, source_files, speakers_of
from reverify.crates.crate import Crate
from reverify.crates.identifiers import identifiers
from reverify.crates.limits import Limits
from reverify.crates.metadata import DESCRIPTORS
from reverify.crates.opening import open_crate
from reverify.crates.payload import READ_ERRORS
from reverify.errors import CapsuleError, CrateError, UsageError
from reverify.model.capsule import Role
from reverify.model.code import Aspect
from reverify.model.swhid import InvalidSwhid, Swhid
from reverify.services.http import Http
from reverify.settings import Settings

_KINDS = {
    Aspect.COMMIT: ("rev", "commit"),
    Aspect.TREE: ("dir", "tree"),
    Aspect.TAG: ("rel", "tag"),
    Aspect.BLOB: ("cnt", "file"),
}
_CHUNK = 1 << 20
_HEAD = 1 << 16
_REGISTERED = re.compile(r"(?:capsule-)?[0-9A-Fa-f][0-9A-Fa-f-]{0,35}(?:@[0-9]+)?")


def read_subjects(
    location: str, settings: Settings, http: Http | None, limits: Limits
) -> Iterator[Subject]:
    """Read what a location names; of a folder of crates, every one of them.

    Args:
        location: a crate, a capsule, a git repository, or the address of one.
        settings: where the registry is.
        http: the door to the web; None when offline.
        limits: how much may be read.

    Raises:
        UsageError: there is nothing at the location.
        ReverifyError: it cannot be read.
    """
    if not os.path.lexists(location):
        if is_origin(location):
            yield _origin(location)
            return
        if _REGISTERED.fullmatch(location):
            yield _capsule(location, settings)
            return
        yield from _crates(location, http, limits)
        return
    path = Path(location)
    if _is_capsule(path):
        yield _capsule(location, settings)
    elif _is_repository(path) and not _is_crate(path):
        yield _repository(path)
    else:
        yield from _crates(location, http, limits)


def _is_crate(path: Path) -> bool:
    return any(
        (path / folder / name).is_file()
        for folder in ("", "data")
        for name in DESCRIPTORS
    )


def _is_capsule(path: Path) -> bool:
    if path.is_dir():
        return (path / MANIFEST_NAME).is_file() and not _is_crate(path)
    if path.suffix.lower() != ".json" or path.name in DESCRIPTORS:
        return False
    try:
        with path.open("rb") as stream:
            return b'"@graph"' not in stream.read(_HEAD)
    except OSError:
        return False


def _is_repository(path: Path) -> bool:
    """Whether a repository begins here, and not in a folder above."""
    bare = (path / "HEAD").is_file() and (path / "objects").is_dir()
    return bare or (path / ".git").exists()


def _origin(location: str) -> Subject:
    if web_address(location) is None:
        raise UsageError(
            f"{location}: is no address that an archive could visit; write"
            " https://HOST/PATH, without a name or password in it"
        )
    found = Collected()
    found.add_code(origin=location)
    return found.subject(location, SubjectKind.ORIGIN)


# -- git -------------------------------------------------------------------------------


def _repository(path: Path) -> Subject:
    from reverify.services.git import open_repository  # noqa: PLC0415 - runs git

    found = Collected()
    with open_repository(path) as repository:
        head = repository.head()
        if head is None:
            found.remark("nothing is committed yet")
        origin = repository.origin()
        if origin is None:
            found.remark(
                "it has no remote `origin`, so nobody knows where an archive could"
                " visit it"
            )
        tree = (repository.tree_of(head) or "") if head else ""
        found.add_code(origin=origin or "", commit=head or "", tree=tree)
    return found.subject(str(path), SubjectKind.REPOSITORY)


# -- capsules --------------------------------------------------------------------------


def _capsule(location: str, settings: Settings) -> Subject:
    found = Collected()
    with open_capsule(location, settings) as capsule:
        code = capsule.manifest.part("code")
        objects = list(_files_of_capsule(capsule, found))
        if code.get("swh_snapshot_id"):
            objects.append(found.name(code["swh_snapshot_id"], "snapshot"))
        found.add_code(
            origin=code.get("swh_origin_url") or code.get("repository") or "",
            commit=code.get("git_commit") or "",
            tree=code.get("git_tree_hash") or "",
            objects=objects,
        )
        if code.get("dirty"):
            found.remark("the work tree held changes that are in no commit")
    return found.subject(location, SubjectKind.CAPSULE)


def _files_of_capsule(capsule: OpenCapsule, found: Collected) -> Iterator[str]:
    for file in capsule.manifest.files():
        if file.role is not Role.CODE or file.path is None:
            continue
        try:
            with capsule.source.open(file) as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(0)
                id = _blob_id(stream, size)
        except (CapsuleError, OSError) as error:
            reason = f"{file.path}: cannot be read, so its id is not known: {error}"
            found.leave_out(reason)
        else:
            yield found.name(f"swh:1:cnt:{id}", "file", file.path)


def _blob_id(stream: BinaryIO, size: int) -> str:
    """The id that git gives to the bytes of a file."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


# -- crates ----------------------------------------------------------------------------


def _crates(location: str, http: Http | None, limits: Limits) -> Iterator[Subject]:
    inside: list[str] = []
    with open_crate(location, http=http, limits=limits) as crate:
        if crate.metadata is not None:
            yield _crate(location, crate)
            return
        for fault in crate.faults:
            raise CrateError(f"{location}: {fault.reason}", rule=fault.rule)
        inside += crate.nested
    if not inside:
        if Path(location).is_dir():
            with contextlib.suppress(UsageError):  # it lies in none
                yield _repository(Path(location))
                return
        raise UsageError(
            f"{location}: no crate, capsule or git repository is there; name one, or"
            " the address of a repository"
        )
    for folder in inside:
        with open_crate(location, http=http, limits=limits, inside=folder) as crate:
            yield _crate(f"{location.rstrip('/')}/{folder}", crate)


def _crate(location: str, crate: Crate) -> Subject:
    found = Collected()
    if crate.metadata is None or not crate.metadata.readable:
        found.leave_out(
            "its metadata document cannot be read; `reverify check` says why"
        )
        return found.subject(location, SubjectKind.CRATE)
    for identifier in identifiers(crate):
        if isinstance(identifier.swhid, InvalidSwhid):
            found.leave_out(
                f"{identifier.text!r} is no SWHID: {identifier.swhid.reason}"
            )
        else:
            _name_identifier(found, identifier.swhid, identifier.subject)
    speakers = speakers_of(crate)
    files = _files_of_crate(crate, speakers, found)
    for speaker in speakers:
        objects = list(files.get(speaker.subject, ()))
        for said in speaker.said:
            if said.own and said.aspect in _KINDS:
                kind, what = _KINDS[said.aspect]
                objects.append(found.name_git(kind, what, said.value, speaker.subject))
        base = speaker.base
        trees = [
            said.value
            for said in speaker.said
            if said.own and said.aspect is Aspect.TREE and not said.path
        ]
        is_commit = base is not None and base.aspect is Aspect.COMMIT
        for origin in speaker.origins or ("",):
            found.add_code(
                origin=origin,
                commit=base.value if base is not None and is_commit else "",
                tree=trees[0] if trees else "",
                objects=objects,
                of=speaker.subject,
            )
    return found.subject(location, SubjectKind.CRATE)


def _files_of_crate(
    crate: Crate, speakers: list[Speaker], found: Collected
) -> dict[str, list[str]]:
    """The included files of code, by the @id of the entity whose code they are."""
    files: dict[str, list[str]] = {}
    for file in source_files(crate, speakers):
        try:
            with crate.payload.open(file.path) as stream:
                id = _blob_id(stream, crate.payload.entries[file.path].size)
        except (*READ_ERRORS, CrateError) as error:
            found.leave_out(f"{file.path}: cannot be read: {error}")
        else:
            name = found.name(f"swh:1:cnt:{id}", "file", file.subject)
            files.setdefault(file.owner, []).append(name)
    return files


_WHAT = {"rev": "commit", "dir": "tree", "rel": "tag", "cnt": "file", "snp": "snapshot"}


def _name_identifier(found: Collected, swhid: Swhid, subject: str) -> None:
    found.name(swhid.core, _WHAT[swhid.type], subject)
    for name in ("visit", "anchor"):
        core = swhid.qualifier(name)
        if core:
            found.name(core, _WHAT[core.split(":")[2]], subject)
