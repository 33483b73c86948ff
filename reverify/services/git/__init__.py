"""The one door to git: objects are read and re-hashed, nothing is ever checked out.

A repository's own settings are never in force. Git runs in an empty repository of
ours that borrows the other's objects, so that no hook, filter, driver, alias or
include of theirs can act. References, which are plain files, are read by us.
"""

from reverify.services.git.command import Git
from reverify.services.git.objects import Commit, Objects, TreeEntry
from reverify.services.git.repository import (
    Repository,
    find_repository,
    open_repository,
)
from reverify.services.git.worktree import Change, changes, ignored

__all__ = [
    "Change",
    "Commit",
    "Git",
    "Objects",
    "Repository",
    "TreeEntry",
    "changes",
    "find_repository",
    "ignored",
    "open_repository",
]
