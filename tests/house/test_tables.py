"""Tables that tests get without alembic are those that an installation gets with it."""

from pathlib import Path
from typing import Any

import pytest

from kernel.database import Database, migrate, open_url
from kernel.testing.tables import migrated
from operations import desk
from operations.services import OWNERS, migrations_of

MIGRATIONS = {**{owner: migrations_of(owner) for owner in OWNERS}, "desk": desk.MIGRATIONS}
ON_POSTGRESQL = (
    "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default"
    " FROM information_schema.columns WHERE table_schema = current_schema ORDER BY 1, 2",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema ORDER BY 1, 2",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = current_schema::regnamespace ORDER BY 1, 2",
    "SELECT proname, pg_get_functiondef(oid), proacl::text FROM pg_proc"
    " WHERE pronamespace = current_schema::regnamespace ORDER BY 1",
    "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c"
    " ON c.oid = tgrelid WHERE c.relnamespace = current_schema::regnamespace AND NOT tgisinternal ORDER BY 1, 2",
)
ON_SQLITE = ("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2",)


def contents(database: Database) -> str:
    """What was made, with what stands in each table, in words that don't name the owner."""
    with database.read() as tx:
        on_sqlite = database.dialect == "sqlite"
        made = [tuple(row) for ask in (ON_SQLITE if on_sqlite else ON_POSTGRESQL) for row in tx.exec_driver_sql(ask)]
        names = (
            [row[1] for row in made if row[0] == "table"]
            if on_sqlite
            else tx.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema").scalars()
        )
        rows = [(name, tx.exec_driver_sql(f'SELECT * FROM "{name}"').all()) for name in sorted(names)]
    return str([made, [(name, [_plain(row) for row in found]) for name, found in rows]]).replace(database.owner, "-")


def _plain(row: Any) -> list[Any]:
    return [bytes(value) if isinstance(value, memoryview) else value for value in row]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("owner", MIGRATIONS)
def test_they_are_the_same(
    owner: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path, unique_name: str
) -> None:
    made = []
    for number, make in enumerate((migrate, migrated, migrated)):  # the second at the latest repeats what was said
        on_sqlite = kind == "sqlite"
        url = f"sqlite:///{tmp_path}/{number}.sqlite3" if on_sqlite else request.getfixturevalue("postgres_url")
        database = open_url(url, f"{unique_name}_{number}")
        make(database, MIGRATIONS[owner])
        made.append(contents(database))
        database.close()
    assert made[0] == made[1] == made[2]
    assert "alembic_version" in made[0]
