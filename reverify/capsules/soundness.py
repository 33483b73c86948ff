"""Whether all that the registry keeps is what was put there."""

from collections.abc import Iterator
from typing import NamedTuple

from reverify.capsules.chain import checked, files_digest
from reverify.capsules.content import ContentStore
from reverify.capsules.keeping import damage_of
from reverify.capsules.manifest import read_manifest
from reverify.errors import DamagedError, ManifestError
from reverify.model.capsule import Manifest
from reverify.model.registry import KeptFile, Version
from reverify.store.interface import Head, Store

_MOST_MISSING = 1000
"""So many registrations in a row are told of one by one."""


class Damage(NamedTuple):
    """Something that is not what was put there.

    Attributes:
        subject: what: a version as `ID@NUMBER`, a file, the database.
        reason: what is wrong with it.
    """

    subject: str
    reason: str


def damages(store: Store, content: ContentStore | None) -> Iterator[Damage]:
    """Look at everything once, in the order of registration.

    Args:
        store: the rows.
        content: the files that were copied; None to look at no file.
    """
    try:
        yield from (Damage("database", said) for said in store.faults())
    except DamagedError as error:
        yield Damage("database", error.what)
    try:
        end = store.head()
    except DamagedError as error:
        yield Damage("database", error.what)
        end = None
    yield from _walk(store, end, content)
    if content is not None:
        yield from (Damage(*fault) for fault in content.faults())


def _walk(
    store: Store, end: Head | None, content: ContentStore | None
) -> Iterator[Damage]:
    """Follow the chain of all registrations."""
    at, digest = 0, None
    broken = False
    for version in _all(store, end):
        if isinstance(version, Damage):
            yield version
            broken = True
            continue
        if version.sequence != at + 1 and not broken:
            gone = f"{at + 1}" + (
                f" to {version.sequence - 1}" if version.sequence > at + 2 else ""
            )
            yield Damage("database", f"registrations are gone: {gone}")
        elif version.before != digest and not broken:
            reason = "does not follow the registration before: its digest is another"
            yield Damage(version.name, reason)
        at, digest, broken = version.sequence, version.digest, False
        if end is not None and end.sequence == at and end.digest != digest:
            yield Damage("database", "its chain ends in another digest than it says")
        yield from _version_damages(store, version, content)
    yield from _end_damages(store, end, at)


def _end_damages(store: Store, end: Head | None, at: int) -> Iterator[Damage]:
    if end is None:
        return
    if at < end.sequence:
        reason = f"registrations after {at} are gone; there were {end.sequence}"
        yield Damage("database", reason)
    elif at > end.sequence and store.head().sequence < at:  # not just registered
        reason = f"there are registrations after {end.sequence}, where its chain ends"
        yield Damage("database", reason)


def _all(store: Store, end: Head | None) -> Iterator[Version | Damage]:
    """Every version; where the table cannot be read, those that can, one by one."""
    at = 0
    try:
        for version in store.history():
            yield version
            at = version.sequence
    except DamagedError as error:
        yield Damage("database", error.what)
    else:
        return
    missing = 0
    for sequence in range(at + 1, (end.sequence if end else at) + 1):
        try:
            one = store.one(sequence)
        except DamagedError:
            yield Damage(f"registration {sequence}", "cannot be read")
            one = None
        else:
            yield one or Damage(f"registration {sequence}", "cannot be found")
        missing = 0 if one else missing + 1
        if missing == _MOST_MISSING:  # where the chain ends may be damaged as well
            yield Damage("database", f"no registration after {sequence} was looked for")
            return


def _version_damages(
    store: Store, version: Version, content: ContentStore | None
) -> Iterator[Damage]:
    try:
        checked(version)
    except DamagedError as error:
        yield Damage(version.name, error.what)
        return
    try:
        if version.number > 1:
            former = store.version(version.capsule, version.number - 1)
            if (former.digest if former else None) != version.previous:
                yield Damage(version.name, "does not follow the version before")
        elif version.previous is not None:
            yield Damage(version.name, "is the first, yet follows another version")
        yield from _content_damages(store, version, content)
    except DamagedError as error:
        yield Damage(version.name, error.what)


def _content_damages(
    store: Store, version: Version, content: ContentStore | None
) -> Iterator[Damage]:
    try:
        manifest = read_manifest(
            store.manifest(version.sequence) or b"", "its manifest"
        )
    except ManifestError as error:
        yield Damage(version.name, str(error))
        return
    if manifest.sha256 != version.manifest_sha256:
        reason = (
            f"its manifest is not what was registered: it has sha256:{manifest.sha256},"
            f" not sha256:{version.manifest_sha256}"
        )
        yield Damage(version.name, reason)
        return
    said = (manifest.id, manifest.title, str(manifest.status))
    if said != (version.capsule, version.title, version.status):
        yield Damage(version.name, "its manifest has another id, title or status")
    files = store.files(version.sequence)
    if files_digest(files) != version.files_sha256:
        reason = "the list of its files is not what was registered"
        yield Damage(version.name, reason)
        return
    yield from _listing_damages(version, manifest, files)
    if content is not None:
        yield from _file_damages(version, files, content)


def _listing_damages(
    version: Version, manifest: Manifest, files: tuple[KeptFile, ...]
) -> Iterator[Damage]:
    stated = [record for record in manifest.files() if record.path is not None]
    same = [(f.role, f.path) for f in files] == [(r.role, r.path) for r in stated]
    if not same:
        yield Damage(version.name, "the list of its files is not that of its manifest")
        return
    for record, file in zip(stated, files, strict=True):
        for said, kept in ((record.sha256, file.sha256), (record.size, file.size)):
            if said is not None and said != kept:
                reason = f"{file.path}: is listed as {kept}, its manifest states {said}"
                yield Damage(version.name, reason)


def _file_damages(
    version: Version, files: tuple[KeptFile, ...], content: ContentStore
) -> Iterator[Damage]:
    told = set()  # a folder that is gone is one damage, however many files it had
    for file in files:
        reason = damage_of(file, content)
        if reason and reason not in told:
            told.add(reason)
            yield Damage(version.name, reason)
