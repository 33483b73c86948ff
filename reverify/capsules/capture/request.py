"""What is to be captured, as the user said it."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverify.errors import UsageError

_BRACKETS = re.compile(r"<([^<>]*)>")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ORCID = re.compile(
    r"(?:https?://orcid\.org/)?([0-9]{4}(?:-[0-9]{4}){2}-[0-9]{3}[0-9X])"
)
_ROR = re.compile(r"https://ror\.org/0[0-9a-z]{6}[0-9]{2}")
_URL = re.compile(r"https?://\S+")
_RADIX = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An analysis to run, and what is known of it beforehand.

    Attributes:
        command: the program and its arguments.
        target: the folder for the manifest and the files; absent, empty, or the root
            of the work tree itself.
        folder: where the command runs, and what paths are relative to.
        environ: the environment that the command gets.
        user_settings: the file of the user's own settings of git.
        inputs: files and folders that it reads, or http URLs of files.
        outputs: files and folders that it must write.
        code: files and folders of code to keep besides those that the command names.
        descriptions: what files hold, by their path.
        parameters: values by name, of any JSON type.
        variables: names of the environment variables to write down.
        title: what to call it; the command, if it is None.
        description: what is done, and why.
        license: an SPDX licence expression.
        authors: persons, as the manifest has them; who commits here, if there is none.
        affiliations: organizations that the authors work for.
        publisher: an organization, as the manifest has it.
        id: a UUID; a new one, if it is None.
        allow_dirty: run it though the code is in no commit, and write that down.
        standard_input: what the command can read there and nobody keeps, "a pipe" say;
            None if there is nothing, or a person at a terminal.
    """

    command: tuple[str, ...]
    target: Path
    folder: Path
    environ: Mapping[str, str]
    user_settings: Path
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    descriptions: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    title: str | None = None
    description: str | None = None
    license: str | None = None
    authors: tuple[Mapping[str, Any], ...] = ()
    affiliations: tuple[Mapping[str, Any], ...] = ()
    publisher: Mapping[str, Any] | None = None
    id: str | None = None
    allow_dirty: bool = False
    standard_input: str | None = None


def read_description(text: str) -> tuple[str, str]:
    """Read `PATH=TEXT`.

    Raises:
        UsageError: there is no path, or no text.
    """
    path, _, about = text.partition("=")
    if not path or not about.strip():
        raise UsageError(f"--describe {text}: write PATH=TEXT")
    return path, about.strip()


def read_parameter(text: str) -> tuple[str, Any]:
    """Read `NAME=VALUE`; the value is JSON if it reads as that, else text.

    Raises:
        UsageError: there is no name.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--param {text}: write NAME=VALUE")
    try:
        return name, json.loads(value, parse_constant=_no_number, parse_float=_number)
    except (ValueError, RecursionError):
        return name, value


def _no_number(name: str) -> object:
    raise ValueError(name)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def read_person(text: str) -> dict[str, str]:
    """Read a person: `Ada Example <ada@example.org> 0000-0002-1825-0097`.

    The e-mail address and the ORCID iD may be left out.

    Raises:
        UsageError: there is no name, or something that is neither.
    """
    found: dict[str, str] = {}
    rest = _BRACKETS.sub(lambda match: f" {match[1]} ", text)
    name = []
    for word in rest.split():
        if orcid := _ORCID.fullmatch(word):
            if not _checks(orcid[1]):
                raise UsageError(
                    f"--author {text}: {orcid[1]} is no ORCID iD, its last digit does"
                    " not fit the others"
                )
            found["orcid"] = f"https://orcid.org/{orcid[1]}"
        elif _EMAIL.fullmatch(word):
            found["email"] = word
        elif "://" in word:
            raise UsageError(f"--author {text}: {word} is no ORCID iD")
        else:
            name.append(word)
    if not name:
        raise UsageError(f"--author {text}: a name is missing; write NAME <EMAIL>")
    return {"name": " ".join(name), **found}


def _checks(orcid: str) -> bool:
    """Whether the last digit is right. Source: ISO 7064, MOD 11-2."""
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    rest = (12 - total % _RADIX) % _RADIX
    return orcid[-1] == ("X" if rest == _RADIX - 1 else str(rest))


def read_organization(text: str, option: str = "--publisher") -> dict[str, str]:
    """Read an organization: `University of Example <https://uni.example.org>`.

    The URL may be one of ror.org; it may be left out.

    Args:
        text: what the user wrote.
        option: where.

    Raises:
        UsageError: there is no name, or something in brackets that is no URL.
    """
    name = " ".join(_BRACKETS.sub(" ", text).split())
    if not name:
        raise UsageError(f"{option} {text}: a name is missing; write NAME <URL>")
    found = {"name": name}
    for inner in _BRACKETS.findall(text):
        if _ROR.fullmatch(inner):
            found["ror"] = inner
        elif _URL.fullmatch(inner):
            found["url"] = inner
        elif _EMAIL.fullmatch(inner):
            found["email"] = inner
        else:
            raise UsageError(f"{option} {text}: {inner!r} is no URL")
    return found
