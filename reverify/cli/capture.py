"""`reverify capsule capture` and `reverify capsule commits`."""

import json as json_library
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverify.cli._common import complain, write_file, write_stdout
from reverify.errors import UsageError
from reverify.formats.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverify.capsules.capture import Captured
    from reverify.capsules.commits import Whereabouts
    from reverify.settings import Settings

_SHOWN = 20
_DIGITS = 12
JSON_VERSION = "1.0"


def capture(
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND",
            help="The command and its arguments; all that follows it is its own.",
            show_default=False,
        ),
    ],
    output_folder: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="DIR",
            help="Where the capsule goes: a new or empty folder; or the root of the"
            " work tree itself, and then only capsule.json is written.",
            show_default=False,
        ),
    ],
    *,
    input: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A file or folder that the command reads, or the URL of a file that"
            " is not kept. Repeatable.",
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A file or folder that the command must write. Others that appear or"
            " change are found. Repeatable.",
        ),
    ] = None,
    code: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A file or folder of code to keep, besides the scripts that the"
            " command names. Repeatable.",
        ),
    ] = None,
    describe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=TEXT",
            help="What a file holds: an input, an output, a file of code. Repeatable.",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A parameter of the run; VALUE is JSON if it reads as that, else"
            " text. Repeatable.",
        ),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="An environment variable to write down with its value. Repeatable.",
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="What to call it. [default: the command]")
    ] = None,
    description: Annotated[
        str | None, typer.Option(help="What is done, and why.")
    ] = None,
    license: Annotated[
        str | None,
        typer.Option(metavar="SPDX", help="The licence of the capsule: CC-BY-4.0."),
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME <EMAIL> ORCID'",
            help="Who did it; e-mail address and ORCID iD may be left out. Repeatable."
            " [default: who commits here]",
        ),
    ] = None,
    affiliation: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME <URL> <EMAIL>'",
            help="Where the authors work; the URL may be a ROR id. Repeatable.",
        ),
    ] = None,
    publisher: Annotated[
        str | None,
        typer.Option(metavar="'NAME <URL> <EMAIL>'", help="Who publishes it."),
    ] = None,
    id: Annotated[
        str | None,
        typer.Option(
            metavar="UUID", help="The id of the capsule. [default: a new one]"
        ),
    ] = None,
    allow_dirty: Annotated[
        bool,
        typer.Option(
            "--allow-dirty",
            help="Run it though the code is in no commit, and write that down.",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Write JSON; the output of the command goes to standard error.",
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Nothing of the command, and of us the path of the manifest alone.",
        ),
    ] = False,
) -> int:
    """Run an analysis and write down what it was: a capsule.

    The folder gets capsule.json, the manifest, and copies of all files: inputs as they
    were before the run, outputs, the code that the command names, the packages of its
    Python. In a git work tree it says which commit the code is, and refuses to run what
    is in no commit.

    Exit codes: 0 the command succeeded and the manifest is written; 1 the manifest is
    written, and says what went wrong: the command failed, an output is missing, an
    input was changed; 2 nothing is written; 130 interrupted, nothing is written.
    """
    from reverify.capsules.capture import (  # noqa: PLC0415 - --help stays light
        Request,
        read_description,
        read_organization,
        read_person,
    )
    from reverify.capsules.capture import capture as run  # noqa: PLC0415
    from reverify.capsules.export import RO_CRATE  # noqa: PLC0415
    from reverify.capsules.lacking import lacking  # noqa: PLC0415
    from reverify.services import SystemClock  # noqa: PLC0415

    request = Request(
        command=tuple(command),
        target=output_folder,
        folder=Path.cwd(),
        environ=os.environ,
        user_settings=Path.home() / ".gitconfig",
        inputs=tuple(input or ()),
        outputs=tuple(output or ()),
        code=tuple(code or ()),
        descriptions=dict(read_description(text) for text in describe or ()),
        parameters=_parameters(param or []),
        variables=tuple(env or ()),
        title=title,
        description=description,
        license=license,
        authors=tuple(read_person(text) for text in author or ()),
        affiliations=tuple(
            read_organization(text, "--affiliation") for text in affiliation or ()
        ),
        publisher=read_organization(publisher) if publisher is not None else None,
        id=id.lower() if id is not None else None,
        allow_dirty=allow_dirty,
        standard_input=_standard_input(),
    )
    with _Streams(quiet=quiet, json=json) as streams:
        found = run(
            request,
            clock=SystemClock(),
            streams=streams,
            say=_silent if quiet else complain,
        )
    for problem in found.problems:
        complain(problem)
    if not quiet:
        for note in (*found.notes[:_SHOWN], *lacking(found.manifest, RO_CRATE)):
            complain(note)
    if json:
        _write_json(_essentials(found))
    elif quiet:
        typer.echo(printable(str(found.path)))
    else:
        typer.echo("\n".join(_summary(found)))
    return int(bool(found.problems))


def commits(
    record: Annotated[
        Path,
        typer.Argument(
            metavar="RECORD",
            help="A task record: JSON with completion_shas.",
            show_default=False,
        ),
    ],
    *,
    source: Annotated[
        list[Path],
        typer.Option(
            metavar="REPO",
            help="A git repository of this machine to look in. Repeatable.",
            show_default=False,
        ),
    ],
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write what was found into the record; all else in it stays.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    offline: Annotated[
        bool | None,
        typer.Option("--offline", help="Open no socket; the archive is not asked."),
    ] = None,
    allow_private: Annotated[
        bool | None,
        typer.Option(
            "--allow-private", help="Private and loopback addresses may be contacted."
        ),
    ] = None,
) -> int:
    """Tell where the commits of a task record are.

    Each is reachable from a branch or tag, unreachable (there, until git removes it),
    archived (at Software Heritage alone), or gone. The archive is asked about those
    that no repository has, all at once; where it is not asked, they are unknown.

    Exit codes: 0 all are reachable; 1 some are not, or are no ids of commits; 2 no such
    file or repository; 3 none is known to be lost, yet of some it could not be told.
    """
    from contextlib import ExitStack  # noqa: PLC0415 - --help stays light
    from functools import partial  # noqa: PLC0415

    from reverify.capsules.commits import Place, Record, look_up  # noqa: PLC0415
    from reverify.model.finding import timestamp  # noqa: PLC0415
    from reverify.services import SystemClock  # noqa: PLC0415
    from reverify.services.git import open_repository  # noqa: PLC0415
    from reverify.settings import load_settings  # noqa: PLC0415

    try:
        read = Record(record.read_bytes(), str(record))
    except OSError as error:
        raise UsageError(f"{record}: cannot be read ({error.strerror})") from error
    settings = load_settings({"offline": offline, "allow_private": allow_private})
    with ExitStack() as stack:
        sources = {
            str(path): stack.enter_context(open_repository(path)) for path in source
        }
        ask = None if settings.offline else partial(_ask_archive, settings)
        answers = look_up(read.ids, sources, ask)
    now = SystemClock().now()
    if write:
        write_file(record.resolve(), read.rewritten(answers, now))
    counts = {
        place: sum(answer.place is place for answer in answers) for place in Place
    }
    if json:
        _write_json(
            {
                "schema_version": JSON_VERSION,
                "record": str(record),
                "checked_at": timestamp(now),
                "sources": list(sources),
                "written": write,
                "counts": counts,
                "commits": [answer.to_dict() for answer in answers],
            }
        )
    else:
        lines = [
            f"{answer.id[:_DIGITS]:<{_DIGITS}}  {answer.place:<12}  {answer.reason}"
            for answer in answers
        ]
        typer.echo("\n".join(printable(line) for line in lines or ["no commits"]))
    return _exit_code(answers)


def _ask_archive(settings: "Settings", commits: "Sequence[str]") -> dict[str, bool]:
    """Ask whether the archive holds commits; what it could not tell is left out."""
    from contextlib import closing  # noqa: PLC0415 - --help stays light

    from reverify.runtime import open_archive  # noqa: PLC0415
    from reverify.services.software_heritage import (  # noqa: PLC0415
        CouldNotTell,
        Held,
    )

    with closing(open_archive(settings)) as archive:
        known = archive.known(f"swh:1:rev:{commit}" for commit in commits)
    found = {}
    for commit, answer in zip(commits, known.values(), strict=True):
        if isinstance(answer, CouldNotTell):
            complain(f"{commit}: the archive could not tell: {answer.reason}")
        else:
            found[commit] = isinstance(answer, Held)
    return found


def _exit_code(answers: "Sequence[Whereabouts]") -> int:
    if all(answer.place == "reachable" for answer in answers):
        return 0
    unclear = {answer.place for answer in answers if answer.place.is_unclear}
    certain = {answer.place for answer in answers} - unclear - {"reachable"}
    return 1 if certain else 3


def _standard_input() -> str | None:
    """What the command can read from standard input, unless it is a device or none."""
    try:
        found = os.fstat(0)
    except OSError:  # it is closed
        return None
    if stat.S_ISREG(found.st_mode):
        return "a file" if found.st_size else None
    if stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        return "a pipe"
    return None


def _silent(text: str) -> None:
    del text


class _Streams:
    """Where the output of the command goes, for as long as it runs."""

    def __init__(self, *, quiet: bool, json: bool) -> None:
        self._null = os.open(os.devnull, os.O_WRONLY) if quiet else None
        self._out = self._null if quiet else (2 if json else None)

    def __enter__(self) -> Any:  # noqa: ANN401 - imported where it is used
        from reverify.capsules.capture.running import Streams  # noqa: PLC0415

        sys.stdout.flush()
        return Streams(out=self._out, err=self._null)

    def __exit__(self, *_: object) -> None:
        if self._null is not None:
            os.close(self._null)


def _parameters(texts: list[str]) -> dict[str, Any]:
    from reverify.capsules.capture import read_parameter  # noqa: PLC0415

    found: dict[str, Any] = {}
    for text in texts:
        name, value = read_parameter(text)
        if name in found:
            raise UsageError(f"--param {name}: is given twice")
        found[name] = value
    return found


def _essentials(found: "Captured") -> dict[str, Any]:
    document = found.manifest.document
    code, run = found.manifest.part("code"), found.manifest.part("run")
    return {
        "schema_version": JSON_VERSION,
        "manifest": str(found.path),
        "id": found.manifest.id,
        "title": found.manifest.title,
        "status": found.manifest.status,
        "exit_status": run.get("exit_status"),
        "git_commit": code.get("git_commit"),
        "git_tree_hash": code.get("git_tree_hash"),
        "dirty": code.get("dirty"),
        "inputs": document.get("inputs") or [],
        "outputs": document.get("outputs") or [],
        "code": code.get("files") or [],
        "packages": len(found.manifest.part("environment").get("packages") or ()),
        "not_in_commit": list(found.loose),
        "problems": list(found.problems),
        "notes": list(found.notes),
    }


def _summary(found: "Captured") -> list[str]:
    document = found.manifest.document
    code, run = found.manifest.part("code"), found.manifest.part("run")
    inputs, outputs = document.get("inputs") or (), document.get("outputs") or ()
    commit = code.get("git_commit")
    pinned = f"commit {commit}" if commit else "no commit"
    if code.get("dirty"):
        pinned += f", dirty ({len(found.loose)} not in it)"
    files = _count(code.get("files") or (), "file")
    counts = f"{_count(inputs, 'input')}, {_count(outputs, 'output')}, {files} of code"
    lines = [
        str(found.path),
        f"  {found.manifest.title}",
        f"  {found.manifest.status}, exit status {run.get('exit_status')}",
        f"  {counts}",
        f"  {pinned}",
    ]
    return [printable(line) for line in lines]


def _count(items: Any, word: str) -> str:  # noqa: ANN401 - of whatever
    return f"{len(items):,} {word}{'' if len(items) == 1 else 's'}"


def _write_json(document: Any) -> None:  # noqa: ANN401 - whatever JSON has
    text = json_library.dumps(document, indent=2, ensure_ascii=True)
    write_stdout(f"{text}\n".encode())
