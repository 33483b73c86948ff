"""Why a run of git against a server failed, told from what it said."""

import re

from reverify.services.git.answers import PlaceError, Why
from reverify.services.git.origins import Origin
from reverify.services.git.tunnel import Tunnel

_TEXT = 300
HARMLESS = (
    "zeroPaddedFilemode badTimezone badDate badDateOverflow missingSpaceBeforeDate"
    " missingSpaceBeforeEmail badEmail missingEmail missingNameBeforeEmail"
).split()
"""Faults of old and honest repositories, which we read as they are."""
_FAILURES = (
    (r"died of signal (9|24|25)|[Ff]ile (size|too)|CPU time|memory", Why.LIMIT),
    (r"\Afatal: fetch-pack: invalid index-pack output\Z", Why.LIMIT),  # it was ended
    (r"expected response end packet", Why.LIMIT),  # its answer does not end
    (r"mismatched algorithms|support.*object.?format", Why.ABSENT),
    (r"repository '.*' not found", Why.GONE),
    (r"Authentication failed|could not read (Username|Password)", Why.DENIED),
    (r"fsck error|badly formed|error in object|hash mismatch|corrupt", Why.DAMAGED),
    (r"unable to access|early EOF|RPC failed|hung up|disconnect", Why.UNREACHABLE),
    (r"index-pack|inflate|bad pack|pack has", Why.DAMAGED),
)


class UnadvertisedError(PlaceError):
    """A server gives only what its branches and tags lead to."""


class OldFaultError(PlaceError):
    """What a server gives has faults that old and honest repositories have.

    Git overlooks them, where told to; but before 2.44 not in what is left in part at
    the server.
    """


class AbsentError(PlaceError):
    """A server says that it does not have an object.

    Args:
        id: of the object; empty if it does not say.
        text: in a sentence.
    """

    def __init__(self, id: str, text: str) -> None:
        super().__init__(Why.ABSENT, text)
        self.id = id


def failure_of(origin: Origin, tunnel: Tunnel, said: str, most: int) -> PlaceError:
    """What went wrong.

    Args:
        origin: who was asked.
        tunnel: through which git spoke.
        said: what git said of it.
        most: how many bytes it might bring.
    """
    for why, what in (
        (Why.LIMIT, f"sends more than {most:,} bytes" if tunnel.over else ""),
        (Why.REFUSED, tunnel.refused),
        (Why.UNREACHABLE, tunnel.failed),
    ):
        if what:
            return PlaceError(why, f"{origin}: {what}")
    beside = ("remote:", "warning:")
    lines = [line for line in said.split("\n") if not line.startswith(beside)]
    text = "\n".join(lines)
    short = f"{origin}: {plain(' '.join(lines))}"
    absent = re.search(r"not our ref ?([0-9a-f]*)|want ([0-9a-f]+) not valid", text)
    if absent:
        id = absent[1] or absent[2] or ""
        text = f"{origin}: the server says that it has no object {id}"
        return AbsentError(id, text.rstrip())
    if "unadvertised object" in text or "dumb http transport" in text:
        return UnadvertisedError(Why.NOT_REACHED, short)
    faults = set(re.findall(r"object [0-9a-f]+: ([A-Za-z]+):", text))
    if faults and faults <= set(HARMLESS):
        return OldFaultError(Why.DAMAGED, short)
    for pattern, why in _FAILURES:
        if re.search(pattern, text.strip()):
            return PlaceError(why, short)
    return PlaceError(Why.UNREACHABLE, short)


def plain(text: str) -> str:
    """What a server says, as one line without anything that a terminal obeys."""
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= _TEXT else f"{line[:_TEXT]}..."
