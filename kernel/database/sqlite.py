"""Connections to an SQLite file: write-ahead log, every commit on the disk, and off the event loop where there is one.

In a process that eventlet has patched, each call into SQLite runs in a thread of eventlet's pool, so that a long query
or a wait for another process's lock stops nobody else.
"""

import fcntl
import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kernel import green

_AT_ONCE = 100  # rows
WRITING: dict[str, Any] = {"begin_with": "BEGIN IMMEDIATE"}
READING: dict[str, Any] = {"begin_with": "BEGIN"}


def make_engines(url: sa.URL, lock_seconds: float) -> tuple[sa.Engine, sa.Engine]:
    """An engine for transactions on the file of `url`, which is made if missing; and one for single statements."""
    if not url.database or url.database == ":memory:":
        raise ValueError("an SQLite database needs a file: its log must outlive the process")
    _make_file(Path(url.database))
    engine = sa.create_engine(
        url,
        pool_size=8,
        max_overflow=0,
        pool_timeout=lock_seconds,
        pool_use_lifo=True,
        hide_parameters=True,  # errors end up in logs and in reasons, where no one's data and no secret may be
        connect_args={
            "factory": _OffHubConnection if green.is_patched() else sqlite3.Connection,
            "isolation_level": None,  # we begin transactions ourselves
            "check_same_thread": False,
            "timeout": lock_seconds,
        },
    )
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    return engine, engine.execution_options(begin_with=None)


def _make_file(path: Path) -> None:
    """Switch to the write-ahead log, once for the file's life: it fails at once if others are connecting meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()


def _configure(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sa.Connection) -> None:
    begin_with = connection.get_execution_options().get("begin_with", "BEGIN IMMEDIATE")
    if begin_with is not None:
        connection.exec_driver_sql(begin_with)


def _off_hub(method: Callable[..., Any]) -> Any:
    def call(self: Any, *args: Any) -> Any:
        return green.off_hub(method, self, *args)

    return call


class _OffHubCursor(sqlite3.Cursor):
    """Rows are fetched a hundred at once: to hand one over to a thread and back costs more than all of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._ahead: deque[Any] = deque()

    def execute(self, *args: Any) -> Any:
        self._ahead.clear()
        return green.off_hub(super().execute, *args)

    executemany = _off_hub(sqlite3.Cursor.executemany)
    executescript = _off_hub(sqlite3.Cursor.executescript)

    def fetchone(self) -> Any:
        if not self._ahead:
            self._ahead.extend(green.off_hub(super().fetchmany, _AT_ONCE))
        return self._ahead.popleft() if self._ahead else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = self.arraysize if size is None else size
        rows = [self._ahead.popleft() for _ in range(min(wanted, len(self._ahead)))]
        return rows if len(rows) == wanted else [*rows, *green.off_hub(super().fetchmany, wanted - len(rows))]

    def fetchall(self) -> list[Any]:
        rows = [*self._ahead]
        self._ahead.clear()
        return [*rows, *green.off_hub(super().fetchall)]


class _OffHubConnection(sqlite3.Connection):
    commit = _off_hub(sqlite3.Connection.commit)
    rollback = _off_hub(sqlite3.Connection.rollback)

    def cursor(self, factory: Any = _OffHubCursor) -> Any:
        return super().cursor(factory)

    def execute(self, *args: Any) -> Any:
        return self.cursor().execute(*args)

    def executemany(self, *args: Any) -> Any:
        return self.cursor().executemany(*args)
