"""A sandbox to try things in; where there is none, the tests say why."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from reverify.rerun.interface import Bounds, Job, Ran, Watcher
from reverify.rerun.sandbox import Bubblewrap

PYTHON = tuple(
    Path(path)
    for path in dict.fromkeys((sys.prefix, sys.base_prefix))
    if not path.startswith("/usr")
)
"""Where the interpreter of the tests lies, if not in the system."""


def small(**bounds: Any) -> Bounds:  # noqa: ANN401 - as Bounds has them
    """Bounds for tests: a few seconds, tens of megabytes."""
    usual = {"seconds": 10.0, "memory": 128 << 20, "disk": 16 << 20, "files": 500}
    return Bounds(**{**usual, "output": 1 << 16, **bounds})


class Confined:
    """Runs commands in a sandbox, each in a fresh stage."""

    def __init__(self, sandbox: Bubblewrap, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.written = folder / "written"
        self.stage = folder / "stage"
        self.stage.mkdir()

    def run(
        self,
        *command: str,
        files: Mapping[str, str] | None = None,
        watcher: Watcher | None = None,
        bounds: Mapping[str, Any] | None = None,
        **job: Any,  # noqa: ANN401 - as Job has them
    ) -> Ran:
        for name, text in (files or {}).items():
            path = self.stage / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        wanted = Job(
            command=command, stage=self.stage, bounds=small(**(bounds or {})), **job
        )
        return self.sandbox.run(wanted, self.written, watcher)

    def shell(self, script: str, **job: Any) -> Ran:  # noqa: ANN401
        return self.run("sh", "-c", script, **job)

    def python(self, script: str, **job: Any) -> Ran:  # noqa: ANN401
        job.setdefault("binds", PYTHON)
        return self.run(sys.executable, "-I", "-c", script, **job)

    def left(self) -> dict[str, bytes]:
        """What was taken over, by path."""
        return {
            os.fspath(path.relative_to(self.written)): path.read_bytes()
            for path in self.written.rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="session")
def bubblewrap() -> Bubblewrap:
    sandbox = Bubblewrap()
    if sandbox.missing():
        pytest.skip(f"there is no sandbox here: {sandbox.missing()}")
    return sandbox


@pytest.fixture
def confined(bubblewrap: Bubblewrap, tmp_path: Path) -> Confined:
    return Confined(bubblewrap, tmp_path)
