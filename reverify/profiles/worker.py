"""Runs roc-validator on one crate: in a process that is thrown away after it.

`forking.py` loads the engine and forks; what is here happens in the fork, but for
`load`. Everything that roc-validator and rdflib keep for a whole process is set here,
and dies with it.
"""

import contextlib
import functools
import gc
import io
import json
import os
import resource
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from reverify.crates.contexts import OFFICIAL, terms_of
from reverify.profiles.prepared import Preparation

Json = dict[str, Any]
CONTEXTS: dict[str, Json] = {}
OFFLINE_MISS = 504
_FOUND = 200


class Request(NamedTuple):
    """What is asked of the engine; nothing in it comes from the crate.

    Attributes:
        folder: of ours. `crate` in it is laid out to be judged, and the answers go into
            `answers` beside it: a line of JSON for each run, `{"profile", "checks",
            "issues", "error"}`.
        runs: the ids of the profiles to judge, one after the other.
        contexts: the addresses of the official contexts that may be asked for.
        extra_profiles: a folder of profiles beyond the engine's own; empty for none.
        metadata_only: the files of the crate are not there to be looked at.
        detached: the only file in `crate` is the document of a detached crate.
        memory: bytes.
        seconds: of processor time.
    """

    folder: str
    runs: tuple[str, ...]
    contexts: tuple[str, ...]
    extra_profiles: str = ""
    metadata_only: bool = False
    detached: bool = False
    memory: int = 4 << 30
    seconds: float = 180


class _Response:
    """As much of an HTTP response as the engine looks at."""

    def __init__(self, status: int, text: str, url: str) -> None:
        self.status_code = status
        self.text = text
        self.content = text.encode()
        self.url = url
        self.headers = {"Content-Type": "application/ld+json"}
        self.ok = status == _FOUND

    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        if not self.ok:
            raise RuntimeError(f"{self.url}: not fetched, since we are offline")


class _Door:
    """Stands where the engine keeps its HTTP client; knows bundled contexts only."""

    offline = True
    no_cache = False
    session = None

    def get(self, url: str, *_: object, **__: object) -> _Response:
        document = CONTEXTS.get(str(url))
        if document is None:
            return _Response(OFFLINE_MISS, "", str(url))
        return _Response(_FOUND, json.dumps(document), str(url))

    head = get
    fetch_fresh = get

    def has_cached(self, url: str) -> bool:
        return url in CONTEXTS

    @classmethod
    def initialize_cache(cls, **_: object) -> None:
        """There is none."""


def _no_socket(*_: object, **__: object) -> NoReturn:
    raise OSError("no socket is opened while profiles are judged")


class Engine(NamedTuple):
    """The engine, loaded.

    Attributes:
        services: its services module.
        preparation: what it keeps of profiles.
    """

    services: Any
    preparation: Preparation


def load() -> Engine:
    """Import the engine, and shut its doors."""
    from rdflib import plugin  # noqa: PLC0415
    from rdflib.plugins.shared.jsonld import context, util  # noqa: PLC0415
    from rdflib.query import Processor  # noqa: PLC0415

    plugin.register("sparql", Processor, "reverify.profiles.faster", "CachingProcessor")
    from rocrate_validator.utils import document_loader, http  # noqa: PLC0415

    door = _Door()

    class Requester:
        """Takes the place of the engine's singleton."""

        _instance = door

        def __new__(cls, *_: object, **__: object) -> Any:  # noqa: ANN401
            return door

        initialize_cache = _Door.initialize_cache

    http.HttpRequester = Requester
    document_loader.install_document_loader = lambda: True

    def source_to_json(source: Any, *_: object, **__: object) -> tuple[Any, Any]:  # noqa: ANN401
        if isinstance(source, (dict, list)):
            return source, None
        if isinstance(source, str) and source in CONTEXTS:
            return CONTEXTS[source], None
        if hasattr(source, "data") or hasattr(source, "getByteStream"):
            found: tuple[Any, Any] = original(source, *_, **__)
            return found
        raise OSError(f"{source!r}: only bundled contexts are read")

    original = util.source_to_json
    util.source_to_json = source_to_json
    context.source_to_json = source_to_json
    from rocrate_validator import rocrate, services  # noqa: PLC0415

    _keep_inside(rocrate.ROCrate)
    _import_check_modules()
    for method in ("connect", "connect_ex", "bind", "sendto"):
        setattr(socket.socket, method, _no_socket)
    socket.getaddrinfo = _no_socket
    return Engine(services, Preparation())


def _keep_inside(crate: Any) -> None:  # noqa: ANN401
    """Let the engine look for files below the crate's folder only."""

    def guarded(look: Any) -> Any:  # noqa: ANN401
        def inside(self: Any, path: Any) -> bool:  # noqa: ANN401
            root = os.path.abspath(str(self.uri))  # noqa: PTH100 - no file is asked
            place = os.path.abspath(os.path.join(root, str(path)))  # noqa: PTH100, PTH118
            return place.startswith((root + "/", root)) and look(self, path)

        return inside

    crate.has_file = guarded(crate.has_file)
    crate.has_directory = guarded(crate.has_directory)


def _import_check_modules() -> None:
    """Import what the engine would import at its first use, while nobody waits."""
    from rdflib.plugins.parsers import jsonld  # noqa: PLC0415

    from reverify.profiles import faster  # noqa: PLC0415

    with contextlib.suppress(ImportError):
        import pyshacl.validate  # noqa: F401, PLC0415
        from rocrate_validator.requirements import python, shacl  # noqa: F401, PLC0415

    faster.quicken()
    del jsonld


def run(engine: Engine, profile: str, request: Request, *, keep: bool = False) -> Json:
    """Judge one crate under one profile.

    Args:
        engine: the engine.
        profile: its id of the profile.
        request: where the crate is.
        keep: whether to keep what is read of the profile.
    """
    from rocrate_validator.models import ValidationSettings  # noqa: PLC0415

    folder, extra = Path(request.folder) / "crate", request.extra_profiles
    (place,) = folder.iterdir() if request.detached else [folder]
    settings = ValidationSettings(
        rocrate_uri=str(place),
        metadata_only=request.metadata_only,
        profile_identifier=profile,
        requirement_severity="OPTIONAL",
        disable_remote_crate_download=True,
        skip_availability_check=True,
        offline=True,
        cache_path=folder.parent / "cache",
        extra_profiles_path=Path(extra) if extra else None,
    )
    engine.preparation.use((profile, extra), keep=keep)
    result = engine.services.validate(settings)
    context = result.context
    here, above = str(folder), str(folder.parent)

    def identity(check: Any) -> Json:  # noqa: ANN401
        known = context.effective_check_provenance(check)
        return {
            "profile": known.profile.identifier,
            "name": check.name,
            "severity": check.severity.name,
            "file": Path(check.requirement.path or "").name,
            "hidden": bool(check.requirement.hidden),
        }

    def clean(text: Any) -> str | None:  # noqa: ANN401
        if text is None:
            return None
        plain = str(text).replace(f"file://{here}/", "").replace(f"{here}/", "")
        return plain.replace(f"file://{above}/", "../").replace(f"{above}/", "../")

    failed = {id(issue.check) for issue in result.get_issues()}
    skipped = {id(check) for check in result.skipped_checks}
    return {
        "profile": profile,
        "checks": [
            identity(check) | {"skipped": id(check) in skipped}
            for check in {*result.executed_checks, *result.skipped_checks}
            if id(check) not in failed
        ],
        "issues": [
            identity(issue.check)
            | {
                "message": clean(issue.message) or "",
                "entity": clean(issue.violatingEntity),
                "property": clean(issue.violatingProperty),
                "value": clean(issue.violatingPropertyValue),
            }
            for issue in result.get_issues()
        ],
        "error": "",
    }


def confine(request: Request) -> None:
    """Take no more memory and processor time than a request allows."""
    resource.setrlimit(resource.RLIMIT_AS, (request.memory, request.memory))
    seconds = int(request.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))


def offer(contexts: Sequence[str]) -> None:
    """Let the engine have these official contexts, and no others."""
    CONTEXTS.clear()
    CONTEXTS.update({url: _context(OFFICIAL[url]) for url in contexts})


def answer(engine: Engine, request: Request) -> None:
    """Judge a crate by each profile, and write down the answers."""
    offer(request.contexts)
    gc.set_threshold(50_000, 20, 50)
    with (Path(request.folder) / "answers").open("w", encoding="utf-8") as answers:
        for profile in request.runs:
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    said = run(engine, profile, request)
            except Exception as error:  # noqa: BLE001 - it raises whatever it likes
                text = f"{type(error).__name__}: {error}"[:2000]
                said = {"profile": profile, "checks": [], "issues": [], "error": text}
            answers.write(json.dumps(said) + "\n")
            answers.flush()


@functools.cache
def _context(name: str) -> Json:
    return {"@context": dict(terms_of(name))}
