"""The exit code says the verdict, and the gravest of several counts."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from reverify.cli import _common, _run
from reverify.model.report import Report
from reverify.runtime import Runtime

from tests.conftest import CRATES
from tests.fakes import file, write_crate

FAST = ["check", "--offline", "--skip", "conformance"]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locations named for what becomes of them."""
    write_crate(tmp_path / "confirmed", file("a.csv"), files={"a.csv": b"1"})
    write_crate(tmp_path / "refuted", file("gone.csv"))
    entity = file("a.csv", blake3="abc")
    write_crate(tmp_path / "undetermined", entity, files={"a.csv": b"1"})
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("no crate")
    monkeypatch.chdir(tmp_path)
    real = Runtime.verify

    def verify(self: Runtime, location: str) -> Iterator[Report]:
        if location == "failing":
            raise ZeroDivisionError("division by zero")
        if location == "stopped":
            raise KeyboardInterrupt
        return real(self, location)

    monkeypatch.setattr(Runtime, "verify", verify)
    return tmp_path


CODES = {
    "confirmed": 0,
    "refuted": 1,
    "absent": 2,
    "undetermined": 3,
    "failing": 4,
    "stopped": 130,
}


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(("location", "code"), CODES.items())
def test_each_verdict_has_its_exit_code(location: str, code: int) -> None:
    assert _run([*FAST, "-qq", location]) == code


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        *itertools.permutations(["confirmed", "undetermined", "refuted", "absent"], 2),
        ("failing", "absent"),
        ("absent", "failing"),
        ("refuted", "stopped"),
    ],
)
def test_of_two_the_gravest_counts(first: str, second: str) -> None:
    order = [0, 3, 1, 2, 4, 130]
    gravest = max(CODES[first], CODES[second], key=order.index)
    assert _run([*FAST, "-qq", first, second]) == gravest


@pytest.mark.parametrize(
    ("codes", "gravest"),
    [([0], 0), ([0, 3], 3), ([3, 1], 1), ([1, 2], 2), ([2, 4], 4), ([4, 130, 0], 130)],
)
def test_gravity_has_an_order(codes: list[int], gravest: int) -> None:
    assert _common.gravest(codes) == gravest


@pytest.mark.usefixtures("shelf")
def test_one_bad_location_does_not_silence_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = _run([*FAST, "--format", "jsonl", "absent", "failing", "confirmed"])
    answer = capsys.readouterr()
    assert code == 4
    assert len(answer.out.splitlines()) == 1
    assert "absent: no such file" in answer.err
    assert "internal error" in answer.err


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("location", ["empty", "text.txt"])
def test_what_opens_and_is_no_crate_is_refuted(location: str) -> None:
    assert _run(["check", "--offline", "-qq", location]) == 1


@pytest.mark.parametrize(
    "location",
    ["https://example.org/crate.zip", "doi:10.5281/zenodo.1", "s3://bucket/crate.zip"],
)
def test_what_cannot_be_reached_now_is_undetermined(location: str) -> None:
    assert _run(["check", "--offline", "-qq", location]) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["check"],
        ["check", "--nonsense", "x"],
        ["check", "--jobs", "many", "x"],
        ["check", "--jobs", "0", "x"],
        ["check", "--format", "nonsense", "x"],
        ["check", "--format", "json=", "x"],
        ["check", "--format", "json", "--format", "text", "x"],
        ["check", "--require", "perfect", "x"],
        ["check", "--only", "nonsense", "x"],
        ["check", "--only", "fixity", "--skip", "fixity", "x"],
        ["check", "--max-bytes", "lots", "x"],
        ["check", "--max-time", "soon", "x"],
        ["check", "http://user:secret@example.org/"],
        ["check", "nonsense://x"],
        ["explain", "no/such-rule"],
        ["diff", "no-such-a.json", "no-such-b.json"],
    ],
    ids=" ".join,
)
def test_a_question_that_cannot_be_asked_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(arguments) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err
    assert "internal error" not in answer.err


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["check", "-h"], ["-V"]])
def test_asking_for_help_is_fine(arguments: list[str]) -> None:
    assert _run(arguments) == 0


@pytest.mark.usefixtures("shelf")
def test_an_internal_error_is_one_line_that_says_how_to_report_it(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert _run([*FAST, "failing"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "ZeroDivisionError: division by zero" in line
    assert "please report it" in line
    assert not caplog.records


@pytest.mark.usefixtures("shelf")
def test_an_internal_error_has_its_traceback_with_v(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert _run([*FAST, "-v", "failing"]) == 4
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.usefixtures("shelf")
def test_being_interrupted_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run([*FAST, "stopped"]) == 130
    assert capsys.readouterr().err.strip() == "reverify: interrupted"


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("format", ["text", "json", "jsonl", "markdown", "junit"])
@pytest.mark.parametrize(("location", "code"), list(CODES.items())[:5])
def test_a_format_never_changes_the_exit_code(
    format: str, location: str, code: int
) -> None:
    assert _run([*FAST, "--format", format, location]) == code


@pytest.mark.parametrize(("crate", "code"), [("intact", 0), ("fixity-wrong-sha256", 1)])
def test_nobody_reading_does_not_change_the_exit_code(crate: str, code: int) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "reverify", *FAST, "--json", str(CRATES / crate)]
    try:
        answer = subprocess.run(
            command, stdout=theirs, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(theirs)
    assert answer.returncode == code
    assert answer.stderr == b""


def test_nobody_reading_a_list_to_its_end_is_fine() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "reverify", "config"]
    try:
        answer = subprocess.run(
            command, stdout=theirs, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(theirs)
    assert (answer.returncode, answer.stderr) == (0, b"")
