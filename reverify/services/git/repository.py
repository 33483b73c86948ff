"""A repository on this machine that the user named."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from reverify.errors import ServiceError, UsageError
from reverify.services.git.command import Git
from reverify.services.git.objects import Commit, Objects, TreeEntry
from reverify.services.git.references import (
    loose_references,
    one_reference,
    packed_references,
    public_address,
    read_small,
)


class Repository:
    """A git repository; close it when done.

    Its objects are borrowed, its references read as files; its settings, hooks and
    filters never act.

    Args:
        directory: where its HEAD is: `.git`, or what a file `.git` points to.
        root: the top of its work tree; None if it is bare.

    Raises:
        ServiceError: it cannot be read.

    Attributes:
        directory: where its HEAD is.
        common: where what all its work trees share is: objects, branches and tags.
        algorithm: what names its objects, sha1 or sha256.
        root: the top of its work tree; None if it is bare.
    """

    def __init__(self, directory: Path, root: Path | None) -> None:
        self.root = root
        self.directory = directory
        common = read_small(directory / "commondir").decode(errors="surrogateescape")
        self.common = Path(os.path.normpath(directory / (common.strip() or ".")))
        self._config = _settings_in(self.common / "config")
        name = self.setting("extensions.objectformat") or "sha1"
        if name not in {"sha1", "sha256"}:
            raise ServiceError(f"{directory}: names its objects by {name!r}")
        if (self.setting("extensions.refstorage") or "files") != "files":
            raise ServiceError(
                f"{directory}: keeps its references as a reftable, which reverify does"
                " not read; give a clone made with `git clone --ref-format=files`"
            )
        self.algorithm = name
        borrowed = {"GIT_OBJECT_DIRECTORY": str(self.common / "objects")}
        if self.is_shallow:
            borrowed["GIT_SHALLOW_FILE"] = str(self.common / "shallow")
        self.git = Git(algorithm=name, environment=borrowed)
        self.objects = Objects(self.git, name)
        self._lost: list[str] | None = None
        self._is_whole = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what was started, and leave nothing behind."""
        self.objects.close()
        self.git.close()

    def __str__(self) -> str:
        return str(self.root or self.directory)

    # -- what it says of itself --------------------------------------------------------

    @property
    def is_shallow(self) -> bool:
        """Whether it lacks the commits before some of its own."""
        return bool(read_small(self.common / "shallow").strip())

    @property
    def is_partial(self) -> bool:
        """Whether it leaves objects at a server until they are asked for."""
        return bool(self.setting("extensions.partialclone")) or any(
            name.endswith(".promisor") for name in self._config
        )

    def person(self, user_file: Path) -> tuple[str | None, str | None]:
        """Who commits here: name and e-mail address, as far as they are set.

        Args:
            user_file: the user's own settings of git, which may include others.
        """
        theirs = _settings_in(user_file, includes=True)
        name, email = (
            self.setting(key) or theirs.get(key) for key in ("user.name", "user.email")
        )
        return name, email

    def setting(self, name: str) -> str | None:
        """A setting from the repository's own file, its name in lower case."""
        return self._config.get(name)

    def origin(self) -> str | None:
        """The address of the remote `origin`, or of the only one; or None.

        User names, passwords and tokens are left out of it. A path of this machine is
        no address.
        """
        remotes = {
            name.removeprefix("remote.").removesuffix(".url"): value
            for name, value in self._config.items()
            if name.startswith("remote.") and name.endswith(".url")
        }
        if "origin" in remotes:
            return public_address(remotes["origin"])
        if len(remotes) == 1:
            return public_address(next(iter(remotes.values())))
        return None

    def head(self) -> str | None:
        """The commit that is checked out, or None before the first one."""
        return self._resolve(one_reference(self.directory / "HEAD"))

    def branch(self) -> str | None:
        """The branch that is checked out, or None if HEAD is detached."""
        said = one_reference(self.directory / "HEAD")
        name = said.removeprefix("ref: ")
        return name.removeprefix("refs/heads/") if said != name else None

    def references(self) -> dict[str, str]:
        """Branches, tags and whatever else holds on to objects: id by full name."""
        said = dict(packed_references(self.common))
        said |= dict(loose_references(self.common))
        found = {name: self._resolve(what, said) for name, what in said.items()}
        return {name: id for name, id in found.items() if id}

    def _resolve(self, what: str, known: Mapping[str, str] | None = None) -> str | None:
        for _ in range(5):
            if not what.startswith("ref: "):
                return what or None
            if known is None:
                known = dict(packed_references(self.common))
                known |= dict(loose_references(self.common))
            what = known.get(what.removeprefix("ref: "), "")
        return None

    # -- objects -----------------------------------------------------------------------

    def kind_of(self, id: str) -> str | None:
        """What an object is: commit, tree, blob or tag; None if it is not there."""
        return self.objects.kind(id)

    def commit(self, id: str) -> Commit | None:
        """Read a commit; None if there is no commit of that id.

        Raises:
            ServiceError: its bytes do not have that id.
        """
        return self.objects.commit(id)

    def tree_of(self, commit: str) -> str | None:
        """The id of a commit's tree; None if there is no such commit.

        Raises:
            ServiceError: the bytes of the commit do not have that id.
        """
        found = self.objects.commit(commit)
        return found.tree if found else None

    def blob_at(self, commit: str, path: str) -> TreeEntry | None:
        """The entry at a path in a commit, its mode and id; None if there is none.

        Every tree on the way is re-hashed. The entry may be a folder, a link or a
        submodule: ask its `mode`.

        Args:
            commit: the whole id of a commit.
            path: a POSIX path from the root of the repository.

        Raises:
            ServiceError: a tree is missing, or its bytes do not have its id.
        """
        tree = self.tree_of(commit)
        return self.objects.entry(tree, path) if tree else None

    def files_of(self, commit: str) -> Iterator[TreeEntry]:
        """Everything in a commit that is no folder, by its path."""
        tree = self.tree_of(commit)
        return self.objects.files(tree) if tree else iter(())

    # -- what holds on to commits ------------------------------------------------------

    def reached_from(self, commit: str) -> tuple[str, ...]:
        """The references from which a commit is reached, branches first.

        Returns:
            full names, `refs/heads/main` say; `HEAD` stands for a detached one.

        Raises:
            ServiceError: history is damaged, so that it cannot be told.
        """
        if self._lost is None:
            self._lost = self._give_references()
        output = self.git.run(
            "for-each-ref", f"--contains={commit}", "--format=%(refname)"
        )
        names = output.decode("utf-8", "replace").split("\n")
        named = ["HEAD" if name == _DETACHED else name for name in names if name]
        if not named:
            self._see_that_history_is_whole()
        return tuple(sorted(named, key=_order))

    def _give_references(self) -> list[str]:
        """Write their references into the repository that git runs in.

        Returns:
            those that point to what is not there.
        """
        references = self.references()
        head = self.head()
        if head and self.branch() is None:
            references[_DETACHED] = head
        there = self.objects.kinds(references.values())
        lines = [
            f"{id} {name}\n" for name, id in sorted(references.items()) if id in there
        ]
        packed = "# pack-refs with: sorted \n" + "".join(lines)
        (self.git.directory / "packed-refs").write_text(
            packed, encoding="utf-8", errors="surrogateescape"
        )
        return [name for name, id in references.items() if id not in there]

    def _see_that_history_is_whole(self) -> None:
        """See that nothing is missing from which a commit may be reached after all."""
        if self._lost:
            raise ServiceError(
                f"{self}: {self._lost[0]} points to an object that is not there, so"
                " what it held on to cannot be told"
            )
        if not self._is_whole:
            try:
                self.git.run("rev-list", "--all", "--count")
            except ServiceError as error:
                raise ServiceError(f"{self}: history is damaged: {error}") from error
            self._is_whole = True

    def with_prefix(self, prefix: str) -> Sequence[str]:
        """The commits whose ids begin with at least four hexadecimal digits."""
        output = self.git.run("rev-parse", f"--disambiguate={prefix}", fails=True)
        ids = output.decode("ascii", "replace").split()
        kinds = self.objects.kinds(ids)
        return [id for id in ids if kinds.get(id) == "commit"]


_DETACHED = "refs/worktree/reverify/head"


def _order(name: str) -> tuple[int, str]:
    places = ("refs/heads/", "refs/remotes/", "refs/tags/", "HEAD")
    place = (n for n, start in enumerate(places) if name.startswith(start))
    return next(place, len(places)), name


def _settings_in(file: Path, *, includes: bool = False) -> dict[str, str]:
    """What a config file says; what it includes is not read unless asked for."""
    if not read_small(file).strip():
        return {}
    with Git() as git:
        include = "--includes" if includes else "--no-includes"
        output = git.run("config", f"--file={file}", include, "-z", "--list")
    pairs = (
        item.partition("\n") for item in output.decode(errors="replace").split("\0")
    )
    found: dict[str, str] = {}
    for name, _, value in pairs:
        if name and not (name.endswith(".url") and name in found):
            found[name] = (
                value  # of several the last counts, but of addresses the first
            )
    return found


def open_repository(path: Path) -> Repository:
    """Open the repository at a path: a work tree or a folder in one, or a bare one.

    Args:
        path: what the user named; a repository there is read whoever owns it.

    Raises:
        UsageError: there is no repository.
        ServiceError: it cannot be read.
    """
    if not path.is_dir():
        raise UsageError(f"{path}: no such folder; name a git repository")
    if _is_directory(path):
        return Repository(path.absolute(), None)
    found = find_repository(path)
    if found is None:
        raise UsageError(f"{path}: is no git repository, and lies in none")
    return found


def find_repository(folder: Path) -> Repository | None:
    """Open the repository in whose work tree a folder lies; None if it lies in none.

    Raises:
        UsageError: a folder above belongs to another user.
        ServiceError: it cannot be read.
    """
    folder = folder.resolve()
    for root in (folder, *folder.parents):
        if _directory_of(root) is None:
            continue
        owner = (root / ".git").lstat().st_uid
        if root != folder and owner != os.geteuid():
            raise UsageError(
                f"{root}: this repository belongs to another user (uid {owner}); if you"
                " trust it, work from that folder itself"
            )
        return repository_at(root)
    return None


def repository_at(root: Path) -> Repository | None:
    """Open the repository whose work tree has this very root, or None."""
    directory = _directory_of(root)
    return Repository(directory, root) if directory else None


def _directory_of(root: Path) -> Path | None:
    marker = root / ".git"
    if marker.is_dir():
        return marker if _is_directory(marker) else None
    if not marker.is_file():
        return None
    text = read_small(marker).decode("utf-8", "surrogateescape")
    if not text.startswith("gitdir:"):
        return None
    found = root / text.removeprefix("gitdir:").strip()
    if not (found / "HEAD").is_file():
        raise ServiceError(f"{marker}: points to {found}, where there is no repository")
    return found


def _is_directory(folder: Path) -> bool:
    """Whether a folder is what `.git` should be."""
    return (folder / "HEAD").is_file() and (
        (folder / "commondir").is_file()
        or ((folder / "objects").is_dir() and (folder / "refs").is_dir())
    )
