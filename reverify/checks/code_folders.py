"""Is an included folder the one that its SWHID names? It is hashed as git would."""

from reverify.checks.code_places import Bench
from reverify.checks.interface import finding
from reverify.crates.crate import Crate
from reverify.crates.payload import EntryKind
from reverify.errors import CrateError
from reverify.model.claim import Claim
from reverify.model.code import Said
from reverify.model.finding import Evidence, Finding

_MOST_BYTES = 256 << 20
"""How large a crate may be that is compared as a whole."""
_WAYS = (
    ("", False, False),
    ("if empty folders count, as Software Heritage has it", True, False),
    ("if no file is executable", False, True),
    ("if empty folders count and no file is executable", True, True),
)


def about_folder(claim: Claim, bench: Bench, said: Said | None) -> Finding | None:
    """Whether a folder of the crate has the SWHID that the crate gives it.

    Returns:
        None if none is spoken of. The crate as a whole is, if it is the one: else what
        it names is taken for the code's own repository.
    """
    path = claim.path
    if path is None or said is None or not said.same:
        return None
    is_root = path.rstrip("/") == bench.crate.prefix.rstrip("/")
    if not _is_compared(bench.crate, path, is_root=is_root):
        return None
    tree = claim.expected.partition(":")[2]
    try:
        listing = bench.folders.list(path.rstrip("/"), is_root=is_root)
    except CrateError as error:
        if is_root:
            return None
        return finding(claim, "source/unclear", f"{claim.subject}: {error.reason}")
    ids = {way: listing.id(empty=empty, plain=plain) for way, empty, plain in _WAYS}
    way = next((way for way, id in ids.items() if id == tree), None)
    if way is None and is_root:
        return None
    computed = tree if way is not None else ids[""]
    method = f"git tree id of {len(listing.leaves)} files and links"
    evidence = Evidence(method, f"tree:{computed}", bench.now(), path or "./")
    rule, observed = "source/folder-mismatch", f"tree:{computed}"
    reason = f"{claim.subject}: is swh:1:dir:{computed}, not {tree} as is said"
    if way is not None:
        rule = "source/folder-match"
        reason = f"{claim.subject}: has the id swh:1:dir:{tree}, as is said"
        reason += f", {way}" if way else ""
        reason += "; the crate's own documents left out" if is_root else ""
    elif listing.doubt:
        rule = "source/unclear"
        reason += f"; that may be since {listing.doubt}"
    return finding(
        claim,
        rule,
        reason,
        observed=None if rule == "source/unclear" else observed,
        evidence=(evidence,),
    )


def _is_compared(crate: Crate, path: str, *, is_root: bool) -> bool:
    """Whether a path is that of a folder; a crate must be small, as it is read again.

    That takes of what may be read in all, which testing single files may need.
    """
    entries = crate.payload.entries
    if is_root:
        return sum(entry.size for entry in entries.values()) <= _MOST_BYTES
    return path in entries and entries[path].kind is EntryKind.FOLDER
