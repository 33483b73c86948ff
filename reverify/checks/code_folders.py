"""Is an included folder the one that its SWHID names? It is hashed as git would."""

import itertools
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from reverify.checks.code_files import hash_own
from reverify.checks.code_places import Bench
from reverify.checks.interface import finding
from reverify.crates.crate import Crate
from reverify.crates.metadata import DESCRIPTORS
from reverify.crates.payload import Entry, EntryKind
from reverify.errors import CrateError
from reverify.model.claim import Claim
from reverify.model.code import Said
from reverify.model.finding import Evidence, Finding
from reverify.model.git_objects import (
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    TreeLine,
    tree_body,
)
from reverify.model.swhid import git_id

_DOT_GIT = ".git"
_PREVIEW = ("ro-crate-preview.html", "ro-crate-preview_files")
_WAYS = (
    ("", False, False),
    ("if empty folders count, as Software Heritage has it", True, False),
    ("if no file is executable", False, True),
    ("if empty folders count and no file is executable", True, True),
)


class Listing(NamedTuple):
    """All that is below a folder, hashed.

    Attributes:
        leaves: mode and id of files and links, by their paths.
        folders: the paths of folders.
        doubt: why its id may be another after all, or "".
    """

    leaves: Mapping[str, tuple[int, str]]
    folders: frozenset[str]
    doubt: str = ""

    def id(self, *, empty: bool, plain: bool) -> str:
        """The id of the tree.

        Args:
            empty: whether empty folders count.
            plain: whether executable files count as others do.
        """
        lines: dict[str, list[TreeLine]] = {name: [] for name in self.folders}
        lines[""] = []
        for path, (mode, id) in self.leaves.items():
            above, _, name = path.rpartition("/")
            as_git = FILE if plain and mode == EXECUTABLE else mode
            lines[above].append(TreeLine(as_git, os.fsencode(name), bytes.fromhex(id)))
        for path in sorted(self.folders, reverse=True):  # what is inside comes first
            if lines[path] or empty:
                above, _, name = path.rpartition("/")
                id = git_id("tree", tree_body(lines[path]))
                line = TreeLine(FOLDER, os.fsencode(name), bytes.fromhex(id))
                lines[above].append(line)
        return git_id("tree", tree_body(lines[""]))


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
    tree = claim.expected.partition(":")[2]
    try:
        listing = list_folder(crate, path.rstrip("/"), is_root=is_root)
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


def list_folder(crate: Crate, path: str, *, is_root: bool = False) -> Listing:
    """List a folder and hash what is in it; `.git` is left out, as git does.

    Args:
        crate: whose folder.
        path: of the folder, from the opened location, without a slash at the end.
        is_root: whether it is the crate's own, whose documents are left out.

    Raises:
        CrateError: something in it cannot be read.
    """
    leaves: dict[str, tuple[int, str]] = {}
    folders: set[str] = set()
    base, doubt = f"{path}/" if path else "", ""
    for name, entry in _inside(crate, base, is_root=is_root):
        above = name.split("/")[:-1]
        folders.update(itertools.accumulate(above, "{}/{}".format))
        match entry.kind:
            case EntryKind.FOLDER:
                folders.add(name)
            case EntryKind.LINK:
                leaves[name] = LINK, git_id("blob", os.fsencode(entry.target))
            case EntryKind.FILE:
                mode = EXECUTABLE if entry.executable else FILE
                leaves[name] = mode, hash_own(crate, base + name, "sha1").blob
                if entry.executable is None:
                    doubt = "it does not show here which files are executable"
            case _:
                raise CrateError(
                    f"{base}{name}: is a {entry.kind.value}, so the folder has no id",
                    rule="completeness/file-unreadable",
                    subject=base + name,
                )
    if crate.payload.may_hold(base):
        doubt = "not all of it was looked at"
    return Listing(leaves, frozenset(folders), doubt)


def _inside(crate: Crate, base: str, *, is_root: bool) -> Iterator[tuple[str, Entry]]:
    own = {*DESCRIPTORS, *_PREVIEW} if is_root else set()
    for path, entry in crate.payload.entries.items():
        name = path.removeprefix(base).rstrip("/")
        parts = name.split("/")
        inside = path.startswith(base) and name and _DOT_GIT not in parts
        if inside and parts[0] not in own:
            yield name, entry
