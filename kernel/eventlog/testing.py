"""Logs and events for tests. Never used by a service."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from kernel.clock import Clock, FrozenClock, parse_time
from kernel.database import Database
from kernel.eventlog import (
    Append,
    EventLog,
    NewEvent,
    Recorded,
    add_imported,
    create_follower_tables,
    create_log,
    create_skipped_table,
)
from kernel.eventlog.consumers import Consumer
from kernel.eventlog.rebuilding import rebuilding
from kernel.eventlog.shadow import Scope
from kernel.ids import new_id

NOON = "2026-11-22T12:00:00+08:00"
SOURCE = "/departments/11440106007512345A"


def operations(tx: Any) -> Operations:
    """Alembic's operations on the connection `tx`, as a migration has them."""
    return Operations(MigrationContext.configure(tx))


def make_log(database: Database) -> EventLog:
    """An empty log, and the tables of its followers, in `database`. It is noon there."""
    with database.write() as tx:
        create_log(operations(tx))
        add_imported(operations(tx))
        create_follower_tables(operations(tx))
        create_skipped_table(operations(tx))
    return EventLog(database, FrozenClock(NOON))


def step(id: str | None = None, **changes: Any) -> NewEvent:
    """An event; a new id unless one is given."""
    values: dict[str, Any] = {
        "id": id or new_id(),
        "source": SOURCE,
        "type": "case.step",
        "version": 1,
        "time": parse_time(NOON),
        "data": {"step_name": "审查"},
        "organ": "11440106007512345A",
    }
    return NewEvent(**{**values, **changes})


def request(stream: str, expected_version: int, *events: NewEvent) -> Append:
    """An append of `events`, of one new event where none is given."""
    return Append(stream=stream, expected_version=expected_version, events=events or (step(),))


def tamper(database: Database, *statements: str) -> None:
    """Change a log as one who may switch its guards off."""
    with database.write() as tx:
        if database.dialect == "postgresql":
            tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            for name in tx.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all():
                tx.exec_driver_sql(f"DROP TRIGGER {name}")
        for statement in statements:
            tx.exec_driver_sql(statement)


def rebuilt(consumer: Consumer, live: Database, log: Database, clock: Clock) -> int:
    """Make the consumer's tables again and swap them in, as `yichuang replay --swap` does; of how many events."""
    with rebuilding(consumer, live, log, clock) as rebuild:
        reached = rebuild.build(Scope())
        rebuild.swap()
    return reached.position


class Seen:
    """A projection that writes down what it sees. Raises for the ids in `bad`."""

    name = "seen"

    def __init__(self, database: Database) -> None:
        self.bad: dict[str, Exception] = {}
        self.calls: list[int] = []
        with database.write() as tx:
            tx.exec_driver_sql("CREATE TABLE seen (number INTEGER PRIMARY KEY, position INTEGER NOT NULL)")

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        self.calls.append(len(events))
        for event in events:
            tx.execute(
                sa.text("INSERT INTO seen SELECT coalesce(max(number), 0) + 1, :position FROM seen"),
                {"position": event.position},
            )
            if event.id in self.bad:
                raise self.bad[event.id]
