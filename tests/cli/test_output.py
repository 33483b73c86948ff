"""The report goes to standard output or to files, everything else elsewhere."""

import json
import stat
from pathlib import Path

import pytest
from reverify.cli import _run
from reverify.cli._common import write_file
from reverify.errors import UsageError

from tests.fakes import file, write_crate

FAST = ["check", "--offline", "--skip", "conformance"]


@pytest.fixture
def crate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {"a.csv": b"1", "b.csv": b"1"}
    return write_crate(tmp_path / "crate", file("a.csv"), files=files)


@pytest.mark.usefixtures("crate")
def test_the_report_alone_is_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run([*FAST, "--json", "crate"]) == 0
    answer = capsys.readouterr()
    assert json.loads(answer.out)["verdict"]["outcome"] == "confirmed"
    assert answer.err == ""


@pytest.mark.usefixtures("crate")
def test_complaints_are_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run([*FAST, "--json", "absent"]) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err.startswith("reverify: absent: no such file")


@pytest.mark.usefixtures("crate")
def test_several_formats_are_written_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = ["text", "json=report.json", "markdown=report.md"]
    options = [word for name in formats for word in ("--format", name)]
    assert _run([*FAST, *options, "crate"]) == 0
    assert "CONFIRMED" in capsys.readouterr().out
    assert json.loads((tmp_path / "report.json").read_text())["findings"]
    assert (tmp_path / "report.md").stat().st_size > 0


@pytest.mark.usefixtures("crate")
def test_a_file_alone_leaves_standard_output_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run([*FAST, "--format", "json=report.json", "crate"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("crate")
def test_a_file_that_cannot_be_written_does_not_silence_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = ["json=no/such/folder.json", "text", "json=report.json"]
    options = [word for name in formats for word in ("--format", name)]
    assert _run([*FAST, *options, "crate"]) == 2
    answer = capsys.readouterr()
    assert "no/such/folder.json: cannot be written" in answer.err
    assert "CONFIRMED" in answer.out
    assert (tmp_path / "report.json").exists()


@pytest.mark.usefixtures("crate")
@pytest.mark.parametrize(
    ("options", "out"), [(["-q"], True), (["-qq"], False), (["-q", "-q"], False)]
)
def test_quiet_once_keeps_the_report_and_twice_does_not(
    options: list[str], *, out: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run([*FAST, *options, "crate"]) == 0
    assert bool(capsys.readouterr().out) is out


@pytest.mark.usefixtures("crate")
def test_quiet_twice_still_writes_files(tmp_path: Path) -> None:
    assert _run([*FAST, "-qq", "--format", "json=report.json", "crate"]) == 0
    assert (tmp_path / "report.json").exists()


@pytest.mark.usefixtures("crate")
def test_verbose_shows_notes_too(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for options in ([], ["-v"]):
        assert _run([*FAST, *options, "crate"]) == 0
        shown.append(capsys.readouterr().out)
    assert "b.csv: is not described" not in shown[0]
    assert "b.csv: is not described" in shown[1]


@pytest.mark.usefixtures("crate")
def test_progress_is_not_shown_to_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run([*FAST, "crate"]) == 0
    assert capsys.readouterr().err == ""


# -- files -------------------------------------------------------------------------


def test_a_file_is_written_whole_with_nothing_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["report.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["report.json"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "report.json"
    target.write_bytes(b"precious")
    link.symlink_to(target)
    write_file(link, b"new")
    assert target.read_bytes() == b"precious"
    assert not link.is_symlink()


def test_a_device_is_written_to_and_not_replaced() -> None:
    null = Path("/dev/null")
    write_file(null, b"new")
    assert null.is_char_device()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(tmp_path, b"new")
