"""The journey that the README promises works as printed, on both databases."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)]
)
def test_a_run_is_captured_exported_checked_and_imported_without_loss(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    bin = Path(sys.executable).parent
    env = {"PATH": f"{bin}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    if kind == "postgresql":
        env["REVERIFY_DB"] = request.getfixturevalue("postgresql")
    done = subprocess.run(
        [str(ROOT / "fixtures" / "demo.sh")],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("CONFIRMED  level intact, intact required") == 3
    assert done.stdout.endswith("\nlossless\n")
