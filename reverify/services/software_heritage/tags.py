"""Annotated tags of a snapshot, followed to the commits that they are of."""

from typing import TYPE_CHECKING, NamedTuple

from reverify.services.software_heritage.answers import Served
from reverify.services.software_heritage.asking import Allowance

if TYPE_CHECKING:
    from reverify.services.software_heritage.client import Archive
    from reverify.services.software_heritage.objects import Branch, Snapshot

MOST_TAGS = 20
"""How many tags are looked up; each costs a request, and is kept for ever."""
_HOPS = 5
_TAGS = "refs/tags/"


class Followed(NamedTuple):
    """What came of following tags.

    Attributes:
        name: of a tag that leads to the commit, or "".
        is_all: whether all tags were followed, or enough of them.
    """

    name: str
    is_all: bool


def follow_tags(
    archive: "Archive", snapshot: "Snapshot", commit: str, allowance: Allowance
) -> Followed:
    """Look for an annotated tag that leads to a commit, the last ones by name first."""
    tags = [
        (name, branch)
        for name, branch in sorted(snapshot.branches.items(), reverse=True)
        if branch and branch.type == "release" and name.startswith(_TAGS)
    ]
    is_all = len(tags) <= MOST_TAGS
    for name, branch in tags[:MOST_TAGS]:
        target = _target_of(archive, branch, allowance)
        if target == commit:
            return Followed(name, is_all=True)
        is_all = is_all and target is not None
    return Followed("", is_all)


def _target_of(archive: "Archive", tag: "Branch", allowance: Allowance) -> str | None:
    """The commit that a tag leads to; "" if it is none, None if that is not told."""
    id = tag.target
    for _ in range(_HOPS):
        answer = archive.release(id, allowance=allowance)
        if not isinstance(answer, Served):
            return None
        if answer.value.target_type != "release":
            is_commit = answer.value.target_type == "revision"
            return answer.value.target if is_commit else ""
        id = answer.value.target
    return ""
