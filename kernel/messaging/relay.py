"""The relay: publishes what is on a log to an exchange, all of it, in order, from one process at a time.

The log is the outbox, so a handler publishes no fact itself. Nothing is ever skipped; after a crash or a change of
leader some events are published twice, which consumers drop by their positions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kernel import logs, tracing
from kernel.clock import Clock, from_micros, seconds_since, to_micros
from kernel.config import Settings
from kernel.database import Database
from kernel.eventlog.events import Recorded, publish_form
from kernel.eventlog.reading import LogReader
from kernel.ids import new_id
from kernel.messaging.consuming import every
from kernel.messaging.publishing import Outgoing, Publisher
from kernel.messaging.wiring import Application

log = logs.get(__name__)

LEASE = timedelta(seconds=5)  # how long a leader that says nothing keeps the others waiting
FAR = timedelta(minutes=1)  # no lease ends later than that, unless the clock was put back since it was taken
POLL = 0.02  # seconds between looks at a log that has nothing new
BATCH = 500
_ROUNDS = 50  # batches in a row, before the container may stop

_metadata = sa.MetaData()
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

relay = sa.Table(
    "relay",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),  # of the exchange
    sa.Column("position", _BIG, nullable=False),  # the last that the broker confirmed
    sa.Column("leader", sa.Text, nullable=False),  # who may publish …
    sa.Column("leads_until", _BIG, nullable=False),  # … until then, microseconds since 1970
)


def create_relay_tables(op: Any, exchange: str) -> None:
    """The relay's place in the log and its leader, for one exchange. `op`: alembic's operations in a migration."""
    connection = op.get_bind()
    _metadata.create_all(connection, checkfirst=False)
    connection.execute(relay.insert().values(name=exchange, position=0, leader="", leads_until=0))


def drop_relay_tables(op: Any) -> None:
    """The reverse of `create_relay_tables`."""
    _metadata.drop_all(op.get_bind())


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a log is published: `position` is the last event that the broker confirmed."""

    position: int
    head: int
    leads_until: datetime  # when its leader's lease ends
    oldest_unpublished: datetime | None  # None: all is published

    def figures(self, now: datetime) -> dict[str, Any]:
        """In the form of `kernel.contracts.standing.Relayed`."""
        return {
            "position": self.position,
            "head": self.head,
            "oldest_unpublished_seconds": seconds_since(self.oldest_unpublished, now),
            "led": now < self.leads_until,
        }


def standing(database: Database) -> Standing:
    """Read from the log's database; there is one relay for each log, whatever the exchange is called."""
    with database.single() as connection:
        row = connection.execute(sa.select(relay.c.position, relay.c.leads_until)).one()
    reader = LogReader(database)
    waiting = reader.read(row.position, 1)
    return Standing(
        position=row.position,
        # The head last, or a relay that goes on meanwhile would seem to be ahead of it.
        head=reader.head().position,
        leads_until=from_micros(row.leads_until),
        oldest_unpublished=waiting[0].recorded_at if waiting else None,
    )


class Relay:
    """Publishes one log. Any number may run; the one whose lease holds works, the others wait for it to end."""

    def __init__(
        self, log_reader: LogReader, database: Database, publisher: Publisher, exchange: str, clock: Clock
    ) -> None:
        self._log = log_reader
        self._database = database
        self._publisher = publisher
        self._exchange = exchange
        self._clock = clock
        self._me = new_id()
        self._claimed_at = 0
        self._position: int | None = None  # None: not the leader, or not sure

    def run_once(self) -> int:
        """Publish the next events, if it is this relay's turn: how many, 0 when there are none or another one leads.

        Those that were imported count, and are passed by.

        Raises BrokerAway, or what `is_away` tells; then call again later.
        """
        position = self._leading()
        if position is None:
            return 0
        events = self._log.read(position, BATCH)
        if events and self._log.imported() > position:  # in this order, or an import might come in between
            return self._pass_by(position, self._log.imported())
        if events:
            self._publisher.publish_batch([_message(self._exchange, event) for event in events])
            self._advance(position, events[-1].position)
            about = {"exchange": self._exchange, "events": len(events), "last": events[-1].position}
            log.info("events published", **about, trace_ids=tracing.ids_of(event.traceparent for event in events))
        return len(events)

    def _pass_by(self, position: int, imported: int) -> int:
        """What came from elsewhere is published here to nobody, who would hear it again; how many events that is."""
        self._advance(position, imported)
        log.info("imported events passed by", exchange=self._exchange, events=imported - position, last=imported)
        return imported - position

    def resign(self) -> None:
        """Let another relay lead at once."""
        self._position = None
        mine = relay.update().where(relay.c.name == self._exchange, relay.c.leader == self._me)
        with self._database.write() as tx:
            tx.execute(mine.values(leads_until=0))

    def _leading(self) -> int | None:
        now = to_micros(self._clock.now())
        if self._position is None or not 0 <= now - self._claimed_at < to_micros_of(LEASE) // 3:
            self._position = self._claim(now)
            self._claimed_at = now
        return self._position

    def _claim(self, now: int) -> int | None:
        """Take or renew the lease; the position to go on from, None while another one holds it."""
        # Of a leader that died before the clock was put back: it would hold everybody up until it is as late again.
        unheard_of = relay.c.leads_until > now + to_micros_of(FAR)
        free = (relay.c.leader == self._me) | (relay.c.leads_until <= now) | unheard_of
        claim = relay.update().where(relay.c.name == self._exchange, free)
        claim = claim.values(leader=self._me, leads_until=now + to_micros_of(LEASE))
        with self._database.write() as tx:
            return tx.execute(claim.returning(relay.c.position)).scalar_one_or_none()

    def _advance(self, before: int, after: int) -> None:
        # Only from where we began, and only while nobody else has taken over: a leader that was asleep for longer than
        # its lease would otherwise move the checkpoint back, and what lies between would be published a third time.
        mine = relay.update().where(
            relay.c.name == self._exchange, relay.c.leader == self._me, relay.c.position == before
        )
        with self._database.write() as tx:
            moved = tx.execute(mine.values(position=after)).rowcount
        self._position = after if moved else None
        if not moved:
            log.warning("another relay has taken over", exchange=self._exchange, position=before)


def to_micros_of(span: timedelta) -> int:
    """A length of time in microseconds."""
    return span // timedelta(microseconds=1)


def _message(exchange: str, event: Recorded) -> Outgoing:
    return Outgoing(
        exchange=exchange,
        routing_key=f"{event.type}.{event.organ}" if event.organ else event.type,
        body=publish_form(event),
        properties={
            "content_type": "application/cloudevents+json",
            "message_id": f"{event.source}#{event.id}",
            "type": event.type,
            **({"headers": {tracing.HEADER: event.traceparent}} if event.traceparent else {}),
        },
    )


def relay_service(name: str, build: Callable[[Settings], Any]) -> type:
    """A nameko service class that runs `build(settings).relay` for as long as its container runs."""

    class RelayService:
        app = Application(build)

        @every(POLL)
        def forward(self) -> None:
            """Publish until the log has nothing new."""
            for _ in range(_ROUNDS):
                if not self.app.relay.run_once():
                    return

    RelayService.name = name  # type: ignore[attr-defined]
    return RelayService
