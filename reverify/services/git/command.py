"""Running git: a whole environment, settings that win, a folder of our own."""

import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from reverify.errors import ServiceError

if TYPE_CHECKING:
    from git.cmd import Git as Door

_SETTINGS = (
    "protocol.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.askPass=/bin/false",
    "core.sshCommand=/bin/false",
    "core.pager=cat",
    "core.commitGraph=false",  # it says of commits what their bytes should say
    "credential.helper=",
    "credential.interactive=false",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=20",
    "transfer.fsckObjects=true",
    "fetch.fsckObjects=true",
    "transfer.bundleURI=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "safe.bareRepository=explicit",
    "diff.external=",
    "gpg.program=/bin/false",
    "log.showSignature=false",
    "filter.lfs.smudge=",
    "filter.lfs.process=",
    "filter.lfs.required=false",
    "pack.threads=1",
    "pack.windowMemory=64m",
)
_CONFIG = """[core]
\trepositoryformatversion = {version}
\tbare = true
"""
_SHA256 = "[extensions]\n\tobjectFormat = sha256\n"
_PATH = "/usr/bin:/bin"
_BOUNDED = (
    "ulimit -f {0.blocks} && ulimit -t {0.seconds} || exit 1;"
    ' ulimit -v {0.kib} 2>/dev/null; exec "$@"'  # not every system can bound memory
)


class Bounds(NamedTuple):
    """What one run of git may take before the system stops it.

    Attributes:
        file_bytes: how large a file may be that it writes.
        seconds: how much time of the processor it may use.
        memory_bytes: how much it may have in memory, files that it maps included.
    """

    file_bytes: int
    seconds: int
    memory_bytes: int = 4 << 30

    @property
    def blocks(self) -> int:
        """The same in the blocks of 512 bytes by which the shell counts."""
        return max(1, self.file_bytes // 512)

    @property
    def kib(self) -> int:
        """The bound of memory in the unit of the shell."""
        return self.memory_bytes // 1024


class Git:
    """An empty bare repository in a temporary folder, in which git runs.

    Args:
        algorithm: what names objects, sha1 or sha256.
        environment: variables that this repository needs besides, the folder whose
            objects it borrows say.
        config: lines to add to its config.
        directory: a folder to keep instead; it becomes a repository if it is none.
        bounds: what each run may take.

    Raises:
        ServiceError: there is no git on this machine.
    """

    def __init__(
        self,
        *,
        algorithm: str = "sha1",
        environment: Mapping[str, str] | None = None,
        config: str = "",
        directory: Path | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        program = shutil.which("git")
        if program is None:
            raise ServiceError("git is not installed; reverify reads commits with it")
        self.folder = Path(tempfile.mkdtemp(prefix="reverify-git-"))
        self.close = weakref.finalize(self, shutil.rmtree, self.folder, True)  # noqa: FBT003
        (self.folder / "empty").mkdir()
        self.directory = directory or self.folder / "repository"
        for name in ("objects", "refs"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "HEAD").write_text("ref: refs/heads/none\n")
        of_format = _SHA256 if algorithm == "sha256" else ""
        text = _CONFIG.format(version=1 if of_format else 0) + of_format + config
        (self.directory / "config").write_text(text)
        self._bounds = bounds
        self._program = program
        self._variables = {**self._environment(), **(environment or {})}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _environment(self) -> dict[str, str]:
        """The whole environment of git; nothing is inherited."""
        empty = str(self.folder / "empty")
        return {
            "PATH": f"{Path(self._program).parent}:{_PATH}",
            "HOME": empty,
            "XDG_CONFIG_HOME": empty,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_SSH_COMMAND": "/bin/false",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_PAGER": "cat",
            "GIT_EDITOR": "/bin/false",
            "GIT_CEILING_DIRECTORIES": str(self.folder.parent),
        }

    def command(
        self,
        arguments: Sequence[str],
        settings: Sequence[str] = (),
        variables: Mapping[str, str | None] | None = None,
    ) -> list[str]:
        """The whole command line of a call, environment and all.

        Args:
            arguments: the subcommand and what it is given.
            settings: further ones, `name=value`; they win over ours.
            variables: further ones; they win over ours, and None takes one away.
        """
        # GitPython adds to the environment of this process; env -i begins anew.
        whole: dict[str, str | None] = {**self._variables, **(variables or {})}
        named = [
            f"{name}={value}" for name, value in whole.items() if value is not None
        ]
        given = [part for item in (*_SETTINGS, *settings) for part in ("-c", item)]
        git = [self._program, *given, f"--git-dir={self.directory}", *arguments]
        command = ["/usr/bin/env", "-i", *named, *git]
        if self._bounds is None:
            return command
        return ["/bin/sh", "-c", _BOUNDED.format(self._bounds), "sh", *command]

    def is_full(self) -> bool:
        """Whether what it was fetching has grown as far as a file may grow."""
        if self._bounds is None:
            return False
        most = self._bounds.blocks * 512
        unfinished = (self.directory / "objects" / "pack").glob("tmp_*")
        return any(path.stat().st_size >= most for path in unfinished)

    def _door(self, folder: Path | None = None) -> "Door":
        try:
            from git.cmd import Git as Door  # noqa: PLC0415 - it runs git to begin with
        except ImportError as error:
            raise ServiceError(f"GitPython does not find git: {error}") from error
        return Door(str(folder or self.folder / "empty"))

    def run(
        self,
        *arguments: str,
        given: bytes = b"",
        folder: Path | None = None,
        fails: bool = False,
    ) -> bytes:
        """Run git and take what it writes.

        Args:
            arguments: the subcommand and what it is given; never untrusted text,
                save after `--`.
            given: its standard input.
            folder: where it runs; in an empty folder, if it does not say.
            fails: whether it may fail; what it wrote until then is taken.

        Raises:
            ServiceError: it failed.
        """
        with tempfile.TemporaryFile() as stream:
            stream.write(given)
            stream.seek(0)
            status, output, said = self._door(folder).execute(
                self.command(arguments),
                istream=stream,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                shell=False,
            )
        if status and not fails:
            raise ServiceError(f"git {arguments[0]}: {said.strip()[:500]}")
        return output

    def start(
        self,
        *arguments: str,
        settings: Sequence[str] = (),
        variables: Mapping[str, str | None] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start git, to be spoken with through its pipes.

        It begins a group of processes, so that all that it starts can be ended.
        """
        process = self._door().execute(
            self.command(arguments, settings, variables),
            istream=subprocess.PIPE,
            as_process=True,
            shell=False,
            start_new_session=True,
        )
        started = process.proc
        if started is None:
            raise ServiceError(f"git {arguments[0]}: it did not start")
        process.proc = None  # from now on it is ours to end
        return started
