"""Before the run: see that all can be captured, and what can be said already."""

import shlex
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reverify.capsules.capture.environment import find_program
from reverify.capsules.capture.languages import named_code
from reverify.capsules.capture.listing import list_files
from reverify.capsules.capture.pinning import Pin, pin
from reverify.capsules.capture.place import Place, Target, shown
from reverify.capsules.capture.request import Request
from reverify.capsules.manifest import manifest_of
from reverify.errors import CapsuleError
from reverify.model.capsule import SCHEMA_VERSION, Status
from reverify.model.finding import timestamp
from reverify.services.git import Repository

_TITLE = 200
_SHOWN = 20
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An analysis that can be captured; nothing was written or run yet.

    Attributes:
        program: the file that the command starts.
        inputs: paths of the files to keep as inputs.
        outputs: paths of what the command must write.
        main: the path of the code that is run, if it is a file of the analysis.
        code: paths of the files to keep as code.
        about: what files hold, by their path.
        pin: which commit the code is; None outside of git.
        draft: what the manifest can say already.
    """

    program: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    main: str | None
    code: tuple[str, ...]
    about: Mapping[str, str]
    pin: Pin | None
    draft: Json

    @property
    def loose(self) -> tuple[str, ...]:
        """What of the code is in no commit."""
        return self.pin.loose if self.pin else ()


def prepare(
    request: Request,
    place: Place,
    target: Target,
    repository: Repository | None,
    *,
    now: datetime,
    say: Callable[[str], None],
) -> Prepared:
    """See that an analysis can be captured.

    Raises:
        CapsuleError: it cannot.
        ManifestError: what the user says of it does not fit the schema.
        ServiceError: the repository cannot be read.
    """
    found = find_program(request.command[0], place.folder, request.environ)
    if found is None:
        raise CapsuleError(_no_program(request.command[0], place.folder))
    for word in request.command:
        if shown(word) != word:
            raise CapsuleError(f"{word!r}: is not UTF-8, so it cannot be recorded")
    files = [text for text in request.inputs if not _is_url(text)]
    inputs = place.files_at(files, "--input")
    outputs = [place.path_of(text, "--output") for text in request.outputs]
    if "." in outputs:
        raise CapsuleError("--output names the whole work tree; name files or folders")
    # What is run is code, unless the user names that very file as something else.
    taken = {*(place.path_of(text, "--input") for text in files), *outputs}
    named = _named_code(request, place, taken)
    code = dict.fromkeys((*named, *place.files_at(request.code, "--code")))
    kept = tuple(path for path in code if path not in taken)
    inputs = [path for path in inputs if path not in kept]
    declared = {*inputs, *outputs}
    if target.in_place:
        _refuse_links(place, (*inputs, *kept))
    draft = _draft(request, place, repository, now)
    manifest_of(draft, "the manifest to be")
    pinned = None
    if repository is not None:
        before = list_files(place.root, without=(target.folder,)).files
        pinned = pin(repository, kept, (p for p in before if p not in declared))
        if not request.allow_dirty:
            pinned.require()
    _say_what_is_loose(pinned, kept, say)
    about = {
        place.path_of(path, "--describe"): text
        for path, text in request.descriptions.items()
    }
    return Prepared(
        program=found,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        main=named[0] if named else None,
        code=kept,
        about=about,
        pin=pinned,
        draft=draft,
    )


def _no_program(word: str, folder: Path) -> str:
    """Why a word cannot be run."""
    if "/" in word and (folder / word).is_file():
        return (
            f"{word}: is not executable; chmod +x {word}, or name the program that"
            f" runs it: python3 {word}"
        )
    return f"{word}: no such program"


def _say_what_is_loose(
    pinned: Pin | None, code: Sequence[str], say: Callable[[str], None]
) -> None:
    if pinned is None:
        say("there is no git repository here: no commit pins the code")
    else:
        for text in pinned.loose[:_SHOWN]:
            say(f"not in the commit: {text}")
    if not code:
        say("no file of code is known to the capsule; name some with --code")


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _named_code(request: Request, place: Place, declared: Iterable[str]) -> list[str]:
    """The paths of the code that the command names, what is run first."""
    found: dict[str, None] = {}
    for path in named_code(request.command, place.folder):
        try:
            found[place.path_of(str(path), "the command")] = None
        except CapsuleError:
            continue  # of the machine, not of the analysis
    return [path for path in found if path not in declared]


def _refuse_links(place: Place, paths: Sequence[str]) -> None:
    for path in paths:
        for part in (Path(path), *Path(path).parents):
            if (place.root / part).is_symlink() and str(part) != ".":
                raise CapsuleError(
                    f"{part}: is a link, which cannot be in a capsule; name another"
                    " folder with -o, where what it leads to is copied"
                )


def _draft(
    request: Request, place: Place, repository: Repository | None, now: datetime
) -> Json:
    """What the manifest can say before the run."""
    draft: Json = {
        "schema_version": SCHEMA_VERSION,
        "id": request.id or str(uuid.uuid4()),
        "title": request.title or shlex.join(request.command)[:_TITLE],
        "status": Status.RUNNING,
        "created": timestamp(now),
    }
    if request.description is not None:
        draft["description"] = request.description
    if request.license is not None:
        draft["license"] = request.license
    authors = [dict(author) for author in request.authors]
    if not authors and repository is not None:
        authors = _committer(repository, request.user_settings)
    for author in authors:
        if request.affiliations:
            author["affiliations"] = [dict(item) for item in request.affiliations]
    if authors:
        draft["authors"] = authors
    if request.publisher is not None:
        draft["publisher"] = dict(request.publisher)
    draft["inputs"] = [{"url": text} for text in request.inputs if _is_url(text)]
    draft["run"] = {
        "command": list(request.command),
        "working_directory": place.folder.relative_to(place.root).as_posix(),
        "parameters": dict(request.parameters),
        "environment": {name: request.environ.get(name) for name in request.variables},
    }
    return draft


def _committer(repository: Repository, user_settings: Path) -> list[Json]:
    name, email = repository.person(user_settings)
    if not name:
        return []
    return [{"name": name, **({"email": email} if email else {})}]
