"""Commands that test nothing: rules, profiles, settings, and two reports compared."""

import difflib
import json as json_library
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverify.errors import UsageError
from reverify.formats.escape import printable

if TYPE_CHECKING:
    from reverify.model.difference import Difference
    from reverify.model.report import Report

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
_HEADINGS = {
    "broke": "broke: held before, does not now",
    "healed": "healed: holds now, did not before",
    "changed": "changed",
    "new": "new: claimed only in the second report",
    "vanished": "vanished: claimed only in the first report",
}
_SHOWN = 20


def rules(
    prefix: Annotated[
        str, typer.Argument(help="Only rules whose id starts so.", show_default=False)
    ] = "",
    *,
    json: JsonOption = False,
) -> None:
    """List all rules: id, level, and the rule in one sentence."""
    from reverify.profiles.catalogue import all_rules  # noqa: PLC0415

    chosen = [rule for rule in all_rules() if rule["id"].startswith(prefix)]
    if not chosen:
        raise UsageError(f"there is no rule whose id starts with {prefix!r}")
    if json:
        typer.echo(json_library.dumps(chosen, indent=2))
        return
    width = max(len(rule["id"]) for rule in chosen)
    for rule in chosen:
        typer.echo(
            f"{rule['id']:<{min(width, 60)}}  {rule['level']:<8} {rule['title']}"
        )


def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", show_default=False)],
    *,
    json: JsonOption = False,
) -> None:
    """Say what a rule means, where it comes from, and how to mend it."""
    from reverify.profiles.catalogue import all_rules  # noqa: PLC0415

    known = {entry["id"]: entry for entry in all_rules()}
    found = known.get(rule)
    if found is None:
        near = difflib.get_close_matches(rule, known, 3, 0.5)
        advice = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"there is no rule {rule!r}{advice}")
    if json:
        typer.echo(json_library.dumps(found, indent=2))
        return
    lines = [found["id"], "", found["title"], "", found["about"]]
    lines += ["", f"level: {found['level']} ({found['keyword']})"]
    lines += [f"outcome: {found['outcome']}"] if found["outcome"] else []
    lines += [f"fix: {found['fix']}"] if found["fix"] else []
    lines += [f"source: {found['source']}"] if found["source"] else []
    typer.echo("\n".join(lines))


def profiles(*, json: JsonOption = False) -> None:
    """List the profiles that a crate can be judged by."""
    from reverify.profiles.catalogue import profile_table  # noqa: PLC0415

    table = profile_table()
    if json:
        typer.echo(json_library.dumps(table, indent=2))
        return
    for profile in table:
        typer.echo(f"{profile['id']:<30} {profile['rules']:>4} rules  {profile['uri']}")


def config(*, json: JsonOption = False) -> None:
    """Show the settings in force, and where each came from."""
    from reverify.settings import NAMES, load_settings  # noqa: PLC0415

    settings = load_settings()
    values = {name: _plain(getattr(settings, name)) for name in NAMES}
    if json:
        document = {
            name: {"value": value, "origin": settings.origins[name]}
            for name, value in values.items()
        }
        typer.echo(json_library.dumps(document, indent=2))
        return
    for name, value in values.items():
        shown = json_library.dumps(value)
        typer.echo(f"{name.replace('_', '-'):<14} {shown:<20} {settings.origins[name]}")


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON has
    return list(value) if isinstance(value, tuple) else value


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B", show_default=False)],
    *,
    json: JsonOption = False,
) -> int:
    """Compare two JSON reports, claim by claim.

    Exit codes: 0 nothing got worse, 1 something that must be so is refuted in B and was
    not in A, 2 a file is no report.
    """
    from reverify.model.difference import difference  # noqa: PLC0415

    found = difference(_read_report(before), _read_report(after))
    if json:
        typer.echo(json_library.dumps(found.to_dict(), indent=2))
    else:
        typer.echo(_difference(found))
    return int(found.worse)


def _difference(found: "Difference") -> str:
    lines = []
    for name, heading in _HEADINGS.items():
        changes = getattr(found, name)
        if not changes:
            continue
        lines.append(f"{heading} ({len(changes):,})")
        for change in changes[:_SHOWN]:
            was = change.before.outcome if change.before else "-"
            now = change.after.outcome if change.after else "-"
            lines.append(f"  {change.finding.rule}: {was} -> {now}")
            lines.append(f"    {printable(change.finding.reason, 300)}")
        if len(changes) > _SHOWN:
            lines.append(f"  ... and {len(changes) - _SHOWN:,} more; --json shows all")
    lines.append(f"{found.same:,} claims stand as they did")
    return "\n".join(lines)


def _read_report(path: Path) -> "Report":
    from reverify.model.report import Report  # noqa: PLC0415

    try:
        document = json_library.loads(path.read_bytes())
        return Report.from_dict(document)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: is no report of one crate as `reverify check --json` writes it"
        ) from error
