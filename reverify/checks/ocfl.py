"""OCFL objects: is what the inventory says of the object so?

Source: Oxford Common File Layout 1.1, sections 3.3.1, 3.5.2, 3.5.4, 3.6 and 3.7.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from reverify.checks.entries import odd, unseen
from reverify.checks.interface import fault_finding, finding
from reverify.crates.crate import Crate
from reverify.crates.digests import HEX_LENGTH, Fingerprint, Malformed, read_digest
from reverify.crates.inventory import Inventory, shown
from reverify.crates.inventory_form import note_faults, specification
from reverify.crates.ocfl import OcflPayload
from reverify.crates.ocfl_layout import UNLISTED, strays
from reverify.crates.ocfl_object import OcflObject
from reverify.crates.payload import EntryKind
from reverify.errors import CrateError
from reverify.model.claim import Claim, Topic
from reverify.model.finding import Evidence, Finding
from reverify.model.rules import RULES

TOPICS = frozenset({Topic.OCFL_FILE, Topic.OCFL_LISTING, Topic.OCFL_VERSION})
_DIFFERS = "completeness/ocfl-version-differs"
_AGREES = "completeness/ocfl-version-agrees"


# -- completeness ------------------------------------------------------------------


def parts_of_object(
    topic: str, claims: Iterable[Claim], crate: Crate, evidence: tuple[Evidence, ...]
) -> Iterator[Finding]:
    """Look for content files, for what is not listed, and at the inventories."""
    if crate.ocfl is None:
        return
    object = crate.ocfl.object
    if topic == Topic.OCFL_FILE:
        yield from _content_files(claims, object, evidence)
    for claim in claims:
        if topic == Topic.OCFL_LISTING:
            yield from _listing(claim, object, crate)
        else:
            yield _version(claim, object)


def _content_files(
    claims: Iterable[Claim], object: OcflObject, evidence: tuple[Evidence, ...]
) -> Iterator[Finding]:
    """Look for what the manifest lists; most is there, and that way is short."""
    file = EntryKind.FILE
    rule = RULES["completeness/ocfl-content-present"]
    yes, id, source, seen = rule.outcome, rule.id, rule.source, "present:file"
    for claim in claims:
        entry = object.entry(claim.subject)
        if entry is not None and entry.kind is file:
            yield Finding(claim, yes, id, "it is there", seen, "", source, evidence)
        else:
            yield _no_content_file(claim, object)


def _no_content_file(claim: Claim, object: OcflObject) -> Finding:
    path = claim.subject
    entry = object.entry(path)
    if entry is None and object.may_hold(path):
        return unseen(claim, path)
    if entry is None:
        reason = f"{path}: the inventory lists it, and it is not there"
        rule = "completeness/ocfl-content-missing"
        return finding(claim, rule, reason, observed="absent")
    reason = f"{path}: the inventory lists a file, and it is a folder"
    wrong = finding(claim, "completeness/wrong-kind", reason)
    return odd(claim, path, entry) or wrong


def _listing(claim: Claim, object: OcflObject, crate: Crate) -> Iterator[Finding]:
    """Whether the manifest lists all that it must, and all has its place."""
    complete = True
    for fault in strays(object):
        complete = complete and fault.rule != UNLISTED
        yield fault_finding(fault, crate)
    if complete:
        count = len(object.inventory.content)
        reason = f"{claim.subject}: lists all {count:,} files that it must"
        yield finding(claim, "completeness/ocfl-content-present", reason)


def _version(claim: Claim, object: OcflObject) -> Finding:
    """Whether the inventory of a version says what that of the object says of it."""
    file = claim.subject
    version = file.partition("/")[0]
    root = object.inventory
    try:
        data = object.read(file)
        if version == root.head:
            same = hashlib.sha256(data).hexdigest() == root.sha256
            difference = "" if same else f"is not the same file as {root.file}"
        else:
            found = Inventory(file, data, object.budget, object.base)
            note_faults(found)
            difference = _difference(found, root, version)
    except CrateError as error:
        limit = error.rule == "completeness/limit-reached"
        return finding(claim, error.rule if limit else _DIFFERS, error.reason)
    if difference:
        return finding(claim, _DIFFERS, f"{file}: {difference}")
    return finding(claim, _AGREES, f"{file}: agrees with {root.file}")


def _difference(old: Inventory, root: Inventory, version: str) -> str:
    """What an older inventory says otherwise, as the end of a sentence."""
    errors = [fault for fault in old.faults if RULES[fault.rule].severity == "error"]
    if errors:
        return f"is not as it must be: {errors[0].reason.partition(': ')[2]}"
    odd_basics = (
        (old.head != version, f"its head is {old.head}, not {version}"),
        (old.id != root.id, f"is of another object, {shown(old.id)}"),
        (
            old.content_directory != root.content_directory,
            f"its contentDirectory is {shown(old.content_directory)}",
        ),
        (
            specification(old) > (specification(root) or "1.1"),
            f"follows a later version of OCFL, {specification(old)}",
        ),
        (old.versions != root.versions[: len(old.versions)], "has other versions"),
    )
    for is_so, what in odd_basics:
        if is_so:
            return what
    for name in old.versions:
        if path := _moved(old, root, name):
            return f"{shown(path)} is not the same in its version {name}"
    return ""


def _moved(old: Inventory, root: Inventory, version: str) -> str:
    """A file of a version of which two inventories do not say the same, if any."""
    mine, theirs = old.logical(version), root.logical(version)
    if alone := mine.keys() ^ theirs.keys():
        return min(alone)
    for path, digest in mine.items():
        if not old.content_of(digest) <= root.content_of(theirs[path]):
            return path
    return ""


# -- fixity ------------------------------------------------------------------------


def wanted_of_object(claims: Sequence[Claim]) -> dict[str, frozenset[str]]:
    """The algorithms to digest parts of an object with, by path from its root."""
    wanted: dict[str, frozenset[str]] = {}
    for claim in claims:
        if claim.topic == Topic.OCFL_DIGEST:
            name, _, digest = claim.expected.partition(":")
            if len(digest) == HEX_LENGTH.get(name):
                known = wanted.get(claim.subject, frozenset())
                wanted[claim.subject] = known | {name}
    return wanted


def read_object(
    ocfl: OcflPayload,
    wanted: Mapping[str, Collection[str]],
    claims: Sequence[Claim],
) -> Iterator[tuple[str | None, Fingerprint]]:
    """Digest files of the crate and other parts of the object, each read once."""
    stored = {
        path: names
        for path, names in wanted_of_object(claims).items()
        if (entry := ocfl.object.entry(path)) and entry.kind is EntryKind.FILE
    }
    yield from ocfl.read_all(wanted, stored)


def digests_of_object(
    claims: Iterable[Claim], crate: Crate, at: datetime
) -> Iterator[Finding]:
    """Hold what is stated of content and inventories against what was read."""
    if crate.ocfl is not None:
        for claim in claims:
            yield _digest(claim, crate.ocfl, at)


def _digest(claim: Claim, ocfl: OcflPayload, at: datetime) -> Finding:
    path = claim.subject
    name, _, stated = claim.expected.partition(":")
    digest = read_digest(name, stated)
    if isinstance(digest, Malformed):
        reason = f"{path}: {shown(stated)} is no {name} digest: {digest.reason}"
        return finding(claim, "fixity/digest-malformed", reason)
    entry = ocfl.object.entry(path)
    if entry is None or entry.kind is not EntryKind.FILE:
        what = f"is a {entry.kind.value}" if entry else "is not there"
        reason = f"{path}: {what}, so this could not be told"
        return finding(claim, "fixity/file-absent", reason)
    read = ocfl.stored.get(path, Fingerprint(0, {}, f"{path}: was not read"))
    observed = read.digests.get(name)
    if observed is None:
        return finding(claim, "fixity/file-unread", read.problem)
    text = f"{name}:{observed}"
    evidence = (Evidence(f"{name} of {read.size} bytes", text, at, path),)
    rule, reason = "fixity/digest-match", f"{path}: has the {name} that is stated"
    if observed != digest:
        rule = "fixity/digest-mismatch"
        reason = f"{path}: {name} is {observed}, stated is {digest}"
    return finding(claim, rule, reason, observed=text, evidence=evidence)
