"""Repositories on servers: what is kept of them, else what they give."""

import contextlib
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from reverify.errors import RefusedError
from reverify.model.finding import timestamp
from reverify.services.git.answers import PlaceError, Reachability, Why
from reverify.services.git.cache import Cache, Kept
from reverify.services.git.credentials import Credentials
from reverify.services.git.fetching import Fetching
from reverify.services.git.origins import Origin, read_origin
from reverify.services.git.reachability import Question, at_origin
from reverify.services.git.remote import CodeLimits, Remote
from reverify.services.git.revision import Named, Revision
from reverify.services.http import Http


class Servers:
    """All servers that are asked for code, each the same throughout.

    Args:
        cache: what is kept of what was fetched.
        http: the door to the web; None when offline, and then no server is asked.
        allow_private: whether private and loopback addresses may be contacted.
        credentials: the user's own, for `trusted` alone.
        trusted: hosts and ports that the user named.
        limits: what it may cost.
        fork_hosts: hosts that share objects between forks.
    """

    def __init__(
        self,
        *,
        cache: Cache,
        http: Http | None,
        allow_private: bool,
        credentials: Credentials | None,
        trusted: Iterable[tuple[str, int]],
        limits: CodeLimits,
        fork_hosts: frozenset[str],
    ) -> None:
        self._cache = cache
        self._http = http
        self._allow_private = allow_private
        self._credentials = credentials
        self._trusted = frozenset(trusted)
        self._limits = limits
        self._fork_hosts = fork_hosts
        self._lock = threading.Lock()
        self._remotes: dict[Origin, Remote] = {}
        self._failed: dict[tuple[Origin, Named], PlaceError] = {}

    def read(self, text: str) -> Origin:
        """Read an address.

        Raises:
            RefusedError: it is not asked.
        """
        return read_origin(text, plain_http=self._allow_private)

    def look(self, url: str, named: Named, paths: Sequence[str]) -> Revision:
        """Have it from what is kept of a server, or from the server.

        Raises:
            PlaceError: it does not have it, or cannot be asked.
            ServiceError: what it gave cannot be read.
        """
        try:
            origin = self.read(url)
        except RefusedError as error:
            raise PlaceError(Why.REFUSED, str(error)) from error
        if (origin, named) in self._failed:
            raise self._failed[origin, named]
        kept = self._cache.open(origin)
        fetching = Fetching(kept, self._remote(origin), named)
        with contextlib.ExitStack() as stack:
            stack.callback(kept.close)
            try:
                revision = fetching.revision(paths)
            except PlaceError as error:
                self._failed[origin, named] = error
                raise
            stack.pop_all()
        revision.note = self._note(kept, fetching, named)
        return revision

    def _note(self, kept: Kept, fetching: Fetching, named: Named) -> str:
        """How something came here, and why contents of its files did not."""
        since = kept.fetched(named.id, named.algorithm)
        note = "fetched now" if fetching.asked else "kept"
        if since is not None and not fetching.asked:
            note += f" since {timestamp(datetime.fromtimestamp(since, UTC))}"
        return f"{note}; {fetching.trouble}" if fetching.trouble else note

    def _remote(self, origin: Origin) -> Remote | None:
        """The server of an origin, the same throughout; None when offline."""
        if self._http is None:
            return None
        with self._lock:
            if origin not in self._remotes:
                named = (origin.host, origin.port) in self._trusted
                self._remotes[origin] = Remote(
                    origin,
                    self._http,
                    allow_private=self._allow_private,
                    limits=self._limits,
                    credentials=self._credentials if named else None,
                )
            return self._remotes[origin]

    def reachability(self, origin: Origin, question: Question) -> Reachability:
        """Tell whether a branch or tag of a repository holds on to a commit.

        Raises:
            PlaceError: it is not asked.
        """
        remote = self._remote(origin)
        if remote is None:
            text = f"{origin}: was not asked: we are offline"
            raise PlaceError(Why.UNASKED, text)
        kept = self._cache.open(origin)
        fetching = Fetching(kept, remote, Named("commit", question.commit))
        revision: Revision | None = None
        why: PlaceError | None = None
        try:
            try:
                revision = fetching.revision(())
            except PlaceError as error:
                why = error
            return at_origin(
                remote,
                kept,
                question,
                holder=revision.objects.git if revision else None,
                why=why,
                fork_hosts=self._fork_hosts,
            )
        finally:
            if revision is not None:
                revision.close()
            kept.close()
