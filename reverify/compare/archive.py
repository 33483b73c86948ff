"""Two archives or directories, member by member, through the readers of crates.

Links are never followed. What an archive says of times, owners and order is not
compared, nor are empty folders; what lies in it is.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from reverify.compare.files import LocalFile, Member, copy_to, head, reopenable
from reverify.compare.interface import (
    Job,
    MalformedError,
    NotComparableError,
    Openable,
)
from reverify.compare.kinds import is_packed, is_tar, is_zip
from reverify.compare.tally import Tally
from reverify.crates.payload import Entry, EntryKind, Payload
from reverify.crates.tar import TarPayload
from reverify.crates.zip import ZipPayload
from reverify.errors import CrateError, LimitError
from reverify.model.comparison import Answer, Comparison, Method, Rule

HARMLESS = {"completeness/name-twins"}
"""Rules whose breach keeps nothing from being compared."""

RuleOf = Callable[[str], Rule]


def compare_archives(job: Job) -> Comparison:
    """Compare the members of two archives, zip or tar, packed or not.

    Raises:
        MalformedError: a side is no archive that can be read.
        NotComparableError: too many archives lie within each other.
    """
    if job.inside > job.bounds.nested:
        raise NotComparableError(
            f"more than {job.bounds.nested} archives lie within each other"
        )
    own = job.rule.method in {None, Method.ARCHIVE, Method.DIRECTORY}
    rule = replace(job.rule, method=None) if own else job.rule
    with contextlib.ExitStack() as stack:
        expected = stack.enter_context(_opened(job.expected, job))
        actual = stack.enter_context(_opened(job.actual, job))
        return compare_payloads(job, expected, actual, lambda _: rule, Method.ARCHIVE)


@contextlib.contextmanager
def _opened(source: Openable, job: Job) -> Iterator[Payload]:
    with reopenable(source, job.bounds) as file:
        first = head(file)
        size = file.size or 0
        payload: Payload
        try:
            if is_zip(first):
                payload = ZipPayload(file.open, size, job.budget)
            elif is_packed(first) or is_tar(first):
                payload = TarPayload(file.open, size, job.budget)
            else:
                raise MalformedError("it is no zip or tar archive")
        except LimitError:
            raise
        except CrateError as error:
            raise MalformedError(str(error)) from error
        with contextlib.closing(payload):
            try:
                _ = payload.entries
            except LimitError:
                raise
            except CrateError as error:
                raise MalformedError(str(error)) from error
            yield payload


def compare_payloads(
    job: Job, expected: Payload, actual: Payload, rule_of: RuleOf, method: Method
) -> Comparison:
    """Compare all that is in two payloads.

    Args:
        job: whose bounds, budget and rule are used.
        expected: one side.
        actual: the other.
        rule_of: the rule of a member, by its path.
        method: what the whole is compared as.
    """
    members = _Members(job, expected, actual, rule_of)
    members.compare()
    return members.finish(method)


class _Members:
    """Goes through the members of two payloads, and adds up what it finds."""

    def __init__(
        self, job: Job, expected: Payload, actual: Payload, rule_of: RuleOf
    ) -> None:
        self._job = job
        self._sides = expected, actual
        self._rule_of = rule_of
        self._tally = Tally(job.rule, job.bounds.shown)
        self._counts = dict.fromkeys(Answer, 0)

    def compare(self) -> None:
        expected, actual = self._sides
        both = []
        for path in sorted({*expected.entries, *actual.entries}):
            one, other = expected.entries.get(path), actual.entries.get(path)
            if one is not None and other is not None and _are_files(one, other):
                both.append(path)
            elif not _is_folder(one) or not _is_folder(other):
                self._add(self._odd(path, one, other))
        with tempfile.TemporaryDirectory(prefix="reverify-") as folder:
            places = [Path(folder) / word for word in ("expected", "actual")]
            same = self._same_digests(both)
            self._count(Answer.IDENTICAL, len(same))
            rest = [path for path in both if path not in same]
            ones, others = (
                self._openable(payload, rest, place)
                for payload, place in zip(self._sides, places, strict=True)
            )
            for path in rest:
                self._job.tick()
                inside = self._job.within(self._name(path), ones(path), others(path))
                rule = self._rule_of(path)
                self._add(self._job.compare(replace(inside, rule=rule)))

    def _name(self, path: str) -> str:
        return f"{self._job.name}/{path}" if self._job.name else path

    def _count(self, answer: Answer, times: int = 1) -> None:
        self._counts[answer] += times
        self._tally.compared += times

    def _add(self, part: Comparison | None) -> None:
        if part is None:
            return
        self._count(part.answer)
        grave = part.answer.is_same is False
        self._tally.within += part.answer is Answer.EQUAL and part.within > 0
        self._tally.differing += grave
        if part.answer is Answer.IDENTICAL:
            return
        if len(self._tally.parts) < self._job.bounds.shown:
            self._tally.parts.append(part)
        elif grave:  # it says more than what is equal
            for at, kept in enumerate(self._tally.parts):
                if kept.answer.is_same is not False:
                    del self._tally.parts[at]
                    self._tally.parts.append(part)
                    break

    def _odd(
        self, path: str, one: Entry | None, other: Entry | None
    ) -> Comparison | None:
        """A name that is not a file on both sides."""
        name, rule = self._name(path), self._rule_of(path)
        for entry in (one, other):
            if entry and entry.kind in {EntryKind.LINK, EntryKind.SPECIAL}:
                reason = f"it is a {entry.target}, which is not opened"
                if entry.kind is EntryKind.LINK:
                    reason = f"it is a link to {entry.target!r}, which is not followed"
                return _not_comparable(name, rule, reason)
            if entry and entry.kind is EntryKind.BROKEN:
                return _not_comparable(name, rule, f"it {entry.target}")
        if one is not None and other is not None:
            return Comparison(
                name=name,
                answer=Answer.DIFFERENT,
                rule=rule,
                reason=f"a {one.kind.value} expected, a {other.kind.value} found",
            )
        answer = Answer.EXTRA if one is None else Answer.MISSING
        folder = _is_folder(one) and _is_folder(other)
        return None if folder else Comparison(name=name, answer=answer, rule=rule)

    def _same_digests(self, paths: list[str]) -> set[str]:
        """Members that are the same by digest, where opening one by one is slow."""
        if not any(isinstance(side, TarPayload) for side in self._sides):
            return set()
        wanted = {path: ("sha256",) for path in paths if self._sizes_agree(path)}
        found = [
            {
                path: print_.digests.get("sha256")
                for path, print_ in side.fingerprints(wanted)
            }
            for side in self._sides
        ]
        return {
            path
            for path in wanted
            if found[0].get(path) and found[0].get(path) == found[1].get(path)
        }

    def _sizes_agree(self, path: str) -> bool:
        one, other = (side.entries[path].size for side in self._sides)
        return one == other

    def _openable(
        self, payload: Payload, paths: list[str], folder: Path
    ) -> Callable[[str], Openable]:
        """How to open members; those of a tar are unpacked to a temporary folder."""
        if not isinstance(payload, TarPayload):
            return lambda path: Member(payload, path)
        folder.mkdir()
        places: Mapping[str, int] = {path: at for at, path in enumerate(paths)}
        room = self._job.bounds.disk_bytes
        for path, stream in payload.streams(paths):
            self._job.tick()
            with (folder / str(places[path])).open("xb") as copy:
                room -= copy_to(
                    copy, stream, replace(self._job.bounds, disk_bytes=max(0, room))
                )
        return lambda path: LocalFile(folder / str(places[path]))

    def finish(self, method: Method) -> Comparison:
        """Put it together; what could not be looked at keeps it from being equal."""
        found = self._tally.finish(self._job.name, method, "members")
        unseen = [
            fault.reason
            for side in self._sides
            for fault in side.faults
            if fault.rule not in HARMLESS
        ]
        if unseen:
            found = replace(
                found, remarks=(*found.remarks, *unseen[: self._job.bounds.shown])
            )
        if found.answer is Answer.DIFFERENT:
            return found
        unknown = self._counts[Answer.NOT_COMPARABLE]
        if unknown or unseen:
            reason = f"{unknown:,} of its {found.compared:,} members are not comparable"
            return replace(
                found,
                answer=Answer.NOT_COMPARABLE,
                reason=reason if unknown else unseen[0],
            )
        if method is Method.DIRECTORY and not found.parts:
            return replace(found, answer=Answer.IDENTICAL)
        return found


def _is_folder(entry: Entry | None) -> bool:
    """Whether it is a folder, or nothing: empty folders do not count."""
    return entry is None or entry.kind is EntryKind.FOLDER


def _are_files(one: Entry, other: Entry) -> bool:
    return one.kind is EntryKind.FILE and other.kind is EntryKind.FILE


def _not_comparable(name: str, rule: Rule, reason: str) -> Comparison:
    return Comparison(name=name, answer=Answer.NOT_COMPARABLE, rule=rule, reason=reason)
