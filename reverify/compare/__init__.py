"""Are two files the same, and in what sense?

`WAYS` is the register: a way to compare for each method. Bytes come first, always; only
files that differ in them are read any further.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

from reverify.compare.archive import compare_archives, compare_payloads
from reverify.compare.bytes import compare_bytes, first_difference
from reverify.compare.files import UNREADABLE, Held, LocalFile, Member, Unpacked, head
from reverify.compare.interface import (
    Bounds,
    Comparator,
    Job,
    MalformedError,
    NotComparableError,
    Openable,
)
from reverify.compare.json import compare_json
from reverify.compare.kinds import inner_name, is_packed, is_tar, is_zip, method_for
from reverify.compare.parquet import MAGIC as PARQUET
from reverify.compare.process import compare_apart
from reverify.compare.table import compare_delimited
from reverify.compare.text import compare_text
from reverify.crates.limits import Budget
from reverify.crates.payload import Payload
from reverify.model.comparison import Answer, Comparison, Method, Rule

__all__ = [
    "Bounds",
    "Held",
    "LocalFile",
    "Member",
    "Openable",
    "compare",
    "compare_directories",
    "method_for",
]


def _table(job: Job) -> Comparison:
    if all(head(side).startswith(PARQUET) for side in (job.expected, job.actual)):
        return compare_apart(job, "parquet")
    return compare_delimited(job)


def _array(job: Job) -> Comparison:
    if all(is_zip(head(side)) for side in (job.expected, job.actual)):  # .npz
        return compare_archives(job)
    return compare_apart(job, "array")


def _image(job: Job) -> Comparison:
    return compare_apart(job, "image")


def _notebook(job: Job) -> Comparison:
    return compare_apart(job, "notebook")


WAYS: Mapping[Method, Comparator] = {
    Method.BYTES: compare_bytes,
    Method.TEXT: compare_text,
    Method.JSON: compare_json,
    Method.TABLE: _table,
    Method.ARRAY: _array,
    Method.IMAGE: _image,
    Method.NOTEBOOK: _notebook,
    Method.ARCHIVE: compare_archives,
}


def compare(
    expected: Openable | None,
    actual: Openable | None,
    rule: Rule | None = None,
    *,
    name: str = "file",
    media_type: str = "",
    bounds: Bounds | None = None,
) -> Comparison:
    """Compare two files.

    Args:
        expected: what was recorded; tolerances are relative to its numbers. None if
            there is no such file.
        actual: what there is now; None if there is no such file.
        rule: what is allowed; nothing if it is None. Without a method in it, the type
            decides: the name first, then the media type.
        name: the file's name or path, by which it is called in the answer.
        media_type: its media type, where it is known.
        bounds: how much work it may make.

    Returns:
        the answer; problems of the files are in it, none is raised.
    """
    rule, bounds = rule or Rule(), bounds or Bounds()
    if rule.method is Method.IGNORE:
        return Comparison(
            name=name, answer=Answer.IGNORED, method=rule.method, rule=rule
        )
    if expected is None or actual is None:
        if expected is actual:
            reason = "there is no such file on either side"
            return _not_comparable(name, rule, reason)
        answer = Answer.EXTRA if expected is None else Answer.MISSING
        return Comparison(name=name, answer=answer, rule=rule)
    job = Job(
        name=name,
        media_type=media_type,
        expected=expected,
        actual=actual,
        rule=rule,
        bounds=bounds,
        budget=Budget(bounds.archive),
        deadline=time.monotonic() + bounds.seconds,
        inside=0,
        compare=_compare,
    )
    return _compare(job)


def compare_directories(
    expected: Payload,
    actual: Payload,
    rules: Mapping[str, Rule] | None = None,
    *,
    rule: Rule | None = None,
    name: str = "",
    bounds: Bounds | None = None,
) -> Comparison:
    """Compare all files of two directories, or of whatever else holds files.

    Args:
        expected: one of them; it stays open, and the caller's.
        actual: the other one.
        rules: the rules of single files, by their paths.
        rule: the rule of all others; nothing is allowed if it is None.
        name: what to call the directory; goes before the paths in the answer.
        bounds: how much work it may make.

    Returns:
        the answer; its parts are the files that are not identical.
    """
    rules, rule, bounds = rules or {}, rule or Rule(), bounds or Bounds()
    nothing = Held(b"")
    job = Job(
        name=name,
        media_type="",
        expected=nothing,
        actual=nothing,
        rule=rule,
        bounds=bounds,
        budget=expected.budget,
        deadline=time.monotonic() + bounds.seconds,
        inside=0,
        compare=_compare,
    )
    try:
        return compare_payloads(
            job, expected, actual, lambda path: rules.get(path, rule), Method.DIRECTORY
        )
    except NotComparableError as error:
        return _not_comparable(name, rule, str(error), Method.DIRECTORY)
    except UNREADABLE as error:
        return _unreadable(name, rule, error, Method.DIRECTORY)


def _compare(job: Job) -> Comparison:
    """Compare bytes, then by the rule or the type; turn problems into answers."""
    rule, method = job.rule, job.rule.method
    if method is Method.IGNORE:
        return Comparison(
            name=job.name, answer=Answer.IGNORED, method=method, rule=rule
        )
    try:
        same = first_difference(job) is None
        if same:
            return Comparison(
                name=job.name,
                answer=Answer.IDENTICAL,
                method=method,
                rule=rule,
                compared=job.expected.size or 0,
            )
        method = method or method_for(job.name, job.media_type)
        return _differing(job, method)
    except NotComparableError as error:
        return _not_comparable(job.name, rule, str(error), method)
    except UNREADABLE as error:
        return _unreadable(job.name, rule, error, method)


def _differing(job: Job, method: Method) -> Comparison:
    """Compare two files that are not byte for byte the same."""
    firsts = [head(side) for side in (job.expected, job.actual)]
    if job.rule.method is not Method.BYTES and all(map(is_packed, firsts)):
        sides = [
            Unpacked(side, job.bounds.archive) for side in (job.expected, job.actual)
        ]
        try:
            inner = [head(side) for side in sides]
            if not any(map(is_tar, inner)) and method is not Method.ARCHIVE:
                return _unpacked(job, method, *sides)
            method = Method.ARCHIVE
        except (EOFError, ValueError) as error:
            return _as_bytes(job, f"it cannot be unpacked ({error})")
    try:
        return WAYS[method](job)
    except MalformedError as error:
        return _as_bytes(job, str(error), method)


def _unpacked(job: Job, method: Method, one: Openable, other: Openable) -> Comparison:
    if job.inside > job.bounds.nested:
        raise NotComparableError(
            f"more than {job.bounds.nested} packed files lie within each other"
        )
    inside = replace(
        job.within(job.name, one, other), name=inner_name(job.name), rule=job.rule
    )
    if first_difference(inside) is None:
        return Comparison(
            name=job.name,
            answer=Answer.EQUAL,
            method=method,
            rule=job.rule,
            remarks=("what is packed in it is identical",),
        )
    found = _differing(inside, method)
    remarks = (*found.remarks, "compared by what is packed in it")
    return replace(found, name=job.name, remarks=remarks)


def _as_bytes(job: Job, reason: str, method: Method | None = None) -> Comparison:
    """All that is left where a file is not of the type it should be."""
    found = compare_bytes(job)
    said = f" not as {method}:" if method else ""
    return replace(found, remarks=(f"compared as bytes,{said} {reason}",))


def _not_comparable(
    name: str, rule: Rule, reason: str, method: Method | None = None
) -> Comparison:
    return Comparison(
        name=name,
        answer=Answer.NOT_COMPARABLE,
        method=method,
        rule=rule,
        reason=reason,
    )


def _unreadable(
    name: str, rule: Rule, error: BaseException, method: Method | None
) -> Comparison:
    said = getattr(error, "strerror", None) or error
    reason = str(said) or type(error).__name__
    return _not_comparable(name, rule, f"it cannot be read: {reason}", method)
