"""The relay: everything on the log is published, in order, by one leader at a time, whoever dies."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from kernel import tracing
from kernel.clock import FrozenClock, SystemClock
from kernel.database import Database, open_url
from kernel.eventlog.appending import EventLog
from kernel.eventlog.events import Append, NewEvent, read_published
from kernel.eventlog.restoring import restore
from kernel.eventlog.tables import add_imported, create_log
from kernel.eventlog.testing import tamper
from kernel.messaging import topology
from kernel.messaging.conftest import Trials, eventually
from kernel.messaging.connection import Listener
from kernel.messaging.publishing import BrokerAway, Outgoing
from kernel.messaging.relay import LEASE, Relay, create_relay_tables, standing


class RecordingPublisher:
    """Keeps the positions it was given; away while told to be."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.away = False

    def publish_batch(self, messages: Sequence[Outgoing]) -> None:
        if self.away:
            raise BrokerAway("told to be away")
        self.sent += messages

    @property
    def positions(self) -> list[int]:
        return [read_published(message.body).position for message in self.sent]


def fill(log: EventLog, first: int, last: int) -> None:
    """Put the events numbered `first` to `last` on the log, at those positions."""
    log.append_all(
        [
            Append(
                stream=f"case-{number}",
                expected_version=0,
                events=(
                    NewEvent(
                        id=str(number),
                        source="/filing",
                        type="case.received",
                        version=1,
                        time=SystemClock().now(),
                        data={},
                        organ="ORGAN",
                    ),
                ),
            )
            for number in range(first, last + 1)
        ]
    )


def make_tables(database: Database) -> None:
    with database.write() as tx:
        op = Operations(MigrationContext.configure(tx))
        create_log(op)
        add_imported(op)
        create_relay_tables(op, topology.CASE_EVENTS)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.sqlite3"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = open_url(url, "trial")
    make_tables(database)
    yield database
    database.close()


@pytest.fixture
def log(database: Database) -> EventLog:
    return EventLog(database, SystemClock())


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock("2026-02-09T09:00+08:00")


@pytest.fixture
def publisher() -> RecordingPublisher:
    return RecordingPublisher()


class Relays:
    """Makes relays of one log."""

    def __init__(self, log: EventLog, database: Database, clock: FrozenClock) -> None:
        self._parts = (log, database, clock)

    def make(self, publisher: RecordingPublisher) -> Relay:
        log, database, clock = self._parts
        return Relay(log, database, publisher, topology.CASE_EVENTS, clock)  # type: ignore[arg-type]


@pytest.fixture
def relays(log: EventLog, database: Database, clock: FrozenClock) -> Relays:
    return Relays(log, database, clock)


def test_everything_is_published_in_order_with_its_place_in_the_log(
    log: EventLog, relays: Relays, publisher: RecordingPublisher
) -> None:
    relay = relays.make(publisher)
    fill(log, 1, 1200)
    assert [relay.run_once() for _ in range(4)] == [500, 500, 200, 0]
    assert publisher.positions == list(range(1, 1201))
    first = publisher.sent[0]
    assert (first.exchange, first.routing_key) == ("case-events", "case.received.ORGAN")
    assert first.properties["content_type"] == "application/cloudevents+json"
    assert read_published(first.body) == log.read(0, 1)[0]


def test_the_trace_of_an_event_is_published_with_it(
    log: EventLog, relays: Relays, publisher: RecordingPublisher
) -> None:
    fill(log, 1, 1)
    with tracing.joined(None) as request:
        fill(log, 2, 2)
    relays.make(publisher).run_once()
    without, traced = publisher.sent
    assert "headers" not in without.properties
    assert traced.properties["headers"] == {"traceparent": request.traceparent}
    assert read_published(traced.body).traceparent == request.traceparent


def test_a_relay_goes_on_where_the_one_before_it_ended(
    log: EventLog, relays: Relays, publisher: RecordingPublisher, clock: FrozenClock
) -> None:
    fill(log, 1, 3)
    relays.make(publisher).run_once()
    fill(log, 4, 5)
    clock.advance(LEASE)
    relays.make(publisher).run_once()
    assert publisher.positions == [1, 2, 3, 4, 5]


def test_nothing_is_passed_over_while_the_broker_is_away(
    log: EventLog, relays: Relays, publisher: RecordingPublisher
) -> None:
    relay = relays.make(publisher)
    fill(log, 1, 3)
    publisher.away = True
    with pytest.raises(BrokerAway):
        relay.run_once()
    publisher.away = False
    fill(log, 4, 4)
    assert relay.run_once() == 4
    assert publisher.positions == [1, 2, 3, 4]


def test_while_one_leads_the_others_publish_nothing(log: EventLog, relays: Relays, clock: FrozenClock) -> None:
    leading, waiting = RecordingPublisher(), RecordingPublisher()
    leader, other = relays.make(leading), relays.make(waiting)
    for number in range(1, 20):
        fill(log, number, number)
        assert leader.run_once() == 1
        assert other.run_once() == 0
        clock.advance(LEASE / 2)
    assert waiting.sent == []
    clock.advance(LEASE)
    fill(log, 20, 21)
    assert other.run_once() == 2
    assert leader.run_once() == 0
    assert waiting.positions == [20, 21]


def test_a_leader_that_resigns_is_followed_at_once(log: EventLog, relays: Relays) -> None:
    first, second = RecordingPublisher(), RecordingPublisher()
    leader, other = relays.make(first), relays.make(second)
    fill(log, 1, 2)
    leader.run_once()
    leader.resign()
    fill(log, 3, 4)
    assert other.run_once() == 2
    assert second.positions == [3, 4]


def test_when_the_clock_is_put_back_a_dead_leader_is_followed_and_a_living_one_leads_on(
    log: EventLog, relays: Relays, clock: FrozenClock
) -> None:
    leading, waiting = RecordingPublisher(), RecordingPublisher()
    leader, other = relays.make(leading), relays.make(waiting)
    fill(log, 1, 1)
    leader.run_once()
    clock.advance(timedelta(hours=-1))
    fill(log, 2, 2)
    assert (leader.run_once(), other.run_once()) == (1, 0)
    clock.advance(timedelta(hours=-1))  # and now the leader says nothing any more
    fill(log, 3, 3)
    assert other.run_once() == 1
    assert (leading.positions, waiting.positions) == ([1, 2], [3])


class Sleeper(RecordingPublisher):
    """A publisher during whose batch the lease runs out and another relay does its work."""

    def __init__(self, clock: FrozenClock, meanwhile: list[Relay]) -> None:
        super().__init__()
        self._clock = clock
        self._meanwhile = meanwhile

    def publish_batch(self, messages: Sequence[Outgoing]) -> None:
        super().publish_batch(messages)
        self._clock.advance(LEASE + timedelta(seconds=1))
        for relay in self._meanwhile:
            while relay.run_once():
                continue


def checkpoint(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.text("SELECT position FROM relay")).scalar_one())


def test_a_leader_that_slept_does_not_move_the_checkpoint_back(
    log: EventLog, database: Database, relays: Relays, clock: FrozenClock
) -> None:
    awake = RecordingPublisher()
    asleep = Sleeper(clock, [relays.make(awake)])
    fill(log, 1, 700)
    deposed = relays.make(asleep)
    deposed.run_once()
    assert checkpoint(database) == 700
    assert deposed.run_once() == 0
    assert awake.positions == list(range(1, 701))


def test_control_without_the_comparison_the_checkpoint_goes_back(
    log: EventLog, database: Database, relays: Relays, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(_relay: Relay, _before: int, after: int) -> None:
        with database.write() as tx:
            tx.execute(sa.text("UPDATE relay SET position = :after"), {"after": after})

    other = relays.make(RecordingPublisher())
    deposed = relays.make(Sleeper(clock, [other]))
    monkeypatch.setattr(deposed, "_advance", lambda before, after: careless(deposed, before, after))
    fill(log, 1, 700)
    deposed.run_once()
    assert checkpoint(database) == 500


def test_control_without_the_lease_both_publish(log: EventLog, relays: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = RecordingPublisher(), RecordingPublisher()
    one, two = relays.make(first), relays.make(second)
    for relay in (one, two):
        monkeypatch.setattr(relay, "_leading", lambda: 0)
    fill(log, 1, 10)
    one.run_once()
    two.run_once()
    assert first.positions == second.positions == list(range(1, 11))


class Subscriber:
    """An outside system with a queue of its own, noting positions as they come."""

    def __init__(self, uri: str) -> None:
        self.positions: list[int] = []
        self._listener = Listener(uri, "subscriber", self._note, declare=self._declare, no_ack=True)
        self._listener.start()
        self._listener.channel(timeout=10)

    @staticmethod
    def _declare(channel: object) -> None:
        topology.declare(channel)  # type: ignore[arg-type]
        channel.queue_declare("subscriber", durable=True, auto_delete=False)  # type: ignore[attr-defined]
        channel.queue_bind("subscriber", topology.CASE_EVENTS, "#")  # type: ignore[attr-defined]

    def _note(self, _channel: object, message: object) -> None:
        self.positions.append(read_published(message.body).position)  # type: ignore[attr-defined]

    def close(self) -> None:
        self._listener.stop()


def test_killed_again_and_again_the_relays_lose_nothing(
    postgres_database: str, rabbit_trials: Trials, stack: contextlib.ExitStack
) -> None:
    database = open_url(postgres_database, "trial")
    stack.callback(database.close)
    make_tables(database)
    log = EventLog(database, SystemClock())
    subscriber = Subscriber(rabbit_trials.uri)
    stack.callback(subscriber.close)
    running = [rabbit_trials.start("relay", database_url=postgres_database) for _ in range(2)]
    writer = threading.Thread(target=lambda: [fill(log, first, first + 49) for first in range(1, 6001, 50)])
    writer.start()
    for victim in (*running, *running):
        seen = len(subscriber.positions)
        eventually(lambda seen=seen: len(subscriber.positions) > seen or not writer.is_alive())
        victim.kill()
        victim.start()
    writer.join()
    eventually(lambda: len(set(subscriber.positions)) == 6000)
    assert list(dict.fromkeys(subscriber.positions)) == list(range(1, 6001))  # what came first came in order


@pytest.mark.parametrize("led", ["before", "since"])
def test_what_was_imported_is_published_to_nobody_also_by_a_relay_that_leads_already(
    log: EventLog, database: Database, relays: Relays, publisher: RecordingPublisher, led: str
) -> None:
    relay = relays.make(publisher)
    if led == "before":
        assert relay.run_once() == 0
    fill(log, 1, 700)
    events, head = log.read(0), log.head()
    tamper(database, "DELETE FROM event", "UPDATE log_head SET position = 0")
    with database.write() as tx:
        assert restore(tx, events) == head
    fill(log, 701, 702)
    assert [relay.run_once() for _ in range(3)] == [700, 2, 0]
    assert publisher.positions == [701, 702]
    assert standing(database).position == 702
