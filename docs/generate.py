"""Make the generated parts of the documentation, or tell whether they are stale.

`python docs/generate.py` writes them; with `--check` it writes nothing, and exits with
1 if one of them is not what it would write.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import typer.main
from reverify.cli import app
from reverify.model.rules import RULES, Rule
from reverify.profiles.catalogue import TABLE, all_rules, profile_table
from reverify.profiles.roc_validator import plain_name

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Made by docs/generate.py: do not edit. -->\n\n"

_LIST_RULES = """
import json
from rocrate_validator import services
levels = {"REQUIRED": "error", "RECOMMENDED": "warning", "OPTIONAL": "note"}
table = []
for profile in services.get_profiles():
    rules = sorted(
        {
            (check.name, levels[check.severity.name], requirement.path.name)
            for requirement in profile.requirements
            if not requirement.hidden
            for check in requirement.get_checks()
        }
    )
    row = {"id": profile.identifier, "uri": str(profile.uri), "rules": rules}
    table.append(row)
print(json.dumps(sorted(table, key=lambda item: item["id"]), indent=1))
"""


def profile_rules() -> str:
    """The names and levels of the engine's rules, asked of the engine."""
    command = [sys.executable, "-I", "-c", _LIST_RULES]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return plain_name(answer.stdout)


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
        title = rule["title"].replace("|", "\\|")
        source = f"[clause]({rule['source']})" if rule["source"] else ""
        lines.append(f"| `{rule['id']}` | {rule['level']} | {title} | {source} |")
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
    """The help of every command, as it is printed."""
    group = typer.main.get_command(app)
    lines = ["# Command line", ""]
    for path, command in _commands(group, "reverify"):
        context = click.Context(command, info_name=path, terminal_width=88)
        context.max_content_width = 88
        lines += [f"## `{path}`", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(lines)


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, f"{path} {name}")


def pages() -> Mapping[Path, str]:
    """Everything that is generated, by where it goes."""
    rules = REFERENCE / "rules"
    made = {TABLE: profile_rules()}
    made[rules / "index.md"] = NOTE + rules_index()
    made[REFERENCE / "cli.md"] = NOTE + command_line()
    for rule in RULES.values():
        made[rules / f"{rule.id}.md"] = NOTE + rule_page(rule)
    for profile in profile_table():
        path = rules / "conformance" / f"{profile['id']}.md"
        made[path] = NOTE + profile_page(profile["id"], profile["uri"])
    return made


def main() -> int:
    """Write, or compare."""
    made = pages()
    known = set((REFERENCE / "rules").rglob("*.md")) | set(made)
    stale = [
        path
        for path in sorted(known)
        if not path.is_file() or path.read_text(encoding="utf-8") != made.get(path)
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: is not current; run `make docs`")
        return int(bool(stale))
    for path in stale:
        if path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made[path], encoding="utf-8")
        else:
            path.unlink()
    print(f"{len(stale)} of {len(made)} generated files written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
