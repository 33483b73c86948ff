"""`reverify swhid`: compute SWHIDs, and compare with one."""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from reverify.cli._common import EXIT_USAGE, complain, gravest, write_stdout
from reverify.errors import ServiceError, UsageError
from reverify.formats.escape import printable
from reverify.model.swhid import TYPES, InvalidSwhid, Swhid, qualified, read_swhid

if TYPE_CHECKING:
    from reverify.crates.swhids import Identified, Ways

_UNDETERMINED = 3
_OF_REPOSITORIES = ("rev", "rel", "snp")
_LONGEST = 1 << 17
_AUTO = "auto"


class _Asked(NamedTuple):
    """What is to be computed of each path."""

    type: str | None
    ref: str | None
    ways: "Ways"
    empty_directories: bool
    dereference: bool


class _Context(NamedTuple):
    """Where the object is said to be seen; `auto` where git shall say it."""

    origin: str | None
    visit: str | None
    anchor: str | None
    path: str | None
    lines: str | None
    bytes: str | None


def swhid(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="File, folder, or git repository; - reads standard input.",
            show_default=False,
        ),
    ],
    *,
    type: Annotated[
        str | None,
        typer.Option(
            "--type",
            "-t",
            metavar="TYPE",
            help="cnt, dir; of a git repository rev, rel, snp. [default: cnt for a"
            " file, dir for a folder]",
        ),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Branch, tag, HEAD or id: the commit to look in, not the work tree."
            " [default: HEAD for --type rev]",
        ),
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(
            metavar="SWHID", help="Compare with this: exit code 0 if equal, 1 if not."
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="URL|auto", help="Qualify: the address of the repository."
        ),
    ] = None,
    visit: Annotated[
        str | None,
        typer.Option(metavar="SWHID", help="Qualify: the snapshot it was seen in."),
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            metavar="SWHID|auto",
            help="Qualify: where --path starts; auto takes the commit of the"
            " repository, and the path in it, and sees that the object is there.",
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(metavar="/PATH", help="Qualify: the path from the anchor."),
    ] = None,
    lines: Annotated[
        str | None, typer.Option(metavar="N[-M]", help="Qualify: lines, from 1.")
    ] = None,
    bytes: Annotated[
        str | None, typer.Option(metavar="N[-M]", help="Qualify: bytes, from 0.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            "-x",
            metavar="PATTERN",
            help="Leave out what has this name ('*.o') or path ('build/*.o').",
        ),
    ] = None,
    empty_directories: Annotated[
        bool,
        typer.Option(
            "--empty-directories",
            help="Count empty folders, as Software Heritage's own tool does and git"
            " does not.",
        ),
    ] = False,
    include_git: Annotated[
        bool, typer.Option("--include-git", help="Count what is named .git too.")
    ] = False,
    no_submodules: Annotated[
        bool,
        typer.Option(
            "--no-submodules",
            help="Count the files of a repository inside, not its commit as git does.",
        ),
    ] = False,
    dereference: Annotated[
        bool,
        typer.Option("--dereference", help="Follow PATH if it is a link itself."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", help="How many files to read at once.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No talk.")] = False,
) -> int:
    """Compute the SWHIDs of files, folders, git commits, tags and snapshots.

    One line for each PATH: identifier, tab, path. Ids are those of git: a link is its
    text, the owner's executable bit counts, empty folders do not.

    Exit codes: 0 computed, or equal to --verify; 1 not equal; 2 usage or no such
    input; 3 something could not be read.
    """
    from reverify.crates.swhids import Ways  # noqa: PLC0415 - --help stays light
    from reverify.settings import load_settings  # noqa: PLC0415

    if type is not None and type not in TYPES:
        raise UsageError(f"--type {type}: there is none; there are {', '.join(TYPES)}")
    ways = Ways(
        exclude=tuple(exclude or ()),
        dot_git=include_git,
        submodules=not no_submodules,
        jobs=load_settings({"jobs": jobs}).jobs,
    )
    asked = _Asked(type, ref, ways, empty_directories, dereference)
    context = _Context(origin, visit, anchor, path, lines, bytes)
    _refuse_nonsense(paths, asked, context, verify)
    if verify is not None:
        return _verify(paths, verify, asked, json=json, quiet=quiet)
    return _show(paths, asked, context, json=json, quiet=quiet)


def _refuse_nonsense(
    paths: Sequence[str], asked: _Asked, context: _Context, verify: str | None
) -> None:
    """Refuse options that contradict each other."""
    if paths.count("-") > 1:
        raise UsageError("standard input can be read once only")
    if len(paths) > 1 and (context.path or verify):
        option = "--verify" if verify else "--path"
        raise UsageError(f"{option} is about one PATH; {len(paths)} are given")
    if verify and any(context):
        raise UsageError("--verify compares the core; leave the qualifiers out")
    if asked.type == "snp" and asked.ref:
        raise UsageError("a snapshot is of all references; leave --ref out")
    if asked.type == "rel" and not asked.ref:
        raise UsageError("a release is an annotated tag: name it with --ref")
    if "-" in paths and (asked.ref or asked.type not in {None, "cnt"}):
        raise UsageError("standard input is a content: no --ref, no other --type")


# -- computing ---------------------------------------------------------------------


def _computed(
    paths: Sequence[str], asked: _Asked
) -> Iterator[tuple[str, "Identified | UsageError"]]:
    """What each path gives, in order; files are read several at a time."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - light

    pool = ThreadPoolExecutor(asked.ways.jobs)
    try:
        ahead = {
            index: pool.submit(_compute, path, asked)
            for index, path in enumerate(paths)
            if len(paths) > 1 and _is_plain(path, asked)
        }
        for index, path in enumerate(paths):
            try:
                task = ahead.pop(index, None)
                yield path, task.result() if task else _compute(path, asked)
            except UsageError as error:
                yield path, error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _is_plain(path: str, asked: _Asked) -> bool:
    """Whether it is a file, and not a folder, which has processes of its own."""
    of_git = asked.ref or asked.type in _OF_REPOSITORIES
    return not of_git and path != "-" and os.path.isfile(path)  # noqa: PTH113


def _compute(path: str, asked: _Asked) -> "Identified":
    """Compute one identifier.

    Raises:
        UsageError: there is nothing of the kind that is asked for.
    """
    from reverify.crates.swhids import (  # noqa: PLC0415 - --help stays light
        Identified,
        identify,
        identify_stream,
    )

    try:
        if path == "-":
            found = Identified(identify_stream(sys.stdin.buffer))
        elif asked.ref or asked.type in _OF_REPOSITORIES:
            found = Identified(_of_repository(path, asked))
        else:
            found = identify(
                path,
                asked.ways,
                empty_directories=asked.empty_directories,
                dereference=asked.dereference,
            )
    except ServiceError as error:
        return Identified(None, (f"{path}: {error}",))
    except OSError as error:
        return Identified(None, (f"{path}: cannot be read ({error.strerror})",))
    if found.swhid and asked.type not in {None, found.swhid.type}:
        raise UsageError(
            f"{path}: is a {TYPES[found.swhid.type]} ({found.swhid.type}), not a"
            f" {TYPES[str(asked.type)]} ({asked.type})"
        )
    return found


def _of_repository(path: str, asked: _Asked) -> Swhid:
    from reverify.crates.swhids import repositories  # noqa: PLC0415 - brings git

    if asked.type == "rev":
        return repositories.identify_revision(path, asked.ref or repositories.HEAD)
    if asked.type == "snp":
        return repositories.identify_snapshot(path)[0]
    if asked.type == "rel":
        return repositories.identify_release(path, str(asked.ref))
    return repositories.identify_at(path, str(asked.ref))


def _qualify(path: str, found: Swhid, asked: _Asked, context: _Context) -> Swhid:
    """Add what the user says of where it was seen.

    Raises:
        UsageError: a qualifier makes no sense, or git does not agree.
        ServiceError: a repository cannot be read.
    """
    if not any(value is not None for value in context):
        return found
    from reverify.crates.swhids import repositories  # noqa: PLC0415 - brings git

    origin, visit, anchor, inside, lines, bytes = context
    start: Swhid | None = None
    if anchor is not None and found.type not in {"cnt", "dir"}:
        raise UsageError(f"{path}: a {TYPES[found.type]} lies at no path of an anchor")
    if origin == _AUTO:
        origin = repositories.origin_of(path)
    if anchor == _AUTO and path == "-":
        raise UsageError("standard input lies in no repository; give --anchor SWHID")
    if anchor == _AUTO:
        stand = repositories.stand_of(path, found, asked.ref or repositories.HEAD)
        if inside not in {None, stand.path}:
            raise UsageError(f"{path}: lies at {stand.path}, not at {inside}")
        start, inside = stand
    elif anchor is not None:
        start = _core(anchor, "--anchor")
    try:
        return qualified(
            found,
            origin=origin,
            visit=None if visit is None else _core(visit, "--visit"),
            anchor=start,
            path=inside,
            lines=lines,
            bytes=bytes,
        )
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def _core(text: str, option: str) -> Swhid:
    """Read a core identifier.

    Raises:
        UsageError: it is none.
    """
    found = read_swhid(text)
    if isinstance(found, InvalidSwhid):
        raise UsageError(f"{option} {text!r} is no SWHID: {found.reason}")
    if found.qualifiers or found.remarks:
        raise UsageError(f"{option} {text!r} must be a core SWHID, as {found.core}")
    return found


# -- saying ------------------------------------------------------------------------


def _show(
    paths: Sequence[str],
    asked: _Asked,
    context: _Context,
    *,
    json: bool,
    quiet: bool,
) -> int:
    codes, rows = [], []
    for path, answer in _computed(paths, asked):
        found: Swhid | None = None
        problems: tuple[str, ...] = ()
        remarks: tuple[str, ...] = ()
        code = 0
        try:
            if isinstance(answer, UsageError):
                raise answer
            found, problems, remarks, _ = answer
            if found is not None:
                found = _qualify(path, found, asked, context)
        except UsageError as error:
            found, problems, code = None, (str(error),), EXIT_USAGE
        except ServiceError as error:
            found, problems = None, (f"{path}: {error}",)
        codes.append(code or (_UNDETERMINED if found is None else 0))
        _talk(path, problems, remarks, asked, quiet=quiet)
        if json:
            rows.append(_row(path, found, problems, remarks))
        elif found is not None:
            write_stdout(f"{found}\t{_printable(path)}\n".encode())
    if json:
        _write_json({"objects": rows})
    return gravest(codes)


def _verify(
    paths: Sequence[str], text: str, asked: _Asked, *, json: bool, quiet: bool
) -> int:
    expected = read_swhid(text)
    if isinstance(expected, InvalidSwhid):
        raise UsageError(f"--verify {text!r} is no SWHID: {expected.reason}")
    if asked.type is None and expected.type in _OF_REPOSITORIES:
        asked = asked._replace(type=expected.type)
        _refuse_nonsense(paths, asked, _Context(*[None] * 6), text)
    ((path, answer),) = _computed(paths, asked)
    if isinstance(answer, UsageError):
        raise answer
    found, problems, remarks, _ = answer
    remarks += tuple(f"--verify: {remark}" for remark in expected.remarks)
    if expected.qualifiers:
        remarks += ("--verify: the core is compared, not the qualifiers",)
    outcome, code, reason = _compare(path, expected, answer, asked)
    _talk(path, problems, remarks, asked, quiet=quiet)
    if json:
        row = _row(path, found, problems, remarks)
        verification = {
            "expected": expected.core,
            "computed": found.core if found else None,
            "outcome": outcome,
            "reason": reason,
        }
        _write_json({"objects": [row], "verification": verification})
    else:
        computed = found.core if found else "none"
        said = f"expected  {expected.core}\ncomputed  {computed}\n{outcome}: {reason}\n"
        write_stdout(said.encode())
    return code


def _compare(
    path: str, expected: Swhid, answer: "Identified", asked: _Asked
) -> tuple[str, int, str]:
    """Outcome, exit code, and a sentence."""
    found, name = answer.swhid, _printable(path)
    if found is None:
        return "undetermined", _UNDETERMINED, f"{name} could not be read"
    if found.core == expected.core:
        return "confirmed", 0, f"{name} is what the SWHID names"
    if found.type != expected.type:
        is_, named = TYPES[found.type], TYPES[expected.type]
        return "refuted", 1, f"{name} is a {is_}, the SWHID names a {named}"
    advice = ""
    if answer.folder is not None:
        other = not asked.empty_directories
        if answer.folder.swhid(empty_directories=other).core == expected.core:
            advice = (
                "; it is if empty folders count (--empty-directories)"
                if other
                else "; it is without --empty-directories"
            )
    return "refuted", 1, f"{name} is not what the SWHID names{advice}"


def _talk(
    path: str,
    problems: Sequence[str],
    remarks: Sequence[str],
    asked: _Asked,
    *,
    quiet: bool,
) -> None:
    """Say what went wrong, and unless it shall be quiet what was odd."""
    for problem in problems:
        complain(problem)
    if quiet:
        return
    for remark in remarks:
        complain(remark)
    of_git = asked.ref or asked.type in _OF_REPOSITORIES
    if not (of_git or asked.dereference) and os.path.islink(path):  # noqa: PTH114
        complain(
            f"{path}: is a link, and this is its text, as git has it; --dereference"
            " follows it"
        )


def _row(
    path: str,
    found: Swhid | None,
    problems: Sequence[str],
    remarks: Sequence[str],
) -> dict[str, object]:
    return {
        "path": path,
        "swhid": str(found) if found else None,
        "core": found.core if found else None,
        "type": found.type if found else None,
        "problems": list(problems),
        "remarks": list(remarks),
    }


def _write_json(document: dict[str, object]) -> None:
    from reverify.formats.json import dumps  # noqa: PLC0415 - --help stays light

    write_stdout(dumps({"schema_version": "1.0", **document}))


def _printable(path: str) -> str:
    return printable(path, _LONGEST)
