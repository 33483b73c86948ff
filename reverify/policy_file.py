"""Policy files: what somebody asks of all crates, and what they let pass for a while.

A policy is the user's: it is read only where it is named, and never from a crate.

Source: schemas/policy.schema.json.
"""

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from reverify.errors import PolicyError
from reverify.model.ruling import PolicyName, Tolerated
from reverify.ruling import Ruling
from reverify.settings import read_duration

_MOST_BYTES = 1_000_000
_TYPES = {"string": "text in quotes", "boolean": "true or false", "array": "a list"}
_TYPES |= {"object": "a table, [[tolerate]]"}
_FORMS = {
    "archive-age": "90d, 12h or 30m",
    "rule": "the id of a rule, fixity/uncovered say; `reverify rules` lists them",
    "reason": "why it is tolerated",
    "until": "a day, 2027-01-31 say",
}
_MISSING = {
    "rule": 'add rule = "ID", `reverify rules` lists them',
    "reason": 'add reason = "...", nothing is tolerated without one',
    "until": "add until = YEAR-MONTH-DAY, nothing is tolerated for ever",
}
_PLAIN = {
    "uniqueItems": "the same is named twice; name it once",
    "minLength": "is empty; name one, or leave the key out",
    "minItems": "is empty; name one, or leave the key out",
}
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """A policy as a file has it.

    Attributes:
        settings: values of settings by their names; those it does not name are left.
        ruling: what it says of findings.
    """

    settings: Mapping[str, Any]
    ruling: Ruling

    @property
    def origin(self) -> str:
        """Where its settings come from, for people."""
        return f"policy {self.ruling.name.file}"


def read_policy(path: Path) -> PolicyFile:
    """Read a policy file.

    Raises:
        PolicyError: it cannot be read, or says what makes no sense; every fault.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise PolicyError(f"{path}: has more than {_MOST_BYTES:,} bytes")
        text = data.decode()
        document = _without_dates(tomllib.loads(text))
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: is not UTF-8 (at byte {error.start})") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyError(f"{path}: is no TOML: {error}") from error
    faults = list(_schema_faults(document)) or list(_known_faults(document))
    if faults:
        lines = text.splitlines()
        told = sorted((_line(lines, at), _place(at), fault) for at, fault in faults)
        raise PolicyError(
            *(
                f"{path}:{line}: {place}: {fault}"
                if line
                else f"{path}: {place}: {fault}"
                for line, place, fault in told
            )
        )
    name = PolicyName(
        file=str(path),
        name=document.get("name", ""),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return _policy(document, name)


def _policy(document: Mapping[str, Any], name: PolicyName) -> PolicyFile:
    settings: dict[str, Any] = {}
    for key, setting in (
        ("require", "require"),
        ("kinds", "only"),
        ("profiles", "profile"),
        ("strict", "strict"),
    ):
        if key in document:
            settings[setting] = document[key]
    if "kinds" in document:
        settings["skip"] = ()
    age = document.get("archive-age")
    return PolicyFile(
        settings=settings,
        ruling=Ruling(
            name=name,
            tolerated=tuple(
                Tolerated(
                    each["rule"], each["reason"], date.fromisoformat(each["until"])
                )
                for each in document.get("tolerate", ())
            ),
            minimum_digest=document.get("minimum-digest", ""),
            archive_age=read_duration(age) if age else None,
        ),
    )


def _without_dates(value: Any) -> Any:  # noqa: ANN401 - whatever TOML has
    """The document as JSON would have it: dates as text."""
    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


# -- faults ----------------------------------------------------------------------------


def schema() -> dict[str, Any]:
    """The schema of policies, as it is shipped."""
    shipped = resources.files("reverify") / "schemas"
    folder = shipped if shipped.is_dir() else Path(__file__).parents[1] / "schemas"
    found: dict[str, Any] = json.loads(
        folder.joinpath("policy.schema.json").read_bytes()
    )
    return found


def _schema_faults(document: object) -> Iterator[tuple[_Path, str]]:
    """Where a document does not fit the schema, and what to do."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - seldom needed

    checker = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(schema(), format_checker=checker)
    seen = set()
    for error in sorted(validator.iter_errors(document), key=lambda e: str(e.path)):
        for path, fault in _told(error):
            if path not in seen:
                seen.add(path)
                yield path, fault


def _told(error: Any) -> Iterator[tuple[_Path, str]]:  # noqa: ANN401 - of jsonschema
    path: _Path = tuple(error.absolute_path)
    wanted, value = error.validator_value, error.instance
    key = path[-1] if path else ""
    known = error.schema.get("properties", {})
    match error.validator:
        case "additionalProperties":
            for name in (name for name in value if name not in known):
                yield (*path, name), f"there is no such key{_advice(name, [*known])}"
        case "required":
            for name in (name for name in wanted if name not in value):
                yield (*path, name), f"is missing; {_MISSING[name]}"
        case "enum":
            yield path, f"{value!r} is unknown{_advice(str(value), wanted)}"
        case "type":
            yield path, f"{value!r} is of a wrong type; write {_TYPES[wanted]}"
        case "pattern" | "format":
            yield path, f"{value!r} will not do; write {_FORMS[str(key)]}"
        case other:
            yield path, _PLAIN.get(other) or str(error.message)


def _known_faults(document: Mapping[str, Any]) -> Iterator[tuple[_Path, str]]:
    """What a schema cannot say: rules and profiles that there are."""
    from reverify.profiles.catalogue import all_rules, profile_table  # noqa: PLC0415
    from reverify.profiles.roc_validator import RocValidator  # noqa: PLC0415

    engine = RocValidator()
    names = [name for row in profile_table() for name in (row["id"], row["uri"])]
    for number, name in enumerate(document.get("profiles", ())):
        if engine.profile_of(name) is None:
            more = _advice(name, names, "`reverify profiles` lists them")
            yield ("profiles", number), f"there is no profile {name!r}{more}"
    rules = [rule["id"] for rule in all_rules()] if document.get("tolerate") else []
    seen = set()
    for number, each in enumerate(document.get("tolerate", ())):
        rule, place = each["rule"], ("tolerate", number, "rule")
        if rule not in rules:
            more = _advice(rule, rules, "`reverify rules` lists them")
            yield place, f"there is no rule {rule!r}{more}"
        elif rule.endswith("/exception-expired"):
            yield place, f"{rule} cannot be tolerated; take the old exception out"
        elif rule in seen:
            yield place, f"{rule} has an exception already; keep one of them"
        seen.add(rule)


def _advice(text: str, known: list[str], otherwise: str = "") -> str:
    near = difflib.get_close_matches(text, known, 1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; {otherwise or 'there are ' + ', '.join(known)}"


def _place(at: _Path) -> str:
    """A key as people say it, entries of lists counted from 1: `tolerate[1].until`."""
    place = ""
    for part in at:
        if isinstance(part, int):
            place += f"[{part + 1}]"
        else:
            place += f".{part}" if place else part
    return place


def _line(lines: list[str], at: _Path) -> int:
    """The line of a key, or of the table that should hold it; 0 if it is not found."""
    start, key = 0, at[0]
    if len(at) > 1 and isinstance(at[1], int) and at[0] == "tolerate":
        heads = [
            number
            for number, line in enumerate(lines, 1)
            if re.match(r"\s*\[\[\s*tolerate\s*\]\]", line)
        ]
        if at[1] >= len(heads):
            return 0
        start = heads[at[1]]
        key = at[2] if len(at) > 2 else ""  # noqa: PLR2004 - list, number, key
    shape = re.compile(rf"""\s*["']?{re.escape(str(key))}["']?\s*=""")
    for number, line in enumerate(lines[start:], start + 1):
        if key and shape.match(line):
            return number
        if line.lstrip().startswith("["):
            break
    return start
