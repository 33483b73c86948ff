"""What there is to say of a name by what it stands for, whoever lists it."""

from reverify.checks.interface import finding
from reverify.crates.crate import Crate
from reverify.crates.payload import Entry, EntryKind
from reverify.model.claim import Claim
from reverify.model.finding import Finding

_ODD = {
    EntryKind.LINK: "completeness/symlink",
    EntryKind.SPECIAL: "completeness/special-file",
}


def absent(claim: Claim, rule: str, path: str, reason: str, crate: Crate) -> Finding:
    """What is not listed is absent, unless a limit kept us from looking there."""
    if crate.payload.may_hold(path):
        return unseen(claim, path)
    return finding(claim, rule, reason, observed="absent")


def unseen(claim: Claim, path: str) -> Finding:
    """What a limit kept us from looking for."""
    reason = f"{path}: not found as far as was looked; a limit was reached"
    return finding(claim, "completeness/limit-reached", reason)


def odd(claim: Claim, path: str, entry: Entry) -> Finding | None:
    """What there is to say of a name that stands for neither file nor folder."""
    if entry.kind in {EntryKind.FILE, EntryKind.FOLDER}:
        return None
    if entry.kind is EntryKind.BROKEN:
        return finding(claim, entry.rule, f"{path}: {entry.target}")
    if entry.kind is EntryKind.LINK:
        where = f" to {entry.target!r}" if entry.target else ""
        reason = f"{path}: is a link{where}, which is not followed"
    else:
        reason = f"{path}: is a {entry.target}, which is not opened"
    return finding(claim, _ODD[entry.kind], reason, observed=entry.kind.value)
