"""Judges a crate of ours, so that what is read and made on the way is there later.

That is the profiles and their shapes, the contexts, the queries, what rdflib and
pySHACL import when they first meet something. The crate has an entity of each type that
the profiles know, so that few queries are left to be read later.
"""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from reverify.crates.contexts import WFRUN, WFTEST
from reverify.profiles.worker import Engine, Request, offer, run

DOCUMENT = Path(__file__).with_name("warming.json")
_CONTEXT = "https://w3id.org/ro/crate/{}/context"
_SPECIFICATION = "https://w3id.org/ro/crate/{}"


def warm(engine: Engine, profile: str, request: Request) -> None:
    """Judge our crate by a profile; if that fails, nothing is kept of it.

    Args:
        engine: the engine, loaded.
        profile: the id of the profile.
        request: where it is asked for; its folder is worked in.
    """
    key = profile, request.extra_profiles
    folder = Path(request.folder) / "warm"
    ours = Request(str(folder), (profile,), (), extra_profiles=request.extra_profiles)
    version = profile.removeprefix("ro-crate-")
    version = version if version in {"1.1", "1.2", "1.3"} else "1.1"
    try:
        _lay_out(folder / "crate", version)
        offer((*contexts(version), _CONTEXT.format("1.1")))
        with contextlib.redirect_stdout(io.StringIO()):
            run(engine, profile, ours, keep=True)
    except Exception:  # noqa: BLE001 - it raises whatever it likes
        engine.preparation.forget(key)


def _lay_out(crate: Path, version: str) -> None:
    crate.mkdir(parents=True)
    (crate / "ro-crate-metadata.json").write_text(json.dumps(document(version)))


def document(version: str) -> dict[str, Any]:
    """The metadata document of our crate, in a version of RO-Crate."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_bytes())
    found["@context"] = contexts(version)
    found["@graph"][0]["conformsTo"] = {"@id": _SPECIFICATION.format(version)}
    return found


def contexts(version: str) -> list[str]:
    """The addresses of the contexts that define all terms of our crate."""
    return [_CONTEXT.format(version), f"{WFRUN}/context", f"{WFTEST}/context"]
