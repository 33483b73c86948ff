"""Which commit the code of an analysis is, and what of it is in no commit."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from reverify.capsules.capture.languages import is_code
from reverify.errors import CapsuleError
from reverify.services.git import Repository, changes, ignored
from reverify.services.git.objects import SUBMODULE

_SHOWN = 10


class Pin(NamedTuple):
    """Where the code of a run comes from.

    Attributes:
        record: what the manifest says of it.
        loose: what is in no commit, one `path: what` each.
    """

    record: dict[str, Any]
    loose: tuple[str, ...]

    def require(self) -> None:
        """See that a commit pins all of the code.

        Raises:
            CapsuleError: something is in no commit.
        """
        if not self.loose:
            return
        shown = list(self.loose[:_SHOWN])
        if len(self.loose) > _SHOWN:
            shown.append(f"and {len(self.loose) - _SHOWN:,} more")
        raise CapsuleError(
            f"the work tree is not what its commit says: {'; '.join(shown)}; commit"
            " that first, or run it as it is with --allow-dirty"
        )


def pin(repository: Repository, code: Collection[str], others: Iterable[str]) -> Pin:
    """Say which commit the code is.

    Args:
        repository: where it runs.
        code: paths of files that are known to be code.
        others: paths of all files that may be.

    Returns:
        the commit, its tree and origin; and as loose: files of the commit that are
        changed or missing, code that was named and is in no commit, and other files of
        code that are neither in the commit nor ignored.

    Raises:
        ServiceError: the repository cannot be read.
    """
    record: dict[str, Any] = {}
    origin = repository.origin()
    if origin:
        record["repository"] = origin
    head = repository.head()
    if head is None:
        loose = ["there is no commit yet"]
        return Pin(record | {"dirty": True}, tuple(loose))
    loose = [f"{change.path}: {change.what}" for change in changes(repository)]
    known, modules = set(), []
    for entry in repository.files_of(head):
        if entry.mode == SUBMODULE:
            modules.append(f"{entry.name}/")
        known.add(entry.name)
    strange = {
        path
        for path in others
        if path not in known and is_code(path) and not path.startswith(tuple(modules))
    }
    strange -= ignored(repository, strange)
    strange |= {
        path
        for path in code
        if path not in known and not path.startswith(tuple(modules))
    }
    loose += [f"{path}: in no commit" for path in sorted(strange)]
    tree = repository.tree_of(head)
    record |= {"git_commit": head, "git_tree_hash": tree, "dirty": bool(loose)}
    return Pin(record, tuple(sorted(loose)))
