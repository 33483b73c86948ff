"""Opening a database, and what is said when it cannot be opened, read or written."""

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import reverify.store.database
from reverify.capsules.content import ContentStore
from reverify.capsules.registry import Registry
from reverify.errors import DamagedError, StoreError, UsageError
from reverify.store.database import Database
from reverify.store.sql import SqlStore
from sqlalchemy import create_engine, text

from tests.capsules.builders import capsule, numbered
from tests.conftest import ROOT
from tests.databases import GUEST, PASSWORD, Backdoor, OpenRegistry, with_driver

NOBODY = 65534


def at(url: str) -> Registry:
    return Registry(SqlStore(Database(url)), ContentStore(Path("/nonexistent")))


def reading(url: str) -> str:
    """What is said when somebody reads."""
    with pytest.raises(StoreError) as caught, at(url) as registry:
        list(registry.list())
    return one_line(caught.value)


def writing(url: str) -> str:
    """What is said when somebody writes."""
    with pytest.raises(StoreError) as caught, at(url) as registry:
        registry.register(numbered(9))
    return one_line(caught.value)


def one_line(error: Exception) -> str:
    said = str(error)
    assert "\n" not in said
    return said


# -- both ------------------------------------------------------------------------------


def test_a_newer_database_asks_for_a_newer_program(
    database: str, registry: Registry, backdoor: Backdoor
) -> None:
    registry.register(capsule())
    registry.close()
    backdoor("UPDATE reverify_migrations SET version_num = '0099'")
    for said in (reading(database), writing(database)):
        assert "was made by a newer reverify" in said
        assert "'0099'" in said
        assert "update reverify" in said


def test_the_address_that_errors_show_has_no_password() -> None:
    name = Database("postgresql://ada:s3cret@127.0.0.1:5432/rain").name
    assert name == "postgresql://ada:***@127.0.0.1:5432/rain"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "is a file, without options"),
        ("sqlite:///:memory:", "is a file, without options"),
        ("sqlite:///x?mode=ro", "is a file, without options"),
        ("sqlite://x.sqlite", "write three slashes"),
        ("sqlite+aiosqlite:///x", "is not supported"),
        ("postgresql+psycopg2://x", "is not supported"),
        ("mysql://x", "is not supported"),
        ("rain", "is no address"),
    ],
)
def test_an_address_that_makes_no_sense_is_told(url: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Database(url)
    assert said in one_line(caught.value)


# -- SQLite ----------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db" / "registry.sqlite"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_file_and_folder_are_for_the_user_alone(path: Path, url: str) -> None:
    with at(url) as registry:
        registry.register(capsule())
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(modes, 0o600)
    assert path.name in modes


def test_connections_are_careful(url: str) -> None:
    database = Database(url)
    expected = {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 2,
        "trusted_schema": 0,
        "busy_timeout": 60_000,
    }
    with database.writing() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in expected
        }
    database.close()
    assert found == expected


def test_all_is_in_one_file_when_it_is_closed(path: Path, url: str) -> None:
    with at(url) as registry:
        registry.register(capsule())
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_database_that_was_taken_away_is_made_again(path: Path, url: str) -> None:
    with at(url) as registry:
        registry.register(capsule())
        registry.close()
        path.unlink()
        assert list(registry.list()) == []
        assert registry.register(capsule()).is_new
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_relative_path_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with at("sqlite:///here.sqlite") as registry:
        monkeypatch.chdir("/")
        registry.register(capsule())
    assert (tmp_path / "here.sqlite").is_file()


def test_a_file_that_is_no_database_is_told(path: Path, url: str) -> None:
    path.parent.mkdir()
    path.write_text("This is a letter, and a long one at that. " * 100)
    before = path.read_bytes()
    for said in (reading(url), writing(url)):
        assert "is no database of SQLite" in said
        assert "REVERIFY_DB" in said
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_left_alone(path: Path, url: str) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE letters (id INTEGER)")
    connection.commit()
    connection.close()
    for said in (reading(url), writing(url)):
        assert "is a database of something else" in said
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [
        ("letters",)
    ]
    connection.close()


def test_a_folder_is_no_database(path: Path, url: str) -> None:
    path.mkdir(parents=True)
    assert "cannot be opened" in reading(url)
    assert "cannot be opened" in writing(url)


def test_a_file_on_the_way_is_told(path: Path, url: str) -> None:
    path.parent.write_text("")
    said = writing(url)
    assert "cannot be written (" in said
    assert "REVERIFY_DB" in said


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that nobody in particular can get at, in every sense."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def unprivileged() -> Iterator[None]:
    """As root, be somebody else for a while: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_only_be_read_is_told(shared_folder: Path) -> None:
    path = shared_folder / "registry.sqlite"
    url = f"sqlite:///{path}"
    with at(url) as registry:
        registry.register(capsule())
    path.chmod(0o444)
    shared_folder.chmod(0o555)
    with unprivileged():
        said = writing(url)
    assert "may only be read; change its mode" in said or "cannot be opened" in said
    assert "REVERIFY_DB" in said
    shared_folder.chmod(0o755)


def test_what_lies_where_nothing_may_be_written_can_be_read(
    shared_folder: Path,
) -> None:
    path = shared_folder / "registry.sqlite"
    url = f"sqlite:///{path}"
    with at(url) as registry:
        made = registry.register(capsule())
    path.chmod(0o444)
    shared_folder.chmod(0o555)
    with unprivileged(), at(url) as registry:
        assert list(registry.list()) == [made]
        assert list(registry.verify()) == []
    shared_folder.chmod(0o755)


def test_what_may_not_even_be_read_is_told(shared_folder: Path) -> None:
    path = shared_folder / "registry.sqlite"
    with at(f"sqlite:///{path}") as registry:
        registry.register(capsule())
    path.chmod(0)
    with unprivileged():
        said = reading(f"sqlite:///{path}")
    assert "cannot be opened" in said


def test_one_who_writes_for_ever_is_told_of(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(url) as registry:
        registry.register(capsule())
    monkeypatch.setattr(reverify.store.database, "BUSY_SECONDS", 0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with at(url) as registry:
        assert len(list(registry.list())) == 1
    assert "others have been writing to it" in writing(url)
    other.close()


FILL = """
import resource, signal, sys
from tests.store.test_database import at
from tests.capsules.builders import capsule
from reverify.errors import StoreError
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
with at(sys.argv[1]) as registry:
    for turn in range(1000):
        try:
            registry.register(capsule(notes=f"{turn} " + "x" * 20_000))
        except StoreError as error:
            print(turn, error)
            break
"""


def test_a_full_disk_is_told_and_nothing_is_lost(url: str) -> None:
    """A limit on the size of files does what a full disk does."""
    answer = subprocess.run(
        [sys.executable, "-c", FILL, url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    turns, _, said = answer.stdout.strip().partition(" ")
    assert "see that the disk works and is not full" in said or "disk is full" in said
    assert "\n" not in said
    with at(url) as registry:
        assert list(registry.verify()) == []
        assert len(list(registry.versions(capsule().id))) == int(turns)
        assert registry.register(capsule()).number == int(turns) + 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 600_000


# -- PostgreSQL ------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_told() -> None:
    for said in (
        reading("postgresql://ada:s3cret@127.0.0.1:1/rain"),
        writing("postgresql://ada:s3cret@127.0.0.1:1/rain"),
    ):
        assert "postgresql://ada:***@127.0.0.1:1/rain" in said
        assert "see that the server runs" in said
        assert "s3cret" not in said


def guest(address: str, password: str) -> str:
    return address.replace("postgres:@", f"{GUEST}:{password}@")


def test_a_wrong_password_is_told(postgresql: str) -> None:
    said = reading(guest(postgresql, "guessed"))
    assert "password authentication failed" in said
    assert "see that user and password in REVERIFY_DB are right" in said
    assert "guessed" not in said


def test_a_missing_password_is_told(postgresql: str) -> None:
    said = reading(guest(postgresql, ""))
    assert "see that user and password" in said


def test_a_database_that_the_server_lacks_is_told(postgresql_server: str) -> None:
    said = writing(postgresql_server.replace("/postgres?", "/rain?"))
    assert 'database "rain" does not exist' in said
    assert "create that database" in said


def test_one_who_may_make_no_tables_is_told(postgresql: str) -> None:
    said = writing(guest(postgresql, PASSWORD))
    assert "permission denied" in said
    assert "may create and change tables" in said


def test_a_server_that_only_lets_read_is_told(
    postgresql: str,
) -> None:
    with at(postgresql) as registry:
        registry.register(capsule())
    said = writing(f"{postgresql}&options=-cdefault_transaction_read_only%3Don")
    assert "it may only be read" in said


def test_a_database_without_unicode_is_told(postgresql_server: str) -> None:
    engine = create_engine(with_driver(postgresql_server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS latin"))
        connection.execute(
            text(
                "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
            )
        )
        try:
            said = writing(postgresql_server.replace("/postgres?", "/latin?"))
        finally:
            connection.execute(text("DROP DATABASE latin WITH (FORCE)"))
    engine.dispose()
    assert "keeps text as LATIN1" in said


def test_a_server_that_was_away_is_asked_again(
    postgresql: str,
) -> None:
    with at(postgresql) as registry:
        registry.register(capsule())
        Backdoor(postgresql)(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'reverify' AND datname = current_database()"
        )
        assert registry.register(numbered(1)).sequence == 2


def test_tables_of_others_are_no_hindrance(postgresql: str) -> None:
    door = Backdoor(postgresql)
    door("CREATE TABLE capsules (id int)", "CREATE TABLE alembic_version (x int)")
    with at(postgresql) as registry:
        assert not registry.exists()
        registry.register(capsule())
        assert list(registry.verify()) == []


def test_postgresql_without_its_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"pip install 'reverify\[postgresql\]'"):
        at("postgresql://127.0.0.1:1/x").exists()


def test_a_broken_note_of_migrations_is_damage(
    registry: Registry, open_registry: OpenRegistry, backdoor: Backdoor
) -> None:
    registry.register(capsule())
    backdoor("UPDATE reverify_migrations SET version_num = 'x'")
    with pytest.raises(DamagedError, match="does not say what it is"):
        open_registry().exists()
