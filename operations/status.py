"""How far everybody is behind the case log: the relay and each consumer, read from their tables.

Asks no service, so it also answers when none runs.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros
from kernel.config import Settings
from kernel.database import Database, open_database
from kernel.eventlog.parking import Lag
from kernel.eventlog.reading import LogReader
from kernel.messaging.relay import relay
from kernel.messaging.topology import CASE_EVENTS
from operations.consumers import following, of_log


@dataclass(frozen=True, kw_only=True)
class Relayed:
    """`position`: the last event that the broker confirmed. `leads_until`: when its leader's lease ends."""

    position: int
    leads_until: datetime


@dataclass(frozen=True, kw_only=True)
class Status:
    """Positions on the case log."""

    head: int
    relay: Relayed
    consumers: list[Lag]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"log       {self.head:>8}",
            f"relay     {self.relay.position:>8}  leads until {self.relay.leads_until}",
        ]
        return "\n".join([*lines, *map(_line, self.consumers)])


def status(settings: Settings) -> Status:
    """Read it all. Raises what `is_away` tells."""
    lags = []
    for name in of_log("filing"):
        with following(settings, name) as one:
            lags.append(one.follower.lag())
    database = open_database(settings, "filing")
    try:
        # The head last, or a relay that goes on meanwhile would seem to be ahead of it.
        relayed = _relayed(database)
        return Status(head=LogReader(database).head().position, relay=relayed, consumers=lags)
    finally:
        database.close()


def _relayed(database: Database) -> Relayed:
    wanted = sa.select(relay.c.position, relay.c.leads_until).where(relay.c.name == CASE_EVENTS)
    with database.read() as connection:
        row = connection.execute(wanted).one()
    return Relayed(position=row.position, leads_until=from_micros(row.leads_until))


def _line(lag: Lag) -> str:
    oldest = f"oldest event it lacks is of {lag.oldest_unprocessed}" if lag.oldest_unprocessed else "lacks nothing"
    return f"{lag.consumer:<9} {lag.checkpoint:>8}  {oldest}; {lag.parked} parked"
