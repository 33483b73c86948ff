"""The process in which roc-validator runs: offline, limited, and thrown away.

Started as `python -I -m reverify.profiles.worker`. It loads the engine at once, then
reads one JSON request from standard input and writes its answers to standard output, a
line for each profile. Everything that roc-validator and rdflib keep for a whole process
is set here, and dies with it.

Request: `{"crate": folder, "document": name or "", "metadata_only": bool, "contexts":
{url: document}, "extra_profiles": folder or null, "runs": [profile, ...], "memory":
bytes, "seconds": n}`.
Answer: `{"profile", "checks": [...], "issues": [...], "error"}`, for each run.
"""

import contextlib
import gc
import io
import json
import os
import resource
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

Json = dict[str, Any]
CONTEXTS: dict[str, Json] = {}
OFFLINE_MISS = 504
_FOUND = 200


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


def load() -> Any:  # noqa: ANN401 - the engine has no types
    """Import the engine, shut its doors, and give its services module."""
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
    return services


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

    del jsonld, faster


def run(services: Any, profile: str, request: Json) -> Json:  # noqa: ANN401
    """Judge one crate under one profile."""
    from rocrate_validator.models import ValidationSettings  # noqa: PLC0415

    folder, extra = Path(request["crate"]), request["extra_profiles"]
    subject: Json = {"rocrate_uri": str(folder)}
    if request["document"]:
        subject = {"rocrate_uri": str(folder / request["document"])}
    settings = ValidationSettings(
        **subject,
        metadata_only=request["metadata_only"],
        profile_identifier=profile,
        requirement_severity="OPTIONAL",
        disable_remote_crate_download=True,
        skip_availability_check=True,
        offline=True,
        cache_path=folder.parent / "cache",
        extra_profiles_path=Path(extra) if extra else None,
    )
    result = services.validate(settings)
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


def main() -> None:
    """Serve one request."""
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever the engine prints is no answer
    services = load()
    gc.freeze()
    line = sys.stdin.buffer.readline()
    if not line:
        return
    request: Json = json.loads(line)
    resource.setrlimit(resource.RLIMIT_AS, (request["memory"], request["memory"]))
    seconds = int(request["seconds"]) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    CONTEXTS.update(request["contexts"])
    gc.set_threshold(50_000, 20, 50)
    for profile in request["runs"]:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                answer = run(services, profile, request)
        except Exception as error:  # noqa: BLE001 - it raises whatever it likes
            text = f"{type(error).__name__}: {error}"[:2000]
            answer = {"profile": profile, "checks": [], "issues": [], "error": text}
        answer_to.write(json.dumps(answer) + "\n")
        answer_to.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
