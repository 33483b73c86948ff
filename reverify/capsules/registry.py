"""The registry: which capsules there are, in which versions, and where their files are.

One class for the command line, the HTTP API and Python. What it gives has been
looked at: a version, manifest or list of files that is not what was registered is an
error.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reverify.capsules.chain import checked, files_digest, version_digest
from reverify.capsules.content import ContentStore
from reverify.capsules.keeping import KeptFiles, look_at_files
from reverify.capsules.manifest import read_manifest
from reverify.capsules.soundness import Damage, damages
from reverify.errors import CapsuleError, DamagedError, ManifestError
from reverify.model.capsule import Manifest, Status
from reverify.model.registry import KeptFile, Place, Version
from reverify.services.clock import Clock, SystemClock
from reverify.settings import Settings
from reverify.store.interface import Entry, Link, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

_GROUPS = (8, 4, 4, 4, 12)
_ID_LENGTH = 36
_REFERENCE = re.compile(
    r"(?:capsule-)?([0-9a-f-]{1,36})(?:@([0-9]{1,9}))?", re.IGNORECASE
)
_SHOWN = 5
_SEE = "`reverify capsule verify-db` tells what is wrong"


def open_registry(settings: Settings) -> "Registry":
    """The registry that the settings `db` and `store` name; nothing is made yet.

    Raises:
        UsageError: `db` is no address of a database.
    """
    from reverify.store.database import Database  # noqa: PLC0415 - SQLAlchemy is large
    from reverify.store.sql import SqlStore  # noqa: PLC0415

    return Registry(SqlStore(Database(settings.db)), ContentStore(settings.store))


class Registry:
    """Keeps manifests, each capsule's in versions; close it when done.

    Safe for many threads. Every method may raise StoreError: the database cannot be
    reached, read or written.

    Args:
        store: keeps the rows.
        content: keeps files that are copied.
        clock: what time it is.
    """

    def __init__(
        self, store: Store, content: ContentStore, clock: Clock | None = None
    ) -> None:
        self._store = store
        self.content = content
        self._clock = clock or SystemClock()

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
        """Let go of the database."""
        self._store.close()

    @property
    def name(self) -> str:
        """The database, as one says it in a sentence."""
        return self._store.name

    def exists(self) -> bool:
        """Whether anything was ever registered; nothing is made by asking."""
        return self._store.exists()

    def register(
        self, manifest: Manifest, base: Path | None = None, *, store: bool = False
    ) -> Version:
        """Keep a manifest as the next version of its capsule.

        The same bytes again make no new version, unless the registry now learns where
        files are that it knew nothing of. `is_new` of what is returned tells.

        Args:
            manifest: what to keep; its bytes are kept as they are.
            base: the folder below which its files lie, looked at one by one. None if
                they are not at hand: then what the manifest states is believed.
            store: copy the files, so that the folder is needed no more.

        Raises:
            CapsuleError: a file is not there, no plain file, or not what the manifest
                or the version before says of it. Nothing is kept then.
        """
        content = self.content if store and base is not None else None
        files = look_at_files(manifest, base, content)

        def make(link: Link) -> Entry | None:
            latest = link.latest and checked(link.latest)
            if latest is not None and latest.manifest_sha256 == manifest.sha256:
                known = self.files(latest)
                _expect_same(latest, known, files)
                if not _learned(known, files):
                    return None
            version = self._next(link, manifest, files)
            return Entry(version, manifest.data, files)

        version = self._store.append(manifest.id, make)
        if version is None:  # pragma: no cover - there is one, or it was added
            raise DamagedError(f"capsule {manifest.id} is gone from the registry")
        return version

    def revise(self, version: Version, manifest: Manifest) -> Version:
        """Keep a manifest that says something else of the same files.

        Args:
            version: the latest of its capsule; its files are those of the new one.
            manifest: what to keep as the next version.

        Raises:
            CapsuleError: the manifest is of other files or of another capsule, or that
                version is not the latest any more.
        """
        files = self.files(version)
        told = [(each.role, each.path) for each in manifest.files() if each.path]
        if told != [(each.role, each.path) for each in files]:
            raise CapsuleError(f"{version.name}: the manifest is of other files")
        if manifest.id != version.capsule:
            raise CapsuleError(f"{version.name}: the manifest is of another capsule")

        def make(link: Link) -> Entry | None:
            if link.latest is None or checked(link.latest) != version:
                raise CapsuleError(
                    f"{version.name}: is not the latest version of its capsule; name"
                    f" {version.capsule}"
                )
            return Entry(self._next(link, manifest, files), manifest.data, files)

        made = self._store.append(manifest.id, make)
        if made is None:  # pragma: no cover - `make` always gives one
            raise DamagedError(f"capsule {manifest.id} is gone from the registry")
        return made

    def _next(
        self, link: Link, manifest: Manifest, files: tuple[KeptFile, ...]
    ) -> Version:
        now = self._clock.now().astimezone(UTC).replace(tzinfo=None)
        values = {
            "sequence": link.sequence + 1,
            "capsule": manifest.id,
            "number": link.latest.number + 1 if link.latest else 1,
            "created": f"{now.isoformat(timespec='microseconds')}Z",
            "title": manifest.title,
            "status": str(manifest.status),
            "manifest_sha256": manifest.sha256,
            "files_sha256": files_digest(files),
            "previous": link.latest.digest if link.latest else None,
            "before": link.digest,
        }
        digest = version_digest(Version(**values, digest=""))  # type: ignore[arg-type]
        return Version(**values, digest=digest, is_new=True)  # type: ignore[arg-type]

    def resolve(self, reference: str, number: int | None = None) -> Version:
        """Find a version of a capsule.

        Args:
            reference: the id, or as much of its beginning as no other has; with
                `@NUMBER` behind it a version. `capsule-` before it does no harm.
            number: the version; the latest if nobody names one.

        Raises:
            CapsuleError: there is none, or there are several.
            DamagedError: it is not what was registered.
        """
        match = _REFERENCE.fullmatch(reference.strip())
        if match is None:
            raise CapsuleError(
                f"{reference!r} is no id of a capsule; write the UUID that `reverify"
                " capsule list` shows, or its beginning, and perhaps @VERSION"
            )
        if number is None and match[2] is not None:
            number = int(match[2])
        capsule = self._complete(match[1].lower())
        version = self._store.version(capsule, number)
        if version is None:
            raise CapsuleError(self._lacking(capsule, number))
        if version.capsule != capsule:
            raise DamagedError(f"{capsule} is mixed up with another", _SEE)
        return checked(version)

    def _complete(self, beginning: str) -> str:
        """The id that begins so."""
        digits, parts = beginning.replace("-", ""), []
        for length in _GROUPS:
            parts.append(digits[:length])
            digits = digits[length:]
        prefix = "-".join(part for part in parts if part)
        if len(prefix) == _ID_LENGTH:
            return prefix
        found = self._store.matching(prefix, _SHOWN + 1)
        if len(found) == 1:
            return found[0]
        if not found:
            raise CapsuleError(self._lacking(beginning, None))
        shown = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise CapsuleError(f"{beginning} begins several ids: {shown}; write more of it")

    def _lacking(self, capsule: str, number: int | None) -> str:
        latest = self._store.version(capsule) if number is not None else None
        if latest is None:
            return f"there is no capsule {capsule}; `reverify capsule list` shows all"
        there = "version 1" if latest.number == 1 else f"versions 1 to {latest.number}"
        return f"capsule {capsule} has {there}, none is {number}"

    def manifest(self, version: Version) -> Manifest:
        """The manifest of a version, its bytes as they were registered.

        Raises:
            DamagedError: they are so no more.
        """
        data = self._store.manifest(version.sequence)
        if data is None:
            raise DamagedError(f"{version.name}: its manifest is gone", _SEE)
        try:
            manifest = read_manifest(data, f"manifest of {version.name}")
        except ManifestError as error:
            raise DamagedError(str(error), _SEE) from error
        if manifest.sha256 != version.manifest_sha256 or manifest.id != version.capsule:
            raise DamagedError(
                f"{version.name}: its manifest is not what was registered: it has"
                f" sha256:{manifest.sha256}, not sha256:{version.manifest_sha256};"
                " restore a copy of the database"
            )
        return manifest

    def files(self, version: Version) -> tuple[KeptFile, ...]:
        """The files of a version that are kept, in the order of its manifest.

        Raises:
            DamagedError: the list is not what was registered.
        """
        files = self._store.files(version.sequence)
        if files_digest(files) != version.files_sha256:
            raise DamagedError(
                f"{version.name}: the list of its files is not what was registered;"
                " restore a copy of the database"
            )
        return files

    def source(self, version: Version) -> KeptFiles:
        """The files of a version, to be opened; close it when done.

        Raises:
            DamagedError: the list of them is not what was registered.
        """
        return KeptFiles(self.files(version), self.content)

    def versions(self, reference: str) -> Iterator[Version]:
        """All versions of a capsule, the first one first.

        Raises:
            CapsuleError: there is no such capsule.
            DamagedError: one is not what was registered.
        """
        latest = self.resolve(reference)
        for version in self._store.versions(latest.capsule):
            yield checked(version)

    def list(
        self,
        status: Status | None = None,
        *,
        before: int | None = None,
        after: int | None = None,
        on_damage: Callable[[Version, DamagedError], None] | None = None,
    ) -> Iterator[Version]:
        """The latest version of each capsule, the last registered first.

        Args:
            status: only those of this status.
            before: only those registered before the one of this sequence, to go on
                where a page ended.
            after: only those registered after, and then the first one first.
            on_damage: told of those that are not what was registered, which are then
                left out.

        Raises:
            DamagedError: one is not what was registered, and nobody is to be told.
        """
        wanted = None if status is None else str(status)
        rows = self._store.capsules(status=wanted, before=before, after=after)
        for version in rows:
            try:
                checked(version)
            except DamagedError as error:
                if on_damage is None:
                    raise
                on_damage(version, error)
            else:
                yield version

    def verify(self, *, files: bool = False) -> Iterator[Damage]:
        """Look at everything that is kept, and tell what does not hold.

        Args:
            files: read the files as well, those in the store and those in folders.
        """
        yield from damages(self._store, self.content if files else None)


def _expect_same(
    latest: Version, known: "Sequence[KeptFile]", files: "Sequence[KeptFile]"
) -> None:
    """See that files whose digest no manifest states are as they were.

    Raises:
        CapsuleError: one is not.
    """
    reasons = [
        f"{new.path} has sha256 {new.sha256}, and had {old.sha256} when version"
        f" {latest.number} was registered with the same manifest; state its digest in"
        " the manifest, so that this becomes a version of its own"
        for old, new in zip(known, files, strict=True)
        if None not in {old.sha256, new.sha256} and old.sha256 != new.sha256
    ]
    if reasons:
        raise CapsuleError(*reasons)


def _learned(known: "Sequence[KeptFile]", files: "Sequence[KeptFile]") -> bool:
    """Whether files are at hand that were not."""
    return any(
        old.place is Place.NOWHERE and new.place is not Place.NOWHERE
        for old, new in zip(known, files, strict=True)
    )
