"""The commands import, roundtrip and upgrade, as a user types them."""

import json
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reverify import verify
from reverify.cli import _run
from reverify.model.outcome import Outcome

from tests.builders import METADATA, document, encode, write
from tests.capsules.builders import LEAST, capsule_folder
from tests.conftest import CRATES
from tests.gitrepos import make_repository
from tests.services.servers import Server, body, serving
from tests.services.swh_double import SwhDouble

SAYS_ENOUGH: dict[str, Any] = {
    "license": "CC0-1.0",
    "description": "The rain of three stations, added up.",
    "run": {
        "command": ["python3", "sum.py", "rain.csv"],
        "started": "2026-01-31T11:59:58Z",
        "ended": "2026-01-31T12:00:00Z",
        "exit_status": 0,
    },
}


class Answer(NamedTuple):
    code: int
    out: str
    err: str


class Terminal:
    """Runs a command line within this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capture = capfd

    def __call__(self, *arguments: str | Path) -> Answer:
        code = _run([str(argument) for argument in arguments])
        return Answer(code, *self._capture.readouterr())


@pytest.fixture
def terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Terminal:
    monkeypatch.setenv("REVERIFY_DB", f"sqlite:///{tmp_path}/registry.sqlite")
    monkeypatch.setenv("REVERIFY_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("REVERIFY_OFFLINE", "1")
    return Terminal(capfd)


@pytest.fixture
def web() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def crate(tmp_path: Path, terminal: Terminal) -> Path:
    """A capsule that was exported."""
    capsule_folder(tmp_path / "capsule", **SAYS_ENOUGH)
    answer = terminal("export", tmp_path / "capsule", "-o", tmp_path / "crate")
    assert answer.code == 0, answer.err
    return tmp_path / "crate"


def zipped(crate: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(crate.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(crate))
    return target


def tarred(crate: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        archive.add(crate, arcname=".")
    return target


def edit(crate: Path, old: str, new: str, file: str = METADATA) -> None:
    text = (crate / file).read_text()
    assert old in text
    (crate / file).write_text(text.replace(old, new))


def shown(terminal: Terminal, id: str) -> bytes:
    answer = terminal("capsule", "show", id, "--manifest")
    assert answer.code == 0, answer.err
    return answer.out.encode()


# -- import ----------------------------------------------------------------------------


def test_an_exported_capsule_comes_back_byte_for_byte(
    terminal: Terminal, crate: Path, tmp_path: Path
) -> None:
    answer = terminal("import", crate)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"{LEAST['id']}@1  registered")
    original = (tmp_path / "capsule" / "capsule.json").read_bytes()
    assert shown(terminal, LEAST["id"]) == original


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_files_of_an_archive_are_kept_in_the_store(
    terminal: Terminal, crate: Path, tmp_path: Path, pack: Callable[[Path, Path], Path]
) -> None:
    archive = pack(crate, tmp_path / "crate.archive")
    assert terminal("import", archive).code == 0
    archive.unlink()
    shutil.rmtree(crate)
    shutil.rmtree(tmp_path / "capsule")
    again = terminal("export", LEAST["id"], "-o", tmp_path / "again")
    assert again.code == 0, again.err
    assert verify(str(tmp_path / "again"), offline=True).verdict.level == "intact"


@pytest.mark.parametrize("name", ["{crate}/ro-crate-metadata.json", "file://{crate}"])
def test_a_directory_may_be_named_otherwise(
    terminal: Terminal, tmp_path: Path, crate: Path, name: str
) -> None:
    answer = terminal("import", name.format(crate=crate))
    assert answer.code == 0, answer.err
    again = terminal("export", answer.out[:36], "-o", tmp_path / "again")
    assert again.code == 0, again.err


@pytest.mark.parametrize("command", ["import", "roundtrip", "upgrade"])
def test_a_crate_is_fetched_unless_we_are_offline(
    terminal: Terminal,
    tmp_path: Path,
    crate: Path,
    web: Server,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    data = zipped(crate, tmp_path / "crate.zip").read_bytes()
    web.answers["/crate.zip"] = body(data)
    address = f"{web.url}/crate.zip"
    target = ("-o", tmp_path / "new") if command == "upgrade" else ()
    refused = terminal(command, address, *target)
    assert (refused.code, web.requests) == (2, [])
    assert "we are offline" in refused.err
    monkeypatch.setenv("REVERIFY_OFFLINE", "0")
    answer = terminal(command, address, *target, "--allow-private")
    assert answer.code == 0, answer.err


def test_importing_twice_makes_no_second_version(
    terminal: Terminal, crate: Path
) -> None:
    terminal("import", crate)
    assert "already there" in terminal("import", crate).out


def test_a_graph_that_differs_from_the_manifest_is_refused_and_named(
    terminal: Terminal, crate: Path
) -> None:
    edit(crate, LEAST["title"], "Snow at three stations")
    answer = terminal("import", crate)
    assert answer.code == 2
    assert 'differs from the graph, which would replace /title "Snow' in answer.err
    assert "--prefer" in answer.err


@pytest.mark.parametrize(
    ("which", "title"), [("graph", "Snow at three"), ("manifest", "Rain at three")]
)
def test_the_user_says_which_counts(
    terminal: Terminal, crate: Path, which: str, title: str
) -> None:
    edit(crate, LEAST["title"], "Snow at three stations")
    assert terminal("import", crate, "--prefer", which).code == 0
    assert title in terminal("capsule", "list").out


def test_a_file_that_is_not_as_stated_is_refused(
    terminal: Terminal, crate: Path
) -> None:
    (crate / "rain.csv").write_bytes(b"station,mm\na,9\n")
    answer = terminal("import", crate)
    assert answer.code == 2
    assert "rain.csv" in answer.err
    assert terminal("capsule", "list").out == ""


def test_what_a_stranger_does_not_say_is_missing_and_what_was_derived_is_told(
    terminal: Terminal, tmp_path: Path
) -> None:
    files = {"a.csv": b"1\n"}
    write(tmp_path / "crate", {**files, METADATA: encode(document(files))})
    answer = terminal("import", tmp_path / "crate")
    assert answer.code == 0
    assert "it has no capsule id" in answer.err
    manifest = json.loads(shown(terminal, answer.out[:36]))
    assert manifest["title"] == "A test"
    assert not {"code", "environment", "authors", "run"} & manifest.keys()


def test_what_the_manifest_has_no_place_for_is_said_again_by_the_next_export(
    terminal: Terminal, crate: Path, tmp_path: Path
) -> None:
    text = json.loads((crate / METADATA).read_text())
    place = {"@id": "#valley", "@type": "Place", "name": "The valley"}
    root = next(e for e in text["@graph"] if e["@id"] == "./")
    root["contentLocation"] = {"@id": "#valley"}
    text["@graph"].append(place)
    (crate / METADATA).write_text(json.dumps(text))
    assert terminal("import", crate).code == 0
    again = terminal("export", LEAST["id"], "-o", tmp_path / "again")
    assert again.code == 0, again.err
    written = json.loads((tmp_path / "again" / METADATA).read_text())
    entities = {e["@id"]: e for e in written["@graph"]}
    assert entities["#valley"] == place
    assert entities["./"]["contentLocation"] == {"@id": "#valley"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.txt": b""}, "no metadata document"),
        ({METADATA: b"{"}, "no metadata document that can be read"),
        ({METADATA: b'{"@context": "x", "@graph": []}'}, "has no root"),
    ],
)
def test_what_is_no_crate_is_refused_in_one_line(
    terminal: Terminal, tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    write(tmp_path / "crate", files)
    answer = terminal("import", tmp_path / "crate")
    assert answer.code == 2
    assert said in answer.err
    assert "Traceback" not in answer.err


# -- roundtrip -------------------------------------------------------------------------


def test_a_capsule_makes_the_round_trip_without_loss(
    terminal: Terminal, tmp_path: Path
) -> None:
    folder = capsule_folder(tmp_path / "capsule", **SAYS_ENOUGH)
    answer = terminal("roundtrip", folder, "--json")
    found = json.loads(answer.out)
    assert answer.code == 0
    assert found["lossless"] is True
    assert found["check"] == {"outcome": "confirmed", "level": "intact"}


def test_a_registered_capsule_makes_the_round_trip(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal("capsule", "register", capsule_folder(tmp_path / "capsule", **SAYS_ENOUGH))
    answer = terminal("roundtrip", LEAST["id"])
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "lossless")


def test_a_crate_of_ours_makes_the_round_trip(terminal: Terminal, crate: Path) -> None:
    assert terminal("roundtrip", crate).out == "lossless\n"


def test_a_capsule_that_changed_makes_none(terminal: Terminal, tmp_path: Path) -> None:
    folder = capsule_folder(tmp_path / "capsule", **SAYS_ENOUGH)
    (folder / "rain.csv").write_bytes(b"")
    answer = terminal("roundtrip", folder)
    assert answer.code == 2
    assert "rain.csv" in answer.err


# -- upgrade ---------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The repository whose commit the crate of SciDEX names."""
    (script,) = (CRATES / "scidex-export").rglob("sum_rain.py")
    folder = tmp_path / "repository"
    write(folder, {"src/sum_rain.py": script.read_bytes()})
    who = {"NAME": "Ada Example", "EMAIL": "ada@example.org"}
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_{key}": value for key, value in who.items()}
        env[f"GIT_{role}_DATE"] = "1700000000 +0100"
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run(["git", *command], cwd=folder, env=env, check=True)
    return folder


@pytest.mark.parametrize("format", ["dir", "zip", "bag", "bag-zip"])
def test_a_mended_crate_is_confirmed_in_every_packing(
    terminal: Terminal, tmp_path: Path, repository: Path, format: str
) -> None:
    target = tmp_path / "mended"
    answer = terminal(
        *("upgrade", CRATES / "scidex-export", "-o", target),
        *("--format", format, "--source", repository),
    )
    assert answer.code == 0, answer.err
    assert "made 'swh:1:rev:ab9cb439" in answer.out
    report = verify(str(target), offline=True)
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert report.verdict.level == "intact"


def test_an_archive_is_mended_too(
    terminal: Terminal, tmp_path: Path, repository: Path
) -> None:
    archive = tarred(CRATES / "scidex-export", tmp_path / "old.tar.gz")
    before = archive.read_bytes()
    out = tmp_path / "new.zip"
    answer = terminal("upgrade", archive, "-o", out, "--source", repository)
    assert answer.code == 0, answer.err
    assert archive.read_bytes() == before
    assert verify(str(out), offline=True).verdict.level == "intact"


def test_without_a_repository_the_type_is_left_and_told(
    terminal: Terminal, tmp_path: Path
) -> None:
    answer = terminal("upgrade", CRATES / "scidex-export", "-o", tmp_path / "new")
    assert answer.code == 0
    assert "left     src/sum_rain.py: 'swh:1:ext:" in answer.out


def test_the_archive_says_what_no_repository_can(
    terminal: Terminal,
    tmp_path: Path,
    repository: Path,
    swh_double: SwhDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REVERIFY_OFFLINE", "0")
    monkeypatch.setenv("REVERIFY_SWH_URL", swh_double.base)
    monkeypatch.setenv("REVERIFY_CACHE_DIR", str(tmp_path / "cache"))
    swh_double.load(repository)
    other = make_repository(tmp_path / "other", {"b.txt": b"2\n"})
    answer = terminal(
        *("upgrade", CRATES / "scidex-export", "-o", tmp_path / "new"),
        *("--source", other, "--allow-private"),
    )
    assert answer.code == 0, answer.err
    assert "made 'swh:1:rev:ab9cb439" in answer.out
    assert swh_double.count("known/") == 1


def test_an_archive_that_cannot_tell_is_told(
    terminal: Terminal,
    tmp_path: Path,
    swh_double: SwhDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REVERIFY_OFFLINE", "0")
    monkeypatch.setenv("REVERIFY_SWH_URL", swh_double.base)
    monkeypatch.setenv("REVERIFY_CACHE_DIR", str(tmp_path / "cache"))
    swh_double.tokens.add("right")
    monkeypatch.setenv("REVERIFY_SWH_TOKEN", "wrong")  # refused at once
    crate = CRATES / "scidex-export"
    answer = terminal("upgrade", crate, "-o", tmp_path / "new", "--allow-private")
    assert answer.code == 0
    assert "left     src/sum_rain.py: 'swh:1:ext:" in answer.out
    assert "refuses the token" in answer.err


def test_a_target_that_is_there_is_refused_without_force(
    terminal: Terminal, tmp_path: Path
) -> None:
    arguments = ("upgrade", CRATES / "scidex-export", "-o", tmp_path / "new")
    assert terminal(*arguments).code == 0
    refused = terminal(*arguments)
    assert refused.code == 2
    assert "--force" in refused.err
    assert terminal(*arguments, "--force").code == 0


def test_the_crate_itself_is_never_written_over(
    terminal: Terminal, tmp_path: Path
) -> None:
    crate = tmp_path / "crate"
    shutil.copytree(CRATES / "conformance-context-is-a-profile", crate)
    for name in (crate, f"file://{crate}", crate / METADATA):
        for target in (crate, crate / "new", tmp_path):
            answer = terminal("upgrade", name, "-o", target, "--force")
            assert answer.code == 2
            assert "choose another name" in answer.err


def test_files_that_have_no_part_in_a_run_come_along(
    terminal: Terminal, tmp_path: Path
) -> None:
    files = {"a.csv": b"1\n", "doc/read me.txt": b"Read me.\n"}
    write(tmp_path / "crate", {**files, METADATA: encode(document(files))})
    answer = terminal("import", zipped(tmp_path / "crate", tmp_path / "crate.zip"))
    assert answer.code == 0, answer.err
    shutil.rmtree(tmp_path / "crate")
    again = terminal("export", answer.out[:36], "-o", tmp_path / "again")
    assert again.code == 0, again.err
    for path, data in files.items():
        assert (tmp_path / "again" / path).read_bytes() == data
    report = verify(str(tmp_path / "again"), offline=True, skip=["conformance"])
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_what_an_export_looked_up_in_git_is_nobody_elses_word(
    terminal: Terminal, repository: Path, tmp_path: Path
) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (script,) = (CRATES / "scidex-export").rglob("sum_rain.py")
    folder = capsule_folder(
        tmp_path / "capsule",
        **SAYS_ENOUGH,
        code={
            "repository": "https://git.example.org/lab/rain.git",
            "git_commit": commit,
            "path": "src/sum_rain.py",
            "files": [{"path": "src/sum_rain.py"}],
        },
    )
    write(folder, {"src/sum_rain.py": script.read_bytes()})
    out = tmp_path / "crate.zip"
    answer = terminal("export", folder, "-o", out, "--source", repository)
    assert answer.code == 0, answer.err
    assert terminal("import", out).code == 0
    original = (folder / "capsule.json").read_bytes()
    assert shown(terminal, LEAST["id"]) == original
