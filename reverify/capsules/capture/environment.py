"""What an analysis ran in: interpreter, packages, platform."""

import json
import platform
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reverify.capsules.capture.languages import (
    PYTHON,
    Language,
    language_of_program,
    shebang,
)
from reverify.services.git.references import public_address
from reverify.services.programs import ask, ask_version

_PROBE = """
import importlib.metadata, json, platform, sys
found = {}
for one in importlib.metadata.distributions():
    try:
        name, version = one.metadata["Name"], one.version
        source = one.read_text("direct_url.json")
        source = json.loads(source) if source else None
    except Exception:
        continue
    if name and version:
        found.setdefault(name.lower().replace("_", "-"), [name, version, source])
print(json.dumps({"name": platform.python_implementation(),
                  "version": platform.python_version(),
                  "packages": list(found.values())}))
"""


class Package(NamedTuple):
    """An installed package.

    Attributes:
        name: as it calls itself.
        version: likewise.
        source: where it was installed from, as `direct_url.json` says; None if from
            an index.
    """

    name: str
    version: str
    source: Mapping[str, Any] | None


class Interpreter(NamedTuple):
    """What runs the code.

    Attributes:
        language: what it runs.
        name: what it is called, `CPython` say.
        version: its version; "" if it does not tell.
        packages: what is installed in it, by name; None if that cannot be told.
    """

    language: Language
    name: str
    version: str
    packages: tuple[Package, ...] | None

    def record(self) -> dict[str, Any]:
        """What the manifest says of it."""
        version = {"version": self.version} if self.version else {}
        return {"name": self.name, **version, "url": self.language.url}


def find_program(command: str, folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The file that a command starts, as `execvp` looks for it; or None."""
    if "/" in command:
        path = folder / command
        found = shutil.which(path)
    else:
        found = shutil.which(command, path=environ.get("PATH", "/usr/bin:/bin"))
    return Path(found) if found else None


def find_interpreter(
    program: Path, folder: Path, environ: Mapping[str, str]
) -> Interpreter | None:
    """What interprets the code that a program is, or that it is given; or None.

    Args:
        program: the file that the command starts.
        folder: where it runs.
        environ: its environment.
    """
    # The name comes first: what is called python3 may be a script that finds one.
    path, language = program, language_of_program(program.name)
    words = [] if language else shebang(program)
    if words:
        found = find_program(words[0], folder, environ)
        if found is None:
            return None
        path, language = found, language_of_program(found.name)
    if language is None:
        return None
    if language is PYTHON:
        return _python(path, environ)
    version = ask_version(path, environ) if language.interpreter else ""
    return Interpreter(language, language.interpreter or path.name, version, None)


def _python(path: Path, environ: Mapping[str, str]) -> Interpreter | None:
    """Ask a Python what it is and has, as the analysis will find it."""
    # Not with -I: the analysis sees PYTHONPATH and the user's own packages too. It is
    # asked from an empty folder, so that no module of the work tree is run for it.
    answer = ask([str(path), "-c", _PROBE], environ)
    try:
        told = json.loads(answer)
        packages = tuple(Package(*item) for item in told["packages"])
        packages = tuple(sorted(packages, key=lambda item: item.name.lower()))
        return Interpreter(PYTHON, told["name"], told["version"], packages)
    except (ValueError, KeyError, TypeError):
        return None


# -- packages --------------------------------------------------------------------------


def package_records(interpreter: Interpreter) -> list[dict[str, Any]]:
    """What the manifest says of the packages."""
    return [
        {"name": package.name, "version": package.version}
        for package in interpreter.packages or ()
    ]


def lock_file(interpreter: Interpreter) -> bytes:
    """Write down the packages of a Python as `pip install -r` reads them."""
    what = f"{interpreter.name} {interpreter.version}"
    lines = [
        f"# {what} and the packages installed when the run began.",
        "# No digests: an installation keeps none of the archives it came from.",
        *(_lock_line(package) for package in interpreter.packages or ()),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _lock_line(package: Package) -> str:
    """One package: from an index, a repository, an archive, or a folder of here."""
    name, version, source = package
    if source is None:
        return f"{name}=={version}"
    address = public_address(str(source.get("url", "")))
    vcs, archive = source.get("vcs_info"), source.get("archive_info")
    if address and isinstance(vcs, dict) and vcs.get("commit_id"):
        kind = vcs.get("vcs", "git")
        return f"{name} @ {kind}+{address}@{vcs['commit_id']}  # {version}"
    if address and isinstance(archive, dict):
        digest = (archive.get("hashes") or {}).get("sha256")
        fragment = f"#sha256={digest}" if digest else ""
        return f"{name} @ {address}{fragment}"
    return f"# {name}=={version} was installed from a folder of the machine"


# -- platform --------------------------------------------------------------------------


def platform_record(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the manifest says of the machine."""
    record = {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "locale": next((environ[name] for name in _LOCALES if environ.get(name)), "C"),
        "time_zone": _time_zone(environ),
    }
    return {name: value for name, value in record.items() if value}


_LOCALES = ("LC_ALL", "LC_CTYPE", "LANG")


def _time_zone(environ: Mapping[str, str]) -> str:
    """The name of the time zone, `Europe/Berlin` if it can be told, else `CET`."""
    if environ.get("TZ"):
        return environ["TZ"].removeprefix(":")
    try:
        target = str(Path("/etc/localtime").readlink())
    except OSError:
        target = ""
    _, found, name = target.partition("zoneinfo/")
    return name if found else time.tzname[0]
