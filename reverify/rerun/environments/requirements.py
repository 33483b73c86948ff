"""Lock files and requirements: what is to be installed, and nothing else."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

from reverify.errors import LackError

_HASH = re.compile(r"--hash[= ](?P<hash>\S+)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_HARMLESS = re.compile(r"--require-hashes|--only-binary[= ]:all:|--prefer-binary")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ADVICE = (
    "Record requirements with name and version alone, as `pip freeze` or"
    " `uv export --no-emit-project` write them of packages from an index."
)


class Pinned(NamedTuple):
    """One line of requirements.

    Attributes:
        requirement: name, extras, versions and marker, as PEP 508 spells them.
        hashes: those of the archives that may be installed, `sha256:HEX`.
    """

    requirement: str
    hashes: tuple[str, ...] = ()

    def line(self) -> str:
        """As `pip install -r` and `uv pip install -r` read it."""
        return " ".join((self.requirement, *(f"--hash={one}" for one in self.hashes)))


def read_requirements(name: str, text: str) -> tuple[Pinned, ...]:
    """Read requirements of pip's, or a pylock.toml.

    What is read is written anew for the installer, so that it is given nothing that was
    not understood here: no option, no address, no path, no further file.

    Args:
        name: the name of the file; it tells the form.
        text: what it says.

    Raises:
        LackError: a line asks for more than packages of an index, or cannot be read.

    Source: pip, "Requirements File Format"; PEP 508; PEP 751.
    """
    base = name.rpartition("/")[2]
    if base.startswith("pylock.") and base.endswith(".toml"):
        found = tuple(_pylock(name, text))
    elif base.endswith((".toml", ".yml", ".yaml", ".json")) or base in _OTHERS:
        raise LackError(
            f"{name} is no file of requirements, nor a pylock.toml", _ADVICE
        )
    else:
        found = tuple(_lines(name, text))
    if any(each.hashes for each in found):
        for each in found:
            if not each.hashes:
                raise LackError(
                    f"{name}: {each.requirement} has no hash, and others have",
                    "Record the hashes of all packages, or of none.",
                )
    return found


_OTHERS = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "Pipfile", "renv.lock"}


def _lines(name: str, text: str) -> Iterator[Pinned]:
    for number, line in _logical(text):
        if not line or _HARMLESS.fullmatch(line):
            continue
        if line.startswith("-"):
            option = re.split(r"[= ]", line, maxsplit=1)[0]
            raise LackError(
                f"{name}, line {number}: the option {option} is not followed", _ADVICE
            )
        hashes = tuple(match["hash"].lower() for match in _HASH.finditer(line))
        bare = _HASH.sub("", line).strip()
        for one in hashes:
            if not _DIGEST.fullmatch(one):
                raise LackError(
                    f"{name}, line {number}: {one} is no SHA-256, SHA-384 or SHA-512",
                    "Record the SHA-256 of each archive.",
                )
        yield Pinned(_requirement(bare, f"{name}, line {number}"), hashes)


def _requirement(text: str, where: str) -> str:
    try:
        read = Requirement(text)
    except InvalidRequirement as error:
        kind = "is a path or an address" if _is_place(text) else "cannot be read"
        raise LackError(f"{where}: {text!r} {kind}", _ADVICE) from error
    if read.url:
        raise LackError(f"{where}: {read.name} comes from {read.url}", _ADVICE)
    if read.name.lower().endswith(_ARCHIVES):
        raise LackError(f"{where}: {text!r} is a path or an address", _ADVICE)
    return str(read)


def _is_place(text: str) -> bool:
    return "/" in text or text.startswith((".", "~"))


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without comments, those that go on put together."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first or number
        goes_on = line.endswith("\\")
        parts.append(_COMMENT.sub("", line.removesuffix("\\")).strip())
        if not goes_on:
            yield first, " ".join(part for part in parts if part)
            parts, first = [], 0
    yield first, " ".join(part for part in parts if part)


def _pylock(name: str, text: str) -> Iterator[Pinned]:
    """Read a pylock.toml.

    Source: PEP 751, "packages".
    """
    try:
        packages = tomllib.loads(text).get("packages", [])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LackError(f"{name} cannot be read as TOML", _ADVICE) from error
    for number, package in enumerate(packages if isinstance(packages, list) else []):
        where = f"{name}, packages[{number}]"
        if not isinstance(package, Mapping) or not package.get("version"):
            raise LackError(f"{where} has no version", _ADVICE)
        if {"vcs", "directory", "archive"} & set(package):
            raise LackError(f"{where}: {package.get('name')} is from no index", _ADVICE)
        marker = f" ; {package['marker']}" if package.get("marker") else ""
        text = f"{package.get('name')}=={package['version']}{marker}"
        yield Pinned(_requirement(text, where), tuple(_wheel_hashes(package, where)))


def _wheel_hashes(package: Mapping[str, Any], where: str) -> Iterator[str]:
    wheels = package.get("wheels")
    for wheel in wheels if isinstance(wheels, list) else []:
        hashes = wheel.get("hashes") if isinstance(wheel, Mapping) else None
        if isinstance(hashes, Mapping) and _DIGEST.fullmatch(
            one := f"sha256:{hashes.get('sha256')}"
        ):
            yield one
            continue
        raise LackError(f"{where}: a wheel has no SHA-256", _ADVICE)
    if not wheels:
        raise LackError(
            f"{where}: {package.get('name')} has no wheel",
            "Only wheels are installed: building a package would run its code.",
        )
