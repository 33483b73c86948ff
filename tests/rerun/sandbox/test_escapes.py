"""What a confined command cannot reach."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rerun.sandbox.conftest import Confined


def test_no_folder_of_this_machine_is_there(confined: Confined) -> None:
    ran = confined.shell("ls -A /; ls -A /etc; ls -A /tmp")

    top = {"bin", "crate", "dev", "etc", "lib", "lib64", "proc", "sbin", "tmp", "usr"}
    top |= {"lib32", "libx32"}
    etc = {"ld.so.cache", "alternatives", "fonts", "R", "passwd"}
    names = {name for name in ran.output.decode().split() if name[:5] != "java-"}
    assert names <= top | etc
    assert {"crate", "usr", "passwd"} <= names


@pytest.mark.parametrize(
    "path",
    "/root /home /var /run /sys /etc/shadow /etc/hostname /proc/1/root/etc/shadow"
    " /mnt /proc/kcore /proc/1/cwd/home".split(),
)
def test_no_file_of_this_machine_is_read(confined: Confined, path: str) -> None:
    ran = confined.run("cat", path)

    assert ran.status == 1
    assert ran.output == b""


def test_the_accounts_of_this_machine_are_not_there(confined: Confined) -> None:
    assert confined.run("cat", "/etc/passwd").output == (
        b"nobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
    )


def test_a_file_of_the_caller_is_not_there(confined: Confined) -> None:
    (confined.folder / "canary").write_text("secret")

    ran = confined.shell(
        f"cat {confined.folder}/canary; cat {confined.stage}/../canary"
    )

    assert ran.output == b""
    assert ran.errors.count(b"No such file") == 2


@pytest.mark.parametrize(
    "path",
    ["/x", "/usr/x", "/etc/x", "/dev/x", "/proc/x", "/etc/passwd", "/usr/bin/sh"],
)
def test_nothing_is_written_outside_the_work_area(
    confined: Confined, path: str
) -> None:
    ran = confined.shell(f"echo x >>{path} && echo done")

    assert ran.output == b""
    assert ran.status != 0


def test_it_writes_to_its_work_area_and_to_tmp(confined: Confined) -> None:
    assert (
        confined.shell("echo x >a && echo x >/tmp/a && echo x >/dev/shm/a").status == 0
    )


def test_no_kernel_setting_is_written(confined: Confined) -> None:
    # By root it would be: then the sandbox's user is the root of this machine.
    ran = confined.shell(
        "for i in kernel/core_pattern kernel/hostname vm/drop_caches; do"
        " echo x >/proc/sys/$i && echo wrote; done; echo x >/proc/sysrq-trigger"
    )

    assert ran.output == b""
    assert ran.errors.count(b"cannot create") == 4


def test_it_is_nobody_without_capabilities_or_new_ones(confined: Confined) -> None:
    ran = confined.shell(
        "id -u; id -G; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status"
    )

    lines = ran.output.decode().split("\n")
    assert lines[:2] == ["65534", "65534"]
    said = dict(line.split(":\t") for line in lines[2:-1])
    assert said.pop("NoNewPrivs") == "1"
    assert said.pop("Seccomp") == "2"
    assert set(said.values()) == {"0" * 16}
    assert len(said) == 5


class Asking:
    """Finds out, from outside, as whom a command runs."""

    def __init__(self, mark: str) -> None:
        self.mark = mark.encode()
        self.users: set[str] = set()

    def started(self, command: tuple[str, ...]) -> None:
        del command

    def running(self, seconds: float, memory: int, tail: bytes) -> None:
        del seconds, memory, tail
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (path / "cmdline").read_bytes().startswith(self.mark):
                    status = (path / "status").read_text()
                    self.users.add(status.split("\nUid:\t")[1].split("\n")[0])


def test_on_this_machine_it_is_no_root(confined: Confined) -> None:
    asking = Asking("sleep\0001.25")

    confined.run("sleep", "1.25", watcher=asking)

    user = str(os.geteuid() or 65534)
    assert asking.users == {"\t".join([user] * 4)}


def test_the_environment_of_the_caller_is_nowhere(
    confined: Confined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIFY_SECRET", "token")

    ran = confined.shell("env; cat /proc/[0-9]*/environ")

    assert b"HOME=/tmp" in ran.output
    assert b"PWD" in ran.output
    assert b"REVERIFY" not in ran.output
    assert b"token" not in ran.output


def test_where_things_lie_on_this_machine_is_not_told(confined: Confined) -> None:
    ran = confined.shell("cat /proc/[0-9]*/cmdline; cat /proc/self/mountinfo")

    assert os.fsencode(confined.folder) not in ran.output


def test_no_descriptor_is_inherited(confined: Confined) -> None:
    kept = os.open("/", os.O_RDONLY)
    inherited = os.dup2(kept, 200, inheritable=True)
    try:
        ran = confined.shell("readlink /proc/self/fd/*; echo; readlink /proc/1/fd/*")
    finally:
        os.close(kept)
        os.close(inherited)

    # readlink itself has the null device and two pipes; bubblewrap no file at all.
    own, first = ran.output.split(b"\n\n")
    assert [name[:5] for name in own.split()] == [b"/dev/", b"pipe:", b"pipe:"]
    assert not any(name.startswith(b"/") for name in first.split())
    assert b"pipe:" in first


def test_the_socket_that_takes_its_results_is_out_of_reach(confined: Confined) -> None:
    ran = confined.shell(
        "for i in /proc/[012]/fd/*; do echo forged >$i; done; echo x >x"
    )

    assert (ran.status, ran.odd) == (0, ())
    assert confined.left() == {"x": b"x\n"}


CONNECT = """
import socket, sys
for family, address in (
    (socket.AF_INET, ("127.0.0.1", {port})),
    (socket.AF_UNIX, "\\0reverify-test-{port}"),
    (socket.AF_INET, ("192.0.2.1", 80)),
    (socket.AF_INET6, ("::1", {port})),
):
    try:
        socket.socket(family, socket.SOCK_STREAM).connect(address)
        print("connected", address)
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture
def listeners() -> Iterator[int]:
    """A listener on the loopback, and one on an abstract socket of the same number."""
    with socket.socket() as inet, socket.socket(socket.AF_UNIX) as unix:
        inet.bind(("127.0.0.1", 0))
        inet.listen()
        port = inet.getsockname()[1]
        unix.bind(f"\0reverify-test-{port}")
        unix.listen()
        yield port


def test_no_listener_of_this_machine_is_reached(
    confined: Confined, listeners: int
) -> None:
    ran = confined.python(CONNECT.format(port=listeners))

    assert len(ran.output.split()) == 4
    assert b"connected" not in ran.output


def test_the_network_is_there_where_it_is_allowed(
    confined: Confined, listeners: int
) -> None:
    ran = confined.python(CONNECT.format(port=listeners), network=True)

    assert b"connected ('127.0.0.1'" in ran.output


def test_a_network_call_fails_at_once(confined: Confined) -> None:
    ran = confined.python(
        "import urllib.request; urllib.request.urlopen('http://example.org/')"
    )

    assert ran.status == 1
    assert b"URLError" in ran.errors
    assert ran.seconds < 5


TERMINAL = """
import fcntl, os, termios
try:
    os.open("/dev/tty", os.O_RDWR)
    print("tty")
except OSError:
    pass
master, slave = os.openpty()
for call in (termios.TIOCSTI, 0x541C, 0x5412 | 1 << 32):
    try:
        fcntl.ioctl(slave, call & 0xFFFFFFFFFFFFFFFF, b"x")
        print("typed")
    except (OSError, OverflowError) as error:
        print(getattr(error, "errno", 0))
print(os.getsid(0) == os.getpid(), os.isatty(0), os.isatty(2))
"""


def test_nothing_can_be_typed_into_a_terminal(confined: Confined) -> None:
    ran = confined.python(TERMINAL)

    assert b"tty" not in ran.output
    assert b"typed" not in ran.output
    assert ran.output.split()[:2] == [b"1", b"1"]
    assert ran.output.endswith(b"False False\n")


CALLS = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for name, number in {calls!r}.items():
    ctypes.set_errno(0)
    libc.syscall(number, 0, 0, 0, 0, 0, 0)
    print(name, errno.errorcode.get(ctypes.get_errno()))
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
def test_calls_on_the_list_are_refused(confined: Confined) -> None:
    calls = {
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "ptrace": 101,
        "process_vm_readv": 310,
        "bpf": 321,
        "userfaultfd": 323,
        "perf_event_open": 298,
        "io_uring_setup": 425,
        "io_uring_enter": 426,
        "mount": 165,
        "umount2": 166,
        "pivot_root": 155,
        "open_tree": 428,
        "fsopen": 430,
        "setns": 308,
        "unshare": 272,
        "kexec_load": 246,
        "init_module": 175,
        "shmget": 29,
        "semget": 64,
        "msgget": 68,
        "pidfd_getfd": 438,
        "open_by_handle_at": 304,
        "chroot": 161,
    }
    ran = confined.python(CALLS.format(calls={**calls, "clone3": 435, "x32": 1 << 30}))

    said = dict(line.split() for line in ran.output.decode().splitlines())
    assert said.pop("clone3") == "ENOSYS"
    assert said.pop("x32") == "ENOSYS"
    assert said == dict.fromkeys(calls, "EPERM")


FAMILIES = """
import socket
for family in (1, 2, 10, 16, 17, 40, 38, 31):
    try:
        socket.socket(family, socket.SOCK_DGRAM if family != 16 else socket.SOCK_RAW)
        print(family, "made")
    except OSError as error:
        print(family, error.errno)
"""


def test_sockets_to_the_hypervisor_and_others_are_refused(confined: Confined) -> None:
    # AF_VSOCK is 40; AF_PACKET 17, AF_ALG 38, AF_BLUETOOTH 31.
    ran = confined.python(FAMILIES)

    assert ran.output.decode().split("\n")[:8] == [
        *("1 made", "2 made", "10 made", "16 made"),
        *("17 1", "40 1", "38 1", "31 1"),
    ]


def test_no_user_namespace_is_made_inside(confined: Confined) -> None:
    ran = confined.shell("unshare -U true; unshare -m true; unshare -n true")

    assert ran.errors.count(b"Operation not permitted") == 3


ORDINARY = """
import concurrent.futures, multiprocessing, os, subprocess, tempfile, threading
def square(x): return x * x
if __name__ == "__main__":
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(sum(pool.map(square, range(10))))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(sum(pool.map(square, range(10))))
    print(subprocess.run(["echo", "child"], capture_output=True).stdout)
    with tempfile.TemporaryFile() as file:
        print(file.write(b"x"))
    import getpass; print(getpass.getuser())
    import asyncio; print(asyncio.run(asyncio.sleep(0, "done")))
"""


def test_what_honest_programs_do_works(confined: Confined) -> None:
    ran = confined.python(ORDINARY)

    assert ran.output.decode().split("\n") == [
        *("285", "285", r"b'child\n'", "1", "nobody", "done", "")
    ], ran.errors


def test_this_python_is_the_one_that_runs(confined: Confined) -> None:
    # The snippets above say nothing if they do not run at all.
    assert confined.python("print('here')").output == b"here\n"
