"""Writes events that come from a log back into one, byte for byte. For archives; no service ever does it.

Writes nothing that does not follow from where the log stands, and nothing at all unless everything fits. With it the
log's head tells up to where it was imported: who tells of events, or publishes them, passes these by.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa

from kernel.eventlog.events import Head, Recorded
from kernel.eventlog.tables import event as event_table

_COLUMNS = tuple(column.name for column in event_table.c)
_COPY = f"COPY event ({', '.join(_COLUMNS)}) FROM STDIN"
_INSERT = f"INSERT INTO event ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_MOVE = sa.text("UPDATE log_head SET position = :position, chain = :chain, imported = :position")
_AT_ONCE = 1000
_LOCK = {"postgresql": " FOR UPDATE", "sqlite": ""}


def standing(tx: sa.Connection) -> Head:
    """Where the log stands. Nobody else appends until the transaction ends."""
    row = tx.exec_driver_sql(f"SELECT position, chain FROM log_head{_LOCK[tx.dialect.name]}").one()
    return Head(row[0], bytes(row[1]))


def restore(tx: sa.Connection, events: Iterable[Recorded]) -> Head | None:
    """Write `events`, whose positions and chain values were checked; the last one's. None where there is none."""
    last: Head | None = None

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal last
        for one in events:
            last = Head(one.position, one.chain)
            yield _row(one)

    if tx.dialect.name == "postgresql":
        cursor: Any = tx.connection.cursor()  # psycopg's own: SQLAlchemy has no COPY
        with cursor, cursor.copy(_COPY) as copy:
            for row in rows():
                copy.write_row(row)
    else:
        waiting = rows()
        while some := list(islice(waiting, _AT_ONCE)):
            tx.exec_driver_sql(_INSERT, some)
    if last is not None:
        tx.execute(_MOVE, {"position": last.position, "chain": last.chain})
    return last


def _row(one: Recorded) -> tuple[Any, ...]:
    values = {**vars(one), "recorded_at": one.recorded}
    return tuple(values[name] for name in _COLUMNS)
