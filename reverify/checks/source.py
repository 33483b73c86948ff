"""Source: is the code the one that is named?

What the crate says twice is compared without any repository. All else is compared with
objects of git that were read and hashed by us, wherever they were found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from reverify.checks.code_files import about_file, own_blob
from reverify.checks.code_folders import about_folder
from reverify.checks.code_places import Bench, Held, Lost
from reverify.checks.interface import Tools, finding
from reverify.crates.code_files import agreements
from reverify.crates.crate import Crate
from reverify.errors import ServiceError
from reverify.model.claim import Claim, Topic
from reverify.model.code import Aspect, Said
from reverify.model.finding import Evidence, Finding
from reverify.model.origins import normalised, without_user
from reverify.model.outcome import Outcome, Severity
from reverify.model.swhid import swhid_of_git
from reverify.services.git.answers import Reach
from reverify.services.git.objects import FOLDER
from reverify.services.git.revision import Revision

_SHOWN = 300
_MOST_FOLDERS = 2000
_UNTESTED = "testing that takes a clone of its repository, or the network"


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Test what a crate says of its code."""
    if not claims:
        return
    with Bench(crate, tools) as bench:
        for claim in claims:
            try:
                found = _TESTS[claim.topic](claim, bench)
            except ServiceError as error:
                reason = f"{claim.subject}: {claim.expected} could not be told: {error}"
                found = finding(claim, "source/unclear", reason)
            seen = found.observed and without_user(found.observed)
            yield found._replace(reason=without_user(found.reason), observed=seen)
        yield from bench.remarks()


# -- objects ---------------------------------------------------------------------------


def _commit(claim: Claim, bench: Bench) -> Finding:
    commit = claim.expected.partition(":")[2]
    held = bench.revision(claim.expected, bench.origins_of(claim))
    if held is None:
        reason = f"{claim.subject}: names commit {commit}; {_UNTESTED}"
        return finding(claim, "source/not-tested", reason)
    if isinstance(held, Lost):
        return held.as_finding(claim)
    tree = held.revision.tree
    reason = (
        f"{claim.subject}: commit {commit} is in {held.source}, with the tree {tree}"
    )
    return finding(
        claim,
        "source/commit-found",
        reason,
        observed=claim.expected,
        evidence=held.evidence,
    )


def _tree(claim: Claim, bench: Bench) -> Finding:
    """Whether an included folder, the repository, or both agree with a tree's id."""
    said = bench.statement(claim, [Aspect.TREE])
    own = about_folder(claim, bench, said)
    if own is not None and own.outcome is not Outcome.CONFIRMED:
        return own
    found = _tree_of(claim, bench, said)
    if own is None or found.outcome is Outcome.REFUTED:
        return found
    if found.outcome is not Outcome.CONFIRMED:
        return own
    reason = f"{own.reason}; {found.reason.removeprefix(f'{claim.subject}: ')}"
    return own._replace(reason=reason, evidence=(*own.evidence, *found.evidence))


def _tree_of(claim: Claim, bench: Bench, said: Said | None) -> Finding:
    base = bench.base_of(claim, said)
    tree = claim.expected.partition(":")[2]
    is_whole = said is None or not said.path
    if base is None or (is_whole and base.startswith(f"{Aspect.TREE}:")):
        return _tree_alone(claim, bench)
    held = bench.revision(base, bench.origins_of(claim))
    what = base.replace(":", " ")
    if held is None:
        reason = f"{claim.subject}: says that the tree of {what} is {tree}; {_UNTESTED}"
        return finding(claim, "source/not-tested", reason)
    if isinstance(held, Lost):
        return held.as_finding(claim, f"whether {tree} is the tree of")
    revision, path = held.revision, said.path if said else ""
    seen, where = _folder_at(revision, path)
    what = f"the tree of {what}" if not path else f"the folder {path!r} in {what}"
    if seen == tree:
        reason = f"{claim.subject}: {what} is {tree}, found in {held.source}"
        rule = "source/tree-match"
    else:
        advice = _what_it_is(revision, tree)
        reason = f"{claim.subject}: {what} is {where}, not {tree} as is said{advice}"
        rule = "source/tree-mismatch"
    return finding(
        claim,
        rule,
        reason,
        observed=f"tree:{seen}" if seen else "absent",
        evidence=held.seen(f"trees of {revision.named.id}, each hashed", where),
    )


def _tree_alone(claim: Claim, bench: Bench) -> Finding:
    """Whether a tree exists of which nothing is said but its id."""
    tree = claim.expected.partition(":")[2]
    held = bench.revision(claim.expected, bench.origins_of(claim))
    if held is None:
        reason = f"{claim.subject}: names the tree {tree}; {_UNTESTED}"
        return finding(claim, "source/not-tested", reason)
    if isinstance(held, Lost):
        if held.instead:
            return _other_kind(claim, held, "source/tree-mismatch", "no tree")
        return held.as_finding(claim)
    reason = f"{claim.subject}: the tree {tree} is in {held.source}"
    reason += "; no commit is named that it is of"
    return _seen(claim, "source/tree-found", reason, claim.expected, held)


def _other_kind(claim: Claim, lost: Lost, rule: str, said: str) -> Finding:
    """That an id is there, and is that of another kind of object."""
    swhid = swhid_of_git(lost.instead, lost.id)
    meant = f"; its SWHID is {swhid}" if swhid else ""
    reason = f"{claim.subject}: {lost.id} is a {lost.instead}, {said}{meant}"
    observed = f"{lost.instead}:{lost.id}"
    return finding(claim, rule, reason, observed=observed, evidence=lost.evidence)


def _folder_at(revision: Revision, path: str) -> tuple[str, str]:
    """The id of the tree at a path, and what to call what is there."""
    if not path:
        return revision.tree, revision.tree
    entry = revision.at(path)
    if entry is None:
        return "", "not there"
    return (entry.id, entry.id) if entry.mode == FOLDER else ("", "no folder")


def _what_it_is(revision: Revision, id: str) -> str:
    """What an id that is no tree of the commit is instead, if that is known."""
    if id == revision.commit:
        return f"; {id} is the id of the commit itself, which is a rev and no dir"
    folders: set[str] = set()
    for name in revision.entries:
        path = name.rpartition("/")[0]
        while path and path not in folders and len(folders) < _MOST_FOLDERS:
            folders.add(path)
            entry = revision.at(path)
            if entry is not None and entry.id == id:
                return f"; {id} is its folder {path!r}: say so with anchor and path"
            path = path.rpartition("/")[0]
    kind = revision.objects.kind(id)
    return f"; there, {id} is a {kind}" if kind and kind != "tree" else ""


def _tag(claim: Claim, bench: Bench) -> Finding:
    """Whether an annotated tag exists, and leads to the commit that is named too."""
    tag = claim.expected.partition(":")[2]
    held = bench.revision(claim.expected, bench.origins_of(claim))
    if held is None:
        reason = f"{claim.subject}: names the tag {tag}; {_UNTESTED}"
        return finding(claim, "source/not-tested", reason)
    if isinstance(held, Lost):
        if held.instead:
            what = "no annotated tag"
            return _other_kind(claim, held, "source/tag-mismatch", what)
        return held.as_finding(claim)
    revision = held.revision
    target = f"commit:{revision.commit}" if revision.commit else f"tree:{revision.tree}"
    base = bench.base_of(claim, bench.statement(claim, [Aspect.TAG]))
    what = f"{claim.subject}: the tag {tag} points to the {target.replace(':', ' ')}"
    if base is None or not base.startswith(f"{Aspect.COMMIT}:"):
        reason = f"{what}, in {held.source}"
        return _seen(claim, "source/tag-found", reason, target, held)
    if target == base:
        reason = f"{what}, in {held.source}"
        return _seen(claim, "source/tag-match", reason, target, held)
    reason = f"{what}; said is a tag of the {base.replace(':', ' ')}"
    return _seen(claim, "source/tag-mismatch", reason, target, held)


def _seen(claim: Claim, rule: str, reason: str, observed: str, held: Held) -> Finding:
    evidence = held.evidence
    return finding(claim, rule, reason, observed=observed, evidence=evidence)


def _reached(claim: Claim, bench: Bench) -> Finding:
    """Whether a branch or tag of the origin that is named holds on to the commit."""
    commit = claim.expected.rpartition(":")[2]
    origin = bench.origins_of(claim)[0]
    found = bench.reachability(commit, origin, bench.branch_of(claim, origin))
    if found is None:
        reason = (
            f"{claim.subject}: whether a branch or tag of {origin} reaches {commit}"
            " was not asked"
        )
        return finding(claim, "source/not-tested", reason)
    observed = ",".join(found.references[:10]) or found.reach.value
    if found.reach is Reach.UNKNOWN:
        about = claim._replace(severity=Severity.NOTE)
        reason = (
            f"{claim.subject}: whether a branch or tag of {origin} reaches {commit}"
            f" could not be told: {found.reason}"
        )
        rule = "source/reach-unclear"
        return finding(about, rule, reason, evidence=found.evidence)
    is_reached = found.reach is Reach.REFERENCE
    rule = "source/reached" if is_reached else "source/not-reached"
    reason, evidence = f"{claim.subject}: {found.reason}", found.evidence
    if found.reach in {Reach.GONE, Reach.NO_REPOSITORY}:
        said, observed, seen = _elsewhere(claim, bench, found.reach)
        reason, evidence = reason + said, (*evidence, *seen)
    return finding(claim, rule, reason, observed=observed, evidence=evidence)


def _elsewhere(
    claim: Claim, bench: Bench, reach: Reach
) -> tuple[str, str, tuple[Evidence, ...]]:
    """Whether a commit that its origin lost is kept anywhere: archived, or gone."""
    commit = claim.expected.rpartition(":")[2]
    held = bench.revision(f"commit:{commit}", bench.origins_of(claim))
    if isinstance(held, Held) and held.is_archived:
        return "; the archive gave it back", f"{reach}, archived", held.evidence
    if isinstance(held, Held):
        return f"; it is in {held.source}", f"{reach}, found elsewhere", held.evidence
    if isinstance(held, Lost) and held.settled:
        return "; no place that was asked has it", f"{reach}, lost", ()
    return "; whether another place has it could not be told", str(reach), ()


# -- what is said twice ----------------------------------------------------------------


def _agreement(claim: Claim, bench: Bench) -> Finding:
    speaker = bench.speakers[claim.subject, claim.stated_in.file]
    topic = Topic(claim.topic)
    stated = agreements(speaker)[topic]
    if topic is Topic.ORIGINS:
        return _origins(claim, stated)
    values = {said.value for said in stated}
    listed = _listed(stated, lambda said: said.value)
    what = "commit" if topic is Topic.COMMITS else "tree"
    if len(values) == 1:
        reason = f"{claim.subject}: {_keys(stated)} name the same {what}"
        return _agreed(claim, reason)
    reason = f"{claim.subject}: names two {what}s for one thing: {listed}"
    other = next(said for said in stated if said.value != stated[0].value)
    return finding(claim, "source/contradiction", reason, observed=other.text)


def _agreed(claim: Claim, reason: str) -> Finding:
    """That two statements agree is no evidence yet that they are true."""
    about = claim._replace(severity=Severity.NOTE)
    return finding(about, "source/agreement", reason, observed=claim.expected)


def _origins(claim: Claim, stated: list[Said]) -> Finding:
    """Each origin that is named must be one of the repositories, where these are."""
    known = [said for said in stated if said.aspect is Aspect.ORIGIN] or stated[:1]
    names = {normalised(said.origin) for said in known}
    other = next(
        (said for said in stated if normalised(said.origin) not in names), None
    )
    if other is None:
        reason = f"{claim.subject}: {_keys(stated)} name the same repository"
        return _agreed(claim, reason)
    listed = _listed(stated, lambda said: said.origin)
    reason = f"{claim.subject}: names two repositories for one thing: {listed}"
    observed = f"origin:{other.origin}"
    return finding(claim, "source/contradiction", reason, observed=observed)


def _listed(stated: list[Said], value: Callable[[Said], str]) -> str:
    by_value: dict[str, list[str]] = {}
    for said in stated:
        by_value.setdefault(value(said), []).append(said.key)
    return "; ".join(
        f"{text[:_SHOWN]} ({', '.join(dict.fromkeys(keys))})"
        for text, keys in list(by_value.items())[:5]
    )


def _keys(stated: list[Said]) -> str:
    return " and ".join(dict.fromkeys(said.key for said in stated))


# -- how it is written -----------------------------------------------------------------


def _remark(claim: Claim, bench: Bench) -> Finding:
    topic = Topic(claim.topic)
    if topic is Topic.READING:
        speaker = bench.speakers[claim.subject, claim.stated_in.file]
        reason = f"{claim.subject}: what it says of code was not read: {speaker.unread}"
        return finding(claim, "source/unread", reason)
    aspect, rule = _REMARKS[topic]
    said = bench.statement(claim, [aspect])
    why = said.reason if said else ""
    if said and aspect is Aspect.HINT:
        where = f"{said.key} " if not said.origin else ""
        reason = f"{claim.subject}: {where}{why}, so no exact content is named"
    else:
        key = said.key if said else ""
        text = claim.expected[:_SHOWN]
        reason = f"{claim.subject}: {key} {text!r}: {why}"
    return finding(claim, rule, reason)


_REMARKS: Mapping[Topic, tuple[Aspect, str]] = {
    Topic.PIN: (Aspect.HINT, "source/not-pinned"),
    Topic.FORM: (Aspect.MALFORMED, "source/malformed"),
    Topic.SPELLING: (Aspect.ODD, "source/odd-spelling"),
}
_TESTS: Mapping[str, Callable[[Claim, Bench], Finding]] = {
    Topic.COMMIT: _commit,
    Topic.TREE: _tree,
    Topic.TAG: _tag,
    Topic.BLOB: own_blob,
    Topic.SOURCE_FILE: about_file,
    Topic.REACHED: _reached,
    Topic.COMMITS: _agreement,
    Topic.TREES: _agreement,
    Topic.ORIGINS: _agreement,
    Topic.PIN: _remark,
    Topic.FORM: _remark,
    Topic.SPELLING: _remark,
    Topic.READING: _remark,
}
