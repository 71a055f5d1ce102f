"""Events that a consumer could not take, kept in order by stream until they are requeued.

Keeps positions and reasons; the events themselves stay where they are, on the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kernel.clock import Clock, from_micros, seconds_since, to_micros
from kernel.eventlog import skipping
from kernel.eventlog.events import Recorded

_REASON_LENGTH = 2000  # a driver's error may quote a whole statement

_SAID = 300  # characters of a reason that people are told

_PARK = sa.text(
    "INSERT INTO parked (consumer, position, stream, type, reason, parked_at)"
    " VALUES (:consumer, :position, :stream, :type, :reason, :parked_at)"
    " ON CONFLICT (consumer, position) DO NOTHING"
)
_STREAMS = sa.text("SELECT DISTINCT stream FROM parked WHERE consumer = :consumer")
_COUNT = sa.text("SELECT count(*) FROM parked WHERE consumer = :consumer")
_ALL = sa.text(
    "SELECT position, stream, type, reason, parked_at FROM parked WHERE consumer = :consumer ORDER BY position"
)
_OF_STREAM = sa.text("SELECT position FROM parked WHERE consumer = :consumer AND stream = :stream ORDER BY position")
_RELEASE = sa.text("DELETE FROM parked WHERE consumer = :consumer AND stream = :stream")
_FORGET = sa.text("DELETE FROM parked WHERE consumer = :consumer AND position > :behind")
_CLEAR = sa.text("DELETE FROM parked WHERE consumer = :consumer")


@dataclass(frozen=True, kw_only=True)
class ParkedEvent:
    """An event set aside. `reason` is None for one that only waits behind a bad one of its stream."""

    consumer: str
    position: int
    stream: str
    type: str
    reason: str | None
    parked_at: datetime


def in_a_line(reason: str) -> str:
    """Of a reason what people are told: a driver's error has its statement in the lines that follow."""
    return reason.partition("\n")[0][:_SAID]


@dataclass(frozen=True, kw_only=True)
class Lag:
    """How far a consumer is behind: by positions, and by the time at which the oldest event it lacks was recorded."""

    consumer: str
    checkpoint: int
    head: int
    oldest_unprocessed: datetime | None  # None: nothing is waiting
    parked: int

    def figures(self, now: datetime) -> dict[str, Any]:
        """As services tell it in their `status`."""
        return {
            "consumer": self.consumer,
            "checkpoint": self.checkpoint,
            "head": self.head,
            "oldest_unprocessed_seconds": seconds_since(self.oldest_unprocessed, now),
            "parked": self.parked,
        }


class Parking:
    """The parked events of one consumer. Every method works on the caller's connection."""

    def __init__(self, consumer: str, clock: Clock) -> None:
        self._consumer = consumer
        self._clock = clock

    def streams(self, tx: sa.Connection) -> set[str]:
        """The streams that have parked events."""
        return set(tx.execute(_STREAMS, self._mine()).scalars())

    def park(self, tx: sa.Connection, event: Recorded, reason: str) -> None:
        """Set `event` aside for `reason`."""
        self._insert(tx, [event], reason[:_REASON_LENGTH])

    def wait(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        """Set `events` aside because earlier ones of their streams are."""
        if events:
            self._insert(tx, events, None)

    def release(self, tx: sa.Connection, stream: str) -> list[int]:
        """Forget the parked events of `stream`; their positions, in order."""
        positions = list(tx.execute(_OF_STREAM, self._mine(stream=stream)).scalars())
        tx.execute(_RELEASE, self._mine(stream=stream))
        return positions

    def skip(self, tx: sa.Connection, event: Recorded) -> None:
        """Keep that `event` was given up."""
        skipping.skip(tx, self._consumer, event, self._clock.now())

    def first(self, tx: sa.Connection, stream: str) -> int | None:
        """The first parked position of `stream`."""
        return tx.execute(_OF_STREAM, self._mine(stream=stream)).scalars().first()

    def forget(self, tx: sa.Connection, behind: int) -> None:
        """Forget what is parked behind this position."""
        tx.execute(_FORGET, self._mine(behind=behind))

    def clear(self, tx: sa.Connection) -> None:
        """Forget all."""
        tx.execute(_CLEAR, self._mine())

    def adopt(self, tx: sa.Connection, events: Sequence[ParkedEvent]) -> None:
        """Set aside what another consumer of the same events has set aside; what is parked already stays as it is."""
        if events:
            tx.execute(_PARK, [self._mine(**{**vars(one), "parked_at": to_micros(one.parked_at)}) for one in events])

    def count(self, connection: sa.Connection) -> int:
        """How many events are parked."""
        return int(connection.execute(_COUNT, self._mine()).scalar_one())

    def all(self, connection: sa.Connection) -> list[ParkedEvent]:
        """All parked events, by position."""
        return [
            ParkedEvent(
                consumer=self._consumer,
                position=position,
                stream=stream,
                type=type,
                reason=reason,
                parked_at=from_micros(parked_at),
            )
            for position, stream, type, reason, parked_at in connection.execute(_ALL, self._mine())
        ]

    def _insert(self, tx: sa.Connection, events: Sequence[Recorded], reason: str | None) -> None:
        at = to_micros(self._clock.now())
        tx.execute(
            _PARK,
            [
                self._mine(position=event.position, stream=event.stream, type=event.type, reason=reason, parked_at=at)
                for event in events
            ],
        )

    def _mine(self, **more: Any) -> dict[str, Any]:
        return {**more, "consumer": self._consumer}
