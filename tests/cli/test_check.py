"""`reverify check`, as a user types it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import CRATES


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reverify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def report_of(location: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        run("check", "--offline", "--json", location).stdout
    )
    return found


def test_an_intact_crate_is_confirmed() -> None:
    answer = run("check", "--offline", CRATES / "intact")
    assert answer.returncode == 0, answer.stderr
    assert "CONFIRMED  level intact" in answer.stdout


def test_a_wrong_digest_is_refuted_and_named_with_its_line() -> None:
    report = report_of(CRATES / "fixity-wrong-sha256")
    (bad,) = [
        finding
        for finding in report["findings"]
        if finding["outcome"] == "refuted" and finding["level"] == "error"
    ]
    assert bad["rule"] == "fixity/digest-mismatch"
    assert bad["subject"] == "rain.csv"
    assert bad["stated_in"]["pointer"] == "/@graph/6/sha256"
    assert (bad["stated_in"]["line"], bad["stated_in"]["column"]) == (83, 7)


def test_a_location_that_does_not_exist_is_a_usage_error() -> None:
    answer = run("check", "--offline", "no-such-crate")
    assert answer.returncode == 2
    assert "no such file" in answer.stderr
