"""The vault: have a bundle cooked, wait for it, download it."""

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from reverify.services.software_heritage.answers import (
    Answer,
    CouldNotTell,
    NotHeld,
    Served,
)
from reverify.services.software_heritage.asking import SHOWN, Allowance, Asker
from reverify.services.software_heritage.lookup import cannot_ask, judge
from reverify.services.software_heritage.reading import ShapeError, mapping, maybe, take

log = logging.getLogger(__name__)

KINDS = {"flat": ("dir",), "git-bare": ("dir", "rev", "rel", "snp")}
BUNDLE_BYTES = 2 << 30
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooking:
    """How far a bundle is.

    Attributes:
        swhid: of what it will hold.
        status: new, pending, done or failed. Done does not mean complete.
        message: how far, or why it failed; untrusted text.
    """

    swhid: str
    status: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A bundle that was written to a file, and is not yet looked into.

    Attributes:
        swhid: of what it should hold.
        kind: flat or git-bare.
        size: bytes.
        sha256: of this download; another one of the same object differs.
    """

    swhid: str
    kind: str
    size: int
    sha256: str


class Vault:
    """Bundles of one archive.

    Args:
        asker: asks the archive.
        allowance: makes something to spend for a call that was given nothing.
    """

    def __init__(self, asker: Asker, allowance: Callable[[], Allowance]) -> None:
        self._asker = asker
        self._allowance = allowance

    def cook(
        self, kind: str, swhid: str, *, allowance: Allowance | None = None
    ) -> Answer[Cooking]:
        """Ask for a bundle; again for one that failed or is no longer there.

        Args:
            kind: `flat` (for dir) or `git-bare` (for dir, rev, rel, snp).
            swhid: a core SWHID.
            allowance: what this may cost.
        """
        return self._cooking("POST", kind, swhid, allowance)

    def progress(
        self, kind: str, swhid: str, *, allowance: Allowance | None = None
    ) -> Answer[Cooking]:
        """Look how far a bundle is; NotHeld if nobody asked for it."""
        return self._cooking("GET", kind, swhid, allowance)

    def fetch(
        self,
        kind: str,
        swhid: str,
        target: BinaryIO,
        *,
        limit: int = BUNDLE_BYTES,
        allowance: Allowance | None = None,
    ) -> Answer[Downloaded]:
        """Have a bundle cooked, wait for it, and write it to a file.

        Args:
            kind: `flat` (for dir) or `git-bare` (for dir, rev, rel, snp).
            swhid: a core SWHID.
            target: a file open for reading and writing; what is in it goes.
            limit: how many bytes the bundle may have.
            allowance: what this may cost; waiting counts.
        """
        spend = allowance or self._allowance()
        answer: Answer[Downloaded] = cannot_ask(swhid, "it was not asked for")
        for _ in range(2):  # it may expire between cooking and fetching
            cooked = self._wait(kind, swhid, spend)
            if not isinstance(cooked, Served):
                return cooked
            answer = self._download(kind, swhid, target, limit, spend)
            if not isinstance(answer, NotHeld):
                return answer
        if isinstance(answer, NotHeld):
            reason = f"its bundle is done, but not to be had ({answer.reason})"
            return CouldNotTell(what=swhid, reason=reason, asked=answer.asked)
        return answer

    def _wait(self, kind: str, swhid: str, spend: Allowance) -> Answer[Cooking]:
        answer = self.cook(kind, swhid, allowance=spend)
        pause = FIRST_PAUSE
        while isinstance(answer, Served):
            found = answer.value
            if found.status == "done":
                return answer
            if found.status == "failed":
                message = found.message.strip().rpartition("\n")[2]
                reason = f"the vault could not make the bundle: {message[:SHOWN]}"
                return CouldNotTell(what=swhid, reason=reason, asked=answer.asked)
            if pause > spend.seconds_left:
                reason = (
                    f"the vault is still at work on its bundle ({found.status}), and"
                    f" the {spend.patience.seconds:g} seconds for this are over"
                )
                return CouldNotTell(what=swhid, reason=reason, asked=answer.asked)
            log.info("%s: the vault says %s", swhid, found.status)
            self._asker.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            answer = self.progress(kind, swhid, allowance=spend)
        return answer

    def _download(
        self, kind: str, swhid: str, target: BinaryIO, limit: int, spend: Allowance
    ) -> Answer[Downloaded]:
        said = self._asker.ask(
            swhid,
            f"vault/{kind}/{swhid}/raw/",
            allowance=spend,
            target=target,
            raw=True,
            limit=limit,
            seconds=spend.seconds_left,
        )
        if isinstance(said, CouldNotTell):
            return said

        def read(_: object) -> Downloaded:
            target.seek(0)
            digest, size = hashlib.sha256(), 0
            while block := target.read(BLOCK):
                digest.update(block)
                size += len(block)
            target.seek(0)
            sha256 = digest.hexdigest()
            return Downloaded(swhid=swhid, kind=kind, size=size, sha256=sha256)

        return judge(swhid, said.status, said.document, said.asked, read)

    def _cooking(
        self, method: str, kind: str, swhid: str, allowance: Allowance | None
    ) -> Answer[Cooking]:
        types = KINDS.get(kind)
        if types is None:
            return cannot_ask(swhid, f"there is no bundle of kind {kind!r}")
        if not re.fullmatch(f"swh:1:({'|'.join(types)}):[0-9a-f]{{40}}", swhid):
            reason = f"{swhid!r} cannot be had as {kind}: only {', '.join(types)}"
            return cannot_ask(swhid, reason)
        said = self._asker.ask(
            swhid,
            f"vault/{kind}/{swhid}/",
            allowance=allowance or self._allowance(),
            scope=f"vault {method}",
            method=method,
        )
        if isinstance(said, CouldNotTell):
            return said
        read = _reader(swhid)
        return judge(swhid, said.status, said.document, said.asked, read)


def _reader(swhid: str) -> Callable[[Any], Cooking]:
    def read(value: object) -> Cooking:
        found = mapping(value)
        status = take(found, "status", str)
        if status not in {"new", "pending", "done", "failed"}:
            raise ShapeError(f"there is no status {status!r}")
        if take(found, "swhid", str) != swhid:
            raise ShapeError("it answers about another object")
        message = maybe(found, "progress_message", str) or ""
        return Cooking(swhid=swhid, status=status, message=message)

    return read
