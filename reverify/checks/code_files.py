"""Is an included file the one of the commit? Ids of blobs are compared."""

from reverify.checks.code_places import Bench, Held, Lost
from reverify.checks.interface import finding
from reverify.checks.own_files import Own, hash_own
from reverify.crates.code_files import SourceFile
from reverify.crates.crate import Crate
from reverify.crates.payload import EntryKind
from reverify.errors import CrateError
from reverify.model.claim import Claim
from reverify.model.code import Aspect
from reverify.model.finding import Evidence, Finding
from reverify.model.rules import RULES
from reverify.services.git.revision import Comparison, Likeness, Revision

_SHA256_DIGITS = 64
_TEXT_BYTES = 8 << 20
_NAMESAKES = 3


def own_blob(claim: Claim, bench: Bench) -> Finding:
    """Whether a file of the crate has the SWHID that the crate gives it."""
    blob = claim.expected.partition(":")[2]
    crate, path = bench.crate, claim.path
    entry = crate.payload.entries.get(path) if path else None
    if path is None or entry is None or entry.kind is not EntryKind.FILE:
        return _blob_elsewhere(claim, bench, blob)
    try:
        own = hash_own(crate, path, _algorithm(blob))
    except CrateError as error:
        return finding(claim, "source/unclear", f"{claim.subject}: {error.reason}")
    evidence = (_evidence(bench, own, path),)
    if own.blob == blob:
        reason = f"{claim.subject}: has the id swh:1:cnt:{blob}, as is said"
        rule = "source/blob-match"
    else:
        reason = f"{claim.subject}: is swh:1:cnt:{own.blob}, not {blob} as is said"
        rule = "source/blob-mismatch"
    observed = f"blob:{own.blob}"
    return finding(claim, rule, reason, observed=observed, evidence=evidence)


def _blob_elsewhere(claim: Claim, bench: Bench, blob: str) -> Finding:
    """Whether the commit has contents that no file of the crate is said to be."""
    said = bench.statement(claim, [Aspect.BLOB])
    base = bench.base_of(claim, said)
    held = bench.revision(base, bench.origins_of(claim)) if base else None
    if base is None or held is None:
        reason = f"{claim.subject}: no file of the crate is said to be the blob {blob}"
        return finding(claim, "source/not-tested", reason)
    if isinstance(held, Lost):
        return held.as_finding(claim, f"whether {blob} is in")
    path = said.path if said else ""
    revision = held.revision
    entry = revision.at(path) if path else None
    paths = revision.paths_of(blob)
    good = entry.id == blob if path and entry else bool(paths) and not path
    if good:
        reason = f"{claim.subject}: {blob} is {path or paths[0]} of {revision.named}"
        rule, observed = "source/blob-match", claim.expected
    else:
        kind = revision.objects.kind(blob)
        what = f"{blob} is a {kind}, not the contents of a file"
        if kind in {None, "blob"}:
            what = f"{revision.named} does not have {blob}" + (
                f" at {path}" if path else ""
            )
        reason = f"{claim.subject}: {what}"
        observed = f"{kind}:{blob}" if kind else "absent"
        rule = "source/blob-mismatch"
    seen = held.seen(f"entries of {revision.named}", observed)
    return finding(claim, rule, reason, observed=observed, evidence=seen)


def _algorithm(id: str) -> str:
    return "sha256" if len(id) == _SHA256_DIGITS else "sha1"


def _evidence(bench: Bench, own: Own, path: str) -> Evidence:
    method = f"git blob id of {own.size} bytes"
    return Evidence(method, f"blob:{own.blob}", bench.now(), path)


def about_file(claim: Claim, bench: Bench) -> Finding:
    """Whether an included file is the one of the commit.

    It is looked for at the path that the crate says; else at the paths that the crate
    hints at; else by its id, anywhere in the commit.
    """
    file = bench.files[claim.subject, claim.expected]
    what = f"{claim.subject}: is said to be of the {file.base.replace(':', ' ')}"
    held = bench.revision(file.base, file.origins)
    if held is None:
        reason = f"{what}; testing that takes its repository"
        return finding(claim, "source/not-tested", reason)
    if isinstance(held, Lost):
        return held.as_finding(claim, "whether it is of")
    try:
        own = hash_own(bench.crate, file.path, held.revision.algorithm)
    except CrateError as error:
        return finding(claim, "source/unclear", f"{claim.subject}: {error.reason}")
    return _judge(claim, bench, file, held, own)


def _judge(
    claim: Claim, bench: Bench, file: SourceFile, held: Held, own: Own
) -> Finding:
    revision = held.revision
    path, found = _find(revision, file, own)
    evidence = (
        *held.seen(f"entry of {revision.named.id} at {path}", found.reason),
        _evidence(bench, own, file.path),
    )
    base, name = revision.named, claim.subject
    other = found.elsewhere[0] if found.elsewhere else ""
    same_name = other.rpartition("/")[2] == file.path.rpartition("/")[2]
    observed: str | None = f"blob:{own.blob}"
    rule = "source/file-mismatch"
    match found.likeness:
        case Likeness.SAME | Likeness.BY_POINTER:
            rule = "source/file-match"
            reason = f"{name}: {path} of {base} {found.reason}"
            if found.likeness is Likeness.BY_POINTER:
                reason = f"{name}: {found.reason}, at {path} of {base}"
        case Likeness.IN_SUBMODULE:
            rule, observed = "source/file-unclear", None
            reason = f"{name}: {path} {found.reason}, which {base} names only"
        case Likeness.UNKNOWN:
            rule, observed = "source/file-unclear", None
            reason = (
                f"{name}: is the blob {own.blob}; {path} of {base} is"
                f" {found.expected}, and might stand for it: {found.reason}"
            )
        case _ if other and not file.stated and (same_name or not found.expected):
            rule = "source/file-match"
            reason = (
                f"{name}: is the blob {own.blob}, which {base} has at {other},"
                " another path"
            )
        case Likeness.ABSENT if not file.stated:
            rule = "source/file-not-in-commit"
            reason = f"{name}: {base} has no such file{_namesakes(revision, path)}"
        case Likeness.DIFFERENT:
            reason = (
                f"{name}: is the blob {own.blob}; {path} of {base} is"
                f" {found.expected}{_how(revision, bench.crate, file, found, own)}"
            )
        case _:
            reason = f"{name}: is said to be {path} of {base}; {found.reason}" + (
                f"; it is {other} there" if other else ""
            )
    about = claim._replace(severity=RULES[rule].severity)
    return finding(about, rule, reason, observed=observed, evidence=evidence)


def _find(revision: Revision, file: SourceFile, own: Own) -> tuple[str, Comparison]:
    """Compare at the path that is said, or at the first hint that leads somewhere."""
    best: tuple[str, Comparison] | None = None
    for path in (file.stated,) if file.stated else file.hints:
        found = revision.compare(path, own.blob, sha256=own.sha256, size=own.size)
        if found.likeness in {Likeness.SAME, Likeness.BY_POINTER}:
            return path, found
        if best is None or best[1].likeness is Likeness.ABSENT:
            best = path, found
    assert best is not None  # noqa: S101 - a file has its own path as a hint
    return best


def _namesakes(revision: Revision, path: str) -> str:
    """Files of the same name in other folders, whose contents are others."""
    name = path.rpartition("/")[2]
    found = [p for p in revision.entries if p.rpartition("/")[2] == name]
    if not found:
        return "; perhaps it was generated"
    listed = ", ".join(sorted(found)[:_NAMESAKES])
    return f"; {listed} has its name, and other contents"


def _how(
    revision: Revision, crate: Crate, file: SourceFile, found: Comparison, own: Own
) -> str:
    """What a difference comes to, where that is easily told: line ends alone."""
    if found.likeness is not Likeness.DIFFERENT or "pointer" in found.reason:
        return f": {found.reason}" if "pointer" in found.reason else ""
    objects = revision.objects
    size = objects.size(found.expected)
    if not size or max(size, own.size) > _TEXT_BYTES:
        return ""
    theirs = objects.blob(found.expected, _TEXT_BYTES)
    ours = crate.payload.read(file.path, _TEXT_BYTES)
    if theirs.replace(b"\r\n", b"\n") == ours.replace(b"\r\n", b"\n"):
        return "; they differ in their line ends alone"
    return ""
