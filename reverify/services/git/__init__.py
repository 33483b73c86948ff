"""The one door to git: objects are read and re-hashed, nothing is ever checked out.

A repository's own settings are never in force. Git runs in an empty repository of
ours that borrows the other's objects, so that no hook, filter, driver, alias or
include of theirs can act. References, which are plain files, are read by us. What is
fetched goes into repositories of ours, from one host at a time.
"""

from reverify.services.git.answers import (
    CouldNotTell,
    Found,
    Loss,
    NotFound,
    Place,
    PlaceError,
    Reach,
    Reachability,
    Reason,
    Why,
)
from reverify.services.git.cache import Cache
from reverify.services.git.command import Bounds, Git
from reverify.services.git.credentials import Credentials
from reverify.services.git.objects import Commit, Objects, TreeEntry
from reverify.services.git.origins import Mirror, Origin, read_mirrors, read_origin
from reverify.services.git.places import CodeSources, Recovered, Vault
from reverify.services.git.remote import CodeLimits
from reverify.services.git.repository import (
    Repository,
    find_repository,
    open_repository,
)
from reverify.services.git.revision import Comparison, Likeness, Pointer, Revision
from reverify.services.git.worktree import Change, changes, ignored

__all__ = [
    "Bounds",
    "Cache",
    "Change",
    "CodeLimits",
    "CodeSources",
    "Commit",
    "Comparison",
    "CouldNotTell",
    "Credentials",
    "Found",
    "Git",
    "Likeness",
    "Loss",
    "Mirror",
    "NotFound",
    "Objects",
    "Origin",
    "Place",
    "PlaceError",
    "Pointer",
    "Reach",
    "Reachability",
    "Reason",
    "Recovered",
    "Repository",
    "Revision",
    "TreeEntry",
    "Vault",
    "Why",
    "changes",
    "find_repository",
    "ignored",
    "open_repository",
    "read_mirrors",
    "read_origin",
]
