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

import psycopg
import sqlalchemy as sa

from kernel.clock import Clock
from kernel.database import Database, migrate
from kernel.database.beside import drop_beside, file_beside, is_beside, open_beside
from kernel.errors import Refusal
from kernel.eventlog.consumers import Consumer
from kernel.eventlog.following import Follower
from kernel.eventlog.reading import LogReader
from kernel.eventlog.selecting import EVERYTHING, Selection
from kernel.eventlog.skipping import Skipped

_LOCK_SECONDS = 2  # that a swap waits for those who read the tables; others wait behind it meanwhile
_ALIAS = "shadow"
_BEGUN = "begun"  # the table that says of what a shadow is; written last, so that none without it was ever whole


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
    zh = "已有以其他条件开始的 {consumer} 重建：{options}。"
    en = "A rebuild of {consumer} was begun with other options: {options}. Go on with those, or give it up: --discard."


class TablesInUse(Refusal):
    """Somebody reads the live tables for longer than a swap may keep everybody else waiting."""

    code = "tables_in_use"
    status = 409
    zh = "{consumer} 的正式数据正被长时间读取，{seconds} 秒内无法替换。什么都没有改变，请稍后重试。"
    en = (
        "Somebody has been reading the tables of {consumer} for longer than the {seconds} seconds that a swap waits for"
        " them, as a backup does. Nothing was changed; give the same command again."
    )


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

    def prepare(self, scope: Scope, skipped: Skipped) -> None:
        """Make it, or go on with the one that is there, if that was made by this same code and without the same events.

        Raises OtherShadow if it was begun with another scope.
        """
        made = f"version {self.consumer.version}, without {sorted(skipped.chains)}"
        options, by = self._begun() or (None, None)
        if options not in (None, str(scope)):
            raise OtherShadow(consumer=self.consumer.name, options=options)
        if by != made:
            self.drop()
            self._make(str(scope), made)

    def follower(self, reader: LogReader, clock: Clock, selection: Selection, skipped: Skipped) -> Follower:
        """What fills it."""
        return self.consumer.rebuilder(self.database, reader, clock, selection, skipped)

    def analyse(self) -> None:
        """Let the database know what is in it: the first queries after a swap would be planned blindly otherwise."""
        if self.live.dialect == "postgresql":  # where a table that is moved keeps its statistics
            with self.database.single() as connection:
                for table in self.consumer.tables:
                    connection.exec_driver_sql(f"ANALYZE {table.name}")

    def exchange(self, tx: sa.Connection) -> None:
        """Put its tables into the live ones' place, in a transaction on the live database. Raises TablesInUse."""
        if self.live.dialect == "postgresql":
            self._move(tx)
        else:
            self._write_differences(tx)

    def forget(self) -> None:
        """Remove what an exchange has left of it. On PostgreSQL that is nothing: it went in the same transaction."""
        if self.live.dialect == "postgresql":
            self.close()
        else:
            self.drop()

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

    def _begun(self) -> tuple[str, str] | None:
        """With which options it was begun, and what makes it. None: whoever made it came to no end, or nobody did."""
        if not self.exists:
            return None
        with self.database.read() as connection:
            if not sa.inspect(connection).has_table(_BEGUN):
                return None
            row = connection.exec_driver_sql(f"SELECT scope, made FROM {_BEGUN}").one()
            return row[0], row[1]

    def _make(self, scope: str, made: str) -> None:
        migrate(self.database, self.consumer.migrations)
        with self.database.write() as tx:
            tx.exec_driver_sql(f"CREATE TABLE {_BEGUN} (scope TEXT NOT NULL, made TEXT NOT NULL)")
            tx.execute(sa.text(f"INSERT INTO {_BEGUN} VALUES (:scope, :made)"), {"scope": scope, "made": made})

    def _move(self, tx: sa.Connection) -> None:
        live, names = self.live.owner, [table.name for table in self.consumer.tables]
        # All at once and not for long: who asks for a lock that others hold back keeps everybody behind it waiting.
        tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        self._lock(tx, [f"{live}.{name}" for name in names])
        rights = [right for name in names for right in _rights(tx, live, name)]
        for name in names:
            tx.exec_driver_sql(f"DROP TABLE {live}.{name}")
            tx.exec_driver_sql(f"ALTER TABLE {self.name}.{name} SET SCHEMA {live}")
        for right in rights:
            tx.exec_driver_sql(right)
        # Here and not after the commit: who dies in between would leave a shadow without its tables, to go on with.
        tx.exec_driver_sql(f"DROP SCHEMA {self.name} CASCADE")

    def _lock(self, tx: sa.Connection, tables: list[str]) -> None:
        try:
            tx.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        except sa.exc.OperationalError as error:
            if isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise TablesInUse(consumer=self.consumer.name, seconds=_LOCK_SECONDS) from None
            raise

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
    """Whose a table is and who may do what with it, as statements that give it again."""
    owner = tx.exec_driver_sql(
        "SELECT relowner::regrole::text FROM pg_class"
        " WHERE oid = to_regclass(%s) AND pg_get_userbyid(relowner) <> current_user",
        (f"{schema}.{table}",),
    ).scalar_one_or_none()
    if owner is not None:  # a superuser swaps, or who is a member of that role
        yield f"ALTER TABLE {schema}.{table} OWNER TO {owner}"
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
