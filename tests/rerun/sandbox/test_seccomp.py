"""The list of refused calls says the same on every architecture it is made for."""

import errno
import re
import struct
from pathlib import Path

import pytest
from reverify.rerun.sandbox.seccomp import DENIED, MACHINES, deny_list

ALLOWED = 0x7FFF0000
KILLED = 0x80000000


def answer(machine: str, number: int, *args: int, audit: int | None = None) -> int:
    """What the kernel would answer: a small interpreter of classic BPF."""
    program = deny_list(machine)
    assert program is not None
    lines = list(struct.iter_unpack("<HBBI", program))
    padded = [*args, *[0] * (6 - len(args))]
    known = MACHINES[machine].audit if audit is None else audit
    data = struct.pack("<IIQ6Q", number, known, 0, *padded)
    at = loaded = 0
    while True:
        code, yes, no, value = lines[at]
        at += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            met = {
                0x15: loaded == value,
                0x35: loaded >= value,
                0x45: bool(loaded & value),
            }[code]
            at += yes if met else no


def refused(error: int) -> int:
    return 0x00050000 | error


@pytest.mark.parametrize("machine", MACHINES)
def test_all_on_the_list_are_refused_and_their_neighbours_are_not(machine: str) -> None:
    column = MACHINES[machine].column
    denied = {numbers[column] for numbers in DENIED.values()}
    special = {56, 220, 435, 16, 29, 41, 198, 53, 199}
    for number in range(500):
        if number in denied:
            assert answer(machine, number) == refused(errno.EPERM), number
        elif number not in special:
            assert answer(machine, number) == ALLOWED, number


@pytest.mark.parametrize(("machine", "clone"), [("x86_64", 56), ("aarch64", 220)])
def test_processes_are_cloned_but_no_namespaces(machine: str, clone: int) -> None:
    assert answer(machine, clone, 0x01200011) == ALLOWED
    for flag in (0x20000, 0x02000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, clone, flag | 17) == refused(errno.EPERM)
    assert answer(machine, 435) == refused(errno.ENOSYS)


@pytest.mark.parametrize(
    ("machine", "socket"),
    [("x86_64", 41), ("x86_64", 53), ("aarch64", 198), ("aarch64", 199)],
)
def test_sockets_are_of_four_families(machine: str, socket: int) -> None:
    made = [n for n in range(64) if answer(machine, socket, n) == ALLOWED]

    assert made == [1, 2, 10, 16]
    assert answer(machine, socket, 40) == refused(errno.EPERM)


@pytest.mark.parametrize(("machine", "ioctl"), [("x86_64", 16), ("aarch64", 29)])
def test_no_terminal_is_typed_into(machine: str, ioctl: int) -> None:
    assert answer(machine, ioctl, 0, 0x5412) == refused(errno.EPERM)
    assert answer(machine, ioctl, 0, 0x541C) == refused(errno.EPERM)
    # The kernel looks at the low half only.
    assert answer(machine, ioctl, 0, 1 << 32 | 0x5412) == refused(errno.EPERM)
    assert answer(machine, ioctl, 0, 0x5413) == ALLOWED


def test_other_ways_to_call_are_closed() -> None:
    assert answer("x86_64", 0x40000000 | 101) == refused(errno.ENOSYS)
    assert answer("x86_64", 101, audit=0x40000003) == KILLED  # 32-bit


def test_an_unknown_architecture_has_no_list() -> None:
    assert deny_list("riscv64") is None
    assert deny_list("x86_64") != deny_list("aarch64")


HEADERS = {
    0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    1: Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("column", HEADERS)
def test_the_numbers_are_those_of_the_kernel(column: int) -> None:
    if not HEADERS[column].exists():
        pytest.skip("no headers of the kernel here")
    text = HEADERS[column].read_text()
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    ours = {name: numbers[column] for name, numbers in DENIED.items()}

    assert {name: known[name] for name in ours if name in known} == {
        name: str(number) for name, number in ours.items() if name in known
    }
    assert sum(name in known for name in ours) > 50
