"""From a server into a repository of ours: one commit, and of its files what is asked.

Where a server knows how to, contents of files are left there (`lean`). Where it does
not give objects by their ids, all its branches and tags are fetched (`whole`).
"""

from collections.abc import Iterable, Sequence
from functools import partial

from reverify.errors import DamagedObjectError, MissingObjectError, ServiceError
from reverify.services.git.answers import PlaceError, Why
from reverify.services.git.cache import Kept
from reverify.services.git.failures import OldFaultError, UnadvertisedError
from reverify.services.git.local import is_other
from reverify.services.git.objects import Objects, TreeEntry
from reverify.services.git.remote import Remote
from reverify.services.git.revision import Named, Revision, read_revision

_LEAN, _WHOLE = "lean", "whole"


class Fetching:
    """Getting one commit, tag or tree of one origin.

    Args:
        kept: what is kept of that origin.
        remote: where it is; None if it may not be asked.
        named: what is wanted.

    Attributes:
        asked: whether anything was asked of the origin.
        trouble: why the contents of files that were asked for could not be had.
    """

    def __init__(self, kept: Kept, remote: Remote | None, named: Named) -> None:
        self._kept = kept
        self._remote = remote
        self._named = named
        self._algorithm = named.algorithm
        self.asked = False
        self.trouble: PlaceError | None = None

    def revision(self, paths: Iterable[str]) -> Revision:
        """All its trees, and what could be had of those files.

        Raises:
            PlaceError: it is not there, or cannot be had.
            ServiceError: it cannot be read.
        """
        found = self._read(_LEAN) or self._read(_WHOLE)
        if found is None:
            found = self._fetch()
        if self._remote is not None:
            found.more = partial(self._more, found, self._remote)
            found.obtain(found.contents_at(paths))
        return found

    def _read(self, name: str) -> Revision | None:
        """The commit as it is kept; None if it is not, or not whole."""
        objects = self._kept.objects(name, self._algorithm)
        if objects is None:
            return None
        try:
            return self._revision(objects)
        except MissingObjectError:
            return None  # what was fetched of another commit
        except DamagedObjectError:
            if self._remote is None:
                raise
            with self._kept.alone():
                self._kept.drop(name, self._algorithm)
            return None

    def _revision(self, objects: Objects) -> Revision | None:
        try:
            found = read_revision(objects, self._named)
        except ServiceError:
            objects.close()
            raise
        if found is None:
            objects.close()
            return None

        def release() -> None:
            objects.close()
            self._kept.close()

        found.release = release
        return found

    def _fetch(self) -> Revision:
        if self._remote is None:
            raise PlaceError(Why.UNASKED, "was not asked: we are offline")
        with self._kept.alone():
            found = self._read(_LEAN) or self._read(_WHOLE)  # another was faster
            if found is not None:
                return found
            self.asked = True
            git = self._kept.git(_LEAN, self._algorithm)
            try:
                self._remote.fetch_commit(git, self._named.id, lean=True)
            except (UnadvertisedError, OldFaultError):
                return self._fetch_whole(self._remote)
            return self._expect(_LEAN)

    def _fetch_whole(self, remote: Remote) -> Revision:
        """Fetch without leaving anything there: the commit, or else everything."""
        git = self._kept.git(_WHOLE, self._algorithm)
        try:
            remote.fetch_commit(git, self._named.id, lean=False)
        except UnadvertisedError:
            remote.fetch_all(git)
            if Objects(git, self._algorithm).kind(self._named.id) is None:
                if (git.directory / "shallow").exists():
                    text = f"{remote.origin}: lacks the commits before some of its own"
                    raise PlaceError(Why.INCOMPLETE, text) from None
                text = (
                    f"no branch or tag leads to the {self._named.kind}, and the server"
                )
                text = f"{remote.origin}: {text} gives nothing else"
                raise PlaceError(Why.NOT_REACHED, text) from None
        return self._expect(_WHOLE)

    def _expect(self, name: str) -> Revision:
        """Read what was just fetched.

        Raises:
            PlaceError: the server did not give what it should.
        """
        objects = self._kept.objects(name, self._algorithm)
        found = self._revision(objects) if objects else None
        if found is None:
            kind = objects.kind(self._named.id) if objects else None
            if kind is not None and self._remote is not None:
                raise is_other(str(self._remote.origin), self._named, kind)
            text = f"the server did not give the {self._named} that it was asked for"
            raise PlaceError(Why.INCOMPLETE, text)
        return found

    def _more(
        self, found: Revision, remote: Remote, lacking: Sequence[TreeEntry]
    ) -> None:
        """Fetch contents of files; or everything, if the server gives nothing by id."""
        self.asked = True
        try:
            with self._kept.alone():
                git = self._kept.git(_LEAN, self._algorithm)
                try:
                    remote.fetch_blobs(git, {entry.id for entry in lacking})
                except UnadvertisedError:
                    whole = self._fetch_whole(remote)
                    found.objects.close()
                    found.objects, found.release = whole.objects, whole.release
        except PlaceError as error:
            self.trouble = error
