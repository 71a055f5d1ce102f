"""How much of the disk an owner's tables take, with their indexes. Asks the database; reads no table."""

from pathlib import Path

import sqlalchemy as sa

from kernel.database.database import Database

_OF_SCHEMA = sa.text(
    "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :owner AND c.relkind IN ('r', 'm')"
)


def size_of(database: Database) -> int:
    """In bytes. On SQLite the file, and what was written and not yet put into it."""
    if database.dialect == "sqlite":
        files = (Path(f"{database.engine.url.database}{end}") for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    with database.single() as connection:
        return int(connection.execute(_OF_SCHEMA, {"owner": database.owner}).scalar_one())
