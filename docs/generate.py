"""Make the generated parts of the documentation, or tell whether they are stale.

`python docs/generate.py` writes them; with `--check` it writes nothing, and exits with
1 if one of them is not what it would write.

Some pages are generated whole. Others are written by hand, and hold a table between
`<!-- made: NAME -->` and `<!-- end -->`, which alone is generated.
"""

import dataclasses
import inspect
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
from reverify.api.app import create_api
from reverify.api.description import describe
from reverify.api.interface import Serving
from reverify.api.problems import KINDS
from reverify.audits.reporting.tables import COLUMNS
from reverify.cli import app
from reverify.crates.limits import MIB, Limits
from reverify.formats import FORMATS, format_named
from reverify.model.rules import RULES, Rule
from reverify.profiles.catalogue import TABLE, all_rules, profile_table
from reverify.profiles.roc_validator import plain_name
from reverify.settings import NAMES, Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
RULE_PAGES = REFERENCE / "rules"
NOTE = "<!-- Made by docs/generate.py: do not edit. -->\n\n"
REGION = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_LIST_RULES = """
import json
from reverify.profiles.roc_validator import CAPSULE
from rocrate_validator import services
levels = {"REQUIRED": "error", "RECOMMENDED": "warning", "OPTIONAL": "note"}
table = []
for profile in services.get_profiles(extra_profiles_path=CAPSULE):
    ours = profile.path == CAPSULE
    rules = sorted(
        {
            (check.name, levels[check.severity.name], requirement.path.name)
            + ((check.description,) if ours else ())
            for requirement in profile.requirements
            if not requirement.hidden
            for check in requirement.get_checks()
        }
    )
    row = {"id": profile.identifier, "uri": str(profile.uri), "rules": rules}
    table.append(row)
print(json.dumps(sorted(table, key=lambda item: item["id"]), indent=1))
"""

Command = Any
"""A command of the app; which library it comes from depends on typer's version."""


def profile_rules() -> str:
    """The names and levels of the engine's rules, asked of the engine."""
    command = [sys.executable, "-I", "-c", _LIST_RULES]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return plain_name(answer.stdout)


# -- whole pages -------------------------------------------------------------------


def rule_page(rule: Rule) -> str:
    """The page of one rule of our own."""
    lines = [f"# {rule.id}", "", rule.title, ""]
    if rule.about:
        lines += [rule.about, ""]
    lines += [
        "| | |",
        "|---|---|",
        f"| kind | {rule.kind} |",
        f"| level | {rule.severity} ({rule.severity.keyword}) |",
        f"| a finding under it says | {rule.outcome} |",
    ]
    if rule.fix:
        lines.append(f"| what to do | {rule.fix} |")
    if rule.source:
        lines.append(f"| source | <{rule.source}> |")
    return "\n".join(lines) + "\n"


def profile_page(profile: str, uri: str) -> str:
    """The page of one profile, with its rules in a table."""
    rows = [rule for rule in all_rules() if rule["id"].split("/")[1] == profile]
    lines = [
        f"# conformance/{profile}",
        "",
        (
            f"Rules of <{uri}>, judged by roc-validator in a process of its own,"
            " offline. A rule that stands twice is asked at two levels."
        ),
        "",
        "| rule | level | what it asks | source |",
        "|---|---|---|---|",
    ]
    for rule in rows:
        source = f"[clause]({rule['source']})" if rule["source"] else ""
        lines.append(
            f"| `{rule['id']}` | {rule['level']} | {_cell(rule['title'])} | {source} |"
        )
    return "\n".join(lines) + "\n"


def rules_index() -> str:
    """The list of all rules."""
    lines = ["# Rules", "", "`reverify explain RULE` prints the same.", ""]
    kind = None
    for rule in RULES.values():
        if rule.kind is not kind:
            kind = rule.kind
            lines += [
                "",
                f"## {kind}",
                "",
                "| rule | level | outcome | |",
                "|---|---|---|---|",
            ]
        link = f"[`{rule.id}`]({rule.id}.md)"
        lines.append(f"| {link} | {rule.severity} | {rule.outcome} | {rule.title} |")
    lines += ["", "## Rules of profiles", "", "| profile | rules |", "|---|---|"]
    for profile in profile_table():
        link = f"[{profile['id']}](conformance/{profile['id']}.md)"
        lines.append(f"| {link} | {profile['rules']} |")
    return "\n".join(lines) + "\n"


def command_line() -> str:
    """Every command with its arguments and options.

    The tables are made from the declarations, not from the printed help, whose layout
    is another with each version of typer.
    """
    lines = ["# Command line", ""]
    for path, command in commands():
        arguments = [each for each in command.params if _is_argument(each)]
        options = [each for each in command.params if not _is_argument(each)]
        usage = [path, *(["[OPTIONS]"] if options else []), *map(_name, arguments)]
        if getattr(command, "commands", None):
            usage.append("COMMAND ...")
        lines += [f"## `{path}`", "", "```text", " ".join(usage), "```", ""]
        lines += [_plain(command.help), ""]
        if arguments:
            lines += ["| argument | |", "|---|---|"]
            lines += [f"| `{_name(a)}` | {_cell(_help(a))} |" for a in arguments]
            lines.append("")
        if options:
            lines += ["| option | |", "|---|---|"]
            lines += [f"| {_spelled(o)} | {_cell(_help(o))} |" for o in options]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def commands() -> Iterator[tuple[str, Command]]:
    """All commands, each with the words that call it."""
    yield from _commands(typer.main.get_command(app), "reverify")


def _commands(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, f"{path} {name}")


def _is_argument(parameter: Any) -> bool:  # noqa: ANN401 - as Command
    return str(parameter.param_type_name) == "argument"


def _name(argument: Any) -> str:  # noqa: ANN401 - as Command
    name = argument.metavar or argument.name.upper()
    return str(name if argument.required else f"[{name}]")


def _help(parameter: Any) -> str:  # noqa: ANN401 - as Command
    return _plain(getattr(parameter, "help", None) or "")


def _spelled(option: Any) -> str:  # noqa: ANN401 - as Command
    words = ", ".join(f"`{word}`" for word in sorted(option.opts, key=len))
    return f"{words} `{option.metavar}`" if option.metavar else words


def _plain(text: str) -> str:
    return inspect.cleandoc(text.replace("\f", ""))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


# -- tables within pages -----------------------------------------------------------


def settings_table() -> str:
    """A row for each setting: where it can be said, and what it is if nobody does."""
    about = _attributes(Settings)
    check = dict(commands())["reverify check"]
    options = {word for parameter in check.params for word in parameter.opts}
    lines = ["| key | option | variable | meaning | default |", "|---|---|---|---|---|"]
    for field in dataclasses.fields(Settings):
        if field.name in NAMES:
            key = field.name.replace("_", "-")
            option = f"`--{key}`" if f"--{key}" in options else ""
            variable = f"REVERIFY_{field.name.upper()}"
            lines.append(
                f"| `{key}` | {option} | `{variable}` | {about[field.name]}"
                f" | {_default(field.name, field.default)} |"
            )
    return "\n".join(lines) + "\n"


_WORKED_OUT = {
    "jobs": "as many as processors, from 2 to 16",
    "db": "`reverify.sqlite` in the data folder of the platform",
    "store": "`store` in the data folder of the platform",
    "cache_dir": "the cache folder of the platform",
}
"""Defaults that depend on the machine."""


def _default(name: str, value: object) -> str:
    if name in _WORKED_OUT:
        return _WORKED_OUT[name]
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value) or "none"
    if isinstance(value, int | float) and value > 1:
        return f"`{value:,.0f}`"
    text = "" if value is None else str(value)
    return f"`{text.lower()}`" if text else "none"


def formats_table() -> str:
    """A row for each format."""
    lines = ["| format | media type | what is written |", "|---|---|---|"]
    for name in FORMATS:
        format = format_named(name)
        about = _cell((inspect.getdoc(format) or "").partition("\n\n")[0])
        lines.append(f"| `{name}` | `{format.media_type}` | {about} |")
    return "\n".join(lines) + "\n"


def limits_table() -> str:
    """A row for each limit."""
    about = _attributes(Limits)
    lines = ["| limit | default |", "|---|--:|"]
    lines += [
        f"| {about[field.name]} | {_measured(field.name, field.default)} |"
        for field in dataclasses.fields(Limits)
    ]
    return "\n".join(lines) + "\n"


def _measured(name: str, value: Any) -> str:  # noqa: ANN401 - a number
    unit = name.rpartition("_")[2]
    if unit == "bytes" and value % MIB == 0:
        return f"{value // MIB:,} MiB"
    return f"{value:,} {unit}" if unit in {"bytes", "seconds"} else f"{value:,}"


def _attributes(cls: type) -> dict[str, str]:
    """What the docstring of a class says of each attribute."""
    section = (inspect.getdoc(cls) or "").partition("Attributes:\n")[2]
    items = re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", section, re.MULTILINE)
    return {name: _cell(text).rstrip(".") for name, text in items}


def openapi() -> str:
    """The OpenAPI document of the HTTP API."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        settings = load_settings(environ={}, folder=here, user_folder=here)
        document = describe(create_api(settings, Serving()))
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def operations_table() -> str:
    """A row for each operation of the HTTP API."""
    lines = ["| operation | | status |", "|---|---|---|"]
    for path, item in json.loads(openapi())["paths"].items():
        for method, operation in item.items():
            statuses = ", ".join(sorted(operation["responses"]))
            name = f"`{method.upper()} {path}`"
            lines.append(f"| {name} | {operation['summary']} | {statuses} |")
    return "\n".join(lines) + "\n"


def problems_table() -> str:
    """A row for each kind of problem that the HTTP API answers with."""
    lines = ["| type ends in | status | title |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind[0]} | {kind[1]} |" for name, kind in KINDS.items()]
    return "\n".join(lines) + "\n"


def audit_columns_table() -> str:
    """A row for each column of the tables of an audit."""
    lines = ["| column | type | what stands in it |", "|---|---|---|"]
    lines += [f"| `{c.name}` | {c.type} | {_cell(c.meaning)} |" for c in COLUMNS]
    return "\n".join(lines) + "\n"


TABLES: Mapping[str, Callable[[], str]] = {
    "audit-columns": audit_columns_table,
    "settings": settings_table,
    "formats": formats_table,
    "limits": limits_table,
    "operations": operations_table,
    "problems": problems_table,
}


def _filled(page: str) -> str:
    """A page written by hand, its tables made anew."""

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}\n{TABLES[match['name']]()}\n{match[3]}"

    return REGION.sub(fill, page)


# -- all of it ---------------------------------------------------------------------


def pages() -> Mapping[Path, str]:
    """Every page that is generated, whole or in part, by where it goes."""
    made = {RULE_PAGES / "index.md": NOTE + rules_index()}
    made[REFERENCE / "cli.md"] = NOTE + command_line()
    made[REFERENCE / "openapi.json"] = openapi()
    for rule in RULES.values():
        made[RULE_PAGES / f"{rule.id}.md"] = NOTE + rule_page(rule)
    for profile in profile_table():
        path = RULE_PAGES / "conformance" / f"{profile['id']}.md"
        made[path] = NOTE + profile_page(profile["id"], profile["uri"])
    for path in DOCS.rglob("*.md"):
        if path not in made:
            page = path.read_text(encoding="utf-8")
            if REGION.search(page):
                made[path] = _filled(page)
    return made


def stale(made: Mapping[Path, str], there: Iterable[Path] = ()) -> list[Path]:
    """The files that are not as they would be made, and those that nobody makes."""
    return [
        path
        for path in sorted({*made, *there})
        if not path.is_file() or path.read_text(encoding="utf-8") != made.get(path)
    ]


def outdated() -> Iterator[tuple[Path, str | None]]:
    """The files that are not current, each with what should be in it.

    The table of the profiles' rules comes first, so that whoever writes the files one
    by one has it in place when the pages are made from it.
    """
    table = {TABLE: profile_rules()}
    for path in stale(table):
        yield path, table[path]
    made = pages()
    for path in stale(made, RULE_PAGES.rglob("*.md")):
        yield path, made.get(path)


def main() -> int:
    """Write, or compare."""
    check = "--check" in sys.argv[1:]
    count = 0
    for path, text in outdated():
        count += 1
        if check:
            print(f"{path.relative_to(ROOT)}: is not current; run `make docs`")
        elif text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if not check:
        print(f"{count} generated files written or removed")
    return int(check and count > 0)


if __name__ == "__main__":
    sys.exit(main())
