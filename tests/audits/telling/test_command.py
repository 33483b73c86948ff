"""Telling a program: what it gets, how it fails, and that it does not stay."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from reverify.audits.telling import command
from reverify.audits.telling.command import environment, tell
from reverify.audits.telling.means import Means
from reverify.audits.telling.targets import Command
from reverify.cli import _run
from reverify.settings import TOLD

from tests.audits.telling.changes import EVIL, change, notice


def program(folder: Path, text: str) -> Command:
    """A program in Python; `here` in it is the folder."""
    path = folder / "tell.py"
    path.write_text(f"from pathlib import Path\nhere = Path({str(folder)!r})\n{text}")
    return Command((sys.executable, str(path), "an argument", "$HOME;"))


def test_it_gets_the_json_and_its_arguments_as_they_are(tmp_path: Path) -> None:
    target = program(
        tmp_path,
        "import sys\n"
        "(here / 'in').write_bytes(sys.stdin.buffer.read())\n"
        "(here / 'arguments').write_text(repr(sys.argv[1:]))\n",
    )
    told = notice(*(change(f"{number}/{EVIL}") for number in range(1000)))
    assert tell(told, target, Means()) == ""
    assert (tmp_path / "in").read_bytes() == told.to_json()
    assert (tmp_path / "arguments").read_text() == "['an argument', '$HOME;']"


def test_it_gets_the_headings_as_variables_and_none_of_our_secrets(
    tmp_path: Path,
) -> None:
    target = program(
        tmp_path,
        "import json, os\n"
        "(here / 'environ').write_text(json.dumps(dict(os.environ)))\n",
    )
    secrets = ("NOTIFY_SECRET", "SMTP_URL", "SWH_TOKEN", "TOKEN")
    environ = {f"REVERIFY_{name}": "secret" for name in secrets}
    environ |= {"REVERIFY_DB": "sqlite:///x", "PATH": os.environ["PATH"]}
    assert tell(notice(name="the \n archive"), target, Means(environ=environ)) == ""
    got = json.loads((tmp_path / "environ").read_text())
    ours = {k: v for k, v in got.items() if k.startswith("REVERIFY_")}
    assert ours == {
        "REVERIFY_DB": "sqlite:///x",
        "REVERIFY_SUBJECT": "reverify: 1 broke in the \\x0a archive (run 7)",
        "REVERIFY_NOTICE": notice().id,
        "REVERIFY_COLLECTION": "the \\x0a archive",
        "REVERIFY_RUN": "7",
        "REVERIFY_BROKE": "1",
        "REVERIFY_HEALED": "0",
        "REVERIFY_NEW": "0",
        "REVERIFY_VANISHED": "0",
    }


def test_it_may_call_us_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told = environment(notice(), {})
    assert set(told) == {f"REVERIFY_{name}" for name in TOLD}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert _run(["config", "--json"]) == 0


def test_whatever_it_writes_is_not_looked_at(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = program(
        tmp_path,
        "import sys\nprint('x' * 1_000_000)\nprint('\\x1b[2J', file=sys.stderr)\n",
    )
    assert tell(notice(), target, Means()) == ""
    assert capfd.readouterr() == ("", "")


def test_one_that_does_not_read_is_no_trouble(tmp_path: Path) -> None:
    told = notice(*(change(f"{number}", EVIL * 100) for number in range(1000)))
    assert len(told.to_json()) > 65536
    assert tell(told, program(tmp_path, ""), Means()) == ""


def test_one_that_fails_says_why_and_is_escaped(tmp_path: Path) -> None:
    target = program(
        tmp_path,
        "import sys\nsys.stderr.write('x' * 9999 + '\\x1b[2Jno\\n')\nsys.exit(3)\n",
    )
    said = tell(notice(), target, Means())
    assert said.startswith("exit status 3: xxx")
    assert said.endswith("\\x1b[2Jno")
    assert len(said) < 600


def test_one_that_fails_in_silence_is_told_by_its_status(tmp_path: Path) -> None:
    said = tell(notice(), program(tmp_path, "raise SystemExit(4)"), Means())
    assert said == "exit status 4"


def test_one_that_is_killed_is_told_by_its_signal(tmp_path: Path) -> None:
    target = program(tmp_path, "import os\nos.kill(os.getpid(), 9)")
    assert tell(notice(), target, Means()) == "was ended by signal 9"


@pytest.mark.parametrize("name", ["no-such-program", "/etc/passwd", "/"])
def test_one_that_is_none_cannot_be_run(name: str) -> None:
    said = tell(notice(), Command((name,)), Means(environ={"PATH": "/usr/bin"}))
    assert said.startswith("cannot be run (")


def test_one_that_takes_too_long_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SECONDS", 2)
    target = program(
        tmp_path,
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time\\n"
        "time.sleep(60)'])\n"
        "(here / 'child').write_text(str(child.pid))\n"
        "time.sleep(60)\n",
    )
    began = time.monotonic()
    assert (
        tell(notice(), target, Means()) == "took longer than 2 seconds, and was ended"
    )
    assert time.monotonic() - began < 20
    child = int((tmp_path / "child").read_text())
    assert is_gone(child)


def is_gone(process: int) -> bool:
    """Whether a process ends within a while; one that nobody waited for is gone."""
    for _ in range(100):
        try:
            state = (
                Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
            )
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False
