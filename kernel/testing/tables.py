"""Tables for tests, made as migrations make them but without alembic: what one run of it said is said again.

Nothing is kept between processes, and the first database of a kind in each is migrated as any installation is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kernel.database import Database, migrate

_Said = list[tuple[str, Any]]  # statements and their parameters
_QUESTIONS = ("SELECT", "PRAGMA", "SET", "BEGIN")  # they change nothing, or nothing that outlives a transaction
_HOME = 'search_path = "{}"'  # a function of PostgreSQL's keeps to the schema that it was made in
_recorded: dict[tuple[str, str], _Said] = {}


def migrated(database: Database, versions: Path) -> Database:
    """An empty database with the tables that the migrations in `versions` make."""
    return tables(database, str(versions), lambda: migrate(database, versions))


def tables(database: Database, name: str, make: Callable[[], None]) -> Database:
    """An empty database with what `make` makes in it; `name` tells one such set of tables from others."""
    kind = (name, database.dialect)
    if kind in _recorded:
        _say_again(database, _recorded[kind])
        return database
    with _listening(database.engine) as said:
        make()
    said = [(_moved(statement, database.owner, "\0"), parameters) for statement, parameters in said]
    _recorded[kind] = _in_few_trips(said) if database.dialect == "postgresql" else said
    return database


def _in_few_trips(said: _Said) -> _Said:
    """What has no parameters goes to the server together: 4 round trips instead of 80."""
    fewer: _Said = []
    for bare, group in groupby(said, key=lambda each: not each[1]):
        some = list(group)
        fewer += [("\n;\n".join(statement for statement, _ in some), None)] if bare else some
    return fewer


def _moved(statement: str, old: str, new: str) -> str:
    return statement.replace(_HOME.format(old), _HOME.format(new))


@contextmanager
def _listening(engine: sa.Engine) -> Iterator[_Said]:
    said: _Said = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if not statement.lstrip().upper().startswith(_QUESTIONS):
            said.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)


def _say_again(database: Database, said: _Said) -> None:
    with database.write() as tx:
        for statement, parameters in said:
            tx.exec_driver_sql(_moved(statement, "\0", database.owner), parameters or None)
