"""Run the examples of the documentation, and hold the pages against what they print.

`python docs/examples.py` writes what the commands print into the pages; with `--check`
it writes nothing, and exits with 1 if a page shows something else.

An example is a block marked `console`: lines that start with `$ ` are run by bash, the
lines below each are what it prints. A line `...` stands for lines that are left out.
All blocks of a page share one folder, which starts as a copy of the fixtures, and one
shell. The settings of whoever runs them are not used, and no socket is opened.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("tutorial", "how-to", "reference")
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
LEFT_OUT = "..."
SECONDS = 120

_MARK = "=== end of example ==="
_VARYING = (
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z"), "TIME"),
    (re.compile(r'("seconds": )[0-9.]+'), r"\1SECONDS"),
    (re.compile(r"(\breverify )[0-9]+(\.[0-9]+)+\w*"), r"\1VERSION"),
)


class Step(NamedTuple):
    """One command of an example.

    Attributes:
        command: what is typed; several lines where they end in a backslash.
        output: what is printed, standard output and standard error together.
    """

    command: str
    output: str

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.output}"


def pages() -> list[Path]:
    """The pages that may hold examples."""
    found = [ROOT / "README.md"]
    for folder in FOLDERS:
        found += sorted((ROOT / "docs" / folder).glob("*.md"))
    return [path for path in found if BLOCK.search(path.read_text(encoding="utf-8"))]


def steps(block: str) -> Iterator[Step]:
    """Read a block.

    Raises:
        ValueError: it does not start with a command.
    """
    if not block.startswith("$ "):
        raise ValueError(f"a console block starts with a command, not with {block!r}")
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        match = re.match(r"((?:.*\\\n)*.*)\n", part)
        command = match[1] if match else part
        yield Step(command, part[len(command) + 1 :])


def play(commands: list[str]) -> list[str]:
    """Run commands one after the other in one shell.

    Returns:
        what each of them printed.
    """
    end = f"_status=$?; printf '\\n%s\\n' '{_MARK}'; (exit $_status)"
    script = "\n".join(f"{command}\n{end}" for command in commands)
    with tempfile.TemporaryDirectory(prefix="reverify-") as name:
        folder, home = Path(name) / "work", Path(name) / "home"
        home.mkdir()
        shutil.copytree(ROOT / "fixtures", folder / "fixtures", symlinks=True)
        answer = subprocess.run(  # noqa: S603 - the text of our own pages
            ["bash", "--noprofile", "--norc", "-c", script],  # noqa: S607 - from PATH
            check=False,
            cwd=folder,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
                "HOME": str(home),
                "LC_ALL": "C.UTF-8",
                "REVERIFY_OFFLINE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=SECONDS,
        )
    return answer.stdout.split(f"\n{_MARK}\n")[: len(commands)]


def agrees(shown: str, printed: str) -> bool:
    """Whether a page shows what is printed, but for times, versions and `...`."""
    lines = (
        "(?:.*\n)*?" if line == LEFT_OUT else re.escape(line) + "\n"
        for line in _plain(shown).splitlines()
    )
    return re.fullmatch("".join(lines), _plain(printed)) is not None


def _plain(text: str) -> str:
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def refreshed(path: Path) -> str:
    """The text of a page, with what its commands print now.

    What a page leaves out stays left out as long as the rest agrees.

    Raises:
        ValueError: a command failed inside reverify; that is nothing to show.
    """
    text = path.read_text(encoding="utf-8")
    blocks = [list(steps(match.group())) for match in BLOCK.finditer(text)]
    printed = iter(play([step.command for block in blocks for step in block]))
    waiting = iter(blocks)

    def fill(_: re.Match[str]) -> str:
        made = ""
        for step in next(waiting):
            now = next(printed)
            if "internal error" in now:
                raise ValueError(f"{step.command}: {now}")
            output = step.output if agrees(step.output, now) else now
            made += str(step._replace(output=output)).rstrip("\n") + "\n"
        return made

    return BLOCK.sub(fill, text)


def main() -> int:
    """Write, or compare."""
    check = "--check" in sys.argv[1:]
    found = 0
    for path in pages():
        text = refreshed(path)
        if text == path.read_text(encoding="utf-8"):
            continue
        found += 1
        print(f"{path.relative_to(ROOT)}: {'shows something else' if check else 'new'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and found > 0)


if __name__ == "__main__":
    sys.exit(main())
