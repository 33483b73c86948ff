"""What a confined command sees, said in the words of bwrap, prlimit and sh.

Source: bwrap(1), prlimit(1), env(1).
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reverify.crates.names import relative_path
from reverify.errors import SandboxError, UnsafeNameError
from reverify.rerun.interface import Bounds, Job
from reverify.rerun.sandbox.watchdog import Taken

WORK = "/crate"
"""Where the work area lies for the command; no distribution has such a folder."""
NOBODY = 65534
PASSWD = b"nobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
"""All that /etc/passwd says inside: some programs ask for the name of their user."""

_TOP_LEVEL = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SHARED_ETC = ("ld.so.cache", "alternatives", "fonts", "R")
"""What programs below /usr have there and cannot do without; no secrets."""
_SHARED_ETC_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf", "ssl/certs")
_NOT_OVER = ("/proc", "/dev", "/etc", WORK)
_RESERVED = 64 << 30
"""Bytes of addresses that a process may reserve beyond what it may use."""

# The socket on standard input brings the stage, and then takes what is told and left.
# It cannot be opened through /proc by the command, which does not inherit it.
SCRIPT = """\
tar -xBf - --no-same-owner -C "$0" || exit 125
exec 3>&0 </dev/null
cd -- "$1" || exit 125
shift
echo ready >&3
kill -s STOP $$
"$@" 3>&-
status=$?
kill -s KILL -- -1 2>/dev/null
echo "status $status" >&3
cd "$0" || exit 125
chmod -R u+rwX . 2>/dev/null
tar --format=gnu --hard-dereference -cf - . >&3 2>/dev/null
exit 0
"""


class Bind(NamedTuple):
    """Something of this machine that is seen inside, read-only.

    Attributes:
        source: where it really lies.
        target: where the command sees it.
    """

    source: str
    target: str


def shared(job: Job) -> list[Bind]:
    """List what of this machine a job sees, beside /usr.

    Raises:
        SandboxError: a folder that it asks for is not there, or cannot be shown.
    """
    names = [*_SHARED_ETC, *_java_settings(), *(_SHARED_ETC_NETWORK * job.network)]
    found = [
        Bind(os.path.realpath(path), path)
        for path in (f"/etc/{name}" for name in names)
        if Path(path).exists()
    ]
    for bind in sorted(set(map(_asked, job.binds))):
        system = ("/usr/", *(f"{top}/" for top in _TOP_LEVEL))
        if bind.source.startswith("/usr/") and bind.target.startswith(system):
            continue  # is there anyway
        found.append(bind)
    return found


def _java_settings() -> list[str]:
    """Name the folders in /etc without which a Debian Java does not start."""
    return sorted(path.name for path in Path("/etc").glob("java-*"))


def _asked(path: Path) -> Bind:
    target = os.path.normpath(path)
    in_the_way = any(target == top or target.startswith(f"{top}/") for top in _NOT_OVER)
    if in_the_way or target in {"/", "//", "/tmp", "/usr"}:  # noqa: S108 - inside
        raise SandboxError(
            f"{path} cannot be shown inside the sandbox, which has its own; move what"
            " is needed to another folder"
        )
    if not path.is_absolute() or not path.exists():
        raise SandboxError(f"{path}: no such folder, so it cannot be shown inside")
    return Bind(os.path.realpath(path), target)


def confinement(
    job: Job,
    binds: Iterable[Bind],
    stage: Taken,
    descriptors: Mapping[str, int],
) -> list[str]:
    """Make the arguments of bwrap up to the command.

    Args:
        job: what is to run.
        binds: what of this machine it sees, where it lies for bwrap.
        stage: how much is put into the work area before.
        descriptors: `passwd`, `status`, and `seccomp` if there is a list.
    """
    # A little more than the bounds, so that the watchdog can see that they are passed.
    most = job.bounds.disk + max(1 << 20, job.bounds.disk // 8)
    shm = min(job.bounds.memory // 4, 256 << 20)
    made = [
        *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"),
        *("--new-session", "--clearenv", "--cap-drop", "ALL"),
        *("--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox"),
        *("--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8"),
        *(["--share-net"] if job.network else []),
        *("--ro-bind", "/usr", "/usr"),
        *_top_level(),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(shm), "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--remount-ro", "/dev"),
        *("--size", str(most), "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108
        *("--size", str(most + stage.size), "--perms", "0755", "--tmpfs", WORK),
        *("--ro-bind-data", str(descriptors["passwd"]), "/etc/passwd"),
    ]
    for bind in binds:
        made += ["--ro-bind", bind.source, bind.target]
    made += ["--remount-ro", "/", "--chdir", WORK]
    made += ["--json-status-fd", str(descriptors["status"])]
    if "seccomp" in descriptors:
        made += ["--seccomp", str(descriptors["seccomp"])]
    return made


def _top_level() -> list[str]:
    made = []
    for name in _TOP_LEVEL:
        path = Path(name)
        if path.is_symlink():
            made += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            made += ["--ro-bind", name, name]
    return made


def command(job: Job) -> list[str]:
    """Make the command line that runs inside, limits first.

    Raises:
        SandboxError: it cannot be put to a shell.
    """
    return [
        *limits(job.bounds),
        *("sh", "-c", SCRIPT, WORK, f"./{start_folder(job)}"),
        *("/usr/bin/env", "-i", "--", *variables(job)),
        *looked_up(job.command),
    ]


def looked_up(command: Sequence[str]) -> list[str]:
    """Have a command looked up on the PATH that it gets.

    Raises:
        SandboxError: it cannot be one.
    """
    if not command or any("\0" in part for part in command):
        raise SandboxError("the command is empty, or holds a NUL character")
    return ["/bin/sh", "-c", 'exec "$@"', "sh", *command]


def start_folder(job: Job) -> str:
    """Say where in the work area it starts, which is in the stage.

    Raises:
        SandboxError: there is no such folder.
    """
    try:
        folder = relative_path(job.directory) or "."
    except UnsafeNameError as error:
        raise SandboxError(error.reason) from error
    if not (job.stage / folder).is_dir():
        raise SandboxError(f"there is no folder {job.directory!r} to run it in")
    return folder


def packing(folder: Path) -> list[str]:
    """Make the command that writes a folder to standard output, as tar.

    Its files get an owner and permissions that let anybody who unpacks them write.
    """
    owner = ("--owner=0", "--group=0", "--mode=u+rwX")
    tar = ("/usr/bin/env", "LC_ALL=C", "tar", "--format=gnu", *owner)
    return [*tar, "-cf", "-", "-C", str(folder.resolve()), "."]


def variables(job: Job, home: str = "/tmp") -> list[str]:  # noqa: S108 - inside
    """Make the whole environment of the command, as NAME=value.

    Raises:
        SandboxError: a name or value cannot be one.
    """
    known = {
        "PATH": ":".join((*job.path, "/usr/bin", "/bin")),
        "HOME": home,
        "LANG": "C.UTF-8",
        **job.environment,
    }
    for name, value in known.items():
        if not name or "=" in name or "\0" in name + value:
            raise SandboxError(f"{name!r} cannot be set as an environment variable")
    return [f"{name}={value}" for name, value in known.items()]


def limits(bounds: Bounds, *, apart: bool = True) -> list[str]:
    """Make the prlimit command that sets limits for each process.

    The number of processes is one of all of the user's, so it is only set where the
    command is apart from others.

    Plain bytes, since prlimit misreads units. Addresses are cheap, and Java, R and
    sanitizers reserve many, so `--as` is far above what may be used: `--data` and the
    watchdog see to that. Time of processors is for each process, wall-clock time is
    the watchdog's.
    """
    # The first process of the sandbox and the shell count, too.
    processes = max(1, bounds.processes) + 2
    cpu = (int(bounds.seconds) + 1) * (os.cpu_count() or 1) + 1
    return [
        "prlimit",
        *([f"--nproc={processes}"] if apart else []),
        f"--data={bounds.memory}",
        f"--as={bounds.memory + _RESERVED}",
        f"--fsize={bounds.disk + (1 << 20)}",
        *("--nofile=1024", "--core=0", f"--cpu={cpu}"),
        *("--memlock=65536", "--msgqueue=0", "--"),
    ]


def measured(folder: Path) -> Taken:
    """Measure what a folder will take in a work area: whole pages, and names."""
    size = files = 0
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                files += 1
                size += 4096
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    size += entry.stat(follow_symlinks=False).st_size
    return Taken(size, files)
