"""What a manifest says of its code, looked up in a git repository and not believed.

Commit and tree are read from the objects and re-hashed; the files of code that a
capsule keeps are compared with the blobs of that commit while they are copied.
"""

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from reverify.capsules.mapping.interface import CodeFacts
from reverify.errors import CapsuleError, ServiceError, UsageError
from reverify.model.capsule import Manifest, Role
from reverify.model.swhid import Swhid

if TYPE_CHECKING:
    from reverify.services.git import Repository

_SHA1_DIGITS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The code of a capsule, as far as it could be looked up.

    Attributes:
        facts: what was found in git; None if there was nowhere to look.
        repository: where that was, for people; empty if there was nowhere.
        blobs: the ids of the files of code at the commit, by their path; each file
            that is kept must be the blob that stands here.
        algorithm: what git names those blobs by, sha1 or sha256.
        notes: what was not looked up, and why, one sentence each.
    """

    facts: CodeFacts | None = None
    repository: str = ""
    blobs: Mapping[str, str] = field(default_factory=dict)
    algorithm: str = "sha1"
    notes: tuple[str, ...] = ()

    def blob_digest(self, size: int) -> Any:  # noqa: ANN401 - hashlib has no name for it
        """A digest that gives the id of a blob once it has taken in its bytes."""
        header = f"blob {size}\0".encode()
        return hashlib.new(self.algorithm, header, usedforsecurity=False)


def look_up_code(
    manifest: Manifest, repository: Path | None = None, folder: Path | None = None
) -> Code:
    """Look up what a manifest says of its code.

    The repository is the one that is named; else that in whose work tree the folder
    of the capsule lies, if it has the commit or is the manifest's own; else that at
    the address in the manifest, if this is a path.

    Args:
        manifest: of the capsule.
        repository: a git repository in which the commit must be.
        folder: the folder of the capsule.

    Raises:
        CapsuleError: the manifest disagrees with what was found; both are named.
        UsageError: there is no repository where one was named.
        ServiceError: the repository that was named cannot be read.
    """
    code = manifest.part("code")
    if not code.get("git_commit"):
        if not code:
            return Code()
        return Code(notes=("the manifest names no commit, so none was looked up",))
    if repository is not None:
        from reverify.services.git import open_repository  # noqa: PLC0415 - runs git

        with open_repository(repository) as found:
            return _look_in(found, manifest)
    notes: list[str] = []
    for place in _places(code, folder):
        try:
            found_there = _open(place, code)
        except (UsageError, ServiceError) as error:
            notes.append(str(error))
            continue
        if found_there is not None:
            with found_there:
                return _look_in(found_there, manifest)
    notes.append(
        f"commit {code['git_commit']} was not looked up, for want of its repository;"
        " it is written as the manifest states it; give the repository with --source"
    )
    return Code(notes=tuple(notes))


def _places(code: Mapping[str, Any], folder: Path | None) -> list[Path]:
    """Where the repository may be: round the capsule, or at a path it names."""
    places = [folder] if folder is not None else []
    address = code.get("repository") or ""
    if address.startswith("file:///"):
        places.append(Path(unquote(urlsplit(address).path)))
    elif address.startswith("/"):
        places.append(Path(address))
    return places


def _open(place: Path, code: Mapping[str, Any]) -> "Repository | None":
    """Open the repository round a folder if it has to do with the code."""
    from reverify.services.git import find_repository  # noqa: PLC0415 - runs git

    repository = find_repository(place) if place.is_dir() else None
    if repository is None:
        return None
    addresses = [code.get("repository"), code.get("swh_origin_url")]
    theirs = {_plain(address) for address in addresses if address}
    if repository.commit(code["git_commit"]) is None and (
        _plain(repository.origin() or "") not in theirs
        and str(repository) not in theirs
    ):
        repository.close()
        return None
    return repository


def _plain(address: str) -> str:
    """An address without what two people may write differently."""
    return address.rstrip("/").removesuffix(".git").removeprefix("file://")


def _look_in(repository: "Repository", manifest: Manifest) -> Code:
    """Compare what the manifest says with what a repository holds.

    Raises:
        CapsuleError: they disagree.
    """
    code = manifest.part("code")
    commit, stated = code["git_commit"], code.get("git_tree_hash")
    found = repository.commit(commit)
    if found is None:
        kind = repository.kind_of(commit)
        what = f"is a {kind} there, no commit" if kind else "is not there"
        raise CapsuleError(
            f"/code/git_commit: the manifest says {commit}, which {what}, in"
            f" {repository}; correct the manifest, or give the repository that has it"
            " with --source"
        )
    reasons = []
    if stated and stated != found.tree:
        reasons.append(
            f"/code/git_tree_hash: the manifest says {stated}, the tree of commit"
            f" {commit} is {found.tree} in {repository}; correct the manifest"
        )
    dirty = bool(code.get("dirty"))
    kept = [file for file in manifest.files() if file.role is Role.CODE]
    paths = [(f"{file.pointer}/path", file.path) for file in kept]
    if code.get("path"):
        paths.append(("/code/path", code["path"]))
    entries = {}
    for pointer, path in paths:
        entry = repository.objects.entry(found.tree, path or "")
        if entry is None and not dirty:
            reasons.append(
                f"{pointer}: {path!r} is not in commit {commit}; correct it, or"
                ' say "dirty": true if the work tree held more than the commit'
            )
        elif entry is not None:
            entries[path or ""] = entry
    if reasons:
        raise CapsuleError(*reasons)
    swhids: tuple[str, ...] = ()
    notes = []
    if len(commit) == _SHA1_DIGITS:
        main = entries.get(code.get("path") or "")
        swhids = _swhids(code, found.tree, (main.mode, main.id) if main else None)
    else:
        notes.append("a commit of a SHA-256 repository cannot be written as a SWHID")
    if dirty:
        notes.append(
            "the manifest says that the work tree was dirty: the files of code are not"
            " compared with the commit"
        )
    return Code(
        facts=CodeFacts(commit=commit, tree=found.tree, swhids=swhids),
        repository=str(repository),
        blobs={
            file.path: entries[file.path].id for file in kept if file.path and not dirty
        },
        algorithm=repository.algorithm,
        notes=tuple(notes),
    )


def _swhids(
    code: Mapping[str, Any], tree: str, main: tuple[int, str] | None
) -> tuple[str, ...]:
    """Identifiers of the commit, of its tree, and of what was run at its place in it.

    Source: SWHID specification v1.2, clauses 5 and 6.
    """
    revision = Swhid("rev", code["git_commit"])
    cores = (revision.core, Swhid("dir", tree).core)
    origin = code.get("swh_origin_url") or code.get("repository") or ""
    if not origin.startswith(("http://", "https://")):
        return cores
    qualifiers = [("origin", origin.replace("%", "%25").replace(";", "%3B"))]
    if code.get("swh_origin_url") and code.get("swh_snapshot_id"):
        qualifiers.append(("visit", code["swh_snapshot_id"]))
    qualifiers.append(("anchor", revision.core))
    mode, id = main or (stat.S_IFDIR, tree)
    path = code["path"] if main else ""
    qualifiers.append(("path", "/" + quote(path, safe="/")))
    kind = "dir" if stat.S_ISDIR(mode) else "cnt"
    return (*cores, str(Swhid(kind, id, tuple(qualifiers))))


def stated_swhids(manifest: Manifest) -> tuple[str, ...]:
    """The identifiers that follow from what a manifest states, nothing looked up."""
    code = manifest.part("code")
    parts = (("rev", code.get("git_commit")), ("dir", code.get("git_tree_hash")))
    return tuple(
        Swhid(kind, hex).core for kind, hex in parts if hex and len(hex) == _SHA1_DIGITS
    )
