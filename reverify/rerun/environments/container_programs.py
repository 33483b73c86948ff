"""Programs that run containers: the words that each of them is asked in.

Source: podman-run(1), docker run, apptainer exec.
"""

from collections.abc import Mapping
from typing import Protocol

from reverify.rerun.interface import Job

NOBODY = "65534"


class Kind(Protocol):
    """One of the programs that run containers: its command lines.

    Attributes:
        name: the program.
        work: a folder in the container that can be written to.
    """

    name: str
    work: str

    def works(self) -> tuple[str, ...]:
        """The command that succeeds where containers can be run."""

    def has(self, image: str) -> tuple[str, ...]:
        """The command that succeeds where an image is here; none if none tells."""

    def pull(self, image: str) -> tuple[str, ...]:
        """The command that brings an image here."""

    def run(self, image: str, name: str, job: Job) -> tuple[str, ...]:
        """The command that runs a job, up to the shell in the container."""

    def end(self, name: str) -> tuple[str, ...]:
        """The command that ends a container, and removes it; none if nothing must."""


class Podman:
    """Podman; Docker understands the same words."""

    work = "/crate"

    def __init__(self, name: str = "podman") -> None:
        self.name = name

    def works(self) -> tuple[str, ...]:
        """Ask what it is set up for; Docker asks its daemon."""
        return ("info",)

    def has(self, image: str) -> tuple[str, ...]:
        """Look at an image that is here."""
        return ("image", "inspect", image)

    def pull(self, image: str) -> tuple[str, ...]:
        """Fetch an image from its registry."""
        return ("pull", "--quiet", image)

    def run(self, image: str, name: str, job: Job) -> tuple[str, ...]:
        """Run without network, privileges and more room than the job may take."""
        disk = job.bounds.disk
        return (
            *("run", "--rm", "--interactive", "--pull=never", f"--name={name}"),
            *(() if job.network else ("--network=none",)),
            *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
            *(f"--user={NOBODY}:{NOBODY}", "--hostname=sandbox", "--ipc=private"),
            f"--pids-limit={job.bounds.processes + 4}",
            *(f"--memory={job.bounds.memory}", f"--memory-swap={job.bounds.memory}"),
            *("--ulimit=core=0", f"--ulimit=fsize={disk}"),
            f"--tmpfs={self.work}:rw,exec,nosuid,nodev,size={disk},mode=1777",
            f"--tmpfs=/tmp:rw,exec,nosuid,nodev,size={disk},mode=1777",
            *(f"--env={key}={value}" for key, value in _variables(job).items()),
            *("--entrypoint=/bin/sh", image),
        )

    def end(self, name: str) -> tuple[str, ...]:
        """Kill and remove it."""
        return ("rm", "--force", name)


class Apptainer:
    """Apptainer, or Singularity; it ends with the process that started it."""

    name = "apptainer"
    work = "/tmp/crate"  # noqa: S108 - inside

    def works(self) -> tuple[str, ...]:
        """It needs no daemon."""
        return ("version",)

    def has(self, image: str) -> tuple[str, ...]:  # noqa: ARG002 - it cannot be asked
        """Its cache cannot be asked for one image."""
        return ()

    def pull(self, image: str) -> tuple[str, ...]:
        """Fetch an image by starting nothing but `true` in it."""
        return ("exec", "--containall", f"docker://{image}", "true")

    def run(self, image: str, name: str, job: Job) -> tuple[str, ...]:  # noqa: ARG002 - its containers have no names
        """Run without the user's files, environment and network."""
        return (
            *("exec", "--containall", "--cleanenv", "--no-privs", "--no-init"),
            *(() if job.network else ("--net", "--network=none")),
            f"--pids-limit={job.bounds.processes + 4}",
            f"--memory={job.bounds.memory}",
            *(f"--env={key}={value}" for key, value in _variables(job).items()),
            *(f"docker://{image}", "/bin/sh"),
        )

    def end(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - its containers have no names
        """Nothing is left of it."""
        return ()


KINDS: tuple[Kind, ...] = (Podman(), Podman("docker"), Apptainer())


def _variables(job: Job) -> Mapping[str, str]:
    return {"HOME": "/tmp", "LANG": "C.UTF-8", **job.environment}  # noqa: S108 - inside
