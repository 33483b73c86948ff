"""The documentation: nothing without its page, no page that is wrong."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from docs import examples, generate
from reverify.checks import CHECKS
from reverify.claims import EXTRACTORS
from reverify.cli._common import EXIT, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_USAGE
from reverify.cli._judging import _targets
from reverify.crates.digests import FOREIGN, HEX_LENGTH
from reverify.formats import FORMATS
from reverify.model.outcome import ClaimKind, Level, Outcome, Severity
from reverify.model.rules import RULES
from reverify.policy_file import read_policy
from reverify.profiles.catalogue import all_rules, profile_table
from reverify.settings import NAMES, load_settings
from reverify.verification import TOOL

from tests.conftest import CRATES, ROOT

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
FENCE = re.compile(r"^```(?P<kind>\S*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CALL = re.compile(r"(?:^|[\s(;&])(?:uvx --from \. |pipx run --spec \. )?reverify .*")
SHOWN = {"sh", "console", "yaml", "toml", "text", "json", "python", "ini"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def rows(page: str) -> set[str]:
    """What stands in the first cell of the rows of all tables, without code marks."""
    cells = re.findall(r"^\| (.+?) \|", text_of(page), re.MULTILINE)
    return {cell.strip("`") for cell in cells}


# -- nothing without its page ------------------------------------------------------


def test_every_rule_has_its_page() -> None:
    for rule in RULES.values():
        page = text_of(f"docs/reference/rules/{rule.id}.md")
        assert rule.title in page
    for profile in profile_table():
        page = text_of(f"docs/reference/rules/conformance/{profile['id']}.md")
        prefix = f"conformance/{profile['id']}/"
        for row in all_rules():
            if row["id"].startswith(prefix):
                assert f"`{row['id']}`" in page


def test_every_kind_has_its_row() -> None:
    assert set(EXTRACTORS) == set(CHECKS) == set(ClaimKind)
    for page in ("README.md", "docs/reference/levels.md"):
        assert rows(page) >= set(ClaimKind)


def test_every_outcome_and_level_has_its_row() -> None:
    for page in ("README.md", "docs/reference/levels.md"):
        assert rows(page) >= set(Outcome)
        shown = {row.split(" ", 1)[-1].strip("`") for row in rows(page)}
        assert shown >= set(Level)
    assert rows("docs/reference/levels.md") >= set(Severity)


def test_every_exit_code_has_its_row() -> None:
    codes = {*EXIT.values(), EXIT_USAGE, EXIT_INTERNAL, EXIT_INTERRUPTED}
    for page in ("README.md", "docs/reference/exit-codes.md"):
        assert rows(page) >= set(map(str, codes))
    for outcome, code in EXIT.items():
        assert f"| {code} | {outcome} |" in text_of("docs/reference/exit-codes.md")


def test_every_format_has_its_row_and_its_section() -> None:
    page = text_of("docs/reference/formats.md")
    headings = re.findall("^## (.+)$", page, re.MULTILINE)
    assert rows("docs/reference/formats.md") >= set(FORMATS)
    assert {each for line in headings for each in line.split(", ")} >= set(FORMATS)


def test_every_setting_has_its_row() -> None:
    keys = {setting.replace("_", "-") for setting in NAMES}
    assert rows("docs/reference/settings.md") >= keys


def test_every_command_and_option_has_its_row() -> None:
    page = text_of("docs/reference/cli.md")
    for path, command in generate.commands():
        section = page.partition(f"## `{path}`\n")[2].partition("\n## ")[0]
        assert section, path
        for parameter in command.params:
            words = parameter.opts if parameter.opts[0].startswith("-") else ()
            for word in words:
                assert f"`{word}`" in section, (path, word)


def test_every_algorithm_is_named() -> None:
    page = text_of("docs/reference/digests.md")
    tested, recognised = re.findall(
        r"^\| (?:tested|recognised)[^|]*\| (.+) \|$", page, 8
    )
    for algorithm in HEX_LENGTH:
        assert re.search(rf"\b{algorithm}\b", tested), algorithm
    for algorithm in FOREIGN:
        assert re.search(rf"\b{algorithm}\b", recognised), algorithm


def test_every_key_of_the_report_is_told(tmp_path: Path) -> None:
    crates = [CRATES / "intact", CRATES / "fixity-wrong-sha256"]
    for index, chosen in enumerate((crates[1:], crates)):
        command = ["check", "--offline", "--skip", "conformance", "--format"]
        file = tmp_path / f"{index}.json"
        arguments = [*command, f"json={file}", *map(str, chosen)]
        answer = subprocess.run(
            [sys.executable, "-m", "reverify", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 1, answer.stderr
        page = text_of("docs/reference/report.md")
        for key in keys_of(json.loads(file.read_bytes())):
            assert f"`{key}`" in page, key


def keys_of(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in set(ClaimKind):
                yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


# -- no page that is wrong ---------------------------------------------------------


def test_generated_pages_are_current() -> None:
    stale = [name(path) for path, _ in generate.outdated()]
    assert not stale, f"run `make docs`: {', '.join(stale)}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(prose):
        if re.match("[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / unquote(path)).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall("^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.is_file() and file not in reached:
                waiting.append(file)
    assert {name(page) for page in PAGES} <= {name(page) for page in reached}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_are_of_a_kind_that_is_looked_at(page: Path, tmp_path: Path) -> None:
    for block in FENCE.finditer(page.read_text(encoding="utf-8")):
        assert block["kind"] in SHOWN, block["text"][:80]
        if block["kind"] == "toml" and page.stem == "judge-by-a-policy":
            policy = tmp_path / "policy.toml"
            policy.write_text(block["text"], encoding="utf-8")
            assert read_policy(policy).ruling.tolerated
        elif block["kind"] == "toml":
            settings = tomllib.loads(block["text"])
            assert {key.replace("-", "_") for key in settings} <= set(NAMES)


@pytest.mark.parametrize("page", examples.pages(), ids=name)
def test_examples_print_what_is_shown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    steps = [
        step
        for block in examples.BLOCK.finditer(text)
        for step in examples.steps(block.group())
    ]
    printed = examples.play([step.command for step in steps])
    assert len(printed) == len(steps)
    for step, output in zip(steps, printed, strict=True):
        assert examples.agrees(step.output, output), (
            f"{name(page)}: `{step.command}` prints\n{output}\n; it is written anew by"
            " `python docs/examples.py`"
        )


def calls() -> Iterator[tuple[str, str]]:
    """Every call of reverify that a page shows."""
    for page in PAGES:
        for block in FENCE.finditer(page.read_text(encoding="utf-8")):
            if block["kind"] in {"sh", "console", "yaml"}:
                for line in block["text"].replace("\\\n", " ").splitlines():
                    if (found := CALL.search(line)) and (
                        block["kind"] != "console" or line.startswith("$ ")
                    ):
                        yield name(page), found.group().strip("(;& ")


@pytest.mark.parametrize(("page", "call"), sorted(set(calls())))
def test_no_option_is_invented(page: str, call: str) -> None:
    del page  # it is in the name of the test
    lexer = shlex.shlex(call, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    words = words[words.index("reverify", words[0] != "reverify") + 1 :]
    end = next((i for i, word in enumerate(words) if set(word) <= set("|;<>&()")), None)
    command, *arguments = words[:end]
    known = {path.partition(" ")[2]: each for path, each in generate.commands()}
    if command.startswith("-"):
        command, arguments = "", [command, *arguments]
        assert set(arguments) <= {o for p in known[""].params for o in p.opts} | {
            "--help"
        }
        return
    while arguments and f"{command} {arguments[0]}" in known:
        command = f"{command} {arguments.pop(0)}"
    context = known[command].make_context(command, arguments)
    if command == "check":
        given = {key: context.params.get(key) or None for key in NAMES}
        settings = load_settings(given, environ={})
        assert _targets(settings.format)


def test_the_rules_that_pages_name_are_there() -> None:
    known = {rule["id"] for rule in all_rules()}
    kinds = "|".join(ClaimKind)
    for page in PAGES:
        for rule in re.findall(
            rf"`((?:{kinds})/[a-z0-9./-]+)`", page.read_text(encoding="utf-8")
        ):
            assert rule in known, (name(page), rule)


@pytest.mark.parametrize("target", ["demo", "test", "dev", "lint", "docs"])
def test_the_targets_that_the_readme_names_are_there(target: str) -> None:
    answer = subprocess.run(
        ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def test_the_changelog_knows_this_version() -> None:
    assert f"\n## {TOOL['version']}" in text_of("docs/changelog.md")
