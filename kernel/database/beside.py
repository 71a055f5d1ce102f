"""A second database beside an owner's own: a schema of the same server, or a file in the same directory.

For what is built apart and moved in whole. Never touches the owner's own tables.
"""

from pathlib import Path

import sqlalchemy as sa

from kernel.database.database import Database, open_url

_SUFFIXES = ("", "-wal", "-shm", ".lock")  # of the files that SQLite and we keep for one database


def open_beside(database: Database, name: str) -> Database:
    """The database `name` beside `database`; made if missing."""
    url = database.engine.url
    if database.dialect == "sqlite":
        return open_url(f"sqlite:///{file_beside(database, name)}", name)
    return open_url(url.render_as_string(hide_password=False), name)


def file_beside(database: Database, name: str) -> Path:
    """On SQLite: the file of the database `name`."""
    return Path(str(database.engine.url.database)).with_name(f"{name}.sqlite3")


def is_beside(database: Database, name: str) -> bool:
    """Whether there is a database `name` beside `database`."""
    if database.dialect == "sqlite":
        return file_beside(database, name).exists()
    with database.single() as connection:
        known = connection.execute(sa.text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": name})
        return bool(known.scalar_one())


def drop_beside(database: Database, name: str) -> None:
    """Remove the database `name` with all that is in it. Nobody may have it open."""
    if database.dialect == "sqlite":
        file = file_beside(database, name)
        for suffix in _SUFFIXES:
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        return
    with database.write() as tx:
        tx.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")
