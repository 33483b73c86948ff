"""Code that is lost, fetched back from the vault, and looked at before it is used."""

import tempfile

from reverify.errors import ServiceError
from reverify.services.software_heritage.answers import Answer, CouldNotTell, Served
from reverify.services.software_heritage.asking import Allowance
from reverify.services.software_heritage.bare import read_bare
from reverify.services.software_heritage.bundle import Bundle
from reverify.services.software_heritage.client import Archive
from reverify.services.software_heritage.flat import read_flat
from reverify.services.software_heritage.objects import Directory, Snapshot
from reverify.services.software_heritage.tarball import BundleLimits
from reverify.services.software_heritage.vault import BUNDLE_BYTES

_SHORT = {"content": "cnt", "directory": "dir", "revision": "rev", "release": "rel"}


def recover(
    archive: Archive,
    swhid: str,
    kind: str = "git-bare",
    *,
    history: bool = True,
    allowance: Allowance | None = None,
    limit: int = BUNDLE_BYTES,
    limits: BundleLimits | None = None,
) -> Answer[Bundle]:
    """Fetch an object with all that it leads to, and hash all of it again.

    Args:
        archive: where it is.
        swhid: a core SWHID: dir for `flat`; dir, rev, rel or snp for `git-bare`.
        kind: flat or git-bare.
        history: whether the commits before are looked at too.
        allowance: what this may cost; waiting for the vault counts.
        limit: how many bytes the bundle may have.
        limits: how much it may hold.

    Returns:
        a bundle, to be closed, which says whether it is complete; or why there is none.

    Raises:
        ServiceError: there is no git on this machine.
    """
    spend = allowance or archive.allowance()
    roots: list[str] = []
    if swhid.startswith("swh:1:snp:"):
        found = archive.snapshot(swhid.rpartition(":")[2], allowance=spend)
        if not isinstance(found, Served):
            return found
        if found.value.recomputed() != found.value.id:
            reason = "the branches that the archive lists do not have its id"
            return CouldNotTell(what=swhid, reason=reason, asked=found.asked)
        roots = _roots(found.value)
    with tempfile.TemporaryFile(prefix="reverify-bundle-") as file:
        fetched = archive.vault.fetch(kind, swhid, file, limit=limit, allowance=spend)
        if not isinstance(fetched, Served):
            return fetched

        def listing(id: str) -> Directory | None:
            answer = archive.directory(id, allowance=spend)
            return answer.value if isinstance(answer, Served) else None

        try:
            if kind == "flat":
                bundle = read_flat(file, swhid, listing=listing, limits=limits)
            else:
                bundle = read_bare(
                    file, swhid, roots=roots, history=history, limits=limits
                )
        except ServiceError as error:
            asked = fetched.asked
            return CouldNotTell(what=swhid, reason=str(error), asked=asked)
    return Served(value=bundle, asked=fetched.asked)


def _roots(snapshot: Snapshot) -> list[str]:
    return sorted(
        {
            f"swh:1:{_SHORT[branch.type]}:{branch.target}"
            for branch in snapshot.branches.values()
            if branch is not None and branch.type in _SHORT
        }
    )
