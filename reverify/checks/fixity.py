"""Fixity: do the bytes have the digest and the size that are stated?"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from reverify.checks import ocfl
from reverify.checks.completeness import lfs_pointer
from reverify.checks.interface import Tools, faults_of, finding
from reverify.crates.crate import Crate
from reverify.crates.digests import (
    HEX_LENGTH,
    Fingerprint,
    Malformed,
    length_fits,
    read_digest,
    truncated,
)
from reverify.crates.payload import Entry, EntryKind
from reverify.model.claim import Claim, Topic
from reverify.model.finding import Evidence, Finding
from reverify.model.outcome import ClaimKind, Outcome

_IN_NAME = Topic.DIGEST_IN_NAME
_HOLDS = {name: f"the file has the {name} that is stated" for name in HEX_LENGTH}


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Read every file once, and hold all that is stated of it against that."""
    named = [claim for claim in claims if claim.topic == _IN_NAME]
    covered = _read(claims, crate, tools, all_files=bool(named))
    at = tools.services.clock.now()
    holders = _holders(named, crate)
    yield from faults_of(ClaimKind.FIXITY, crate)
    for topic, group in groupby(claims, attrgetter("topic")):
        if topic == Topic.DIGEST:
            yield from _digests(group, crate, at)
        elif topic == Topic.SIZE:
            yield from (_size(claim, crate, at) for claim in group)
        elif topic == Topic.OCFL_DIGEST:
            yield from ocfl.digests_of_object(group, crate, at)
        elif topic == Topic.DIGEST_IN_NAME:
            yield from (_named(claim, crate, at, holders) for claim in group)
        elif topic == Topic.DIGEST_FOREIGN:
            yield from map(_foreign, group)
        elif topic == Topic.COVERAGE:
            names = (claim.expected for claim in named)
            covered |= {holders.get(name.partition(":")[2], "") for name in names}
            yield from (_coverage(claim, crate, covered) for claim in group)


def _read(
    claims: Sequence[Claim], crate: Crate, tools: Tools, *, all_files: bool
) -> set[str]:
    """Digest every file that something is stated of, and say which bytes these are.

    Args:
        claims: what is stated.
        crate: what has the files.
        tools: who is told how far it is.
        all_files: whether the sha256 of all files is wanted in any case.

    Returns:
        the paths of the files that have a stated digest, well-formed.
    """
    if crate.is_document:
        crate.identity = crate.payload.identity({})
        return set()
    entries = crate.payload.entries
    wanted: dict[str, frozenset[str]] = {}
    nothing: frozenset[str] = frozenset()
    file = EntryKind.FILE
    for claim in claims:
        path = claim.path or ""
        entry = entries.get(path)
        if entry is None or entry.kind is not file:
            continue
        name, _, digest = claim.expected.partition(":")
        if len(digest) == HEX_LENGTH.get(name):
            wanted[path] = _and(wanted.get(path, nothing), name)
    covered = set(wanted)
    if all_files or crate.payload.needs_every_digest:
        for path in crate.payload.files:
            names = wanted.get(path, nothing)
            if "sha256" not in names:
                wanted[path] = _and(names, "sha256")
    size = sum(entries[path].size for path in wanted)
    tools.progress.start("reading", len(wanted), size)
    with ThreadPoolExecutor(1) as pool:
        # An archive is digested as a whole while its members are.
        whole = (
            None
            if crate.payload.needs_every_digest
            else pool.submit(crate.payload.identity, {})
        )
        for read, found in _reading(claims, crate, wanted):
            if read is not None:
                crate.fingerprints[read] = found
            tools.progress.advance(found.size)
        crate.identity = (
            whole.result() if whole else crate.payload.identity(crate.fingerprints)
        )
    return covered


def _reading(
    claims: Sequence[Claim], crate: Crate, wanted: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str | None, Fingerprint]]:
    """Digest files; of an OCFL object also what is no file of the crate."""
    if crate.ocfl is None:
        yield from crate.payload.fingerprints(wanted)
    else:
        yield from ocfl.read_object(crate.ocfl, wanted, claims)


@functools.lru_cache
def _and(names: frozenset[str], name: str) -> frozenset[str]:
    """Some algorithms and one more; files that ask for the same share the set."""
    return names | {name}


def _without_bytes(  # noqa: PLR0911 - one for each reason
    claim: Claim, crate: Crate
) -> Finding | Entry:
    """The entry of the file spoken of, or why there is nothing to test."""
    if claim.fault is not None:
        reason = f"{claim.subject}: the name may not be used as a path"
        return finding(claim, "fixity/file-absent", reason)
    if claim.path is None:
        reason = f"{claim.subject}: is not a file of this crate"
        return finding(claim, "fixity/remote", reason)
    if crate.is_document:
        reason = f"{claim.subject}: only the metadata document was given"
        return finding(claim, "fixity/document-only", reason)
    entry = crate.payload.entries.get(claim.path)
    if entry is None or entry.kind in {EntryKind.LINK, EntryKind.SPECIAL}:
        what = f"is a {entry.kind.value}" if entry else "is not there"
        reason = f"{claim.subject}: {what}, so this could not be told"
        return finding(claim, "fixity/file-absent", reason)
    if entry.kind is EntryKind.FOLDER:
        reason = f"{claim.subject}: is a folder"
        return finding(claim, "fixity/digest-of-folder", reason)
    if entry.kind is EntryKind.BROKEN:
        reason = f"{claim.path}: {entry.target}"
        return finding(claim, "fixity/file-unread", reason)
    return entry


def _foreign(claim: Claim) -> Finding:
    name = claim.expected.partition(":")[0]
    reason = f"{claim.subject}: {name} is not an algorithm we have"
    return finding(claim, "fixity/algorithm-unknown", reason)


def _digests(claims: Iterable[Claim], crate: Crate, at: datetime) -> Iterator[Finding]:
    """Hold stated digests against those found; most hold, and that way is short."""
    fingerprints = crate.fingerprints
    confirmed, rule = Outcome.CONFIRMED, "fixity/digest-match"
    for claim in claims:
        expected, path = claim.expected, claim.path or ""
        name, _, stated = expected.partition(":")
        read = fingerprints.get(path)
        if read is None or read.digests.get(name) != stated:
            yield _no_match(claim, crate, at)
            continue
        evidence = (Evidence(_method(name, read.size), expected, at, path),)
        reason = _HOLDS[name]
        yield Finding(claim, confirmed, rule, reason, expected, "", "", evidence)


@functools.lru_cache
def _method(name: str, size: int) -> str:
    """How a digest was observed; many files of a size share the words."""
    return f"{name} of {size} bytes"


def _no_match(claim: Claim, crate: Crate, at: datetime) -> Finding:
    """Say why a stated digest is not that of the file."""
    name, _, stated = claim.expected.partition(":")
    digest = read_digest(name, stated)
    if isinstance(digest, Malformed):
        reason = (
            f"{claim.subject}: {stated[:200]!r} is no {name} digest: {digest.reason}"
        )
        found = _by_another_name(claim, crate, stated)
        return finding(claim, "fixity/digest-malformed", reason + found)
    entry = _without_bytes(claim, crate)
    if isinstance(entry, Finding):
        return entry
    path = claim.path or ""
    read = crate.fingerprints.get(path, Fingerprint(0, {}, f"{path}: was not read"))
    observed = read.digests.get(name)
    if observed is None:
        return finding(claim, "fixity/file-unread", read.problem)
    found_text = f"{name}:{observed}"
    evidence = (Evidence(_method(name, read.size), found_text, at, path),)
    pointer = lfs_pointer(crate, path, entry)
    rule = "fixity/digest-mismatch"
    reason = f"{claim.subject}: {name} is {observed}, stated is {digest}"
    if pointer and name == "sha256" and pointer[0] == digest:
        rule = "fixity/lfs-pointer"
        reason = f"{claim.subject}: is a Git LFS pointer to the file with this digest"
    return finding(claim, rule, reason, observed=found_text, evidence=evidence)


def _by_another_name(claim: Claim, crate: Crate, stated: str) -> str:
    """Whether a malformed digest is a right one of another algorithm."""
    other = length_fits(len(stated))
    if other is None or isinstance(read_digest(other, stated), Malformed):
        return ""
    entry = _without_bytes(claim, crate)
    if isinstance(entry, Finding) or claim.path is None:
        return ""
    found = crate.payload.fingerprint(claim.path, [other]).digests.get(other)
    if found is None:
        return ""
    holds = "it is" if found == stated.lower() else "it is not"
    return f"; {holds} the {other} of the file"


def _named(
    claim: Claim, crate: Crate, at: datetime, holders: Mapping[str, str]
) -> Finding:
    """A digest that is a name: is there a file in the crate that has it?"""
    name, _, digest = claim.expected.partition(":")
    bits = truncated(name)
    length = bits // 4 if bits else HEX_LENGTH.get(name, 0)
    if not length or (bits is None and name != "sha256"):
        reason = f"{claim.subject}: names of {name} are not looked for"
        return finding(claim, "fixity/remote", reason)
    digest, _, odd_digit = digest.partition(";")
    if odd_digit:
        reason = (
            f"{claim.subject}: its check digit is {odd_digit}, and does not fit the"
            " digest, so that one of the digits is wrong"
        )
        return finding(claim, "fixity/digest-malformed", reason)
    if len(digest) != length or not all(char in "0123456789abcdef" for char in digest):
        reason = f"{claim.subject}: {digest!r} is no {name} digest"
        return finding(claim, "fixity/digest-malformed", reason)
    path = holders.get(digest)
    if path is not None:
        found = crate.fingerprints[path]
        text = f"sha256:{found.digests['sha256']}"
        return finding(
            claim,
            "fixity/digest-match",
            f"{claim.subject}: {path} has this digest",
            observed=text,
            evidence=(Evidence(f"sha256 of {found.size} bytes", text, at, path),),
        )
    reason = f"{claim.subject}: no file of the crate has this digest"
    return finding(claim, "fixity/remote", reason)


def _size(claim: Claim, crate: Crate, at: datetime) -> Finding:
    stated = claim.expected.partition(":")[2]
    if not (stated.isascii() and stated.isdigit()):
        reason = f"{claim.subject}: {stated[:200]!r} is no number of bytes"
        return finding(claim, "fixity/size-malformed", reason)
    entry = _without_bytes(claim, crate)
    if isinstance(entry, Finding):
        return entry
    path = claim.path or ""
    observed = f"size:{entry.size}"
    evidence = (Evidence("size in the listing", observed, at, path),)
    if entry.size == int(stated):
        reason = f"{claim.subject}: has the {int(stated):,} bytes that are stated"
        rule = "fixity/size-match"
    elif (pointer := lfs_pointer(crate, path, entry)) and pointer[1] == int(stated):
        reason = f"{claim.subject}: is a Git LFS pointer to a file of this size"
        rule = "fixity/lfs-pointer"
    else:
        reason = (
            f"{claim.subject}: has {entry.size:,} bytes, {int(stated):,} are stated"
        )
        rule = "fixity/size-mismatch"
    return finding(claim, rule, reason, observed=observed, evidence=evidence)


def _coverage(claim: Claim, crate: Crate, covered: set[str]) -> Finding:
    """How many local files have a digest that could tell if they changed."""
    entries = crate.payload.entries
    files = crate.content
    if not files:
        reason = "there is no file that could have a digest"
        known = finding(claim, "fixity/covered", reason)
        return known._replace(outcome=Outcome.NOT_APPLICABLE)
    bare = [path for path in files if path not in covered]
    size = sum(entries[path].size for path in files)
    bare_size = sum(entries[path].size for path in bare)
    observed = f"{len(files) - len(bare)} of {len(files)} files"
    if not bare:
        reason = f"all {len(files):,} files ({size:,} bytes) are covered by a digest"
        return finding(claim, "fixity/covered", reason, observed=observed)
    reason = (
        f"{len(bare):,} of {len(files):,} files have none"
        f" ({bare_size:,} of {size:,} bytes are not covered by a digest)"
    )
    return finding(claim, "fixity/uncovered", reason, observed=observed)


def _holders(named: Sequence[Claim], crate: Crate) -> dict[str, str]:
    """Which file has which sha256, by as many of its digits as some name has."""
    lengths = {
        len(claim.expected.partition(":")[2].partition(";")[0]) for claim in named
    } & {8, 16, 24, 30, 32, 64}  # those of RFC 6920, and a whole one
    holders: dict[str, str] = {}
    for path, found in crate.fingerprints.items() if lengths else ():
        if digest := found.digests.get("sha256"):
            for length in lengths:
                holders.setdefault(digest[:length], path)
    return holders
