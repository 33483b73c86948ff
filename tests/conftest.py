"""What all tests share."""

from pathlib import Path

import pytest

from tests.databases import (
    backdoor,
    database,
    open_registry,
    postgresql,
    postgresql_server,
    registry,
)
from tests.services.swh_double import swh_double

__all__ = [
    "backdoor",
    "database",
    "open_registry",
    "postgresql",
    "postgresql_server",
    "registry",
    "swh_double",
]
ROOT = Path(__file__).resolve().parent.parent
CRATES = ROOT / "fixtures" / "crates"


@pytest.fixture(autouse=True)
def _quiet_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No setting of whoever runs the tests reaches them, nor do they reach theirs."""
    for name in ("NO_COLOR", "FORCE_COLOR", "SCIDEX_DB_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    for name in (
        "OFFLINE",
        "FORMAT",
        "DB",
        "STORE",
        "CACHE_DIR",
        "SWH_URL",
        "SWH_TOKEN",
    ):
        monkeypatch.delenv(f"REVERIFY_{name}", raising=False)
    # Where the registry lies unless a test says otherwise.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option of our own."""
    parser.addoption(
        "--golden-rewrite",
        action="store_true",
        help="write the expected reports anew",
    )
