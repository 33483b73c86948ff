"""Nothing of a crate is ever executed, unless that is asked for."""

import stat
from pathlib import Path

import pytest

from tests.builders import METADATA, document, encode, write
from tests.cli.test_bring import Terminal, terminal

__all__ = ["terminal"]


def trapped(folder: Path, mark: Path) -> Path:
    """A crate all of whose files leave a mark when they are run, read in or built."""
    shell = f"#!/bin/sh\ntouch {mark}\n".encode()
    python = f"open({str(mark)!r}, 'w').close()\n".encode()
    files = {
        "run.sh": shell,
        "reverify": shell,
        "git": shell,
        "python3": shell,
        "sum.py": python,
        "setup.py": python,
        "conftest.py": python,
        "sitecustomize.py": python,
        "usercustomize.py": python,
        "reverify.py": python,
        "Makefile": f"all:\n\ttouch {mark}\n".encode(),
        "Snakefile": f"rule all:\n    shell: 'touch {mark}'\n".encode(),
        "main.nf": f"process x {{ 'touch {mark}' }}\n".encode(),
        "reverify.toml": b"rerun = true\n",
        ".git/hooks/post-checkout": shell,
        ".git/config": f"[core]\n\tfsmonitor = touch {mark}\n".encode(),
        ".git/HEAD": b"ref: refs/heads/main\n",
    }
    command = {
        "@id": "#command",
        "@type": "PropertyValue",
        "name": "command",
        "value": '["sh", "run.sh"]',
    }
    tool = {"@id": "#tool", "@type": "SoftwareApplication", "name": "trap"}
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "instrument": [{"@id": "#tool"}, {"@id": "Snakefile"}],
        "object": [{"@id": "#command"}, {"@id": "sum.py"}],
        "result": {"@id": "Makefile"},
    }
    made = document(files, command, tool, run)
    write(folder, {**files, METADATA: encode(made)})
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--recurse", "{crate}"),
        ("check", "--source", "{crate}", "--format", "sarif", "{crate}"),
        ("import", "{crate}"),
        ("roundtrip", "{crate}"),
        ("upgrade", "{crate}", "-o", "{out}"),
        ("swhid", "{crate}"),
        ("archive", "{crate}"),
        ("capsule", "list"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_no_other_command_executes_what_a_crate_holds(
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    mark = tmp_path / "mark"
    crate = trapped(tmp_path / "crate", mark)
    monkeypatch.chdir(crate)
    (crate / "reverify.toml").unlink()  # a user's own folder may have one
    names = {"crate": str(crate), "out": str(tmp_path / "out")}
    terminal(*(each.format(**names) for each in arguments))
    assert not mark.exists()


def test_the_trap_works(terminal: Terminal, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    crate = trapped(tmp_path / "crate", mark)
    asked = ("--only", "execution", "--unsafe-no-sandbox")
    terminal("reproduce", crate, *asked)
    assert mark.exists()
