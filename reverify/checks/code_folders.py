"""Is an included folder the one that its SWHID names? It is hashed as git would."""

from reverify.checks.code_places import Bench
from reverify.checks.interface import finding
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
    crate, path = bench.crate, claim.path
    if path is None or said is None or not said.same:
        return None
    is_root = path.rstrip("/") == crate.prefix.rstrip("/")
    entry = crate.payload.entries.get(path)
    if not is_root and (entry is None or entry.kind is not EntryKind.FOLDER):
        return None
    if is_root and sum(e.size for e in crate.payload.entries.values()) > _MOST_BYTES:
        return None  # it would cost what testing single files may need
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
