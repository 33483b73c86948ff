"""Programs of this machine: where they are, and what else they need to work."""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reverify.model.rerun import Package
from reverify.rerun.interface import Environment
from reverify.services.programs import ask

STANDARD = ("/usr/bin", "/bin")
"""Folders that every confined command has on its PATH."""
_SHEBANG_BYTES = 512
_IS_PYTHON = re.compile(r"(python|pypy)[0-9.]*")
_PROBE = """
import importlib.metadata, json, os, platform, site, sys
places, user = list(sys.path), ""
if sys.prefix == sys.base_prefix and os.path.isdir(site.getusersitepackages()):
    user = site.getusersitepackages()
    places.append(user)
found = {}
for one in importlib.metadata.distributions(path=places):
    try:
        name, version = one.metadata["Name"], one.version
    except Exception:
        continue
    if name and version:
        found.setdefault(name.lower().replace("_", "-"), [name, version])
print(json.dumps({"executable": sys.executable,
                  "name": platform.python_implementation(),
                  "version": platform.python_version(),
                  "prefix": sys.prefix, "base_prefix": sys.base_prefix,
                  "user": user, "user_base": site.getuserbase(),
                  "packages": sorted(found.values())}))
"""


class Python(NamedTuple):
    """A Python of this machine.

    Attributes:
        executable: its file.
        name: what it is called, `CPython` say.
        version: its version, `3.11.7` say.
        prefix: the folder that it is installed in, or that of its virtual environment.
        base_prefix: the folder that it is installed in.
        user: the folder of the user's own packages; "" if it has none.
        user_base: the folder above that, which PYTHONUSERBASE names.
        packages: what is installed in it, by name.
    """

    executable: Path
    name: str
    version: str
    prefix: Path
    base_prefix: Path
    user: str
    user_base: str
    packages: tuple[Package, ...]

    def binds(self) -> tuple[Path, ...]:
        """The folders that it needs, of those that are not below /usr."""
        user = (Path(self.user),) if self.user else ()
        return outside((self.prefix, self.base_prefix, *user))


class Room(NamedTuple):
    """What a program needs to be found, and to work.

    Attributes:
        path: folders for the PATH.
        binds: folders and files that must be readable.
    """

    path: tuple[str, ...] = ()
    binds: tuple[Path, ...] = ()


def outside(places: Sequence[Path]) -> tuple[Path, ...]:
    """Those places that are there, and not below /usr; none below another."""
    system = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc")))
    kept = [
        place
        for place in dict.fromkeys(places)
        if place != Path("/")
        and place.exists()
        and not any(place.is_relative_to(top) for top in system)
    ]
    return tuple(
        place
        for place in kept
        if not any(place != other and place.is_relative_to(other) for other in kept)
    )


def is_python(program: str) -> bool:
    """Whether a program is called as a Python is."""
    return bool(_IS_PYTHON.fullmatch(program.rpartition("/")[2]))


def find(program: str, environment: Environment) -> Path | None:
    """The file that a name starts in an environment; or None."""
    found = shutil.which(program, path=os.pathsep.join((*environment.path, *STANDARD)))
    return Path(found) if found else None


def find_for_user(program: str, environ: Mapping[str, str]) -> Path | None:
    """The file that a name starts for the user; or None.

    Folders of shims are passed over: what lies there starts a version manager, which
    finds nothing of what it manages once it is confined.
    """
    found = shutil.which(program, path=os.pathsep.join(folders(environ)))
    return Path(found) if found else None


def folders(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The folders of the user's PATH; without relative ones, and those of shims."""
    said = environ.get("PATH", os.pathsep.join(STANDARD)).split(os.pathsep)
    return tuple(
        folder
        for folder in dict.fromkeys(said)
        if folder.startswith("/") and Path(folder).name != "shims"
    )


def ask_python(program: Path, environ: Mapping[str, str]) -> Python | None:
    """Ask a Python of the user what it is and has; None if it does not answer.

    It runs isolated (`-I`): nothing of the folder where it starts is imported.
    """
    try:
        told = json.loads(ask([str(program), "-I", "-c", _PROBE], environ))
        return Python(
            executable=Path(told["executable"]),
            name=told["name"],
            version=told["version"],
            prefix=Path(told["prefix"]),
            base_prefix=Path(told["base_prefix"]),
            user=told["user"],
            user_base=told["user_base"] if told["user"] else "",
            packages=tuple(Package(*item) for item in told["packages"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def make_room(program: Path, environ: Mapping[str, str]) -> Room:
    """Say what a program of the user needs to be found, and to work.

    Args:
        program: its file, as it was found on the PATH.
        environ: the user's environment.
    """
    try:
        real = program.resolve(strict=True)
    except OSError:
        return Room()
    binds = [program, *_installation(real, environ)]
    words = shebang(program)
    if words:
        name = words[0]
        runs = Path(name) if name.startswith("/") else find_for_user(name, environ)
        python = ask_python(runs, environ) if runs and is_python(name) else None
        binds += python.binds() if python else (runs,) if runs else ()
    return Room((str(program.parent),), outside(binds))


def _installation(real: Path, environ: Mapping[str, str]) -> list[Path]:
    """The folder that a program was installed in; itself if it shares that with all."""
    prefix = real.parent.parent
    home = Path(environ.get("HOME") or "/")
    shared = {Path("/"), Path("/opt"), home, home / ".local"}
    if real.parent.name in {"bin", "sbin"} and prefix not in shared:
        return [prefix]
    return [real]


def shebang(script: Path) -> list[str]:
    """What runs a script, and with which arguments, by its first line; or nothing.

    The first word is a path; or a name, if `env` is to find it.
    """
    try:
        if not script.is_file():
            return []
        with script.open("rb") as stream:
            line = stream.read(_SHEBANG_BYTES).partition(b"\n")[0]
    except OSError:
        return []
    if not line.startswith(b"#!"):
        return []
    program, _, argument = line[2:].decode("utf-8", "replace").strip().partition(" ")
    if program.rpartition("/")[2] != "env":
        return [program, argument.strip()] if argument.strip() else [program]
    words = argument.split()
    while words and (words[0] in {"-S", "-i", "-"} or "=" in words[0]):
        words = words[1:]
    return words
