"""From an empty database to the tables of today."""

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from reverify.store.database import Database
from reverify.store.tables import (
    KNOWN_REVISIONS,
    REVISION,
    VERSION_TABLE,
    metadata,
)
from sqlalchemy import inspect

from tests.capsules.builders import capsule, numbered
from tests.databases import Backdoor, OpenRegistry


def test_migrations_make_what_the_tables_say(database: str) -> None:
    opened = Database(database)
    with opened.writing() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": VERSION_TABLE, "compare_type": True},
        )
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        for table in metadata.sorted_tables:
            keys = found.get_pk_constraint(table.name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key]
    opened.close()


def test_the_known_revisions_are_those_there_are() -> None:
    config = Config()
    config.set_main_option("script_location", "reverify:store/migrations")
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == REVISION
    assert tuple(r.revision for r in script.walk_revisions())[::-1] == KNOWN_REVISIONS


def test_all_may_come_first(open_registry: OpenRegistry) -> None:
    registries = [open_registry() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: registries[n].register(numbered(n)), range(8)))
    assert sorted(v.sequence for v in made) == list(range(1, 9))
    assert list(registries[0].verify()) == []


def test_a_migration_that_fails_leaves_nothing(
    open_registry: OpenRegistry, backdoor: Backdoor
) -> None:
    """A view where the last table should be: all before it are taken back."""
    if backdoor.engine.name == "sqlite":
        open_registry().register(capsule())
        tables = inspect(backdoor.engine).get_table_names()
        backdoor(*(f"DROP TABLE {name}" for name in tables))
    backdoor("CREATE VIEW reverify_head AS SELECT 1 AS id")
    registry = open_registry()
    try:
        registry.register(capsule())
    except Exception as error:  # noqa: BLE001 - which one does not matter here
        assert "already" in str(error)  # noqa: PT017
    else:
        raise AssertionError
    backdoor("DROP VIEW reverify_head")
    assert inspect(backdoor.engine).get_table_names() == []
    assert registry.register(capsule()).number == 1
