"""The work area: code and inputs, verified, where the command expects them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reverify.crates.crate import Crate
from reverify.crates.digests import blocks, fingerprint_stream
from reverify.crates.names import path_fault
from reverify.errors import CrateError, LackError, ServiceError
from reverify.model.rerun import Item, Places, Plan
from reverify.services import Services
from reverify.services.git import CodeSources, Found, Objects, TreeEntry

LINK = 0o120000
EXECUTABLE = 0o111
AT_COMMIT = "the code is that of commit"
SUBMODULES = "submodules are not placed"
MOST_FILES = 100_000
MOST_BYTES = 4 << 30
MOST_SECONDS = 3600.0


def fill(plan: Plan, crate: Crate, services: Services, stage: Path) -> Iterator[str]:
    """Put the code and the inputs of a plan into an empty folder.

    Code comes from its commit, where that can be had, and from the crate; what the
    crate has wins, since that is what was run. Each input is verified by its digests
    while it is copied. Results are never put there.

    Yields:
        remarks for whoever reads the report.

    Raises:
        LackError: something cannot be put there as it was.
    """
    if plan.commit and services.code is not None:
        yield from _check_out(plan, services.code, Places(plan.results), stage)
    elif plan.commit and not plan.code:
        raise LackError(
            f"its code is commit {plan.commit} of {plan.origin or 'no named origin'},"
            " and there is nowhere to look for it",
            "Give the repository with --source, or leave out --offline.",
        )
    for item in (*plan.code, *plan.inputs):
        if item.url:
            _fetch(item, services, stage)
            yield f"{item.path} was fetched from {item.url}"
        else:
            _put(item, crate, stage)


def is_whole(plan: Plan, remarks: tuple[str, ...]) -> bool:
    """Whether all of the code of a named commit was put there, by what `fill` said."""
    if not plan.commit:
        return True
    had = any(each.startswith(AT_COMMIT) for each in remarks)
    return had and not any(each.startswith(SUBMODULES) for each in remarks)


def _put(item: Item, crate: Crate, stage: Path) -> None:
    """Copy a file of the crate, and see that it is what is recorded."""
    try:
        with crate.payload.open(item.source) as stream, _new(stage, item.path) as copy:
            for block in blocks(stream):
                copy.write(block)
    except (CrateError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise LackError(f"{item.id} cannot be put in place: {said}") from error
    _verify(item, stage)


def _fetch(item: Item, services: Services, stage: Path) -> None:
    """Fetch an input that is on the web, and see that it is what is recorded."""
    fix = "Put the file into the crate."
    if services.http is None:
        raise LackError(
            f"its input {item.url} may not be fetched while offline",
            f"Leave out --offline. {fix}",
        )
    try:
        with _new(stage, item.path) as copy:
            answer = services.http.download(item.url, copy, MOST_BYTES, MOST_SECONDS)
    except (ServiceError, CrateError, OSError) as error:
        raise LackError(f"its input {item.url} cannot be had: {error}", fix) from error
    if not answer.found:
        raise LackError(f"its input {item.url} is not there any more", fix)
    _verify(item, stage)


def _verify(item: Item, stage: Path) -> None:
    """See that a file that was put in place is what is recorded."""
    algorithms = [name for name, _ in item.digests]
    with (stage / item.path).open("rb") as stream:
        found = fingerprint_stream(stream, algorithms).digests
    for name, digest in item.digests:
        if found[name] != digest:
            raise LackError(
                f"{item.id} is not what the run read: its {name} is {found[name]}, and"
                f" {digest} is recorded",
                "Put the file back that the run read.",
            )


def _new(stage: Path, path: str) -> BinaryIO:
    """Open a new file below a folder; links on the way are never followed.

    Raises:
        LackError: the name may not be used, or a file is in the way.
    """
    fault = path_fault(path)
    if fault or not path:
        raise LackError(f"{path!r} cannot be put in place: {fault or 'no name'}")
    target = stage / path
    folder = stage
    for part in Path(path).parts[:-1]:
        folder /= part
        if not folder.is_dir() or folder.is_symlink():
            if os.path.lexists(folder):
                folder.unlink()
            folder.mkdir()
    if os.path.lexists(target):
        if target.is_dir() and not target.is_symlink():
            raise LackError(f"{path} cannot be put in place: a folder is there")
        target.unlink()
    return target.open("xb")


def _check_out(
    plan: Plan, code: CodeSources, but: Places, stage: Path
) -> Iterator[str]:
    """Write the files of a commit, save for results."""
    found = code.find(plan.commit, origin=plan.origin or None)
    if not isinstance(found, Found):
        reasons = "; ".join(f"{each.source}: {each.text}" for each in found.reasons)
        said = f"commit {plan.commit} could not be had ({reasons or 'nowhere to look'})"
        if plan.code:
            yield f"{said}; the code is what the crate holds of it"
            return
        raise LackError(said, "Give a repository that has it with --source.")
    with found.revision as revision:
        entries = revision.entries
        if len(entries) > MOST_FILES:
            raise LackError(
                f"commit {plan.commit} has {len(entries):,} files, more than we place"
            )
        wanted = [
            entry
            for path, entry in entries.items()
            if not but.holds(path) and path not in revision.submodules
        ]
        left = sum(map(but.holds, entries))
        try:
            revision.obtain(wanted)
            _write_all(revision.objects, wanted, stage)
        except ServiceError as error:
            raise LackError(
                f"the files of commit {plan.commit} could not be had: {error}",
                "Give a repository that has them with --source.",
            ) from error
        if revision.submodules:
            names = ", ".join(sorted(revision.submodules))
            yield f"{SUBMODULES}: {names}"
        if left:
            yield f"{left} results that the commit holds were not placed"
    yield f"{AT_COMMIT} {plan.commit}, from {found.source}"


def _write_all(objects: Objects, entries: list[TreeEntry], stage: Path) -> None:
    """Write files as their blobs are; each is hashed again as it is read."""
    size = 0
    for entry in entries:
        data = objects.blob(entry.id)
        size += len(data)
        if size > MOST_BYTES:
            raise LackError("the commit holds more than we place")
        if entry.mode == LINK:
            _link(stage, entry.name, data)
            continue
        with _new(stage, entry.name) as copy:
            copy.write(data)
            if entry.mode & EXECUTABLE:
                os.fchmod(copy.fileno(), 0o755)


def _link(stage: Path, path: str, data: bytes) -> None:
    """A link that stays inside is placed as one; others are left out.

    Behind a name that is a link itself, `..` would lead elsewhere than it reads; so it
    may only stand in front.
    """
    target = os.fsdecode(data)
    inside = os.path.normpath(os.path.join("/", os.path.dirname(path), target))  # noqa: PTH118, PTH120
    depth = Path(path).parent.parts
    parts = Path(target).parts
    ups = parts.count("..")
    if ".." in parts[ups:]:
        return
    if not target.startswith("/") and ups <= len(depth) and inside != "/":
        with _new(stage, path):
            pass
        (stage / path).unlink()
        (stage / path).symlink_to(target)
