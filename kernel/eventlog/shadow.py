"""The tables of one consumer a second time, beside the live ones: made, filled by its own follower, put in their place.

On PostgreSQL a schema of its own, whose tables are moved; on SQLite a file of its own, whose differences are written.
Nothing reads a shadow but who rebuilds: no service sends, publishes or answers from it.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

import sqlalchemy as sa

from kernel.clock import Clock
from kernel.database import Database, migrate
from kernel.database.beside import drop_beside, file_beside, is_beside, open_beside
from kernel.errors import Refusal
from kernel.eventlog.consumers import Consumer
from kernel.eventlog.following import Follower
from kernel.eventlog.reading import LogReader
from kernel.eventlog.selecting import EVERYTHING, Selection

_LOCK_SECONDS = 2  # that a swap waits for those who read the tables; others wait behind it meanwhile
_ALIAS = "shadow"


class RebuildRuns(Refusal):
    """Another process builds the shadow."""

    code = "rebuild_runs"
    status = 409
    zh = "{consumer} 正在由另一个进程重建。"
    en = "Another process is rebuilding {consumer}. Wait until it ends, or end it."


class OtherShadow(Refusal):
    """The shadow that is there was begun with other options."""

    code = "other_shadow"
    status = 409
    zh = "已有以其他条件开始的 {consumer} 重建:{options}。"
    en = "A rebuild of {consumer} was begun with other options: {options}. Go on with those, or give it up: --discard."


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a shadow holds: the events up to `until` (None: all), and which of them."""

    until: int | None = None
    selection: Selection = EVERYTHING

    @property
    def whole(self) -> bool:
        """Whether it can take the live tables' place."""
        return self.until is None and self.selection == EVERYTHING

    def __str__(self) -> str:
        return json.dumps({"until": self.until, **asdict(self.selection)}, ensure_ascii=False)


class Shadow:
    """The shadow of `consumer`, whose live tables are in `live`. Open one with `held`."""

    def __init__(self, consumer: Consumer, live: Database, name: str) -> None:
        self.consumer = consumer
        self.live = live
        self.name = name
        self._opened: Database | None = None

    @property
    def exists(self) -> bool:
        return is_beside(self.live, self.name)

    @property
    def place(self) -> str:
        """Where an operator finds it with tools of the database's."""
        return str(file_beside(self.live, self.name)) if self.live.dialect == "sqlite" else f"schema {self.name}"

    @property
    def database(self) -> Database:
        """The tables themselves. They are made by `prepare`."""
        if self._opened is None:
            self._opened = open_beside(self.live, self.name)
            sa.event.listen(self._opened.engine, "connect", _relax)
        return self._opened

    def prepare(self, scope: Scope) -> None:
        """Make it, or go on with the one that is there. Raises OtherShadow if that was begun with another scope."""
        migrate(self.database, self.consumer.migrations)
        with self.database.write() as tx:
            tx.exec_driver_sql("CREATE TABLE IF NOT EXISTS rebuild (scope TEXT NOT NULL)")
            begun = tx.exec_driver_sql("SELECT scope FROM rebuild").scalar_one_or_none()
            if begun is None:
                tx.execute(sa.text("INSERT INTO rebuild VALUES (:scope)"), {"scope": str(scope)})
        if begun not in (None, str(scope)):
            raise OtherShadow(consumer=self.consumer.name, options=begun)

    def follower(self, reader: LogReader, clock: Clock, selection: Selection) -> Follower:
        """What fills it."""
        return self.consumer.rebuilder(self.database, reader, clock, selection)

    def exchange(self, tx: sa.Connection) -> None:
        """Put its tables into the live ones' place, in a transaction on the live database."""
        if self.live.dialect == "postgresql":
            for table in self.consumer.tables:
                self._analyse(table.name)
            self._move(tx)
        else:
            self._write_differences(tx)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def drop(self) -> None:
        """Remove it with all that is in it."""
        self.close()
        if self.live.dialect == "sqlite":
            self.live.close()  # a pooled connection may still have it attached
        drop_beside(self.live, self.name)

    def _analyse(self, table: str) -> None:
        # A table that was moved keeps its statistics; without them the first queries would be planned blindly.
        with self.database.single() as connection:
            connection.exec_driver_sql(f"ANALYZE {table}")

    def _move(self, tx: sa.Connection) -> None:
        live, names = self.live.owner, [table.name for table in self.consumer.tables]
        # All at once and not for long: who asks for a lock that others hold back keeps everybody behind it waiting.
        tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        tx.exec_driver_sql(f"LOCK TABLE {', '.join(f'{live}.{name}' for name in names)} IN ACCESS EXCLUSIVE MODE")
        rights = [right for name in names for right in _rights(tx, live, name)]
        for name in names:
            tx.exec_driver_sql(f"DROP TABLE {live}.{name}")
            tx.exec_driver_sql(f"ALTER TABLE {self.name}.{name} SET SCHEMA {live}")
        for right in rights:
            tx.exec_driver_sql(right)

    def _write_differences(self, tx: sa.Connection) -> None:
        if _ALIAS not in [row[1] for row in tx.exec_driver_sql("PRAGMA database_list")]:  # left by a swap that failed
            tx.exec_driver_sql(f"ATTACH ? AS {_ALIAS}", (str(file_beside(self.live, self.name)),))
        for table in self.consumer.tables:
            for statement in _differences(tx, table.name):
                tx.exec_driver_sql(statement)


def _differences(tx: sa.Connection, table: str) -> list[str]:
    """SQLite's statements that make `main.table` what `shadow.table` is, touching only rows that differ."""
    columns = sa.inspect(tx).get_columns(table)
    names = [column["name"] for column in columns]
    key = sa.inspect(tx).get_pk_constraint(table)["constrained_columns"]
    same_key = " AND ".join(f"live.{name} = new.{name}" for name in key)
    changed = " OR ".join(f"live.{name} IS NOT new.{name}" for name in names)
    listed = ", ".join(names)
    return [
        f"DELETE FROM main.{table} AS live WHERE NOT EXISTS (SELECT 1 FROM {_ALIAS}.{table} AS new WHERE {same_key})",
        f"INSERT OR REPLACE INTO main.{table} ({listed}) SELECT {', '.join(f'new.{name}' for name in names)}"
        f" FROM {_ALIAS}.{table} AS new LEFT JOIN main.{table} AS live ON {same_key} WHERE {changed}",
    ]


def _rights(tx: sa.Connection, schema: str, table: str) -> Iterator[str]:
    """Who may do what with a table, as statements that give it again."""
    rows = tx.exec_driver_sql(
        "SELECT CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END, r.privilege_type"
        " FROM pg_class c, aclexplode(c.relacl) r WHERE c.oid = to_regclass(%s) AND r.grantee <> c.relowner",
        (f"{schema}.{table}",),
    )
    for grantee, right in rows:
        yield f"GRANT {right} ON {schema}.{table} TO {grantee}"


def _relax(connection: Any, _: Any) -> None:
    """A crash of the machine may cost the last pages of a shadow, never half a page: nobody waits for the disk.

    What a swap commits is on the disk, and all that lies before it in the database's own log.
    """
    if hasattr(connection, "pgconn"):
        connection.execute("SET synchronous_commit = off")
        connection.commit()
    else:
        connection.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def held(consumer: Consumer, live: Database) -> Iterator[Shadow]:
    """The shadow of `consumer`, for this process alone; let go of however the process ends. Raises RebuildRuns."""
    shadow = Shadow(consumer, live, f"{live.owner}_shadow_{consumer.name.replace('-', '_')}")
    with _only_we(shadow):
        try:
            yield shadow
        finally:
            shadow.close()


@contextmanager
def _only_we(shadow: Shadow) -> Iterator[None]:
    if shadow.live.dialect == "sqlite":
        file = file_beside(shadow.live, shadow.name).with_suffix(".held")
        with file.open("w") as guard:
            _lock_file(guard, shadow)
            yield
        return
    # Of the session: the server lets go when the connection ends, and it ends with the process.
    with shadow.live.single() as connection:
        key = f"yichuang rebuild {shadow.name}"
        if not connection.exec_driver_sql("SELECT pg_try_advisory_lock(hashtext(%s))", (key,)).scalar_one():
            raise RebuildRuns(consumer=shadow.consumer.name)
        try:
            yield
        finally:
            connection.exec_driver_sql("SELECT pg_advisory_unlock(hashtext(%s))", (key,))


def _lock_file(guard: IO[str], shadow: Shadow) -> None:
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RebuildRuns(consumer=shadow.consumer.name) from None
