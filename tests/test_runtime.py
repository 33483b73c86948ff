"""Settings made into tools, and the one function that others call."""

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from types import TracebackType

import pytest
import reverify
from reverify import ClaimKind, Level, Outcome, UsageError
from reverify.cli import _run
from reverify.crates.crate import Crate
from reverify.runtime import Runtime
from reverify.services.software_heritage import NotHeld
from reverify.settings import load_settings

from tests.conftest import CRATES
from tests.fakes import file, folder, write_crate
from tests.services.servers import body, serving
from tests.services.swh_double import SwhDouble

FAST = ("conformance",)


def test_a_crate_is_checked_by_one_call() -> None:
    report = reverify.verify(str(CRATES / "intact"), offline=True, skip=FAST)
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert report.subject.name == "Rain at three stations"


def test_options_are_settings_by_name(tmp_path: Path) -> None:
    write_crate(tmp_path, file("gone.csv"))
    report = reverify.verify(
        str(tmp_path), offline=True, only=["fixity"], require="intact"
    )
    assert {finding.claim.kind for finding in report.findings} == {ClaimKind.FIXITY}
    assert report.verdict.required is Level.INTACT
    assert report.verdict.outcome is Outcome.UNDETERMINED


@pytest.mark.parametrize("options", [{"ofline": True}, {"jobs": 0}, {"only": ["x"]}])
def test_an_option_that_makes_no_sense_is_a_usage_error(
    options: dict[str, object],
) -> None:
    with pytest.raises(UsageError):
        reverify.verify(str(CRATES / "intact"), **options)


def test_no_such_location_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        reverify.verify(str(tmp_path / "absent"), offline=True)


def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    files = {"a.bin": bytes(9000)}
    write_crate(tmp_path, file("a.bin", sha256="0" * 64), files=files)
    report = reverify.verify(
        str(tmp_path), offline=True, skip=FAST, max_bytes="5kB", jobs=1
    )
    assert "fixity/file-unread" in {finding.rule for finding in report.findings}


def test_several_profiles_may_be_asked_for() -> None:
    settings = load_settings({"profile": ["process-run-crate-0.5"]}, environ={})
    assert settings.profile == ("process-run-crate-0.5",)


# -- crates inside crates ----------------------------------------------------------


@pytest.fixture
def nest(tmp_path: Path) -> Path:
    write_crate(tmp_path, folder("a/"))
    write_crate(tmp_path / "a", folder("b/"))
    write_crate(tmp_path / "a" / "b", file("gone.csv"))
    write_crate(tmp_path / "c")
    return tmp_path


def locations(where: Path, *, recurse: bool) -> list[str]:
    settings = load_settings(
        {"offline": True, "skip": FAST, "recurse": recurse}, environ={}
    )
    with Runtime(settings) as runtime:
        reports = list(runtime.verify(str(where)))
    return [r.subject.location.removeprefix(str(where)) for r in reports]


def test_crates_inside_are_left_alone_unless_asked_for(nest: Path) -> None:
    assert locations(nest, recurse=False) == [""]


def test_every_crate_inside_is_checked_once(nest: Path) -> None:
    assert locations(nest, recurse=True) == ["", "#a", "#a/b", "#c"]


def test_a_refuted_crate_inside_counts_for_the_exit_code(nest: Path) -> None:
    arguments = ["check", "--offline", "--skip", "conformance", "-qq", str(nest)]
    assert _run(arguments) == 0
    assert _run([*arguments, "--recurse"]) == 1


# -- offline -----------------------------------------------------------------------

_NO_SOCKET = """
    import socket, sys
    opened = []

    class Refused(socket.socket):
        def __init__(self, *args, **rest):
            opened.append("socket")
            super().__init__(*args, **rest)

        def connect(self, address):
            opened.append(address)
            raise OSError("no socket may be opened")

    def getaddrinfo(*args, **rest):
        opened.append(args)
        raise OSError("no name may be asked for")

    socket.socket = Refused
    socket.getaddrinfo = socket.gethostbyname = getaddrinfo
    from reverify.cli import _run
    code = _run(sys.argv[1:])
    sys.exit(9 if opened else code)
"""


def _without_sockets(*arguments: str) -> int:
    program = textwrap.dedent(_NO_SOCKET)
    command = [sys.executable, "-c", program, *arguments]
    answer = subprocess.run(command, capture_output=True, check=False)
    return answer.returncode


def web_crate(where: Path, url: str = "https://example.org/a.csv") -> Path:
    context = ["https://w3id.org/ro/crate/1.2/context", "https://example.org/context"]
    entities = [file(url, contentSize="1"), file("here.csv")]
    return write_crate(where, *entities, files={"here.csv": b"1"}, context=context)


def test_offline_opens_no_socket(tmp_path: Path) -> None:
    web_crate(tmp_path)
    arguments = ["check", "--offline", "--skip", "conformance", str(tmp_path)]
    assert _without_sockets(*arguments) == 0


@pytest.mark.parametrize(
    "location",
    ["https://example.org/crate.zip", "doi:10.5281/zenodo.1", "s3://b/c.zip"],
)
def test_offline_a_location_elsewhere_is_not_asked_for(location: str) -> None:
    assert _without_sockets("check", "--offline", location) == 3


def test_online_the_listener_would_have_heard(tmp_path: Path) -> None:
    arguments = ["check", "--only", "completeness", str(web_crate(tmp_path))]
    assert _without_sockets(*arguments) == 9


@pytest.mark.slow
def test_offline_the_profile_engine_asks_nobody_either(tmp_path: Path) -> None:
    with serving({"/a.csv": body(b"x")}) as server:
        crate = write_crate(tmp_path, file(f"{server.url}/a.csv"))
        names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY")
        environ = {**os.environ, **dict.fromkeys(names, server.url)}
        command = [sys.executable, "-m", "reverify", "check", "--offline", str(crate)]
        answer = subprocess.run(command, env=environ, capture_output=True, check=False)
        assert b"conformance/ro-crate-1.2/" in answer.stdout
        assert answer.returncode == 1
        assert server.requests == []


def test_offline_is_no_door_rather_than_a_locked_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    web_crate(tmp_path)
    report = reverify.verify(str(tmp_path), offline=True, skip=FAST)
    assert "completeness/web-untested" in {f.rule for f in report.findings}


def test_one_runtime_checks_many_crates(tmp_path: Path) -> None:
    settings = load_settings({"offline": True, "skip": FAST}, environ={})
    with Runtime(settings) as runtime:
        for name in ("one", "two"):
            write_crate(tmp_path / name, root={"name": name})
            (report,) = runtime.verify(str(tmp_path / name))
            assert report.subject.name == name


def test_an_opened_crate_is_closed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed: list[str] = []
    leave = Crate.__exit__

    def left(
        self: Crate,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        closed.append(self.location)
        leave(self, kind, error, trace)

    monkeypatch.setattr(Crate, "__exit__", left)
    write_crate(tmp_path)
    reverify.verify(str(tmp_path), offline=True, skip=FAST)
    assert closed == [str(tmp_path)]


# -- the archive -------------------------------------------------------------------


def test_offline_and_without_kept_answers_there_is_no_archive(tmp_path: Path) -> None:
    flags = {"offline": True, "cache_dir": tmp_path / "cache"}
    with Runtime(load_settings(flags, environ={})) as runtime:
        assert runtime._services.archive is None


def test_online_the_archive_is_the_one_that_the_user_names(tmp_path: Path) -> None:
    flags = {"swh_url": "https://swh.example/api/1", "cache_dir": tmp_path / "cache"}
    with Runtime(load_settings(flags, environ={})) as runtime:
        archive = runtime._services.archive
        assert archive is not None
        assert archive.base == "https://swh.example/api/1/"
    assert not (tmp_path / "cache").exists(), "nothing was asked"


def test_the_archive_is_asked_and_remembered_from_one_run_to_the_next(
    tmp_path: Path, swh_double: SwhDouble
) -> None:
    flags = {
        "swh_url": swh_double.base,
        "cache_dir": tmp_path / "cache",
        "allow_private": True,
    }
    rev = "swh:1:rev:" + "1" * 40
    for _ in range(2):
        with Runtime(load_settings(flags, environ={})) as runtime:
            archive = runtime._services.archive
            assert archive is not None
            assert isinstance(archive.known([rev])[rev], NotHeld)
    assert len(swh_double.asked) == 1


def test_a_token_that_may_not_be_used_is_a_usage_error() -> None:
    flags = {"swh_url": "http://swh.example/", "swh_token": "abc"}
    with pytest.raises(UsageError, match="by https only"):
        Runtime(load_settings(flags, environ={}))
