"""A virtual environment, built from the lock file that was recorded.

It is built outside of the sandbox, and runs nothing of what it installs: only wheels
are taken, and once they are in, the environment's own Python is not started any more
(a wheel can bring files that every Python reads as it starts). What is in it is read
from its folder.
"""

import hashlib
import importlib.metadata
import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from reverify.errors import LackError
from reverify.model.rerun import Package, Surroundings
from reverify.rerun.environments.asis import assemble, find_python
from reverify.rerun.environments.installing import install
from reverify.rerun.environments.requirements import Pinned, read_requirements
from reverify.rerun.interface import Environment, Tell
from reverify.rerun.programs import Python

_FORMAT = "1"
_COMPLETE = ".complete"


def build_venv(
    lock_file: tuple[str, bytes],
    recorded: Surroundings,
    environ: Mapping[str, str],
    programs: Sequence[str] = (),
    *,
    cache_dir: Path,
    offline: bool = False,
    tell: Tell = lambda _: None,
) -> Environment:
    """Build the environment that a lock file describes, or take it from the cache.

    Packages come from where the settings of the user's uv or pip say.

    Args:
        lock_file: its name, and its bytes.
        recorded: where it ran; a Python of that version is looked for.
        environ: the user's environment.
        programs: what the engine starts besides, by name.
        cache_dir: environments are kept in `environments` below it.
        offline: use no network; the cache of uv, and local folders, are still used.
        tell: is told what is being built.

    Raises:
        LackError: the lock file asks for more than wheels of an index, or one of them,
            or what installs them, is not to be had.
    """
    from filelock import FileLock  # noqa: PLC0415 - takes its time

    name, content = lock_file
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fix = "Record a lock file in UTF-8."
        raise LackError(f"{name} is no text in UTF-8", fix) from error
    wanted = read_requirements(name, text)
    python = _base(recorded, environ)
    folder = cache_dir / "environments" / _digest(wanted, python)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / _COMPLETE).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            tell(f"Building the environment of {name}: {len(wanted)} packages")
            try:
                install(folder, wanted, python, environ, offline=offline)
                (folder / _COMPLETE).touch()
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    built = python._replace(
        executable=folder / "bin" / "python3",
        prefix=folder,
        user="",
        user_base="",
        packages=_installed(folder),
    )
    return assemble("venv", built, recorded, environ, programs)


def _base(recorded: Surroundings, environ: Mapping[str, str]) -> Python:
    """The Python that the environment is made with: of the recorded version at best."""
    minor = ".".join(recorded.version.split(".")[:2])
    is_known = recorded.interpreter.lower() in {"", "python", "cpython"}
    python = find_python(environ, [f"python{minor}"] if minor and is_known else [])
    if python is None:
        raise LackError("no Python is on this machine", "Install Python.")
    return python


def _digest(wanted: Sequence[Pinned], python: Python) -> str:
    """The name of an environment: what goes into it, and whose Python it is."""
    said = {
        "format": _FORMAT,
        "requirements": sorted(pinned.line() for pinned in wanted),
        "python": [python.name, python.version, str(python.executable)],
        "base": str(python.base_prefix),
        "machine": platform.machine(),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def _installed(folder: Path) -> tuple[Package, ...]:
    """What is in an environment, by the metadata that lie in it."""
    places = [str(place) for place in folder.glob("lib/*/site-packages")]
    found = {
        (each.metadata["Name"], each.version)
        for each in importlib.metadata.distributions(path=places)
        if each.metadata["Name"] and each.version
    }
    return tuple(Package(*each) for each in sorted(found))
