"""Brings an owner's tables up to date with alembic, once, however many processes start at the same moment.

Never leaves a half-made schema: all steps are one transaction on both databases. Where nothing is left to do, alembic
is not even loaded: that would be a quarter of what it takes a service to start.
"""

import re
import threading
from pathlib import Path

import sqlalchemy as sa

from kernel.database.database import Database

_SCRIPTS = Path(__file__).parent / "alembic"
_REVISION = re.compile(r'^revision = "(.+)"$', re.MULTILINE)
_STAMP = "alembic_version"

# Alembic's `op` and `context` belong to the process: two owners that migrate in one process take turns.
_ONE_AT_A_TIME = threading.Lock()


def migrate(database: Database, versions: Path) -> None:
    """Run the migrations in the directory `versions` that this database has not seen yet."""
    with _ONE_AT_A_TIME, database.write() as tx:
        _only_we(tx, database)
        if _present(tx, database) != newest(versions):
            _upgrade(tx, versions)


def newest(versions: Path) -> str:
    """The revision of the last migration: their files are numbered in the order in which they run."""
    last = max(versions.glob("[0-9]*.py"))
    found = _REVISION.search(last.read_text())
    if found is None:
        raise ValueError(f"{last} has no line `revision = ...`")
    return found[1]


def present(database: Database) -> str | None:
    """The revision that the tables are at; None: there are none. Changes nothing."""
    with database.read() as connection:
        return _present(connection, database)


def _present(tx: sa.Connection, database: Database) -> str | None:
    # With the schema's name: whoever may not use a schema would be told that there is no such table.
    schema = database.owner if database.dialect == "postgresql" else None
    stamp = sa.table(_STAMP, sa.column("version_num"), schema=schema)
    if not sa.inspect(tx).has_table(_STAMP, schema):
        return None
    return tx.execute(sa.select(stamp.c.version_num)).scalar()


def _upgrade(tx: sa.Connection, versions: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _quoted(_SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _quoted(versions))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def _only_we(tx: sa.Connection, database: Database) -> None:
    """Others wait here, and then find nothing left to do. SQLite's write lock, which we hold, does the same."""
    if database.dialect == "postgresql":
        tx.exec_driver_sql("SET LOCAL lock_timeout = '120s'")
        tx.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"yichuang migrate {database.owner}",))


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%%")
