"""Makes a virtual environment and installs wheels in it, by uv or by pip.

Both are the user's own, and take packages from where the user's settings say.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from reverify.errors import LackError
from reverify.rerun.environments.requirements import Pinned
from reverify.rerun.programs import Python, find_for_user

_SECONDS = 1800
_TOLD = 2000
_INDEX_KEYS = {"index-url", "extra-index-url", "find-links", "no-index"}
_UV_INDEXES = {
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_URL",
}
_FIX = (
    "Give the packages by an index or a folder that pip or uv is set to, or run it"
    " again as is."
)


def install(
    folder: Path,
    wanted: Sequence[Pinned],
    python: Python,
    environ: Mapping[str, str],
    *,
    offline: bool,
) -> None:
    """Make an environment, and install wheels in it, all by one call of the installer.

    uv does it if it is there; pip does, if the user has told pip where packages come
    from and uv not: uv knows nothing of the settings of pip, and would ask an index
    that the user may not want to be asked.

    Args:
        folder: the environment; it is not there yet.
        wanted: what goes into it.
        python: the Python that it is made with.
        environ: the user's environment.
        offline: use no network.

    Raises:
        LackError: something of it cannot be had.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "CONDA_"))
    }
    with tempfile.TemporaryDirectory(prefix="reverify-") as aside:
        asked = Path(aside) / "requirements.txt"
        asked.write_text("".join(f"{pinned.line()}\n" for pinned in wanted), "utf-8")
        how = ["--only-binary", ":all:", "-r", str(asked)]
        if any(pinned.hashes for pinned in wanted):
            how.append("--require-hashes")
        work = _Work(folder, python, kept, aside, how if wanted else [], offline)
        uv = find_for_user("uv", kept) or _beside(sys.executable, "uv")
        settings = work.settings_of_pip()
        if uv is not None and (not settings or _is_told(kept)):
            work.by_uv(uv)
        else:
            work.by_pip(settings)


class _Work(NamedTuple):
    """One environment to be made.

    Attributes:
        folder: of the environment.
        python: that it is made with.
        environ: the user's environment.
        aside: an empty folder to work in, so that no project's settings are found.
        how: options that say what to install; none if there is nothing.
        offline: use no network.
    """

    folder: Path
    python: Python
    environ: Mapping[str, str]
    aside: str
    how: list[str]
    offline: bool

    def by_uv(self, uv: Path) -> None:
        """Make and fill it by uv, which fetches no Python for it."""
        options = ["--no-progress", "--color", "never", "--no-python-downloads"]
        options += ["--offline"] if self.offline else []
        start = [str(uv), "venv", *options, "--python", str(self.python.executable)]
        self._do([*start, str(self.folder)], self.environ)
        if self.how:
            start = [str(uv), "pip", "install", *options]
            to = str(self.folder / "bin" / "python")
            self._do([*start, "--python", to, *self.how], self.environ)

    def by_pip(self, settings: Mapping[str, str]) -> None:
        """Make it by venv, and fill it by the pip of the Python that it is made with.

        Args:
            settings: where that pip takes packages from.
        """
        start = [str(self.python.executable), "-I", "-m"]
        made = [*start, "venv", "--without-pip", str(self.folder)]
        self._do(made, self.environ)
        if self.how:
            to = str(self.folder / "bin" / "python")
            said = [*start, "pip", "--python", to, "install", "--no-input"]
            said += ["--disable-pip-version-check", "--quiet", *self.how]
            environ = _local(self.environ, settings) if self.offline else self.environ
            self._do(said, environ)

    def settings_of_pip(self) -> Mapping[str, str]:
        """Where the user's pip takes packages from, if it was told so."""
        command = [str(self.python.executable), "-I", "-m", "pip", "config", "list"]
        try:
            answer = self._run(command, self.environ)
        except LackError:
            return {}
        found = {}
        for line in answer.stdout.decode("utf-8", "replace").splitlines():
            key, _, value = line.partition("=")
            section, _, name = key.strip().rpartition(".")
            if name in _INDEX_KEYS and section in {"global", "install", ":env:"}:
                found[f"{section}.{name}"] = value.strip().strip("'\"")
        return found

    def _do(self, command: list[str], environ: Mapping[str, str]) -> None:
        answer = self._run(command, environ)
        if answer.returncode:
            said = answer.stdout.decode("utf-8", "replace").strip()[-_TOLD:]
            said = said or f"exit status {answer.returncode}"
            raise LackError(f"the environment cannot be built: {said}", _FIX)

    def _run(
        self, command: list[str], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - a program of the user's own
                command,
                cwd=self.aside,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            what = f"the environment cannot be built: {error}"
            raise LackError(what, "Install uv, or pip and venv.") from error


def _beside(program: str, name: str) -> Path | None:
    found = Path(program).with_name(name)
    return found if found.is_file() else None


def _is_told(environ: Mapping[str, str]) -> bool:
    """Whether uv was told where packages come from."""
    home = Path(environ.get("HOME") or "/nonexistent")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = (config / "uv" / "uv.toml", Path("/etc/uv/uv.toml"))
    told = _UV_INDEXES.intersection(environ)
    return bool(told) or any(file.is_file() for file in files)


def _local(
    environ: Mapping[str, str], settings: Mapping[str, str]
) -> Mapping[str, str]:
    """Settings with which pip looks at folders of this machine alone."""
    words = [
        word
        for key, value in settings.items()
        if key.endswith("find-links")
        for word in value.replace("\\n", " ").split()
    ]
    folders = [word for word in words if urlsplit(word).scheme in {"", "file"}]
    kept = {name: said for name, said in environ.items() if name[:4] != "PIP_"}
    kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    return kept | ({"PIP_FIND_LINKS": " ".join(folders)} if folders else {})
