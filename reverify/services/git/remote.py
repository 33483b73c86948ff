"""One repository on the web: is it there, what are its branches, give me a commit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reverify.errors import LimitError, RefusedError, ServiceError
from reverify.services.git.answers import PlaceError, Why
from reverify.services.git.command import Git
from reverify.services.git.credentials import Credentials
from reverify.services.git.failures import (
    HARMLESS,
    AbsentError,
    UnadvertisedError,
    failure_of,
    plain,
)
from reverify.services.git.objects import FULL_ID
from reverify.services.git.origins import Origin, read_origin
from reverify.services.git.references import is_reference_name
from reverify.services.git.running import finish
from reverify.services.git.tunnel import Tunnel
from reverify.services.http import Http

_ASK = "/info/refs?service=git-upload-pack"
_SMART = "application/x-git-upload-pack-advertisement"
_AGENT = {"User-Agent": "git/2 (reverify)", "Git-Protocol": "version=2"}
"""Some forges show repositories only to what calls itself git."""
_OK, _DENIED, _GONE = 200, (401, 403), (404, 410)
_FETCH = (
    "fetch.unpackLimit=1",
    "transfer.unpackLimit=1",
    "core.bigFileThreshold=16m",
    "core.packedGitWindowSize=16m",
    "core.packedGitLimit=256m",
    *(f"fetch.fsck.{fault}=ignore" for fault in HARMLESS),
)
_NO_TALK = ("fetch.negotiationAlgorithm=noop",)
_MOST_DROPPED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLimits:
    """How much looking for code may cost.

    Attributes:
        bytes: how many bytes one fetch may bring.
        seconds: how long one fetch may take.
        file_bytes: how large a file on disk it may write.
        processor_seconds: how much time of the processor one run of git may use.
        history_bytes: how many bytes may be fetched to see whence a commit is reached.
        listing_bytes: how long the list of branches and tags may be.
        contents_bytes: how large a file may be that is read, to be hashed again.
    """

    bytes: int = 1 << 30
    seconds: float = 300.0
    file_bytes: int = 2 << 30
    processor_seconds: int = 600
    history_bytes: int = 256 << 20
    listing_bytes: int = 64 << 20
    contents_bytes: int = 64 << 20


class Look(NamedTuple):
    """A server that speaks git, or seems to.

    Attributes:
        origin: where, after all redirects.
        is_dumb: whether it serves mere files.
        said: what it answered, for the evidence.
    """

    origin: Origin
    is_dumb: bool
    said: str


class Remote:
    """A repository on the web.

    Args:
        origin: where it is.
        http: the door to the web.
        allow_private: whether private and loopback addresses may be contacted.
        limits: what it may cost.
        credentials: the user's own, if they may go to this host.

    Attributes:
        received: how many bytes git brought.
    """

    def __init__(
        self,
        origin: Origin,
        http: Http,
        *,
        allow_private: bool,
        limits: CodeLimits,
        credentials: Credentials | None = None,
    ) -> None:
        self.origin = origin
        self._http = http
        self._allow_private = allow_private
        self._limits = limits
        self._credentials = credentials
        self._look: Look | None = None
        self.received = 0

    # -- is it there -------------------------------------------------------------------

    def look(self) -> Look:
        """Ask whether there is a repository, and follow where its address leads now.

        Raises:
            PlaceError: there is none, or it cannot be told.
        """
        if self._look is None:
            self._look = self._first_look()
        return self._look

    def _first_look(self) -> Look:
        url = self.origin.url
        try:
            reply = self._http.ask(
                "GET",
                url + _ASK,
                limit=self._limits.listing_bytes,
                seconds=min(60.0, self._limits.seconds),
                headers=_AGENT,
            )
        except RefusedError as error:
            raise PlaceError(Why.REFUSED, str(error)) from error
        except LimitError as error:
            raise PlaceError(Why.LIMIT, str(error)) from error
        except ServiceError as error:
            raise PlaceError(Why.UNREACHABLE, plain(str(error))) from error
        here = self._led_to(reply.url)
        moved = "" if here == self.origin else f"; it is at {here} now"
        if reply.status in _GONE:
            text = f"there is no repository any more (HTTP {reply.status}){moved}"
            raise PlaceError(Why.GONE, f"{url}: {text}")
        if reply.status in _DENIED and not self._credentials_for(here):
            text = f"it asks who we are (HTTP {reply.status}): it is private, or gone"
            raise PlaceError(Why.DENIED, f"{url}: {text}{moved}")
        if reply.status in _DENIED:
            return Look(here, is_dumb=False, said=f"HTTP {reply.status}{moved}")
        if reply.status != _OK:
            raise PlaceError(Why.UNREACHABLE, f"{url}: HTTP {reply.status}{moved}")
        kind = reply.headers.get("content-type", "").partition(";")[0].strip()
        is_dumb = kind != _SMART
        if is_dumb and not _lists_references(reply.body):
            text = "something answers there that is no git server"
            raise PlaceError(Why.UNREACHABLE, f"{url}: {text}{moved}")
        return Look(here, is_dumb, f"HTTP {reply.status}, a git server{moved}")

    def _led_to(self, url: str) -> Origin:
        """The address of the repository, from what was answered in the end."""
        base = url.removesuffix(_ASK)
        if base == url:
            reason = f"{self.origin}: leads to {url!r}, which is no repository"
            raise PlaceError(Why.UNREACHABLE, plain(reason))
        try:
            return read_origin(base, plain_http=self.origin.scheme == "http")
        except RefusedError as error:
            reason = f"{self.origin}: leads elsewhere: {error}"
            raise PlaceError(Why.REFUSED, reason) from error

    def _credentials_for(self, here: Origin) -> Credentials | None:
        """The user's credentials, unless a redirect has led to another host."""
        same = (here.scheme, here.host, here.port) == self.origin[:3]
        return self._credentials if same else None

    # -- what it has -------------------------------------------------------------------

    def references(self, *patterns: str) -> dict[str, str]:
        """The references, id by full name; `^{}` after a tag's is what it leads to.

        Args:
            patterns: which ones; none of them is told from a commit's name.

        Raises:
            PlaceError: it does not tell.
        """
        here = self.look().origin.url
        with Git() as git:
            most = self._limits.listing_bytes
            output = self._run(git, ["ls-remote", "--", here, *patterns], most=most)
        found = {}
        for line in output.decode("utf-8", "surrogateescape").split("\n"):
            id, _, name = line.partition("\t")
            bare = name.removesuffix("^{}")
            if FULL_ID.fullmatch(id) and (bare == "HEAD" or is_reference_name(bare)):
                found[name] = id
        return found

    def fetch_commit(self, git: Git, commit: str, *, lean: bool) -> None:
        """Fetch a commit and its trees, without the commits before.

        Args:
            git: where to.
            commit: a whole id.
            lean: leave the contents of files at the server, if it knows how to.

        Raises:
            AbsentError: it does not have it.
            UnadvertisedError: it gives only what its references lead to.
            OldFaultError: git overlooks a fault only if the commit is fetched whole.
            PlaceError: it cannot be had for another reason.
        """
        self._need_id(commit)
        what = "--filter=blob:none" if lean else "--no-filter"
        self._fetch(git, ["--depth=1", what], [f"+{commit}:refs/kept/{commit}"])

    def fetch_all(self, git: Git) -> None:
        """Fetch all branches and tags with all that they lead to.

        Raises:
            PlaceError: they cannot be had.
        """
        options = ["--no-filter", "--prune"]
        if (git.directory / "shallow").exists():  # of a commit that was fetched alone
            options.append("--unshallow")
        self._fetch(git, options, _EVERYTHING)

    def fetch_history(self, git: Git) -> None:
        """Fetch the commits and tags that branches and tags lead to, without files.

        Raises:
            PlaceError: they cannot be had.
        """
        self._fetch(
            git,
            ["--filter=tree:0", "--prune"],
            _EVERYTHING,
            most=self._limits.history_bytes,
            # Commits are only walked, and many an old one is at fault.
            settings=["fetch.fsckObjects=false", "transfer.fsckObjects=false"],
        )

    def fetch_blobs(self, git: Git, blobs: Iterable[str]) -> set[str]:
        """Fetch contents of files by their ids.

        Returns:
            those that it says it does not have.

        Raises:
            UnadvertisedError: it gives nothing by its id.
            PlaceError: they cannot be had for another reason.
        """
        wanted, absent = set(blobs), set[str]()
        for id in wanted:
            self._need_id(id)
        while wanted:
            try:
                self._fetch(git, ["--filter=blob:none"], sorted(wanted))
            except AbsentError as error:
                if error.id not in wanted or len(absent) >= _MOST_DROPPED:
                    raise
                absent.add(error.id)
                wanted.discard(error.id)
            else:
                break
        return absent

    def _need_id(self, id: str) -> None:
        if not FULL_ID.fullmatch(id):
            raise PlaceError(Why.REFUSED, f"{id!r} is no whole id of an object")

    def _fetch(
        self,
        git: Git,
        options: Sequence[str],
        wanted: Sequence[str],
        *,
        most: int | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        look = self.look()
        if look.is_dumb and "--no-filter" not in options:
            raise UnadvertisedError(
                Why.NOT_REACHED, f"{self.origin}: serves files, nothing by its hash"
            )
        by_id = all(FULL_ID.fullmatch(want) for want in wanted)
        always = ["--quiet", "--no-tags", "--no-recurse-submodules", "--force"]
        always += ["--no-write-fetch-head", "--no-auto-maintenance", "--stdin"]
        self._run(
            git,
            ["fetch", *always, *options, "--", look.origin.url],
            given="".join(f"{want}\n" for want in wanted).encode(),
            most=self._limits.bytes if most is None else most,
            settings=[*settings, *(_NO_TALK if by_id else ())],
        )

    # -- running git -------------------------------------------------------------------

    def _run(
        self,
        git: Git,
        arguments: Sequence[str],
        *,
        most: int,
        given: bytes = b"",
        settings: Sequence[str] = (),
    ) -> bytes:
        """Run git through a tunnel to this host.

        Raises:
            PlaceError: it failed.
        """
        here = self.look().origin
        trusted = self._credentials_for(here)
        with Tunnel(here, allow_private=self._allow_private, most=most) as tunnel:
            process = git.start(
                *arguments,
                settings=[
                    f"protocol.{here.scheme}.allow=always",
                    f"http.proxy={tunnel.url}",
                    *_FETCH,
                    *settings,
                    *(trusted.settings() if trusted else ()),
                ],
                variables={
                    "GIT_ALLOW_PROTOCOL": here.scheme,
                    **(trusted.variables if trusted else {}),
                },
            )
            ran = finish(process, given, self._limits.seconds, most)
        self.received += tunnel.received
        if ran.late:
            text = f"{here}: took longer than {self._limits.seconds:g} seconds"
            raise PlaceError(Why.LIMIT, text)
        if process.returncode or ran.over:
            tunnel.over = tunnel.over or ran.over
            if git.is_full():
                text = f"{here}: sends more than a file may have"
                raise PlaceError(Why.LIMIT, text)
            raise failure_of(self.origin, tunnel, ran.said, most)
        return ran.output


_EVERYTHING = ("+refs/heads/*:refs/theirs/heads/*", "+refs/tags/*:refs/theirs/tags/*")


def _lists_references(body: bytes) -> bool:
    """Whether this is the list of references that a server of mere files gives."""
    line = body.partition(b"\n")[0]
    return not body or bool(re.fullmatch(rb"[0-9a-f]{40,64}\trefs/\S+", line))
