"""The whole program on directories that hold more, or other things, than files.

Canaries lie outside the crate: a file there that is so much as opened sings.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders import crate_files, document, encode, file_entity, write
from tests.hostile.harness import SECRET, Room, canary, listing

GOOD = b"good"
SECRET_BYTES = b"root:secret"


def crate_with(root: Path, *names: str) -> Path:
    """A crate that describes `good.txt` and some names, which are not there yet.

    Their digest is that of the secret: whoever reads it would call them intact.
    """
    entities = [file_entity(name, SECRET_BYTES, name) for name in names]
    described = document({"good.txt": GOOD}, *entities, parts=names)
    files = {"ro-crate-metadata.json": encode(described), "good.txt": GOOD}
    return write(root, files)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a secret in it."""
    return write(tmp_path / "outside", {"secret.txt": SECRET_BYTES})


def subjects(run_findings: list[dict[str, object]], rule: str) -> set[object]:
    return {finding["subject"] for finding in run_findings if finding["rule"] == rule}


def held(room: Room, crate: Path, *options: str) -> list[dict[str, object]]:
    """Check a crate that must be refuted, without harm to what is good in it."""
    before = listing(crate)
    run = room.check(crate, *options)
    assert listing(crate) == before
    assert run.code == 1
    assert subjects(run.findings, "fixity/digest-match") == {"good.txt"}
    return run.findings


# -- links -------------------------------------------------------------------------


def test_a_link_to_a_file_outside_is_not_opened(
    room: Room, tmp_path: Path, outside: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt")
    (crate / "victim.txt").symlink_to(outside / "secret.txt")
    with canary(outside, outside / "secret.txt") as bird:
        findings = held(room, crate)
        assert not bird.sang()
    assert subjects(findings, "completeness/symlink") == {"victim.txt"}


def test_a_chain_of_links_is_not_followed(
    room: Room, tmp_path: Path, outside: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt")
    (crate / "victim.txt").symlink_to("second")
    (crate / "second").symlink_to("third")
    (crate / "third").symlink_to(outside / "secret.txt")
    with canary(outside / "secret.txt") as bird:
        findings = held(room, crate)
        assert not bird.sang()
    assert "victim.txt" in subjects(findings, "completeness/symlink")


def test_a_linked_folder_is_not_entered(
    room: Room, tmp_path: Path, outside: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "folder/secret.txt")
    (crate / "folder").symlink_to(outside)
    with canary(outside, outside / "secret.txt") as bird:
        findings = held(room, crate)
        assert not bird.sang()
    assert "folder" in subjects(findings, "completeness/symlink")


@pytest.mark.parametrize(
    "target",
    [
        "/proc/self/environ",
        "/proc/self/fd/0",
        "/dev/zero",
        "/dev/stdin",
        "/etc/passwd",
        "victim.txt",
        "nowhere",
        "..",
        ".",
        "/",
        "good.txt",
        "x" * 4000,
    ],
)
def test_a_link_is_told_and_not_followed(
    room: Room, tmp_path: Path, target: str
) -> None:
    """One policy for all: a link to a sibling is refused as well."""
    crate = crate_with(tmp_path / "crate", "victim.txt")
    (crate / "victim.txt").symlink_to(target)
    findings = held(room, crate)
    (link,) = [f for f in findings if f["rule"] == "completeness/symlink"]
    assert link["subject"] == "victim.txt"
    assert target[:40] in str(link["reason"])


def test_a_loop_of_links_is_told(room: Room, tmp_path: Path) -> None:
    crate = crate_with(tmp_path / "crate", "a.txt")
    (crate / "a.txt").symlink_to("b.txt")
    (crate / "b.txt").symlink_to("a.txt")
    assert subjects(held(room, crate), "completeness/symlink") == {"a.txt", "b.txt"}


def test_links_to_large_trees_are_not_walked(room: Room, tmp_path: Path) -> None:
    crate = write(tmp_path / "crate", crate_files({"good.txt": GOOD}))
    for name, target in {"root": "/", "proc": "/proc", "up": "..", "me": "."}.items():
        (crate / name).symlink_to(target)
    run = room.check(crate, seconds=5)
    assert run.code == 0
    assert subjects(run.findings, "completeness/symlink") == {
        "root",
        "proc",
        "up",
        "me",
    }


def test_a_document_that_is_a_link_is_not_read(
    room: Room, tmp_path: Path, outside: Path
) -> None:
    real = outside / "secret.json"
    real.write_bytes(encode(document({})))
    crate = tmp_path / "crate"
    crate.mkdir()
    (crate / "ro-crate-metadata.json").symlink_to(real)
    with canary(real) as bird:
        run = room.check(crate, conformance=True)
        assert not bird.sang()
    assert run.code == 1


def test_a_hard_link_is_a_file_like_any_other(
    room: Room, tmp_path: Path, outside: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt")
    (crate / "victim.txt").hardlink_to(outside / "secret.txt")
    assert room.check(crate).code == 0


def test_the_users_own_path_may_be_a_link(room: Room, tmp_path: Path) -> None:
    write(tmp_path / "crate", crate_files({"good.txt": GOOD}))
    (tmp_path / "link").symlink_to("crate")
    assert room.check(tmp_path / "link").code == 0


@pytest.mark.parametrize(
    "id",
    [
        "../outside/secret.txt",
        "%2e%2e/outside/secret.txt",
        "..%2Foutside/secret.txt",
        "a/../../outside/secret.txt",
        "/etc/passwd",
        "//etc/passwd",
        "file:///etc/passwd",
        "file:../outside/secret.txt",
        "C:\\secret.txt",
        "\\\\host\\secret.txt",
        "secret%00.txt",
        "a" * 300,
        "a/" * 3000 + "b",
    ],
)
def test_an_id_that_leads_out_is_refused(
    room: Room, tmp_path: Path, outside: Path, id: str
) -> None:
    crate = crate_with(tmp_path / "crate", id)
    with canary(outside, outside / "secret.txt") as bird:
        findings = held(room, crate)
        assert not bird.sang()
    assert subjects(findings, "completeness/path-unsafe") == {id}


@pytest.mark.parametrize("id", ["~/secret.txt", "$HOME/secret.txt", "*.txt", "`id`"])
def test_nothing_in_an_id_is_expanded(room: Room, tmp_path: Path, id: str) -> None:
    (room.folder / "home" / "secret.txt").write_bytes(SECRET_BYTES)
    crate = crate_with(tmp_path / "crate", id)
    findings = held(room, crate)
    assert subjects(findings, "completeness/file-missing") == {id}


# -- what is no file ---------------------------------------------------------------


def test_a_pipe_is_not_opened(room: Room, tmp_path: Path) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt")
    os.mkfifo(crate / "victim.txt")
    findings = held(room, crate)
    assert subjects(findings, "completeness/special-file") == {"victim.txt"}


def test_a_document_that_is_a_pipe_is_not_opened(room: Room, tmp_path: Path) -> None:
    crate = tmp_path / "crate"
    crate.mkdir()
    os.mkfifo(crate / "ro-crate-metadata.json")
    assert room.check(crate, conformance=True, seconds=10).code == 1


def test_a_socket_is_not_opened(room: Room, tmp_path: Path) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt")
    here = Path.cwd()
    os.chdir(crate)  # the name of a socket has room for 107 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("victim.txt")
    finally:
        os.chdir(here)
    findings = held(room, crate)
    assert subjects(findings, "completeness/special-file") == {"victim.txt"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_not_opened(room: Room, tmp_path: Path) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt")
    try:
        os.mknod(crate / "victim.txt", 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices in this container")
    findings = held(room, crate)
    assert subjects(findings, "completeness/special-file") == {"victim.txt"}


def test_a_folder_that_is_described_as_a_file_is_told(
    room: Room, tmp_path: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt")
    (crate / "victim.txt").mkdir()
    findings = held(room, crate)
    assert subjects(findings, "completeness/wrong-kind") == {"victim.txt"}


@pytest.mark.parametrize("location", ["/dev/zero", "/dev/null", "/proc/self/environ"])
def test_a_location_that_is_no_crate_is_refuted(room: Room, location: str) -> None:
    run = room.check(location, conformance=True)
    assert run.code == 1
    assert SECRET not in run.stdout


def test_a_location_that_is_a_pipe_is_refuted(room: Room, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "crate.zip")
    assert room.check(tmp_path / "crate.zip", seconds=5).code == 1


# -- too much ----------------------------------------------------------------------


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)


def test_a_sparse_file_beyond_the_budget_is_undetermined(
    room: Room, tmp_path: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "victim.bin")
    sparse(crate / "victim.bin", 256 << 30)
    run = room.check(crate, "--max-bytes", "1GB", seconds=5)
    assert "fixity/file-unread" in run.rules("undetermined")
    assert subjects(run.findings, "fixity/digest-match") == {"good.txt"}


def test_a_sparse_file_beyond_the_time_is_undetermined(
    room: Room, tmp_path: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "victim.bin")
    sparse(crate / "victim.bin", 256 << 30)
    run = room.check(crate, "--max-time", "1", seconds=6)
    assert "fixity/file-unread" in run.rules("undetermined")
    assert "--max-time" in run.stdout


def test_many_sparse_files_are_stopped_in_the_workers_too(
    room: Room, tmp_path: Path
) -> None:
    names = [f"victim-{n}.bin" for n in range(4)]
    crate = crate_with(tmp_path / "crate", *names)
    for name in names:
        sparse(crate / name, 64 << 30)
    run = room.check(crate, "--max-time", "1", "--jobs", "2", seconds=8)
    unread = subjects(run.findings, "fixity/file-unread")
    assert set(names) <= unread


def test_a_sparse_document_is_not_read(room: Room, tmp_path: Path) -> None:
    crate = tmp_path / "crate"
    crate.mkdir()
    sparse(crate / "ro-crate-metadata.json", 8 << 30)
    run = room.check(crate, "--max-bytes", "1GB", seconds=5, rss=80 << 20)
    assert run.code == 3


def test_a_sparse_document_alone_is_not_read(room: Room, tmp_path: Path) -> None:
    sparse(tmp_path / "x.json", 8 << 30)
    run = room.check(tmp_path / "x.json", rss=80 << 20)
    assert run.code == 3


def nested(root: Path, depth: int) -> int:
    """Make folders in folders, deeper than any path can be written."""
    fd = os.open(root, os.O_RDONLY)
    name = "d" * 20
    for _ in range(depth):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    return fd


def test_five_hundred_folders_in_each_other_are_not_all_entered(
    room: Room, tmp_path: Path
) -> None:
    crate = write(tmp_path / "crate", crate_files({"good.txt": GOOD}))
    os.close(nested(crate, 500))
    try:
        run = room.check(crate)
        assert run.code == 3
        assert "completeness/limit-reached" in run.rules("undetermined")
        assert subjects(run.findings, "fixity/digest-match") == {"good.txt"}
    finally:
        subprocess.run(["/bin/rm", "-rf", "--", crate], check=True)


@pytest.mark.slow
def test_twenty_thousand_files_that_nothing_describes_are_counted(
    room: Room, tmp_path: Path
) -> None:
    crate = write(tmp_path / "crate", crate_files({"good.txt": GOOD}))
    (crate / "more").mkdir()
    for n in range(20_000):
        (crate / "more" / f"{n}.txt").touch()
    run = room.check(crate)
    assert run.code == 0
    assert len(run.findings) < 2000
    assert "further files are not described" in run.stdout


# -- what moves --------------------------------------------------------------------


def test_a_file_that_grows_while_it_is_read_is_told(room: Room, tmp_path: Path) -> None:
    crate = crate_with(tmp_path / "crate", "victim.log")
    sparse(crate / "victim.log", 1 << 28)
    program = (
        "import sys, time\n"
        "with open(sys.argv[1], 'ab', 0) as log:\n"
        "    while True: log.write(b'more'); time.sleep(0.001)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, crate / "victim.log"]
    ) as writer:
        time.sleep(0.2)
        try:
            run = room.check(crate)
        finally:
            writer.kill()
    assert run.code in {1, 3}
    assert "changed while it was read" in run.stdout


_SWAPPER = """
import os, sys
crate, outside = sys.argv[1:]
os.chdir(crate)
os.symlink(outside + "/secret.txt", "link-to-file")
os.symlink(outside, "link-to-folder")
with open("real-file", "wb") as f: f.write(b"root:secret")
os.mkdir("real-folder")
with open("real-folder/secret.txt", "wb") as f: f.write(b"root:secret")
import ctypes
swap = ctypes.CDLL(None).renameat2
os.rename("real-file", "victim.txt"); os.rename("real-folder", "folder")
while True:
    swap(-100, b"victim.txt", -100, b"link-to-file", 2)
    swap(-100, b"folder", -100, b"link-to-folder", 2)
"""


@pytest.mark.long
@pytest.mark.slow
def test_a_file_that_is_swapped_for_a_link_is_never_followed(
    room: Room, tmp_path: Path, outside: Path
) -> None:
    crate = crate_with(tmp_path / "crate", "victim.txt", "folder/secret.txt")
    with (
        canary(outside, outside / "secret.txt") as bird,
        subprocess.Popen([sys.executable, "-c", _SWAPPER, crate, outside]) as swapper,
    ):
        time.sleep(0.3)
        try:
            for _ in range(25):
                assert room.check(crate).code in {0, 1, 3}
        finally:
            swapper.kill()
        assert not bird.sang()


def test_the_canary_sings(outside: Path) -> None:
    with canary(outside / "secret.txt") as bird:
        assert not bird.sang()
        (outside / "secret.txt").read_bytes()
        assert bird.sang()


def test_the_crate_is_left_as_it_was(room: Room, tmp_path: Path) -> None:
    crate = write(tmp_path / "crate", crate_files({"a/b.txt": GOOD, "c.txt": GOOD}))
    before = listing(tmp_path / "crate")
    room.check(crate, conformance=True)
    assert listing(crate) == before


def test_settings_in_the_crate_are_not_read(room: Room, tmp_path: Path) -> None:
    files = crate_files({"good.txt": GOOD})
    settings = b'only = ["archival"]\nnonsense = true\n'
    crate = write(tmp_path / "crate", files | {"reverify.toml": settings})
    (crate / "json.py").write_text("raise SystemExit(9)")
    assert room.check(crate).code == 0


PATHS = ["it's", 'a "quoted" crate', "two  blanks ", "-v", "#x?y%20", "a\\b", "ü☂"]


@pytest.mark.parametrize("name", PATHS)
def test_the_path_of_a_crate_may_be_odd(room: Room, tmp_path: Path, name: str) -> None:
    crate = write(tmp_path / name, crate_files({"good.txt": GOOD}))
    run = room.check(crate)
    assert run.code == 0, run.troubles


@pytest.mark.slow
@pytest.mark.parametrize("name", PATHS)
def test_a_crate_at_an_odd_path_conforms(room: Room, tmp_path: Path, name: str) -> None:
    crate = write(tmp_path / name, crate_files({"good.txt": GOOD}))
    run = room.check(crate, conformance=True, seconds=60)
    assert run.code == 0, run.troubles
