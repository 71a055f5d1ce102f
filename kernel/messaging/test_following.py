"""A follower: true to the log whatever the broker does, and whatever the database does for a while."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from kernel.clock import SystemClock
from kernel.database import Database, open_url
from kernel.eventlog.appending import EventLog
from kernel.eventlog.events import publish_form
from kernel.eventlog.following import create_follower_tables
from kernel.eventlog.tables import add_imported, create_log
from kernel.messaging import topology
from kernel.messaging.conftest import Trials, eventually
from kernel.messaging.publishing import Outgoing, Publisher
from kernel.messaging.test_relay import fill
from kernel.testing import free_port


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/log.sqlite3"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = open_url(url, "trial")
    with database.write() as tx:
        op = Operations(MigrationContext.configure(tx))
        create_log(op)
        add_imported(op)
        create_follower_tables(op)
        tx.execute(sa.text("CREATE TABLE seen (position INTEGER NOT NULL)"))
    yield database
    database.close()


@pytest.fixture
def log(database: Database) -> EventLog:
    return EventLog(database, SystemClock())


@pytest.fixture
def publisher(rabbit_trials: Trials, stack: contextlib.ExitStack) -> Publisher:
    publisher = Publisher(rabbit_trials.uri)
    stack.callback(publisher.close)
    return publisher


def seen(database: Database) -> list[int]:
    with database.read() as connection:
        return [row[0] for row in connection.execute(sa.text("SELECT position FROM seen ORDER BY rowid"))]


def publish(publisher: Publisher, log: EventLog, positions: list[int], *garbage: bytes) -> None:
    """Bring these events in this order, and bodies that are none, to the follower's queue."""
    events = {event.position: event for event in log.read(0)}
    bodies = [*garbage, *(publish_form(events[position]) for position in positions)]
    publisher.publish_batch(
        [Outgoing(exchange=topology.CASE_EVENTS, routing_key="case.received.ORGAN", body=body) for body in bodies]
    )


def test_at_its_start_it_catches_up_with_the_log(
    rabbit_trials: Trials, url: str, database: Database, log: EventLog
) -> None:
    fill(log, 1, 50)
    rabbit_trials.start("follower", database_url=url)
    eventually(lambda: seen(database) == list(range(1, 51)))


def test_doubles_holes_disorder_and_garbage_do_no_harm(
    rabbit_trials: Trials, url: str, database: Database, log: EventLog, publisher: Publisher
) -> None:
    follower = rabbit_trials.start("follower", database_url=url)
    fill(log, 1, 30)
    publish(publisher, log, [30, 3, 3, 7, 1, 30, 2], b"garbage", b'{"sequence":"x"}')
    eventually(lambda: seen(database) == list(range(1, 31)))
    follower.wait_for_line("unreadable message dropped")
    fill(log, 31, 31)
    publish(publisher, log, [31, 5])
    eventually(lambda: seen(database) == list(range(1, 32)))


def test_without_a_broker_it_reads_the_log_every_second(
    rabbit_trials: Trials, url: str, database: Database, log: EventLog
) -> None:
    rabbit_trials.start("follower", database_url=url, uri=f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    for last in (5, 10):
        fill(log, last - 4, last)
        eventually(lambda last=last: seen(database) == list(range(1, last + 1)))


def test_while_its_database_is_away_it_waits_and_loses_nothing(
    rabbit_trials: Trials, url: str, database: Database, log: EventLog, publisher: Publisher
) -> None:
    follower = rabbit_trials.start("follower", database_url=url)
    (rabbit_trials.directory / "away").touch()
    fill(log, 1, 10)
    publish(publisher, log, list(range(1, 11)))
    follower.wait_for_line("database away")
    assert seen(database) == []
    (rabbit_trials.directory / "away").unlink()
    eventually(lambda: seen(database) == list(range(1, 11)))
    assert "Traceback" not in follower.output


def test_kill_9_neither_loses_nor_doubles_an_effect(
    rabbit_trials: Trials, url: str, database: Database, log: EventLog, publisher: Publisher
) -> None:
    follower = rabbit_trials.start("follower", database_url=url)
    for first in range(1, 1501, 500):
        before = len(seen(database))  # of what is published next, none can be seen yet
        fill(log, first, first + 499)
        publish(publisher, log, list(range(first, min(first + 500, 1001))))
        eventually(lambda before=before: len(seen(database)) > before)
        follower.kill()
        follower.start()
    eventually(lambda: seen(database) == list(range(1, 1501)))
