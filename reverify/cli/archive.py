"""`reverify archive`: is the code at Software Heritage, and how does it get there?"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverify.cli._common import (
    EXIT_USAGE,
    complain,
    gravest,
    write_file,
    write_stdout,
)
from reverify.errors import CapsuleError, ReverifyError, ServiceError, UsageError
from reverify.formats.escape import printable

if TYPE_CHECKING:
    from reverify.archiving.looking import Found, Looker, OriginFound
    from reverify.archiving.saving import Saving
    from reverify.archiving.subjects import Subject
    from reverify.services.software_heritage import Archive
    from reverify.settings import Settings

JSON_VERSION = "1.0"
_CODES = {"held": 0, "not-held": 1, "undetermined": 3}
_MARKS = {"held": "+", "not-held": "-", "undetermined": "?"}
_SHOWN = 20
_LONGEST = 60


def archive(
    locations: Annotated[
        list[str],
        typer.Argument(
            metavar="LOCATION",
            help="A crate, a capsule (manifest, folder or id), a git repository of this"
            " machine, or the address of one.",
            show_default=False,
        ),
    ],
    *,
    save: Annotated[
        bool,
        typer.Option(
            "--save",
            help="Ask for origins to be saved that the archive lacks, or whose code it"
            " lacks: a write to a public archive.",
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="Wait until requests to save are over, and look again."
        ),
    ] = False,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write into the manifest of a capsule under which origin and snapshot"
            " its commit was seen.",
        ),
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Ask again about what was not there when last asked."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    offline: Annotated[
        bool | None,
        typer.Option("--offline", help="Open no socket; kept answers alone count."),
    ] = None,
    allow_private: Annotated[
        bool | None,
        typer.Option(
            "--allow-private", help="Private and loopback addresses may be contacted."
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Wait at most so long: 10m. [default: 1h]"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No talk on standard error.")
    ] = False,
) -> int:
    """Tell whether code is archived at Software Heritage, and under which SWHID.

    All that the locations name is asked about at once: commits, trees, included files,
    and where they are from. The qualified SWHIDs can be copied into a crate.

    Exit codes: 0 all is held, 1 something is not, 2 usage or no such location, 3 it
    could not be told: the archive does not answer, or nothing names any code.
    """
    from reverify.archiving.looking import Looker  # noqa: PLC0415 - --help stays light
    from reverify.runtime import open_archive, web  # noqa: PLC0415
    from reverify.settings import load_settings  # noqa: PLC0415

    settings = load_settings(
        {"offline": offline, "allow_private": allow_private, "max_time": max_time}
    )
    if settings.offline and (save or wait):
        raise UsageError("--save and --wait need the archive, and we are offline")
    say = _silent if quiet else complain
    http = None if settings.offline else web(settings)
    subjects, codes = _read(locations, settings, http)
    if not subjects:
        return gravest(codes)
    with contextlib.closing(open_archive(settings, http)) as asked:
        looker = Looker(asked, offline=settings.offline)
        found = looker.look_up(subjects, fresh=fresh or save or wait)
        savings: list[Saving] = []
        if save or wait:
            found, savings = _save(
                asked, looker, found, settings, save=save, wait=wait, say=say
            )
        base = asked.base
    written, failures = _write(found, settings) if write else ({}, [])
    for reason in failures:
        complain(reason)
        codes.append(EXIT_USAGE)
    codes += [_CODES[each.state] for each in found]
    if json:
        _write_json(base, found, savings, written)
    else:
        write_stdout("\n".join(_lines(found, savings, written)).encode() + b"\n")
    return gravest(codes)


def _read(
    locations: Sequence[str],
    settings: "Settings",
    http: Any,  # noqa: ANN401
) -> tuple[list["Subject"], list[int]]:
    """Read all locations; of those that cannot be read, the exit codes."""
    from reverify.archiving.reading import read_subjects  # noqa: PLC0415
    from reverify.crates.limits import Limits  # noqa: PLC0415

    limits = Limits(
        total_bytes=settings.max_bytes, seconds=settings.max_time, jobs=settings.jobs
    )
    subjects: list[Subject] = []
    codes: list[int] = []
    for location in locations:
        try:
            subjects += read_subjects(location, settings, http, limits)
        except ServiceError as error:
            complain(str(error))
            codes.append(_CODES["undetermined"])
        except ReverifyError as error:
            complain(str(error))
            codes.append(EXIT_USAGE)
    return subjects, codes


def _save(
    asked: "Archive",
    looker: "Looker",
    found: list["Found"],
    settings: "Settings",
    *,
    save: bool,
    wait: bool,
    say: Any,  # noqa: ANN401 - takes a text
) -> tuple[list["Found"], list["Saving"]]:
    """Ask for what is missing to be saved, and wait for it, as far as is wished."""
    from reverify.archiving.saving import (  # noqa: PLC0415 - --help stays light
        ask_to_save,
        find_requests,
        follow,
    )

    missing = [origin for each in found for origin in each.missing]
    if not missing:
        return found, []
    savings = (ask_to_save if save else find_requests)(asked, missing)
    if wait:
        for each in savings:
            if not each.over:
                say(f"waiting for {each.origin} to be saved: {each.word}")
        savings = follow(asked, savings, seconds=settings.max_time, say=say)
        if any(each.request and each.over for each in savings):
            subjects = [each.subject for each in found]
            found = looker.look_up(subjects, fresh=True, changed=missing)
    return found, savings


def _write(
    found: Sequence["Found"], settings: "Settings"
) -> tuple[dict[str, str], list[str]]:
    """Write into the manifests of capsules what was seen of their code.

    Returns:
        what was written, by location, and why something was not.
    """
    written: dict[str, str] = {}
    failures = []
    for each in found:
        location = each.subject.location
        try:
            if each.subject.kind != "capsule":
                reason = f"{location}: is no capsule, so nothing is written into it"
                failures.append(reason)
                continue
            if told := _write_one(each, settings):
                written[location] = told
        except (CapsuleError, UsageError) as error:
            failures.append(str(error))
    return written, failures


def _write_one(found: "Found", settings: "Settings") -> str:
    from reverify.archiving.writing import (  # noqa: PLC0415 - --help stays light
        archived_in,
        with_archive,
    )
    from reverify.capsules.opening import open_capsule  # noqa: PLC0415

    location = found.subject.location
    values = next(filter(None, map(archived_in, found.codes)), {})
    if not values:
        complain(
            f"{location}: nothing is written, since the archive was not seen to have"
            " found the commit at an origin"
        )
        return ""
    with open_capsule(location, settings) as capsule:
        code = capsule.manifest.part("code")
        if all(code.get(key) == value for key, value in values.items()):
            return "says so already"
        made = with_archive(capsule.manifest, values)
        if capsule.file is not None:
            write_file(capsule.file.resolve(), made.data)
            return str(capsule.file)
    from reverify.capsules.registry import open_registry  # noqa: PLC0415

    with open_registry(settings) as registry:
        return registry.revise(registry.resolve(location), made).name


# -- for people ------------------------------------------------------------------------


def _lines(
    found: Sequence["Found"], savings: Sequence["Saving"], written: dict[str, str]
) -> Iterator[str]:
    for number, each in enumerate(found):
        if number:
            yield ""
        for line in _told(each):
            yield printable(line, 1000)
        if each.subject.location in written:
            yield printable(f"  written   {written[each.subject.location]}", 1000)
    if savings:
        yield ""
        missing = {origin for each in found for origin in each.missing}
        yield from (printable(line, 1000) for line in _saved(savings, missing))
    if len(found) > 1:
        counts = {word: sum(each.state == word for each in found) for word in _CODES}
        yield ""
        yield (
            f"{len(found):,} locations: {counts['held']:,} held,"
            f" {counts['not-held']:,} not held,"
            f" {counts['undetermined']:,} could not be told"
        )


_WORDS = {
    "held": "ARCHIVED",
    "not-held": "NOT ARCHIVED",
    "undetermined": "COULD NOT BE TOLD",
}


def _told(found: "Found") -> Iterator[str]:
    subject = found.subject
    yield f"{subject.location}  ({subject.kind})"
    yield f"  {_WORDS[found.state]}{_summary(found)}"
    reasons = dict.fromkeys(each.reason for each in found.objects if each.reason)
    yield from (f"  {reason}" for reason in reasons)
    for each in found.objects[:_SHOWN]:
        of = each.named.of if len(each.named.of) <= _LONGEST else ""
        line = f"  {_MARKS[each.state]} {each.named.what:<9} {each.named.swhid}  {of}"
        yield line.rstrip()
    if len(found.objects) > _SHOWN:
        yield f"    and {len(found.objects) - _SHOWN:,} more; --json shows all"
    for origin in found.origins:
        yield from _told_of_origin(origin, reasons)
    for code in found.codes:
        if code.seen is not None:
            how = "at" if code.seen.is_tip else "before"
            yield (
                f"  since     {code.seen.since}, as commit {code.code.commit[:12]}"
                f" {how} {code.seen.branch}"
            )
    yield from (f"  ? {reason}" for reason in subject.unasked)
    yield from (f"  ! {remark}" for remark in subject.remarks)
    identifiers = [swhid for code in found.codes for swhid in code.swhids]
    if identifiers:
        yield "  to write down:"
        yield from (f"    {swhid}" for swhid in dict.fromkeys(identifiers))


def _summary(found: "Found") -> str:
    total = len(found.objects)
    if not total:
        return "" if found.origins else ": it names no code that could be asked about"
    held = sum(each.state == "held" for each in found.objects)
    return f": {held:,} of {total:,} objects are held"


def _told_of_origin(origin: "OriginFound", known: Collection[str]) -> Iterator[str]:
    mark = _MARKS[origin.state]
    spelled = f", known as {origin.url}" if origin.url not in {"", origin.asked} else ""
    yield f"  {mark} origin    {origin.asked}{spelled}"
    if origin.last is not None:
        visit = origin.last
        yield (
            f"              visit {visit.number} of {visit.date}, {visit.status}:"
            f" swh:1:snp:{visit.snapshot}"
        )
    elif origin.reason and origin.reason not in known:
        yield f"              {origin.reason}"


_SAVED = {
    "accepted": "the archive has accepted the request",
    "pending": "a person at the archive will look at the request",
    "rejected": "the archive has rejected the request",
    "refused": "refused",
    "not-requested": "nobody has asked for it to be saved; --save does",
    "undetermined": "it could not be asked for",
}


def _saved(savings: Sequence["Saving"], missing: Collection[str]) -> Iterator[str]:
    for each in savings:
        yield f"save {each.origin}"
        task = ""
        if each.request is not None:
            task = f" (request {each.request.id}, {each.request.task}"
            task += (
                f", {each.request.visit_status}" if each.request.visit_status else ""
            )
            task += ")"
        why = f": {each.reason}" if each.reason else ""
        yield f"  {_SAVED.get(each.word, each.word)}{task}{why}"
        if each.request and each.request.visit_status == "not_found":
            yield "  it found no repository there: is it public, and its address right?"
        elif each.request and each.request.over and each.origin in missing:
            yield "  code is missing still: was the commit pushed there?"


# -- for programs ----------------------------------------------------------------------


def _write_json(
    base: str,
    found: Sequence["Found"],
    savings: Sequence["Saving"],
    written: dict[str, str],
) -> None:
    from reverify.formats.json import dumps  # noqa: PLC0415 - --help stays light

    states = [each.state.value for each in found]
    outcome = next(
        word for word in ("not-held", "undetermined", "held") if word in states
    )
    document = {
        "schema_version": JSON_VERSION,
        "archive": base,
        "state": outcome,
        "locations": [
            _location(each, written.get(each.subject.location)) for each in found
        ],
        "savings": [_saving(each) for each in savings],
    }
    write_stdout(dumps(document))


def _location(found: "Found", written: str | None) -> dict[str, Any]:
    subject = found.subject
    return {
        "location": subject.location,
        "kind": subject.kind.value,
        "state": found.state.value,
        "objects": [
            {
                "swhid": each.named.swhid,
                "what": each.named.what,
                "of": each.named.of or None,
                "state": each.state.value,
                "reason": each.reason or None,
                "asked_at": each.at or None,
            }
            for each in found.objects
        ],
        "origins": [_origin(each) for each in found.origins],
        "codes": [
            {
                "origin": code.code.origin or None,
                "commit": code.code.commit or None,
                "tree": code.tree or code.code.tree or None,
                "seen": None
                if code.seen is None
                else {
                    "visit": code.seen.visit.number,
                    "date": code.seen.visit.date,
                    "snapshot": f"swh:1:snp:{code.seen.visit.snapshot}",
                    "branch": code.seen.branch,
                    "is_tip": code.seen.is_tip,
                    "since": code.seen.since,
                },
                "swhids": list(code.swhids),
            }
            for code in found.codes
        ],
        "unasked": list(subject.unasked),
        "remarks": list(subject.remarks),
        "written": written,
    }


def _origin(origin: "OriginFound") -> dict[str, Any]:
    visit = origin.last
    return {
        "url": origin.asked,
        "known_as": origin.url or None,
        "state": origin.state.value,
        "reason": origin.reason or None,
        "last_visit": None
        if visit is None
        else {
            "visit": visit.number,
            "date": visit.date,
            "status": visit.status,
            "snapshot": f"swh:1:snp:{visit.snapshot}",
        },
    }


def _saving(saving: "Saving") -> dict[str, Any]:
    request = saving.request
    return {
        "origin": saving.origin,
        "answer": saving.word,
        "reason": saving.reason or None,
        "request": None
        if request is None
        else {
            "id": request.id,
            "date": request.date,
            "status": request.status,
            "task": request.task,
            "visit_status": request.visit_status,
            "visit_date": request.visit_date,
            "snapshot": request.snapshot,
        },
    }


def _silent(text: str) -> None:
    del text
