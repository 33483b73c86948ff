"""The environment as it is: the programs of the user, and what is installed in them."""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reverify.model.rerun import Surroundings
from reverify.rerun.interface import Environment
from reverify.rerun.programs import (
    Python,
    ask_python,
    find_for_user,
    folders,
    is_python,
    make_room,
    outside,
)
from reverify.services.programs import ask_version

_ZONES = Path("/usr/share/zoneinfo")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_OTHERS = {
    "R": "Rscript",
    "GNU bash": "bash",
    "julia": "julia",
    "perl": "perl",
    "ruby": "ruby",
    "Node.js": "node",
    "GNU Octave": "octave",
}
"""Programs of interpreters other than Python, by what these call themselves."""


def as_is(
    recorded: Surroundings,
    environ: Mapping[str, str],
    programs: Sequence[str] = (),
) -> Environment:
    """The user's own interpreter and programs, with the recorded locale and time zone.

    Args:
        recorded: where it ran.
        environ: the user's environment; only PATH and HOME are looked at.
        programs: what the engine starts, by name.
    """
    python = find_python(environ, [name for name in programs if is_python(name)])
    return assemble("as-is", python, recorded, environ, programs)


def find_python(environ: Mapping[str, str], names: Sequence[str]) -> Python | None:
    """The first Python of the user that answers; or the one that runs this.

    Args:
        environ: the user's environment.
        names: under which it is looked for first, `python3.12` say.
    """
    for name in dict.fromkeys((*names, "python3", "python")):
        # A shim is asked too: what counts is the file that it starts in the end.
        path = shutil.which(name, path=environ.get("PATH"))
        found = ask_python(Path(path), environ) if path else None
        if found is not None:
            return found
    return ask_python(Path(sys.executable), environ)


def assemble(
    name: str,
    python: Python | None,
    recorded: Surroundings,
    environ: Mapping[str, str],
    programs: Sequence[str],
) -> Environment:
    """Put an environment together: its Python first, then the programs of the user."""
    path = [str(python.executable.parent)] if python else []
    binds = [*(python.binds() if python else ())]
    for folder in folders(environ):
        # What is installed for all is there for all; what else a user has is not.
        place = Path(folder)
        if place.is_dir() and place.is_relative_to("/usr"):
            path.append(folder)
        elif place.is_dir() and place.is_relative_to("/opt") and place != Path("/opt"):
            path.append(folder)
            binds.append(Path("/opt") / place.parts[2])
    for program in programs:
        found = None if is_python(program) else find_for_user(program, environ)
        if found is not None:
            room = make_room(found, environ)
            path += room.path
            binds += room.binds
    variables = dict(_localities(recorded))
    if python is not None and python.user_base:
        variables["PYTHONUSERBASE"] = python.user_base
    if "nextflow" in programs:
        # Where its launcher put what it fetched; the rest of its folder is written to.
        home = Path(environ.get("NXF_HOME") or f"{environ.get('HOME')}/.nextflow")
        fetched = Path(environ.get("NXF_DIST") or home / "framework")
        if fetched.is_dir():
            binds.append(fetched)
            variables["NXF_DIST"] = str(fetched)
    return Environment(
        name=name,
        path=tuple(dict.fromkeys(path)),
        binds=outside(binds),
        variables=variables,
        surroundings=_surroundings(python, recorded, environ, variables),
    )


def _surroundings(
    python: Python | None,
    recorded: Surroundings,
    environ: Mapping[str, str],
    variables: Mapping[str, str],
) -> Surroundings:
    there = {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        # A confined command has these unless it is given others.
        "locale": variables.get("LC_ALL", "C.UTF-8"),
        "time_zone": variables.get("TZ", "UTC"),
    }
    other = _OTHERS.get(recorded.interpreter)
    if other is not None:
        found = find_for_user(other, environ)
        version = ask_version(found, environ) if found else ""
        name = recorded.interpreter if found else ""
        return Surroundings(interpreter=name, version=version, platform=there)
    if python is None:
        return Surroundings(platform=there)
    return Surroundings(
        interpreter=python.name,
        version=python.version,
        packages=python.packages,
        platform=there,
    )


# -- where on earth --------------------------------------------------------------------


def _localities(recorded: Surroundings) -> Mapping[str, str]:
    """The recorded time zone and locale as variables, where this machine has them."""
    found = {}
    zone = recorded.platform.get("time_zone", "")
    if _ZONE.fullmatch(zone) and (_ZONES / zone).is_file():
        found["TZ"] = zone
    locale = recorded.platform.get("locale", "")
    if locale and spelled(locale) in {spelled(each) for each in _locales()}:
        found["LC_ALL"] = locale
    return found


def spelled(locale: str) -> str:
    """A locale in one spelling: `en_US.UTF-8` and `en_US.utf8` are the same."""
    language, _, charset = locale.partition(".")
    return f"{language}.{charset.lower().replace('-', '')}" if charset else language


def _locales() -> list[str]:
    try:
        answer = subprocess.run(
            ["/usr/bin/locale", "-a"],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ["C", "POSIX", "C.UTF-8"]
    return answer.stdout.decode("utf-8", "replace").split()
