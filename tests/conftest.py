"""What all tests share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CRATES = ROOT / "fixtures" / "crates"


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests reaches them."""
    for name in ("NO_COLOR", "FORCE_COLOR", "REVERIFY_OFFLINE", "REVERIFY_FORMAT"):
        monkeypatch.delenv(name, raising=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option of our own."""
    parser.addoption(
        "--golden-rewrite",
        action="store_true",
        help="write the expected reports anew",
    )
