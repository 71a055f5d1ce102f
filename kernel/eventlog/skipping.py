"""Events that an operator has given up for one consumer: whoever makes its tables again leaves them out.

Known by position and chain value: what stands at that position of another log is another event, and is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.eventlog.events import Recorded

if TYPE_CHECKING:
    from kernel.eventlog.following import Projection

_KEEP = sa.text(
    "INSERT INTO skipped (consumer, position, chain, stream, skipped_at)"
    " VALUES (:consumer, :position, :chain, :stream, :skipped_at)"
    " ON CONFLICT (consumer, position) DO UPDATE"
    " SET chain = excluded.chain, stream = excluded.stream, skipped_at = excluded.skipped_at"
)
_ALL = sa.text("SELECT position, chain FROM skipped WHERE consumer = :consumer ORDER BY position")
_TAKE_BACK = "DELETE FROM skipped WHERE consumer = :consumer"


@dataclass(frozen=True)
class Skipped:
    """What one consumer goes on without."""

    chains: Mapping[int, bytes] = field(default_factory=dict)  # by position

    def has(self, event: Recorded) -> bool:
        return self.chains.get(event.position) == event.chain

    def without(self, events: Sequence[Recorded]) -> Sequence[Recorded]:
        """Those of `events` that were not given up."""
        return [event for event in events if not self.has(event)] if self.chains else events

    def of(self, projection: "Projection") -> "Projection":
        """`projection`, seeing none of what was given up."""
        return _Spared(projection, self) if self.chains else projection


NOTHING = Skipped()


class _Spared:
    def __init__(self, projection: "Projection", skipped: Skipped) -> None:
        self.name = projection.name
        self._projection = projection
        self._skipped = skipped

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        left = self._skipped.without(events)
        if left:
            self._projection.apply(tx, left)


def skipped(connection: sa.Connection, consumer: str) -> Skipped:
    """What `consumer` goes on without."""
    rows = connection.execute(_ALL, {"consumer": consumer})
    return Skipped({position: bytes(chain) for position, chain in rows})


def skip(tx: sa.Connection, consumer: str, event: Recorded, at: datetime) -> None:
    """Keep that `consumer` goes on without `event`."""
    values = {"position": event.position, "chain": event.chain, "stream": event.stream, "skipped_at": to_micros(at)}
    tx.execute(_KEEP, {"consumer": consumer, **values})


def take_back(tx: sa.Connection, consumer: str, stream: str | None = None) -> None:
    """Forget what was given up: of `stream`, or all of it."""
    of_stream = "" if stream is None else " AND stream = :stream"
    tx.execute(sa.text(_TAKE_BACK + of_stream), {"consumer": consumer} | ({"stream": stream} if stream else {}))


def create_skipped_table(op: Any) -> None:
    """Make the table `skipped`, beside those of a follower. `op`: alembic's operations, as a migration has them."""
    op.create_table(
        "skipped",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("skipped_at", sa.BigInteger, nullable=False),  # microseconds since 1970
    )
