"""The list of system calls that a confined command may not make.

Namespaces do not cover AF_VSOCK; neither they nor limits cover keyrings, SysV shared
memory and io_uring; and what can trace, mount or make namespaces is better not asked.
The list is a classic BPF program, packed here by hand, since it is short.

Source: seccomp(2); linux/filter.h, linux/seccomp.h, linux/audit.h, asm/unistd.h.
"""

import errno
import platform
import struct
from collections.abc import Sequence
from typing import NamedTuple


class Machine(NamedTuple):
    """How one architecture names itself and numbers its calls.

    Attributes:
        audit: its AUDIT_ARCH value.
        column: where its numbers stand in the tables below.
        other_abi: whether numbers from 0x40000000 on are a second ABI (x32).
    """

    audit: int
    column: int
    other_abi: bool


MACHINES = {
    "x86_64": Machine(0xC000003E, 0, other_abi=True),
    "aarch64": Machine(0xC00000B7, 1, other_abi=False),
}

# fmt: off
DENIED: dict[str, tuple[int | None, int | None]] = {
    # name: number on x86_64, on aarch64; None where there is no such call.
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "chroot": (161, 51),
    "create_module": (174, None), "delete_module": (176, 106),
    "fanotify_init": (300, 262), "finit_module": (313, 273), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433),
    "get_kernel_syms": (177, None), "init_module": (175, 105),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "ioperm": (173, None), "iopl": (172, None),
    "kcmp": (312, 272), "kexec_file_load": (320, 294), "kexec_load": (246, 104),
    "keyctl": (250, 219), "lookup_dcookie": (212, 18), "memfd_secret": (447, 447),
    "mount": (165, 40), "mount_setattr": (442, 442), "move_mount": (429, 429),
    "move_pages": (279, 239), "msgctl": (71, 187), "msgget": (68, 186),
    "msgrcv": (70, 188), "msgsnd": (69, 189), "name_to_handle_at": (303, 264),
    "nfsservctl": (180, 42), "open_by_handle_at": (304, 265), "open_tree": (428, 428),
    "open_tree_attr": (467, 467), "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438), "pivot_root": (155, 41), "process_madvise": (440, 440),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "ptrace": (101, 117), "query_module": (178, None), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "reboot": (169, 142), "request_key": (249, 218),
    "semctl": (66, 191), "semget": (64, 190), "semop": (65, 193),
    "semtimedop": (220, 192), "setns": (308, 268), "shmat": (30, 196),
    "shmctl": (31, 195), "shmdt": (67, 197), "shmget": (29, 194),
    "swapoff": (168, 225), "swapon": (167, 224), "syslog": (103, 116),
    "umount2": (166, 39), "unshare": (272, 97), "uselib": (134, None),
    "userfaultfd": (323, 282), "vhangup": (153, 58),
}
"""These fail with EPERM, whatever their arguments."""
CLONE, CLONE3 = (56, 220), (435, 435)
IOCTL, SOCKET, SOCKETPAIR = (16, 29), (41, 198), (53, 199)
# fmt: on

FAMILIES = (1, 2, 10, 16)
"""Sockets may be AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK."""
TERMINAL_CALLS = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX type into a terminal."""
NAMESPACES = 0x7E020000
"""All CLONE_NEW* flags: user, mount, PID, network, IPC, host name, cgroup."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in seccomp_data


def deny_list(machine: str = "") -> bytes | None:
    """Pack the list for `bwrap --seccomp`.

    Args:
        machine: as `uname -m` says it; "" for this one.

    Returns:
        an array of struct sock_filter; None if the architecture is not known.
    """
    known = MACHINES.get(machine or platform.machine())
    return None if known is None else _packed(known)


def _packed(machine: Machine) -> bytes:
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_EQUAL, machine.audit, 1, 0),
        _line(_ANSWER, _KILL),
        _line(_LOAD, _NUMBER),
    ]
    if machine.other_abi:
        lines += [_line(_AT_LEAST, 0x40000000, 0, 1), _refuse(errno.ENOSYS)]
    lines += _when(CLONE3[machine.column], [_refuse(errno.ENOSYS)])
    for numbers in DENIED.values():
        number = numbers[machine.column]
        if number is not None:
            lines += _when(number, [_refuse(errno.EPERM)])
    lines += _when(CLONE[machine.column], _unless_bits(_FIRST, NAMESPACES))
    for numbers in (SOCKET, SOCKETPAIR):
        lines += _when(numbers[machine.column], _only(_FIRST, FAMILIES))
    lines += _when(IOCTL[machine.column], _none_of(_SECOND, TERMINAL_CALLS))
    lines.append(_line(_ANSWER, _ALLOW))
    return b"".join(lines)


def _when(number: int, then: Sequence[bytes]) -> list[bytes]:
    """Do `then`, which must end in an answer, if the call has this number."""
    return [_line(_EQUAL, number, 0, len(then)), *then]


def _unless_bits(offset: int, bits: int) -> list[bytes]:
    return [
        _line(_LOAD, offset),
        _line(_ANY_BIT, bits, 0, 1),
        _refuse(errno.EPERM),
        _line(_ANSWER, _ALLOW),
    ]


def _only(offset: int, values: Sequence[int]) -> list[bytes]:
    lines = [_line(_LOAD, offset)]
    for value in values:
        lines += [_line(_EQUAL, value, 0, 1), _line(_ANSWER, _ALLOW)]
    return [*lines, _refuse(errno.EPERM)]


def _none_of(offset: int, values: Sequence[int]) -> list[bytes]:
    lines = [_line(_LOAD, offset)]
    for value in values:
        lines += [_line(_EQUAL, value, 0, 1), _refuse(errno.EPERM)]
    return [*lines, _line(_ANSWER, _ALLOW)]


def _refuse(error: int) -> bytes:
    return _line(_ANSWER, _ERROR | error)


def _line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    """Pack a struct sock_filter: code, how far to jump if so and if not, a value.

    Arguments of calls are loaded by their low 32 bits only, as the kernel reads these
    ones; both architectures are little-endian.
    """
    return struct.pack("<HBBI", code, yes, no, value)
