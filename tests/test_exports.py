"""What `import reverify` promises, and what it does not load."""

import subprocess
import sys

import pytest
import reverify

HEAVY = ["rdflib", "pyshacl", "rocrate_validator", "git", "requests", "sqlalchemy"]
PROMISED = [
    "Claim",
    "ClaimKind",
    "CrateError",
    "Evidence",
    "Finding",
    "Level",
    "Outcome",
    "Report",
    "ReverifyError",
    "ServiceError",
    "Severity",
    "UsageError",
    "Verdict",
    "__version__",
    "verify",
]


def test_the_promise_is_written_down_here_too() -> None:
    assert reverify.__all__ == PROMISED


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(reverify, name) is not None


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        reverify.nonsense  # noqa: B018


def test_promised_names_are_listed() -> None:
    assert set(PROMISED) <= set(dir(reverify))


def _loaded_after(program: str) -> set[str]:
    check = f"import sys\n{program}\nprint(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "program",
    [
        "import reverify",
        "from reverify import Report, Finding, Outcome",
        "from reverify import verify",
        "from reverify.cli import _run; _run(['--help'])",
        "from reverify.cli import _run; _run(['check', '--help'])",
        "from reverify.cli import _run; _run(['capsule', 'capture', '--help'])",
        "from reverify.cli import _run; _run(['--version'])",
    ],
)
def test_nothing_heavy_is_loaded(program: str) -> None:
    assert not _loaded_after(program).intersection(HEAVY)
