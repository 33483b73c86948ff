"""What a command left is taken over, and nothing else happens."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from reverify.errors import SandboxError
from reverify.rerun.sandbox.results import Odd, result_folder, take_over
from reverify.rerun.sandbox.watchdog import Taken

from tests.rerun.sandbox.conftest import Confined

ROOM = Taken(10_000, 50)


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def member(name: str, type: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = type
    made.linkname = link
    return made


def taken(data: bytes, folder: Path, most: Taken = ROOM) -> Odd:
    return take_over(io.BytesIO(data), folder, most)


def test_files_and_folders_are_written(tmp_path: Path) -> None:
    data = archive(
        (member("./", tarfile.DIRTYPE), b""),
        (member("./a/", tarfile.DIRTYPE), b""),
        (member("./a/b.txt"), b"text"),
        (member("./c/d/e"), b""),
    )

    assert taken(data, tmp_path) == ()
    assert (tmp_path / "a/b.txt").read_bytes() == b"text"
    assert (tmp_path / "c/d/e").read_bytes() == b""


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "a/..", "..", "/etc/passwd", "x\\..\\y"]
)
def test_names_that_lead_out_are_odd(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "in"
    inner.mkdir()

    ((path, reason),) = taken(archive((member(name), b"x")), inner)

    assert path == name
    assert "may not be used as a path" in reason
    assert list(tmp_path.rglob("*")) == [inner]


@pytest.mark.parametrize(
    ("type", "link", "said"),
    [
        (tarfile.SYMTYPE, "/etc/passwd", "a link to /etc/passwd"),
        (tarfile.SYMTYPE, "..", "a link to .."),
        (tarfile.LNKTYPE, "a", "a link to a"),
        (tarfile.FIFOTYPE, "", "a FIFO"),
        (tarfile.CHRTYPE, "", "a device"),
        (tarfile.BLKTYPE, "", "a device"),
    ],
)
def test_links_and_special_files_are_odd(
    tmp_path: Path, type: bytes, link: str, said: str
) -> None:
    data = archive((member("a"), b"x"), (member("odd", type, link), b""))

    assert taken(data, tmp_path) == (("odd", said),)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    data = archive(
        (member("way", tarfile.SYMTYPE, str(tmp_path)), b""), (member("way/x"), b"x")
    )

    assert taken(data, inner) == (("way", f"a link to {tmp_path}"),)
    assert not (tmp_path / "x").exists()
    assert (inner / "way/x").read_bytes() == b"x"


def test_the_first_of_two_of_a_name_counts(tmp_path: Path) -> None:
    data = archive((member("a"), b"1"), (member("./a"), b"2"), (member("a/b"), b"3"))

    assert [path for path, _ in taken(data, tmp_path)] == ["a", "a/b"]
    assert (tmp_path / "a").read_bytes() == b"1"


def test_more_bytes_than_allowed_are_odd(tmp_path: Path) -> None:
    data = archive(
        (member("a"), b"x" * 6000), (member("b"), b"x" * 6000), (member("c"), b"x")
    )

    assert taken(data, tmp_path) == (("b", "more than may be written"),)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_more_files_than_allowed_are_odd(tmp_path: Path) -> None:
    data = archive(*[(member(f"{number}"), b"") for number in range(60)])

    assert len(taken(data, tmp_path)) == 10
    assert len(list(tmp_path.iterdir())) == 50


def test_of_very_many_odd_things_the_number_is_told(tmp_path: Path) -> None:
    links = [(member(f"{n}", tarfile.SYMTYPE, "x"), b"") for n in range(1005)]

    odd = taken(archive(*links), tmp_path, Taken(10_000, 2000))

    assert len(odd) == 1001
    assert odd[-1] == ("./", "5 further things like these")


def cut_short(data: bytes) -> bytes:
    return data[:700]


def damaged(data: bytes) -> bytes:
    return data[:1024] + b"\xff" * 512 + data[1536:]


def endless(data: bytes) -> bytes:
    return data[:1024] + data[:1024] * 1000


@pytest.mark.parametrize("spoil", [cut_short, damaged, endless])
def test_a_spoilt_stream_is_told(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    data = archive((member("a"), b"x" * 400), (member("b"), b"x" * 400))

    odd = taken(spoil(data), tmp_path)

    assert odd
    assert (tmp_path / "a").exists() != (spoil is cut_short)


def test_half_a_file_is_not_kept(tmp_path: Path) -> None:
    data = archive((member("a"), b"x" * 5000))

    odd = taken(data[:2000], tmp_path)

    assert odd[0][1].startswith("could not be read to the end")
    assert list(tmp_path.iterdir()) == []


def fill_and_interrupt(folder: Path) -> None:
    with result_folder(folder):
        (folder / "x").write_text("x")
        raise KeyboardInterrupt


def test_a_folder_is_as_it_was_after_an_error(tmp_path: Path) -> None:
    new, empty = tmp_path / "new", tmp_path / "empty"
    empty.mkdir()
    for folder in new, empty:
        with pytest.raises(KeyboardInterrupt):
            fill_and_interrupt(folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_a_file_is_no_folder_for_results(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with (
        pytest.raises(SandboxError, match="name another"),
        result_folder(tmp_path / "file"),
    ):
        pass


MAKER = """
import os, socket
os.symlink("/etc/passwd", "passwd")
os.symlink("/proc/self/environ", "environ")
os.symlink("..", "up")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
open("one", "w").write("linked")
os.link("one", "two")
os.mknod("nothing", 0o20600, 0)  # anybody may make the device 0:0
for kind in (0o20600, 0o60600):
    try:
        os.mknod("device", kind, os.makedev(1, 3))
        print("made", kind)
    except PermissionError:
        pass
with open("sparse", "wb") as file:
    file.truncate(5 << 20)
"""


def test_links_fifos_and_devices_that_a_command_leaves(confined: Confined) -> None:
    ran = confined.python(MAKER)

    assert (ran.status, ran.output) == (0, b"")
    assert sorted(ran.odd) == [
        ("environ", "a link to /proc/self/environ"),
        ("fifo", "a FIFO"),
        ("nothing", "a device"),
        ("passwd", "a link to /etc/passwd"),
        ("up", "a link to .."),
    ]
    left = confined.left()
    assert left.pop("sparse") == bytes(5 << 20)
    assert left == {"one": b"linked", "two": b"linked"}


NAMES = """
import os
for name in (b"-rf", b" ", b"a\\nb", b"\\xff\\xfe", b"x" * 255, "é".encode(),
             b"..data", b"a\\\\b", b"*", b"\\x1b[31m", b"c:d"):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
os.makedirs("/".join(["deep" * 10] * 20))
os.close(os.open("/".join(["deep" * 10] * 20) + "/x", os.O_CREAT))
path = "."
for _ in range(300):
    os.mkdir("d")
    os.chdir("d")
"""


def test_odd_names_come_back_as_they_are(confined: Confined) -> None:
    ran = confined.python(NAMES)

    names = {os.fsencode(path.name) for path in confined.written.iterdir()}
    assert ran.status == 0
    assert names >= {
        *(b"-rf", b" ", b"a\nb", b"\xff\xfe", b"x" * 255, "é".encode()),
        *(b"..data", b"a\\b", b"*", b"\x1b[31m", b"c:d"),
    }
    assert (confined.written / "/".join(["deep" * 10] * 20) / "x").exists()
    assert {reason for _, reason in ran.odd} == {"it lies more than 256 folders deep"}


def test_hard_links_do_not_multiply_what_comes_back(confined: Confined) -> None:
    ran = confined.shell(
        "head -c 3000000 /dev/zero >a; for i in 1 2 3 4 5; do ln a $i; done",
        bounds={"disk": 8 << 20},
    )

    assert ran.status == 0
    assert all(reason.startswith("more than may be") for _, reason in ran.odd)
    assert ran.odd[-1] == (
        "./",
        "more than may be written; what came after that is left out",
    )
    assert sum(map(len, confined.left().values())) <= 8 << 20
