"""Commands that test nothing: rules, profiles, settings, and two reports compared."""

import difflib
import json as json_library
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverify.cli._common import write_stdout
from reverify.errors import UsageError
from reverify.formats.escape import printable
from reverify.model.outcome import Severity

if TYPE_CHECKING:
    from reverify.model.difference import Difference
    from reverify.model.report import Report

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
_HEADINGS = {
    "broke": "broke: confirmed before, refuted now",
    "changed": "changed: not known before, or not known now",
    "new": "new: only in the second report",
    "vanished": "vanished: only in the first report",
    "healed": "healed: refuted before, confirmed now",
}
_PASSWORD = re.compile(r"(://[^/@:]*:)[^/]*(@)")
_SHOWN = 20
_COLUMNS = 80
_TELLING = 4
"""So many letters of a rule's id tell which rules may be meant."""
_MOST_ADVICE = 3
_ONE = "give a report of one crate, as `reverify check --json CRATE` writes it"


def rules(
    prefix: Annotated[
        str, typer.Argument(help="Only rules whose id starts so.", show_default=False)
    ] = "",
    *,
    json: JsonOption = False,
) -> None:
    """List all rules: id, level, and the rule in one sentence."""
    from reverify.profiles.catalogue import all_rules  # noqa: PLC0415

    known = all_rules()
    chosen = [rule for rule in known if rule["id"].startswith(prefix)]
    if not chosen:
        advice = _advice(prefix, [rule["id"] for rule in known])
        raise UsageError(f"there is no rule whose id starts with {prefix!r}{advice}")
    if json:
        _write_json(chosen)
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

    known = all_rules()
    named = [entry for entry in known if entry["id"] == rule.strip()]
    if not named:
        advice = _advice(rule, [entry["id"] for entry in known])
        raise UsageError(f"there is no rule {rule!r}{advice}")
    # A profile may ask for one thing at two levels, under one name.
    named.sort(key=lambda entry: list(Severity).index(Severity(entry["level"])))
    found, levels = named[0], [entry["level"] for entry in named]
    if json:
        _write_json({**found, "levels": levels})
        return
    blocks = [found["id"], found["title"], found["about"]]
    asked = " or ".join(f"{entry['level']} ({entry['keyword']})" for entry in named)
    facts = [f"level: {asked}"]
    facts += [f"outcome: {found['outcome']}"] if found["outcome"] else []
    facts += [_wrapped(f"fix: {found['fix']}")] if found["fix"] else []
    facts += [f"source: {found['source']}"] if found["source"] else []
    paragraphs = [_wrapped(block) for block in blocks if block]
    typer.echo("\n\n".join([*paragraphs, "\n".join(facts)]))


def _wrapped(text: str) -> str:
    """Break a paragraph into lines."""
    return textwrap.fill(text, _COLUMNS, break_long_words=False, break_on_hyphens=False)


def _advice(text: str, ids: list[str]) -> str:
    """Which rules may have been meant: of that slug, with that in it, or alike."""
    text = text.strip().casefold()
    known = dict.fromkeys(ids)
    near = [id for id in known if id.rpartition("/")[2] == text]
    near = near or [id for id in known if len(text) >= _TELLING and text in id]
    near = near or difflib.get_close_matches(text, known, _MOST_ADVICE, 0.5)
    if not near:
        return "; `reverify rules` lists them"
    more = ", ..." if len(near) > _MOST_ADVICE else ""
    return f"; did you mean {' or '.join(near[:_MOST_ADVICE])}{more}?"


def profiles(*, json: JsonOption = False) -> None:
    """List the profiles that a crate can be judged by."""
    from reverify.profiles.catalogue import profile_table  # noqa: PLC0415

    table = profile_table()
    if json:
        _write_json(table)
        return
    for profile in table:
        typer.echo(f"{profile['id']:<30} {profile['rules']:>4} rules  {profile['uri']}")


def config(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show the settings in force, and where each came from."""
    if context.invoked_subcommand is not None:
        return
    from reverify.settings import NAMES, load_settings  # noqa: PLC0415

    settings = load_settings()
    values = {name: _plain(getattr(settings, name)) for name in NAMES}
    if json:
        document = {
            name: {"value": value, "origin": settings.origins[name]}
            for name, value in values.items()
        }
        _write_json(document)
        return
    for name, value in values.items():
        shown = printable(json_library.dumps(value, ensure_ascii=False))
        origin = printable(settings.origins[name])
        typer.echo(f"{name.replace('_', '-'):<14} {shown:<20} {origin}")


def policy(
    check: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The policy file.", show_default=False),
    ],
) -> int:
    """See whether a policy file can be used, and say what it asks for.

    Exit codes: 0 it can, 2 it cannot: each fault is told with its place.
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - --help stays light

    from reverify.policy_file import read_policy  # noqa: PLC0415

    found = read_policy(check)
    ruling, today = found.ruling, datetime.now(UTC).date()
    lines = [f"{printable(str(check))}: can be used"]
    if ruling.name.name:
        lines.append(f"  name            {printable(ruling.name.name, 200)}")
    told = {
        "require": found.settings.get("require"),
        "kinds": ", ".join(found.settings.get("only", ())),
        "profiles": ", ".join(found.settings.get("profile", ())),
        "strict": "yes" if found.settings.get("strict") else "",
        "minimum-digest": ruling.minimum_digest,
        "archive-age": f"{ruling.archive_age:,.0f} s" if ruling.archive_age else "",
    }
    lines += [f"  {key:<15} {printable(said)}" for key, said in told.items() if said]
    for each in ruling.tolerated:
        state = "until" if today <= each.until else "EXPIRED on"
        lines.append(f"  tolerated       {each.rule}, {state} {each.until}")
        lines.append(f"                  {printable(each.reason, 400)}")
    typer.echo("\n".join(lines))
    return 0


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON has
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str):
        return _PASSWORD.sub(r"\1***\2", value)
    if value is None or isinstance(value, int | float):
        return value
    return str(value)  # a path, or a secret, which shows itself to nobody


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

    first, second = _read_report(before), _read_report(after)
    found = difference(first, second)
    if json:
        _write_json(found.to_dict())
    else:
        lines = [_headline("before", first), _headline("after", second), ""]
        typer.echo("\n".join([*lines, *_difference(found)]))
    return int(found.worse)


def _headline(word: str, report: "Report") -> str:
    from reverify.model.finding import timestamp  # noqa: PLC0415

    verdict = report.verdict
    level = f"level {verdict.level}" if verdict.level else "no level reached"
    where = printable(report.subject.location, 100)
    when = timestamp(report.finished)
    return f"{word + ':':<7} {where}  {verdict.outcome.upper()}  {level}  {when}"


def _difference(found: "Difference") -> Iterator[str]:
    for name, heading in _HEADINGS.items():
        changes = getattr(found, name)
        if not changes:
            continue
        yield f"{heading} ({len(changes):,})"
        for change in changes[:_SHOWN]:
            was = change.before.outcome if change.before else "not claimed"
            now = change.after.outcome if change.after else "not claimed"
            yield f"  {printable(change.finding.rule, 200)}: {was} -> {now}"
            yield f"    {printable(change.finding.reason, 300)}"
        if len(changes) > _SHOWN:
            yield f"  ... and {len(changes) - _SHOWN:,} more; --json shows all"
        yield ""
    claims = "claim stands" if found.same == 1 else "claims stand"
    yield f"{found.same:,} {claims} as before"


def _read_report(path: Path) -> "Report":
    """Read a report of one crate.

    Raises:
        UsageError: the file is none, or holds several.
    """
    from reverify.model.report import SCHEMA_VERSION, Report  # noqa: PLC0415

    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    what = "is no report of one crate as `reverify check --json` writes it"
    try:
        document = json_library.loads(data)
    except (ValueError, RecursionError) as error:
        if _is_report_line(data):
            what = f"holds several reports, one a line; {_ONE}"
        raise UsageError(f"{path}: {what}") from error
    if isinstance(document, dict) and isinstance(document.get("reports"), list):
        count = len(document["reports"])
        raise UsageError(f"{path}: holds the reports of {count:,} crates; {_ONE}")
    if isinstance(document, dict) and "findings" in document:
        version = str(document.get("schema_version", SCHEMA_VERSION))
        if _major(version) != _major(SCHEMA_VERSION):
            raise UsageError(
                f"{path}: is a report of version {version}; this reverify reads"
                f" version {SCHEMA_VERSION}"
            )
    try:
        return Report.from_dict(document)
    except KeyError as error:
        raise UsageError(f"{path}: {what}: {error} is missing") from error
    except ValueError as error:
        raise UsageError(f"{path}: {what}: {error}") from error
    except (TypeError, AttributeError) as error:
        raise UsageError(f"{path}: {what}") from error


def _is_report_line(data: bytes) -> bool:
    """Whether the first line of a file is a report by itself."""
    try:
        document = json_library.loads(data.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "findings" in document


def _major(version: str) -> str:
    return version.partition(".")[0]


def _write_json(document: object) -> None:
    from reverify.formats.json import dumps  # noqa: PLC0415

    write_stdout(dumps(document))
