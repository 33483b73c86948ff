"""Completeness: is everything there that the crate lists?"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter

from reverify.checks import ocfl
from reverify.checks.entries import absent, odd
from reverify.checks.interface import Tools, faults_of, finding
from reverify.crates.bag import Bag
from reverify.crates.crate import Crate
from reverify.crates.payload import Entry, EntryKind
from reverify.errors import CrateError, LimitError, ServiceError
from reverify.model.claim import Claim, Place, Topic
from reverify.model.finding import Evidence, Finding
from reverify.model.outcome import ClaimKind, Severity
from reverify.model.rules import RULES
from reverify.services.http import Http

POINTER_BYTES = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,19})\n?"
)
HEADS_AT_ONCE = 8
UNLISTED_SHOWN = 1000


def lfs_pointer(crate: Crate, path: str, entry: Entry) -> tuple[str, int] | None:
    """Read a file as a Git LFS pointer.

    Returns:
        the sha256 and the size in bytes of what it points to; None if it is no pointer.
    """
    if not 100 < entry.size <= POINTER_BYTES:  # noqa: PLR2004 - shorter ones cannot be
        return None
    try:
        match = _POINTER.fullmatch(crate.payload.read(path, POINTER_BYTES))
    except CrateError:
        return None
    return (match[1].decode(), int(match[2])) if match else None


def check(claims: Sequence[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Look for every file and folder that the crate or its bags list."""
    evidence = (
        Evidence("listing", "present", tools.services.clock.now(), crate.location),
    )
    yield from faults_of(ClaimKind.COMPLETENESS, crate)
    listed = {claim.path for claim in claims if claim.path}
    web: list[Claim] = []
    for topic, group in groupby(claims, attrgetter("topic")):
        if topic == Topic.BAG_FILE:
            yield from _bag_files(group, crate, evidence)
        elif topic in ocfl.TOPICS:
            yield from ocfl.parts_of_object(topic, group, crate, evidence)
        elif topic == Topic.WEB:
            web.extend(group)
        else:
            for claim in group:
                yield from _one(claim, crate, evidence)
    yield from _web(web, crate, tools)
    yield from _odd_entries(crate, listed)
    yield from _unlisted(crate, listed)


def _one(
    claim: Claim, crate: Crate, evidence: tuple[Evidence, ...]
) -> Iterator[Finding]:
    if claim.topic == Topic.ELSEWHERE:
        reason = f"{claim.subject}: named by a scheme that is not looked for"
        yield finding(claim, "completeness/elsewhere", reason)
    elif claim.topic == Topic.BAG_LISTING:
        yield from _bag_listing(claim, crate)
    elif claim.topic == Topic.BAG_OXUM:
        yield _bag_oxum(claim, crate)
    else:
        yield from _presence(claim, crate, evidence)


def _presence(
    claim: Claim, crate: Crate, evidence: tuple[Evidence, ...]
) -> Iterator[Finding]:
    id = claim.subject
    if claim.fault is not None:
        yield finding(claim, "completeness/path-unsafe", claim.fault)
        return
    if crate.is_document:
        reason = f"{id}: only the metadata document was given"
        yield finding(claim, "completeness/document-only", reason)
        return
    located = crate.locate(id)
    entry, path = located.entry, located.path or ""
    if entry is None:
        reason = _missing(claim, path, located.remark)
        yield absent(claim, "completeness/file-missing", path, reason, crate)
        return
    strange = odd(claim, path, entry)
    if strange is not None:
        yield strange
        return
    observed = f"present:{entry.kind.value}"
    if observed != claim.expected:
        reason = (
            f"{id}: described as {_words(claim.expected)}, it is a {entry.kind.value}"
        )
        yield finding(claim, "completeness/wrong-kind", reason, observed=observed)
        return
    if entry.kind is EntryKind.FILE and (found := lfs_pointer(crate, path, entry)):
        reason = (
            f"{id}: is a Git LFS pointer to {found[1]:,} bytes with sha256 {found[0]}"
        )
        if not _meant_as_pointer(crate, path, id):
            yield finding(claim, "completeness/lfs-pointer", reason, observed="pointer")
            return
    yield finding(
        claim,
        "completeness/file-present",
        "it is there",
        observed=observed,
        evidence=evidence,
    )
    if located.remark:
        remark = Claim(
            kind=claim.kind,
            topic="encoding",
            subject=id,
            expected="an encoded path",
            stated_in=claim.stated_in,
            path=path,
            severity=Severity.WARNING,
        )
        reason = f"{id}: {located.remark}"
        yield finding(remark, "completeness/name-as-written", reason)


def _missing(claim: Claim, path: str, remark: str) -> str:
    where = "" if path == claim.subject else f" at {path!r}"
    what = claim.expected.partition(":")[2]
    hint = f"; {remark}" if remark else ""
    return f"{claim.subject}: there is no such {what}{where}{hint}"


def _meant_as_pointer(crate: Crate, path: str, id: str) -> bool:
    """Whether the crate states the size of the pointer itself, not of what it names."""
    entity = crate.metadata.by_id.get(id) if crate.metadata else None
    size = str(crate.payload.entries[path].size)
    return entity is not None and size in map(str, entity.values("contentSize"))


def _words(expected: str) -> str:
    return {"present:file": "a File"}.get(expected, "a Dataset")


def _odd_entries(crate: Crate, listed: set[str]) -> Iterator[Finding]:
    """Links and their like that no entity names: nothing claims them, yet they lurk."""
    for path, entry in crate.payload.entries.items():
        if path in listed or entry.kind in {EntryKind.FILE, EntryKind.FOLDER}:
            continue
        broken = entry.kind is EntryKind.BROKEN
        claim = Claim(
            kind=ClaimKind.COMPLETENESS,
            topic="kind",
            subject=path,
            expected="present:file",
            stated_in=Place(path),
            path=path,
            severity=Severity.ERROR if broken else Severity.WARNING,
        )
        found = odd(claim, path, entry)
        if found is not None:
            yield found


def _unlisted(crate: Crate, listed: set[str]) -> Iterator[Finding]:
    """Files that nothing describes: a remark, never an error."""
    if crate.metadata is None or crate.is_document:
        return
    folders = {f"{path}/" for path in listed if path}
    count = 0
    for path in crate.content:
        if path in listed or not path.startswith(crate.prefix):
            continue
        if _below(path, folders):
            continue
        count += 1
        if count <= UNLISTED_SHOWN:
            yield _unlisted_finding(path, f"{path}: is not described", crate, path)
    if count > UNLISTED_SHOWN:
        more = count - UNLISTED_SHOWN
        reason = f"{more:,} further files are not described either"
        yield _unlisted_finding("./", reason, crate)


def _unlisted_finding(
    subject: str, reason: str, crate: Crate, path: str | None = None
) -> Finding:
    claim = Claim(
        kind=ClaimKind.COMPLETENESS,
        topic="unlisted",
        subject=subject.removeprefix(crate.prefix),
        expected="described",
        stated_in=crate.metadata.place() if crate.metadata else Place("./"),
        path=path,
        severity=Severity.NOTE,
    )
    return finding(claim, "completeness/unlisted-file", reason)


def _below(path: str, folders: set[str]) -> bool:
    """Whether a path lies in one of some folders."""
    at = path.find("/")
    while at >= 0:
        if path[: at + 1] in folders:
            return True
        at = path.find("/", at + 1)
    return False


# -- bags --------------------------------------------------------------------------


def _bag_files(
    claims: Iterable[Claim], crate: Crate, evidence: tuple[Evidence, ...]
) -> Iterator[Finding]:
    """Look for the files of a manifest; most are there, and that way is short."""
    entries, file = crate.payload.entries, EntryKind.FILE
    rule = RULES["completeness/bag-file-present"]
    yes, id, source, seen = rule.outcome, rule.id, rule.source, "present:file"
    for claim in claims:
        entry = entries.get(claim.path or "")
        if entry is not None and entry.kind is file:
            yield Finding(claim, yes, id, "it is there", seen, "", source, evidence)
        else:
            yield _bag_file_absent(claim, crate)


def _bag_file_absent(claim: Claim, crate: Crate) -> Finding:
    path = claim.path or ""
    entry = crate.payload.entries.get(path)
    if entry is None:
        for bag in crate.bags:
            if path in bag.fetched:
                reason = f"{path}: is listed in fetch.txt and has not been fetched"
                return finding(claim, "completeness/bag-file-unfetched", reason)
        reason = f"{path}: the bag lists it, and it is not there"
        return absent(claim, "completeness/bag-file-missing", path, reason, crate)
    found = odd(claim, path, entry)
    if found is not None:
        return found
    reason = f"{path}: the bag lists a file, and it is a folder"
    return finding(claim, "completeness/wrong-kind", reason)


def _bag_of(claim: Claim, crate: Crate) -> Bag:
    """The bag in whose base folder a tag file lies."""
    base = (claim.path or "").rpartition("/")[0]
    return next(bag for bag in crate.bags if bag.base.rstrip("/") == base)


def _bag_listing(claim: Claim, crate: Crate) -> Iterator[Finding]:
    """Whether a manifest lists all that it must.

    Source: RFC 8493, sections 2.1.3, 2.2.1 and 3. Up to version 0.97 a payload file
    need be in only one of several manifests.
    """
    bag = _bag_of(claim, crate)
    manifest = next(item for item in bag.manifests if item.file == claim.path)
    if manifest.of_tags:
        listed: Collection[str] = {item.path for item in manifest.listed}
        needed: Sequence[str] = [m.file for m in bag.manifests if not m.of_tags]
        rule = "completeness/bag-manifest-unlisted"
    else:
        needed = bag.payload_files
        rule = "completeness/bag-file-unlisted"
        if bag.version == "1.0":
            listed = {item.path for item in manifest.listed}
        else:
            listed = bag.payload_listed
    missing = [path for path in needed if path not in listed]
    for path in missing:
        reason = f"{path}: is not listed in {manifest.file}"
        unlisted = Claim(
            kind=claim.kind,
            topic=claim.topic,
            subject=path,
            expected=f"listed in {manifest.file}",
            stated_in=claim.stated_in,
            path=path,
        )
        yield finding(unlisted, rule, reason, observed="unlisted")
    if not missing:
        reason = f"{manifest.file}: lists all {len(needed):,} files that it must"
        yield finding(claim, "completeness/bag-file-present", reason)


def _bag_oxum(claim: Claim, crate: Crate) -> Finding:
    bag = _bag_of(claim, crate)
    files = bag.payload_files
    entries = crate.payload.entries
    octets = sum(entries[path].size for path in files)
    observed = f"oxum:{octets}.{len(files)}"
    reason = f"{claim.subject}: states {claim.expected[5:]}, found {observed[5:]}"
    if observed == claim.expected:
        return finding(claim, "completeness/bag-oxum-match", reason, observed=observed)
    if crate.payload.unseen:
        reason += " as far as was looked; a limit was reached"
        return finding(claim, "completeness/limit-reached", reason)
    return finding(claim, "completeness/bag-oxum-mismatch", reason, observed=observed)


# -- the web -----------------------------------------------------------------------


def _web(claims: list[Claim], crate: Crate, tools: Tools) -> Iterator[Finding]:
    """Ask whether web entities are there, several at a time; offline, ask nobody."""
    http = tools.services.http
    if http is None:
        for claim in claims:
            reason = f"{claim.subject}: not looked for, since we are offline"
            yield finding(claim, "completeness/web-untested", reason)
        return
    with ThreadPoolExecutor(HEADS_AT_ONCE) as pool:
        yield from pool.map(lambda claim: _head(claim, http, crate, tools), claims)


def _head(claim: Claim, http: Http, crate: Crate, tools: Tools) -> Finding:
    url = claim.subject
    try:
        crate.budget.tick(url)
        answer = http.head(url)
    except (LimitError, ServiceError) as error:
        return finding(claim, "completeness/web-unclear", str(error))
    at = tools.services.clock.now()
    evidence = (Evidence("HEAD", f"HTTP {answer.status}", at, answer.url),)
    observed = f"HTTP {answer.status}"
    reason = f"{url}: the server answered {answer.status}"
    rule = "completeness/web-unclear"
    if answer.found:
        rule = "completeness/web-available"
    elif answer.missing:
        rule = "completeness/web-missing"
    return finding(claim, rule, reason, observed=observed, evidence=evidence)
