"""The archive: what it holds, and what its objects are."""

import hashlib
import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import quote, urlencode

from reverify.model.swhid import Swhid
from reverify.services.clock import Clock, SystemClock
from reverify.services.http import Http
from reverify.services.software_heritage import reading
from reverify.services.software_heritage.answers import (
    Answer,
    CouldNotTell,
    Known,
    NotHeld,
    Served,
)
from reverify.services.software_heritage.asking import (
    JSON_BYTES,
    Allowance,
    Asker,
    Patience,
    Said,
)
from reverify.services.software_heritage.cache import Cache
from reverify.services.software_heritage.known import ask_known
from reverify.services.software_heritage.lookup import (
    OK_TO,
    Desk,
    Keeping,
    Question,
    cannot_ask,
    id_fault,
    judge,
    path_fault,
)
from reverify.services.software_heritage.objects import (
    Branch,
    Content,
    Directory,
    DirectoryEntry,
    ExternalId,
    RawObject,
    Release,
    Resolved,
    Revision,
    Snapshot,
)
from reverify.services.software_heritage.origins import Origins
from reverify.services.software_heritage.vault import Vault

BRANCHES = 1000
SNAPSHOT_PAGES = 1000
_KINDS = {
    "cnt": "blob",
    "dir": "tree",
    "rev": "commit",
    "rel": "tag",
    "snp": "snapshot",
}
_DIGESTS = {
    "sha1": "[0-9a-f]{40}",
    "sha1_git": "[0-9a-f]{40}",
    "sha256": "[0-9a-f]{64}",
    "blake2s256": "[0-9a-f]{64}",
}
_EXTERNAL = re.compile("[a-z0-9-]{1,64}")
_FORMATS = {"hex", "base64url", "raw"}


class Archive:
    """One Software Heritage archive, or a mirror of it.

    No method raises because of what it is asked about, or because of what the archive
    does: that is an answer too.

    Args:
        http: the one way to the web.
        base: the base of the API.
        token: a bearer token; sent to the host of `base` alone.
        cache: what is kept between calls; None keeps nothing.
        clock: what time it is.
        sleep: waits for some seconds.
        patience: what one call may cost, unless it is handed an allowance.
        keeping: how long answers are kept.

    Attributes:
        origins: repositories, visits to them, and requests to save them.
        vault: objects to be downloaded.
    """

    def __init__(
        self,
        http: Http,
        *,
        base: str,
        token: str = "",
        cache: Cache | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
        patience: Patience | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._patience = patience or Patience()
        base = base if base.endswith("/") else f"{base}/"
        asker = Asker(http, base=base, token=token, clock=self._clock, sleep=sleep)
        self._desk = Desk(asker, cache, keeping)
        self.base = base
        self.origins = Origins(self._desk, self.allowance)
        self.vault = Vault(asker, self.allowance)

    def allowance(self, patience: Patience | None = None) -> Allowance:
        """Something to spend, for one call or for many that share it."""
        return Allowance(patience or self._patience, self._clock)

    def close(self) -> None:
        """Close what is kept."""
        if self._desk.cache is not None:
            self._desk.cache.close()

    # -- what is known -----------------------------------------------------------------

    def known(
        self,
        swhids: Iterable[str],
        *,
        allowance: Allowance | None = None,
        fresh: bool = False,
    ) -> dict[str, Known]:
        """Ask which objects the archive knows: one request for a thousand.

        Args:
            swhids: core SWHIDs, any number; one that is none is not sent.
            allowance: what this may cost.
            fresh: whether to ask again about those that were not known.

        Returns:
            an answer for each, in their order. Batches that were answered are kept,
            even if a later one is not.
        """
        return ask_known(self._desk, swhids, allowance or self.allowance(), fresh=fresh)

    def resolve(
        self, swhid: Swhid, *, allowance: Allowance | None = None
    ) -> Answer[Resolved]:
        """Ask whether an identifier with its qualifiers makes sense to the archive.

        `bytes` is left out, since the API does not know it.
        """
        pairs = tuple(pair for pair in swhid.qualifiers if pair[0] != "bytes")
        text = str(Swhid(swhid.type, swhid.hex, pairs))
        if fault := id_fault(swhid.hex) or _text_fault(text):
            return cannot_ask(text, fault)
        return self._look_up(
            Question(
                what=text,
                path=f"resolve/{quote(text, safe='')}/",
                read=reading.read_resolved(swhid.core),
                immutable=False,
            ),
            allowance,
        )

    # -- objects -----------------------------------------------------------------------

    def revision(
        self, id: str, *, allowance: Allowance | None = None
    ) -> Answer[Revision]:
        """Look up a commit."""
        if fault := id_fault(id):
            return cannot_ask(id, fault)
        path, read = f"revision/{id}/", reading.read_revision(id)
        question = Question(what=f"swh:1:rev:{id}", path=path, read=read)
        return self._look_up(question, allowance)

    def history(
        self, id: str, *, most: int = 1000, allowance: Allowance | None = None
    ) -> Answer[tuple[str, ...]]:
        """List the commits that a commit leads to, by the archive's own word.

        Args:
            id: of a commit, which comes first.
            most: how many are listed; the nearest, roughly.
            allowance: what this may cost.
        """
        if fault := id_fault(id):
            return cannot_ask(id, fault)
        path = f"revision/{id}/log/?{urlencode({'limit': most, 'fields': 'id'})}"
        question = Question(what=f"swh:1:rev:{id}", path=path, read=reading.read_log)
        return self._look_up(question, allowance)

    def release(
        self, id: str, *, allowance: Allowance | None = None
    ) -> Answer[Release]:
        """Look up an annotated tag."""
        if fault := id_fault(id):
            return cannot_ask(id, fault)
        path, read = f"release/{id}/", reading.read_release(id)
        question = Question(what=f"swh:1:rel:{id}", path=path, read=read)
        return self._look_up(question, allowance)

    def directory(
        self, id: str, *, allowance: Allowance | None = None
    ) -> Answer[Directory]:
        """List a directory, without what is below its folders."""
        if fault := id_fault(id):
            return cannot_ask(id, fault)
        path, read = f"directory/{id}/", reading.read_directory(id)
        question = Question(what=f"swh:1:dir:{id}", path=path, read=read)
        return self._look_up(question, allowance)

    def entry(
        self, directory: str, path: str, *, allowance: Allowance | None = None
    ) -> Answer[DirectoryEntry]:
        """Look up what is at a path below a directory.

        Args:
            directory: its id.
            path: a POSIX path from there, without a slash in front.
            allowance: what this may cost.
        """
        what = f"swh:1:dir:{directory} /{path}"
        parts = path.split("/")
        fault = id_fault(directory) or _text_fault(path)
        if fault or {"", ".", ".."} & set(parts):
            return cannot_ask(what, fault or f"{path!r} is no path below a directory")
        encoded = "/".join(quote(part, safe="") for part in parts)
        answer = self._look_up(
            Question(
                what=what,
                path=f"directory/{directory}/{encoded}/",
                read=reading.read_entry,
            ),
            allowance,
        )
        if isinstance(answer, NotHeld) and "\\" in path:
            reason = "the API cannot be asked about every name with a backslash"
            return CouldNotTell(what=what, reason=reason, asked=answer.asked)
        return answer

    def snapshot(
        self, id: str, *, allowance: Allowance | None = None
    ) -> Answer[Snapshot]:
        """Look up all branches of a snapshot, a thousand with each request."""
        if fault := id_fault(id):
            return cannot_ask(id, fault)
        spend = allowance or self.allowance()
        branches: dict[str, Branch | None] = {}
        what, start = f"swh:1:snp:{id}", ""
        for _ in range(SNAPSHOT_PAGES):
            query = {"branches_count": str(BRANCHES)}
            query |= {"branches_from": start} if start else {}
            answer = self._desk.look_up(
                Question(
                    what=what,
                    path=f"snapshot/{id}/?{urlencode(query)}",
                    read=reading.read_branches(id),
                ),
                spend,
            )
            if not isinstance(answer, Served):
                return answer
            page, following = answer.value
            branches |= page
            if not following:
                whole = Snapshot(id=id, branches=branches)
                return Served(value=whole, asked=answer.asked)
            if following in branches:
                break
            start = following
        return CouldNotTell(what=what, reason="its branches have no end")

    def content(
        self,
        digest: str,
        algorithm: str = "sha1_git",
        *,
        allowance: Allowance | None = None,
    ) -> Answer[Content]:
        """Look up a file by a digest of its bytes.

        Args:
            digest: lower-case hexadecimal.
            algorithm: sha1_git (the id of a git blob), sha1, sha256 or blake2s256.
            allowance: what this may cost.
        """
        what = f"{algorithm}:{digest}"
        if not re.fullmatch(_DIGESTS.get(algorithm, "(?!)"), digest):
            return cannot_ask(what, f"{what!r} is no digest that the API knows")
        path = f"content/{what}/"
        read = reading.read_content(algorithm, digest)
        return self._look_up(Question(what=what, path=path, read=read), allowance)

    def raw(
        self,
        swhid: str,
        *,
        limit: int = JSON_BYTES,
        allowance: Allowance | None = None,
    ) -> Answer[RawObject]:
        """Fetch an object's own bytes, and hash them: the surest look at one object.

        Args:
            swhid: a core SWHID.
            limit: how many bytes it may have.
            allowance: what this may cost.
        """
        if not reading.CORE.fullmatch(swhid):
            return cannot_ask(swhid, f"{swhid!r} is no core SWHID")
        said = self._desk.asker.ask(
            swhid,
            f"raw/{swhid}/",
            allowance=allowance or self.allowance(),
            scope="raw",
            raw=True,
            limit=limit,
        )
        if isinstance(said, CouldNotTell):
            return said
        document = said if said.status < OK_TO else said.document
        return judge(swhid, said.status, document, said.asked, _raw_reader(swhid))

    def external_id(
        self,
        type: str,
        value: str,
        *,
        format: str = "hex",
        version: int | None = None,
        allowance: Allowance | None = None,
    ) -> Answer[ExternalId]:
        """Look up an id of another system.

        Args:
            type: hg-nodeid, bzr-nodeid, nar-sha256, checksum-sha256, checksum-sha512.
            value: the id.
            format: how it is written: hex, base64url or raw.
            version: of the mapping; 1 for the last three types.
            allowance: what this may cost.
        """
        what = f"{type} {value}"
        fault = _text_fault(value) or path_fault(value)
        if fault or not _EXTERNAL.fullmatch(type) or format not in _FORMATS:
            return cannot_ask(what, fault or f"{what!r} is no external id")
        path = f"extid/{type}/{format}:{quote(value, safe='')}/"
        if version is not None:
            path += f"?extid_version={version}"
        read = reading.read_external_id
        return self._look_up(
            Question(what=what, path=path, read=read, immutable=False), allowance
        )

    def external_ids(
        self, swhid: str, *, allowance: Allowance | None = None
    ) -> Answer[tuple[ExternalId, ...]]:
        """Look up the ids that an object has in other systems."""
        if not reading.CORE.fullmatch(swhid):
            return cannot_ask(swhid, f"{swhid!r} is no core SWHID")
        return self._look_up(
            Question(
                what=swhid,
                path=f"extid/target/{swhid}/",
                read=lambda found: tuple(
                    map(reading.read_external_id, reading.items(found))
                ),
                immutable=False,
            ),
            allowance,
        )

    def _look_up(
        self, question: "Question[reading.T]", allowance: Allowance | None
    ) -> "Answer[reading.T]":
        return self._desk.look_up(question, allowance or self.allowance())


def _text_fault(text: str) -> str | None:
    if any("\ud800" <= char <= "\udfff" for char in text):
        return f"{text!r} holds bytes that are no UTF-8, which the API cannot be asked"
    return None


def _raw_reader(swhid: str) -> Callable[[Said], RawObject]:
    short, id = swhid.split(":")[2:]

    def read(said: Said) -> RawObject:
        header, null, body = said.body.partition(b"\0")
        match = re.fullmatch(rb"(blob|tree|commit|tag|snapshot) ([0-9]{1,15})", header)
        if not null or match is None or int(match[2]) != len(body):
            raise reading.ShapeError("it does not begin with the header of an object")
        kind = match[1].decode()
        digest = hashlib.sha1(said.body, usedforsecurity=False).hexdigest()
        agrees = kind == _KINDS[short] and digest == id
        return RawObject(kind=kind, body=body, agrees=agrees)

    return read
