"""From an anchor to its root directory, and along a path to an object."""

import re
from dataclasses import dataclass

from reverify.checks.archive_says import Desk, Root, Trouble, evidence_of, trouble_of
from reverify.model.finding import Evidence
from reverify.services.software_heritage import Answer, NotHeld, Served
from reverify.services.software_heritage.objects import DirectoryEntry

_MOST_STEPS = 200
_UNCLEAR = re.compile(r"\\x[0-9a-f]{2}|\\")
_TYPES = {"file": "cnt", "dir": "dir", "rev": "rev"}
_SHORT = {"revision": "rev", "release": "rel", "directory": "dir", "content": "cnt"}
_HOPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where a path ends.

    Attributes:
        core: the core SWHID of what is there; `absent` if nothing is.
        evidence: what was asked on the way.
    """

    core: str
    evidence: tuple[Evidence, ...]


def directory_of(anchor: str, desk: Desk) -> Root:
    """The root directory of a revision, release, directory or snapshot.

    Raises:
        Trouble: the archive does not say.
    """
    evidence: tuple[Evidence, ...] = ()
    core = anchor
    for _ in range(_HOPS):
        type, id = core.split(":")[2:]
        if type == "dir":
            return Root(id=id, evidence=evidence)
        core, seen = _step(type, id, desk)
        evidence += (seen,)
    raise Trouble("archival/unclear", f"{anchor} leads to no directory", evidence)


def _step(type: str, id: str, desk: Desk) -> tuple[str, Evidence]:
    what = f"swh:1:{type}:{id}"
    archive, spend = desk.archive, desk.spend
    match type:
        case "rev":
            revision = archive.revision(id, allowance=spend)
            if not isinstance(revision, Served):
                raise _missing(what, revision, desk)
            core = f"swh:1:dir:{revision.value.directory}"
            return core, evidence_of(revision.asked, f"directory of {what}", core)
        case "rel":
            release = archive.release(id, allowance=spend)
            if not isinstance(release, Served):
                raise _missing(what, release, desk)
            short = _SHORT.get(release.value.target_type, "")
            core = f"swh:1:{short}:{release.value.target}"
            seen = evidence_of(release.asked, f"target of {what}", core)
        case "snp":
            snapshot = desk.snapshot(id)
            if not isinstance(snapshot, Served):
                raise _missing(what, snapshot, desk)
            head = snapshot.value.branch("HEAD")
            if head is None:
                raise Trouble("archival/unclear", f"{what} has no HEAD to start from")
            core = f"swh:1:{_SHORT.get(head.type, '')}:{head.target}"
            seen = evidence_of(snapshot.asked, f"HEAD of {what}", core)
        case _:
            raise Trouble("archival/unclear", f"{what} has no root directory")
    if not core.startswith(("swh:1:rev:", "swh:1:rel:", "swh:1:dir:")):
        raise Trouble("archival/unclear", f"{what} leads to {core}, no directory")
    return core, seen


def _missing(what: str, answer: Answer[object], desk: Desk) -> Trouble:
    """Why an object is not shown: it may never have been held."""
    if isinstance(answer, NotHeld) and not desk.is_held(what):
        seen = (evidence_of(answer.asked, "asked for it", "not found"),)
        said = f"the archive does not hold {what}, from which the path starts"
        return Trouble("archival/anchor-not-held", said, seen)
    return trouble_of(answer, what)


def follow(root: Root, path: str, desk: Desk) -> End:
    """Go along a path from a root directory, one listing at a time.

    Raises:
        Trouble: the archive does not say.
    """
    evidence = root.evidence
    core = f"swh:1:dir:{root.id}"
    parts = [part for part in path.split("/") if part]
    if len(parts) > _MOST_STEPS:
        raise Trouble("archival/unclear", f"the path {path[:100]!r} is too long")
    for part in parts:
        type, id = core.split(":")[2:]
        if type != "dir":
            return End(core="absent", evidence=evidence)
        answer = desk.archive.directory(id, allowance=desk.spend)
        if isinstance(answer, NotHeld):
            if id == root.id:
                raise _missing(core, answer, desk)
            said = f"the archive lists {core} on the way, and does not hold it"
            raise Trouble("archival/unclear", said, evidence)
        if not isinstance(answer, Served):
            raise trouble_of(answer, core)
        entry = next((e for e in answer.value.entries if e.name == part), None)
        own = answer.value.recomputed() == id
        method = f"entries of {core}" + (", hashed to its id" if own else "")
        core = _core_of(entry)
        evidence += (evidence_of(answer.asked, method, f"{part}: {core}"),)
        if entry is None:
            unclear = any(_UNCLEAR.search(each.name) for each in answer.value.entries)
            if unclear:
                said = (
                    f"whether {part!r} is in {method} does not show: names are escaped"
                )
                raise Trouble("archival/unclear", said, evidence)
            return End(core="absent", evidence=evidence)
    return End(core=core, evidence=evidence)


def _core_of(entry: DirectoryEntry | None) -> str:
    if entry is None:
        return "absent"
    return f"swh:1:{_TYPES.get(entry.type, 'cnt')}:{entry.target}"
